"""Runs that were trained on another device: their checkpoints, and what is done with them."""

import shutil
import warnings

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, devices, nn, optim
from minigrad.cli.main import main
from minigrad.devices import device_of
from minigrad.engine import CompileError
from minigrad.inference import evaluate, generate, load_run, predict
from minigrad.runs.checkpoint import read_checkpoint

from .stand_in import NAME, asarray

STEPS = ["trainer.max_epochs=null", "trainer.max_steps=4", "trainer.val_every=2", "schedule=null"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of digits on each device."""
    folder = tmp_path_factory.mktemp("runs")
    for device in ("cpu", NAME):
        overrides = [*STEPS, "trainer.ema=0.5", "trainer.shards=1", f"trainer.device={device}"]
        minigrad.load("configs/digits_mlp.yaml", overrides).fit(folder / device)
    return folder


def test_a_checkpoint_from_a_device_has_what_one_of_the_cpu_has(runs):
    for part in ("last", "best"):
        (found, state), (wanted, other) = (
            read_checkpoint(runs / device / "checkpoints" / f"{part}.safetensors") for device in (NAME, "cpu")
        )
        assert state.keys() == other.keys()
        assert found.keys() == wanted.keys()
        for name, array in wanted.items():
            assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
            np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5)


def answers(path):
    experiment = load_run(path)
    return experiment, list(predict(experiment, experiment.data.test.inputs[:3]))


def test_predictions_and_test_values_are_made_on_the_device(runs, monkeypatch):
    places = []
    forward = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: places.append(x.device) or forward(self, x))
    experiment, found = answers(runs / NAME)
    values = evaluate(experiment)
    assert set(places) == {NAME}
    other, wanted = answers(runs / "cpu")
    assert [row["class"] for row in found] == [row["class"] for row in wanted]
    assert values == pytest.approx(evaluate(other), rel=1e-4)
    assert {p.device for p in experiment.model.parameters()} == {"cpu"}


def test_a_run_answers_on_the_cpu_where_its_device_is_not(runs, monkeypatch):
    _, wanted = answers(runs / NAME)
    monkeypatch.delitem(devices._modules, NAME)
    with pytest.warns(UserWarning, match="trained on 'stand-in' and runs on the CPU: there is no device"):
        _, found = answers(runs / NAME)
    assert [row["class"] for row in found] == [row["class"] for row in wanted]


def test_a_text_is_written_on_the_device(tmp_path):
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question\n" * 40)
    data = f"data={{CharText: {{path: {tmp_path / 'text.txt'}, block_size: 16}}}}"
    experiment = minigrad.load("configs/char_gpt.yaml", [data, f"trainer.device={NAME}"])
    places = set()
    experiment.model.lm_head.register_forward_hook(lambda module, args, out: places.add(out.device))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = "".join(generate(experiment, "to be", tokens=20))
    assert places == {NAME}
    experiment.trainer.__dict__["device"] = "cpu"
    assert found == "".join(generate(experiment, "to be", tokens=20))


def test_a_run_goes_on_where_it_has_not_begun_if_that_is_wanted(runs, tmp_path, capsys):
    path = tmp_path / "digits" / "0001"
    shutil.copytree(runs / NAME, path)
    more = ["trainer.max_steps=6", "trainer.device=cpu"]
    assert main(["resume", str(path), *more]) == 2
    assert "trainer.device is" in capsys.readouterr().err
    assert main(["resume", str(path), *more, "--allow-changes"]) == 0
    _, state = read_checkpoint(path / "checkpoints" / "last.safetensors")
    assert state["step"] == 6


def test_a_loop_of_ones_own_learns_on_the_device_of_its_model():
    x, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])

    def learned(device):
        minigrad.seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2)).to(device)
        step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.AdamW(model.parameters(), lr=0.1))
        given = (x, y) if device == "cpu" else (asarray(x), asarray(y))
        return [step(*given).item() for _ in range(5)], {device_of(p.data) for p in model.parameters()}

    (found, places), (wanted, _) = learned(NAME), learned("cpu")
    assert places == {NAME}
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_what_records_and_divides_steps_is_for_the_cpu():
    model = nn.Linear(2, 2).to(NAME)
    x = Tensor(asarray(np.ones((3, 2), np.float32)))
    with pytest.raises(CompileError, match="recordings are of arrays on the CPU, and inputs lie on stand-in"):
        minigrad.compile(lambda x: model(x).sum())(x)
    step = minigrad.train_step(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), shards=2)
    with pytest.raises(ValueError, match="on the device 'stand-in' a step is computed in one piece"):
        step(x, x)
