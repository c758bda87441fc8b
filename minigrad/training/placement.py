"""The device of a training, and moves to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigrad.devices import module_of
from minigrad.parallel import Ranks
from minigrad.training.sharding import ShardingError


def shards_on_device(settings: Any, ranks: Ranks) -> int | None:
    """Return the number of shards, 1 on accelerators.

    Args:
        settings: the `Trainer` with device, shards and compile.
        ranks: the processes that train the model together.

    Raises:
        ShardingError: with the path of the setting, for a device that is not there, and for what divides or records the
            work of cores and has no meaning on another device.
    """
    try:
        module_of(settings.device)
    except (ValueError, RuntimeError) as error:
        raise ShardingError("trainer.device", str(error)) from error
    if settings.device == "cpu":
        return settings.shards
    where = f"on the device {settings.device!r} a step is computed in one piece, as it is"
    if settings.shards not in (None, 1):
        raise ShardingError("trainer.shards", f"shards is {settings.shards}, and {where}: leave it out")
    if settings.compile:
        raise ShardingError("trainer.compile", f"compile is for steps on the CPU, and {where}: leave it out")
    if ranks.size > 1:
        raise ShardingError("trainer.device", f"{ranks.size} processes train one model on the CPU alone: device: cpu")
    return 1


@contextmanager
def placed(training: Any) -> Iterator[None]:
    """Move a `Training` to its device within the block.

    Everything computed beside the model moves too.
    """
    device = training.settings.device
    if device == "cpu":
        yield
        return
    _move(training, device)
    try:
        yield
    finally:
        _move(training, "cpu")


def _move(training: Any, device: str) -> None:
    training.model.to(device)
    training.loss.to(device)
    training.optimizer.load_state_dict(training.optimizer.state_dict())  # arrays beside their parameters
    if training.average is not None:
        training.average.load_state_dict(training.average.state_dict())
