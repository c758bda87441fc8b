"""Workload: multi-head attention, forward and backward."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Goal, Trial, Workload
from benchmarks.workloads import by_hand
from benchmarks.workloads.library import LARGE_CALLS, Library, Torch, on_libraries


class Problem(NamedTuple):
    """The number of heads, x (N, L, embed_dim), the parameters by name, and the gradient of the result."""

    heads: int
    x: Array
    weights: dict[str, Array]
    gradient: Array


def _problem(dtype: str, smoke: bool) -> Problem:
    random = np.random.default_rng(0)
    n, length, width, heads = (2, 6, 8, 2) if smoke else (8, 128, 256, 8)
    shapes = {
        "in_proj_weight": (3 * width, width),
        "in_proj_bias": (3 * width,),
        "out_proj.weight": (width, width),
        "out_proj.bias": (width,),
    }
    weights = {name: (width**-0.5 * random.standard_normal(shape)).astype(dtype) for name, shape in shapes.items()}
    x, gradient = random.standard_normal((2, n, length, width)).astype(dtype)
    return Problem(heads, x, weights, gradient)


def _by_hand(problem: Problem) -> Trial:
    heads, x, weights, gradient = problem
    w_in, b_in, w_out, b_out = weights.values()
    rows, slope = (array.reshape(-1, x.shape[-1]) for array in (x, gradient))
    gradients: list[Array] = []

    def step() -> Any:
        out, saved = by_hand.attention(rows, w_in, b_in, w_out, b_out, x.shape[1], heads, is_causal=False)
        g_x, *slopes = by_hand.attention_back(slope, rows, w_in, w_out, *saved)
        gradients[:] = [g_x.reshape(x.shape), *slopes]
        return out[0, 0]

    return Trial(step, lambda: gradients)


def _library(library: Library, problem: Problem) -> Trial:
    width = problem.x.shape[-1]
    if isinstance(library, Torch):
        layer = library.nn.MultiheadAttention(width, problem.heads, batch_first=True)
        attend = lambda x: layer(x, x, x, need_weights=False)[0]
    else:
        attend = layer = library.nn.MultiHeadAttention(width, problem.heads)
    layer.load_state_dict({name: library.tensor(weight) for name, weight in problem.weights.items()})
    parameters = dict(layer.named_parameters())
    forward = library.compile(attend)
    leaves = [library.tensor(problem.x), *(parameters[name] for name in problem.weights)]
    return library.there_and_back(lambda x, *_: forward(x), leaves, library.tensor(problem.gradient))


workload = Workload(
    "attention",
    "multi-head attention, forward and backward: batch 8, 128 tokens, 256 wide, 8 heads",
    _problem,
    {"numpy": _by_hand, **on_libraries(_library, LARGE_CALLS)},
    goals={"torch": Goal(1.1)},
)
