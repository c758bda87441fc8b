"""Hyperparameter search: trials as members of a sweep.

Processes and machines can share them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from minigrad.runs.directory import RunDirectory
from minigrad.runs.files import RunError, read_records
from minigrad.runs.tables import mean_and_deviation
from minigrad.training.search.folder import SweepFolder
from minigrad.training.search.member import Member, Program, names_of
from minigrad.training.search.space import Choice, Range, Space
from minigrad.training.search.study import storage_errors

BEAT_SECONDS = 20.0
"""The seconds between heartbeats of a process, for machines that do not share its folder."""
SILENT_SECONDS = 180.0
"""The seconds without a heartbeat after which a trial of a machine with another folder is considered lost."""
WATCH_SECONDS = 0.5

_LOST, _BEAT, _RUNS = "lost", "beat", "runs"


@dataclass
class ClaimedTrial:
    """A trial that this process runs.

    Attributes:
        trial: Optuna's trial.
        members: its runs, several if they are repeated.
        lock: the file descriptor that holds its lock.
        waiting: the runs that have not been started.
        pruned: why it ends early; "" if it does not.
    """

    trial: optuna.Trial
    members: list[Member]
    lock: int
    waiting: list[Member]
    pruned: str = ""
    beats: int = 0
    beat_at: float = 0.0
    look_at: float = 0.0
    reported: set[int] = field(default_factory=set)


class Search:
    """The trials of a study.

    Any number of processes can share them. If the process of a trial has ended, any process with the same folder
    resumes the trial from its last checkpoint. A trial on a machine with another folder is marked as failed after
    `SILENT_SECONDS` without a heartbeat, and its point is tried again.

    Args:
        study: Optuna's study.
        storage: the name of its storage, for errors.
        space: the space from which trials are sampled.
        folder: the folder of the sweep.
        program: the command lines that train the members.
        repeats: the seeds and folds of a trial's runs; the value of the trial is their mean.
        trials: the total number of trials.
        seed: the seed of the sampler. A trial depends on the seed, its number, and the trials that ended before.
        prune: the validated value by which trials are pruned; "" for no pruning.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: str,
        space: Space,
        folder: SweepFolder,
        program: Program,
        repeats: Sequence[dict[str, Any]],
        trials: int,
        seed: int,
        prune: str = "",
    ) -> None:
        self.study, self.storage, self.space, self.folder, self.program = study, storage, space, folder, program
        self.repeats, self.trials, self.seed, self.monitor = repeats, trials, seed, prune
        self._claimed: dict[int, ClaimedTrial] = {}
        self._heard: dict[int, tuple[Any, float]] = {}
        self._of: dict[str, ClaimedTrial] = {}

    def take(self) -> Member | None:
        """Return the next run to start.

        It belongs to a trial of this process, to one whose process has ended, or to a new one.
        """
        with storage_errors(self.storage):
            for claimed in self._claimed.values():
                if claimed.waiting:
                    return claimed.waiting.pop(0)
            claimed_or_none = self._resume_trial() or self._ask()
            if claimed_or_none is None:
                return None
            if not claimed_or_none.waiting:  # all runs had ended, but the study was not told
                self._tell(claimed_or_none)
                return self.take()
            return claimed_or_none.waiting.pop(0)

    def started(self, member: Member) -> int | None:
        """Return the lock of the trial of a member."""
        return self._of[member.stem.name].lock

    def watch(self, member: Member) -> None:
        """Report a run's validations; stop it if pruned.

        The call also reports a heartbeat to the study.
        """
        claimed, now = self._of[member.stem.name], time.monotonic()
        with storage_errors(self.storage):
            if now >= claimed.beat_at:
                claimed.beats += 1
                claimed.trial.set_user_attr(_BEAT, f"{os.getpid()} {claimed.beats}")
                claimed.beat_at = now + BEAT_SECONDS
            if self.monitor and not claimed.pruned and now >= claimed.look_at:
                claimed.look_at = now + WATCH_SECONDS
                if behind := self._report(claimed, member):
                    claimed.pruned = f"pruned by the search: {behind} is behind the median"
                    member.stop()

    def ended(self, member: Member) -> None:
        """Record a run's end, and the trial's value if last."""
        claimed = self._of[member.stem.name]
        if claimed.pruned and member.status == "interrupted":
            member.status = "pruned"
            RunDirectory.open(Path(member.run)).note(status="pruned", reason=claimed.pruned)
        elif member.status.startswith("killed"):
            member.status = f"failed: {member.status}"
        if member.is_over:
            member.note()
            if claimed.waiting or not all(each.is_over for each in claimed.members):
                return
            with storage_errors(self.storage):
                while self.monitor and self._report(claimed, member):  # other trials are compared with these
                    pass
                self._tell(claimed)
        else:  # interrupted: a resumed search continues it
            self._release(claimed)

    @property
    def is_over(self) -> bool:
        """Whether all trials have ended, here and elsewhere."""
        with storage_errors(self.storage):
            found = self._started_trials()
        return len(found) >= self.trials and all(trial.state.is_finished() for trial in found)

    @property
    def progress(self) -> str:
        """The number of ended trials, of the total."""
        with storage_errors(self.storage):
            ended = sum(trial.state.is_finished() for trial in self._started_trials())
        return f"{ended}/{self.trials}"

    @property
    def members(self) -> list[Member]:
        """The runs of all trials, on other machines too."""
        found = []
        with storage_errors(self.storage):
            for trial in self._started_trials():
                members = self._members(trial.number, self._point(trial))
                known = trial.user_attrs.get(_RUNS, [])
                for member, facts in zip(members, known, strict=False):
                    member.run, member.status, member.best = facts["run"], facts["status"], facts["best"]
                if not trial.state.is_finished():
                    self._read_status(members, trial.number)
                found += members
        return found

    def _read_status(self, members: Sequence[Member], number: int) -> None:
        """Read the status of an unfinished trial's runs."""
        if self.folder.was_claimed(_name(number)):
            for member in members:
                member.read()
        else:
            members[0].status = "started on another machine"

    def _started_trials(self) -> list[FrozenTrial]:
        """Return the trials that were started, except lost ones."""
        trials = self.study.get_trials(deepcopy=False)
        return [each for each in trials if each.state != TrialState.WAITING and _LOST not in each.user_attrs]

    def _resume_trial(self) -> ClaimedTrial | None:
        """Return a trial whose process has ended, and mark lost trials as failed."""
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            name = _name(frozen.number)
            if frozen.number in self._claimed:
                continue
            if not self.folder.was_claimed(name):
                self._fail_if_silent(frozen)
                continue
            if (lock := self.folder.claim(name)) is None:
                continue
            trial = optuna.Trial(self.study, frozen._trial_id)
            if self.study.trials[frozen.number].state.is_finished():
                os.close(lock)
                continue
            return self._claim(trial, lock)
        return None

    def _fail_if_silent(self, frozen: FrozenTrial) -> None:
        """Mark a trial without heartbeat as failed, and enqueue its point again."""
        beat = frozen.user_attrs.get(_BEAT, "")
        last, since = self._heard.get(frozen.number, (None, 0.0))
        if beat != last:
            self._heard[frozen.number] = (beat, time.monotonic())
        elif time.monotonic() - since >= SILENT_SECONDS:
            reason = f"its process gave no sign of life for {SILENT_SECONDS:.0f} s"
            optuna.Trial(self.study, frozen._trial_id).set_user_attr(_LOST, reason)
            self.study.tell(frozen.number, state=TrialState.FAIL, skip_if_finished=True)
            self.study.enqueue_trial(frozen.params)

    def _ask(self) -> ClaimedTrial | None:
        """Return a new trial; None if all have been started."""
        if len(self._started_trials()) >= self.trials:
            return None
        trial = self.study.ask()
        lock = self.folder.claim(_name(trial.number))
        first = sorted(each.number for each in self._started_trials())[: self.trials]
        if trial.number not in first or lock is None:  # another process started the last one at the same moment
            trial.set_user_attr(_LOST, "not needed")
            self.study.tell(trial, state=TrialState.FAIL)
            if lock is not None:
                os.close(lock)
            return None
        return self._claim(trial, lock)

    def _claim(self, trial: optuna.Trial, lock: int) -> ClaimedTrial:
        """Return a claimed trial, with sampled parameters and the known status of its runs."""
        self.study.sampler = TPESampler(seed=_mix_seed(self.seed, trial.number), constant_liar=True)
        members = self._members(trial.number, self._draw(trial))
        for member in members:
            member.read()
        waiting = [member for member in members if not member.is_over]
        claimed = ClaimedTrial(trial, members, lock, waiting)
        claimed.reported = set(self.study.trials[trial.number].intermediate_values)
        self._claimed[trial.number] = claimed
        self._of.update({member.stem.name: claimed for member in members})
        return claimed

    def _draw(self, trial: optuna.Trial) -> dict[str, Any]:
        """Return the point of a trial, sampling missing parameters."""
        chosen = {key: trial.suggest_categorical(key, list(part.values)) for key, part in self.space.choices.items()}
        point = self.space.values(chosen)
        for key, part in self.space.ranges_with(chosen).items():
            if part.whole:
                point[key] = trial.suggest_int(key, int(part.low), int(part.high), log=part.log)
            else:
                point[key] = trial.suggest_float(key, part.low, part.high, log=part.log)
        return point

    def _point(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return a trial's sampled values, in the space's order."""
        choices: dict[str, Choice | Range] = {**self.space.choices, **self.space.ranges}
        found = {}
        for key, part in choices.items():
            if key in trial.params:
                value = trial.params[key]
                found[key] = part.values[value] if isinstance(part, Choice) else value
        return found

    def _members(self, number: int, point: dict[str, Any]) -> list[Member]:
        pairs = zip(names_of(number + 1, len(self.repeats)), self.repeats, strict=True)
        return [Member(point, self.folder.stem(each), self.program, repeat) for each, repeat in pairs]

    def _report(self, claimed: ClaimedTrial, member: Member) -> str:
        """Report the new validations of a run to the study.

        Returns:
            The first validation at which the pruner would stop the run; "" if there is none.
        """
        run = member.read_run()
        for step, value in _validations(Path(run), self.monitor) if run else ():
            if step not in claimed.reported:
                claimed.reported.add(step)
                claimed.trial.report(value, step)
                if claimed.trial.should_prune():
                    return f"{value:.4g} at step {step}"
        return ""

    def _tell(self, claimed: ClaimedTrial) -> None:
        """Report a trial's end to the study, and release it."""
        facts = [{"run": each.run, "status": each.status, "best": each.best} for each in claimed.members]
        claimed.trial.set_user_attr(_RUNS, json.loads(json.dumps(facts)))
        values = [each.value for each in claimed.members if each.value is not None]
        done = all(each.status == "done" for each in claimed.members)
        if any(each.status == "pruned" for each in claimed.members):
            self.study.tell(claimed.trial, state=TrialState.PRUNED, skip_if_finished=True)
        elif done and len(values) == len(claimed.members):
            self.study.tell(claimed.trial, mean_and_deviation(values)[0], skip_if_finished=True)
        else:
            self.study.tell(claimed.trial, state=TrialState.FAIL, skip_if_finished=True)
        self._release(claimed)

    def _release(self, claimed: ClaimedTrial) -> None:
        if self._claimed.pop(claimed.trial.number, None) is not None:
            os.close(claimed.lock)


def _name(number: int) -> str:
    """Return a trial's lock name; Optuna counts from 0."""
    return names_of(number + 1, 1)[0]


def _validations(run: Path, monitor: str) -> list[tuple[int, float]]:
    """Return steps and values of a monitored name, so far; nothing if the run's metrics cannot be read."""
    try:
        records = read_records(run)
    except RunError:
        return []
    return [(record["step"], record[monitor]) for record in records if record.get(monitor) is not None]


def _mix_seed(seed: int, number: int) -> int:
    """Return a 32-bit seed from a seed and a number."""
    return int(np.random.SeedSequence([seed & (2**64 - 1), number]).generate_state(1)[0])
