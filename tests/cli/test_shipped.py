"""Configs and models that come with minigrad, in any folder."""

import json
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.config.shipped import shipped_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_model(folder, name="MLP"):
    (folder / "models").mkdir()
    (folder / "models" / "mlp.py").write_text(
        "from minigrad.nn import Linear, Module\n\n\n"
        f"class {name}(Module):\n    '''My own.'''\n\n    def __init__(self, sizes: list[int]) -> None:\n"
        "        self.only = Linear(sizes[0], sizes[-1])\n\n    def forward(self, x):\n        return self.only(x)\n"
    )


def test_a_shipped_config_and_its_model_work_in_an_empty_folder(elsewhere, capsys):
    assert main(["check", "configs/moons.yaml"]) == 0
    out, err = capsys.readouterr()
    assert "layers.0" in out
    assert err == f"config {shipped_folder('configs') / 'moons.yaml'}\n"
    assert list(elsewhere.iterdir()) == []


def test_a_file_of_ones_own_goes_before_the_shipped_config_of_that_name(elsewhere, capsys):
    (elsewhere / "configs").mkdir()
    text = (shipped_folder("configs") / "moons.yaml").read_text(encoding="utf-8")
    (elsewhere / "configs" / "moons.yaml").write_text(text.replace("name: moons", "name: my_moons"))
    assert main(["config", "configs/moons.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("name: my_moons ")


def test_a_class_of_ones_own_takes_the_place_of_a_shipped_one_and_list_says_so(elsewhere, capsys):
    own_model(elsewhere)
    assert main(["list", "Module"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  MLP ")]
    place = Path("models/mlp.py")
    assert line.endswith(f"My own. ({place}, in place of the shipped models/mlp.py)")
    assert main(["config", "configs/moons.yaml", "--layers", "model={Sequential: [{MLP: [[2, 2]]}]}"]) == 0
    assert "only" in capsys.readouterr().out


def test_a_file_of_ones_own_leaves_the_other_classes_of_a_shipped_file_of_that_name(elsewhere, capsys):
    own_model(elsewhere, "Small")
    for model in ("{MLP: {sizes: [2, 4, 2]}}", "{Small: {sizes: [2, 2]}}", "{MLP: {sizes: [2, 4, 2]}}"):
        assert main(["check", "configs/moons.yaml", f"model={model}"]) == 0


def test_a_bare_train_takes_the_only_config_of_the_folder(elsewhere, capsys):
    (elsewhere / "site.yml").write_text("site_name: no config\n")
    (elsewhere / "mine.yaml").write_text("base: moons.yaml\nname: mine\n")
    (elsewhere / "moons.yaml").write_text((shipped_folder("configs") / "moons.yaml").read_text(encoding="utf-8"))
    assert main(["train", "trainer.max_epochs=1"]) == 2
    assert "several configs are here, name one: mine.yaml, moons.yaml" in capsys.readouterr().err
    (elsewhere / "mine.yaml").unlink()
    assert main(["train", "trainer.max_epochs=1"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["run"] == str(Path("runs/moons/0001"))
    assert err.startswith("config moons.yaml\n")


def test_without_a_config_and_a_clone_the_remedy_is_a_template(elsewhere, capsys, monkeypatch):
    monkeypatch.setattr("minigrad.cli.prepare.shipped_folder", lambda name: elsewhere / "site-packages" / name)
    assert main(["train"]) == 2
    assert "minigrad new digits creates one" in capsys.readouterr().err
