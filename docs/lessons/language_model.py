"""Code of lesson 6: a pretrained language model, and its predictions and attention."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

import minigrad
from minigrad import Tensor, no_grad, ops
from minigrad.data import DataError, find
from minigrad.data.tokenizers import train_byte_pairs
from minigrad.inference import Writer
from minigrad.nn import CrossEntropyLoss
from minigrad.optim import AdamW
from models.llama import Llama

FOLDER = "SmolLM2-135M-Instruct"
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEXT = (
    "The capital of France is Paris. The capital of Italy is Rome. The cat sat on the mat because it was tired. "
    "When the dog saw the cat, the dog ran after the cat. "
) * 8


@lru_cache
def opened() -> Writer:
    """Return SmolLM2 if its folder is in the data folder, else `toy()`."""
    try:
        return minigrad.load_pretrained(find(FOLDER))
    except DataError:
        return toy()


def toy() -> Writer:
    """Return a Llama trained for a second on a few sentences, to try the code."""
    tokenizer = train_byte_pairs(TEXT, 340, "smollm", SPECIAL)
    minigrad.seed(0)
    model = Llama(tokenizer.vocab_size, block_size=128, n_layer=2, n_head=4, n_kv_head=2, n_embd=32)
    tokens = np.array(tokenizer.encode(TEXT))
    loss, optimizer = CrossEntropyLoss(axis=-1), AdamW(model.parameters(), lr=1e-2)
    for start in range(40):
        piece = tokens[start : start + 65]
        optimizer.zero_grad()
        loss(model(Tensor(piece[None, :-1])), piece[None, 1:]).backward()
        optimizer.step()
    return Writer(model.eval(), tokenizer, [tokenizer.special["<|im_end|>"]])


def pieces(writer: Writer, text: str) -> list[str]:
    """Return the tokens of a text, each as text."""
    return ["".join(writer.tokenizer.decode([token])) for token in writer.tokenizer.encode(text)]


def likeliest(writer: Writer, text: str, count: int = 8) -> dict[str, float]:
    """Return the likeliest next tokens of a text, in order, with their probabilities."""
    with no_grad():
        scores = writer.model(np.array([writer.tokenizer.encode(text)])).data[0, -1]
    shares = ops.softmax(scores.astype(np.float64))
    best = np.argsort(-shares, kind="stable")[:count]
    return {"".join(writer.tokenizer.decode([token], special=True)): float(shares[token]) for token in best}


def attention_weights(writer: Writer, text: str) -> np.ndarray:
    """Return the attention weights of all heads, (n_layer, n_head, L, L)."""
    weights = []
    with no_grad():
        x: Tensor = writer.model.embed_tokens(np.array([writer.tokenizer.encode(text)]))
        for layer in writer.model.layers:
            normed = layer.input_layernorm(x)
            weights.append(layer.self_attn(normed, need_weights=True, average_attn_weights=False)[1].data[0])
            x = layer(x)
    return np.stack(weights)


def best_head(weights: np.ndarray, looks: int, at: int) -> tuple[int, int]:
    """Return the layer and head in which the token at position `looks` attends most to the one at position `at`."""
    layer, head = np.unravel_index(weights[:, :, looks, at].argmax(), weights.shape[:2])
    return int(layer), int(head)
