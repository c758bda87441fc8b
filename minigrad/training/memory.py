"""Estimates of a training's memory, before any is allocated."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from minigrad.config import ConfigError, Plan
from minigrad.nn import Module, Parameter, freeze, init
from minigrad.nn.lora import saved_state
from minigrad.training.experiment import building


def check_memory(plan: Plan) -> str:
    """Return a sentence about required and free memory.

    The model is built with uninitialized arrays, which take address space but no memory. Data, activations and
    temporary arrays are not counted, so a model that is refused certainly does not fit.

    Raises:
        ConfigError: if more memory is needed than is free, with the sizes and the place of the largest layer; or if
            `Plan.build` raises it.
    """
    free = available_memory()
    has = f"{format_bytes(free)} of memory are free" if free is not None else "the amount of free memory is unknown"
    try:
        with building(plan), init.skipped():
            model = plan.build("model")
            _choose(plan, model)
    except ConfigError as error:
        if not isinstance(error.__cause__, MemoryError):
            raise
        raise ConfigError([replace(p, hint=f"{p.hint}\n{has}") for p in error.problems]) from error
    weights = sum(parameter.data.nbytes for parameter in model.parameters())
    trained = sum(parameter.data.nbytes for parameter in model.parameters() if parameter.requires_grad)
    saved = _saved(plan)
    averages = plan["trainer.ema"] is not None
    copies = "weights, gradients, best weights, " + "averages, " * averages
    copies += f"{saved} times what {plan['optimizer'].__name__} keeps of each"
    best = sum(array.nbytes for array in saved_state(model).values())
    needed = weights + best + trained * (1 + averages + saved)
    if free is not None and needed > free:
        path, layer = max(model.named_modules(), key=lambda found: _own_bytes(found[1]))
        shapes = ", ".join(f"{name} {p.shape}" for name, p in layer.named_parameters() if "." not in name)
        frozen = f", {format_bytes(trained)} of them trained" if trained < weights else ""
        size = f"{format_bytes(weights)} of parameters{frozen}, {3 + averages + saved} times: {copies}"
        largest = f"the largest layer is {type(layer).__name__} with {shapes}: {format_bytes(_own_bytes(layer))}"
        message = f"training this model takes at least {format_bytes(needed)}, and {has}"
        raise plan.error(f"model.{path}", message, f"{size}\n{largest}")
    return f"memory for {copies}: {format_bytes(needed)}; {has}"


def _choose(plan: Plan, model: Module) -> None:
    """Attach adapters and freeze parameters as a plan says, ignoring its mistakes, which are reported elsewhere."""
    with suppress(ValueError):
        if (adapters := plan.build("adapters")) is not None:
            adapters.attach(model)
        freeze(model, plan.build("freeze"))


def available_memory() -> int | None:
    """Return the free memory in bytes; None if unknown.

    On Linux, the limit of a container counts. On other systems it is all memory, whether free or not.
    """
    found = []
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024)
    with suppress(OSError, ValueError):  # the file says "max" if the container has no limit
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        found.append(limit - used)
    with suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def _own_bytes(module: Module) -> int:
    return sum(parameter.data.nbytes for name, parameter in module.named_parameters() if "." not in name)


def _saved(plan: Plan) -> int:
    """Return how many numbers the optimizer saves per weight, by a first step on a single weight."""
    number = Parameter(np.zeros((1, 1), np.float32))  # every optimizer accepts a matrix
    number.grad = np.zeros((1, 1), np.float32)
    optimizer = plan.build("optimizer")([number])
    optimizer.step(lambda: 0.0)
    return sum(isinstance(array, np.ndarray) for array in optimizer.state_dict()["state"].get(0, {}).values())


def format_bytes(size: float) -> str:
    """Return bytes with three digits and unit, as `391 MB`."""
    units = ["TB", "GB", "MB", "kB", "bytes"]
    while size >= 1000 and len(units) > 1:
        size, _ = size / 1000, units.pop()
    return f"{size:.3g} {units[-1]}"
