"""Text generation with the model of a run."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

import numpy as np

from minigrad.data import Text
from minigrad.inference.placement import on_device
from minigrad.training.experiment import Experiment, UsageError


def read(experiment: Experiment, text: str) -> tuple[Text, np.ndarray]:
    """Return an experiment's data and a text's tokens.

    Returns:
        The data, and int64 (n,).

    Raises:
        UsageError: if the data is not text, or the text is empty.
        DataError: for a character outside the vocabulary.
    """
    if not isinstance(experiment.data, Text):
        raise UsageError(f"this model was not trained on text: its data is {type(experiment.data).__name__}")
    tokens = experiment.data.encode(text)
    if len(tokens) == 0:
        raise UsageError("expected at least one token to begin with, got an empty text")
    return experiment.data, tokens


def generate(
    experiment: Experiment,
    prompt: str,
    tokens: int = 300,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
) -> Iterator[str]:
    """Yield the model's continuation of a prompt in pieces.

    The experiment's seed determines the text. It ends at a token of `experiment.data.end`, or after `tokens` tokens.

    Args:
        experiment: an experiment whose data is a `Text`, and whose model has `block_size` and `generate`, like `GPT` in
            `models/gpt.py`.
        prompt: the start of the text; if it exceeds the model's context, only its end is used (see `cropped`).
        tokens: the maximum number of new tokens.
        temperature: divides the logits: below 1 is less random, above 1 more.
        top_k: sample only from the `top_k` likeliest tokens, if given.
        top_p: sample only from the likeliest tokens whose probabilities sum to this (nucleus sampling), if given.
        repetition_penalty: above 1, tokens that occurred before become less likely; 1 changes nothing.

    Raises:
        UsageError: if the data is not text, the model cannot generate, or a setting is out of range.
        DataError: for a character outside the vocabulary.
    """
    data, start = read(experiment, prompt)
    write = getattr(experiment.model, "generate", None)
    if write is None:
        raise UsageError(f"{type(experiment.model).__name__} cannot generate: it has no method generate(), as GPT has")
    start = start[-_block_size(experiment) :]
    taken = signature(write).parameters
    more: dict[str, Any] = {"end": data.end} if data.end and "end" in taken else {}
    if repetition_penalty != 1:
        if "repetition_penalty" not in taken:
            raise UsageError(f"{type(experiment.model).__name__} does not take repetition_penalty, as GPT does")
        more["repetition_penalty"] = repetition_penalty
    try:
        written = write(start, tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=experiment.seed, **more)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return data.decode(_on_device(experiment, written))


def _on_device(experiment: Experiment, tokens: Iterator[int]) -> Iterator[int]:
    with on_device(experiment):
        yield from tokens


def cropped(experiment: Experiment, prompt: str) -> str:
    """Return a note on a prompt longer than the context.

    Raises:
        UsageError: if the data is not text, or the prompt is empty.
        DataError: for a character outside the vocabulary.
    """
    _, start = read(experiment, prompt)
    if len(start) <= _block_size(experiment):
        return ""
    return f"the prompt has {len(start)} tokens, of which the model sees the last {_block_size(experiment)}"


def _block_size(experiment: Experiment) -> int:
    return getattr(experiment.model, "block_size")  # noqa: B009 - every language model has one
