"""A session of the playground trains what the command line trains, and tells what the page draws."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playground import own_data, take_home
from playground.session import GRID, RefusedError, Session

from minigrad.runs import read_checkpoint

from ..bits import bits

PAGE = Path(__file__).parents[2] / "docs" / "playground" / "index.html"


def test_every_preset_of_the_page_opens_and_trains(presets: dict[str, str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, text in presets.items():
        assert f'value="{name}"' in page
        session = Session(text)
        assert session.advance(60, 2)["step"] == 2
        assert session.experiment.name == name


@pytest.mark.parametrize("preset", ["moons", "digits", "reversed_sequences"])
def test_the_run_that_is_taken_home_has_the_weights_of_the_page(preset: str, presets: dict[str, str]) -> None:
    session = Session(presets[preset])
    session.advance(60, 7)
    zipfile.ZipFile(io.BytesIO(take_home.run(session))).extractall()
    saved, state = read_checkpoint(Path("runs", preset, "0001", "checkpoints", "last.safetensors"))
    assert state["step"] == 7
    assert bits(saved) == bits(session.experiment.model)


def test_a_schedule_keeps_its_length_in_a_run_that_is_cut_short(presets: dict[str, str]) -> None:
    session = Session(presets["xor"] + "schedule: {WarmupCosine: {warmup_steps: 3}}\n")
    session.advance(60, 9)
    zipfile.ZipFile(io.BytesIO(take_home.run(session))).extractall()
    saved, _ = read_checkpoint(Path("runs", "xor", "0001", "checkpoints", "last.safetensors"))
    assert bits(saved) == bits(session.experiment.model)


@pytest.mark.parametrize("preset", ["moons", "spirals", "xor", "three_three_one"])
def test_the_python_of_a_config_computes_the_same_weights(preset: str, presets: dict[str, str]) -> None:
    session = Session(presets[preset])
    steps = 3 * session.training.epoch_steps
    session.advance(60, steps)
    code = take_home.script(session)
    epochs = -(-session.training.steps // session.training.epoch_steps)
    scope: dict[str, object] = {}
    exec(code.replace(f"range({epochs})", "range(3)"), scope)
    own = [parameter.data.tobytes() for parameter in scope["model"].parameters()]
    assert own == [parameter.data.tobytes() for parameter in session.experiment.model.parameters()]


def test_what_is_no_chain_of_layers_is_loaded_from_its_config(presets: dict[str, str]) -> None:
    assert 'minigrad.load("reversed_sequences.yaml")' in take_home.script(Session(presets["reversed_sequences"]))


def test_a_picture_of_a_neuron_is_its_answer_at_each_place(presets: dict[str, str]) -> None:
    session = Session(presets["xor"])
    frame = session.frame()
    layer = session.chain.layers[0]
    hidden = np.tanh(session.grid @ layer.weight.data.T + layer.bias.data)
    np.testing.assert_allclose(frame["pictures"][0].reshape(8, GRID * GRID), hidden.T, rtol=1e-5, atol=1e-6)


def test_the_gradients_of_an_example_are_those_of_its_loss(presets: dict[str, str]) -> None:
    session = Session(presets["moons"])
    session.pick(5)
    gradients = session.gradients()
    weight = session.chain.layers[0].weight
    losses = []
    for nudge in (1e-2, -1e-2):
        weight.data[0, 0] += nudge
        losses.append(session.gradients()["loss"])
        weight.data[0, 0] -= nudge
    assert gradients["weights"][0][0] == pytest.approx((losses[0] - losses[1]) / 2e-2, rel=1e-2)


def test_a_neuron_is_told_with_each_weight_and_its_gradient(presets: dict[str, str]) -> None:
    session = Session(presets["sunny_day"])
    session.pick(3)
    told, gradients = session.explain(0, 0), session.gradients()
    layer = session.chain.layers[0]
    assert [name for name, _, _ in told["weights"]] == ["clear", "warm", "cloudy", "bias"]
    np.testing.assert_allclose([w for _, w, _ in told["weights"]], [*layer.weight.data[0], layer.bias.item()])
    np.testing.assert_allclose([g for _, _, g in told["weights"]], [*gradients["weights"][0], *gradients["biases"][0]])
    assert "result" in told["sum"]


def test_of_a_neuron_with_many_weights_those_with_the_largest_gradients_are_told(presets: dict[str, str]) -> None:
    session = Session(presets["digits"])
    told = session.explain(0, 2)
    slopes = np.sort(np.abs(session.gradients()["weights"][0].reshape(-1, 64)[2]))
    assert told["others"] + len(told["weights"]) == 64 + 1
    assert min(abs(slope) for _, _, slope in told["weights"][:-1]) == pytest.approx(slopes[told["others"]])


def test_looking_inside_changes_no_step(presets: dict[str, str]) -> None:
    looked, trained = Session(presets["moons"]), Session(presets["moons"])
    for _ in range(3):
        looked.advance(60, 2)
        looked.gradients()
        looked.explain(0, 1)
        looked.scores()
        looked.predict([0.0, 0.0])
        looked.look([1, 0])
    trained.advance(60, 6)
    assert bits(looked.experiment.model) == bits(trained.experiment.model)


def test_a_training_ends_where_its_config_ends(presets: dict[str, str]) -> None:
    session = Session(presets["xor"].replace("max_steps: 400", "max_steps: 5"))
    frame = session.advance(60, 100)
    assert (frame["step"], frame["is_done"]) == (5, True)
    assert session.advance(60, 100)["step"] == 5


def test_a_loss_that_is_not_finite_is_told_and_ends_nothing_else(presets: dict[str, str]) -> None:
    text = presets["moons"].replace("Adam: {lr: 0.01}", "SGD: {lr: 1e30}").replace("BCEWithLogitsLoss", "MSELoss")
    frame = Session(text).advance(60, 500)
    assert "became" in frame["trouble"] or "not finite" in frame["trouble"]


@pytest.mark.parametrize(
    ("change", "line", "part"),
    [
        (("tanh", "tanhh"), 9, "tanhh"),
        (("[2, 8, 8, 1]", "[3, 8, 1]"), 9, "3"),
        (("noise: 0.15", "noise: -1"), 5, "noise"),
        (("[2, 8, 8, 1]", "[2, 3000, 3000, 1]"), 9, "too many for a page"),
    ],
)
def test_a_config_that_cannot_be_played_is_refused_at_its_line(
    change: tuple[str, str], line: int, part: str, presets: dict[str, str]
) -> None:
    with pytest.raises(RefusedError) as refused:
        Session(presets["moons"].replace(*change))
    problem = refused.value.problems[0]
    assert part in problem["message"]
    assert problem["line"] in (line, 8)


def test_points_are_shown_in_the_units_of_their_table() -> None:
    points = [[x / 3, 100 + 7 * (x % 5), x % 2] for x in range(30)]
    classes = own_data.save_points(points)
    session = Session(own_data.points_config("", classes))
    shown = session.describe()["points"].reshape(-1, 5)
    own = {(round(x, 3), round(y, 3)) for x, y, _ in points}
    assert {(round(float(x), 3), round(float(y), 3)) for x, y, *_ in shown} <= own


@pytest.mark.parametrize(
    "points", [[[1, 2]], [[1, float("nan"), 0]], [[1, 2, 9]], ["a"], [[1, 1e9, 0]], [[0, 0, 0]] * 3000]
)
def test_what_are_no_points_is_refused(points: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="point"):
        own_data.save_points(points)


def test_a_table_is_learned_whatever_its_target_is() -> None:
    rows = [f"{i / 7};{i % 3};{'ab'[i % 2]};{i % 4}" for i in range(80)]
    table = own_data.save_table("../Mein Heft.csv", "\n".join(["x;y;word;count", *rows]))
    assert table == {"path": "Mein_Heft.csv", "columns": ["x", "y", "word", "count"]}
    for target in table["columns"]:
        session = Session(own_data.table_config(table["path"], target))
        assert session.advance(60, 3)["step"] == 3


@pytest.mark.parametrize(("content", "part"), [("", "column"), ("a\n1\n", "column"), ("a,b\n1,2\n3\n", "cells")])
def test_a_table_that_cannot_be_read_gets_a_sentence(content: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        own_data.table_config(own_data.save_table("t.csv", content)["path"], "b")
