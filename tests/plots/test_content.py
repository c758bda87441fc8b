"""What the pictures show is what the run measured and the model says."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from pathlib import Path

import minigrad
from minigrad.engine import Tensor, no_grad
from minigrad.plots import Run, pictures
from minigrad.plots.mistakes import mistakes
from minigrad.plots.picture import number, short

HOME = Path(__file__).parents[2]


def axes_of(path, name):
    (picture,) = [picture for picture in pictures(Run(path)) if picture.name == name]
    return picture, picture.figure().get_axes()


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_curves_are_those_of_the_records(digits):
    _, (loss, accuracy, lr) = axes_of(digits, "curves")
    records = [json.loads(line) for line in (digits / "metrics.jsonl").read_text().splitlines()]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        training, validation, *_ = axes.get_lines()
        assert training.get_ydata().tolist() == [record[f"train/{name}"] for record in records]
        assert validation.get_ydata().tolist() == [r[f"val/{name}"] for r in records if f"val/{name}" in r]
        assert training.get_marker() != validation.get_marker()  # to be told apart in gray
    assert lr.get_lines()[0].get_xdata().tolist() == [record["step"] for record in records]
    assert (loss.get_title(loc="left"), accuracy.get_title(loc="left")) == ("Loss", "Accuracy")
    assert "step" in lr.get_xlabel()


def test_the_confusion_matrix_counts_every_validation_example(digits):
    experiment = minigrad.load_run(digits, home=HOME)
    with no_grad():
        said = experiment.model(Tensor(experiment.data.val.inputs)).data.argmax(axis=1)
    truth = experiment.data.val.targets
    expected = sorted(
        f"{np.sum((truth == i) & (said == j))}"
        for i in range(10)
        for j in range(10)
        if np.any((truth == i) & (said == j))
    )
    picture, axes = axes_of(digits, "confusion")
    assert sorted(texts(axes[0])) == expected
    assert picture.title.startswith(f"{np.sum(truth == said)} of {len(truth)} validation examples are correct")


def test_the_worst_mistakes_come_first_and_are_mistakes(digits):
    run = Run(digits)
    wrong = int((~run.answers.right).sum())
    picture, axes = axes_of(digits, "mistakes")
    captions = [a.get_xlabel() for a in axes if a.get_xlabel()]
    assert len(captions) == min(wrong, 24)
    worst = run.answers.lead.argmin()
    assert captions[0].startswith(f"{run.answers.said[worst]}  ")
    assert all(caption.split()[0] != caption.split()[2] for caption in captions)
    assert str(wrong) in picture.title


def test_the_captions_of_mistakes_do_not_overlap(digits):
    run = Run(digits)
    run.answers = replace(run.answers, names=("quadrangle",) * 10)  # as long as a name is shown
    figure = mistakes(run)[0].figure()
    figure.draw_without_rendering()
    boxes = [axes.xaxis.label.get_window_extent() for axes in figure.get_axes() if axes.get_xlabel()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes[:6]))
    assert boxes[0].x0 > 0


def test_the_first_layer_shows_each_unit_as_an_image(digits):
    weight = minigrad.load_run(digits, home=HOME).model.state_dict()["0.weight"]
    _, (axes, bar) = axes_of(digits, "first_layer")
    assert [image.get_array().shape for image in axes.get_images()] == [(8, 8)] * 16
    np.testing.assert_array_equal(axes.get_images()[3].get_array(), weight[3].reshape(8, 8))
    assert texts(axes) == [str(i) for i in range(16)]
    assert bar.get_ylabel() == "weight"


def test_the_kernels_of_a_convolution_are_images_too(convolution):
    weight = minigrad.load_run(convolution, home=HOME).model.state_dict()["0.weight"]
    _, (axes, _) = axes_of(convolution, "first_layer")
    for image, kernel in zip(axes.get_images(), weight, strict=True):
        np.testing.assert_array_equal(image.get_array(), kernel[0])


def test_the_layers_are_named_and_dropout_that_drops_nothing_is_left_out(moons):
    _, axes = axes_of(moons, "activations")
    assert [a.get_title(loc="left") for a in axes] == ["layers.0", "activation", "layers.1"]
    _, axes = axes_of(moons, "weights")
    assert [a.get_title(loc="left") for a in axes] == ["layers.0.weight", "layers.1.weight"]
    assert [texts(a)[0] for a in axes] == ["8 × 2", "1 × 8"]


def test_the_line_in_the_plane_is_where_the_model_is_undecided(moons):
    _, (axes,) = axes_of(moons, "decision")
    experiment = minigrad.load_run(moons, home=HOME)
    (line,) = axes.collections
    points = np.concatenate([path.vertices for path in line.get_paths()]).astype(np.float32)
    with no_grad():
        logits = experiment.model(Tensor(points)).data
    assert np.abs(logits).max() < 0.1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("input 0", "input 1")


def test_a_surface_has_the_names_of_its_columns(amounts):
    _, (axes, bar) = axes_of(amounts, "decision")
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("east", "north", "predicted")


def test_names_with_dollars_are_no_formulas(hostile):
    _, (axes,) = axes_of(hostile, "mistakes")
    assert "$a$" in texts(axes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.97222, "0.972"),
        (1234.5, "1,234"),
        (-2.5, "−2.5"),
        (4.3e-4, "0.00043"),
        (1e-9, "1e−09"),
        (2e7, "2e+07"),
    ],
)
def test_numbers_read_as_people_write_them(value, text):
    assert number(value) == text


def test_long_names_end_in_an_ellipsis():
    assert short("setosa", 6) == "setosa"
    assert short("versicolor", 6) == "versi…"
