from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from minigrad.config import ConfigError, Plan, Registry, load_plan

Text = Callable[..., str]
Planner = Callable[..., Plan]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            "lr: 3e-3",
            "learning_rate: 3e-3",
            "mine.yaml:9:11: error: AdamW has no argument 'learning_rate'\n"
            "    9 |   AdamW: {learning_rate: 3e-3}\n"
            "      |           ^^^^^^^^^^^^^\n"
            "  did you mean 'lr'?  AdamW takes: lr, betas, eps, weight_decay",
        ),
        (
            "name: digits",
            "nmae: digits",
            "mine.yaml:1:1: error: a config has no key 'nmae'\n"
            "    1 | nmae: digits\n"
            "      | ^^^^\n"
            "  did you mean 'name'?  a config takes: "
            "name, data, model, loss, optimizer, seed, loader, metrics, trainer, root, base, version",
        ),
        (
            "CrossEntropyLoss",
            "CrosEntropyLoss",
            "mine.yaml:7:7: error: there is no Loss 'CrosEntropyLoss'\n"
            "    7 | loss: CrosEntropyLoss\n"
            "      |       ^^^^^^^^^^^^^^^\n"
            "  did you mean 'CrossEntropyLoss'?  known are: CrossEntropyLoss, MSELoss",
        ),
        (
            "CrossEntropyLoss",
            "Linear",
            "mine.yaml:7:7: error: Linear is a Module, but a Loss is expected\n"
            "    7 | loss: Linear\n"
            "      |       ^^^^^^\n"
            "  known are: CrossEntropyLoss, MSELoss",
        ),
        (
            "[64, 10]",
            "[64]",
            "mine.yaml:5:7: error: Linear needs 'out_features'\n"
            "    5 |     - Linear: [64]\n"
            "      |       ^^^^^^\n"
            "  Linear(in_features: int, out_features: int, bias: bool = True)",
        ),
        (
            "[64, 10]",
            "[64, 10, true, 4]",
            "mine.yaml:5:30: error: Linear takes at most 3 arguments by position, not 4\n"
            "    5 |     - Linear: [64, 10, true, 4]\n"
            "      |                              ^\n"
            "  Linear(in_features: int, out_features: int, bias: bool = True)",
        ),
        (
            "ReLU",
            "MLP: [64, 10]",
            "mine.yaml:6:17: error: MLP takes at most 1 argument by position, not 2\n"
            "    6 |     - MLP: [64, 10]\n"
            "      |                 ^^\n"
            "  MLP(sizes: list[int])\n"
            "  to give one list, write MLP: [[...]]",
        ),
        (
            "lr: 3e-3",
            "betas: [1]",
            "mine.yaml:9:18: error: 'betas' of AdamW must be a list of 2 (a number, a number), not a list of 1\n"
            "    9 |   AdamW: {betas: [1]}\n"
            "      |                  ^",
        ),
        (
            "lr: 3e-3",
            "lr: fast",
            "mine.yaml:9:15: error: 'lr' of AdamW must be a number, not the text 'fast'\n"
            "    9 |   AdamW: {lr: fast}\n"
            "      |               ^^^^\n"
            "  write a number, as in 1e-3",
        ),
        (
            "lr: 3e-3",
            "lr: [3e-3]",
            "mine.yaml:9:15: error: 'lr' of AdamW must be a number, not a list of 1\n"
            "    9 |   AdamW: {lr: [3e-3]}\n"
            "      |               ^\n"
            "  write 3e-3, without the brackets",
        ),
        (
            "[64, 10]",
            "[64.5, 10]",
            "mine.yaml:5:16: error: 'in_features' of Linear must be an integer, not the number 64.5\n"
            "    5 |     - Linear: [64.5, 10]\n"
            "      |                ^^^^\n"
            "  write 64 or 65",
        ),
        (
            "lr: 3e-3",
            "lr: 1_000",
            "mine.yaml:9:15: error: 'lr' of AdamW must be a number, not the text '1_000'\n"
            "    9 |   AdamW: {lr: 1_000}\n"
            "      |               ^^^^^\n"
            "  write 1000",
        ),
        (
            "[64, 10]",
            "[64, 10, no]",
            "mine.yaml:5:24: error: 'bias' of Linear must be true or false, not the text 'no'\n"
            "    5 |     - Linear: [64, 10, no]\n"
            "      |                        ^^\n"
            "  write true or false",
        ),
        (
            "ReLU",
            "GELU: tan",
            "mine.yaml:6:13: error: 'approximate' of GELU must be 'none' or 'tanh', not the text 'tan'\n"
            "    6 |     - GELU: tan\n"
            "      |             ^^^\n"
            "  did you mean 'tanh'?",
        ),
        (
            "ReLU",
            "torch.nn.ReLU",
            "mine.yaml:6:7: error: 'torch.nn.ReLU' is an import path, not the name of a class\n"
            "    6 |     - torch.nn.ReLU\n"
            "      |       ^^^^^^^^^^^^^\n"
            "  did you mean 'ReLU'?",
        ),
        (
            "ReLU",
            "my.layers.Rotary",
            "mine.yaml:6:7: error: 'my.layers.Rotary' is an import path, not the name of a class\n"
            "    6 |     - my.layers.Rotary\n"
            "      |       ^^^^^^^^^^^^^^^^\n"
            "  --import my makes the classes of your package known by name",
        ),
        (
            "ReLU",
            "Greedy: 3",
            "mine.yaml:6:7: error: Greedy cannot be built from a config\n"
            "    6 |     - Greedy: 3\n"
            "      |       ^^^^^^\n"
            "  it takes **kwargs, which cannot be checked: write its parameters out, annotated",
        ),
        (
            "ReLU",
            "Sloppy: 3",
            "mine.yaml:6:7: error: Sloppy cannot be built from a config\n"
            "    6 |     - Sloppy: 3\n"
            "      |       ^^^^^^\n"
            "  its parameter 'width' has no annotation: write 'width: int', or its type",
        ),
        (
            "lr: 3e-3}",
            "lr: 3e-3}\n  eps: 1",
            "mine.yaml:10:3: error: 'eps' is on the same level as 'AdamW'\n"
            "    10 |   eps: 1\n"
            "       |   ^^^\n"
            "  arguments belong inside the class: indent 'eps' one level deeper than 'AdamW'",
        ),
        (
            "  AdamW: {lr: 3e-3}",
            "  lr: 3e-3",
            "mine.yaml:9:3: error: 'optimizer' gives arguments, and no Optimizer that takes them\n"
            "    9 |   lr: 3e-3\n"
            "      |   ^\n"
            "  write the name of an Optimizer; known are: AdamW, SGD",
        ),
    ],
)
def test_a_mistake_is_shown_with_its_place_and_its_remedy(error: Text, right: str, wrong: str, said: str) -> None:
    assert error(right, wrong) == said


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("name: digits", "name: 3", "1:7: error: 'name' must be a text, not the number 3"),
        ("name: digits", "name:", "1:6: error: 'name' has no value"),
        ("data: Digits", "data:", "2:6: error: 'data' has no value"),
        ("data: Digits", "data: [Digits]", "2:7: error: 'data' must be a Dataset, not a list of 1"),
        ("data: Digits", "data: null", "2:7: error: 'data' must be a Dataset, not null"),
        ("ReLU", "relu", "6:7: error: there is no Module 'relu'\n"),
        ("ReLU", "linear: [1, 2]", "6:7: error: there is no Module 'linear'\n"),
        ("ReLU", "ReLU: 1", "6:13: error: ReLU takes no arguments by position, not 1"),
        ("ReLU", "Linear: [1.5, 2]", "6:16: error: 'in_features' of Linear must be an integer, not the number 1.5"),
        ("ReLU", "Linear: [true, 2]", "6:16: error: 'in_features' of Linear must be an integer, not true"),
        (
            "ReLU",
            "Branches: [ReLU]",
            "'named' of Branches must be a mapping of names, each to a Module, not the text 'ReLU'",
        ),
        ("ReLU", "Branches: [{a: 3}]", "6:22: error: 'a' in 'named' of Branches must be a Module, not the number 3"),
        ("lr: 3e-3", "params: []", "9:11: error: AdamW has no argument 'params'"),
        ("lr: 3e-3", "betas: [0.9, x]", "9:24: error: item 1 of 'betas' of AdamW must be a number, not the text 'x'"),
        ("loss:", "metrics: Accuracy\nloss:", "'metrics' must be a list, each item a Metric, not the text 'Accuracy'"),
        ("loss:", "trainer: {early_stop: 3}\nloss:", "did you mean 'early_stopping'?"),
        ("loss:", "trainer: {early_stopping: [a, b]}\nloss:", "'patience' of EarlyStopping must be an integer"),
        ("loss:", "loader: {DataLoader: {batch: 3}}\nloss:", "did you mean 'batch_size'?"),
        ("loss:", "loader: {Linear: 3}\nloss:", "Linear is a Module, but a DataLoader is expected"),
        ("loss:", "trainer: 3x\nloss:", "'max_epochs' of Trainer must be an integer, not the text '3x'"),
        ("  Sequential:", "  MLP: [[1]]\n  Sequential:", "'Sequential' is on the same level as 'MLP'"),
        (
            "data: Digits",
            "version: 2\ndata: Digits",
            "2:10: error: this minigrad reads version 1 of the config language",
        ),
    ],
)
def test_every_annotation_has_its_own_words(error: Text, right: str, wrong: str, said: str) -> None:
    assert said in error(right, wrong)


