"""A relative path in a config: beside the config, then in the current folder, then in MINIGRAD_DATA."""

from pathlib import Path

import numpy as np
import pytest

from minigrad.config import ConfigError, load_plan
from minigrad.training.experiment import Experiment, build, known_classes, load

CSV = "x,y\n" + "\n".join(f"{i / 10},{'ab'[i % 2]}" for i in range(60)) + "\n"

CONFIG = """\
name: found
data: {DATA}
model: {Linear: [1, 2]}
loss: CrossEntropyLoss
optimizer: SGD
"""

OWN = """\
import numpy as np
from minigrad.data import Dataset, Examples, find


class Mine(Dataset):
    def __init__(self, path: str) -> None:
        rows = np.loadtxt(find(path))
        self.train = self.val = self.test = Examples(rows[:, :1], rows[:, 1].astype(int))
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The three folders, by name, of which `current` is the current one."""
    for name in ("beside", "current", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "current")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "home"))
    return tmp_path


def write_data(folder, offset):
    numbers = np.arange(60.0) + offset
    (folder / "t.csv").write_text("x,y\n" + "\n".join(f"{n},{'ab'[i % 2]}" for i, n in enumerate(numbers)) + "\n")
    np.savez(folder / "a.npz", inputs=numbers[:, None], targets=np.arange(60) % 2)
    np.savetxt(folder / "m.txt", np.stack([numbers, np.arange(60) % 2], 1))


DATASETS = {"Table": "{Table: {path: t.csv, target: y}}", "Arrays": "{Arrays: a.npz}", "Mine": "{Mine: m.txt}"}


def built(places, data):
    (places / "beside" / "c.yaml").write_text(CONFIG.replace("{DATA}", data))
    (places / "current" / "models").mkdir(exist_ok=True)
    (places / "current" / "models" / "mine.py").write_text(OWN)
    plan = load_plan("../beside/c.yaml", Experiment, known_classes())
    return build(plan), plan


@pytest.mark.parametrize("data", DATASETS.values(), ids=DATASETS)
def test_each_place_is_looked_at_in_its_turn(places, data):
    digests = []
    for offset, name in enumerate(("home", "current", "beside")):
        write_data(places / name, 1000 * offset)
        experiment, _ = built(places, data)
        digests.append(float(experiment.data.train.batch(slice(1))[0][0, 0]))
        if data != DATASETS["Table"]:  # which standardizes its numbers
            assert digests[-1] // 1000 == offset


@pytest.mark.parametrize("data", DATASETS.values(), ids=DATASETS)
def test_a_file_that_is_nowhere_is_refused_at_its_line_with_the_places(places, data):
    with pytest.raises(ConfigError) as error:
        built(places, data)
    said = str(error.value)
    assert said.startswith("../beside/c.yaml:2:")
    for place in (f"beside the config in {places}/beside", f"in the current folder {places}/current", f"{places}/home"):
        assert place in said


def test_the_config_of_a_run_says_where_data_beside_the_config_was_found(places):
    write_data(places / "beside", 0)
    _, plan = built(places, DATASETS["Table"])
    assert 'path: "../beside/t.csv"' in plan.to_yaml()
    Path("resolved.yaml").write_text(plan.to_yaml())
    assert load("resolved.yaml").data.digest == load("../beside/c.yaml").data.digest


def test_what_is_found_elsewhere_stays_as_it_was_written(places):
    write_data(places / "home", 0)
    _, plan = built(places, DATASETS["Table"])
    assert "path: t.csv" in plan.to_yaml()


def test_a_base_in_another_folder_finds_data_beside_itself(places):
    write_data(places / "beside", 0)
    built(places, DATASETS["Arrays"])
    Path("derived.yaml").write_text("base: ../beside/c.yaml\nname: derived\n")
    assert len(load("derived.yaml").data.train) > 0
