"""Workload: text generation with a language model of SmolLM2's sizes, with key-value caches."""

from __future__ import annotations

from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Goal, Trial, Workload

PROMPT, WRITTEN = 16, 8


class Problem(NamedTuple):
    """The arguments of a `Llama`, its weights by name, and the tokens of a prompt."""

    arguments: dict[str, Any]
    weights: dict[str, Array]
    prompt: Array


def _problem(dtype: str, smoke: bool) -> Problem:
    from models.llama import Llama

    random = np.random.default_rng(0)
    sizes: dict[str, Any] = {
        "vocab_size": 49152,
        "block_size": 256,
        "n_layer": 30,
        "n_head": 9,
        "n_embd": 576,
        "n_hidden": 1536,
    }
    if smoke:
        sizes = {"vocab_size": 50, "block_size": 32, "n_layer": 2, "n_head": 3, "n_embd": 12, "n_hidden": 16}
    arguments = {**sizes, "n_kv_head": sizes["n_head"] // 3, "tie_weights": True}
    model = Llama(**arguments)
    weights = {
        name: (array.ndim == 1) + 0.04 * random.standard_normal(array.shape)  # gains around 1, matrices around 0
        for name, array in model.state_dict().items()
        if name != "lm_head.weight"
    }
    weights["lm_head.weight"] = weights["embed_tokens.weight"]
    prompt = random.integers(0, sizes["vocab_size"], PROMPT)
    return Problem(arguments, {name: array.astype(dtype) for name, array in weights.items()}, prompt)


def _minigrad(problem: Problem) -> Trial:
    import minigrad
    from models.llama import Llama

    arguments, weights, prompt = problem
    model = Llama(**arguments).to(weights["norm.weight"].dtype).eval()
    model.load_state_dict(weights)

    def step() -> float:
        return float(list(model.generate(prompt, WRITTEN, top_k=1))[-1])

    def state() -> list[Array]:
        with minigrad.no_grad():
            return [model(prompt[None]).data]

    return Trial(step, state)


def _transformers(problem: Problem) -> Trial:
    import torch
    import transformers

    from minigrad.formats.llama import LLAMA

    arguments, weights, prompt = problem
    config = transformers.LlamaConfig(
        vocab_size=arguments["vocab_size"],
        hidden_size=arguments["n_embd"],
        intermediate_size=arguments["n_hidden"],
        num_hidden_layers=arguments["n_layer"],
        num_attention_heads=arguments["n_head"],
        num_key_value_heads=arguments["n_kv_head"],
        max_position_embeddings=arguments["block_size"],
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    parts = LLAMA.parts(arguments)
    arrays = {
        theirs: torch.from_numpy(np.ascontiguousarray(array))
        for name in weights
        for theirs, array in zip(parts(name).names, parts(name).split(weights[name]), strict=True)
    }
    model: Any = transformers.LlamaForCausalLM(config)
    model = model.to(next(iter(arrays.values())).dtype).eval()
    model.load_state_dict(arrays)
    tokens = torch.from_numpy(prompt)[None]

    keyword = "cache" if "cache" in signature(model.forward).parameters else "past_key_values"  # depends on the version

    @torch.no_grad()
    def step() -> float:
        cache = {keyword: transformers.DynamicCache()}
        following = tokens
        for _ in range(WRITTEN):
            following = model(following, use_cache=True, logits_to_keep=1, **cache).logits.argmax(-1)
        return float(following)

    @torch.no_grad()
    def state() -> list[Array]:
        return [model(tokens).logits.numpy()]

    return Trial(step, state)


workload = Workload(
    "generation",
    f"reading {PROMPT} tokens and writing {WRITTEN}: a Llama of SmolLM2-135M's sizes, greedy, with caches",
    _problem,
    {"minigrad": _minigrad, "transformers": _transformers},
    goals={"transformers": Goal(0.7)},
    turn=2.0,
)
