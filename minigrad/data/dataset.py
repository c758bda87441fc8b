"""What a dataset is: examples to learn from, to choose by, and to report on, and a few facts about them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minigrad.engine import random

Targets = Literal["index", "one_hot", "binary"]
"""How a class is given to the loss: `index` is int64 (N,), for CrossEntropyLoss; `one_hot` is float32
(N, num_classes), for MSELoss; `binary` is float32 (N, 1), 0 or 1, for BCEWithLogitsLoss and a network of one output."""


class DataError(ValueError):
    """Data that cannot be used, or is asked for wrongly: what was expected, what was found, and the remedy."""


class Examples:
    """Inputs (N, ...) and their targets (N, ...), which a batch takes by index.

    The arrays are kept without a copy and seen read-only, so that no model can write into the data it learns
    from. Only float64, which NumPy makes of most numbers, becomes float32, as parameters are, or else a model would
    compute in float64.

    Raises: DataError if there are no examples, or not one target for each input.
    """

    def __init__(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        if len(inputs) != len(targets):
            raise DataError(f"expected one target for each input, got {len(inputs)} inputs and {len(targets)} targets")
        if len(inputs) == 0:
            raise DataError("expected at least one example, got none")
        self.inputs = _held(inputs)
        self.targets = _held(targets)

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Returns the inputs and targets at `indices`: copies for an integer array, views for a slice."""
        if isinstance(indices, slice):
            return self.inputs[indices], self.targets[indices]
        return self.inputs.take(indices, axis=0), self.targets.take(indices, axis=0)  # a sixth less time than [indices]

    def epoch(self, n: int) -> Examples:
        """Returns what a training sees in epoch `n`, as many examples as these: these.

        A subclass may draw others, such as crops or distortions, as a pure function of the seed and `n`.
        """
        return self


class Dataset:
    """The base of datasets: a subclass sets `train`, `val` and `test` in its constructor.

    The constructor's annotated arguments are what a config may say; annotated properties are what it may
    refer to, as in `${data.num_features}`. A subclass whose targets are classes sets `_num_classes`.
    """

    train: Examples
    val: Examples
    test: Examples
    _num_classes: int | None = None
    _pixel_max: int | None = None  # in images: the white of the whole numbers that become fractions of it

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.train.inputs.shape[1:]

    @property
    def num_features(self) -> int:
        """The number of values in one input."""
        return math.prod(self.input_shape)

    @property
    def num_classes(self) -> int:
        """The number of classes. Raises DataError where the targets are no classes."""
        if self._num_classes is None:
            raise DataError(f"the targets of this {type(self).__name__} are amounts: it has no num_classes")
        return self._num_classes

    @property
    def digest(self) -> str | None:
        """The SHA-256 of what was read, where the same config may meet other data elsewhere; a run notes it."""
        return None

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """One input as an image, (channels, height, width), however it is laid out; None where it is no image."""
        return self.input_shape if len(self.input_shape) == 3 and self.input_shape[0] in (1, 3) else None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each input value is, where the data says so."""
        return ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """What each class is called: its number, where the data says no more; nothing where targets are amounts."""
        return tuple(map(str, range(self._num_classes or 0)))

    def prepare(self, raw: np.ndarray) -> np.ndarray:
        """Returns raw inputs, one or more, as the model learned to take them: (N, *input_shape).

        Of images, whole numbers are pixels, scaled to [0, 1], and real numbers are such fractions already. All else
        keeps its values. A subclass that does more to its inputs defines this, or `read_inputs`.

        Raises: DataError for another shape, for what is no number, and for pixels out of range.
        """
        shapes = {self.input_shape, (self.num_features,)}
        if self.image_shape is not None:
            shapes |= {self.image_shape, self.image_shape[self.image_shape[0] == 1 :]}  # grey needs no channel
        examples = raw[np.newaxis] if raw.shape in shapes else raw
        if examples.ndim == 0 or examples.shape[1:] not in shapes or len(examples) == 0:
            expected = " or ".join(f"(N, {', '.join(map(str, shape))})" for shape in sorted(shapes, key=len))
            raise DataError(f"expected inputs of shape {expected}, got {raw.shape}")
        is_whole, dtype = raw.dtype.kind in "iu", self.train.batch(slice(1))[0].dtype
        if not is_whole and (raw.dtype.kind != "f" or dtype.kind != "f"):
            raise DataError(f"expected inputs of {'real' if dtype.kind == 'f' else 'whole'} numbers, got {raw.dtype}")
        if self._pixel_max is not None and not 0 <= raw.min() <= raw.max() <= (self._pixel_max if is_whole else 1):
            raise DataError(
                f"pixels are whole numbers from 0 to {self._pixel_max} or fractions from 0 to 1, "
                f"got {raw.dtype} from {raw.min()} to {raw.max()}"
            )
        if self._pixel_max is not None and is_whole:
            examples = np.divide(examples, self._pixel_max, dtype=np.float32)
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            inputs = examples.reshape(-1, *self.input_shape).astype(dtype, copy=False)
        if not np.isfinite(inputs).all():
            raise DataError(f"expected finite numbers of {dtype}, got NaN or infinity")
        return inputs

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Returns the inputs of a .csv, .npy or (for images) .png file, as the model learned to take them: (N, ...).

        Raises: DataError if the file cannot be read or does not fit.
        """
        from minigrad.data.inputs import read_image, read_numbers  # which are for finished models, and know DataError

        suffix = Path(path).suffix
        if suffix == ".png" and self._pixel_max is not None and self.image_shape is not None:
            raw = read_image(path, self.image_shape)
        elif suffix in (".csv", ".npy"):
            raw = read_numbers(path)
        else:
            kinds = ".csv, .npy or .png" if self._pixel_max is not None else ".csv or .npy"
            raise DataError(f"{path}: the inputs of {type(self).__name__} are read from {kinds} files")
        try:
            return self.prepare(raw)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    def state_dict(self) -> dict[str, Any]:
        """Returns what preparing inputs has learned from the data, as JSON can hold it; a run keeps it."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Prepares inputs from now on as the data did whose `state_dict` this is."""