@pytest.mark.parametrize(
    ("right", "wrong", "remedy"),
    [
        ("Linear: [64, 10]", "Linear(64, 10)", "write Linear: [64, 10]"),
        ("Linear: [64, 10]", "Linear [64, 10]", "write Linear: [64, 10]"),
        ("Linear: [64, 10]", "nn.Linaer(64, out_features=10)", "write Linear: {name: value, ...}"),
        ("- ReLU", "- nn.ReLU()", "write ReLU"),
        ("- ReLU", "- Dropout(p=0.5)", "write Dropout: {p: 0.5}"),
        ("  AdamW: {lr: 3e-3}", "  type: adamw\n  lr: 3e-3", "write AdamW: {lr: ...}"),
        ("  AdamW: {lr: 3e-3}", "  _target_: torch.optim.AdamW", "write AdamW"),
    ],
)
def test_how_others_write_a_call_is_told_as_it_is_written_here(
    error: Text, right: str, wrong: str, remedy: str
) -> None:
    assert error(right, wrong).splitlines()[-1].endswith(remedy)


def test_values_without_brackets_are_told_to_stand_in_some(errors: Text, config: str) -> None:
    assert "write several values in brackets: [64, 10]" in errors(config.replace("[64, 10]", "64, 10"))


def test_all_errors_of_a_file_come_at_once_in_the_order_of_their_places(errors: Text, config: str) -> None:
    wrong = config.replace("Digits", "Digit").replace("[64, 10]", "[64]").replace("lr:", "lrr:").replace("ReLU", "Relu")
    lines = [line.split(":")[1] for line in errors(wrong).splitlines() if ": error: " in line]
    assert lines == ["2", "5", "6", "9"]
    assert errors(wrong).endswith("\n4 errors; nothing was run")


