"""Checks of an operation's forward, rules and fused backward."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.gradcheck import check_gradients
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor
from minigrad.nests import leaves

Array = NDArray[Any]


class OperationError(AssertionError):
    """An operation violates what the engine requires of every operation."""


def check_operation(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Check an operation's declaration at the call `operation(*args, **kwargs)`.

    The forward must not modify its inputs, must preserve float32 and float64, and must not depend on memory layout. The
    rules, and the fused backward for every subset of inputs that needs gradients, must not modify what they are given,
    must preserve the dtype, must return memory of their own, and must agree. First and second derivatives are compared
    with finite differences; the second order also finds rules that treat a function of the inputs as a constant.

    Args:
        operation: a function that `primitive` returned.
        args: the arguments of a call, with floating-point arrays for the inputs to differentiate. Choose small arrays,
            away from kinks, and call again with broadcast, empty and 0-d arrays.
        kwargs: the keyword arguments of the call.

    Raises:
        OperationError: if a requirement is violated.
        GradientError: if a derivative differs from finite differences.
        TypeError: if `operation` was not made by `primitive`.
    """
    if not isinstance(getattr(operation, "primitive", None), Primitive):
        raise TypeError(f"expected an operation that was made by primitive(), got {operation!r}")
    call = _Call(operation, args, kwargs)
    for dtype in (np.float32, np.float64):
        _check_forward(call, dtype)
        for needed in (call.places, *([place] for place in call.places)):
            if needed:
                _check_rules(call, dtype, needed)
    if call.places:
        check_gradients(call.of_differentiable, *(call.inputs[place] for place in call.places))