def class_targets(labels: np.ndarray, num_classes: int, targets: Targets = "index") -> np.ndarray:
    """Returns class labels (N,), integers from 0 to `num_classes` - 1, in the form that `targets` names (see
    `Targets`).

    Raises: DataError for a label out of range, for an unknown form, and for `binary` where there are not two
    classes.
    """
    strays = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if strays.size:
        stray = strays[0]
        raise DataError(
            f"label {labels[stray]} of example {stray} is out of range: "
            f"expected 0 to {num_classes - 1}, for {num_classes} classes"
        )
    if targets == "index":
        return labels.astype(np.int64)
    if targets == "one_hot":
        return np.eye(num_classes, dtype=np.float32)[labels]
    if targets == "binary":
        if num_classes != 2:
            raise DataError(f"targets 'binary' are for 2 classes, and here are {num_classes}: use 'index' or 'one_hot'")
        return labels.astype(np.float32)[:, np.newaxis]
    raise DataError(f"targets are 'index', 'one_hot' or 'binary', got {targets!r}")


def amount_targets(amounts: np.ndarray, targets: Targets = "index") -> np.ndarray:
    """Returns real targets (N,) or (N, k) as float32 (N, k), which is what a regression loss compares with
    (N, k) outputs.

    Raises: DataError if `targets` asks for a form that only classes have.
    """
    if targets != "index":
        raise DataError(f"targets {targets!r} is a form of classes, and these targets are amounts: leave it out")
    return amounts.astype(np.float32).reshape(len(amounts), -1)


def split(
    n: int, val_fraction: float = 0.2, test_fraction: float = 0.2, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the indices of the training, validation and test part of `n` examples, each in ascending order.

    The parts are drawn by the seed. With `classes`, the labels (n,), they are stratified: each class has its
    share in every part, up to rounding.

    Raises: DataError if a part is left without an example.
    """
    order = random.stream("split").permutation(n)
    rest, test = hold_out(order, n * test_fraction, "test", classes)
    train, val = hold_out(rest, n * val_fraction, "validation", classes)
    return np.sort(train), np.sort(val), np.sort(test)


def hold_out(
    order: np.ndarray, count: float, part: str, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which of the indices `order` stay, and which `count` (rounded) are held out for `part`.

    Held out is every (len(order) / count)-th, after sorting by class where `classes` are given: systematic
    sampling, which gives each class its share to within one. Whether it is random is a matter of `order`
    alone, which both results keep within a class.

    Raises: DataError if either is left without an example.
    """
    if not 0.5 < count < len(order) - 0.5:
        raise DataError(
            f"{count:g} of {len(order)} examples for the {part} part would leave it or the training part empty: "
            f"the fractions are shares of all examples, more than 0 and together less than 1"
        )
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    size = round(count)
    held = np.zeros(len(order), dtype=bool)
    held[(2 * np.arange(size) + 1) * len(order) // (2 * size)] = True
    return order[~held], order[held]


def data_home() -> Path:
    """Returns the folder of large data: $MINIGRAD_DATA, or else `minigrad` in the user's cache ($XDG_CACHE_HOME)."""
    if home := os.environ.get("MINIGRAD_DATA"):
        return Path(home)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigrad"


def find(path: str) -> Path:
    """Returns where a file is: at `path`, or else in `data_home()`. Raises: DataError if it is in neither."""
    for place in (Path(path), data_home() / path):
        if place.exists():
            return place
    raise DataError(f"{path}: no such file, neither from {Path.cwd()} nor from {data_home()} ($MINIGRAD_DATA)")


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Within the block, a file that is not there or cannot be read is a DataError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; a relative path starts at {Path.cwd()}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def nearest(name: str, names: list[str]) -> str:
    """Returns the end of a sentence about a wrong `name`: the right name most like it, and all that there are."""
    likely = get_close_matches(name, names, n=1)
    return (f"did you mean {likely[0]!r}? " if likely else "") + f"there are: {', '.join(names)}"


def _held(array: np.ndarray) -> np.ndarray:
    view = array.astype(np.float32) if array.dtype == np.float64 else array.view()
    view.flags.writeable = False
    return view
