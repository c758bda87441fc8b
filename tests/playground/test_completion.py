"""Completion offers what the schema allows at a place, and nothing else."""

from __future__ import annotations

import pytest
from playground.completion import complete
from playground.page import SCHEMA


def words(text: str) -> list[str]:
    lines = text.split("\n")
    return [word["text"] for word in complete(SCHEMA, text, len(lines) - 1, len(lines[-1]))["words"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("da", ["data: "]),
        ("data: Mo", ["Moons"]),
        ("data:\n  Moons: {noi", ["noise: "]),
        ("data:\n  Moons:\n    noi", ["noise: "]),
        ("data:\n  Moons:\n    noise: 1\nlo", ["loader: ", "loss: "]),
        ("optimizer:\n  Adam: {lr: 1, we", ["weight_decay: "]),
        ("model:\n  MLP: {sizes: [1, 2], activation: t", ["tanh"]),
        ("metrics: [Acc", ["Accuracy"]),
        ("model:\n  Sequential:\n    - Linear: [2, 8]\n    - Tan", ["Tanh"]),
        ("model:\n  Sequential:\n  - Linear: [2, 8]\n  - Tan", ["Tanh"]),
        ("metrics:\n- Acc", ["Accuracy"]),
        ("model:\n  Sequential:\n    - Linear:\n        in_features: 2\n        out_f", ["out_features: "]),
        ("trainer: {compile: f", ["false"]),
        ("trainer:\n  max_", ["max_epochs: ", "max_steps: "]),
        ("nothing: x", []),
        ("data: {Moons: {noise: 0.1}}\nop", ["optimizer: "]),
    ],
)
def test_a_word_is_completed(text: str, expected: list[str]) -> None:
    assert [word for word in words(text) if word in expected or not expected] == expected
    assert all(word.lower().startswith(text.split()[-1].lstrip("{[")[:1].lower()) for word in words(text))


def test_a_class_says_what_it_is() -> None:
    found = complete(SCHEMA, "loss: MSEL", 0, 10)
    assert found["start"] == 6
    assert found["words"][0]["about"]
