"""Draft configs for NumPy arrays and for texts."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.cli.drafts.draft import Draft, batches, epochs, layers
from minigrad.cli.drafts.series import draft_array
from minigrad.data import DataError
from minigrad.data.errors import nearest
from minigrad.data.files import reading
from minigrad.data.image_files import PARTS
from minigrad.data.inputs import read_numbers
from minigrad.data.npy import DAMAGE, read_npy_folder, read_npz
from minigrad.data.text import CharText

_PAIRS = (("inputs", "targets"), ("x", "y"), ("data", "target"), ("images", "labels"), ("features", "labels"))
"""Common lower-case names of input and target arrays, alone or with the name of a split."""
_LARGE = 100
"""Unscaled targets above this make the gradients of the loss too large."""
_NORMED = 16
"""Examples in a batch whose mean and deviation are near enough to those of the data, for batch norm.

100 rows of 8 numbers, 1500 steps: R² 0.57 in batches of 4, 0.65 in batches of 16.
"""
_MOST_EPOCHS = 300
"""The most epochs on few examples, which make few steps in each: 100 rows get R² 0.57 in 100 epochs, 0.65 in 300."""
_BLOCK = 64
_SHARE = 0.05  # fraction of the text for each of validation and test


def draft_arrays(path: Path, target: str | None) -> Draft:
    """Return a draft for an .npz file or .npy files.

    Args:
        path: the file, or the folder of .npy files.
        target: the name of the target array; by default the one with a common name, or with one axis.

    Raises:
        DataError: if it is not clear which arrays are inputs and which are targets.
    """
    names = _names(path)
    if target is not None and target not in names:
        raise DataError(f"{path}: no array {target!r} to be the target; {nearest(target, names)}")
    arrays = read_npy_folder(path, names) if path.is_dir() else read_npz(path, names)
    parts = _pairs(path, arrays, target)
    inputs, answers = (arrays[name] for name in parts["train"])
    if inputs.ndim < 2 or not answers.ndim:
        shapes = " and ".join(f"{name} {arrays[name].shape}" for name in parts["train"])
        raise DataError(
            f"{path}: expected inputs (N, ...) and a target for each, found {shapes}: x.reshape(-1, 1) makes numbers "
            "inputs of one number"
        )
    is_class = answers.dtype.kind != "f"
    largest = 0.0 if is_class else float(np.abs(answers).max(initial=0))
    options: dict[str, Any] = {"path": path}
    options |= {part: list(pair) for part, pair in parts.items() if pair != ("inputs", "targets") or part != "train"}
    examples = max(1, int(len(inputs) * (0.6 + 0.2 * (len(parts) - 1))))
    if examples < 2:
        raise DataError(f"{path}: {len(inputs)} examples are too few: validation and test get a fifth of them each")
    size = _normed_batches(examples)
    shape = " × ".join(map(str, inputs.shape[1:])) or "1"
    kind = f"{len(np.unique(answers))} classes" if is_class else "real numbers: regression"
    if largest > _LARGE:
        kind += f"; values up to {largest:g} train slowly: divide them by their standard deviation before saving"
    first = [] if inputs.ndim == 2 else ["Flatten"]
    outputs = '"${data.num_classes}"' if is_class else max(1, answers[:1].size)
    return Draft(
        title=f"Two hidden layers on the arrays of {path.name}.",
        dataset="Arrays",
        options=options,
        model=layers(
            *first, 'BatchNorm1d: {num_features: "${data.num_features}", momentum: null}',
            'Linear: ["${data.num_features}", 64]', "ReLU", "Dropout: 0.1",
            "Linear: [64, 64]", "ReLU",
            f"Linear: [64, {outputs}]",
        ),
        loss="CrossEntropyLoss" if is_class else "MSELoss",
        metrics=["Accuracy"] if is_class else ["R2", "MeanAbsoluteError"],
        batch_size=size,
        trainer=epochs(examples, size, most=_MOST_EPOCHS),
        comments={
            "train": "the arrays of inputs and targets",
            "model": "batch norm standardizes the inputs, by the mean of all batches",
        },
        drops_last=True,
        assumed=[
            ("arrays", ", ".join(f"{name} {arrays[name].dtype} {arrays[name].shape}" for name in names)),
            ("inputs", f"{parts['train'][0]!r}: {len(inputs):,} of {shape}"),
            ("target", f"{parts['train'][1]!r}: {kind}"),
            ("parts", f"{', '.join(parts)}; other splits are drawn from the training arrays"),
        ],
        sample=path,
    )  # fmt: skip


def _normed_batches(examples: int) -> int:
    """Return a batch size for batch norm: 16 or more, or a part that leaves few examples over."""
    size = batches(examples)
    return size if size >= _NORMED else examples // max(1, round(examples / _NORMED))


def draft_npy(path: Path, kind: str | None) -> Draft:
    """Return a draft for an .npy file of a series.

    Raises:
        DataError: if the array may not be a series.
    """
    array = read_numbers(path)
    if kind != "series" and array.ndim != 1:
        raise DataError(
            f"{path}: one array of shape {array.shape}, which may be inputs or a series: use --from series for "
            f"rows in order of time, or save inputs and targets together: np.savez(FILE, inputs=..., targets=...)"
        )
    return draft_array(path, array.shape)


def draft_text(path: Path) -> Draft:
    """Return a draft for a language model of a text.

    Raises:
        DataError: if the text is too short or not in UTF-8.
    """
    with reading(path):
        length = len(path.read_text(encoding="utf-8-sig", errors="replace"))
    block = _BLOCK
    while block > 8 and length * _SHARE < 2 * block:
        block //= 2
    data = CharText(str(path), block_size=block)
    size = min(16, len(data.train))
    return Draft(
        title=f"A small character-level GPT trained on {path.name}.",
        dataset="CharText",
        options={"path": path, "block_size": block},
        model=[
            "GPT:",
            "  vocab_size: ${data.vocab_size}",
            "  block_size: ${data.block_size}",
            "  n_layer: 2",
            "  n_head: 4",
            "  n_embd: 96",
        ],
        loss="{CrossEntropyLoss: {axis: -1}}",
        metrics=["Accuracy"],
        batch_size=size,
        trainer=["max_steps: 300", "val_every: 100", "grad_clip: 1.0"],
        comments={
            "block_size": "context length in characters",
            "model": "minigrad describe GPT shows its arguments",
        },
        optimizer="AdamW: {lr: 4e-3, betas: [0.9, 0.99], weight_decay: 0.1, decay: matrices}",
        schedule="WarmupCosine: {warmup_steps: 50, min_lr: 1e-4}",
        assumed=[("text", f"{length:,} characters, a vocabulary of {data.vocab_size}")],
        question="generate",
        sample="A",
    )  # fmt: skip


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return [each.stem for each in sorted(path.glob("*.npy"))]
    with reading(path):
        try:
            with zipfile.ZipFile(path) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist()]
        except DAMAGE as error:
            raise DataError(f"{path}: expected a complete .npz file, as numpy.savez writes it: {error}") from error


def _pairs(path: Path, arrays: dict[str, np.ndarray], target: str | None) -> dict[str, tuple[str, str]]:
    """Return the names of the input and target arrays of each split."""
    lower = {name.lower().replace("-", "_"): name for name in arrays}
    for inputs, targets in _PAIRS:
        parts: dict[str, tuple[str, str]] = {}
        for part, words in PARTS.items():
            for form in (
                "{name}_{word}",
                "{word}_{name}",
                "{name}{word}",
                *(("{name}",) if part == "train" else ()),
            ):
                for word in words:
                    pair = tuple(lower.get(form.format(name=name, word=word), "") for name in (inputs, targets))
                    if all(pair):
                        parts.setdefault(part, (pair[0], pair[1]))
        if "train" in parts and target in (None, parts["train"][1]):
            return parts
    others = [name for name in arrays if name != target]
    if target is None and len(arrays) == 2:
        flat = [name for name, array in arrays.items() if array.ndim == 1]
        if len(flat) == 1:
            [target] = flat
            others = [name for name in arrays if name != target]
    if target is not None and len(others) == 1 and arrays[others[0]].shape[:1] == arrays[target].shape[:1]:
        return {"train": (others[0], target)}
    there = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
    raise DataError(
        f"{path}: which array holds the inputs, and which the targets? There are {there}: call them `inputs` and "
        f"`targets` (or X and y, X_train and y_train, ...)" + ("" if len(arrays) != 2 else ", or give --target NAME")
    )
