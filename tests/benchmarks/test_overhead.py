"""The comparison of two checkouts of minigrad."""

import json
import shutil

import pytest

from benchmarks.__main__ import main
from benchmarks.overhead import Overhead, measure_overhead
from benchmarks.runner import ROOT
from benchmarks.table import render_overhead


@pytest.fixture
def other(tmp_path):
    """A copy of this checkout whose operations wait before they begin."""
    shutil.copytree(ROOT / "minigrad", tmp_path / "minigrad", ignore=shutil.ignore_patterns("__pycache__", "data"))
    file = tmp_path / "minigrad" / "ops" / "__init__.py"
    slow = "import time\n_tanh = tanh\ndef tanh(x):\n    time.sleep(1e-4)\n    return _tanh(x)\n"
    file.write_text(file.read_text(encoding="utf-8") + slow, encoding="utf-8")
    return tmp_path


def test_each_checkout_is_measured_in_processes_of_its_own(other):
    found = {overhead.name: overhead for overhead in measure_overhead(other, rounds=2, repeats=2)}
    unary = found["unary: forward"]
    assert len(unary.seconds) == len(unary.others) == 2
    assert min(unary.others) > 1e-4 > min(unary.by_hand)
    assert {name.split(": ")[1] for name in found} == {"forward", "no_grad", "forward and backward"}


def test_the_table_has_the_ratio_of_each_round():
    text = render_overhead([Overhead("unary: forward", [1e-6, 1e-6, 2e-6], [2e-6] * 3, [3e-7] * 3)])
    assert " ".join(text.splitlines()[-1].split()) == "unary: forward 1.00 2.00 0.50 0.50 to 0.75 0.30 0.70"


def test_the_command_measures_and_writes(other, tmp_path, capsys):
    file = tmp_path / "out.json"
    assert main(["overhead", "--smoke", "--rounds", "2", "--against", str(other), "--json", str(file)]) == 0
    assert "half of ratios within" in capsys.readouterr().out
    assert len(json.loads(file.read_text())["overhead"][0]["others"]) == 2


@pytest.mark.parametrize("against", [[], ["--against", "nowhere"]])
def test_without_another_checkout_a_sentence_says_what_is_missing(against, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["overhead", *against])
    assert "overhead compares two checkouts: name another by --against FOLDER" in capsys.readouterr().err
