"""Export of trained models as Hugging Face folders."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from minigrad.config.shipped import shipped_folder
from minigrad.data import BytePairText
from minigrad.data.tokenizers import BytePairs
from minigrad.engine import no_grad
from minigrad.formats import huggingface, open_pretrained
from minigrad.formats.atomic import new_folder
from minigrad.inference.pretrained import Writer
from minigrad.nn import LanguageModel, Module, merged
from minigrad.nn.calls import evaluating
from minigrad.training.experiment import Experiment, UsageError, known_classes

TOLERANCE = 1e-4
"""Rounding tolerance, relative to the largest logit."""


def save_huggingface(experiment: Experiment, path: Path) -> None:
    """Write a `GPT` or `Llama` as a Hugging Face folder.

    It contains `config.json`, `model.safetensors` and, for byte pairs, the tokenizer. Adapters are merged into their
    matrices. Before the folder gets its final name, it is read back, and the shipped `GPT` or `Llama` must compute the
    same logits from it.

    Args:
        experiment: the experiment with the model, and possibly a byte-pair tokenizer.
        path: the new folder.

    Raises:
        FormatError: for another model.
        UsageError: if `path` exists, or a user's class of this name computes something else.
        OSError: if the folder cannot be written; nothing is left behind.
    """
    data, model = experiment.data, merged(experiment.model)
    if isinstance(data, BytePairText):
        _save_folder(model, path, data.tokenizer, data.end)
    else:
        _save_folder(model, path, None, ())


def convert(writer: Writer, path: Path) -> None:
    """Write a pretrained model as a Hugging Face folder.

    For example, a GGUF file.

    Raises:
        FormatError, UsageError or OSError: as `save_huggingface`.
    """
    _save_folder(writer.model, path, writer.tokenizer, writer.end)


def _save_folder(model: Module, path: Path, tokenizer: BytePairs | None, end: Collection[int]) -> None:
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} already exists: remove it, or name a new folder")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")
    kind = huggingface.kind_of(model)
    with new_folder(path) as part:
        try:
            huggingface.save(model, part, kind, tokenizer, end)
        except (AttributeError, LookupError, ValueError) as error:
            raise UsageError(f"{_own(model)} lacks parts of the shipped class: {error}") from error
        _check_same(model, part)


def _check_same(model: Module, folder: Path) -> None:
    """Check that the shipped class computes the same from the folder."""
    pretrained = open_pretrained(folder)
    registry = known_classes(shipped_folder("models").parent)
    read: Module = pretrained.build(registry.find(pretrained.class_name, LanguageModel))
    size, length = pretrained.arguments["vocab_size"], min(pretrained.arguments["block_size"], 16)
    tokens = np.random.default_rng(0).integers(size, size=(1, length))
    with evaluating(model), no_grad():
        ours, theirs = model(tokens).data, read(tokens).data
    if not np.allclose(ours, theirs, rtol=0, atol=TOLERANCE * np.abs(ours).max(), equal_nan=True):
        raise UsageError(f"{_own(model)} computes something else than the shipped class, and than transformers")


def _own(model: Module) -> str:
    return f"the class {type(model).__name__} of your models/"
