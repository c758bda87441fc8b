"""The list of runs: what it says of each, and that its cache is never a truth."""

import json
import os
import shutil

import pytest

from minigrad.runs.index import CACHE, Summary, find_runs
from minigrad.runs.settings import settings_of, varying
from minigrad.runs.tables import align, group_repeats, mean_and_deviation, spread

CONFIG = """\
version: 1
name: small
model:
  Sequential:
    - Linear: {in_features: 2, out_features: 8, bias: true}
    - ReLU
optimizer:
  SGD: {lr: %s, betas: [0.9, 1e-3]}
seed: %d
trainer:
  checkpoint: {monitor: val/loss, mode: null}
"""


@pytest.fixture
def make(tmp_path):
    """Makes a run by hand, as files that another machine may have left."""

    def make(path="small/0001", lr="0.1", seed=0, value=0.5, **facts):
        run = tmp_path / "runs" / path
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(CONFIG % (lr, seed))
        best = {"monitor": "val/loss", "mode": "min", "value": value, "step": 7}
        known = {"status": "done", "best": best, "results": {"steps": 9, "val/loss": value, "test/loss": 1.0}}
        (run / "run.json").write_text(json.dumps({**known, **facts}))
        return run

    return make


@pytest.fixture
def found(tmp_path):
    return lambda: {os.path.relpath(run.path, tmp_path / "runs"): run for run in find_runs(tmp_path / "runs")}


def test_settings_are_plain_values_under_the_keys_of_the_command_line():
    assert settings_of(CONFIG % ("1e-2", 3)) == {
        "name": "small",
        "model": "Sequential",
        "model.0": "Linear",
        "model.0.in_features": 2,
        "model.0.out_features": 8,
        "model.0.bias": True,
        "model.1": "ReLU",
        "optimizer": "SGD",
        "optimizer.lr": 0.01,
        "optimizer.betas": [0.9, 0.001],
        "seed": 3,
        "trainer.checkpoint.monitor": "val/loss",
        "trainer.checkpoint.mode": None,
    }


def test_a_table_with_one_column_is_no_class():
    text = "data: {Table: {missing: {Age: median}, dates: {Born: '%d.%m.%Y'}, augment: [{Crop: {padding: 1}}]}}\n"
    assert settings_of(text) == {
        "data": "Table",
        "data.missing.Age": "median",
        "data.dates.Born": "%d.%m.%Y",
        "data.augment.0": "Crop",
        "data.augment.0.padding": 1,
    }


@pytest.mark.parametrize(
    ("status", "reason", "ending"),
    [
        ("done", "reached trainer.max_epochs=3", "done: reached trainer.max_epochs=3"),
        ("interrupted", "interrupted by SIGINT", "interrupted by SIGINT"),
        ("killed", "", "killed"),
    ],
)
def test_how_a_run_ended_is_said_once(status, reason, ending):
    assert Summary("runs/a/0001", status, reason).ending == ending


