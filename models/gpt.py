"""GPT: a transformer that reads from left to right and tells, at each place, which token comes next.

The architecture is that of GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019), the
names of the arguments and the first values are those of nanoGPT. A config says `model: {GPT: {vocab_size: 65,
block_size: 64, n_layer: 4, n_head: 4, n_embd: 128}}`, and for the loss `CrossEntropyLoss: {axis: -1}`.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from minigrad import Tensor, no_grad
from minigrad.nn import (
    GELU,
    Dropout,
    Embedding,
    KeyValueCache,
    LayerNorm,
    LearnedPositionalEmbedding,
    Linear,
    Module,
    ModuleList,
    MultiHeadAttention,
    Sequential,
    init,
)

DEVIATION = 0.02
"""Of the first values of all weights."""


class Block(Module):
    """Causal self-attention, then each place through a wider layer, both residual and normalised before.

    Args:
        n_embd: the length of the vectors: (N, T, n_embd) to the same.
        n_head: how many heads attention has.
        dropout: the probability by which what a step adds, and attention weights, are dropped in training.
        bias: whether linear maps and normalisations have one.
    """

    def __init__(self, n_embd: int, n_head: int, dropout: float = 0.0, bias: bool = True) -> None:
        self.ln_1 = LayerNorm(n_embd, bias=bias)
        self.attn = MultiHeadAttention(n_embd, n_head, dropout, bias, is_causal=True)
        self.ln_2 = LayerNorm(n_embd, bias=bias)
        self.mlp = Sequential(Linear(n_embd, 4 * n_embd, bias), GELU("tanh"), Linear(4 * n_embd, n_embd, bias))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Returns (N, T, n_embd); a cache holds what came before."""
        x = x + self.dropout(self.attn(self.ln_1(x), cache=cache))
        return x + self.dropout(self.mlp(self.ln_2(x)))


