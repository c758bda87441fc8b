"""What notebooks show."""

import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.config import load_plan
from minigrad.data import Moons
from minigrad.nn.summary import summary
from minigrad.notebook import html_table, html_text, in_notebook
from minigrad.optim import SGD
from minigrad.training import Experiment, Trainer
from minigrad.training.experiment import known_classes
from minigrad.training.progress import Progress
from minigrad.training.trainer import Training


@pytest.fixture
def notebook(monkeypatch):
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def training():
    model = nn.Sequential(nn.Linear(2, 2))
    return Training(Experiment("x", Moons(), model, nn.CrossEntropyLoss(), SGD, trainer=Trainer(max_epochs=2)))


def test_texts_in_html_are_escaped_and_numbers_stand_on_the_right():
    shown = html_table(["<b>", "n"], ["a & b", 0.12345678], ["c", 12])
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert "a &amp; b" in shown
    assert re.findall(r"right[^>]*>([^<]*)<", shown) == ["0.1235", "12"]
    assert html_text("<i>") == "<pre>&lt;i&gt;</pre>"


def test_a_summary_is_a_text_and_a_table():
    shown = summary(nn.Sequential(nn.Linear(2, 3)), np.ones((1, 2), np.float32))
    assert str(shown).splitlines()[-1].split() == ["total", "9"]
    assert repr(shown) == str(shown)
    assert shown._repr_html_().count("<tr>") == len(str(shown).splitlines())


def test_a_plan_is_shown_as_its_config(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("name: x\ndata: XOR\nmodel: {Linear: [2, 1]}\nloss: MSELoss\noptimizer: SGD\n")
    shown = load_plan(path, Experiment, known_classes())._repr_html_()
    assert shown.startswith("<pre>version: 1\nname: x\n")


def test_a_drawing_is_the_text_of_its_picture():
    drawing = minigrad.draw(nn.Linear(2, 3))
    assert drawing._repr_svg_() == drawing
    assert drawing.startswith("<svg ")


def test_a_python_without_ipython_and_a_shell_of_a_terminal_are_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={})))
    assert not in_notebook()


def test_the_progress_of_a_training_is_a_bar_of_tqdm_in_a_notebook(notebook, monkeypatch):
    monkeypatch.setattr("minigrad.training.progress.BAR_SECONDS", 0.0)
    run = training()
    progress = Progress(run.steps)
    run.run(progress=progress)
    progress.close()
    assert "train/loss" in progress.bar.desc
    assert "epoch" in progress.bar.desc


def test_where_there_is_no_notebook_nothing_is_imported_for_one():
    code = (
        "import sys, io; from minigrad.training.progress import Progress; Progress(3); "
        "Progress(3, type('Terminal', (io.StringIO,), {'isatty': lambda self: True})()); "
        "print([m for m in ('tqdm.auto', 'tqdm.notebook', 'IPython') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_fit_shows_a_bar_in_a_notebook_and_its_history_as_tables(notebook, capsys):
    model, trainer = nn.Sequential(nn.Linear(2, 2)), Trainer(max_epochs=30, log_every=1)
    history = Experiment("x", Moons(), model, nn.CrossEntropyLoss(), SGD, trainer=trainer).fit()
    assert "step" in capsys.readouterr().err
    shown = history._repr_html_()
    assert '<td style="text-align: left; white-space: pre">status</td>' in shown
    assert shown.count("<table>") == 2
    assert shown.count("<tr>") < 30 < len(history.records)


def test_a_fit_elsewhere_says_nothing(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    Experiment("x", Moons(), nn.Linear(2, 2), nn.CrossEntropyLoss(), SGD, trainer=Trainer(max_epochs=1)).fit()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
