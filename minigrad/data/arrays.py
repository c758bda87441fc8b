"""A user's own arrays, from an .npz file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from minigrad.data.dataset import (
    DataError,
    Dataset,
    Examples,
    Targets,
    amount_targets,
    class_targets,
    hold_out,
    nearest,
    reading,
)
from minigrad.engine import random


class Arrays(Dataset):
    """Inputs (N, ...) and targets from an .npz file, as `np.savez` writes it.

    Integer targets (N,) are classes, counted from 0; real targets (N,) or (N, k) are amounts and become
    float32 (N, k). Inputs become float32, their values as they are. The parts that the file does not bring
    are drawn by the seed from the training arrays, each class in proportion.

    Args:
        path: the file.
        train: the names of the arrays with the inputs and the targets.
        val: the names of those for validation, if the file brings them.
        test: the names of those for the test, if the file brings them.
        val_fraction: the share of the training arrays for validation, where `val` is not given.
        test_fraction: the share for the test, where `test` is not given.
        targets: the form of the classes (see `minigrad.data.Targets`).

    Raises: DataError if the file or an array is missing, damaged or of a wrong shape, or holds NaN, infinity
    or objects.
    """

    def __init__(
        self,
        path: str,
        train: tuple[str, str] = ("inputs", "targets"),
        val: tuple[str, str] | None = None,
        test: tuple[str, str] | None = None,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        pairs = [pair for pair in (train, test, val) if pair]
        arrays = read_npz(path, [name for pair in pairs for name in pair])
        inputs = _join(path, arrays, [name for name, _ in pairs]).astype(np.float32, copy=False)
        answers = _join(path, arrays, [name for _, name in pairs])
        for input_name, target_name in pairs:
            if len(arrays[input_name]) != len(arrays[target_name]):
                raise DataError(
                    f"{path}: expected one target for each input, got {len(arrays[input_name])} in {input_name!r} "
                    f"and {len(arrays[target_name])} in {target_name!r}"
                )

        classes = None
        if answers.dtype.kind == "f":
            encoded = amount_targets(answers, targets)
        elif answers.ndim == 1:
            classes = answers
            self._num_classes = int(classes.max()) + 1
            encoded = class_targets(classes, self._num_classes, targets)
        else:
            raise DataError(
                f"{path}: array {train[1]!r} of integers is taken for classes, which have the shape (N,), "
                f"and it has {arrays[train[1]].shape}; save amounts as real numbers"
            )

        n = len(arrays[train[0]])
        rows = random.stream("split").permutation(n)
        if test is None:
            rows, test_rows = hold_out(rows, n * test_fraction, "test", classes)
        else:
            test_rows = n + np.arange(len(arrays[test[0]]))
        if val is None:
            rows, val_rows = hold_out(rows, n * val_fraction, "validation", classes)
        else:
            val_rows = len(inputs) - len(arrays[val[0]]) + np.arange(len(arrays[val[0]]))
        self.train, self.val, self.test = (
            Examples(inputs[part], encoded[part]) for part in map(np.sort, (rows, val_rows, test_rows))
        )


def read_npz(path: str | Path, names: list[str]) -> dict[str, np.ndarray]:
    """Returns the arrays `names` of the .npz file at `path`. Nothing in the file is executed.

    Raises: DataError if the file or an array is missing or damaged, or an array holds Python objects.
    """
    with reading(path), open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise DataError(f"{path}: expected a whole .npz file, as numpy.savez writes it")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                there = archive.files
                arrays = {name: archive[name] for name in names if name in there}
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            raise DataError(f"{path}: damaged, or holds something else than numbers: {error}") from error
    for name in names:
        if name not in there:
            raise DataError(f"{path}: no array {name!r}; {nearest(name, there)}")
    return arrays


def _join(path: str, arrays: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """Returns the arrays `names`, of one shape but for their length, one after the other; real numbers as float32."""
    model = arrays[names[0]]
    joined = []
    for name in names:
        array = arrays[name]
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"{path}: array {name!r} of shape {array.shape} holds no examples")
        if array.dtype.kind not in "iuf":
            raise DataError(f"{path}: array {name!r} holds {array.dtype}, expected real or whole numbers")
        if array.shape[1:] != model.shape[1:] or (array.dtype.kind == "f") != (model.dtype.kind == "f"):
            raise DataError(
                f"{path}: array {name!r}, {array.dtype} {array.shape}, does not go on from {names[0]!r}, "
                f"{model.dtype} {model.shape}: all parts have examples of one shape and kind"
            )
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
                numbers = array.astype(np.float32, copy=False)
            if not np.isfinite(numbers).all():
                place = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
                raise DataError(
                    f"{path}: array {name!r} holds {array[place]} at {list(place)}: expected finite numbers of float32"
                )
            array = numbers
        joined.append(array)
    return np.concatenate(joined)
