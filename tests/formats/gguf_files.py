"""Small GGUF files, made here so that they can be made wrong."""

import struct

import numpy as np

from minigrad.data.tokenizers import BytePairs
from models.llama import Llama

U32, F32, BOOL, TEXT, ARRAY = 4, 6, 7, 8, 9


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value(given) -> bytes:
    """A value behind its kind."""
    if isinstance(given, bool):
        return struct.pack("<I?", BOOL, given)
    if isinstance(given, int):
        return struct.pack("<II", U32, given)
    if isinstance(given, float):
        return struct.pack("<If", F32, given)
    if isinstance(given, str):
        return struct.pack("<I", TEXT) + text(given)
    if given and isinstance(given[0], str):
        return struct.pack("<IIQ", ARRAY, TEXT, len(given)) + b"".join(map(text, given))
    return struct.pack("<IIQ", ARRAY, U32, len(given)) + np.array(given, "<u4").tobytes()


def gguf(facts, tensors, version=3) -> bytes:
    """A file of facts by name, and of tensors by name: (shape, kind, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(facts))
    head += b"".join(text(name) + value(given) for name, given in facts.items())
    data = b""
    for name, (shape, kind, raw) in tensors.items():
        axes = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += text(name) + struct.pack("<I", len(shape)) + axes + struct.pack("<IQ", kind, len(data))
        data += raw + bytes(-len(raw) % 32)
    return head + bytes(-len(head) % 32) + data


def facts_of(llama: Llama, tokenizer: BytePairs, kind: str = "llama") -> dict:
    attention = llama.layers[0].self_attn
    texts = {number: text for text, number in tokenizer.vocabulary.items()}
    kinds = [3 if number in tokenizer.added else 1 for number in range(len(texts))]
    return {
        "general.architecture": kind,
        f"{kind}.context_length": llama.block_size,
        f"{kind}.block_count": len(llama.layers),
        f"{kind}.embedding_length": attention.embed_dim,
        f"{kind}.feed_forward_length": llama.layers[0].mlp.gate_proj.out_features,
        f"{kind}.attention.head_count": attention.num_heads,
        f"{kind}.attention.head_count_kv": attention.num_kv_heads,
        f"{kind}.attention.layer_norm_rms_epsilon": llama.norm.eps,
        f"{kind}.rope.freq_base": attention.rotary.base,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": [texts[number] for number in range(len(texts))],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": [" ".join(pair) for pair in tokenizer.merges],
        "tokenizer.ggml.eos_token_id": 0,
    }


def tensors_of(llama: Llama) -> dict:
    """The weights of a Llama by the names of llama.cpp, which sorts rows of queries and keys as they are here."""
    state = llama.state_dict()
    found = {
        "token_embd.weight": state["embed_tokens.weight"],
        "output_norm.weight": state["norm.weight"],
        "output.weight": state["lm_head.weight"],
    }
    names = {
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "attn_output": "self_attn.out_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    for i, layer in enumerate(llama.layers):
        for theirs, ours in names.items():
            found[f"blk.{i}.{theirs}.weight"] = state[f"layers.{i}.{ours}.weight"]
        dim, shared = layer.self_attn.embed_dim, layer.self_attn.num_kv_heads * layer.self_attn.head_dim
        parts = np.split(state[f"layers.{i}.self_attn.in_proj_weight"], [dim, dim + shared])
        for letter, part in zip("qkv", parts, strict=True):
            found[f"blk.{i}.attn_{letter}.weight"] = part
    return {name: (array.shape, 0, array.astype("<f4").tobytes()) for name, array in found.items()}
