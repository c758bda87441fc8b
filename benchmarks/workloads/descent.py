"""The optimizers of the training workloads, with implementations for libraries without optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array

Update = Callable[[Sequence[Array]], None]


class SGD(NamedTuple):
    """Plain gradient descent; the fields are PyTorch's arguments."""

    lr: float

    def by_hand(self, weights: Sequence[Array]) -> Update:
        """Return the function of gradients that updates `weights`; it overwrites the gradients."""

        def update(gradients: Sequence[Array]) -> None:
            for weight, gradient in zip(weights, gradients, strict=True):
                gradient *= self.lr
                weight -= gradient

        return update

    def moments(self, zeros: list[Any]) -> Any:
        """Return the initial state of `functional`, given an array of zeros for each weight."""
        return ()

    def functional(self, np: Any, weights: Any, gradients: Any, moments: Any) -> tuple[Any, Any]:
        """Return the next weights and moments, computed by `np`."""
        return [w - self.lr * g for w, g in zip(weights, gradients, strict=True)], moments


class AdamW(NamedTuple):
    """Loshchilov and Hutter, arXiv:1711.05101, algorithm 2; the fields are PyTorch's arguments."""

    lr: float
    betas: tuple[float, float]
    eps: float
    weight_decay: float

    def by_hand(self, weights: Sequence[Array]) -> Update:
        """Return the function of gradients that updates `weights`, with PyTorch's order of operations."""
        firsts, seconds, spares = ([np.zeros_like(weight) for weight in weights] for _ in range(3))
        steps = 0

        def update(gradients: Sequence[Array]) -> None:
            nonlocal steps
            steps += 1
            unbias1, unbias2 = (1 - beta**steps for beta in self.betas)
            for weight, gradient, first, second, spare in zip(weights, gradients, firsts, seconds, spares, strict=True):
                weight *= 1 - self.lr * self.weight_decay
                first *= self.betas[0]
                first += np.multiply(gradient, 1 - self.betas[0], out=spare)
                second *= self.betas[1]
                np.multiply(gradient, gradient, out=spare)
                spare *= 1 - self.betas[1]
                second += spare
                np.sqrt(second, out=spare)
                spare /= sqrt(unbias2)
                spare += self.eps
                np.divide(first, spare, out=spare)
                spare *= self.lr / unbias1
                weight -= spare

        return update

    def moments(self, zeros: list[Any]) -> Any:
        """Return the initial state of `functional`: first moments, second moments, and the number of steps."""
        return zeros, [zero.copy() for zero in zeros], 0

    def functional(self, np: Any, weights: Any, gradients: Any, moments: Any) -> tuple[Any, Any]:
        """Return the next weights and moments, computed by `np`."""
        (beta1, beta2), (firsts, seconds, steps) = self.betas, moments
        steps += 1
        firsts = [beta1 * m + (1 - beta1) * g for m, g in zip(firsts, gradients, strict=True)]
        seconds = [beta2 * v + (1 - beta2) * g * g for v, g in zip(seconds, gradients, strict=True)]
        # 1 - beta ** steps would lose four digits in float32 at the first step.
        unbias1, unbias2 = (-np.expm1(steps * log(beta)) for beta in self.betas)
        weights = [
            w * (1 - self.lr * self.weight_decay) - self.lr / unbias1 * m / (np.sqrt(v / unbias2) + self.eps)
            for w, m, v in zip(weights, firsts, seconds, strict=True)
        ]
        return weights, (firsts, seconds, steps)