class GPT(Module):
    """Tokens (N, T) to scores of the next token at each place, (N, T, vocab_size).

    Args:
        vocab_size: tokens are 0 to vocab_size - 1.
        block_size: how many tokens the model sees at most.
        n_layer: how many blocks follow each other.
        n_head: how many heads each has.
        n_embd: the length of the vectors, a multiple of n_head.
        dropout: the probability by which elements are dropped in training.
        bias: whether linear maps and normalisations have one.
        tie_weights: whether the scores are products with the very vectors that stand for the tokens.

    Raises: ValueError for sizes below 1, or an n_embd that is no multiple of n_head.
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 1024,
        n_layer: int = 12,
        n_head: int = 12,
        n_embd: int = 768,
        dropout: float = 0.0,
        bias: bool = True,
        tie_weights: bool = True,
    ) -> None:
        if n_layer < 1:
            raise ValueError(f"n_layer must be at least 1, got {n_layer}")
        self.vocab_size = vocab_size
        self.block_size = block_size
        self.wte = Embedding(vocab_size, n_embd)
        self.wpe = LearnedPositionalEmbedding(block_size, n_embd)
        self.dropout = Dropout(dropout)
        self.h = ModuleList([Block(n_embd, n_head, dropout, bias) for _ in range(n_layer)])
        self.ln_f = LayerNorm(n_embd, bias=bias)
        self.lm_head = Linear(n_embd, vocab_size, bias=False)
        if tie_weights:
            self.lm_head.weight = self.wte.weight
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                adds = name.endswith(("attn.out_proj.weight", "mlp.2.weight"))  # so many sums make the deviation grow
                init.normal_(parameter, std=DEVIATION / sqrt(2 * n_layer) if adds else DEVIATION)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns the scores. Raises: ValueError for more than `block_size` tokens, IndexError for an unknown token."""
        return self.lm_head(self._read(tokens))

    def _read(self, tokens: Any, caches: Sequence[KeyValueCache] | None = None) -> Tensor:
        """What the last block makes of the tokens, (N, T, n_embd); caches, one a block, hold the tokens before them."""
        seen = len(caches[0]) if caches else 0
        if seen + tokens.shape[-1] > self.block_size:
            raise ValueError(f"block_size is {self.block_size}, got a sequence of {seen + tokens.shape[-1]} tokens")
        x = self.dropout(self.wpe(self.wte(tokens), seen))
        for block, cache in zip(self.h, caches or [None] * len(self.h), strict=True):
            x = block(x, cache)
        return self.ln_f(x)

    # -- writing ----------------------------------------------------------------------------------------------------

    def generate(
        self,
        prompt: Sequence[int] | np.ndarray,
        tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> Iterator[int]:
        """Returns an iterator of the tokens that go on from the prompt, each drawn when it is asked for.

        The model is best in `eval()` mode. Beyond `block_size` tokens it sees the last ones, and has to read them anew
        for each token, since all have moved.

        Args:
            prompt: the tokens to go on from, at least one; of more than `block_size` the last count, with a warning.
            tokens: how many to write.
            temperature: what scores are divided by: below 1 the likely ones become likelier.
            top_k: draw among so many of the likeliest alone.
            top_p: draw among the likeliest alone that together have this probability (Holtzman et al.,
                arXiv:1904.09751).
            seed: of the draws.

        Raises: ValueError for numbers out of range, an empty prompt, or tokens outside the vocabulary.
        """
        prompt = [int(token) for token in prompt]
        self._check(prompt, tokens, temperature, top_k, top_p)
        if len(prompt) > self.block_size:
            warnings.warn(
                f"the prompt has {len(prompt)} tokens and the model sees {self.block_size}: the first "
                f"{len(prompt) - self.block_size} are left out",
                stacklevel=2,
            )
        return self._write(prompt, tokens, temperature, top_k, top_p, np.random.default_rng(seed))

    def _check(
        self, prompt: list[int], tokens: int, temperature: float, top_k: int | None, top_p: float | None
    ) -> None:
        if not prompt:
            raise ValueError("the prompt is empty: give at least one token to go on from")
        unknown = sorted({token for token in prompt if not 0 <= token < self.vocab_size})
        if unknown:
            raise ValueError(f"the vocabulary has the tokens 0 to {self.vocab_size - 1}, and the prompt has {unknown}")
        if tokens < 0:
            raise ValueError(f"tokens must be at least 0, got {tokens}")
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}; top_k=1 always takes the likeliest")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}")
        if top_p is not None and not 0 < top_p <= 1:
            raise ValueError(f"top_p is a probability, above 0 and at most 1, got {top_p}")

    def _write(
        self,
        written: list[int],
        tokens: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        random: np.random.Generator,
    ) -> Iterator[int]:
        caches = [KeyValueCache() for _ in self.h]
        for _ in range(tokens):
            with no_grad():  # entered anew for each token: what happens between two is the caller's
                if len(written) <= self.block_size:
                    x = self._read(np.array([written[len(caches[0]) :]]), caches)
                else:
                    x = self._read(np.array([written[-self.block_size :]]))
                scores = self.lm_head(x[0, -1]).data
            written.append(draw(scores, temperature, top_k, top_p, random))
            yield written[-1]

    # -- weights of others ------------------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, path: str | Path) -> "GPT":
        """Returns the model in a folder with the `config.json` and `model.safetensors` of a Hugging Face GPT-2.

        Raises: ValueError for a config of another kind of model, for a broken file, or with all weights that are
            missing, unexpected or of another shape; FileNotFoundError if one of the files is not there.
        """
        folder = Path(path)
        config = _read_config(folder / "config.json")
        model = cls(
            config["vocab_size"],
            config["n_positions"],
            config["n_layer"],
            config["n_head"],
            config["n_embd"],
            tie_weights=config.get("tie_word_embeddings", True),
        )
        for module in model.modules():
            if isinstance(module, LayerNorm):
                module.eps = config.get("layer_norm_epsilon", 1e-5)
        _load_hugging_face(model, folder / "model.safetensors")
        return model

    def save_pretrained(self, path: str | Path) -> None:
        """Writes `config.json` and `model.safetensors` into a folder, as `GPT2LMHeadModel.from_pretrained` reads them.

        A model without biases gets zeros for them there.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        tied = self.lm_head.weight is self.wte.weight
        config = {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "activation_function": "gelu_new",
            "vocab_size": self.vocab_size,
            "n_positions": self.block_size,
            "n_embd": self.wte.embedding_dim,
            "n_layer": len(self.h),
            "n_head": self.h[0].attn.num_heads,
            "resid_pdrop": self.dropout.p,
            "embd_pdrop": self.dropout.p,
            "attn_pdrop": self.dropout.p,
            "layer_norm_epsilon": self.ln_f.eps,
            "tie_word_embeddings": tied,
            "bos_token_id": None,
            "eos_token_id": None,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        arrays = {}
        for name, array in self.state_dict().items():
            arrays[_theirs(name)] = np.ascontiguousarray(array.T if _is_transposed(name) else array)
            if name.endswith("weight") and name not in ("wte.weight", "wpe.weight", "lm_head.weight"):
                bias = _theirs(name.removesuffix("weight") + "bias")
                arrays[bias] = np.zeros(len(array), array.dtype)  # until it comes, if there is one
        if tied:
            del arrays["lm_head.weight"]
        save_file(arrays, folder / "model.safetensors", {"format": "pt"})


def draw(
    scores: np.ndarray, temperature: float, top_k: int | None, top_p: float | None, random: np.random.Generator
) -> int:
    """Returns a token by its score (vocab_size,): the arguments are those of `GPT.generate`."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    logits = scores[order].astype(np.float64) / temperature
    probabilities = np.exp(logits - logits[0])
    total = np.cumsum(probabilities)
    if top_p is not None:  # the one that crosses the line is among them
        total = total[: np.searchsorted(total, top_p * total[-1]) + 1]
    place = np.searchsorted(total, random.random() * total[-1], side="right")
    return int(order[min(place, len(total) - 1)])


