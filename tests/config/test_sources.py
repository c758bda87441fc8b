from __future__ import annotations

import cProfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minigrad.config import ConfigError, Plan

Text = Callable[..., str]
Planner = Callable[..., Plan]


@pytest.fixture
def base(here: Path, config: str) -> Path:
    """A right config to inherit from."""
    Path("base.yaml").write_text(config)
    return Path("base.yaml")


def test_a_config_inherits_what_it_does_not_say(plan: Planner, base: Path) -> None:
    planned = plan("base: base.yaml\nname: mine\n")
    assert planned["name"] == "mine"
    assert planned["optimizer.lr"] == 0.003


def test_the_same_class_merges_its_arguments(plan: Planner, base: Path) -> None:
    planned = plan("base: base.yaml\noptimizer:\n  AdamW: {eps: 1.0}\n")
    assert (planned["optimizer.lr"], planned["optimizer.eps"]) == (0.003, 1.0)


def test_another_class_replaces_all_arguments(plan: Planner, base: Path) -> None:
    optimizer = plan("base: base.yaml\noptimizer: SGD\n").build().optimizer([])
    assert type(optimizer).__name__ == "SGD"
    assert optimizer.lr == 0.001


def test_arguments_alone_go_to_the_class_that_stands_there(plan: Planner, base: Path) -> None:
    planned = plan("base: base.yaml\noptimizer: {eps: 1.0}\n")
    assert planned["optimizer"].__name__ == "AdamW"
    assert (planned["optimizer.lr"], planned["optimizer.eps"]) == (0.003, 1.0)


def test_positional_arguments_are_named_before_they_merge(plan: Planner, here: Path, config: str) -> None:
    Path("base.yaml").write_text(
        config.replace("  Sequential:\n    - Linear: [64, 10]\n    - ReLU\n", "  Linear: [64, 10]\n")
    )
    assert plan("base: base.yaml\nmodel: {Linear: {out_features: 3}}").build().model.arguments == (64, 3, True)
    assert plan("base: base.yaml\nmodel: {Linear: [32]}").build().model.arguments == (32, 10, True)


def test_a_list_of_layers_replaces_a_list_of_layers(plan: Planner, base: Path) -> None:
    assert len(plan("base: base.yaml\nmodel: {Sequential: [ReLU, ReLU, ReLU]}").build().model.layers) == 3


def test_mappings_of_names_merge(plan: Planner, here: Path, config: str) -> None:
    Path("base.yaml").write_text(config.replace("ReLU", "Branches: [{a: ReLU, b: {Dropout: 0.1}}]"))
    branches = plan("base: base.yaml\n", "model.1.named.b.p=0.2", "model.1.named.c=GELU").build().model.layers[1].named
    assert [type(module).__name__ for module in branches.values()] == ["ReLU", "Dropout", "GELU"]
    assert branches["b"].p == 0.2


def test_bases_have_bases_and_are_relative_to_their_own_folder(plan: Planner, here: Path, config: str) -> None:
    Path("shared").mkdir()
    Path("shared/first.yaml").write_text(config)
    Path("shared/second.yaml").write_text("base: first.yaml\nseed: 2\n")
    planned = plan("base: shared/second.yaml\nname: mine\n")
    assert (planned["name"], planned["seed"], planned["optimizer.lr"]) == ("mine", 2, 0.003)


def test_an_error_points_to_the_base_that_made_it(errors: Text, here: Path, config: str) -> None:
    Path("base.yaml").write_text(config.replace("lr: 3e-3", "lr: fast"))
    assert errors("base: base.yaml\n").startswith("base.yaml:9:15: error: 'lr' of AdamW must be a number")


def test_what_neither_file_says_is_missing_in_the_one_that_is_run(errors: Text, here: Path, config: str) -> None:
    Path("base.yaml").write_text(config.replace("loss: CrossEntropyLoss\n", ""))
    assert errors("base: base.yaml\n", "seed=1").startswith("mine.yaml:1:1: error: a config needs 'loss'\n")


