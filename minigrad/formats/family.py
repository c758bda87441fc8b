"""Families of pretrained models, and checks of their `config.json`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from minigrad.formats.errors import FormatError
from minigrad.formats.weights import Parts

Config = Mapping[str, Any]
Array = NDArray[Any]


class Family(NamedTuple):
    """How to read and write models of one architecture.

    Attributes:
        class_name: the class in `models/` that implements it.
        arguments: returns the class's arguments, given a `config.json`.
        parts: returns where each weight is in a file, given the arguments.
        tidy: returns the name of an array in `parts`; None for an array that is not a weight.
        config: returns the `config.json` of a model.
        complete: adds arrays that other implementations expect.
    """

    class_name: str
    arguments: Callable[[Config], dict[str, Any]]
    parts: Callable[[Mapping[str, Any]], Parts]
    tidy: Callable[[str], str | None]
    config: Callable[[Any], dict[str, Any]]
    complete: Callable[[dict[str, Array]], dict[str, Array]] = lambda arrays: arrays


BOOKKEEPING = frozenset({
    "_attn_implementation_autoset", "_name_or_path", "architectures", "attention_dropout", "attn_pdrop", "bos_token_id",
    "dtype", "embd_pdrop", "eos_token_id", "id2label", "initializer_range", "is_llama_config", "label2id", "language",
    "max_window_layers", "model_type", "n_ctx", "pad_token_id", "pretraining_tp", "resid_pdrop", "return_dict",
    "rope_interleaved", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type",
    "summary_use_proj", "task_specific_params", "torch_dtype", "transformers.js_config", "transformers_version",
    "unk_token_id", "use_cache",
})  # fmt: skip
"""Keys that do not affect a model's outputs."""


def check(
    config: Config, sizes: Sequence[str], accepted: Mapping[str, Collection[Any]], known: Collection[str]
) -> None:
    """Check that the keys of a `config.json` are supported.

    A model must compute what it was trained for.

    Args:
        config: the content of the file.
        sizes: required keys, positive integers.
        accepted: supported values, by key; None means that a key is not set.
        known: further keys that the caller handles.

    Raises:
        FormatError: for all keys that are missing or have an unsupported value.
    """
    problems = []
    if missing := [key for key in sizes if key not in config]:
        problems.append(f"it lacks {', '.join(missing)}")
    for key, value in config.items():
        if key in sizes:
            if type(value) is not int or value < 1:
                problems.append(f"{key} must be an integer from 1, found {value!r}")
        elif key in accepted:
            if value is not None and value not in accepted[key]:
                problems.append(f"{key} is {value!r}; supported: {', '.join(map(repr, accepted[key]))}")
        elif value and key not in known and key not in BOOKKEEPING:
            problems.append(f"{key} is {value!r}: an unknown setting")
    if problems:
        raise FormatError("\n  ".join(["this model cannot be computed as trained:", *problems]))


def positive(config: Config, key: str, usual: float) -> float:
    """Return a positive number; `usual` if not set.

    Raises:
        FormatError: for any other value.
    """
    value = config.get(key)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise FormatError(f"{key} must be a number above 0, found {value!r}")
    return float(value)
