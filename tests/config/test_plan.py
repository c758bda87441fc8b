from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from minigrad.config import ConfigError, Plan, Registry, load_plan

Planner = Callable[..., Plan]


class Table:
    def __init__(self, size: int) -> None:
        self.values = np.empty(size)


@dataclass
class WithTable:
    table: Table


def test_building_calls_the_signature_with_what_the_config_says(plan: Planner, config: str, experiment: type) -> None:
    built = plan(config).build()
    assert type(built) is experiment
    assert built.name == "digits"
    assert built.seed == 0
    assert built.model.layers[0].arguments == (64, 10, True)


def test_an_open_object_is_made_of_what_the_run_supplies(plan: Planner, config: str) -> None:
    built = plan(config + "loader: {batch_size: 7}").build()
    parameters = [1, 2, 3]
    optimizer, loader = built.optimizer(parameters), built.loader("examples")
    assert optimizer.params is parameters
    assert (loader.examples, loader.batch_size, loader.shuffle) == ("examples", 7, True)


def test_an_open_object_that_the_file_leaves_out_has_its_defaults(plan: Planner, config: str) -> None:
    assert plan(config).build().loader("examples").batch_size == 32


def test_each_build_makes_new_objects(plan: Planner, config: str) -> None:
    planned = plan(config)
    assert planned.build().model is not planned.build().model


def test_parts_are_built_in_the_order_of_the_signature(plan: Planner, config: str, built: list[str]) -> None:
    plan(config).build()
    assert built == ["Digits", "Linear", "ReLU", "Sequential", "CrossEntropyLoss"]


def test_what_is_referred_to_is_built_first(here: Path, registry: Registry, built: list[str]) -> None:
    def run(model: object, data: object) -> None:
        pass

    run.__annotations__ = {"model": registry.kinds["Module"], "data": registry.kinds["Dataset"]}
    Path("mine.yaml").write_text("model: {Linear: ['${data.num_features}', 1]}\ndata: Digits\n")
    load_plan("mine.yaml", run, registry).build()
    assert built == ["Digits", "Linear"]


def test_values_can_be_looked_up_before_anything_is_built(plan: Planner, config: str, built: list[str]) -> None:
    planned = plan(config)
    assert planned["seed"] == 0
    assert planned["optimizer.lr"] == 0.003
    assert planned["optimizer.betas"] == (0.9, 0.999)
    assert planned["optimizer.betas.1"] == 0.999
    assert planned["model"].__name__ == "Sequential"
    assert planned["model.0.out_features"] == 10
    assert planned["trainer.early_stopping"] is None
    assert built == []


@pytest.mark.parametrize("path", ["sed", "optimizer.lrr", "model.7", "model.0.0", "", "seed.x"])
def test_a_path_that_leads_nowhere_is_a_key_error(plan: Planner, config: str, path: str) -> None:
    with pytest.raises(KeyError):
        plan(config)[path]


def test_what_only_the_data_knows_cannot_be_looked_up(plan: Planner, config: str) -> None:
    planned = plan(config.replace("[64, 10]", "['${data.num_features}', 10]"))
    with pytest.raises(KeyError, match="not known before it is built"):
        planned["model.0.in_features"]


def test_a_class_that_refuses_its_arguments_is_shown_in_the_config(plan: Planner, config: str) -> None:
    planned = plan(config.replace("ReLU", "Dropout: 1.5"))
    with pytest.raises(ConfigError) as caught:
        planned.build()
    assert str(caught.value) == (
        "mine.yaml:6:7: error: Dropout: p is a probability, from 0 to 1, got 1.5\n"
        "    6 |     - Dropout: 1.5\n"
        "      |       ^^^^^^^\n"
        "  Dropout(p: float = 0.5)\n"
        "1 error; nothing was run"
    )
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_open_object_that_refuses_its_arguments_is_shown_too(plan: Planner, config: str) -> None:
    optimizer = plan(config.replace("lr: 3e-3", "lr: -1")).build().optimizer
    with pytest.raises(ConfigError, match=r"mine\.yaml:9:3: error: AdamW: lr must not be negative, got -1\.0"):
        optimizer([])


