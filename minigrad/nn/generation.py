"""Text generation with a language model, token by token."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.devices import on_cpu
from minigrad.engine import Tensor, no_grad
from minigrad.nn.attention import KeyValueCache, MultiHeadAttention
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module


class LanguageModel(Module, ABC):
    """The base of language models, which generate text.

    A subclass has `vocab_size`; `block_size`, the context length in tokens; `hidden`; and `lm_head`, which computes
    logits from the result of `hidden`. Its attention layers are `MultiHeadAttention`, used in the order of its modules.
    """

    vocab_size: int
    block_size: int
    lm_head: Linear

    @abstractmethod
    def hidden(self, tokens: Any, caches: Sequence[KeyValueCache] | None = None) -> Tensor:
        """Return the last hidden states of the tokens.

        Args:
            tokens: integers (N, T).
            caches: one cache per attention layer, which hold the tokens before these.

        Returns:
            The hidden states, (N, T, length of the vectors).
        """

    def generate(
        self,
        prompt: Sequence[int] | NDArray[Any],
        tokens: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        end: Collection[int] = (),
    ) -> Iterator[int]:
        """Generate tokens that continue the prompt, lazily.

        Put the model into `eval()` mode first. Beyond `block_size` tokens it uses the last `block_size` ones, and
        recomputes them for each new token, as all positions have changed.

        Args:
            prompt: the tokens to continue, at least one; if they are more than `block_size`, the last ones are used,
                with a warning.
            tokens: the maximum number of new tokens.
            temperature: the divisor of the logits; below 1, likely tokens become more likely.
            top_k: sample only among this many of the most likely tokens; 1 is greedy decoding.
            top_p: sample only among the most likely tokens that together have this probability (nucleus sampling;
                Holtzman et al., arXiv:1904.09751).
            seed: the seed of the draws.
            repetition_penalty: divides positive logits of tokens that occurred before, and multiplies negative ones
                (Keskar et al., arXiv:1909.05858, section 4.1).
            end: tokens that end the text, and are not returned.

        Raises:
            ValueError: for numbers out of range, an empty prompt, or tokens outside the vocabulary; and, during
                generation, for weights that are not finite.
        """
        prompt = [int(token) for token in prompt]
        unknown = sorted({token for token in prompt if not 0 <= token < self.vocab_size})
        if not prompt:
            raise ValueError("the prompt is empty: give at least one token to go on from")
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
        if not repetition_penalty > 0:
            raise ValueError(f"repetition_penalty must be above 0, got {repetition_penalty}; 1 changes nothing")
        if seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}")
        if len(prompt) > self.block_size:
            warnings.warn(
                f"the prompt has {len(prompt)} tokens and the model sees {self.block_size}: the first "
                f"{len(prompt) - self.block_size} are left out",
                stacklevel=2,
            )
        random = np.random.default_rng(seed)

        def choose(scores: NDArray[Any], written: Sequence[int]) -> int:
            return draw(penalized(scores, written, repetition_penalty), temperature, top_k, top_p, random)

        return self._write(prompt, tokens, end, choose)

    def _write(
        self,
        written: list[int],
        tokens: int,
        end: Collection[int],
        choose: Callable[[NDArray[Any], Sequence[int]], int],
    ) -> Iterator[int]:
        caches = [KeyValueCache() for module in self.modules() if isinstance(module, MultiHeadAttention)]
        for _ in range(tokens):
            with no_grad():  # for each token: in between, the caller's mode applies
                if len(written) <= self.block_size:
                    x = self.hidden(np.array([written[len(caches[0]) :]]), caches)
                else:
                    x = self.hidden(np.array([written[-self.block_size :]]))
                scores = on_cpu(self.lm_head(x[0, -1]).data)
            if np.isnan(scores).any():
                raise ValueError("the scores of the next token are no numbers: weights of this model are not finite")
            token = choose(scores, written)
            if token in end:
                return
            written.append(token)
            yield token


def penalized(scores: NDArray[Any], written: Sequence[int], penalty: float) -> NDArray[Any]:
    """Return scores with those of `written` tokens penalized.

    The scores are (vocab_size,). See `repetition_penalty` of `LanguageModel.generate`.
    """
    if penalty == 1:
        return scores
    scores = scores.copy()
    seen = np.unique(written)
    scores[seen] = np.where(scores[seen] > 0, scores[seen] / penalty, scores[seen] * penalty)
    return scores


def draw(
    scores: NDArray[Any], temperature: float, top_k: int | None, top_p: float | None, random: np.random.Generator
) -> int:
    """Sample a token by its scores (vocab_size,).

    The arguments are those of `LanguageModel.generate`.
    """
    order = _best(scores, top_k)
    logits = scores[order].astype(np.float64) / temperature
    probabilities = np.exp(logits - logits[0])
    total = np.cumsum(probabilities)
    if top_p is not None:  # includes the token that crosses the threshold
        total = total[: np.searchsorted(total, top_p * total[-1]) + 1]
    place = np.searchsorted(total, random.random() * total[-1], side="right")
    return int(order[min(place, len(total) - 1)])


def _best(scores: NDArray[Any], count: int | None) -> NDArray[np.intp]:
    """Return the indices of the largest scores, in order.

    Equal scores are in the order of their indices. `count` limits the number of indices.
    """
    if count is None or count >= len(scores):
        return np.argsort(-scores, kind="stable")
    least = np.partition(scores, -count)[-count]  # a tenth of the time of sorting 50,000 scores
    candidates = np.flatnonzero(scores >= least)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:count]]
