"""Configs for data of one's own: how tests write the data, and read what `minigrad new` makes of it."""

import json
from pathlib import Path

import yaml

from minigrad.cli import main


def write(path, names, *columns, delimiter=","):
    rows = [delimiter.join(names), *(delimiter.join(map(str, row)) for row in zip(*columns, strict=True))]
    Path(path).write_text("\n".join(rows), encoding="utf-8")


def new(capsys, data, *words):
    """The data of the config for a file, and what is said of it; the config trains."""
    assert main(["new", "mine", "--data", str(data), *words]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    config = Path("mine/mine.yaml").read_text(encoding="utf-8")
    assert main(["train", "mine/mine.yaml", *SHORT.get(next(iter(yaml.safe_load(config)["data"])), FEW)]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "done"
    return yaml.safe_load(config)["data"], said


FEW = ["trainer={max_epochs: 1}"]
SHORT = {"CharText": ["trainer={max_steps: 2, val_every: 2}", "schedule=null"]}


def refused(capsys, data, *words):
    """What is said of data that cannot be used; nothing is left behind."""
    before = sorted(Path().rglob("*"))
    assert main(["new", "mine", "--data", str(data), *words]) == 2
    assert sorted(Path().rglob("*")) == before
    return capsys.readouterr().err
