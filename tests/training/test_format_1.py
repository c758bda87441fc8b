"""Runs that commit 34e1ba1 interrupted (see `format_1/make.py`), resumed with the code of today."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from minigrad import load
from minigrad.cli import main
from minigrad.runs import read_checkpoint
from minigrad.runs.state import flatten
from minigrad.training import Callback, Training

FOLDER = Path(__file__).with_name("format_1")
NAMES = sorted(path.name for path in FOLDER.iterdir() if (path / "config.yaml").exists())

WRITTEN = ("config.yaml", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors")


@pytest.fixture(scope="module", params=NAMES)
def runs(request, tmp_path_factory):
    """A run left alone, the run that was interrupted and is resumed, and that one as it was before."""
    before, folder = FOLDER / request.param, tmp_path_factory.mktemp("runs")
    assert main(["train", str(before / "config.yaml"), "--runs-dir", str(folder)]) == 0
    whole = folder / request.param / "0001"
    resumed = folder / "resumed"
    shutil.copytree(before, resumed)
    assert main(["resume", str(resumed)]) == 0
    return whole, resumed, before


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def numbers(run, checkpoint):
    """The arrays and the numbers of a checkpoint, by name."""
    weights, state = read_checkpoint(run / "checkpoints" / f"{checkpoint}.safetensors")
    arrays = {f"weights/{name}": array for name, array in weights.items()}
    state.pop("run", None)
    return arrays, flatten(state, "", arrays)


class InterruptAfter(Callback):
    """Ends a training after a number of steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, training):
        if training.step == self.steps:
            training.interrupt()


def rounds_as_where_it_was_made(before):
    """Whether this machine comes to the bytes of the checkpoint that was written by another."""
    made, state = numbers(before, "last")
    training = Training(load(before / "config.yaml"))
    training.run(progress=InterruptAfter(state["step"]))
    arrays = {f"weights/{name}": array for name, array in training.model.state_dict().items()}
    again = flatten(training.state(), "", arrays)
    assert made.keys() <= arrays.keys()
    same_bytes = all(array.tobytes() == arrays[name].tobytes() for name, array in made.items())
    return same_bytes and state["tally"] == again["tally"]


def test_a_resumed_run_of_format_1_ends_as_one_left_alone(runs):
    whole, resumed, before = runs
    if rounds_as_where_it_was_made(before):  # then every byte is the same
        for name in WRITTEN:
            assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    for one, other in zip(records(resumed), records(whole), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    for checkpoint in ("last", "best"):
        (found, state), (expected, expected_state) = numbers(resumed, checkpoint), numbers(whole, checkpoint)
        assert (state.keys(), found.keys()) == (expected_state.keys(), expected.keys())
        for name, array in found.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_resumed_run_of_format_1_was_in_the_middle(runs):
    _, resumed, before = runs
    (_, then), (_, now) = (read_checkpoint(run / "checkpoints" / "last.safetensors") for run in (before, resumed))
    assert then["step_in_epoch"] > 0
    assert then["step"] < now["step"]
    assert len(records(before)) < len(records(resumed))


def test_later_formats_have_the_digests_and_what_the_data_is_besides_the_keys_of_format_1(runs):
    _, resumed, before = runs
    digests = ["config_digest", "data_digests"]
    for checkpoint, added in (("last", []), ("best", ["known", "config", *digests])):
        then, now = (read_checkpoint(run / "checkpoints" / f"{checkpoint}.safetensors") for run in (before, resumed))
        assert list(now[0]) == list(then[0])
        assert list(now[1]) == [*then[1], *added]
        if checkpoint == "last":
            assert list(now[1]["run"]) == [*then[1]["run"], *digests]
            assert list(now[1]["best"]) == [*then[1]["best"], "data", "known"]
