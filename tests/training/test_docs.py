import json
import re
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import Moons
from minigrad.nn import CrossEntropyLoss, Linear, ReLU, Sequential
from minigrad.optim import SGD
from minigrad.training import Callback, Experiment, Trainer

HOME = Path(__file__).parent.parent.parent
PAGE = (HOME / "docs" / "training.md").read_text(encoding="utf-8")
FROM_A_CONFIG, FROM_A_RUN, CHECKPOINT, WITHOUT_A_CONFIG, OWN_LOOP, METRIC, CALLBACK, COMPILED, PROFILED = re.findall(
    r"```python\n(.*?)```", PAGE, re.DOTALL
)


def run(block):
    names = {}
    exec(block, names)
    return names


def test_the_page_trains_a_config(monkeypatch):
    monkeypatch.chdir(HOME)
    names = run(FROM_A_CONFIG)
    assert names["results"]["test/accuracy"] > 0.9
    assert not names["run"].model.training


def test_the_compiled_step_of_the_page_learns(capsys):
    run(COMPILED)
    assert float(capsys.readouterr().out) < 0.1


def test_the_loop_of_your_own_of_the_page_learns(capsys):
    run(OWN_LOOP)
    assert float(capsys.readouterr().out) < 0.3


def test_the_profile_of_the_page_has_a_row_for_each_layer(capsys):
    run(PROFILED)
    shown = capsys.readouterr().out
    assert {"0 (Linear)", "1 (ReLU)", "2 (Linear)", "CrossEntropyLoss"} <= set(re.split(r"  +|\n", shown))


def test_the_page_uses_a_run(monkeypatch, tmp_path, capsys):
    for folder in ("configs", "models"):
        (tmp_path / folder).symlink_to(HOME / folder)
    monkeypatch.chdir(tmp_path)
    names = run(FROM_A_RUN)
    results, *answers = capsys.readouterr().out.splitlines()
    assert names["evaluate"](names["run"]).items() <= json.loads(results).items()
    right = names["run"].data.test.targets[:3]
    assert [line.split()[0] for line in answers] == [str(label) for label in right]
    names = run(CHECKPOINT)
    assert names["weights"]["0.weight"].shape == (128, 64)
    assert names["state"]["step"] == json.loads(results)["steps"]


def test_the_page_trains_without_a_config(capsys):
    names = run(WITHOUT_A_CONFIG)
    assert "'status': 'done'" in capsys.readouterr().out
    assert names["experiment"].name == "digits"


def test_the_metric_of_the_page_is_exact_over_unequal_batches():
    metric = run(METRIC)["RootMeanSquaredError"]()
    outputs, targets = np.random.default_rng(0).normal(size=(2, 10, 3))
    metric.reset()
    for rows in (slice(0, 7), slice(7, 10)):
        metric.update(outputs[rows], targets[rows])
    assert metric.compute() == pytest.approx(np.sqrt(np.square(outputs - targets).mean()))
    assert metric.name == "root_mean_squared_error"


def test_the_callback_of_the_page_trains_the_first_layer_only_after_its_epochs():
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, training):
            seen.append(training.model[0].weight.data.copy())

    callbacks = [run(CALLBACK)["UnfreezeAfter"](2), Watch()]
    model = Sequential(Linear(2, 4), ReLU(), Linear(4, 2))
    loss, trainer = CrossEntropyLoss(), Trainer(max_epochs=3)
    Experiment("frozen", Moons(), model, loss, SGD, trainer=trainer, callbacks=callbacks).fit()
    first, second, third = seen
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(second, third)
