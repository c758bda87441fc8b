from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

from benchmarks.growth import Curve
from benchmarks.plot import plot
from benchmarks.runner import Result
from benchmarks.workloads.growth import AXES
from minigrad.plots.picture import ORANGE, Picture

RESULTS = {
    "mnist_16": [
        Result("numpy", [1e-6] * 3),
        Result("minigrad", [2e-6] * 3),
        Result("torch", [6e-6] * 3),
        Result("jax", fault="disagrees"),
    ]
}
CURVES = [
    Curve(peer, axis, [4, 8], [1e-3, 3e-3], [2**20, 2**21], 1.58, 1.0)
    for axis in AXES
    for peer in ("minigrad", "torch")
]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn instead of being saved."""
    figures = []
    monkeypatch.setattr(Picture, "save", lambda picture, folder, svg: figures.append(picture.figure()))
    return figures


def all_axes(figure):
    figure.canvas.draw()
    return figure.get_axes()


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_timed_peer_has_a_bar_with_its_ratio_to_minigrad(drawn):
    plot(Path("any.png"), RESULTS, [])
    [axes] = all_axes(drawn[0])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NumPy by hand", "PyTorch eager"]
    assert [bar.get_x() + bar.get_width() for bar in axes.patches] == pytest.approx([0.5, 3.0])
    assert texts(axes)[1:] == ["0.50", "3.00"]
    assert texts(axes)[0].startswith("784-16-10")


def test_a_goal_is_a_mark_in_the_row_of_its_peer(drawn):
    plot(Path("any.png"), RESULTS, [])
    [axes] = all_axes(drawn[0])
    marks = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert 4.5 in marks


def test_who_is_faster_than_minigrad_has_another_colour(drawn):
    plot(Path("any.png"), RESULTS, [])
    [axes] = all_axes(drawn[0])
    from matplotlib.colors import to_hex

    assert [to_hex(bar.get_facecolor()) == ORANGE for bar in axes.patches] == [True, False]


def test_curves_have_a_panel_of_time_and_one_of_memory_for_each_size(drawn):
    plot(Path("any.png"), {}, CURVES)
    panels = all_axes(drawn[0])
    assert [title for panel in panels if (title := panel.get_title(loc="left"))] == list(AXES.values())
    assert all(len(panel.lines) == 2 for panel in panels)
    assert "minigrad 1.58" in texts(panels[0])
    assert "PyTorch eager 1.00" in texts(panels[4])


def test_a_workload_without_a_time_of_minigrad_is_left_out(drawn):
    plot(Path("any.png"), {"mnist_mlp": [Result("torch", [1e-3] * 2)], **RESULTS}, CURVES)
    assert len(drawn[0].get_axes()) == 1 + 2 * len(AXES)
    assert sum("784-256" in text for text in texts(drawn[0].get_axes()[0])) == 0


def test_a_curve_that_failed_leaves_its_panel_to_the_other(drawn):
    failed = [Curve("torch", "n_embd", [4, 8], fault="too wide"), *[c for c in CURVES if c.peer != "torch"]]
    plot(Path("any.png"), {}, sorted(failed, key=lambda curve: list(AXES).index(curve.axis)))
    assert len(all_axes(drawn[0])[0].lines) == 1


@pytest.mark.parametrize(("ending", "beginning"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_ending_of_the_file_says_the_format(tmp_path, ending, beginning):
    path = tmp_path / f"table.{ending}"
    plot(path, RESULTS, CURVES)
    assert path.read_bytes().startswith(beginning)
