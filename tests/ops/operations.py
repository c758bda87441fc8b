"""Every operation by its name, and the calls of it that tests/ops/samples has."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, ops
from minigrad.engine.apply import operations as table

from .samples import CASES

DECLARED = {
    value.primitive.name: value
    for name, module in list(sys.modules.items())
    if name.startswith("minigrad.")
    for value in vars(module).values()
    if hasattr(value, "primitive") and value.primitive in table.values()
}
FILES = ("minigrad.ops.", "minigrad.engine.")
COMPOSED = {
    name: value
    for name, value in vars(ops).items()
    if inspect.isfunction(value) and value not in DECLARED.values() and value.__module__.startswith(FILES)
}
OPERATIONS = {**COMPOSED, **DECLARED}


def samples(wanted: Callable[[str], bool]) -> pytest.MarkDecorator:
    """Parametrises a test with the calls of the operations whose name is wanted."""
    chosen = [(name, i) for name, case in CASES.items() if wanted(name) for i in range(len(case.calls))]
    return pytest.mark.parametrize(("name", "i"), chosen, ids=[f"{name}-{i}" for name, i in chosen])


def converted(value: Any, convert: Callable[[np.ndarray], Any]) -> Any:
    """The value with `convert` applied to each array of floating point in it, in lists too."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return convert(value)
    return [converted(part, convert) for part in value] if isinstance(value, list) else value


def as_list(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (list, tuple)) else [results]


def is_differentiable(name: str) -> bool:
    return any(OPERATIONS[name].primitive.rules) if name in DECLARED else True


def arguments(name: str, i: int, leaf: Callable[[np.ndarray], Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call, with `leaf` applied to each array that has a gradient."""
    args, kwargs = CASES[name].calls[i]
    if name in COMPOSED:
        return converted(list(args), leaf), kwargs
    bound = inspect.signature(DECLARED[name]).bind(*args, **kwargs)
    bound.apply_defaults()
    values = list(bound.arguments.values())
    rules = [*DECLARED[name].primitive.rules, *[None] * len(values)]
    return [converted(value, leaf) if rule else value for value, rule in zip(values, rules, strict=False)], {}


def tracked(
    name: str, i: int, convert: Callable[[np.ndarray], np.ndarray] = np.copy
) -> tuple[list[Tensor], list[Tensor]]:
    """The leaves of a call, one for each array that has a gradient, and the results that depend on them."""
    leaves: list[Tensor] = []

    def leaf(array: np.ndarray) -> Tensor:
        leaves.append(Tensor(convert(array), requires_grad=True))
        return leaves[-1]

    args, kwargs = arguments(name, i, leaf)
    return leaves, [x for x in as_list(OPERATIONS[name](*args, **kwargs)) if x.requires_grad]
