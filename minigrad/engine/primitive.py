"""What an operation is: its forward in plain NumPy, and one rule for the derivative of each input.

    multiply = primitive("multiply", np.multiply, lambda g, y: g * y, lambda g, x: g * x)

The names of a rule's parameters say what is kept for the backward pass: `g` is the gradient of the result, `out` the
result, the others are the forward's own parameters (a ufunc's are called x, y, z), its extras, or `x_shape`, `x_dtype`
for the shape and dtype of the input x without its array. What no rule names is not kept.

Arrays in, arrays out: an operation on arrays alone is its forward and nothing more. So the rules, which are written
with the same operations, run at NumPy's speed on arrays, and build a graph of their own on tensors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from minigrad.engine.mismatch import reason

table: dict[str, Primitive] = {}
"""Every operation, by its name."""


REQUIRED = object()  # the default of a parameter that has none


class Primitive:
    """The declaration of an operation, as `primitive` has read it.

    Attributes:
        name: what errors and graphs call it.
        forward: the function of arrays.
        rules: one derivative an input, None where the input has none.
        frame: the names of all that a rule may ask for, in the order of a node's `saved`.
        derived: for the names at the end of `frame`, the place of the input and the attribute of it.
        names: for each rule (and the fast path, last) what it takes after `g` (and `needs`).
        selectors: for each of these, the function that takes it out of a node's `saved`.
        fast: all needed gradients at once, of arrays alone; None if the rules are all there is.
        joint: whether one function gives the gradients of all inputs.
        smooth: whether gradients are finite wherever the forward and `g` are.
        variadic: whether the first parameter is a list of inputs, with one rule for all.
        parameters: the names of the forward's parameters.
    """

    __slots__ = (
        "arity",
        "defaults",
        "derived",
        "extras",
        "fast",
        "forward",
        "frame",
        "joint",
        "keeps",
        "name",
        "names",
        "parameters",
        "rules",
        "selectors",
        "smooth",
        "variadic",
    )

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        rules: tuple[Callable[..., Any] | None, ...],
        fast: Callable[..., Any] | None,
        extras: tuple[str, ...],
        variadic: bool,
        smooth: bool = False,
    ) -> None:
        self.name = name
        self.forward = forward
        self.rules = rules
        self.fast = fast
        self.extras = extras
        self.variadic = variadic
        self.smooth = smooth
        self.joint = variadic or fast is not None
        if isinstance(forward, np.ufunc):
            self.parameters = ("x", "y", "z")[: forward.nin]
            self.defaults = (REQUIRED,) * forward.nin
            self.arity = forward.nin
        else:
            parameters = _parameters(forward)
            self.parameters = tuple(parameters)
            self.defaults = tuple(parameters.values())
            self.arity = len(rules)
        inputs = self.parameters[: self.arity]
        derived = [f"{x}_{what}" for x in inputs for what in ("shape", "dtype")]
        if len(rules) not in ((0, self.arity) if isinstance(forward, np.ufunc) else range(len(self.parameters) + 1)):
            raise TypeError(f"{name} has {len(rules)} rules for {len(self.parameters)} parameters: {self.signature}")
        readers = [_asked(name, rule, "g") if rule else [] for rule in rules]
        if fast:
            readers.append(_asked(name, fast, "g", "needs"))
        known = [*self.parameters, "out", *extras]
        for reader in readers:
            for unknown in set(reader) - {*known, *derived}:
                raise TypeError(
                    f"a rule of {name} asks for {unknown!r}, which is none of {', '.join(['g', *known, *derived])}"
                )
        used = {what for reader in readers for what in reader}
        self.frame = (*known, *(what for what in derived if what in used))
        self.derived = tuple(
            (self.parameters.index(what.rsplit("_", 1)[0]), what.rsplit("_", 1)[1]) for what in self.frame[len(known) :]
        )
        self.names = tuple(tuple(reader) for reader in readers)
        self.selectors = tuple(selector([self.frame.index(what) for what in reader]) for reader in readers)
        # The arrays that a reader keeps, as places in (inputs..., out): their versions are looked at in backward.
        self.keeps = tuple(
            frozenset(place for place, what in enumerate((*inputs, "out")) if what in reader)
            for reader in readers[: len(rules)]
        )

    def kept(self, needs: Sequence[bool]) -> list[int]:
        """The arrays that the needed rules keep, as places in (inputs..., out)."""
        return sorted({place for keep, need in zip(self.keeps, needs, strict=True) if need for place in keep})

    def keep(self, needs: Sequence[bool]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        """Selects, of the values of `frame` and a None after them, what is kept, and None for the rest."""
        rules, joint = self.names[: len(self.rules)], self.names[len(self.rules) :]
        kept = {what for names, need in zip(rules, needs, strict=True) if need for what in names}
        heavy = {*self.parameters[: self.arity], "out"}
        kept |= {what for names in joint for what in names if what not in heavy}
        return itemgetter(*[place if what in kept else -1 for place, what in enumerate(self.frame)])

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The values of all parameters of the forward, defaults filled in. Raises: TypeError if that fails."""
        values = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            if name not in self.parameters or self.parameters.index(name) < len(args):
                fault = "twice" if name in self.parameters else "which it does not have"
                raise TypeError(f"{self.name} got the argument {name!r} {fault}; it takes {self.signature}")
            values[self.parameters.index(name)] = value
        if len(values) != len(self.parameters) or any(value is REQUIRED for value in values):
            raise TypeError(f"{self.name} takes {self.signature}; got {len(args) + len(kwargs)} arguments")
        return values

    @property
    def signature(self) -> str:
        """The parameters of the forward as a text."""
        return ", ".join(self.parameters)

    def explain(self, values: Sequence[Any], error: Exception) -> NoReturn:
        """Raises the forward's `error` again as a sentence with the operation's name and its inputs."""
        inputs = values[0] if self.variadic else values[: self.arity or 1]
        names = [f"[{i}]" for i in range(len(inputs))] if self.variadic else self.parameters
        explain(self.name, dict(zip(names, inputs, strict=False)), error)

    def __repr__(self) -> str:
        return f"primitive({self.name!r})"


