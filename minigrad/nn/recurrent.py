"""Recurrent networks: what they return at a step depends on all steps before."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, ClassVar, Literal

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes

State = tuple[Tensor, ...]


class _Recurrent(Module):
    """Layers of one or two directions, each with the four parameters that PyTorch names and begins so.

    `weight_ih_l0` is (gates · hidden_size, inputs), `weight_hh_l0` (gates · hidden_size, hidden_size), `bias_ih_l0` and
    `bias_hh_l0` (gates · hidden_size,), uniform in ±1/sqrt(hidden_size); `_l1` ... for the layers above, and with
    `_reverse` for the direction from the end. A subclass says how a step goes.
    """

    _gates: ClassVar[int]
    _states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        require_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.between = Dropout(dropout) if dropout else None
        self._directions = ("", "_reverse") if bidirectional else ("",)
        bound = 1 / sqrt(hidden_size)
        rows = self._gates * hidden_size
        for layer in range(num_layers):
            inputs = hidden_size * len(self._directions) if layer else input_size
            for direction in self._directions:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden_size)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                for name, shape in shapes.items():
                    parameter = init.uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound)
                    setattr(self, f"{name}_l{layer}{direction}", parameter)

    def _step(self, x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        """The state after a step, the output first: x (N, gates · hidden_size) is what the input contributes."""
        raise NotImplementedError(f"{type(self).__name__} must define _step()")

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The outputs (L, N, directions · hidden_size), and the last states (layers · directions, N, hidden_size)."""
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            batched = "(N, L, {0})" if self.batch_first else "(L, N, {0})"
            raise ValueError(f"expected {batched} or (L, {{0}}), got {x.shape}".format(self.input_size))
        if x.ndim == 2:
            batched_state = None if state is None else tuple(ops.expand_dims(s, 1) for s in state)
            return self._squeezed(*self._run_batch(ops.expand_dims(x, 1), batched_state))
        if self.batch_first:
            out, last = self._run_batch(ops.swapaxes(x, 0, 1), state)
            return ops.swapaxes(out, 0, 1), last
        return self._run_batch(x, state)

    @staticmethod
    def _squeezed(out: Tensor, state: State) -> tuple[Tensor, State]:
        return ops.squeeze(out, 1), tuple(ops.squeeze(s, 1) for s in state)

    def _run_batch(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        if not len(x):
            raise ValueError("the sequence has no steps; the last state of none is the first")
        shape = (self.num_layers * len(self._directions), x.shape[1], self.hidden_size)
        if state is None:
            state = (Tensor(np.zeros(shape, x.dtype)),) * self._states
        for s in state:
            if s.shape != shape:
                raise ValueError(f"expected a first state of shape {shape}, got {s.shape}")
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.between is not None:
                x = self.between(x)
            outputs = []
            for direction in self._directions:
                first = tuple(s[len(last)] for s in state)
                output, final = self._run_direction(x, first, f"_l{layer}{direction}", bool(direction))
                outputs.append(output)
                last.append(final)
            x = outputs[0] if len(outputs) == 1 else ops.concatenate(outputs, -1)
        return x, tuple(ops.stack(states) for states in zip(*last, strict=True))

    def _run_direction(self, x: Tensor, state: State, suffix: str, reverse: bool) -> tuple[Tensor, State]:
        weight_ih, weight_hh = (getattr(self, name + suffix) for name in ("weight_ih", "weight_hh"))
        bias_ih, bias_hh = (vars(self).get(name + suffix) for name in ("bias_ih", "bias_hh"))
        steps = _unstack(ops.linear(x, weight_ih, bias_ih))
        outputs = []
        for step in reversed(steps) if reverse else steps:
            state = self._step(step, state, weight_hh, bias_hh)
            outputs.append(state[0])
        return ops.stack(outputs[::-1] if reverse else outputs), state

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, batch_first={self.batch_first}"


def _unstack(x: Tensor) -> Sequence[Any]:
    """The steps of x, by halves: the gradient of x[t] is as large as x, and for L steps one by one it would be L²."""
    if len(x) == 1:
        return [x[0]]
    middle = len(x) // 2
    return [*_unstack(x[:middle]), *_unstack(x[middle:])]


class _OneState(_Recurrent):
    """What networks share that remember h alone, which is what they return."""

    def forward(self, x: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns the outputs of the highest layer (L, N, hidden_size), and the last h of all (layers, N, hidden_size).

        Args:
            x: (L, N, input_size), or one sequence (L, input_size).
            hx: the first h of all layers, zero if None.

        Raises: ValueError for other shapes.
        """
        out, (h,) = self._run(x, None if hx is None else (hx,))
        return out, h


class RNN(_OneState):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) at each step (Elman, 1990).

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h.
        num_layers: so many networks are stacked, each of which reads the outputs of that below.
        nonlinearity: "tanh" or "relu".
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability by which the inputs of the layers above the first are dropped.
        bidirectional: whether a second network reads from the end; the outputs stand beside each other.

    Raises: ValueError for sizes below 1.
    """

    _gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)

    def _step(self, x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        bend = ops.tanh if self.nonlinearity == "tanh" else ops.relu
        return (bend(x + ops.linear(state[0], weight, bias)),)


class LSTM(_Recurrent):
    """A network with a memory c that gates guard (Hochreiter and Schmidhuber, 1997; the forget gate is Gers', 2000).

    i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b); c' = f c + i g; h' = o tanh(c'). The parameters hold the gates
    in the order i, f, g, o.

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h and c.
        num_layers: so many networks are stacked, each of which reads the outputs of that below.
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability by which the inputs of the layers above the first are dropped.
        bidirectional: whether a second network reads from the end; the outputs stand beside each other.

    Raises: ValueError for sizes below 1.
    """

    _gates = 4
    _states = 2

    def forward(self, x: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns the outputs of the highest layer (L, N, hidden_size), and the last h and c of all.

        Args:
            x: (L, N, input_size), or one sequence (L, input_size).
            hx: the first h and c of all layers, each (layers, N, hidden_size); zero if None.

        Raises: ValueError for other shapes.
        """
        out, (h, c) = self._run(x, hx)
        return out, (h, c)

    def _step(self, x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        h, c = state
        i, f, g, o = ops.split(x + ops.linear(h, weight, bias), 4, -1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c


class GRU(_OneState):
    """A network whose gates decide how much of h stays (Cho et al., arXiv:1406.1078), with PyTorch's n.

    r, z = σ(W x + b + U h + d), n = tanh(W x + b + r (U h + d)); h' = (1 - z) n + z h. The parameters hold the gates in
    the order r, z, n.

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h.
        num_layers: so many networks are stacked, each of which reads the outputs of that below.
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability by which the inputs of the layers above the first are dropped.
        bidirectional: whether a second network reads from the end; the outputs stand beside each other.

    Raises: ValueError for sizes below 1.
    """

    _gates = 3

    def _step(self, x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        (h,) = state
        inner = ops.linear(h, weight, bias)
        r, z, n = ops.split(x, 3, -1)
        from_r, from_z, from_n = ops.split(inner, 3, -1)
        z = ops.sigmoid(z + from_z)
        n = ops.tanh(n + ops.sigmoid(r + from_r) * from_n)
        return (n + z * (h - n),)
