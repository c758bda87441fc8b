"""The controls write into the text of a config and read from it."""

from __future__ import annotations

import pytest
from playground import controls
from playground.session import check

VALUES = {
    "layers": 3, "width": 5, "activation": "relu", "optimizer": "SGD", "seed": 3, "noise": 0.3, "samples": 200,
    "batch": 7, "rate": 0.005, "decay": 0.1,
}  # fmt: skip


def test_every_control_of_every_preset_turns_to_what_it_was_turned_to(presets: dict[str, str]) -> None:
    for text in presets.values():
        plan = check(text)
        for name, value in controls.read(plan).items():
            if value is not None:
                turned = controls.turn(text, plan, name, VALUES[name])
                assert controls.read(check(turned))[name] == VALUES[name]


@pytest.mark.parametrize(
    "optimizer",
    ["optimizer: Adam", "optimizer: {Adam: {}}", "optimizer:\n  Adam:\n", "optimizer:\n  Adam:\n    lr: 0.1\n",
     "optimizer: {Adam: {lr: 0.1}}  # why", "optimizer: {Adam: {betas: [0.9, 0.99]}}"],
)  # fmt: skip
def test_a_rate_finds_its_place_in_every_way_to_write_an_optimizer(optimizer: str) -> None:
    text = f"name: a\n{optimizer}\ndata: XOR\nmodel: {{MLP: {{sizes: [2, 1]}}}}\nloss: MSELoss\n"
    turned = controls.turn(text, check(text), "rate", 0.25)
    assert check(turned)["optimizer.lr"] == 0.25
    assert ("# why" in turned) == ("# why" in text)


def test_a_comment_and_all_other_lines_stay(presets: dict[str, str]) -> None:
    text = presets["moons"]
    turned = controls.turn(text, check(text), "noise", 0.4)
    assert [line for line in text.splitlines() if "noise" not in line] == [
        line for line in turned.splitlines() if "noise" not in line
    ]


def test_an_optimizer_that_changes_keeps_its_rate(presets: dict[str, str]) -> None:
    text = presets["moons"]
    assert "SGD: {lr: 0.01}" in controls.turn(text, check(text), "optimizer", "SGD")


def test_a_control_that_a_config_does_not_have_is_refused(presets: dict[str, str]) -> None:
    text = presets["xor"]
    with pytest.raises(KeyError, match="no such control"):
        controls.turn(text, check(text), "noise", 0.1)
