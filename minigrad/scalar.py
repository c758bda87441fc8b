"""Reverse-mode automatic differentiation on Python floats.

Every operation computes its value and, beside it, the derivative of that value with respect to each input: plain
numbers, known at once. With `z = w * x` and `a = z.tanh()`, z keeps ∂z/∂w = x and a keeps ∂a/∂z = 1 - tanh²(z).
`C.backward()` walks from C back to w and multiplies: ∂C/∂w = ∂C/∂a · ∂a/∂z · ∂z/∂w. Where paths meet, it adds.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import count

_numbers = count()


def _comparison(compare: Callable[..., bool]) -> Callable[..., bool]:
    return lambda self, other: compare(self.data, other.data if isinstance(other, Scalar) else other)


class Scalar:
    """A float, `data`, that remembers how it was made, and `grad`, the derivative of a later result by it.

    Operations fill in the rest: their `inputs`, the `derivatives` of their value by each of these, and their name.
    They raise what Python raises: ZeroDivisionError, OverflowError, and ValueError where the value or a derivative
    does not exist (the logarithm and the square root at 0).
    """

    __slots__ = ("data", "derivatives", "grad", "inputs", "number", "operation")

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
        self.number = next(_numbers)  # higher than that of any input

    def backward(self) -> None:
        """Adds the derivative of `self` to the `grad` of each leaf (what no operation made) that it depends on.

        The `grad` of operations is set anew, so that after a second call the leaves hold the sum of both.
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
        for scalar in sorted(operations, key=operator.attrgetter("number"), reverse=True):
            if grad := scalar.grad:  # a dead relu has nothing to pass on
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
            return Scalar(value, (self, other), (slope, value * math.log(x)), "**")
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
        """The larger of x and 0; the derivative at 0 is 0."""
        return Scalar(max(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def sigmoid(self) -> Scalar:
        """The logistic function 1 / (1 + e⁻ˣ), without overflow."""
        decay = math.exp(-abs(self.data))
        value = (1.0 if self.data > 0 else decay) / (1 + decay)
        return Scalar(value, (self,), (decay / (1 + decay) ** 2,), "sigmoid")

    __eq__ = _comparison(operator.eq)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __hash__ = object.__hash__  # a Scalar in a set or a dict stands for itself, not for its value

    def __repr__(self) -> str:
        return f"Scalar(data={self.data}, grad={self.grad})"


def weighted_sum(weights: Sequence[Scalar], inputs: Sequence[Scalar], bias: Scalar | float = 0.0) -> Scalar:
    """Σ wᵢ·xᵢ + b as one operation, as in a neuron, without a Scalar for every product and partial sum.

    Raises: ValueError if there are not as many inputs as weights, TypeError for numbers that are not Scalars.
    """
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum: expected an input for each of {len(weights)} weights, got {len(inputs)}")
    try:
        b, w, x = _scalar(bias), [w.data for w in weights], [x.data for x in inputs]
        return Scalar(sum(map(operator.mul, w, x), b.data), (*weights, *inputs, b), (*x, *w, 1.0), "weighted sum")
    except (AttributeError, TypeError):  # a number has no data, and that of NumPy's numbers is no float
        raise TypeError("weighted_sum: expected Scalars; make a Scalar(x) of each number x first") from None


def _scalar(x: Scalar | float) -> Scalar:
    return x if isinstance(x, Scalar) else Scalar(x)