class _Call:
    """A call of an operation, whose inputs can be replaced.

    Attributes:
        inputs: the arguments that may have a rule; all of them if the operation has no rules.
        attributes: the other arguments.
        places: the positions of the floating-point inputs that have a rule.
    """

    def __init__(self, operation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.operation = operation
        self.primitive: Primitive = operation.primitive  # type: ignore[attr-defined]
        bound = inspect.signature(operation).bind(*args, **kwargs)
        bound.apply_defaults()
        values = [value.data if isinstance(value, Tensor) else value for value in bound.arguments.values()]
        first = len(self.primitive.inputs) or len(values)  # all, if there are no rules
        self.inputs = list(values[0]) if self.primitive.variadic else values[:first]
        self.attributes = values[first:]
        rules = self.primitive.rules * len(self.inputs) if self.primitive.variadic else self.primitive.rules
        self.places = [i for i, (x, rule) in enumerate(zip(self.inputs, rules, strict=False)) if rule and _is_float(x)]

    def __call__(self, inputs: Sequence[Any], convert: Callable[[Array], Any] = np.asarray) -> Any:
        """Apply the operation to these inputs, with `convert` applied to floating-point array attributes."""
        attributes = [convert(value) if _is_float(value) else value for value in self.attributes]
        return self.operation(*([list(inputs)] if self.primitive.variadic else inputs), *attributes)

    def of_differentiable(self, *tensors: Tensor) -> Any:
        """Apply the operation as a function of the inputs at `places`."""
        inputs = list(self.inputs)
        for place, tensor in zip(self.places, tensors, strict=True):
            inputs[place] = tensor
        return self(inputs)


def _check_forward(call: _Call, dtype: Any) -> None:
    name = call.primitive.name
    inputs = [x.astype(dtype) if _is_float(x) else x for x in call.inputs]
    with _unchanged(inputs, f"the forward of {name} writes into an input"):
        out = call(inputs, lambda x: x.astype(dtype))
    chosen = any(isinstance(value, (type, np.dtype)) for value in call.attributes)  # the caller named a dtype
    if _is_float(out) and out.dtype != dtype and any(map(_is_float, inputs)) and not chosen:
        raise OperationError(f"{name} makes {out.dtype} of {np.dtype(dtype)}: one of its constants is an array of that")
    moved = [_with_strides(x) if isinstance(x, np.ndarray) else x for x in inputs]
    for array in [x for x in moved if isinstance(x, np.ndarray)]:
        array.flags.writeable = False
    elsewhere = call(moved, lambda x: x.astype(dtype))
    if not np.allclose(out, elsewhere, rtol=1e-4 if dtype == np.float32 else 1e-10, equal_nan=True):
        raise OperationError(f"{name} gives other values for inputs that are not contiguous")


def _check_rules(call: _Call, dtype: Any, needed: list[int]) -> None:
    """Call and check the rules and the fused backward, with gradients for the inputs at `needed`."""
    inputs: list[Any] = [
        Tensor(x.astype(dtype), requires_grad=i in needed) if _is_float(x) else x for i, x in enumerate(call.inputs)
    ]
    result = call(inputs, lambda x: x.astype(dtype))
    arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
    _check_residuals(call.primitive, result, arrays)
    g = _with_strides(np.random.default_rng(0).standard_normal(result.shape).astype(dtype))
    found = {}
    ways = {"rules": call.primitive.vjp, **({"fused backward": call.primitive.fused} if call.primitive.fused else {})}
    for way, vjp in ways.items():
        blame = f"the {way} of {call.primitive.name}"
        given = [g, result.data, *arrays, *[value for _, value in leaves(result.node.saved)]]
        with _unchanged(given, f"{blame} writes into g or into what is kept"):
            with np.errstate(all="ignore"):
                gradients = vjp(g, result.node.parents, *result.node.saved)
            gradients = [value if value is None else np.asarray(value) for value in gradients]
        for place in needed:
            _check_gradient(f"{blame} for input {place}", gradients[place], inputs[place], given[1:])
        own = [gradients[place] for place in needed if not np.shares_memory(gradients[place], g)]
        if any(np.shares_memory(a, b) for i, a in enumerate(own) for b in own[:i]):
            raise OperationError(f"{blame} returns the same memory for two inputs; return a copy for one of them")
        found[way] = gradients
    if call.primitive.fused:
        for place in needed:
            blame = f"the fused backward of {call.primitive.name} and its rule for input {place} differ"
            _check_agreement(blame, found["fused backward"][place], found["rules"][place])


def _check_agreement(blame: str, fused: Array, slow: Array) -> None:
    fused, slow = np.broadcast_arrays(fused, slow)
    single = fused.dtype == np.float32
    if not np.allclose(slow, fused, rtol=1e-3 if single else 1e-9, atol=1e-6 if single else 1e-12, equal_nan=True):
        worst = np.unravel_index(np.argmax(np.abs(slow - fused)), slow.shape)
        raise OperationError(f"{blame}, most at {list(map(int, worst))}: {fused[worst]:.10g} and {slow[worst]:.10g}")


def _check_gradient(blame: str, gradient: Any, x: Tensor, given: list[Any]) -> None:
    if not isinstance(gradient, np.ndarray):
        raise OperationError(f"{blame} is to return an array, got {gradient!r}")
    lead = gradient.ndim - x.ndim
    if lead < 0 or any(n not in (1, m) for n, m in zip(x.shape, gradient.shape[lead:], strict=True)):
        raise OperationError(f"{blame}, of shape {x.shape}, returns shape {gradient.shape}, no broadcast of it")
    if np.isnan(gradient).any():
        raise OperationError(f"{blame} makes NaN, for a gradient of finite numbers; choose another point, or mend it")
    if gradient.dtype != x.dtype:
        raise OperationError(f"{blame} makes {gradient.dtype} of {x.dtype}: one of its constants is an array of that")
    if any(np.shares_memory(gradient, array) for array in given if isinstance(array, np.ndarray)):
        raise OperationError(f"{blame} returns an array that is kept, or a view of one; return a copy")


def _check_residuals(primitive: Primitive, result: Any, inputs: list[Any]) -> None:
    """Check that no residual shares memory with an input.

    The engine notices a write into an input that a rule reads by name, but not through a residual.
    """
    watched = [array for array in (result.data, *inputs) if isinstance(array, np.ndarray)]
    for name, residual in zip(primitive.saved, result.node.saved, strict=True):
        is_array = name in primitive.residuals and isinstance(residual, np.ndarray)
        if is_array and any(np.shares_memory(residual, array) for array in watched):
            raise OperationError(
                f"the residual {name!r} of {primitive.name} shares memory with its result or an input, where a write "
                "in place would go unnoticed; let the rule ask for that by its name, or copy it"
            )


@contextmanager
def _unchanged(values: Sequence[Any], fault: str) -> Iterator[None]:
    """Raise OperationError if the block writes into an array."""
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    before = [array.copy() for array in arrays]
    yield
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays, strict=True)):
        raise OperationError(fault)


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _with_strides(x: Array) -> Array:
    """Return the same values with negative and padded strides."""
    backwards: Any = (Ellipsis, *[slice(None, None, -2)] * x.ndim)
    view = np.zeros([2 * n for n in x.shape], x.dtype)[backwards]
    view[...] = x
    return view
