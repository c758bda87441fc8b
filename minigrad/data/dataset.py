"""Datasets: training, validation and test examples."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from minigrad.data.errors import DataError, naming
from minigrad.data.examples import Examples
from minigrad.data.inputs import read_image, read_numbers
from minigrad.data.learned import SIZES, Rules
from minigrad.data.npy import read_npz
from minigrad.data.pictures import SUFFIXES
from minigrad.facts import require
from minigrad.inputs import parts
from minigrad.targets import Comparison, Target, target_of

Targets = Literal["index", "one_hot", "binary"]
"""The form of class targets for the loss: `index` is int64 (N,), for CrossEntropyLoss; `one_hot` is float32
(N, num_classes), for MSELoss; `binary` is float32 (N, 1), 0 or 1, for BCEWithLogitsLoss and a network with one
output."""

_STARTS = {
    rb"\x93NUMPY": ".npy",
    rb"\x89PNG": ".png",
    rb"\xff\xd8\xff": ".jpg",
    rb"BM.{4}\0{4}": ".bmp",
    rb"RIFF.{4}WEBP": ".webp",
}
"""The suffix of a file's content, by its first bytes."""


class Dataset:
    """The base of datasets.

    A subclass sets `train`, `val` and `test` in its constructor.

    A config may set the annotated arguments of the constructor, and refer to annotated properties, as in
    `${data.num_features}`. A subclass whose targets are classes sets `_num_classes`.
    """

    train: Examples
    val: Examples
    test: Examples
    _digest: str | None = None
    _num_classes: int | None = None
    _pixel_max: int | None = None  # for images: the integer that means white, by which pixels are divided

    _shape: tuple[int, ...] | None = None  # the shape of an input, in a dataset restored without its examples
    _dtype: np.dtype | None = None
    _shapes: dict[str, tuple[int, ...]] | None = None  # the same for several inputs
    _dtypes: dict[str, np.dtype] | None = None

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each input, by name.

        It is empty if there is a single, unnamed input.
        """
        if self._shapes is None:
            there = vars(self).get("train")  # without opening the data of a restored dataset
            return {} if there is None else {name: array.shape[1:] for name, array in parts(there.inputs) if name}
        return self._shapes

    _learned: ClassVar[Rules] = {}
    _known_target: Target | None = None
    _open_data: Callable[[], Dataset] | None = None
    _full: Dataset | None = None

    if not TYPE_CHECKING:  # a type checker would accept any attribute

        def __getattr__(self, name: str) -> Any:
            """Open the data of a restored dataset for an attribute that it lacks."""
            kind = type(self).__name__
            if name.startswith("__") or "_open_data" not in vars(self):
                raise AttributeError(f"{kind!r} has no attribute {name!r}")
            if self._open_data is None:
                raise AttributeError(f"this {kind} was restored without its examples: it has no {name!r}")
            if self._full is None:
                self._full = self._open_data()
            return getattr(self._full, name)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input.

        Raises:
            DataError: if there are several inputs.
        """
        if shapes := self.input_shapes:
            named = ", ".join(f"{name!r} {shape}" for name, shape in shapes.items())
            raise DataError(f"the inputs of this {type(self).__name__} have a shape each, {named}: see input_shapes")
        return self.train.inputs.shape[1:] if self._shape is None else self._shape

    @property
    def num_features(self) -> int:
        """The number of values in one input."""
        return math.prod(self.input_shape)

    @property
    def num_classes(self) -> int:
        """The number of classes.

        Raises:
            DataError: if the targets are not classes.
        """
        if self._num_classes is None:
            raise DataError(f"the targets of this {type(self).__name__} are amounts: it has no num_classes")
        return self._num_classes

    def target(self, comparison: Comparison, shape: tuple[int, ...]) -> Target:
        """Return the kind of the targets in all parts.

        Args:
            comparison: the kind of targets that the loss compares.
            shape: the shape of the model's outputs for some examples.
        """
        if self._known_target is not None:
            return self._known_target
        try:
            classes: int | None = self.num_classes
        except DataError:
            classes = None
        return target_of(comparison, shape, [self.train.targets, self.val.targets, self.test.targets], classes)

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the files; None for data without any."""
        return self._digest

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """The shape of an image, (channels, height, width), or None.

        It does not depend on the layout of the input; None if the input is not an image.
        """
        if self.input_shapes:
            return None
        return self.input_shape if len(self.input_shape) == 3 and self.input_shape[0] in (1, 3) else None

    @property
    def pixel_max(self) -> int | None:
        """The integer that means white, or None.

        Integer pixels are divided by it. It is None if inputs are not pixels.
        """
        return self._pixel_max

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the input values, where known."""
        return ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes.

        They are numbers if the data has no names; empty if targets are not classes.
        """
        return tuple(map(str, range(self._num_classes or 0)))

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of several targets, where known."""
        return ()

    def prepare(self, raw: Any) -> Any:
        """Return raw inputs prepared for the model, (N, *input_shape).

        For images, integers are pixels, which are scaled to [0, 1], and floats are expected in that range already. All
        other values are unchanged. A subclass that prepares its inputs further overrides this, or `read_inputs`.

        Args:
            raw: an array, or a mapping of arrays by name if the data has several inputs.

        Raises:
            DataError: for the wrong shape, values that are not numbers, and pixels out of range.
        """
        if self.input_shapes:
            return self._prepare_several(raw)
        shapes = {self.input_shape, (self.num_features,)}
        if self.image_shape is not None:
            shapes |= {self.image_shape, self.image_shape[self.image_shape[0] == 1 :]}  # gray needs no channel axis
        examples = raw[np.newaxis] if raw.shape in shapes else raw
        if examples.ndim == 0 or examples.shape[1:] not in shapes or len(examples) == 0:
            expected = " or ".join(f"(N, {', '.join(map(str, shape))})" for shape in sorted(shapes, key=len))
            raise DataError(f"expected inputs of shape {expected}, got {raw.shape}")
        dtype = self.train.batch(slice(1))[0].dtype if self._dtype is None else self._dtype
        is_whole = raw.dtype.kind in "iu"
        if not is_whole and (raw.dtype.kind != "f" or dtype.kind != "f"):
            raise DataError(f"expected inputs of {'real' if dtype.kind == 'f' else 'whole'} numbers, got {raw.dtype}")
        if self._pixel_max is not None and not 0 <= raw.min() <= raw.max() <= (self._pixel_max if is_whole else 1):
            raise DataError(
                f"pixels are whole numbers from 0 to {self._pixel_max} or fractions from 0 to 1, "
                f"got {raw.dtype} from {raw.min()} to {raw.max()}"
            )
        if self._pixel_max is not None and is_whole:
            examples = np.divide(examples, self._pixel_max, dtype=np.float32)
        with np.errstate(over="ignore"):  # too large numbers become infinite, and are refused
            inputs = examples.reshape(-1, *self.input_shape).astype(dtype, copy=False)
        if not np.isfinite(inputs).all():
            raise DataError(f"expected finite numbers of {dtype}, got NaN or infinity")
        return inputs

    def _prepare_several(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Prepare named inputs, as `prepare` does."""
        inputs = {}
        for name, shape in self.input_shapes.items():
            if not isinstance(raw, Mapping) or name not in raw:
                raise DataError(f"expected the inputs {', '.join(map(repr, self.input_shapes))} by name: no {name!r}")
            array = np.asarray(raw[name])
            array = array[np.newaxis] if array.shape == shape else array
            dtype = self.train.inputs[name].dtype if self._dtypes is None else self._dtypes[name]
            kinds = "biuf" if dtype.kind == "f" else "iu"
            if array.shape[1:] != shape or not array.size or array.dtype.kind not in kinds:
                wanted = f"{'whole ' if kinds == 'iu' else ''}numbers of shape (N, {', '.join(map(str, shape))})"
                raise DataError(f"expected {wanted} for {name!r}, got {array.dtype} of shape {array.shape}")
            with np.errstate(over="ignore"):  # too large numbers become infinite, and are refused
                inputs[name] = array.astype(dtype, copy=False)
            if not np.isfinite(inputs[name]).all():
                raise DataError(f"expected finite numbers of {inputs[name].dtype} for {name!r}, got NaN or infinity")
        if len({len(array) for array in inputs.values()}) > 1:
            found = ", ".join(f"{len(array)} of {name!r}" for name, array in inputs.items())
            raise DataError(f"expected as many of each input, got {found}")
        return inputs

    def read_inputs(self, path: str | Path) -> Any:
        """Read prepared inputs from a .csv, .npy or image file.

        They are prepared as the training inputs were: (N, ...). Several inputs are read by name from an .npz file.

        Raises:
            DataError: if the file cannot be read, or does not match the training inputs.
        """
        suffix = Path(path).suffix.lower()
        raw: Any
        if self.input_shapes and suffix == ".npz":
            raw = read_npz(path, list(self.input_shapes))
        elif self.input_shapes:
            names = ", ".join(map(repr, self.input_shapes))
            raise DataError(f"{path}: the inputs {names} are read from an .npz file with arrays of these names")
        elif suffix in SUFFIXES and self._pixel_max is not None and self.image_shape is not None:
            raw = read_image(path, self.image_shape)
        elif suffix in (".csv", ".npy"):
            raw = read_numbers(path)
        else:
            known = (".csv", ".npy", *(SUFFIXES if self._pixel_max is not None else ()))
            kinds = f"{', '.join(known[:-1])} or {known[-1]}"
            raise DataError(f"{path}: the inputs of {type(self).__name__} are read from {kinds} files")
        with naming(path):
            return self.prepare(raw)

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of files that `read_inputs` takes.

        They are in lower case; empty if a class does not define them.
        """
        if self.input_shapes:
            return (".npz",)
        if type(self).read_inputs is not Dataset.read_inputs:
            return ()
        return (".csv", ".npy", *(SUFFIXES if self._pixel_max is not None and self.image_shape is not None else ()))

    def suffix_of(self, content: bytes) -> str:
        """Return the suffix for a file's content without a name."""
        return next((suffix for start, suffix in _STARTS.items() if re.match(start, content, re.DOTALL)), ".csv")

    def in_units(self, amounts: np.ndarray) -> np.ndarray:
        """Return real targets or outputs in the data's units.

        They are (N, k). Data without units returns them unchanged.
        """
        return amounts

    def original(self, inputs: Any) -> dict[str, list[str]]:
        """Return the original values of inputs, as texts by name.

        Use it for datasets whose inputs are encoded; others return {}.
        """
        return {}

    @classmethod
    def restore(
        cls,
        state_dict: Mapping[str, Any],
        sizes: Mapping[str, Any] | None = None,
        target: Target | None = None,
        examples: Callable[[], Dataset] | None = None,
    ) -> Dataset:
        """Restore a dataset without examples from a state.

        It does not need the data file, and prepares inputs as the original dataset did.

        Args:
            state_dict: the state of the original dataset.
            sizes: its `sizes()`, for a class whose `state_dict` does not contain them.
            target: the kind of its targets.
            examples: opens the data when examples, or attributes that the state lacks, are first accessed. Without it,
                that raises an AttributeError.
        """
        require(state_dict, cls._learned)
        data = cls.__new__(cls)
        data._open_data = examples
        if sizes is not None:
            data._load_sizes(sizes)
        data._known_target = target
        data.load_state_dict(state_dict)
        return data

    def sizes(self) -> dict[str, Any]:
        """Return the shapes, dtypes and number of classes.

        They are the shapes and dtypes of the inputs. The number of classes may be None. All can be stored as JSON.
        """
        if shapes := self.input_shapes:
            dtypes = self._dtypes or {name: array.dtype for name, array in parts(self.train.inputs)}
            return {
                "input_shapes": {name: list(shape) for name, shape in shapes.items()},
                "input_dtypes": {name: dtype.name for name, dtype in dtypes.items()},
                "num_classes": self._num_classes,
            }
        dtype = self.train.batch(slice(1))[0].dtype if self._dtype is None else self._dtype
        return {"input_shape": list(self.input_shape), "input_dtype": dtype.name, "num_classes": self._num_classes}

    def blank(self) -> Any:
        """Return one input of zeros, as a model takes it."""
        sizes = self.sizes()
        if "input_shapes" in sizes:
            dtypes = sizes["input_dtypes"]
            return {name: np.zeros((1, *shape), dtypes[name]) for name, shape in sizes["input_shapes"].items()}
        return np.zeros((1, *sizes["input_shape"]), sizes["input_dtype"])

    def _load_sizes(self, state_dict: Mapping[str, Any]) -> None:
        """Load the result of `sizes`."""
        require(state_dict, SIZES)
        self._shapes = {name: tuple(shape) for name, shape in state_dict.get("input_shapes", {}).items()}
        if self._shapes:
            self._dtypes = {name: np.dtype(dtype) for name, dtype in state_dict["input_dtypes"].items()}
        else:
            self._shape = tuple(state_dict["input_shape"])
            self._dtype = np.dtype(state_dict["input_dtype"])
        self._num_classes = state_dict["num_classes"]

    def state_dict(self) -> dict[str, Any]:
        """Return what preparing inputs learned from the data, as JSON."""
        return {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`, to prepare inputs in the same way."""


def class_targets(labels: np.ndarray, num_classes: int, targets: Targets = "index") -> np.ndarray:
    """Return class labels in the form that `targets` names.

    Args:
        labels: integers (N,), from 0 to `num_classes` - 1.
        num_classes: the number of classes.
        targets: the form (see `Targets`).

    Raises:
        DataError: for a label out of range, an unknown form, or `binary` without exactly two classes.
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
    """Return real targets as float32 (N, k).

    This is the shape of the outputs that a regression loss compares them with. The amounts are (N,) or (N, k).

    Raises:
        DataError: if `targets` is a form that only classes have.
    """
    if targets != "index":
        raise DataError(f"targets {targets!r} is a form of classes, and these targets are amounts: leave it out")
    return amounts.astype(np.float32).reshape(len(amounts), -1)
