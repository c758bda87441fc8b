import json

import pytest

from benchmarks.__main__ import main


def test_the_command_prints_a_table_and_writes_what_it_measured(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.workload.find_spec", lambda package: package in ("numpy", "minigrad"))
    file = tmp_path / "out.json"
    assert main(["mnist_16", "--smoke", "--rounds", "2", "--json", str(file)]) == 0
    assert "784-16-10 training step" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["conditions"]["threads"] == 2
    results = written["workloads"]["mnist_16"]["results"]
    assert [result["peer"] for result in results] == ["numpy", "minigrad"]
    assert all(len(result["seconds"]) == 2 for result in results)


def test_an_unknown_name_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["mnist_17"])
    assert "nothing is called 'mnist_17'; there are: mnist_16" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--threads", "0"], ["--rounds", "1"]])
def test_a_comparison_of_nothing_is_refused(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["mnist_16", *option])
    assert "at least 1 thread and 2 rounds" in capsys.readouterr().err
