from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minigrad.config import ConfigError, Plan, Registry, json_schema
from minigrad.config.diagnostics import Diagnostics, Source
from minigrad.config.nodes import data
from minigrad.config.reader import read

jsonschema = pytest.importorskip("jsonschema", reason="the schema is tested against the reference validator")

Planner = Callable[..., Plan]


@pytest.fixture
def is_valid(registry: Registry, experiment: type) -> Callable[[str], bool]:
    schema = json_schema(experiment, registry)
    jsonschema.Draft7Validator.check_schema(schema)
    validator: Any = jsonschema.Draft7Validator(schema)

    def is_valid(text: str) -> bool:
        return bool(validator.is_valid(data(read(Source("mine.yaml", text), text, Diagnostics()))))

    return is_valid


RIGHT = [
    ("ReLU", "ReLU:"),
    ("ReLU", "Dropout: 0.1"),
    ("ReLU", "Sequential: [ReLU, {Sequential: [{Linear: [1, 2]}]}]"),
    ("ReLU", "Branches: [{a: ReLU}, GELU]"),
    ("ReLU", "GELU: tanh"),
    ("[64, 10]", "['${data.num_features}', 10]"),
    ("[64, 10]", "{out_features: 1, in_features: 1e3}"),
    ("lr: 3e-3", "betas: [0, 1]"),
    ("loss:", "trainer: {early_stopping: {patience: 3}}\nloss:"),
    ("loss:", "trainer: {early_stopping: val/loss}\nloss:"),
    ("loss:", "metrics: [Accuracy, {TopK: 3}]\nloss:"),
    ("loss:", "loader: {DataLoader: {batch_size: 3}}\nloss:"),
    ("name:", "version: 1\nname:"),
]
WRONG = [
    ("name:", "nmae:"),
    ("name: digits", "name: 3"),
    ("ReLU", "Relu"),
    ("ReLU", "CrossEntropyLoss"),
    ("ReLU", "Dropout: high"),
    ("ReLU", "GELU: tan"),
    ("ReLU", "MLP: [64, 10]"),
    ("ReLU", "Linear: [1, 2, true, 4]"),
    ("ReLU", "Sloppy: 3"),
    ("lr: 3e-3", "lrr: 3e-3"),
    ("lr: 3e-3", "lr: [1]"),
    ("lr: 3e-3", "betas: [0]"),
    ("  AdamW: {lr: 3e-3}", "  adamw: {lr: 3e-3}"),
    ("loss:", "trainer: {max_epoch: 3}\nloss:"),
    ("loss:", "metrics: Accuracy\nloss:"),
    ("name:", "version: 2\nname:"),
]


@pytest.mark.parametrize(("right", "other"), RIGHT)
def test_what_a_plan_accepts_the_schema_accepts(
    plan: Planner, is_valid: Callable[[str], bool], config: str, right: str, other: str
) -> None:
    text = config.replace(right, other)
    plan(text)
    assert is_valid(text)


@pytest.mark.parametrize(("right", "wrong"), WRONG)
def test_what_the_schema_underlines_is_wrong(
    plan: Planner, is_valid: Callable[[str], bool], config: str, right: str, wrong: str
) -> None:
    text = config.replace(right, wrong)
    with pytest.raises(ConfigError):
        plan(text)
    assert not is_valid(text)


def test_with_a_base_arguments_may_stand_alone(
    plan: Planner, is_valid: Callable[[str], bool], here: Path, config: str
) -> None:
    Path("base.yaml").write_text(config)
    text = "base: base.yaml\noptimizer: {lr: 1}\n"
    plan(text)
    assert is_valid(text)


def test_a_resolved_config_is_valid(plan: Planner, is_valid: Callable[[str], bool], config: str) -> None:
    assert is_valid(plan(config).to_yaml())


def test_the_schema_shows_defaults_and_what_classes_are(registry: Registry, experiment: type) -> None:
    schema = json_schema(experiment, registry)
    assert schema["title"] == "What a run is."
    assert schema["properties"]["seed"]["default"] == 0
    assert "Sloppy" not in str(schema["definitions"]["Module"])