def test_missing_keys_are_all_named(errors: Text) -> None:
    assert errors("seed: 1").startswith(
        "mine.yaml:1:1: error: a config needs 'name', 'data', 'model', 'loss', 'optimizer'\n"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "suggestion"),
    [
        ("loss:", "trainer: {Max_epochs: 3}\nloss:", "max_epochs"),
        ("loss:", "trainer: {early_stopping: {Monitor: val/loss, patience: 3}}\nloss:", "monitor"),
        ("lr: 3e-3", "Lr: 3e-3", "lr"),
        ("lr: 3e-3", "Lr: 3e-3, eps: 1", "lr"),
        ("name: digits", "bas: other.yaml", "base"),
    ],
)
def test_a_slip_into_a_capital_is_still_a_slip(error: Text, right: str, wrong: str, suggestion: str) -> None:
    assert f"did you mean '{suggestion}'?" in error(right, wrong)


def test_a_class_that_stands_at_the_margin_is_told_where_it_belongs(errors: Text, config: str) -> None:
    said = errors(config.replace("  AdamW", "AdamW"))
    assert "a config has no key 'AdamW'" in said
    assert "AdamW is a class: write it under one of the keys, with spaces in front" in said


def test_a_misspelt_required_argument_is_one_mistake_not_two(errors: Text, config: str) -> None:
    said = errors(config.replace("[64, 10]", "{in_features: 64, out_feature: 10}"))
    assert "did you mean 'out_features'?" in said
    assert said.endswith("1 error; nothing was run")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\n\n"])
def test_an_empty_file_is_told_what_to_write(errors: Text, text: str) -> None:
    said = errors(text)
    assert said.startswith("mine.yaml:1:1: error: this config ")
    assert "write 'key: value' lines; the keys are: name, data, model, loss, optimizer" in said


