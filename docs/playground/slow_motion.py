"""Slow motion: the forward and backward pass of one example, number by number, with `minigrad.Scalar`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from playground.network import Chain

from minigrad import Scalar
from minigrad.nn import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, Loss, MSELoss
from minigrad.scalar import weighted_sum

MOST_WEIGHTS = 600
"""The maximum number of weights for slow motion."""

ACTIVATIONS: dict[str, tuple[Callable[[Scalar], Scalar], Callable[[np.ndarray], np.ndarray]]] = {
    "identity": (lambda z: z, lambda z: z),
    "tanh": (Scalar.tanh, np.tanh),
    "sigmoid": (Scalar.sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    "relu": (Scalar.relu, lambda z: np.maximum(z, 0)),
}
"""The supported activations, as operations on Scalars and on arrays."""

LOSSES: dict[type[Loss], Callable[[Sequence[Scalar], np.ndarray], Scalar]] = {
    MSELoss: lambda said, right: sum(((y - t) ** 2 for y, t in zip(said, right, strict=True)), Scalar(0)) / len(said),
    BCELoss: lambda said, right: -(said[0].log() * right[0] + (1 - said[0]).log() * (1 - right[0])),
    BCEWithLogitsLoss: lambda said, right: (1 + said[0].exp()).log() - said[0] * right[0],
    CrossEntropyLoss: lambda said, right: sum((z.exp() for z in said), Scalar(0)).log() - said[int(right[0])],
}
"""The supported losses of one example, given outputs as Scalars and the target as an array."""


@dataclass
class Slow:
    """A network of Scalars after `loss.backward()`, with a list of neurons per layer.

    Attributes:
        inputs: the example.
        weights: one list of Scalars per neuron.
        biases: one Scalar per neuron.
        sums: the weighted sum of each neuron.
        values: the activation of each neuron.
        activations: the name of each layer's activation function.
        loss: the loss of the example.
    """

    inputs: list[Scalar]
    weights: list[list[list[Scalar]]]
    biases: list[list[Scalar]]
    sums: list[list[Scalar]]
    values: list[list[Scalar]]
    activations: list[str]
    loss: Scalar

    def numbers(self) -> dict[str, Any]:
        """Return all values and gradients as plain lists, in the order of the layers."""
        layers = []
        for weights, biases, sums, values, activation in zip(
            self.weights, self.biases, self.sums, self.values, self.activations, strict=True
        ):
            layers.append(
                {
                    "activation": activation,
                    "sums": [z.data for z in sums],
                    "values": [a.data for a in values],
                    "sum_gradients": [z.grad for z in sums],
                    "value_gradients": [a.grad for a in values],
                    "weights": [[w.data for w in row] for row in weights],
                    "weight_gradients": [[w.grad for w in row] for row in weights],
                    "biases": [b.data for b in biases],
                    "bias_gradients": [b.grad for b in biases],
                }
            )
        return {"inputs": [x.data for x in self.inputs], "layers": layers, "loss": self.loss.data}


def slow_motion(chain: Chain, loss: Loss, inputs: np.ndarray, targets: np.ndarray, others: np.ndarray) -> Slow:
    """Compute one example forward and backward with Scalars, with the weights of a chain.

    Args:
        chain: the network.
        loss: a loss whose class is in `LOSSES`.
        inputs: the example, (1, ...).
        targets: the target, (1, ...).
        others: more inputs (N, ...), to identify the activations.

    Raises:
        ValueError: if Scalar does not support the network, with a sentence for the visitor.
    """
    count = sum(layer.weight.size for layer in chain.layers)
    if not chain.layers or count > MOST_WEIGHTS:
        raise ValueError(f"slow motion shows networks of linear layers with at most {MOST_WEIGHTS} weights")
    if type(loss) not in LOSSES:
        names = ", ".join(cls.__name__ for cls in LOSSES)
        raise ValueError(f"slow motion knows the losses {names}, and not {type(loss).__name__}")
    names = activation_names(chain, np.concatenate([inputs, others]))
    if "" in names:
        raise ValueError(f"slow motion knows the activations {', '.join(ACTIVATIONS)}: choose one of them")
    x = [Scalar(value) for value in inputs.reshape(-1).tolist()]
    values, weights, biases, sums = [x], [], [], []
    for layer, name in zip(chain.layers, names, strict=True):
        weights.append([[Scalar(w) for w in row] for row in layer.weight.data.tolist()])
        bias = np.zeros(layer.out_features) if layer.bias is None else layer.bias.data
        biases.append([Scalar(b) for b in bias.tolist()])
        sums.append([weighted_sum(w, values[-1], b) for w, b in zip(weights[-1], biases[-1], strict=True)])
        values.append([ACTIVATIONS[name][0](z) for z in sums[-1]])
    try:
        error = LOSSES[type(loss)](values[-1], np.atleast_1d(targets.reshape(-1)))
    except (OverflowError, ValueError, ZeroDivisionError):
        raise ValueError("the loss of this example is too large for slow motion: take a smaller rate") from None
    error.backward()
    return Slow(x, weights, biases, sums, values[1:], names, error)


def activation_names(chain: Chain, x: np.ndarray) -> list[str]:
    """Return the name of each layer's activation, identified by its results for inputs (N, ...), or ""."""
    return [_name(sums, answers) for sums, answers in zip(chain.sums(x), chain.answers(x), strict=True)]


def _name(sums: np.ndarray, answers: np.ndarray) -> str:
    with np.errstate(over="ignore"):
        for name, (_, on_arrays) in ACTIVATIONS.items():
            if sums.shape == answers.shape and np.allclose(on_arrays(sums), answers, rtol=1e-4, atol=1e-6):
                return name
    return ""
