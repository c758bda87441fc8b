import json

import pytest

from benchmarks.__main__ import main
from benchmarks.runner import Result
from benchmarks.workloads.growth import AXES


def test_the_command_prints_a_table_and_writes_what_it_measured(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.workload.find_spec", lambda package: package in ("numpy", "minigrad"))
    file = tmp_path / "out.json"
    assert main(["mnist_16", "--smoke", "--rounds", "2", "--json", str(file)]) == 0
    assert "784-16-10 training step" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["conditions"]["threads"] == 2
    results = written["workloads"]["mnist_16"]["results"]
    assert [result["peer"] for result in results] == ["numpy", "minigrad", "bare"]
    assert all(len(result["seconds"]) == 2 for result in results)


def test_growth_is_measured_by_its_name_and_written(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "benchmarks.__main__.compare", lambda workload, *options: [Result("minigrad", [1e-3, 1e-3])] * 2
    )
    file = tmp_path / "out.json"
    assert main(["growth", "--smoke", "--json", str(file)]) == 0
    assert {curve["axis"] for curve in json.loads(file.read_text())["growth"]} == set(AXES)


def test_a_picture_is_drawn_of_what_was_measured(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    results = [Result("numpy", [1e-3, 1e-3]), Result("minigrad", [1e-3, 1e-3])]
    monkeypatch.setattr("benchmarks.__main__.compare", lambda workload, *options: results)
    file = tmp_path / "table.png"
    assert main(["mnist_16", "--smoke", "--plot", str(file)]) == 0
    assert file.exists()


def test_where_no_peer_was_timed_there_is_no_picture_and_a_sentence_says_so(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    monkeypatch.setattr("benchmarks.__main__.compare", lambda workload, *options: [Result("minigrad", [1e-3, 1e-3])])
    file = tmp_path / "table.png"
    assert main(["mnist_16", "--smoke", "--plot", str(file)]) == 1
    assert "nothing to draw" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mnist_16", "--plot", "table.gif"], "--plot writes .png and .svg, got table.gif"),
        (["config", "--plot", "table.png"], "--plot draws workloads, growth, scaling and the panel: name one of them"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_before_anything_is_measured(arguments, said, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.find_spec", lambda package: True)
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert said in capsys.readouterr().err


def test_without_matplotlib_a_sentence_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.find_spec", lambda package: None)
    with pytest.raises(SystemExit, match="2"):
        main(["mnist_16", "--plot", "table.png"])
    assert "pip install matplotlib" in capsys.readouterr().err


def test_an_unknown_name_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["mnist_17"])
    assert "there is no benchmark 'mnist_17'; the benchmarks are: mnist_16" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--threads", "0"], ["--rounds", "1"]])
def test_a_comparison_of_nothing_is_refused(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["mnist_16", *option])
    assert "at least 1 thread and 2 rounds" in capsys.readouterr().err
