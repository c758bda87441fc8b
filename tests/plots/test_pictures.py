"""Every picture of every kind of run: it is there, it is drawn, it can be read."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

import matplotlib
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text

from minigrad.cli import main
from minigrad.plots import Run, pictures, save_pictures

RUNS = ["digits", "moons", "amounts", "hostile"]
NAMES = {
    "digits": ["curves", "confusion", "mistakes", "first_layer", "activations", "weights"],
    "moons": ["curves", "decision", "confusion", "mistakes", "activations", "weights"],
    "amounts": ["curves", "decision", "predictions", "mistakes", "activations", "weights"],
    "hostile": ["curves", "confusion", "mistakes", "activations", "weights"],
}


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_has_the_pictures_that_suit_it(kind, request):
    assert [picture.name for picture in pictures(Run(request.getfixturevalue(kind)))] == NAMES[kind]


@pytest.mark.parametrize("kind", RUNS)
def test_texts_lie_within_the_picture_and_do_not_overlap(kind, request, monkeypatch):
    drawn = []
    draw = Text.draw

    def record(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            drawn.append((text.get_text(), text.get_window_extent(renderer)))
        draw(text, renderer, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", record)
    for picture in pictures(Run(request.getfixturevalue(kind))):
        figure = picture.figure()
        drawn.clear()
        FigureCanvasAgg(figure).draw()
        assert any(picture.title.split()[0] in text for text, _ in drawn)
        for text, box in drawn:
            assert box.x0 >= 0, (picture.name, text)
            assert box.y0 >= 0, (picture.name, text)
            assert box.x1 <= figure.bbox.x1, (picture.name, text)
            assert box.y1 <= figure.bbox.y1, (picture.name, text)
        for (one, a), (other, b) in combinations(drawn, 2):
            width = min(a.x1, b.x1) - max(a.x0, b.x0)
            height = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert width < 2 or height < 2, (picture.name, one, other)


def test_plot_writes_pictures_that_are_not_blank_and_prints_where(digits, capsys):
    assert main(["plot", str(digits)]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths == [digits / "plots" / f"{name}.png" for name in NAMES["digits"]]
    for path in paths:
        image = imread(path)[..., :3]
        height, width, _ = image.shape
        assert width >= 800, path.name
        assert height >= 250, path.name
        assert 0.01 < np.mean(image.min(axis=2) < 0.9) < 0.9, path.name


def test_pictures_can_be_svg(moons):
    paths = save_pictures(Run(moons), svg=True)
    assert [path.suffix for path in paths] == [".svg"] * 6
    assert all(path.read_text(encoding="utf-8").rstrip().endswith("</svg>") for path in paths)


def test_the_same_run_gives_the_same_pictures(moons):
    first, second = (pictures(Run(moons))[1].inline() for _ in range(2))
    assert first == second


def test_drawing_leaves_no_trace_in_matplotlib(digits):
    before = dict(matplotlib.rcParams)
    pictures(Run(digits))[0].figure()
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []


def test_nobody_needs_matplotlib_to_train():
    code = "import sys, minigrad, minigrad.training; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_without_matplotlib_one_sentence_says_what_to_install(digits, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "minigrad.plots"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(digits)]) == 2
    message = "error: figures need matplotlib, which is not installed: pip install matplotlib\n"
    assert capsys.readouterr().err == message
