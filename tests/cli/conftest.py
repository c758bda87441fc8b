"""A folder with a small config, and a run of it."""

import os

import numpy as np
import pytest

from minigrad.cli import main

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 8]}, Tanh, {Linear: [8, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {Adam: {lr: 0.01}}
trainer: {max_epochs: 3}
"""

RUN = "runs/small/0001"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with small.yaml, another.yaml, and runs/small/0001."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(CONFIG)
    (folder / "another.yaml").write_text(CONFIG.replace("small", "another"))
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(["train", "small.yaml"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty folder as the current one, and no other data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "none"))


@pytest.fixture
def said(trained, monkeypatch, capsys):
    """Runs a command in the folder, and gives its exit code with both streams."""
    monkeypatch.chdir(trained)

    def said(*words):
        capsys.readouterr()
        exit_code = main(words)
        return exit_code, *capsys.readouterr()

    return said
