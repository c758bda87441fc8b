"""Code of lesson 5: a small trained GPT, and its embeddings, attention and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import sqrt
from pathlib import Path

import numpy as np

import minigrad
from minigrad import Tensor, no_grad, ops
from minigrad.training import Experiment
from models.gpt import GPT

HOME = Path(__file__).parents[2]


@lru_cache
def trained() -> Experiment:
    """Return the trained experiment of `configs/char_gpt.yaml`: 1,000 steps, about a minute."""
    experiment = minigrad.load(HOME / "configs" / "char_gpt.yaml", home=HOME)
    experiment.fit()
    return experiment


def directions(experiment: Experiment) -> dict[str, np.ndarray]:
    """Return the embedding of each character, scaled to length 1."""
    rows = experiment.model.wte.weight.data
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return dict(zip(experiment.data.vocabulary, rows, strict=True))


def nearest(vector: np.ndarray, among: Mapping[str, np.ndarray], exclude: str = "") -> str:
    """Return the characters of `among`, except `exclude`, by decreasing dot product with `vector`."""
    return "".join(sorted(set(among) - set(exclude), key=lambda character: -(among[character] @ vector)))


def head_scores(model: GPT, tokens: np.ndarray) -> np.ndarray:
    """Return the unmasked scores of all heads of the first block, (n_head, L, L), for tokens (L,)."""
    block = model.h[0]
    with no_grad():
        x = block.ln_1(model.wpe(model.wte(tokens)))
        rows = ops.linear(x, block.attn.in_proj_weight, block.attn.in_proj_bias).data
    query, key, _ = rows.reshape(len(tokens), 3, block.attn.num_heads, -1).transpose(1, 2, 0, 3)
    return query @ key.mT / sqrt(query.shape[-1])


def attention_weights(model: GPT, tokens: np.ndarray) -> np.ndarray:
    """Return the attention weights of all heads, (n_layer, ..., n_head, L, L)."""
    weights = []
    with no_grad():
        x: Tensor = model.wpe(model.wte(tokens))
        for block in model.h:
            of_block = block.attn(block.ln_1(x), need_weights=True, average_attn_weights=False)[1]
            weights.append(of_block.data)
            x = block(x)
    return np.stack(weights)


def probabilities(experiment: Experiment, text: str, temperature: float) -> dict[str, float]:
    """Return the probability of each next character of `text`, the likeliest first."""
    with no_grad():
        scores = experiment.model(Tensor(experiment.data.encode(text))).data[-1]
    shares = ops.softmax(scores.astype(np.float64) / temperature)
    return {experiment.data.vocabulary[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}
