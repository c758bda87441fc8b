"""Floors of coverage."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("coverage")

from benchmarks.covered import by_package, faults, main


def test_files_count_for_their_package_and_those_at_the_top_for_minigrad():
    files = {"/a/minigrad/nn/x.py": (1, 2), "/a/minigrad/nn/y/z.py": (3, 4), "/a/minigrad/func.py": (5, 5)}
    assert by_package(files) == {"minigrad": (5, 5), "minigrad.nn": (4, 6)}


def test_each_floor_that_is_not_reached_is_named():
    assert faults({"minigrad.nn": (970, 1000), "minigrad.ops": (97, 100)}) == []
    assert faults({"minigrad.nn": (1000, 1000), "minigrad.ops": (8, 10)}) == [
        "minigrad.ops: 80.0 % of its lines are run, fewer than 90 %"
    ]
    assert faults({"minigrad.nn": (96, 100), "minigrad.ops": (0, 0)}) == [
        "96.0 % of all lines are run, fewer than 97 %"
    ]


def test_lines_are_counted_in_child_processes_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:  # of a suite that is counted itself
        monkeypatch.delenv(name)
    package = tmp_path / "minigrad"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "child.py").write_text("x = 1\nif x > 1:\n    x = 2\n")
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'minigrad.child'])"
    )
    (tmp_path / ".coveragerc").write_text("[run]\nsource = minigrad\nparallel = True\npatch = subprocess\n")
    coverage = [sys.executable, "-m", "coverage"]
    for arguments in (["run", "parent.py"], ["combine", "-q"]):
        subprocess.run([*coverage, *arguments], check=True, capture_output=True)
    assert main(".coverage") == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].split() == ["all", "2", "of", "3", "66.7", "%"]
    assert "fewer than 90 %" in said.err
