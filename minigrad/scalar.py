"""Reverse-mode automatic differentiation on Python floats.

Each operation computes its value together with the derivative of that value with respect to each input, a plain number.
With `z = w * x` and `a = z.tanh()`, z stores ∂z/∂w = x and a stores ∂a/∂z = 1 - tanh²(z). `C.backward()` walks from C
back to w and multiplies: ∂C/∂w = ∂C/∂a · ∂a/∂z · ∂z/∂w. Where paths meet, their products are added.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import count
from typing import NoReturn

from minigrad.names import missing

_clock = count()


def _comparison(compare: Callable[..., bool]) -> Callable[..., bool]:
    return lambda self, other: compare(self.data, other.data if isinstance(other, Scalar) else other)


class Scalar:
    """A float with its history and its gradient.

    `data` is the number and `grad` the derivative of a later result with respect to it. Operations set `inputs`, the
    `derivatives` of their value with respect to each input, and the name of the `operation`.

    Errors are Python's: ZeroDivisionError, OverflowError, and ValueError where the value or a derivative does not exist
    (logarithm and square root at 0).
    """

    __slots__ = ("data", "derivatives", "grad", "inputs", "operation", "sequence")

    def __init__(
        self,
        data: float,
        inputs: tuple[Scalar, ...] = (),
        derivatives: tuple[float, ...] = (),
        operation: str = "",
    ) -> None:
        self.data = float(data)
        self.grad = 0.0
        self.inputs = inputs
        self.derivatives = derivatives
        self.operation = operation
        self.sequence = next(_clock)  # higher than that of any input

    def backward(self) -> None:
        """Add the gradients of `self` to its leaves' `grad`.

        A leaf is a Scalar that was not computed by an operation. The `grad` of operations is reset, so that after a
        second call the leaves hold the sum of both.
        """
        operations: set[Scalar] = set()
        stack = [self]
        while stack:
            scalar = stack.pop()
            if scalar.inputs and scalar not in operations:
                scalar.grad = 0.0
                operations.add(scalar)
                stack.extend(scalar.inputs)
        self.grad += 1.0
        # Latest first: a gradient is complete before it is passed on to the inputs.
        for scalar in sorted(operations, key=operator.attrgetter("sequence"), reverse=True):
            if grad := scalar.grad:  # a dead ReLU passes on nothing
                for x, derivative in zip(scalar.inputs, scalar.derivatives):  # noqa: B905 - strict costs a tenth
                    x.grad += grad * derivative

    def __add__(self, other: Scalar | float) -> Scalar:
        y = _scalar(other)
        return Scalar(self.data + y.data, (self, y), (1.0, 1.0), "+")

    def __sub__(self, other: Scalar | float) -> Scalar:
        y = _scalar(other)
        return Scalar(self.data - y.data, (self, y), (1.0, -1.0), "-")

    def __mul__(self, other: Scalar | float) -> Scalar:
        y = _scalar(other)
        return Scalar(self.data * y.data, (self, y), (y.data, self.data), "*")

    def __truediv__(self, other: Scalar | float) -> Scalar:
        y = _scalar(other)
        value = self.data / y.data
        return Scalar(value, (self, y), (1 / y.data, -value / y.data), "/")

    def __pow__(self, other: Scalar | float) -> Scalar:
        x, y = self.data, _scalar(other).data
        value = math.pow(x, y)
        slope = y * math.pow(x, y - 1) if y else 0.0
        if isinstance(other, Scalar):
            by_exponent = value * math.log(x) if x else 0.0  # 0 to any positive power is 0
            return Scalar(value, (self, other), (slope, by_exponent), "**")
        return Scalar(value, (self,), (slope,), f"**{other}")  # without a logarithm: x may be negative

    def __neg__(self) -> Scalar:
        return Scalar(-self.data, (self,), (-1.0,), "-")

    __radd__, __rmul__ = __add__, __mul__
    __rsub__ = lambda self, other: Scalar(other) - self
    __rtruediv__ = lambda self, other: Scalar(other) / self
    __rpow__ = lambda self, other: Scalar(other) ** self

    def exp(self) -> Scalar:
        """The exponential function."""
        value = math.exp(self.data)
        return Scalar(value, (self,), (value,), "exp")

    def log(self) -> Scalar:
        """The natural logarithm."""
        return Scalar(math.log(self.data), (self,), (1 / self.data,), "log")

    def tanh(self) -> Scalar:
        """The hyperbolic tangent."""
        value = math.tanh(self.data)
        return Scalar(value, (self,), (1 - value * value,), "tanh")

    def relu(self) -> Scalar:
        """The larger of x and 0, with derivative 0 there."""
        return Scalar(max(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def sigmoid(self) -> Scalar:
        """The logistic function 1 / (1 + e⁻ˣ), without overflow."""
        decay = math.exp(-abs(self.data))
        value = (1.0 if self.data > 0 else decay) / (1 + decay)
        return Scalar(value, (self,), (decay / (1 + decay) ** 2,), "sigmoid")

    def __getattr__(self, name: str) -> NoReturn:  # called for missing attributes
        raise missing("Scalar", name, dir(Scalar), _ELSEWHERE)

    __eq__ = _comparison(operator.eq)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __hash__ = object.__hash__  # in a set or dict, a Scalar is compared by identity

    def __repr__(self) -> str:
        return f"Scalar(data={self.data}, grad={self.grad})"


def weighted_sum(weights: Sequence[Scalar], inputs: Sequence[Scalar], bias: Scalar | float = 0.0) -> Scalar:
    """The weighted sum Σ wᵢ·xᵢ + b as one operation.

    As in a neuron, without a Scalar for every product and partial sum.

    Args:
        weights: the w, Scalars.
        inputs: the x, as many Scalars.
        bias: b; default: 0.

    Raises:
        ValueError: if there are not as many inputs as weights.
        TypeError: for numbers that are not Scalars.
    """
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum: expected an input for each of {len(weights)} weights, got {len(inputs)}")
    try:
        b, w, x = _scalar(bias), [w.data for w in weights], [x.data for x in inputs]
        return Scalar(sum(map(operator.mul, w, x), b.data), (*weights, *inputs, b), (*x, *w, 1.0), "weighted sum")
    except (AttributeError, TypeError):  # floats have no data, and NumPy's scalars a memoryview
        raise TypeError("weighted_sum: expected Scalars; make a Scalar(x) of each number x first") from None


def _scalar(x: Scalar | float) -> Scalar:
    return x if isinstance(x, Scalar) else Scalar(x)


_ELSEWHERE = {
    "item": "its value is data",
    "value": "its value is data",
    "zero_grad": "write .grad = 0.0",
    "requires_grad": "every Scalar has its gradient, in grad",
    "sqrt": "write ** 0.5",
    "pow": "write ** exponent",
}
"""Remedies for attributes that tensors and numbers have in other libraries."""
