"""Hyperparameter search: trials as members of a sweep.

Several processes and machines may share them.
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
from minigrad.runs.tables import mean_and_deviation
from minigrad.training.search.folder import SweepFolder
from minigrad.training.search.member import Member, Program, names_of
from minigrad.training.search.space import Choice, Range, Space
from minigrad.training.search.study import storage_errors

BEAT_SECONDS = 20.0
"""The seconds between two signs of life of a process, for machines that do not share its folder."""
SILENT_SECONDS = 180.0
"""After which a trial is taken for lost, when its process, on a machine with another folder, said nothing."""
WATCH_SECONDS = 0.5

_LOST, _BEAT, _RUNS = "lost", "beat", "runs"


@dataclass
class Hand:
    """A trial that this process runs.

    Attributes:
        trial: of Optuna.
        members: its runs: one, or the repeats.
        lock: the open file that keeps it for this process.
        waiting: the runs that are not yet begun.
        pruned: why it ends early.
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
    """The trials of a study, up to a number.

    Any process may begin them.

    A trial whose process has ended is taken up, from its last checkpoint, by any process that shares the folder. One
    of a machine with another folder, of which nothing was heard for `SILENT_SECONDS`, is marked as failed, and its
    point is tried again.

    Args:
        study: of Optuna.
        storage: what it is kept in, for errors.
        space: from which trials are drawn.
        folder: of the sweep.
        program: what trains the members.
        repeats: the seeds and folds of a trial's runs; the value of the trial is their mean.
        trials: the total number of trials.
        seed: of the draws: a trial depends on it, its number, and those that ended before.
        prune: the name of the validated value by which trials end early, if they do.
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
        self._hands: dict[int, Hand] = {}
        self._heard: dict[int, tuple[Any, float]] = {}
        self._of: dict[str, Hand] = {}

    def take(self) -> Member | None:
        """Return the next run to start.

        It belongs to a trial in hand, one that was left, or a new one.
        """
        with storage_errors(self.storage):
            for hand in self._hands.values():
                if hand.waiting:
                    return hand.waiting.pop(0)
            hand_or_none = self._take_up() or self._ask()
            if hand_or_none is None:
                return None
            if not hand_or_none.waiting:  # it had ended without a report to the study
                self._tell(hand_or_none)
                return self.take()
            return hand_or_none.waiting.pop(0)

    def started(self, member: Member) -> int | None:
        """Return the lock of the trial of a member."""
        return self._of[member.stem.name].lock

    def watch(self, member: Member) -> None:
        """Report a run's validations, and end it if pruned.

        Also reports that this process is alive.
        """
        hand, now = self._of[member.stem.name], time.monotonic()
        with storage_errors(self.storage):
            if now >= hand.beat_at:
                hand.beats += 1
                hand.trial.set_user_attr(_BEAT, f"{os.getpid()} {hand.beats}")
                hand.beat_at = now + BEAT_SECONDS
            if self.monitor and not hand.pruned and now >= hand.look_at:
                hand.look_at = now + WATCH_SECONDS
                if behind := self._report(hand, member):
                    hand.pruned = f"pruned by the search: {behind} is behind the median"
                    member.stop()

    def ended(self, member: Member) -> None:
        """Record a run's end, and the trial's value if last."""
        hand = self._of[member.stem.name]
        if hand.pruned and member.status == "interrupted":
            member.status = "pruned"
            RunDirectory.open(Path(member.run)).note(status="pruned", reason=hand.pruned)
        elif member.status.startswith("killed"):
            member.status = f"failed: {member.status}"
        if member.is_over:
            member.note()
            if hand.waiting or not all(each.is_over for each in hand.members):
                return
            with storage_errors(self.storage):
                while self.monitor and self._report(hand, member):  # what others are compared with
                    pass
                self._tell(hand)
        else:  # interrupted: a resumed search takes it up
            self._let_go(hand)

    @property
    def is_over(self) -> bool:
        """Whether all trials have ended, here and elsewhere."""
        with storage_errors(self.storage):
            found = self._counted()
        return len(found) >= self.trials and all(trial.state.is_finished() for trial in found)

    @property
    def progress(self) -> str:
        """The number of ended trials, and of all."""
        with storage_errors(self.storage):
            ended = sum(trial.state.is_finished() for trial in self._counted())
        return f"{ended}/{self.trials}"

    @property
    def members(self) -> list[Member]:
        """The runs of all trials, on other machines too."""
        found = []
        with storage_errors(self.storage):
            for trial in self._counted():
                members = self._members(trial.number, self._point(trial))
                known = trial.user_attrs.get(_RUNS, [])
                for member, facts in zip(members, known, strict=False):
                    member.run, member.status, member.best = facts["run"], facts["status"], facts["best"]
                if not trial.state.is_finished():
                    self._look_at(members, trial.number)
                found += members
        return found

    def _look_at(self, members: Sequence[Member], number: int) -> None:
        """Read the status of an unfinished trial's runs."""
        if self.folder.was_claimed(_name(number)):
            for member in members:
                member.read()
        else:
            members[0].status = "begun on another machine"

    def _counted(self) -> list[FrozenTrial]:
        """Return the trials that are begun, without lost ones."""
        trials = self.study.get_trials(deepcopy=False)
        return [each for each in trials if each.state != TrialState.WAITING and _LOST not in each.user_attrs]

    def _take_up(self) -> Hand | None:
        """Return a trial whose process has ended. Trials that are lost are marked."""
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            name = _name(frozen.number)
            if frozen.number in self._hands:
                continue
            if not self.folder.was_claimed(name):
                self._listen(frozen)
                continue
            if (lock := self.folder.claim(name)) is None:
                continue
            trial = optuna.Trial(self.study, frozen._trial_id)
            if self.study.trials[frozen.number].state.is_finished():
                os.close(lock)
                continue
            return self._hold(trial, lock)
        return None

    def _listen(self, frozen: FrozenTrial) -> None:
        """Mark a silent trial of another machine as failed. Its point is enqueued again."""
        beat = frozen.user_attrs.get(_BEAT, "")
        last, since = self._heard.get(frozen.number, (None, 0.0))
        if beat != last:
            self._heard[frozen.number] = (beat, time.monotonic())
        elif time.monotonic() - since >= SILENT_SECONDS:
            reason = f"its process was not heard of for {SILENT_SECONDS:.0f} s"
            optuna.Trial(self.study, frozen._trial_id).set_user_attr(_LOST, reason)
            self.study.tell(frozen.number, state=TrialState.FAIL, skip_if_finished=True)
            self.study.enqueue_trial(frozen.params)

    def _ask(self) -> Hand | None:
        """Return a new trial; None if there are enough."""
        if len(self._counted()) >= self.trials:
            return None
        trial = self.study.ask()
        lock = self.folder.claim(_name(trial.number))
        first = sorted(each.number for each in self._counted())[: self.trials]
        if trial.number not in first or lock is None:  # another process began the last one in the same moment
            trial.set_user_attr(_LOST, "not needed")
            self.study.tell(trial, state=TrialState.FAIL)
            if lock is not None:
                os.close(lock)
            return None
        return self._hold(trial, lock)

    def _hold(self, trial: optuna.Trial, lock: int) -> Hand:
        """Return a trial now in hand. Its parameters are drawn, and what is known of its runs is read."""
        self.study.sampler = TPESampler(seed=_mixed(self.seed, trial.number), constant_liar=True)
        members = self._members(trial.number, self._draw(trial))
        for member in members:
            member.read()
        waiting = [member for member in members if not member.is_over]
        hand = Hand(trial, members, lock, waiting)
        hand.reported = set(self.study.trials[trial.number].intermediate_values)
        self._hands[trial.number] = hand
        self._of.update({member.stem.name: hand for member in members})
        return hand

    def _draw(self, trial: optuna.Trial) -> dict[str, Any]:
        """Return the point of a trial, drawing what is missing."""
        chosen = {key: trial.suggest_categorical(key, list(part.values)) for key, part in self.space.choices.items()}
        point = self.space.values(chosen)
        for key, part in self.space.ranges_with(chosen).items():
            if part.whole:
                point[key] = trial.suggest_int(key, int(part.low), int(part.high), log=part.log)
            else:
                point[key] = trial.suggest_float(key, part.low, part.high, log=part.log)
        return point

    def _point(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return a trial's drawn values, in the space's order."""
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

    def _report(self, hand: Hand, member: Member) -> str:
        """Report the new validations of a run to the study.

        Returns the first by which the pruner would end it.
        """
        run = member.tell_run()
        for step, value in _validations(Path(run), self.monitor) if run else ():
            if step not in hand.reported:
                hand.reported.add(step)
                hand.trial.report(value, step)
                if hand.trial.should_prune():
                    return f"{value:.4g} at step {step}"
        return ""

    def _tell(self, hand: Hand) -> None:
        """Report a trial's end to the study, and release it."""
        facts = [{"run": each.run, "status": each.status, "best": each.best} for each in hand.members]
        hand.trial.set_user_attr(_RUNS, json.loads(json.dumps(facts)))
        values = [each.value for each in hand.members if each.value is not None]
        done = all(each.status == "done" for each in hand.members)
        if any(each.status == "pruned" for each in hand.members):
            self.study.tell(hand.trial, state=TrialState.PRUNED, skip_if_finished=True)
        elif done and len(values) == len(hand.members):
            self.study.tell(hand.trial, mean_and_deviation(values)[0], skip_if_finished=True)
        else:
            self.study.tell(hand.trial, state=TrialState.FAIL, skip_if_finished=True)
        self._let_go(hand)

    def _let_go(self, hand: Hand) -> None:
        if self._hands.pop(hand.trial.number, None) is not None:
            os.close(hand.lock)


def _name(number: int) -> str:
    """Return a trial's lock name; Optuna counts from 0."""
    return names_of(number + 1, 1)[0]


def _validations(run: Path, monitor: str) -> list[tuple[int, float]]:
    """Return steps and values of a monitored name. From the complete lines of a run's metrics."""
    try:
        with open(run / "metrics.jsonl", "rb") as file:
            added = file.read()
    except OSError:  # nothing was recorded yet
        return []
    whole = added[: added.rfind(b"\n") + 1]
    records = [json.loads(line) for line in whole.splitlines()]
    return [(record["step"], record[monitor]) for record in records if record.get(monitor) is not None]


def _mixed(seed: int, number: int) -> int:
    """Return a 32-bit seed from a seed and a number."""
    return int(np.random.SeedSequence([seed & (2**64 - 1), number]).generate_state(1)[0])
