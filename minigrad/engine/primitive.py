"""Operation declarations: what derivative rules save, and their calls.

The names of a rule's parameters declare what is saved for the backward pass. `g` is the gradient of the output, `out`
the output; other names are the forward's parameters (x, y, z for a ufunc), its residuals, or `x_shape` and `x_dtype`,
which save the shape and dtype of the input x without its array. Nothing else is saved.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any

import numpy as np

Function = Callable[..., Any]

missing: Any = inspect.Parameter.empty
"""The default of a parameter that has none."""


class Primitive:
    """The declaration of an operation, with the arguments of `primitive`.

    Attributes:
        name: the name used in errors and drawings.
        forward: the function of arrays.
        rules: one per input; None for an input without a derivative.
        residuals: names of what the forward returns after its output.
        variadic: whether the first parameter is a list of inputs, with one rule for all.
        parameters: the forward's parameters with their defaults.
        inputs: the parameters that may have gradients; the others are attributes.
        saved: for each name that a rule reads, the inputs whose gradients need it.
    """

    def __init__(
        self,
        name: str,
        forward: Function,
        rules: tuple[Function | None, ...],
        fused: Function | None = None,
        residuals: tuple[str, ...] = (),
        variadic: bool = False,
    ) -> None:
        self.name, self.forward, self.rules, self.residuals, self.variadic = name, forward, rules, residuals, variadic
        self.parameters = parameters_of(forward)
        arity = forward.nin if isinstance(forward, np.ufunc) else 1 if variadic else len(rules)
        self.inputs = tuple(self.parameters)[:arity]
        if len(rules) not in (0, arity) or not 0 < len(self.parameters) >= len(rules):
            raise TypeError(f"{name} has {len(rules)} rules for {len(self.parameters)} parameters: {self.signature}")
        self._fused = fused
        self._reads = {x: self._read_by(rule, "g") for x, rule in zip(self.inputs, rules, strict=False) if rule}
        self._fused_reads = self._read_by(fused, "g", "needs") if fused else []
        needed_by = {name: [x for x in self._reads if name in self._reads[x]] for name in self._names()}
        for name in self._fused_reads:
            if not (self.is_array(name) and needed_by[name]):
                needed_by[name] = list(self._reads)
        self.saved = {name: readers for name, readers in needed_by.items() if readers}

    @property
    def signature(self) -> str:
        """The parameters of the forward, as text."""
        return ", ".join(self.parameters)

    @cached_property
    def vjp(self) -> Function:
        """Compute the gradients of all inputs by their rules.

        It is called as `vjp(g, needs, *saved)`, and returns None where `needs[i]` is false.
        """
        calls = {x: f"_rules[{i}]({', '.join(['g', *self._reads.get(x, ())])})" for i, x in enumerate(self.inputs)}
        if self.variadic:
            return self._define_vjp(*calls.values(), _rules=self.rules)
        needed = [f"{calls[x]} if _needs[{i}] else None" if x in self._reads else "None" for i, x in enumerate(calls)]
        return self._define_vjp(f"[{', '.join(needed)}]", _rules=self.rules)

    @cached_property
    def fused(self) -> Function | None:
        """The fused backward, of arrays only, or None.

        It computes the same gradients as `vjp`, with the same arguments.
        """
        if self._fused is None:
            return None
        return self._define_vjp(f"_fused({', '.join(['g', '_needs', *self._fused_reads])})", _fused=self._fused)

    def _define_vjp(self, gradients: str, **scope: Any) -> Function:
        source = f"def vjp({', '.join(['g', '_needs', *self.saved])}):\n    return {gradients}\n"
        return define(source, f"{__file__}:{self.name}", scope)

    def is_array(self, name: str) -> bool:
        """Return whether a name is an input or the output.

        These arrays are saved only if needed, and checked for writes.
        """
        return name in self.inputs or (name == "out" and "out" not in self.parameters)

    def _names(self) -> list[str]:
        """Return the names that rules may ask for besides `g`."""
        properties = [f"{x}_{what}" for x in self.inputs for what in ("shape", "dtype")]
        return list(dict.fromkeys([*self.parameters, "out", *self.residuals, *properties]))

    def _read_by(self, rule: Function, *first: str) -> list[str]:
        """Return the parameters of a rule after the fixed `first` ones.

        Raises:
            TypeError: if one of them is not a name that rules may ask for.
        """
        parameters = list(parameters_of(rule))
        if tuple(parameters[: len(first)]) != first:
            raise TypeError(
                f"a rule of {self.name} takes {', '.join(first)} first, got the parameters {', '.join(parameters)}"
            )
        for name in parameters[len(first) :]:
            if name not in self._names():
                raise TypeError(
                    f"a rule of {self.name} asks for {name!r}, which is none of {', '.join(['g', *self._names()])}"
                )
        return parameters[len(first) :]

    def __repr__(self) -> str:
        return f"primitive({self.name!r})"


def parameters_of(function: Function) -> dict[str, Any]:
    """Return a function's parameters with their defaults.

    For a plain function they are read from its code object, 20 times faster than with `inspect`.
    """
    if isinstance(function, np.ufunc):
        return dict.fromkeys("xyz"[: function.nin], missing)
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        defaults = function.__defaults__ or ()
        return dict(zip(names, (missing,) * (len(names) - len(defaults)) + defaults, strict=True))
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


def define(source: str, filename: str, scope: dict[str, Any]) -> Any:
    """Return the function that `source` defines.

    Args:
        source: the source; tracebacks show its lines.
        filename: the name of the file that tracebacks show.
        scope: the globals of the function.
    """
    linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
    names: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), scope, names)
    return next(iter(names.values()))
