"""The model and tokenizer of a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.errors import DataError
from minigrad.data.tokenizers import AddedToken, BytePairs
from minigrad.formats.errors import FormatError
from minigrad.formats.gguf import read_gguf
from minigrad.formats.llama import gguf_parts
from minigrad.formats.pretrained import Pretrained

_ARE_HALVES = {"llama": False, "qwen2": True}
"""Whether rotary pairs of query and key rows are split halves, by architecture; llama.cpp permutes Llama's rows."""

_PRE_TOKENIZERS = {"gpt-2": "gpt2", "llama-bpe": "llama3", "qwen2": "qwen2", "smollm": "smollm"}

_SIZES = {
    "block_size": "context_length",
    "n_layer": "block_count",
    "n_head": "attention.head_count",
    "n_embd": "embedding_length",
    "n_hidden": "feed_forward_length",
}

_ACCEPTED: dict[str, tuple[Any, ...]] = {
    "expert_count": (0,),
    "rope.scaling.type": ("none",),
    "attention.sliding_window": (0,),
}

_SPECIAL, _OWN = 3, 4
"""Token types: control and user-defined."""


def open_gguf(path: str | Path) -> Pretrained:
    """Open a GGUF model without reading its weights.

    Raises:
        FormatError: for a damaged file, or an unsupported model or tokenizer.
        OSError: if it cannot be opened.
    """
    facts, stored = read_gguf(path)
    try:
        kind = _fact(facts, "general.architecture", str)
        if kind not in _ARE_HALVES:
            raise FormatError(f"it describes a model of type {kind!r}; supported: {', '.join(_ARE_HALVES)}")
        tokenizer = _tokenizer(facts)
        arguments = _arguments(facts, kind)
        arguments |= {
            "vocab_size": stored["token_embd.weight"].shape[0] if "token_embd.weight" in stored else 1,
            "qkv_bias": "blk.0.attn_q.bias" in stored,
            "tie_weights": "output.weight" not in stored,
        }
    except (FormatError, DataError) as error:
        raise FormatError(f"{path}: {error}") from None
    ends = [facts.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot")]
    end = frozenset(token for token in ends if isinstance(token, int))
    return Pretrained(
        Path(path), kind, "Llama", arguments, stored, gguf_parts(arguments, _ARE_HALVES[kind]), tokenizer, end
    )


def _fact(facts: Mapping[str, Any], name: str, kind: type, usual: Any = None) -> Any:
    """Return a metadata value, checked for its type."""
    value = facts.get(name, usual)
    if value is None:
        raise FormatError(f"its metadata lacks {name!r}")
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise FormatError(f"{name!r} must be of type {kind.__name__}, found {type(value).__name__}")
    return value


def _arguments(facts: Mapping[str, Any], kind: str) -> dict[str, Any]:
    for key, accepted in _ACCEPTED.items():
        value = facts.get(f"{kind}.{key}")
        if value is not None and value not in accepted:
            raise FormatError(f"{kind}.{key} is {value!r}; supported: {', '.join(map(repr, accepted))}")
    arguments: dict[str, Any] = {ours: _fact(facts, f"{kind}.{theirs}", int) for ours, theirs in _SIZES.items()}
    if unfit := [theirs for ours, theirs in _SIZES.items() if arguments[ours] < 1]:
        raise FormatError(f"{kind}.{unfit[0]} must be at least 1")
    arguments["n_kv_head"] = _fact(facts, f"{kind}.attention.head_count_kv", int, arguments["n_head"])
    arguments["rope_base"] = _fact(facts, f"{kind}.rope.freq_base", float, 10000.0)
    arguments["eps"] = _fact(facts, f"{kind}.attention.layer_norm_rms_epsilon", float)
    head = arguments["n_embd"] // arguments["n_head"]
    for key in ("rope.dimension_count", "attention.key_length", "attention.value_length"):
        if facts.get(f"{kind}.{key}", head) != head:
            raise FormatError(
                f"{kind}.{key} is {facts[f'{kind}.{key}']!r}; supported: embedding_length / head_count, {head}"
            )
    return arguments


def _tokenizer(facts: Mapping[str, Any]) -> BytePairs:
    model = _fact(facts, "tokenizer.ggml.model", str)
    if model != "gpt2":
        raise FormatError(f"its tokenizer is of kind {model!r}; supported: 'gpt2' (byte-level BPE)")
    kind = _fact(facts, "tokenizer.ggml.pre", str, "none")
    if kind not in _PRE_TOKENIZERS:
        raise FormatError(f"its pre-tokenizer is {kind!r}; supported: {', '.join(_PRE_TOKENIZERS)}")
    texts: list[str] = _fact(facts, "tokenizer.ggml.tokens", list)
    pairs = [tuple(pair.split(" ")) for pair in _fact(facts, "tokenizer.ggml.merges", list)]
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise FormatError(f"a merge must be two tokens, found {' '.join(wrong[0])!r}")
    kinds = _fact(facts, "tokenizer.ggml.token_type", np.ndarray, np.ones(len(texts)))
    if len(kinds) != len(texts):
        raise FormatError(f"it has {len(texts):,} tokens, and types of {len(kinds):,}")
    added = {
        number: AddedToken(texts[number], bool(kinds[number] == _SPECIAL))
        for number in range(len(texts))
        if kinds[number] in (_SPECIAL, _OWN) and texts[number]
    }
    begins = _fact(facts, "tokenizer.ggml.add_bos_token", bool, kind == "llama-bpe")
    prefix = [_fact(facts, "tokenizer.ggml.bos_token_id", int)] if begins else []
    return BytePairs(
        {text: number for number, text in enumerate(texts)},
        pairs,
        _PRE_TOKENIZERS[kind],
        added,
        prefix,
        is_nfc=kind == "qwen2",
        ignores_merges=kind == "llama-bpe",
    )
