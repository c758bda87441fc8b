"""Llama's family in Hugging Face's and GGUF's formats.

These are Llama, Mistral without a sliding window, Qwen2 and SmolLM2. Rotary pairs are neighbors in minigrad, as in the
paper (RoFormer, arXiv:2104.09864), but halves of a head in Hugging Face's code. The rows of queries and keys are
permuted accordingly; without that, a model writes fluent nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.formats.errors import FormatError
from minigrad.formats.family import Array, Config, Family, check, positive
from minigrad.formats.weights import Part, Parts

_SIZES = (
    "vocab_size", "max_position_embeddings", "num_hidden_layers", "num_attention_heads", "hidden_size",
    "intermediate_size",
)  # fmt: skip

_GGUF_NAMES = {
    "embed_tokens": "token_embd",
    "norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.out_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def _arguments(config: Config) -> dict[str, Any]:
    heads, dim = config.get("num_attention_heads"), config.get("hidden_size")
    head_dim = [dim // heads] if isinstance(heads, int) and isinstance(dim, int) and heads > 0 else []
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    accepted: dict[str, list[Any]] = {
        "hidden_act": ["silu"],
        "head_dim": head_dim,
        "attention_bias": [False],
        "mlp_bias": [False],
        "partial_rotary_factor": [1, 1.0],
        "tie_word_embeddings": [True, False],
        "use_sliding_window": [False],
        "sliding_window": [config["sliding_window"]] if config.get("use_sliding_window") is False else [],
        "layer_types": [["full_attention"] * len(config.get("layer_types") or [])],
        "rope_scaling": [scaling for scaling in [config.get("rope_scaling")] if _is_plain(scaling)],
        "rope_parameters": [scaling for scaling in [config.get("rope_parameters")] if _is_plain(scaling)],
    }
    check(config, _SIZES, accepted, ["num_key_value_heads", "rms_norm_eps", "rope_theta"])
    kv_heads = config.get("num_key_value_heads") or heads
    if type(kv_heads) is not int:
        raise FormatError(f"num_key_value_heads must be an integer from 1, found {kv_heads!r}")
    return {
        "vocab_size": config["vocab_size"],
        "block_size": config["max_position_embeddings"],
        "n_layer": config["num_hidden_layers"],
        "n_head": heads,
        "n_embd": dim,
        "n_hidden": config["intermediate_size"],
        "n_kv_head": kv_heads,
        "rope_base": positive(rope, "rope_theta", positive(config, "rope_theta", 10000.0)),
        "eps": positive(config, "rms_norm_eps", 1e-6),
        "qkv_bias": config["model_type"] == "qwen2",
        "tie_weights": bool(config.get("tie_word_embeddings")),
    }


def _is_plain(rope: Any) -> bool:
    """Whether rotary positions are not scaled."""
    if not isinstance(rope, dict):
        return False
    return {"rope_theta", "rope_type", "type", "partial_rotary_factor"} >= rope.keys() and all(
        rope.get(key, usual) == usual for key, usual in (("rope_type", "default"), ("type", "default"))
    )


def _config(model: Any) -> dict[str, Any]:
    attention = model.layers[0].self_attn
    is_qwen = attention.in_proj_bias is not None
    return {
        "architectures": ["Qwen2ForCausalLM" if is_qwen else "LlamaForCausalLM"],
        "model_type": "qwen2" if is_qwen else "llama",
        "hidden_act": "silu",
        "vocab_size": model.vocab_size,
        "max_position_embeddings": model.block_size,
        "num_hidden_layers": len(model.layers),
        "num_attention_heads": attention.num_heads,
        "num_key_value_heads": attention.num_kv_heads,
        "hidden_size": attention.embed_dim,
        "intermediate_size": model.layers[0].mlp.gate_proj.out_features,
        "rms_norm_eps": model.norm.eps,
        "rope_theta": attention.rotary.base,
        "tie_word_embeddings": model.lm_head.weight is model.embed_tokens.weight,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def _parts(arguments: Mapping[str, Any]) -> Parts:
    def part(name: str) -> Part:
        if name.startswith("lm_head"):
            return Part([name])
        if "in_proj_" in name:
            before, kind = name.split("in_proj_")
            return _packed([f"model.{before}{letter}_proj.{kind}" for letter in "qkv"], arguments, are_halves=True)
        return Part(["model." + name.replace("out_proj", "o_proj")])

    return part


def gguf_parts(arguments: Mapping[str, Any], are_halves: bool) -> Parts:
    """Return where weights are in a GGUF file.

    Args:
        arguments: of the model's class.
        are_halves: whether rotary pairs of query and key rows are split halves.
    """

    def part(name: str) -> Part:
        layers, _, rest = name.partition(".")
        prefix = ""
        if layers == "layers":
            number, _, name = rest.partition(".")
            prefix = f"blk.{number}."
        if "in_proj_" in name:
            kind = name.rpartition("in_proj_")[2]
            return _packed([f"{prefix}attn_{letter}.{kind}" for letter in "qkv"], arguments, are_halves)
        module, _, kind = name.rpartition(".")
        return Part([f"{prefix}{_GGUF_NAMES[module]}.{kind}"])

    return part


def _packed(names: Sequence[str], arguments: Mapping[str, Any], are_halves: bool) -> Part:
    """Return the part of queries, keys and values, which are one array in the model."""
    heads, shared = arguments["n_head"], arguments["n_kv_head"]
    rows = arguments["n_embd"], arguments["n_embd"] + arguments["n_embd"] // heads * shared

    def join(arrays: Sequence[Array]) -> Array:
        q, k, v = arrays
        return np.concatenate([_neighbours(q, heads), _neighbours(k, shared), v] if are_halves else [q, k, v])

    def split(array: Array) -> Sequence[Array]:
        q, k, v = np.split(array, rows)
        return [_halves(q, heads), _halves(k, shared), v] if are_halves else [q, k, v]

    return Part(names, join, split)


def _neighbours(rows: Array, heads: int) -> Array:
    """Permute rows (heads · 2 · half, ...) to the order (heads, half, 2), where rotary pairs are neighbors."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _halves(rows: Array, heads: int) -> Array:
    """Invert `_neighbours`."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _tidy(name: str) -> str | None:
    return None if name.endswith(".rotary_emb.inv_freq") else name


LLAMA = Family("Llama", _arguments, _parts, _tidy, _config)
