"""What ends a process, raised in a class of the user: a mistake there, with its line, and never a silent success."""

import pytest

from minigrad.cli import main

from .conftest import RUN

CLASSES = """\
import sys
from pathlib import Path

from minigrad import nn
from minigrad.data import Moons
from minigrad.training import Callback


class Halt(BaseException):
    pass


def end(place):
    if not Path(place).exists():
        return
    if Path(place).read_text() == "halt":
        raise Halt("no more")
    sys.exit()


class Net(nn.Sequential):
    def forward(self, x):
        end("forward")
        return super().forward(x)


class Loss(nn.CrossEntropyLoss):
    def forward(self, input, target):
        end("loss")
        return super().forward(input, target)


class Watch(Callback):
    def on_step_end(self, training):
        end("callback")


class Points(Moons):
    def __init__(self, count: int = 40):
        end("data")
        super().__init__(count)
"""

CONFIG = """\
name: small
model: {Net: [{Linear: [2, 4]}, ReLU, {Linear: [4, 2]}]}
data: {Points: {count: 40}}
loss: Loss
loader: {batch_size: 8}
optimizer: {SGD: {lr: 0.1}}
callbacks: [Watch]
trainer: {max_epochs: 1}
"""

ENDS = {
    "forward": ["check", "train", "find-lr", "profile", "sweep", "evaluate", "predict", "report", "config"],
    "loss": ["check", "train", "sweep", "evaluate"],
    "callback": ["train", "sweep"],
    "data": ["check", "train", "sweep", "evaluate"],
}
"""The commands that run into each place."""

WORDS = {
    **{name: [name, "small.yaml"] for name in ("check", "train", "find-lr", "profile")},
    "sweep": ["sweep", "small.yaml", "--grid", "optimizer.lr=[0.1, 0.2]"],
    "evaluate": ["evaluate", RUN],
    "predict": ["predict", RUN, "new.csv"],
    "report": ["report", RUN],
    "config": ["config", "small.yaml", "--layers"],
}


@pytest.mark.parametrize("how", ["exit", "halt"])
@pytest.mark.parametrize(("place", "command"), [(place, name) for place, names in ENDS.items() for name in names])
def test_it_fails_with_the_line_where_it_was_raised(place, command, how, tmp_path, monkeypatch, capsys):
    if command == "report":
        pytest.importorskip("matplotlib", reason="reports draw")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ends.py").write_text(CLASSES)
    (tmp_path / "small.yaml").write_text(CONFIG)
    (tmp_path / "new.csv").write_text("x,y\n1,2\n")
    if RUN in WORDS[command]:
        assert main(["train", "small.yaml"]) == 0
    capsys.readouterr()
    (tmp_path / place).write_text(how)
    assert main(WORDS[command]) in (1, 2)
    said = capsys.readouterr().err
    assert ("SystemExit" if how == "exit" else "Halt: no more") in said
    if (place, command) != ("callback", "sweep"):  # whose table has a reason for each run, and no lines
        raised = "in end: sys.exit()" if how == "exit" else 'in end: raise Halt("no more")'
        assert f"models/ends.py:{18 if how == 'exit' else 17}, {raised}" in said
