"""Text that the model of a run writes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.data import Text
from minigrad.training.experiment import Experiment, UsageError


def read(experiment: Experiment, text: str) -> tuple[Text, np.ndarray]:
    """Returns the data of an experiment, and with it the tokens of a text, int64 (n,).

    Raises: UsageError if its data is no text, or this text is empty; DataError for what no token stands for.
    """
    if not isinstance(experiment.data, Text):
        raise UsageError(f"this model has not learned from a text: its data is {type(experiment.data).__name__}")
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
) -> Iterator[str]:
    """Returns what the model writes behind a prompt, piece by piece as it comes; the seed of the experiment decides.

    Args:
        experiment: its data is a `Text`, and its model has `block_size` and `generate`, as `GPT` in `models/gpt.py`.
        prompt: what the text begins with; of one longer than a block the model sees the end, as `cropped` tells.
        tokens: how many are written.
        temperature: divides the scores of the next token: below 1 the likely ones are preferred, above 1 less so.
        top_k: only the `top_k` likeliest tokens are drawn from, if given.
        top_p: only the likeliest tokens that together have this probability are drawn from, if given.

    Raises: UsageError for data that is no text, a model that does not write, or a setting out of its range; DataError
        for a prompt with characters that the text had not.
    """
    data, start = read(experiment, prompt)
    write = getattr(experiment.model, "generate", None)
    if write is None:
        raise UsageError(f"{type(experiment.model).__name__} does not write: it has no method generate(), as GPT has")
    start = start[-_block_size(experiment) :]
    try:
        written = write(start, tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=experiment.seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return data.decode(written)


def cropped(experiment: Experiment, prompt: str) -> str:
    """Returns what to tell of a prompt that is longer than what the model sees at once; nothing if it is not.

    Raises: as `generate`.
    """
    _, start = read(experiment, prompt)
    if len(start) <= _block_size(experiment):
        return ""
    return f"the prompt has {len(start)} tokens, of which the model sees the last {_block_size(experiment)}"


def _block_size(experiment: Experiment) -> int:
    return getattr(experiment.model, "block_size")  # noqa: B009 - of the modules that write
