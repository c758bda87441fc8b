"""Pictures in the units of the data: forecasts, mistakes by line, and images as they are augmented."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minigrad.cli import main
from minigrad.plots.augmented import augmented
from minigrad.plots.confusion import predictions
from minigrad.plots.forecast import forecast
from minigrad.plots.mistakes import mistakes
from minigrad.plots.picture import number
from minigrad.plots.run import Run

from ..data.conftest import idx

SERIES = """\
name: power
data: {Windows: {path: power.csv, column: [load, sun], length: 4, horizon: 3}}
loader: {batch_size: 16}
model: {Sequential: [Flatten, {Linear: [8, 6]}]}
loss: MSELoss
metrics: [MeanAbsoluteError]
optimizer: {Adam: {lr: 0.01}}
trainer: {max_epochs: 2}
"""
PEOPLE = """\
name: people
data: {Table: {path: people.csv, target: pay, targets: scaled, dates: [born], missing: category, embed: [town],
  numeric: [share, pay]}}
loader: {batch_size: 16}
model: {Linear: ["${data.num_features}", 1]}
loss: MSELoss
metrics: [MeanAbsoluteError, R2]
optimizer: {SGD: {lr: 0.001}}
trainer: {max_epochs: 1}
"""
IMAGES = """\
name: images
data: {IDX: {images: x.idx, labels: y.idx, augment: [Flip, {Crop: 2}]}}
loader: {batch_size: 16}
model: {Linear: [64, 3]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.001}}
trainer: {max_steps: 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(picture):
    figure = picture.figure()
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_forecast_stands_beside_what_came_in_the_units_of_the_file(folder):
    rows = np.arange(160)
    load, sun = 50_000 + 900 * np.sin(rows / 5), 5 + rows % 7
    lines = [f"{a:.1f},{b}" for a, b in zip(load, sun, strict=True)]
    (folder / "power.csv").write_text("\n".join(["load,sun", *lines]))
    (folder / "power.yaml").write_text(SERIES)
    assert main(["train", "power.yaml"]) == 0
    run = Run(folder / "runs/power/0001")
    [picture] = forecast(run)
    panels = picture.figure().axes
    assert [axes.get_ylabel() for axes in panels[:2]] == ["load", "sun"]
    came = panels[0].lines[0].get_ydata()
    val = load[96 + 4 : 128 - 2]  # the validation part, behind its first window, as far as whole windows reach
    np.testing.assert_allclose(came, val.round(1), rtol=1e-6)
    assert [line.get_label() for line in panels[0].lines] == [
        "true", "forecast, 1 row ahead", "forecast, 3 rows ahead"
    ]  # fmt: skip
    said = run.answers.said.reshape(-1, 3, 2)
    np.testing.assert_array_equal(panels[0].lines[2].get_xdata(), np.arange(len(said)) + 2)
    np.testing.assert_array_equal(panels[1].lines[2].get_ydata(), said[:, 2, 1])

    [scatter] = predictions(run)
    assert [axes.get_title(loc="left") for axes in scatter.figure().axes] == ["load+1", "sun+1", "load+2", "sun+2"]
    [worst] = mistakes(run)
    assert "The error is the mean over the 6 targets of an example." in worst.note
    heads = [text.replace("\n", " ") for text in texts(worst)]
    assert "mean absolute error" in heads
    errors = np.abs(run.answers.said - run.answers.truth).mean(axis=1)
    assert number(errors.max()) in heads


def people(folder):
    numbers = np.random.default_rng(0)
    lines = ["born,age,town,share,pay"]
    for i in range(60):
        age = "" if i % 9 == 4 else f"{numbers.uniform(20, 60):.2f}"
        town = ["Ulm", "Bonn", ""][i % 3]
        lines.append(f"19{50 + i % 40}-0{1 + i % 9}-1{i % 10},{age},{town},{i}%,{30_000 + 100 * i + i % 7}")
    (folder / "people.csv").write_text("\n".join(lines))
    (folder / "people.yaml").write_text(PEOPLE)
    return lines


def test_mistakes_show_the_line_of_the_file_and_what_stands_there(folder):
    lines = people(folder)
    assert main(["train", "people.yaml"]) == 0
    run = Run(folder / "runs/people/0001")
    data = run.experiment.data
    cells = data.original(data.val.batch(slice(None))[0])
    rows = list(zip(*(cells[name] for name in ("born", "age", "town", "share")), strict=True))
    for line, found in zip(data.val.lines, rows, strict=True):
        born, age, town, share, _ = lines[line - 1].split(",")
        assert found[0] == born
        assert found[1] == "" if not age else float(found[1]) == pytest.approx(float(age), abs=0.006)
        assert found[2:] == (town, share)
    [picture] = mistakes(run)
    shown = texts(picture)
    assert "line" in shown
    assert str(data.val.lines[np.abs(run.answers.said - run.answers.truth)[:, 0].argmax()]) in shown


def test_metrics_of_scaled_amounts_are_in_the_units_of_the_file(folder, capsys):
    people(folder)
    assert main(["train", "people.yaml"]) == 0
    run = Run(folder / "runs/people/0001")
    distance = np.abs(run.answers.said - run.answers.truth).mean()
    best = [record for record in run.records if record["step"] == run.best_step]
    assert best[0]["val/mean_absolute_error"] == pytest.approx(distance, rel=1e-5)
    assert distance > 100
    assert best[0]["val/loss"] < 10


def test_a_page_shows_images_as_epochs_change_them(folder):
    numbers = np.random.default_rng(0)
    (folder / "x.idx").write_bytes(idx(numbers.integers(0, 256, (80, 8, 8)).astype(np.uint8)))
    (folder / "y.idx").write_bytes(idx(numbers.integers(0, 3, 80).astype(np.uint8)))
    (folder / "images.yaml").write_text(IMAGES)
    assert main(["train", "images.yaml"]) == 0
    run = Run(folder / "runs/images/0001")
    [picture] = augmented(run)
    titles = [axes.get_title("left") for axes in picture.figure().axes[:7]]
    assert titles == ["original", *(f"epoch {i}" for i in range(1, 7))]


def test_images_that_stay_as_they_are_have_no_such_page(digits):
    assert augmented(Run(digits)) == []
