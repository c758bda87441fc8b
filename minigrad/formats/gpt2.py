"""GPT-2 in Hugging Face's format.

Its linear layers are of class Conv1D, with weights (in, out).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.formats.family import Array, Config, Family, check, positive
from minigrad.formats.weights import Part, Parts

_NAMES = {
    "attn.in_proj_": "attn.c_attn.",
    "attn.out_proj.": "attn.c_proj.",
    "mlp.0.": "mlp.c_fc.",
    "mlp.2.": "mlp.c_proj.",
}

_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}

_SIZES = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")


def _arguments(config: Config) -> dict[str, Any]:
    accepted = {
        "activation_function": list(_ACTIVATIONS),
        "n_inner": [4 * config["n_embd"]] if isinstance(config.get("n_embd"), int) else [],
        "scale_attn_weights": [True],
        "tie_word_embeddings": [True, False],
    }
    check(config, _SIZES, accepted, ["layer_norm_epsilon"])
    tie = config.get("tie_word_embeddings")
    return {
        "vocab_size": config["vocab_size"],
        "block_size": config["n_positions"],
        "n_layer": config["n_layer"],
        "n_head": config["n_head"],
        "n_embd": config["n_embd"],
        "tie_weights": tie is None or tie,
        "activation": _ACTIVATIONS[config.get("activation_function") or "gelu_new"],
        "eps": positive(config, "layer_norm_epsilon", 1e-5),
    }


def _config(model: Any) -> dict[str, Any]:
    activations = {ours: theirs for theirs, ours in reversed(_ACTIVATIONS.items())}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": activations[model.activation],
        "vocab_size": model.vocab_size,
        "n_positions": model.block_size,
        "n_embd": model.wte.embedding_dim,
        "n_layer": len(model.h),
        "n_head": model.h[0].attn.num_heads,
        "resid_pdrop": model.dropout.p,
        "embd_pdrop": model.dropout.p,
        "attn_pdrop": model.dropout.p,
        "layer_norm_epsilon": model.ln_f.eps,
        "tie_word_embeddings": model.lm_head.weight is model.wte.weight,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def _parts(arguments: Mapping[str, Any]) -> Parts:
    def part(name: str) -> Part:
        theirs = name
        for ours, other in _NAMES.items():
            theirs = theirs.replace(ours, other)
        theirs = theirs if theirs.startswith("lm_head") else f"transformer.{theirs}"
        if theirs != f"transformer.{name}" and name.endswith("weight") and not name.startswith("lm_head"):
            return Part([theirs], lambda arrays: arrays[0].T, lambda array: [array.T])
        return Part([theirs])

    return part


def _tidy(name: str) -> str | None:
    if name.endswith((".attn.bias", ".attn.masked_bias")):  # the causal masks
        return None
    return name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"


def _complete(arrays: dict[str, Array]) -> dict[str, Array]:
    """Add zero biases if there are none."""
    without = ("wte.weight", "wpe.weight", "lm_head.weight")
    zeros = {
        name.removesuffix("weight") + "bias": np.zeros(array.shape[-1], array.dtype)
        for name, array in arrays.items()
        if name.endswith(".weight") and not name.endswith(without)
    }
    return {**zeros, **arrays}


GPT2 = Family("GPT", _arguments, _parts, _tidy, _config, _complete)
