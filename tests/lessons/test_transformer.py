"""Lesson 5: its softmax, what its mask hides, and what a GPT of 300 steps already holds."""

from itertools import permutations
from math import exp
from string import ascii_lowercase, ascii_uppercase

import numpy as np
import pytest

import minigrad
from docs.lessons import transformer
from minigrad import Tensor, no_grad, ops
from minigrad.nn import PositionalEncoding

CONFIG = transformer.HOME / "configs" / "char_gpt.yaml"


def begun(*overrides):
    return minigrad.load(CONFIG, overrides, home=transformer.HOME)


def analogies(among):
    """Return the numbers of correct and of all analogies "a is to A as b is to what?", for all pairs of letters.

    The answer is the nearest character to A - a + b that is not in the question.
    """
    questions = list(permutations(ascii_lowercase, 2))
    right = 0
    for a, b in questions:
        a_capital, b_capital = a.upper(), b.upper()
        asked = among[a_capital] - among[a] + among[b]
        right += transformer.nearest(asked, among, exclude=a + a_capital + b)[0] == b_capital
    return right, len(questions)


def own_capitals(among):
    """Return the number of letters whose nearest capital is their own."""
    capitals = {letter: among[letter] for letter in ascii_uppercase}
    return sum(transformer.nearest(among[letter], capitals)[0] == letter.upper() for letter in ascii_lowercase)


@pytest.fixture(scope="module")
def untrained():
    return begun()


@pytest.fixture(scope="module")
def learned():
    experiment = begun("data.block_size=32", "trainer.max_steps=300", "schedule.warmup_steps=20")
    experiment.fit()
    return experiment


def test_the_softmax_of_2_4_and_5():
    scores = np.array([2.0, 4.0, 5.0])
    np.testing.assert_allclose(ops.softmax(scores), [0.0351, 0.2595, 0.7054], atol=5e-5)
    np.testing.assert_allclose(ops.softmax(scores), [exp(s) / (exp(2) + exp(4) + exp(5)) for s in scores])


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(0.5, [0.0022, 0.1189, 0.8789]), (1, [0.0351, 0.2595, 0.7054]), (2, [0.122, 0.3315, 0.5465])],
)
def test_a_temperature_is_a_power_of_the_odds(temperature, expected):
    shares = ops.softmax(np.array([2.0, 4.0, 5.0]) / temperature)
    np.testing.assert_allclose(shares, expected, atol=5e-5)
    np.testing.assert_allclose(shares[2] / shares[0], exp(3) ** (1 / temperature))


def test_a_low_temperature_gives_all_to_the_largest_score_and_a_high_one_to_each_the_same():
    scores = np.array([2.0, 4.0, 5.0])
    np.testing.assert_allclose(ops.softmax(scores / 0.05), [0, 0, 1], atol=1e-8)
    np.testing.assert_allclose(ops.softmax(scores / 1e6), [1 / 3] * 3, atol=1e-5)


def test_the_places_of_the_waves_are_less_alike_the_further_they_are_apart():
    waves = PositionalEncoding(128)(Tensor(np.zeros((64, 128)))).data
    np.testing.assert_allclose((waves**2).sum(axis=1), 64, rtol=1e-6)  # 64 times sin² + cos²
    np.testing.assert_allclose(waves[20, 2:4], [np.sin(20 / 10000 ** (1 / 64)), np.cos(20 / 10000 ** (1 / 64))])
    alike = waves[0] @ waves[:5].T
    assert (np.diff(alike) < 0).all()
    np.testing.assert_allclose(waves[30] @ waves[30:35].T, alike)


def test_the_scores_of_the_heads_become_the_weights_of_the_model_behind_mask_and_softmax(untrained):
    tokens = untrained.data.encode("class")
    scores = transformer.head_scores(untrained.model, tokens)
    hidden = np.triu(np.ones((5, 5), bool), k=1)
    weights = transformer.attention_weights(untrained.model, tokens)
    np.testing.assert_allclose(ops.softmax(np.where(hidden, -np.inf, scores)), weights[0], rtol=1e-5, atol=1e-7)
    assert weights.shape == (2, 4, 5, 5)
    assert (weights[..., hidden] == 0).all()
    assert (weights[..., ~hidden] > 0).all()


def test_what_follows_has_probabilities_with_the_sum_1_that_a_low_temperature_gathers(untrained):
    cold, warm = (transformer.probabilities(untrained, "the ", temperature) for temperature in (0.5, 2))
    for after in (cold, warm):
        assert sum(after.values()) == pytest.approx(1)
        assert list(after.values()) == sorted(after.values(), reverse=True)
    assert next(iter(cold.values())) > next(iter(warm.values()))


