"""Recurrent networks: RNN, LSTM and GRU."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import sqrt
from typing import Any, ClassVar, Literal

import numpy as np

from minigrad import ops
from minigrad.arguments import as_choice, as_flag, as_integer, as_number
from minigrad.engine import Tensor
from minigrad.engine.arrays import like_of
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.ragged import Ragged, State
from minigrad.ops.lstm import lstms


class _Recurrent(Module):
    """The base of recurrent layers of one or two directions.

    Parameters are PyTorch's: `weight_ih_l0` (gates · hidden_size, inputs), `weight_hh_l0` (gates · hidden_size,
    hidden_size), `bias_ih_l0` and `bias_hh_l0` (gates · hidden_size,), initialized uniformly in ±1/sqrt(hidden_size).
    Upper layers have the suffix `_l1` and so on, and the reverse direction also `_reverse`. A subclass defines the
    operation.
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
        self.input_size = input_size = as_integer("input_size", input_size, 1)
        self.hidden_size = hidden_size = as_integer("hidden_size", hidden_size, 1)
        self.num_layers = num_layers = as_integer("num_layers", num_layers, 1)
        self.batch_first = as_flag("batch_first", batch_first)
        bias = as_flag("bias", bias)
        if as_number("dropout", dropout, at_least=0, at_most=1) and num_layers == 1:
            warnings.warn(
                f"{type(self).__name__}: dropout={dropout} does nothing with num_layers=1, as it acts between layers; "
                "put a Dropout behind the layer, or give it more layers",
                stacklevel=2,
            )
        self.between = Dropout(dropout) if dropout else None
        self._directions = ("", "_reverse") if as_flag("bidirectional", bidirectional) else ("",)
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

    def _sequence(self, x: Tensor, state: State, *parameters: Tensor) -> tuple[Tensor, State]:
        """Return the outputs (L, N, hidden_size) and last state of one direction of a layer."""
        raise NotImplementedError(f"{type(self).__name__} must define _sequence()")

    def _run(self, x: Tensor, state: State | None, lengths: Any) -> tuple[Tensor, State]:
        """Return the outputs of the top layer, and the last states of all.

        They are (L, N, directions · hidden_size) and (layers · directions, N, hidden_size).
        """
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            batched = "(N, L, {0})" if self.batch_first else "(L, N, {0})"
            raise ValueError(f"expected {batched} or (L, {{0}}), got {x.shape}".format(self.input_size))
        if x.ndim == 2 and lengths is not None:
            raise ValueError(f"lengths are for a batch of sequences, and x is one, of shape {x.shape}: cut its end off")
        if x.ndim == 2:
            batched_state = None if state is None else tuple(ops.expand_dims(s, 1) for s in state)
            return self._squeeze(*self._run_batch(ops.expand_dims(x, 1), batched_state, None))
        if self.batch_first:
            out, last = self._run_batch(ops.swapaxes(x, 0, 1), state, lengths)
            return ops.swapaxes(out, 0, 1), last
        return self._run_batch(x, state, lengths)

    @staticmethod
    def _squeeze(out: Tensor, state: State) -> tuple[Tensor, State]:
        return ops.squeeze(out, 1), tuple(ops.squeeze(s, 1) for s in state)

    def _run_batch(self, x: Tensor, state: State | None, lengths: Any) -> tuple[Tensor, State]:
        if not len(x):
            raise ValueError("the sequence has no steps; the last state of none is the first")
        shape = (self.num_layers * len(self._directions), x.shape[1], self.hidden_size)
        if state is None:
            state = (Tensor(np.zeros(shape, x.dtype, like=like_of(x))),) * self._states
        for s in state:
            if s.shape != shape:
                raise ValueError(f"expected a first state of shape {shape}, got {s.shape}")
        ragged = None if lengths is None else Ragged(lengths, *x.shape[:2])
        if ragged is not None:
            x, state = x[:, ragged.order], tuple(s[:, ragged.order] for s in state)
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.between is not None:
                x = self.between(x)
            firsts = [tuple(s[len(last) + i] for s in state) for i in range(len(self._directions))]
            outputs, finals = zip(*self._run_directions(x, firsts, layer, ragged), strict=True)
            last += finals
            x = outputs[0] if len(outputs) == 1 else ops.concatenate(outputs, -1)
        state = tuple(ops.stack(states) for states in zip(*last, strict=True))
        return (x, state) if ragged is None else (x[:, ragged.places], tuple(s[:, ragged.places] for s in state))

    def _run_directions(
        self, x: Tensor, firsts: Sequence[State], layer: int, ragged: Ragged | None
    ) -> list[tuple[Tensor, State]]:
        """Return the outputs and last state of each direction of a layer."""
        turn = (lambda x: ops.flip(x, 0)) if ragged is None else ragged.reversed
        calls = []
        for direction, first in zip(self._directions, firsts, strict=True):
            names = (f"{name}_l{layer}{direction}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            parameters = [vars(self)[name] for name in names if name in vars(self)]
            calls.append((turn(x) if direction else x, first, *parameters))
        found = self._sequences(calls) if ragged is None else [self._ragged(ragged, *call) for call in calls]
        return [
            (turn(output) if direction else output, final)
            for direction, (output, final) in zip(self._directions, found, strict=True)
        ]

    def _sequences(self, calls: Sequence[Any]) -> list[tuple[Tensor, State]]:
        """Return the results of `_sequence` for each call."""
        return [self._sequence(*call) for call in calls]

    def _ragged(self, ragged: Ragged, x: Tensor, state: State, *parameters: Tensor) -> tuple[Tensor, State]:
        return ragged.run(lambda x, state: self._sequence(x, state, *parameters), x, state)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, batch_first={self.batch_first}"


class _OneState(_Recurrent):
    """The base of networks whose only state is h."""

    def forward(self, x: Tensor, hx: Tensor | None = None, lengths: Any = None) -> tuple[Tensor, Tensor]:
        """Return the outputs of the top layer, and last h.

        The outputs are (L, N, directions · hidden_size); the last h of all layers is (layers · directions, N,
        hidden_size).

        Args:
            x: (L, N, input_size), or one sequence (L, input_size).
            hx: the initial h of all layers; zero if None.
            lengths: the length of each sequence, (N,), from 1 to L, if shorter ones are padded at the end. The padding
                is not read, outputs there are zero, and the last h of a sequence is the one after its last step.

        Raises:
            ValueError: for wrong shapes, or a length out of range.
            TypeError: for lengths that are not integers.
        """
        out, (h,) = self._run(x, None if hx is None else (hx,), lengths)
        return out, h


class RNN(_OneState):
    """Elman's recurrent network.

    At each step h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman, 1990).

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h.
        num_layers: the number of stacked layers, each of which reads the outputs of the one below.
        nonlinearity: "tanh" or "relu".
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability of dropping inputs of every layer but the first in training; with a single layer it has
            no effect, which a warning says.
        bidirectional: whether a second network reads from the end; the outputs are concatenated.

    Raises:
        ValueError: for sizes below 1, or a dropout outside [0, 1].
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
        self.nonlinearity = as_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)

    def _sequence(self, x: Tensor, state: State, *parameters: Tensor) -> tuple[Tensor, State]:
        out = ops.rnn(x, *state, *parameters, nonlinearity=self.nonlinearity)
        return out, (out[-1],)


class LSTM(_Recurrent):
    """Long short-term memory.

    At each step i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b), c' = f c + i g and h' = o tanh(c'), with separate
    W, U and b for each gate, stored in the order i, f, g, o. Hochreiter and Schmidhuber, 1997; the forget gate is from
    Gers et al., 2000.

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h and c.
        num_layers: the number of stacked layers, each of which reads the outputs of the one below.
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability of dropping inputs of every layer but the first in training; with a single layer it has
            no effect, which a warning says.
        bidirectional: whether a second network reads from the end; the outputs are concatenated.

    Raises:
        ValueError: for sizes below 1, or a dropout outside [0, 1].
    """

    _gates = 4
    _states = 2

    def forward(
        self, x: Tensor, hx: tuple[Tensor, Tensor] | None = None, lengths: Any = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the outputs of the top layer, and last states.

        The outputs are (L, N, directions · hidden_size); the last h and c of all layers are each (layers · directions,
        N, hidden_size).

        Args:
            x: (L, N, input_size), or one sequence (L, input_size).
            hx: the initial h and c of all layers, each (layers · directions, N, hidden_size); zero if None.
            lengths: the length of each sequence, (N,), from 1 to L, if shorter ones are padded at the end. The padding
                is not read, outputs there are zero, and the last h and c of a sequence are those after its last step.

        Raises:
            ValueError: for wrong shapes, or a length out of range.
            TypeError: for lengths that are not integers.
        """
        out, (h, c) = self._run(x, hx, lengths)
        return out, (h, c)

    def _sequence(self, x: Tensor, state: State, *parameters: Tensor) -> tuple[Tensor, State]:
        return self._sequences([(x, state, *parameters)])[0]

    def _sequences(self, calls: Sequence[Any]) -> list[tuple[Tensor, State]]:
        found = lstms([(x, *state, *parameters) for x, state, *parameters in calls])
        return [(out, (out[-1], c)) for out, c in found]


class GRU(_OneState):
    """Gated recurrent unit.

    At each step r, z = σ(W x + b + U h + d), n = tanh(W x + b + r (U h + d)) and h' = (1 - z) n + z h, with separate W,
    U, b and d for each gate, stored in the order r, z, n. Cho et al., arXiv:1406.1078, with PyTorch's n.

    Args:
        input_size: the length of x at a step.
        hidden_size: the length of h.
        num_layers: the number of stacked layers, each of which reads the outputs of the one below.
        bias: whether there are b_ih and b_hh.
        batch_first: whether inputs and outputs are (N, L, size) instead of (L, N, size).
        dropout: the probability of dropping inputs of every layer but the first in training; with a single layer it has
            no effect, which a warning says.
        bidirectional: whether a second network reads from the end; the outputs are concatenated.

    Raises:
        ValueError: for sizes below 1, or a dropout outside [0, 1].
    """

    _gates = 3

    def _sequence(self, x: Tensor, state: State, *parameters: Tensor) -> tuple[Tensor, State]:
        out = ops.gru(x, *state, *parameters)
        return out, (out[-1],)
