from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.config import Plan, Registry, load_plan

Planner = Callable[..., Plan]


def test_a_resolved_config_spells_out_every_keyword_and_default(plan: Planner, config: str) -> None:
    assert plan(config).to_yaml() == (
        "version: 1\n"
        "name: digits\n"
        "data:\n"
        "  Digits: {root: null}\n"
        "model:\n"
        "  Sequential:\n"
        "    - Linear: {in_features: 64, out_features: 10, bias: true}\n"
        "    - ReLU\n"
        "loss:\n"
        "  CrossEntropyLoss: {label_smoothing: 0.0, weight: null}\n"
        "optimizer:\n"
        "  AdamW: {lr: 0.003, betas: [0.9, 0.999], eps: 1e-08, weight_decay: 0.01}\n"
        "seed: 0\n"
        "loader: {batch_size: 32, shuffle: true}\n"
        "metrics: []\n"
        "trainer:\n"
        "  max_epochs: 10\n"
        "  grad_clip: null\n"
        "  early_stopping: null\n"
        "  checkpoint: {monitor: val/accuracy, patience: 1}\n"
        "root: null\n"
    )


def test_origins_say_where_each_value_was_written(plan: Planner, here: Path, config: str) -> None:
    Path("base.yaml").write_text(config)
    text = plan("base: base.yaml\nseed: 5\n", "optimizer.lr=1", "data=Text").to_yaml(origins=True)
    origins = {line.split("  #")[0].strip(): line.split("# ")[1] for line in text.splitlines()}
    assert origins["name: digits"] == "base.yaml:1"
    assert origins["seed: 5"] == "mine.yaml:2"
    assert origins["lr: 1.0"] == "command line:1"
    assert origins["Text:"] == "command line:2"
    assert origins["out_features: 10"] == "base.yaml:5"
    assert origins["shuffle: true"] == "default"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["trainer.early_stopping={}"],
        ["metrics=[Accuracy, {TopK: 3}]", "trainer.grad_clip=.inf"],
        ["model.1={Branches: {named: {a: ReLU, b c: {MLP: [[1, 2]]}}, tail: [GELU], scale: 2}}"],
        ["model.1={Branches: [{}, ReLU, {Sequential: [{Sequential: [ReLU]}, {Sequential: []}]}]}"],
        ["model={GPT: [7, 8, {Linear: ['${model.n_embd}', '${data.num_features}']}]}"],
        ["data=Text", "name='a: #b'"],
        ["data={Text: {path: a/b.txt, vocab_size: 3}}", "loss={CrossEntropyLoss: {weight: [1, 2.5]}}"],
        ["name='no'", "root=''"],
        ["name='1e3'", "root='~'"],
    ],
)
@pytest.mark.parametrize("origins", [False, True])
def test_a_resolved_config_read_again_is_the_same_plan(
    plan: Planner, config: str, overrides: list[str], origins: bool
) -> None:
    planned = plan(config, *overrides)
    assert plan(planned.to_yaml(origins)).to_yaml() == planned.to_yaml()


def test_a_reference_to_a_value_is_resolved_and_one_to_the_data_stays(plan: Planner, config: str) -> None:
    text = config.replace("[64, 10]", "['${data.num_features}', '${seed}']") + "seed: 3"
    assert "- Linear: {in_features: '${data.num_features}', out_features: 3, bias: true}" in plan(text).to_yaml()


def test_a_value_of_the_environment_is_written_out(plan: Planner, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_LR", "0.5")
    planned = plan(config.replace("3e-3", '"${env:MINIGRAD_LR}"'))
    assert "lr: 0.5" in planned.to_yaml()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# each example writes its file anew, so that they may share a folder
SAME_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@SAME_FILE
@given(
    text=TEXTS | st.sampled_from(["", "no", "~", "null", "0x1", "1e5", "- a", "a: b", "a #b", ".nan", "\x7f", "\ufeff"])
)
def test_every_text_survives_being_written_and_read(here: Path, registry: Registry, text: str) -> None:
    if "${" not in text:
        assert survivor(registry, "", text) == text


@SAME_FILE
@given(number=st.floats())
def test_every_number_survives_being_written_and_read(here: Path, registry: Registry, number: float) -> None:
    again = survivor(registry, 0.0, number)
    assert again == number or (math.isnan(number) and isinstance(again, float) and math.isnan(again))


def survivor(registry: Registry, kind: object, value: object) -> object:
    def source(x: kind = value) -> object:  # type: ignore[valid-type]
        return x

    def reader(x: kind) -> object:  # type: ignore[valid-type]
        return x

    source.__annotations__ = reader.__annotations__ = {"x": type(kind)}
    Path("mine.yaml").write_text("version: 1")
    Path("mine.yaml").write_text(load_plan("mine.yaml", source, registry).to_yaml(), encoding="utf-8", newline="")
    return load_plan("mine.yaml", reader, registry).build()