# The names of a GPT-2 by Hugging Face, whose linear maps, of a class Conv1D, have matrices (in, out).

_NAMES = {
    "attn.in_proj_": "attn.c_attn.",
    "attn.out_proj.": "attn.c_proj.",
    "mlp.0.": "mlp.c_fc.",
    "mlp.2.": "mlp.c_proj.",
}


def _theirs(name: str) -> str:
    """Their name for what `GPT.state_dict` calls `name`."""
    for ours, theirs in _NAMES.items():
        name = name.replace(ours, theirs)
    return name if name.startswith("lm_head") else f"transformer.{name}"


def _is_transposed(name: str) -> bool:
    return name.endswith("weight") and any(ours in name for ours in _NAMES)


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}") from None
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "gpt2":
        raise ValueError(f"{file} describes a model of type {kind!r}; only 'gpt2' can be read")
    missing = [key for key in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head") if key not in config]
    if missing:
        raise ValueError(f"{file} lacks {', '.join(missing)}")
    activation = config.get("activation_function", "gelu_new")
    if activation not in ("gelu_new", "gelu_pytorch_tanh"):
        raise ValueError(f"{file} asks for the activation {activation!r}; there is 'gelu_new' alone")
    return config


def _load_hugging_face(model: GPT, file: Path) -> None:
    """Copies the weights in a file into a model. What is saved beside the weights, the causal masks, is left out."""
    try:
        found = load_file(file)
    except SafetensorError as error:
        raise ValueError(f"{file} is no whole safetensors file: {error}") from None
    found = {
        name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}": array
        for name, array in found.items()
        if not name.endswith((".attn.bias", ".attn.masked_bias"))
    }
    state = model.state_dict()
    if model.lm_head.weight is model.wte.weight and "transformer.wte.weight" in found:
        found["lm_head.weight"] = found["transformer.wte.weight"]
    expected = {_theirs(name): array.T.shape if _is_transposed(name) else array.shape for name, array in state.items()}
    problems = [f"missing: {name}" for name in expected if name not in found]
    for name, array in found.items():
        if name not in expected:
            problems.append(f"unexpected: {name}")
        elif array.shape != expected[name]:
            problems.append(f"{name}: expected shape {expected[name]}, got {array.shape}")
    if problems:
        raise ValueError("\n  ".join([f"{file} does not fit the config.json beside it:", *problems]))
    ours = {name: found[_theirs(name)] for name in state}
    model.load_state_dict({name: array.T if _is_transposed(name) else array for name, array in ours.items()})