def test_quoted_numbers_are_texts_with_and_without_a_fast_reader(monkeypatch):
    text = "a: '1'\nb: \"2\"\nc: 3\nd: '${data.num_features}'\n"
    fast = settings_of(text)
    assert fast == {"a": "1", "b": "2", "c": 3, "d": "${data.num_features}"}
    assert settings_of(text + "# with a | that the careful reader reads\n") == fast


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [\n", "a: &x [1]\nb: *x\n", "a: " + "[" * 5000, "a: 1" + "0" * 400])
def test_what_is_no_config_is_an_error(text):
    with pytest.raises(ValueError, match="not a config"):
        settings_of(text)


def test_a_summary_says_what_the_files_say(make, found):
    make(seconds=3.5, reason="reached trainer.max_epochs=1", started="2026-01-02T03:04:05+00:00")
    run = found()["small/0001"]
    assert (run.status, run.reason, run.step, run.seconds, run.value) == (
        "done", "reached trainer.max_epochs=1", 9, 3.5, 0.5
    )  # fmt: skip
    assert run["optimizer.lr"] == 0.1
    assert run["test/loss"] == 1.0
    with pytest.raises(KeyError):
        run["optimizer.momentum"]


def test_a_run_that_nobody_trains_in_and_that_did_not_end_was_killed(make, found):
    run = make(status="running", results={}, best=None)
    (run / "metrics.jsonl").write_text('{"step": 5, "val/loss": 0.3}\n{"step": 9, "val/loss": 0.4}\n{"step": 1')
    assert found()["small/0001"].status == "killed"
    assert (found()["small/0001"].step, found()["small/0001"].value) == (9, 0.3)


def test_a_run_that_a_process_holds_is_running(make, found):
    fcntl = pytest.importorskip("fcntl")
    run = make(status="running", results={})
    descriptor = os.open(run, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert found()["small/0001"].status == "running"
    os.close(descriptor)
    assert found()["small/0001"].status == "killed"


@pytest.mark.parametrize("cached", [True, False])
def test_runs_may_be_deleted_moved_renamed_copied_and_edited(make, found, tmp_path, cached):
    runs = [make(f"small/000{i}", value=i / 10) for i in range(1, 5)]
    if cached:
        found()
    shutil.rmtree(runs[0])
    runs[1].rename(runs[1].with_name("the good one"))
    (tmp_path / "runs" / "old").mkdir()
    shutil.move(runs[2].parent, tmp_path / "runs" / "old" / "small")
    shutil.copytree(tmp_path / "runs" / "old" / "small" / "0003", tmp_path / "runs" / "copies" / "deep" / "0001")
    facts = tmp_path / "runs" / "old" / "small" / "0004" / "run.json"
    facts.write_text(facts.read_text().replace('"done"', '"failed"'))
    now = found()
    assert {path: (run.status, run.value) for path, run in now.items()} == {
        "copies/deep/0001": ("done", 0.3),
        "old/small/0003": ("done", 0.3),
        "old/small/0004": ("failed", 0.4),
        "old/small/the good one": ("done", 0.2),
    }
    assert now["copies/deep/0001"].path == str(tmp_path / "runs" / "copies" / "deep" / "0001")
    assert found() == now


def test_a_run_that_did_not_change_is_not_read_again(make, found, monkeypatch):
    make()
    before = found()
    monkeypatch.setattr("minigrad.runs.index.summary_of", lambda run: pytest.fail(f"{run} was read again"))
    assert found() == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"version": 1, "keys": [], "runs": [[1, 2]]}', b"null"]
)
def test_a_damaged_cache_is_no_cache(make, found, tmp_path, content):
    make()
    before = found()
    (tmp_path / "runs" / CACHE).write_bytes(content)
    assert found() == before


def test_a_cache_whose_rows_are_of_another_shape_is_no_cache(make, found, tmp_path):
    make()
    before = found()
    cache = tmp_path / "runs" / CACHE
    whole = json.loads(cache.read_text())
    for broken in ({**whole, "runs": [[*whole["runs"][0][:3], {}]]}, {**whole, "keys": []}, {**whole, "runs": 3}):
        cache.write_text(json.dumps(broken))
        assert found() == before


def test_a_folder_that_cannot_be_written_to_is_listed_all_the_same(make, found, tmp_path, monkeypatch):
    make()

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("minigrad.runs.index.write_durably", full)
    assert list(found()) == ["small/0001"]


def test_a_run_that_cannot_be_read_is_said_to_be_and_hides_no_other(make, found):
    make()
    (make("small/0002") / "run.json").write_text("{")
    (make("small/0003") / "config.yaml").write_bytes(b"\xff")
    runs = found()
    assert [run.status for run in runs.values()] == ["done", "unreadable", "unreadable"]
    assert "run.json: expected JSON" in runs["small/0002"].reason
    assert "UTF-8" in runs["small/0003"].reason


def test_a_link_that_leads_back_ends_nowhere(make, found, tmp_path):
    make()
    (tmp_path / "runs" / "small" / "again").symlink_to(tmp_path / "runs", target_is_directory=True)
    assert list(found()) == ["small/0001"]


def test_repeats_are_one_group_and_settings_tell_groups_apart(make, found):
    for i, (lr, seed) in enumerate([("0.1", 0), ("0.1", 1), ("0.2", 0), ("0.2", 1)], 1):
        make(f"small/000{i}", lr, seed, value=float(i))
    groups = group_repeats(list(found().values()))
    assert [(group.settings, group.best) for group in groups] == [
        ({"optimizer.lr": 0.1}, [1.0, 2.0]),
        ({"optimizer.lr": 0.2}, [3.0, 4.0]),
    ]
    assert groups[0].values("val/loss") == [1.0, 2.0]
    assert groups[0].label == "optimizer.lr=0.1"


def test_arguments_of_different_classes_do_not_compare():
    one = settings_of("optimizer: {SGD: {lr: 1, momentum: 0}}\nseed: 1\n")
    other = settings_of("optimizer: {AdamW: {lr: 2, eps: 0}}\nseed: 2\n")
    assert varying([one, other]) == ["optimizer", "optimizer.lr", "seed"]


def test_mean_and_deviation_are_those_of_numpy():
    numpy = pytest.importorskip("numpy")
    values = [0.1, 0.7, 0.4, 0.45]
    assert mean_and_deviation(values) == pytest.approx((numpy.mean(values), numpy.std(values, ddof=1)))
    assert spread([0.5]) == "0.5"
    assert spread([1.0, 2.0]) == "1.5 ± 0.71"
    assert spread([]) == "-"


def test_columns_line_up():
    assert align([["a", "bb"], ["ccc", "d"]]) == "a    bb\nccc  d"
