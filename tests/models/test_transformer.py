import numpy as np
import pytest

from minigrad import Tensor, nn, optim
from minigrad.engine import random
from models.transformer import Transformer

TOKENS = np.random.default_rng(0).integers(0, 6, (5, 7))


def model():
    random.seed(0)
    return Transformer(6, 4, 3, d_model=16, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)


def test_each_place_of_the_answer_has_a_score_for_each_token():
    assert model()(Tensor(TOKENS)).shape == (5, 3, 6)


def test_a_score_is_made_of_the_whole_source_and_of_what_is_written_so_far():
    transformer = model()
    before = transformer(Tensor(TOKENS)).data
    for place in range(7):
        changed = TOKENS.copy()
        changed[:, place] = (changed[:, place] + 1) % 6
        after = transformer(Tensor(changed)).data
        first = max(place - 4, 0)
        np.testing.assert_array_equal(after[:, :first], before[:, :first])
        assert not np.any(np.all(after[:, first:] == before[:, first:], axis=-1))


def test_the_places_of_the_source_count():
    transformer = model()
    backwards = np.concatenate([TOKENS[:, 3::-1], TOKENS[:, 4:]], axis=1)
    assert not np.array_equal(transformer(Tensor(backwards)).data, transformer(Tensor(TOKENS)).data)


def test_it_learns_to_answer():
    transformer = model()
    source = np.random.default_rng(1).integers(0, 5, (64, 4))
    answer = source[:, :0:-1]
    tokens = np.concatenate([source, np.full((64, 1), 5), answer[:, :-1]], axis=1)
    optimizer, criterion = optim.AdamW(transformer.parameters(), lr=1e-2), nn.CrossEntropyLoss(axis=-1)
    for _ in range(120):
        optimizer.zero_grad()
        criterion(transformer(Tensor(tokens)), answer).backward()
        optimizer.step()
    assert np.mean(transformer.eval().answer(Tensor(source)) == answer) > 0.98


def test_another_number_of_tokens_is_refused():
    with pytest.raises(ValueError, match=r"expected \(N, 7\), 4 tokens of the source, got \(5, 6\)"):
        model()(Tensor(TOKENS[:, 1:]))


def test_sequences_have_lengths():
    with pytest.raises(ValueError, match="target_length must be at least 1, got 0"):
        Transformer(6, 4, 0)
