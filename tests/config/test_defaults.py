"""Defaults of a parameter, and what a config changes of them; hints, and where there are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from minigrad.config import Plan
from tests.config.conftest import EarlyStopping

Planner = Callable[..., Plan]
Text = Callable[..., str]


def test_what_a_config_leaves_out_of_a_default_stays_as_it_is(plan: Planner, config: str) -> None:
    trainer = plan(config + "trainer: {checkpoint: {patience: 3}}\n").build().trainer
    assert trainer.checkpoint == EarlyStopping("val/accuracy", patience=3)
    assert trainer.early_stopping is None
    assert trainer.max_epochs == 10


def test_a_default_that_is_a_class_can_be_given_arguments(plan: Planner, config: str) -> None:
    loader = plan(config + "loader: {batch_size: 8}\n").build().loader([1])
    assert (loader.batch_size, loader.shuffle) == (8, True)
    assert plan(config).build().loader([1]).batch_size == 32


@pytest.mark.parametrize(("length", "is_shown"), [(39, True), (40, False)])
def test_a_list_of_one_is_shown_unless_it_is_long(error: Text, length: int, is_shown: bool) -> None:
    text = "a" * length
    said = error("ReLU", f"MLP: {{sizes: {text}}}")
    assert (f"write [{text}]" in said) is is_shown


def test_a_value_that_only_resembles_a_class_is_no_class(error: Text) -> None:
    for name in ("Lineal", "sideways"):
        said = error("  Sequential:\n    - Linear: [64, 10]\n    - ReLU", f"  form: {name}\n  width: 3")
        assert "'model' gives arguments, and no Module that takes them" in said
        assert "stands in front" not in said
