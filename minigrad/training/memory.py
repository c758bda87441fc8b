"""Whether a model fits into memory: its sizes are known before anything is filled."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from minigrad.config import ConfigError, Plan
from minigrad.nn import Module, Parameter, init
from minigrad.training.experiment import set_seed


def check_memory(plan: Plan) -> str:
    """Returns in words what a training must keep of the model of `plan`, and how much memory there is.

    The model is built with nothing filled in, which takes address space, but no memory. What the data, the outputs of
    the layers and the work of an operation take is not counted: what is refused cannot fit.

    Raises: ConfigError, with the sizes and the place of the largest layer, if that is more than there is; and as
        `Plan.build`.
    """
    free = available_memory()
    has = f"{_shown(free)} of memory are free" if free is not None else "how much memory is free, nobody says"
    set_seed(plan)
    try:
        with init.skipped():
            model = plan.build("model")
    except ConfigError as error:
        if not isinstance(error.__cause__, MemoryError):
            raise
        raise ConfigError([replace(p, hint=f"{p.hint}\n{has}") for p in error.problems]) from error
    weights = sum(parameter.data.nbytes for parameter in model.parameters())
    kept = _kept(plan)
    copies = f"weights, gradients, best weights, {kept} times what {plan['optimizer'].__name__} keeps of each"
    needed = weights * (3 + kept)
    if free is not None and needed > free:
        path, layer = max(model.named_modules(), key=lambda found: _own_bytes(found[1]))
        shapes = ", ".join(f"{name} {p.shape}" for name, p in layer.named_parameters() if "." not in name)
        size = f"{_shown(weights)} of parameters, {3 + kept} times: {copies}"
        largest = f"the largest layer is {type(layer).__name__} with {shapes}: {_shown(_own_bytes(layer))}"
        message = f"training this model takes at least {_shown(needed)}, and {has}"
        raise plan.error(f"model.{path}", message, f"{size}\n{largest}")
    return f"memory for {copies}: {_shown(needed)}; {has}"


def available_memory() -> int | None:
    """Returns the bytes that are free, as Linux and its containers say; elsewhere all there are; None if unknown."""
    found = []
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024)
    with suppress(OSError, ValueError):  # "max" for a container that has no limit
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        found.append(limit - used)
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def _own_bytes(module: Module) -> int:
    return sum(parameter.data.nbytes for name, parameter in module.named_parameters() if "." not in name)


def _kept(plan: Plan) -> int:
    """How many numbers the optimizer keeps of each that it moves, as its first step on a single one shows."""
    number = Parameter(np.zeros(1, np.float32))
    number.grad = np.zeros(1, np.float32)
    optimizer = plan.build("optimizer")([number])
    optimizer.step()
    return sum(isinstance(kept, np.ndarray) for kept in optimizer.state_dict()["state"].get(0, {}).values())


def _shown(size: float) -> str:
    units = ["TB", "GB", "MB", "kB", "bytes"]
    while size >= 1000 and len(units) > 1:
        size, _ = size / 1000, units.pop()
    return f"{size:.3g} {units[-1]}"
