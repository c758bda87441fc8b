"""Execution of a sweep's members, several at a time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Protocol

from minigrad.training.search.folder import SweepFolder
from minigrad.training.search.member import Member
from minigrad.training.signals import finish_on_signal

POLL_SECONDS = 0.05
IDLE_SECONDS = 0.25
ASK_SECONDS = 1.0
"""The seconds to wait before asking again for a member to start."""

_ON_SIGNAL = "starting no more runs, and saving those that train"


class Work(Protocol):
    """The members of a sweep, shared by processes."""

    def take(self) -> Member | None:
        """Return a member to start; None if there is none.

        There may be none for now, or none at all.
        """

    def started(self, member: Member) -> int | None:
        """Return the file descriptor that holds a member's lock."""

    def watch(self, member: Member) -> None:
        """Observe a running member."""

    def ended(self, member: Member) -> None:
        """Record how a member ended."""

    @property
    def is_over(self) -> bool:
        """Whether no member is left, for any process."""

    @property
    def members(self) -> Sequence[Member]:
        """All members so far, with their status."""

    @property
    def progress(self) -> str:
        """The number of ended members, of the total."""


class Grid:
    """The members of a grid.

    Processes with the same folder share them. If a process ends before its member, another process or the next sweep
    continues the member.
    """

    def __init__(self, members: Sequence[Member], folder: SweepFolder) -> None:
        self._members = members
        self.folder = folder
        for member in members:
            member.read()
        self._waiting = [member for member in members if not member.is_over]
        self._locks: dict[str, int] = {}

    def take(self) -> Member | None:
        """Return the next unclaimed member."""
        for member in list(self._waiting):
            name = member.stem.name
            if (lock := self.folder.claim(name)) is None:
                continue
            self._waiting.remove(member)
            member.read()
            if not member.is_over:
                self._locks[name] = lock
                return member
            os.close(lock)
        return None

    def started(self, member: Member) -> int | None:
        """Return the lock of a member."""
        return self._locks.get(member.stem.name)

    def watch(self, member: Member) -> None:
        """Do nothing: members of a grid are not pruned."""

    def ended(self, member: Member) -> None:
        """Record how a member ended, and release it."""
        if member.is_over:
            member.note()
        os.close(self._locks.pop(member.stem.name))

    @property
    def is_over(self) -> bool:
        """Whether each member has ended, here or elsewhere."""
        return not self._waiting

    @property
    def members(self) -> Sequence[Member]:
        """All members, with the status in their files."""
        for member in self._members:
            member.read()
        return self._members

    @property
    def progress(self) -> str:
        """The number of ended members, of the total."""
        left = len(self._waiting) + len(self._locks)
        return f"{len(self._members) - left}/{len(self._members)}"


def run_members(work: Work, jobs: int) -> int:
    """Run members in parallel, and report each end.

    Reports go to standard error. After SIGINT or SIGTERM, running members are asked once to finish their step and save,
    and no more are started.

    Args:
        work: the members of the sweep; those of other processes are waited for.
        jobs: the number of members to run at a time.

    Returns:
        The number of the signal that ended the sweep; 0 without one.
    """
    running: list[Member] = []
    told = waits = False
    ask_at = 0.0
    try:
        with finish_on_signal(lambda: None, _ON_SIGNAL) as received:
            while running or not (received or work.is_over):
                while len(running) < jobs and not received and time.monotonic() >= ask_at:
                    if (member := work.take()) is None:
                        ask_at = time.monotonic() + ASK_SECONDS
                        break
                    member.start(work.started(member))
                    running.append(member)
                if received and not told:
                    told = True
                    for member in running:
                        member.stop()
                for member in running.copy():
                    if member.has_ended():
                        running.remove(member)
                        work.ended(member)
                        ask_at = 0.0
                        print(f"{work.progress}  {member}", file=sys.stderr, flush=True)
                    elif not told:
                        work.watch(member)
                waits_now = not running and time.monotonic() < ask_at
                if waits_now and not (waits or received or work.is_over):
                    waits = True
                    print("waiting for the runs of other processes", file=sys.stderr, flush=True)
                time.sleep(IDLE_SECONDS if waits_now else POLL_SECONDS)
    finally:
        for member in running:
            member.kill()
    return received[0] if received else 0
