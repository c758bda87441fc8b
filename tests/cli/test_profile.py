"""`minigrad profile`."""

import json


def test_the_layers_of_a_config_are_measured_and_nothing_is_written(said, trained):
    before = sorted(path.name for path in trained.rglob("*"))
    exit_code, out, _ = said("profile", "small.yaml", "--steps", "2")
    assert exit_code == 0
    assert "0 (Linear)" in out
    assert "2 steps, each" in out
    assert sorted(path.name for path in trained.rglob("*")) == before


def test_files_are_written_where_they_are_asked_for(said, tmp_path):
    svg, trace = tmp_path / "flame.svg", tmp_path / "trace.json"
    exit_code, out, _ = said("profile", "small.yaml", "--steps", "1", "--svg", str(svg), "--trace", str(trace))
    assert exit_code == 0
    assert out.splitlines()[-2:] == [str(svg), str(trace)]
    assert svg.read_text().startswith("<svg")
    assert json.loads(trace.read_text())["traceEvents"]


def test_what_a_run_does_otherwise_is_told(said):
    _, out, _ = said("profile", "small.yaml", "--steps", "1", "trainer.compile=true", "trainer.shards=2")
    assert "measured with 2 shards in sequence and operations called one by one, while a run replays them" in out


def test_a_file_that_cannot_be_written_is_told_before_anything_runs(said, tmp_path):
    for name in (tmp_path, tmp_path / "none" / "flame.svg"):
        exit_code, out, err = said("profile", "small.yaml", "--svg", str(name))
        assert (exit_code, out) == (2, "")
        assert "cannot be written: name a file in an existing folder" in err


def test_steps_are_a_positive_number(said):
    exit_code, _, err = said("profile", "small.yaml", "--steps", "0")
    assert exit_code == 2
    assert "--steps must be an integer, 1 or more" in err