def test_an_inherited_mistake_that_is_written_over_is_none(plan: Planner, here: Path, config: str) -> None:
    Path("base.yaml").write_text(config.replace("lr: 3e-3", "lr: fast"))
    assert plan("base: base.yaml\noptimizer: {AdamW: {lr: 1}}\n")["optimizer.lr"] == 1.0


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("nowhere.yaml", "mine.yaml:1:7: error: nowhere.yaml does not exist\n"),
        ("/etc/passwd", "mine.yaml:1:7: error: 'base' must be a relative path\n"),
        ("[a, b]", "mine.yaml:1:7: error: 'base' must be the path of a config, not a list of 2\n"),
        ('"a\\0b"', "mine.yaml:1:7: error: 'base' must be the path of a config"),
        ("x" * 300, "mine.yaml:1:7: error: xxx"),
        ("''", "mine.yaml:1:7: error: . is not a file"),
        ("3", "mine.yaml:1:7: error: 'base' must be the path of a config, not the number 3\n"),
    ],
)
def test_a_base_that_is_none_is_refused(errors: Text, base: str, said: str) -> None:
    assert errors(f"base: {base}\nname: x\n").startswith(said)


def test_a_loop_of_bases_is_shown(errors: Text, here: Path) -> None:
    Path("a.yaml").write_text("base: b.yaml\n")
    Path("b.yaml").write_text("base: ./mine.yaml\n")
    assert errors("base: a.yaml\n").startswith(
        "b.yaml:1:7: error: these bases form a cycle\n"
        "    1 | base: ./mine.yaml\n"
        "      |       ^^^^^^^^^^^\n"
        "  mine.yaml -> a.yaml -> b.yaml -> mine.yaml\n"
    )


def test_bases_are_at_most_eight_deep(plan: Planner, errors: Text, here: Path, config: str) -> None:
    Path("8.yaml").write_text(config)
    for i in range(8):
        Path(f"{i}.yaml").write_text(f"base: {i + 1}.yaml\n")
    assert plan("base: 1.yaml")["name"] == "digits"
    assert "bases are more than 8 deep" in errors("base: 0.yaml")


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=3", "seed", 3),
        ("--seed=3", "seed", 3),
        ("-seed=3", "seed", 3),
        ("optimizer.lr=1e-3", "optimizer.lr", 1e-3),
        ("optimizer.AdamW.lr=1e-3", "optimizer.lr", 1e-3),
        ("optimizer.betas=[0.5, 0.6]", "optimizer.betas", (0.5, 0.6)),
        ("optimizer.betas.0=0.5", "optimizer.betas", (0.5, 0.999)),
        ("optimizer={AdamW: {eps: 1}}", "optimizer.lr", 0.003),
        ("optimizer={SGD: {momentum: 0.9}}", "optimizer.momentum", 0.9),
        ("loader.batch_size=7", "loader.batch_size", 7),
        ("trainer.early_stopping.patience=7", "trainer.early_stopping.patience", 7),
        ("trainer.checkpoint.patience=7", "trainer.checkpoint.monitor", "val/accuracy"),
        ("trainer.grad_clip=null", "trainer.grad_clip", None),
        ("name='a = b'", "name", "a = b"),
        ("model.0.out_features=7", "model.0.out_features", 7),
        ("model.1={Dropout: 0.3}", "model.1.p", 0.3),
        ("model={GPT: 65}", "model.vocab_size", 65),
        ("metrics=[Accuracy]", "metrics.0", None),
    ],
)
def test_an_override_goes_over_what_the_file_says(
    plan: Planner, config: str, override: str, path: str, value: Any
) -> None:
    planned = plan(config, override)
    if override.startswith("metrics"):
        value = planned["metrics.0"]
        assert value.__name__ == "Accuracy"
    assert planned[path] == value


