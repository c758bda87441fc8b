"""What language models share: how they write."""

import numpy as np
import pytest

from minigrad.engine import random
from minigrad.nn.generation import draw, penalized
from models.gpt import GPT


@pytest.fixture
def model():
    random.seed(0)
    return GPT(11, 16, 1, 1, 8).eval()


def test_what_follows_is_written_up_to_a_token_that_ends_the_text(model):
    whole = list(model.generate([1, 2], 12, top_k=1))
    end = whole[5]
    assert list(model.generate([1, 2], 12, top_k=1, end={end})) == whole[: whole.index(end)]


def test_a_penalty_makes_worse_what_was_there():
    scores = np.array([3.0, -2.0, 1.0, -1.0], np.float32)
    np.testing.assert_array_equal(penalized(scores, [0, 1, 0], 2.0), [1.5, -4, 1, -1])
    np.testing.assert_array_equal(penalized(scores, [0, 1], 1.0), scores)
    np.testing.assert_array_equal(scores, [3, -2, 1, -1])


@pytest.mark.parity
def test_a_penalty_is_that_of_hugging_face():
    torch = pytest.importorskip("torch", reason="parity with Hugging Face needs torch")
    transformers = pytest.importorskip("transformers", reason="parity with Hugging Face needs transformers")
    scores, seen = np.random.default_rng(0).normal(size=50).astype(np.float32), [3, 7, 7, 20]
    theirs = transformers.RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([seen]), torch.tensor(scores)[None])
    np.testing.assert_allclose(penalized(scores, seen, 1.3), theirs[0].numpy(), rtol=1e-6)


def test_the_best_few_are_those_of_the_whole_order_and_of_equals_the_first():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 5, 200).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    for count in (1, 7, 60, 200, 300):
        drawn = {draw(scores, 1e6, count, None, generator) for _ in range(3000)}
        assert drawn <= set(order[:count].tolist())
    assert draw(scores, 1.0, 1, None, generator) == order[0]


def test_weights_that_are_not_finite_are_told_rather_than_drawn_from(model):
    model.ln_f.weight.data[0] = np.nan
    with pytest.raises(ValueError, match="the scores of the next token are no numbers: weights of this model are not"):
        list(model.generate([1], 3))