def test_a_refused_argument_is_shown_in_the_override_that_gives_it(plan: Planner, config: str) -> None:
    optimizer = plan(config, "seed=1", "optimizer.lr=-1").build().optimizer
    with pytest.raises(ConfigError) as caught:
        optimizer([])
    assert str(caught.value).startswith(
        "command line:2:14: error: AdamW: lr must not be negative, got -1.0\n"
        "    2 | optimizer.lr=-1\n"
        "      |              ^^\n"
    )


def test_a_refused_argument_is_shown_in_the_file_that_gives_it_over_its_base(plan: Planner, config: str) -> None:
    Path("base.yaml").write_text(config)
    with pytest.raises(ConfigError, match=r"mine\.yaml:2:17: error: AdamW: lr must not be negative"):
        plan("base: base.yaml\noptimizer: {lr: -1}").build().optimizer([])


def test_an_override_beside_the_refused_argument_is_not_to_blame(plan: Planner, config: str) -> None:
    optimizer = plan(config.replace("lr: 3e-3", "lr: -1"), "optimizer.eps=1e-7").build().optimizer
    with pytest.raises(ConfigError, match=r"mine\.yaml:9:3: error: AdamW: lr must not be negative"):
        optimizer([])


def test_an_error_that_names_no_argument_is_shown_in_the_override_of_its_layer(plan: Planner, config: str) -> None:
    error = plan(config, "model.0.out_features=7").error("model.0", "expected rows of 10, got 7")
    assert str(error).startswith("command line:1:22: error: expected rows of 10, got 7\n")


def test_an_error_found_later_points_to_the_line_of_the_layer(plan: Planner, config: str) -> None:
    error = plan(config).error("model.0", "layer '0' (Linear): expected 64 features, got 32", "change in_features")
    assert str(error) == (
        "mine.yaml:5:7: error: layer '0' (Linear): expected 64 features, got 32\n"
        "    5 |     - Linear: [64, 10]\n"
        "      |       ^^^^^^\n"
        "  change in_features\n"
        "1 error; nothing was run"
    )


def test_an_error_within_what_the_config_does_not_say_points_to_what_holds_it(plan: Planner, config: str) -> None:
    planned = plan(config)
    assert str(planned.error("model.0.blocks.3", "wrong")).startswith("mine.yaml:5:7: error: wrong")
    assert str(planned.error("trainer.checkpoint.monitor", "wrong")).startswith("mine.yaml:1:1: error: wrong")


def test_an_error_points_to_the_override_that_caused_it(plan: Planner, config: str) -> None:
    planned = plan(config, "trainer.early_stopping.monitor=val/f1")
    assert str(planned.error("trainer.early_stopping.monitor", "val/f1 is not measured")).startswith(
        "command line:1:32: error: val/f1 is not measured\n    1 | trainer.early_stopping.monitor=val/f1\n"
    )


def test_a_default_that_no_config_can_say_is_pythons_own(here: Path, registry: Registry) -> None:
    marker = object()

    @dataclass
    class Run:
        seed: int
        hook: object = marker

    Path("mine.yaml").write_text("seed: 1")
    assert load_plan("mine.yaml", Run, registry).build().hook is marker


def test_a_config_of_two_hundred_layers_is_built(plan: Planner, config: str) -> None:
    layers = "    - Linear: [64, 64]\n    - ReLU\n" * 100
    built = plan(config.replace("    - Linear: [64, 10]\n    - ReLU\n", layers)).build()
    assert len(built.model.layers) == 200


def test_one_key_can_be_built_alone_with_what_it_refers_to(plan: Planner, config: str, built: list[str]) -> None:
    planned = plan(config.replace("64, 10", "'${data.num_features}', 10"))
    assert planned.build("model").layers[0].arguments == (64, 10, True)
    assert built == ["Digits", "Linear", "ReLU", "Sequential"]


def test_what_finds_no_memory_is_an_error_with_its_place(here: Path, registry: Registry) -> None:
    Path("mine.yaml").write_text("table: {size: 100000000000000000}")
    with pytest.raises(ConfigError) as caught:
        load_plan("mine.yaml", WithTable, registry).build()
    assert str(caught.value).startswith("mine.yaml:1:8: error: Table: Unable to allocate ")


def test_what_is_given_stands_for_what_would_be_built(plan: Planner, config: str, built: list[str]) -> None:
    planned = plan(config.replace("64, 10", "'${data.num_features}', 10"))
    data = planned.build("data")
    assert planned.build(given={"data": data}).data is data
    assert built.count("Digits") == 1
