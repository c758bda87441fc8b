"""Runs to draw: one of images, one of points, one of a table of amounts, and one whose names mean harm."""

from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main

HOME = Path(__file__).parents[2]

DIGITS = """\
name: digits
data: Digits
model: {Sequential: [{Linear: [64, 16]}, ReLU, {Linear: [16, 10]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {Adam: {lr: 0.02}}
trainer: {max_epochs: 2}
"""
CONVOLUTION = """\
name: convolution
data: {Digits: {flatten: false}}
model: {Sequential: [{Conv2d: [1, 4, 3]}, ReLU, Flatten, {Linear: [144, 10]}]}
loss: CrossEntropyLoss
optimizer: {Adam: {lr: 0.02}}
trainer: {max_steps: 10}
"""
MOONS = """\
name: moons
data: {Moons: {n_samples: 200, targets: binary}}
loader: {batch_size: 20}
model: {MLP: {sizes: [2, 8, 1], activation: tanh, dropout: 0.1}}
loss: BCEWithLogitsLoss
metrics: [Accuracy]
optimizer: {Adam: {lr: 0.05}}
trainer: {max_epochs: 3}
"""
AMOUNTS = """\
name: amounts
data: {Table: {path: PATH/amounts.csv, target: height}}
loader: {batch_size: 20}
model: {MLP: {sizes: [2, 8, 1], activation: tanh}}
loss: MSELoss
metrics: [R2, MeanAbsoluteError]
optimizer: {Adam: {lr: 0.02}}
trainer: {max_epochs: 3}
"""
HOSTILE = """\
name: hostile
data: {Table: {path: PATH/hostile.csv, target: kind}}
loader: {batch_size: 20}
model: {MLP: {sizes: [5, 3]}}
loss: CrossEntropyLoss
metrics: [Accuracy, ConfusionMatrix]
optimizer: {SGD: {lr: 0.01}}
trainer: {max_epochs: 1}
"""


def train(folder, config, *words):
    """Runs a config; returns the exit code and the run's directory."""
    file = folder / "config.yaml"
    file.write_text(config.replace("PATH", str(folder)), encoding="utf-8")
    exit_code = main(["train", str(file), "--runs-dir", str(folder / "runs"), *words])
    return exit_code, max((folder / "runs").glob("*/*"))


def _run(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(100, 5))
    (folder / "amounts.csv").write_text(
        "east,north,height\n" + "".join(f"{x},{y},{np.sin(x) + y}\n" for x, y, *_ in values)
    )
    kinds = ["<script>alert(1)</script>", "--> & $x_1$", "plain"]
    (folder / "hostile.csv").write_text(
        "<b>bold</b>,$a$,c,d,e,kind\n"
        + "".join(",".join(map(str, row)) + f",{kinds[i % 3]}\n" for i, row in enumerate(values))
    )
    exit_code, run = train(folder, config)
    assert exit_code == 0
    return run


@pytest.fixture
def diverging(tmp_path):
    """The directory of a run that fails in its first steps."""
    exit_code, run = train(tmp_path, MOONS, "optimizer.lr=1e38", "loss=MSELoss")
    assert exit_code == 1
    return run


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    return _run(tmp_path_factory, DIGITS)


@pytest.fixture(scope="session")
def convolution(tmp_path_factory):
    return _run(tmp_path_factory, CONVOLUTION)


@pytest.fixture(scope="session")
def moons(tmp_path_factory):
    return _run(tmp_path_factory, MOONS)


@pytest.fixture(scope="session")
def amounts(tmp_path_factory):
    return _run(tmp_path_factory, AMOUNTS)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    return _run(tmp_path_factory, HOSTILE)
