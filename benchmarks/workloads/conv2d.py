"""Workload: a convolution, forward and backward: 3x3, 32 to 32 channels, 32 images of 28x28."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.workload import Array, Goal, Trial, Workload
from benchmarks.workloads.library import LARGE_CALLS, Library, on_libraries


class Convolution(NamedTuple):
    """Images (N, C, H, W), kernels (padding is 1), and the gradient of the result."""

    x: Array
    weight: Array
    bias: Array
    gradient: Array


def _problem(dtype: str, smoke: bool) -> Convolution:
    random = np.random.default_rng(0)
    n, channels, size = (2, 3, 4) if smoke else (32, 32, 28)
    shapes = (n, channels, size, size), (channels, channels, 3, 3), (channels,), (n, channels, size, size)
    return Convolution(*(random.standard_normal(shape).astype(dtype) for shape in shapes))


def _by_hand(problem: Convolution) -> Trial:
    """Convolve by matrix products over views of windows."""
    x, weight, bias, gradient = problem
    gradients: list[Array] = []

    def windows(images: Array) -> Array:
        padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
        return sliding_window_view(padded, (3, 3), axis=(2, 3))

    def convolve(images: Array, kernels: Array) -> Array:
        return np.moveaxis(np.tensordot(windows(images), kernels, ((1, 4, 5), (1, 2, 3))), -1, 1)

    def step() -> Any:
        out = convolve(x, weight) + bias[:, None, None]
        turned = weight[:, :, ::-1, ::-1].swapaxes(0, 1)
        by_weight = np.tensordot(gradient, windows(x), ((0, 2, 3), (0, 2, 3)))
        gradients[:] = [convolve(gradient, turned), by_weight, gradient.sum((0, 2, 3))]
        return out[0, 0, 0, 0]

    return Trial(step, lambda: gradients)


def trial(library: Library, problem: Convolution) -> Trial:
    """Return a trial of forward and backward in a library."""
    *leaves, gradient = map(library.tensor, problem)
    convolve = library.compile(lambda *leaves: library.functions.conv2d(*leaves, padding=1))
    return library.there_and_back(convolve, leaves, gradient)


workload = Workload(
    "conv2d",
    "a convolution, forward and backward: 3x3, 32 to 32 channels, 28x28, batch 32",
    _problem,
    {"numpy": _by_hand, **on_libraries(trial, LARGE_CALLS)},
    goals={"torch": Goal(0.5)},
)
