"""Warnings of a command: one line each, once, on standard error, by one rank."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from minigrad.cli.notices import one_line_warnings
from minigrad.data import DataWarning

from .conftest import CONFIG

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("always")


def test_a_warning_is_printed_once_without_a_line_of_python(capsys):
    with one_line_warnings(shown=True):
        for number in (1, 2, 1):
            warnings.warn(f"column {number}:\n  doubtful", DataWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: column 1: doubtful\nwarning: column 2: doubtful\n"


def test_other_ranks_print_none(capsys):
    with one_line_warnings(shown=False):
        warnings.warn("doubtful", stacklevel=1)
    assert capsys.readouterr() == ("", "")


def test_afterwards_warnings_are_as_they_were():
    before = warnings.showwarning, list(warnings.filters)
    with one_line_warnings(shown=True):
        pass
    assert (warnings.showwarning, warnings.filters) == before


def minigrad(folder, *words):
    """Runs a command in a process of its own, where nothing else looks at warnings."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "minigrad", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("command", ["check", "train"])
def test_each_doubt_about_a_table_is_a_line_of_the_command(tmp_path, command):
    rows = [f"{number / 7:.3f},same,1,{'ab'[number % 2]}" for number in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,c,d,y", *rows]) + "\n")
    table = "{Table: {path: rows.csv, target: y}}"
    (tmp_path / "small.yaml").write_text(CONFIG.replace("{Moons: {n_samples: 100}}", table).replace("[2, 8]", "[3, 8]"))
    exit_code, err = minigrad(tmp_path, command, "small.yaml", "trainer.max_epochs=1")
    warned = [line for line in err if "warn" in line.lower()]
    assert [line[: line.index(" holds")] for line in warned] == [
        "warning: rows.csv: column 'c'",
        "warning: rows.csv: column 'd'",
    ]
    assert exit_code == 0


def test_a_check_that_becomes_infinite_is_a_wrong_config(tmp_path):
    (tmp_path / "small.yaml").write_text(CONFIG.replace("{Adam: {lr: 0.01}}", "{SGD: {lr: 1.0e+38}}"))
    exit_code, err = minigrad(tmp_path, "check", "small.yaml")
    assert exit_code == 2
    assert err[0].startswith("small.yaml:7:13: error: the val loss became")
    assert not [line for line in err if "RuntimeWarning" in line]
