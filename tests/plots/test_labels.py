"""Pictures of a run whose examples have several labels."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from minigrad.cli import main
from minigrad.plots import Run
from minigrad.plots.pictures import pictures

CONFIG = """\
name: labels
data: {Table: {path: labels.csv, target: [warm, wet, windy]}}
loader: {batch_size: 20}
model: {Linear: [2, 3]}
loss: BCEWithLogitsLoss
metrics: [Accuracy, F1, ExactMatch, ConfusionMatrix]
optimizer: {Adam: {lr: 0.1}}
trainer: {max_epochs: 20}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    x = np.random.default_rng(0).normal(size=(200, 2))
    flags = np.stack([x[:, 0] > 0, x[:, 1] > 0, x.sum(axis=1) > 1], axis=1)
    rows = [",".join([*map(str, a), *("yes" if flag else "no" for flag in b)]) for a, b in zip(x, flags, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["a,b,warm,wet,windy", *rows]) + "\n")
    (folder / "labels.yaml").write_text(CONFIG)
    assert main(["train", str(folder / "labels.yaml"), "--runs-dir", str(folder)]) == 0
    return Run(Path(folder / "labels" / "0001"))


def test_there_is_a_table_of_the_labels_and_no_regression(run):
    names = [picture.name for picture in pictures(run)]
    assert "labels" in names
    assert "mistakes" in names
    assert not {"predictions", "confusion"} & set(names)


def test_the_title_is_the_accuracy_of_the_validation(run):
    (table,) = (picture for picture in pictures(run) if picture.name == "labels")
    accuracy = np.mean(run.answers.said == run.answers.truth)
    assert table.title.endswith(f"labels are correct ({100 * accuracy:.4g} %)")
    recorded = max((record for record in run.records if "val/accuracy" in record), key=lambda r: r["step"])
    assert accuracy == pytest.approx(recorded["val/accuracy"], abs=0.05)


@pytest.mark.parametrize("name", ["labels", "mistakes"])
def test_the_pictures_can_be_drawn(run, tmp_path, name):
    (picture,) = (picture for picture in pictures(run) if picture.name == name)
    assert picture.save(tmp_path, svg=True).stat().st_size > 1000
