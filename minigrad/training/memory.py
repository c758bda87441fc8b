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

    The model is built without filling it, which takes address space but no memory. The data, the outputs of layers and
    the work space of operations are not counted: what is refused cannot fit.

    Raises:
        ConfigError: with the sizes and the place of the largest layer, if more is needed than is free; as `Plan.build`.
    """
    free = available_memory()
    has = f"{shown_bytes(free)} of memory are free" if free is not None else "how much memory is free, nobody says"
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
        frozen = f", {shown_bytes(trained)} of them trained" if trained < weights else ""
        size = f"{shown_bytes(weights)} of parameters{frozen}, {3 + averages + saved} times: {copies}"
        largest = f"the largest layer is {type(layer).__name__} with {shapes}: {shown_bytes(_own_bytes(layer))}"
        message = f"training this model takes at least {shown_bytes(needed)}, and {has}"
        raise plan.error(f"model.{path}", message, f"{size}\n{largest}")
    return f"memory for {copies}: {shown_bytes(needed)}; {has}"


def _choose(plan: Plan, model: Module) -> None:
    """Attach adapters and freeze parameters as a plan says. Its mistakes are reported elsewhere."""
    with suppress(ValueError):
        if (adapters := plan.build("adapters")) is not None:
            adapters.attach(model)
        freeze(model, plan.build("freeze"))


def available_memory() -> int | None:
    """Return the free memory in bytes; None if unknown.

    As Linux and its containers report it; elsewhere all memory.
    """
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


def _saved(plan: Plan) -> int:
    """Return the numbers that the optimizer saves per parameter. Found by its first step on a single one."""
    number = Parameter(np.zeros((1, 1), np.float32))  # a matrix, which every optimizer takes
    number.grad = np.zeros((1, 1), np.float32)
    optimizer = plan.build("optimizer")([number])
    optimizer.step(lambda: 0.0)
    return sum(isinstance(array, np.ndarray) for array in optimizer.state_dict()["state"].get(0, {}).values())


def shown_bytes(size: float) -> str:
    """Return bytes with three digits and unit, as `391 MB`."""
    units = ["TB", "GB", "MB", "kB", "bytes"]
    while size >= 1000 and len(units) > 1:
        size, _ = size / 1000, units.pop()
    return f"{size:.3g} {units[-1]}"