def test_the_last_override_counts_and_several_add_up(plan: Planner, config: str) -> None:
    planned = plan(config, "optimizer.lr=1", "optimizer=SGD", "optimizer.lr=2", "optimizer.momentum=0.5")
    assert (planned["optimizer.lr"], planned["optimizer.momentum"]) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "optimizer.lrr=1",
            "command line:1:11: error: AdamW has no argument 'lrr'\n"
            "    1 | optimizer.lrr=1\n"
            "      |           ^^^\n"
            "  did you mean 'lr'?  AdamW takes: lr, betas, eps, weight_decay",
        ),
        (
            "--optimizer.lr=fast",
            "command line:1:16: error: 'lr' of AdamW must be a number, not the text 'fast'\n"
            "    1 | --optimizer.lr=fast\n"
            "      |                ^^^^\n"
            "  write a number, as in 1e-3",
        ),
        (
            "seed",
            "command line:1:1: error: 'seed' is not an override\n"
            "    1 | seed\n"
            "      | ^^^^\n"
            "  write key=value, as in optimizer.lr=1e-3 or model=GPT",
        ),
        (
            "model.5=ReLU",
            "command line:1:7: error: there is no item '5' in a list of 2\n"
            "    1 | model.5=ReLU\n"
            "      |       ^\n"
            "  items are numbered from 0",
        ),
        (
            "seed=[1",
            "command line:1:6: error: this bracket is not closed where it should be\n"
            "    1 | seed=[1\n"
            "      |      ^\n"
            "  close it with ] or }",
        ),
        (
            "base=other.yaml",
            "command line:1:1: error: 'base' belongs in a file\n"
            "    1 | base=other.yaml\n"
            "      | ^^^^^^^^^^^^^^^\n"
            "  write a file that begins with base: ...",
        ),
        (
            "optimizer.Lr=1",
            "command line:1:11: error: AdamW has no argument 'Lr'\n"
            "    1 | optimizer.Lr=1\n"
            "      |           ^^\n"
            "  did you mean 'lr'?  AdamW takes: lr, betas, eps, weight_decay",
        ),
        (
            "lr=1",
            "command line:1:1: error: a config has no key 'lr'\n"
            "    1 | lr=1\n"
            "      | ^^\n"
            "  did you mean 'optimizer.lr'?  a config takes: "
            "name, data, model, loss, optimizer, seed, loader, metrics, trainer, root, base, version",
        ),
        (
            "epochs=1",
            "command line:1:1: error: a config has no key 'epochs'\n"
            "    1 | epochs=1\n"
            "      | ^^^^^^\n"
            "  did you mean 'trainer.max_epochs'?  a config takes: "
            "name, data, model, loss, optimizer, seed, loader, metrics, trainer, root, base, version",
        ),
        (
            "optimizer.AdmaW.lr=1",
            "command line:1:11: error: there is no Optimizer 'AdmaW'\n"
            "    1 | optimizer.AdmaW.lr=1\n"
            "      |           ^^^^^\n"
            "  did you mean 'AdamW'?  known are: AdamW, SGD",
        ),
        (
            "name=",
            "command line:1:1: error: 'name' has no value\n    1 | name=\n      | ^^^^^\n  write a text here",
        ),
    ],
)
def test_a_wrong_override_has_its_caret_under_the_argument(errors: Text, config: str, override: str, said: str) -> None:
    assert errors(config, override) == f"{said}\n1 error; nothing was run"


def test_a_file_that_is_no_config_is_told_so_whatever_is_written_over_it(errors: Text) -> None:
    assert "mine.yaml:1:1: error: a config has no key 'Sequential'" in errors("Sequential: [ReLU]\n", "seed=1")


def test_all_wrong_overrides_come_at_once_each_on_a_line_of_its_own(errors: Text, config: str) -> None:
    said = errors(config, "seed=[", "seed=2", "foo=3", "--")
    assert [line.split(" error")[0] for line in said.splitlines() if ": error: " in line] == [
        "command line:1:7:",
        "command line:3:1:",
        "command line:4:1:",
    ]


def test_a_file_that_is_not_there_is_an_error_too(here: Path, registry: Any, experiment: type) -> None:
    from minigrad.config import load_plan

    with pytest.raises(ConfigError, match=r"mine\.yaml does not exist"):
        load_plan("mine.yaml", experiment, registry)


def test_no_line_of_a_file_that_is_no_config_is_shown(errors: Text, here: Path) -> None:
    Path("private.txt").write_text("password\n")
    said = errors("base: private.txt\nname: x\n")
    assert said.startswith("mine.yaml:1:7: error: 'base' must be a YAML file, not the text 'private.txt'\n")
    assert "password" not in said


def test_a_place_in_an_override_is_that_of_the_argument_whatever_stands_before_it(errors: Text, config: str) -> None:
    said = errors(config, "seed=1", "optimizer.lr='x\x07y'", "seed=[1, 2]]")
    assert "command line:2:16: error: the control character U+0007" in said
    assert "command line:3:12: error: this bracket was never opened" in said


def test_the_time_for_overrides_grows_as_their_number(config: str, plan: Planner) -> None:
    calls = {}
    for count in (100, 400):
        profile = cProfile.Profile()
        profile.runcall(plan, config, *(f"seed={number}" for number in range(count)))
        calls[count] = sum(entry.callcount for entry in profile.getstats())
    assert calls[400] < 5 * calls[100]