def explain(name: str, inputs: Mapping[str, Any], error: Exception) -> NoReturn:
    """Raises `error` again as a sentence with the operation's name and its inputs."""
    shown = ", ".join(f"{parameter} {describe(value)}" for parameter, value in inputs.items())
    for kind in (np.linalg.LinAlgError, IndexError, TypeError, ValueError):
        if isinstance(error, kind):
            shapes = [np.shape(value) for value in inputs.values() if value is not None]
            raise kind(f"{name} of {shown}: {reason(error, shapes)}") from None
    raise error


def describe(value: Any) -> str:
    """An array or tensor as errors name it, such as `float32 (3, 4)`; anything else as Python shows it."""
    return f"{value.dtype} {value.shape}" if hasattr(value, "dtype") else repr(value)


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a function and their defaults; of a plain one read from its code, which is 20 times quicker."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        defaults = function.__defaults__ or ()
        return dict(zip(names, (REQUIRED,) * (len(names) - len(defaults)) + defaults, strict=True))
    parameters = inspect.signature(function).parameters.values()
    return {p.name: REQUIRED if p.default is p.empty else p.default for p in parameters}


def _asked(name: str, rule: Callable[..., Any], *first: str) -> list[str]:
    """The parameters of a rule after its first, which have fixed names. Raises: TypeError if they have others."""
    parameters = list(_parameters(rule))
    if tuple(parameters[: len(first)]) != first:
        raise TypeError(f"a rule of {name} takes {', '.join(first)} first, got the parameters {', '.join(parameters)}")
    return parameters[len(first) :]


def selector(places: Sequence[int]) -> Callable[[Any], Any]:
    """A function that takes the items at `places` out of a tuple or list, as another one."""
    if not places:
        return lambda frame: ()
    if len(places) == 1:
        return itemgetter(slice(places[0], places[0] + 1))
    return itemgetter(*places)
