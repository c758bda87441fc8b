"""The trials of a search, with programs in place of trainings that do what a test asks of them."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna")
pytest.importorskip("fcntl", reason="trials are kept for a process by locks on files")

from optuna.trial import TrialState

from minigrad.training.search.folder import SweepFolder
from minigrad.training.search.member import Program
from minigrad.training.search.searching import Search
from minigrad.training.search.space import Range, Space
from minigrad.training.search.study import open_study
from minigrad.training.search.sweep import run_members

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
what, word = sys.argv[1:3]
if what == "train":
    x = float(word.partition("=")[2])
    run = Path("runs") / f"{len(os.listdir('runs')) + 1:04d}"
    run.mkdir()
    (run / "config.yaml").write_text(f"name: fake\\nx: {x}\\n")
else:
    run, x = Path(word), 0.0
def write(status, code):
    best = {"monitor": "val/loss", "mode": "min", "value": x, "step": 2}
    (run / "run.json").write_text(json.dumps({"status": status, "best": best, "arguments": [what]}))
    sys.exit(code)
print("run", run, file=sys.stderr, flush=True)
(run / "metrics.jsonl").write_text("".join(json.dumps({"step": i, "val/loss": x}) + "\\n" for i in (1, 2)))
signal.signal(signal.SIGTERM, lambda *_: write("interrupted", 143))
while x > 5 and what == "train":  # until it is told to end
    time.sleep(0.01)
if x < -5:
    os.kill(os.getpid(), signal.SIGKILL)
write("done", 0)
"""


class PlanOfX:
    def __getitem__(self, key):
        return {"x": 0.0}[key]


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Makes a search over x, whose runs have the loss x, go on for ever above 5, and crash below -5."""
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("fake.py").write_text(PROGRAM)
    program = Program([sys.executable, "fake.py", "train"], [sys.executable, "fake.py", "resume"])

    def search(trials, repeats=({},), prune="", points=(), folder="fake"):
        study = open_study("trials.journal", "fake", {"search": "x"}, "min", bool(prune))
        for x in points:
            study.enqueue_trial({"x": x})
        space = Space({"x": Range(-10.0, 10.0)}, [], lambda point: PlanOfX(), lambda point: None)
        where = SweepFolder.open(tmp_path / "sweeps", folder, {"search": "x"}, True)
        return Search(study, "trials.journal", space, where, program, list(repeats), trials, 0, prune)

    return search


def test_a_trial_behind_the_median_is_told_to_end_and_noted_as_pruned(search):
    work = search(7, prune="val/loss", points=[1.0, 1.1, 1.2, 1.3, 1.4, 9.0, 0.5])
    assert run_members(work, jobs=1) == 0
    assert [trial.state for trial in work.study.trials] == [TrialState.COMPLETE] * 5 + [
        TrialState.PRUNED,
        TrialState.COMPLETE,
    ]
    assert [member.status for member in work.members] == ["done"] * 5 + ["pruned", "done"]
    facts = json.loads(Path("runs/0006/run.json").read_text())
    assert facts["status"] == "pruned"
    assert facts["reason"] == "pruned by the search: 9 at step 1 is behind the median"


def test_a_trial_whose_run_is_killed_has_failed_and_is_not_tried_for_ever(search):
    work = search(2, points=[-9.0, 1.0])
    run_members(work, jobs=1)
    assert [trial.state for trial in work.study.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert [member.status for member in work.members] == ["failed: killed by signal 9", "done"]


def test_a_trial_that_was_left_is_taken_up_where_its_run_stands(search):
    work = search(1, points=[9.0])
    member = work.take()
    member.start(work.started(member))
    while not member.read_run():
        pass
    assert search(1).take() is None  # a process works on it
    member.kill()
    member.process.communicate()
    work._release(work._of["0001"])  # as the end of the process does
    other = search(1)
    assert run_members(other, jobs=1) == 0
    (trial,) = other.study.trials
    assert (trial.state, trial.params) == (TrialState.COMPLETE, {"x": 9.0})
    assert json.loads(Path("runs/0001/run.json").read_text())["arguments"] == ["resume"]


def test_the_repeats_of_a_trial_are_begun_by_one_process_and_their_mean_is_its_value(search):
    work = search(2, repeats=[{"seed": 1}, {"seed": 2}], points=[1.0, 2.0])
    assert run_members(work, jobs=2) == 0
    assert [trial.value for trial in work.study.trials] == [1.0, 2.0]
    assert [member.stem.name for member in work.members] == ["0001-1", "0001-2", "0002-1", "0002-2"]


def test_a_search_that_finds_the_last_trial_begun_in_the_same_moment_leaves_it(search):
    one, other = search(1, points=[1.0]), search(1)
    counted, asked = other._started_trials, []

    def late():  # the first look comes before the other process has begun
        asked.append(True)
        return [] if len(asked) == 1 else counted()

    other._started_trials = late
    assert one.take() is not None
    assert other.take() is None
    assert [trial.user_attrs.get("lost") for trial in one.study.trials] == [None, "not needed"]
    assert len(one._started_trials()) == 1


def test_folders_of_their_own_do_not_take_each_others_trials(search, monkeypatch):
    monkeypatch.setattr("minigrad.training.search.searching.SILENT_SECONDS", 1e9)
    one, other = search(2, points=[1.0, 2.0]), search(2, folder="elsewhere")
    first = one.take()
    second = other.take()
    assert (first.point, second.point) == ({"x": 1.0}, {"x": 2.0})
    assert other.take() is None
    assert not other.is_over
