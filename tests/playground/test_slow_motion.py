"""Slow motion shows what the engine computes, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from playground.session import Session
from playground.slow_motion import slow_motion


def slow(session: Session) -> dict:
    inputs, targets = session.shown_example()
    others = session.experiment.data.train.inputs[:64]
    return slow_motion(session.chain, session.experiment.loss, inputs, targets, others).numbers()


@pytest.mark.parametrize(
    "preset", ["xor", "moons", "circles", "spirals", "sunny_day", "weighted_sum", "three_three_one"]
)
@pytest.mark.parametrize("steps", [0, 20])
def test_values_and_gradients_are_those_of_tensors(preset: str, steps: int, presets: dict[str, str]) -> None:
    session = Session(presets[preset])
    session.advance(60, steps)
    numbers, gradients = slow(session), session.gradients()
    answers = session.chain.answers(session.shown_example()[0])
    assert numbers["loss"] == pytest.approx(gradients["loss"], rel=1e-4)
    for i, layer in enumerate(numbers["layers"]):
        np.testing.assert_allclose(layer["values"], answers[i][0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(np.ravel(layer["weight_gradients"]), gradients["weights"][i], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(layer["bias_gradients"], gradients["biases"][i], rtol=1e-3, atol=1e-6)


def test_a_loss_over_classes_is_followed_too(presets: dict[str, str]) -> None:
    text = presets["moons"].replace(", targets: binary", "").replace("8, 1]", "8, 2]")
    session = Session(text.replace("BCEWithLogitsLoss", "CrossEntropyLoss"))
    assert slow(session)["loss"] == pytest.approx(session.gradients()["loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("tanh", "gelu"), "activations"),
        (("[2, 8, 8, 1]", "[2, 64, 64, 1]"), "weights"),
        (("BCEWithLogitsLoss", "HuberLoss"), "losses"),
    ],
)
def test_what_scalar_cannot_follow_is_said(change: tuple[str, str], part: str, presets: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=part):
        slow(Session(presets["moons"].replace(*change)))