def test_a_config_that_is_a_list_is_told_what_to_write(errors: Text) -> None:
    assert "a config is a mapping, not a list of 2" in errors("- a\n- b\n")


@pytest.mark.parametrize(
    "layer",
    [
        "Linear: [1, 2]",
        "Linear: {out_features: 2, in_features: 1}",
        "Linear: [1, 2, true]",
        "Linear: {in_features: 1.0, out_features: 2}",
    ],
)
def test_arguments_may_be_given_by_position_and_by_name(plan: Planner, config: str, layer: str) -> None:
    assert plan(config.replace("ReLU", layer)).build().model.layers[1].arguments == (1, 2, True)


@pytest.mark.parametrize("layer", ["ReLU", "ReLU:", "ReLU: {}", "ReLU: []", "'ReLU'"])
def test_a_class_without_arguments_may_be_written_in_any_way(plan: Planner, config: str, layer: str) -> None:
    assert type(plan(config.replace("ReLU", layer)).build().model.layers[1]).__name__ == "ReLU"


def test_a_single_argument_needs_no_brackets(plan: Planner, config: str) -> None:
    assert plan(config.replace("ReLU", "Dropout: 0.1")).build().model.layers[1].p == 0.1


def test_a_class_may_be_the_single_argument_of_another(plan: Planner, config: str) -> None:
    inner = plan(config.replace("ReLU", "Sequential: {Sequential: {Dropout: 0.2}}")).build().model.layers[1]
    assert inner.layers[0].layers[0].p == 0.2


def test_a_name_is_left_out_where_only_one_class_can_stand(plan: Planner, config: str) -> None:
    unnamed = plan(config + "trainer: {early_stopping: {patience: 3}}").build()
    named = plan(config + "trainer: {Trainer: {early_stopping: {EarlyStopping: {patience: 3}}}}").build()
    assert unnamed.trainer == named.trainer
    assert unnamed.trainer.early_stopping.patience == 3


def test_what_a_variadic_parameter_takes_may_be_named_too(plan: Planner, config: str) -> None:
    branches = (
        plan(config.replace("ReLU", "Branches: {named: {a: ReLU}, tail: [GELU, ReLU], scale: 2}"))
        .build()
        .model.layers[1]
    )
    assert [type(module).__name__ for module in branches.tail] == ["GELU", "ReLU"]
    assert branches.scale == 2.0


def test_numbers_are_given_as_the_annotation_says(plan: Planner, config: str) -> None:
    optimizer = plan(config.replace("lr: 3e-3", "lr: 1, betas: [0, 1]")).build().optimizer([])
    assert type(optimizer.lr) is float
    assert optimizer.betas == (0.0, 1.0)
    assert type(optimizer.betas) is tuple


def test_infinity_is_a_number(plan: Planner, config: str) -> None:
    assert math.isinf(plan(config + "trainer: {grad_clip: .inf}").build().trainer.grad_clip)


def test_checking_builds_nothing(plan: Planner, config: str, built: list[str]) -> None:
    plan(config)
    assert built == []


def test_a_union_is_read_as_the_option_that_suits(here: Path, registry: Registry) -> None:
    def run(x: int | str | list[int] | tuple[str, str] | dict[str, int]) -> object:
        return x

    def value(text: str) -> object:
        Path("mine.yaml").write_text(f"x: {text}")
        return load_plan("mine.yaml", run, registry).build()

    assert [value(text) for text in ("3", "a", "[1, 2, 3]", "[a, b]", "{a: 1}")] == [
        3,
        "a",
        [1, 2, 3],
        ("a", "b"),
        {"a": 1},
    ]
    with pytest.raises(ConfigError, match="'x' must be an integer, a text, a list"):
        value("1.5")


def test_an_argument_that_only_python_can_give_is_refused(here: Path, registry: Registry) -> None:
    def run(hook: object = "none") -> None:
        pass

    Path("mine.yaml").write_text("hook: 3")
    with pytest.raises(ConfigError, match="'hook' is annotated object, which a config cannot write"):
        load_plan("mine.yaml", run, registry)


def test_a_value_alone_is_the_first_argument_if_it_fits_also_where_it_fits_later_ones(
    plan: Planner, errors: Text, config: str
) -> None:
    assert plan(config + "trainer: 3\n").build().trainer.max_epochs == 3
    assert "write {grad_clip: 0.5}" in errors(config + "trainer: 0.5\n")
