"""The attention weights of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.engine import Tensor
from minigrad.nn import Module, MultiHeadAttention


@contextmanager
def attention_weights(model: Module) -> Iterator[dict[str, np.ndarray]]:
    """Collect the attention weights of `model` in the block.

    The dict maps the path of a layer to its weights, (N, heads, L, S).
    """
    weights: dict[str, np.ndarray] = {}

    def ask(module: Module, args: Any, kwargs: dict[str, Any]) -> Any:
        return args, {**kwargs, "need_weights": True, "average_attn_weights": False}

    handles = []
    for path, module in model.named_modules():
        if isinstance(module, MultiHeadAttention):

            def take(module: Module, args: Any, output: tuple[Tensor, Tensor], path: str = path) -> Tensor:
                out, weights[path] = output[0], output[1].data
                return out

            handles += [module.register_forward_pre_hook(ask, with_kwargs=True), module.register_forward_hook(take)]
    try:
        yield weights
    finally:
        for handle in handles:
            handle.remove()