def test_the_nearest_is_the_one_with_the_largest_product():
    among = {"x": np.array([1.0, 0]), "y": np.array([0.6, 0.8]), "z": np.array([-1.0, 0])}
    assert transformer.nearest(np.array([1.0, 0]), among) == "xyz"
    assert transformer.nearest(np.array([-1.0, 1]), among, exclude="z") == "yx"


def test_all_analogies_hold_where_capitals_are_one_step_away_and_hardly_one_where_nothing_was_learned(untrained):
    axes = np.eye(27)
    exact = {letter: axes[i] for i, letter in enumerate(ascii_lowercase)}
    exact |= {letter.upper(): vector + axes[26] for letter, vector in exact.items()}
    assert analogies(exact) == (650, 650)
    right, asked = analogies(transformer.directions(untrained))
    assert asked == 26 * 25
    assert right < 40


def test_a_piece_has_the_mean_loss_of_all_its_beginnings_and_the_mean_of_their_gradients(untrained):
    model, tokens = untrained.model, untrained.data.encode("the class")
    inputs, targets = tokens[:-1], tokens[1:]
    model.zero_grad()
    at_once = untrained.loss(model(inputs), targets)
    at_once.backward()
    together = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    alone = [untrained.loss(model(inputs[: i + 1])[-1:], targets[i : i + 1]) for i in range(len(inputs))]
    for loss in alone:
        loss.backward()
    assert at_once.item() == pytest.approx(np.mean([loss.item() for loss in alone]), rel=1e-5)
    for gradient, parameter in zip(together, model.parameters(), strict=True):
        np.testing.assert_allclose(gradient, parameter.grad / len(alone), rtol=1e-3, atol=1e-6)


@pytest.mark.slow
class TestAfter300Steps:
    def test_vowels_are_near_vowels(self, learned):
        of = transformer.directions(learned)
        letters = {letter: of[letter] for letter in ascii_lowercase}
        neighbors = [set(transformer.nearest(of[vowel], letters, exclude=vowel)[:4]) for vowel in "aeiou"]
        assert sum(len(four & set("aeiou")) for four in neighbors) >= 14  # of 20, where chance gives 3

    def test_many_more_analogies_hold_than_by_chance(self, learned):
        right, asked = analogies(transformer.directions(learned))
        assert right / asked > 0.1

    def test_more_capitals_are_nearest_to_their_own_letter_than_by_chance(self, learned):
        assert own_capitals(transformer.directions(learned)) >= 5

    def test_the_first_block_looks_nearer_than_the_second(self, learned):
        weights = transformer.attention_weights(learned.model, learned.data.val.inputs[:50])
        last_six = np.stack([weights[..., i, i - 5 : i + 1].sum(axis=-1) for i in range(20, 32)])
        first, second = last_six.mean(axis=(0, 2)).mean(axis=-1)
        assert first > 1.5 * second

    def test_s_is_among_the_likeliest_characters_after_cla(self, learned):
        assert "s" in list(transformer.probabilities(learned, "the cla", 1))[:3]

    def test_every_picture_can_be_drawn(self, learned, monkeypatch, tmp_path):
        pytest.importorskip("matplotlib", reason="pictures need matplotlib")
        from docs.lessons.figures.transformer import PICTURES

        monkeypatch.setattr(transformer, "trained", lambda: learned)
        for picture in PICTURES:
            path = picture().save(tmp_path, svg=True)
            assert path.name == f"5_{picture.__name__}.svg"
            assert path.stat().st_size > 10_000


def test_a_model_that_sees_later_tokens_copies_what_it_has_to_tell_and_knows_nothing_where_none_follows():
    experiment = begun("model.n_layer=1", "data.block_size=16", "trainer.max_steps=150", "schedule.warmup_steps=20")

    def hide_earlier(layer, args, kwargs):
        return args, {**kwargs, "attn_mask": np.tri(args[0].shape[-2], k=-1, dtype=bool)}

    experiment.model.h[0].attn.is_causal = False
    experiment.model.h[0].attn.register_forward_pre_hook(hide_earlier, with_kwargs=True)
    experiment.fit()
    with no_grad():
        told = experiment.model(Tensor(experiment.data.val.inputs)).data.argmax(axis=-1) == experiment.data.val.targets
    assert told[:, :-1].mean() > 0.9
    assert told[:, -1].mean() < 0.4
