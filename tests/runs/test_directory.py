import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from minigrad.runs import RunDirectory


def create(root, **facts):
    return RunDirectory.create(root, "mine", "name: mine\n", **facts)


def facts_of(directory):
    return json.loads((directory.path / "run.json").read_text())


def test_runs_of_a_name_are_numbered(tmp_path):
    assert [create(tmp_path).path.relative_to(tmp_path).as_posix() for _ in range(2)] == ["mine/0001", "mine/0002"]


def test_the_number_goes_on_after_the_largest_also_where_one_was_deleted(tmp_path):
    (tmp_path / "mine" / "0007").mkdir(parents=True)
    (tmp_path / "mine" / "notes").mkdir()
    assert create(tmp_path).path.name == "0008"


@pytest.mark.parametrize("name", ["\u0663\u0664\u0665", "9" * 30, "20261126", "12\u00b2"])
def test_a_folder_whose_name_is_no_number_of_ours_does_not_set_the_next(tmp_path, name):
    (tmp_path / "mine" / name).mkdir(parents=True)
    assert create(tmp_path).path.name == "0001"


def test_what_was_logged_is_on_the_disk_before_a_checkpoint_can_name_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    directory = create(tmp_path)
    directory.state()
    synced.clear()
    directory.log({"loss": 0.5})
    metrics = directory.state()["metrics"]
    path = directory.path / "metrics.jsonl"
    assert metrics[0] == path.stat().st_size > 0
    assert synced == [path.stat().st_ino]


def test_runs_that_start_together_get_a_directory_each(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: create(tmp_path).path, range(24)))
    assert sorted(path.name for path in paths) == [f"{i:04d}" for i in range(1, 25)]


def test_a_run_tells_what_it_was_and_how_it_ended(tmp_path):
    directory = create(tmp_path, arguments=["x.yaml", "seed=3"], seed=3)
    assert facts_of(directory)["status"] == "running"
    directory.close("done", 0, best={"monitor": "val/loss", "value": 0.5, "step": 10})
    facts = facts_of(directory)
    assert (facts["arguments"], facts["seed"]) == (["x.yaml", "seed=3"], 3)
    assert (facts["status"], facts["exit_code"], facts["best"]["step"]) == ("done", 0, 10)
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["versions"]["python"] == sys.version.split()[0]
    blas = next(library for library in threadpool_info() if library["user_api"] == "blas")
    assert facts["blas"] == f"{blas['internal_api']} {blas['version']} {blas['architecture']}"
    assert facts["started"] <= facts["ended"]
    assert (directory.path / "config.yaml").read_text() == "name: mine\n"


def test_the_commit_is_noted_and_whether_files_differ_from_it(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        return subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    monkeypatch.chdir(tmp_path)
    commit = git("rev-parse", "HEAD").stdout.strip()
    assert facts_of(create(tmp_path))["git_commit"] == commit
    (tmp_path / "file").write_text("two")
    assert facts_of(create(tmp_path))["git_commit"] == f"{commit}-dirty"


def test_outside_of_a_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert facts_of(create(tmp_path))["git_commit"] is None


def test_each_record_is_a_line_that_is_there_at_once(tmp_path):
    directory = create(tmp_path)
    directory.log({"step": 1, "train/loss": 0.5})
    directory.log({"step": 2, "train/loss": float("nan")})
    lines = (directory.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 1, "train/loss": 0.5}, {"step": 2, "train/loss": None}]


def test_a_place_that_cannot_be_written_to_is_an_error_that_names_it(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OSError, match="runs"):
        create(tmp_path / "runs")


def test_run_json_is_json_though_values_are_not_finite(tmp_path):
    directory = create(tmp_path)
    directory.close("done", 0, best={"value": float("nan")}, results={"test/perplexity": float("inf"), "rows": [1.0]})
    text = (directory.path / "run.json").read_text()
    facts = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert (facts["best"]["value"], facts["results"]) == (None, {"test/perplexity": None, "rows": [1.0]})
