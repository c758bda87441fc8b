"""Datasets of arrays, from NumPy files or memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.dataset import Dataset, Targets, amount_targets, class_targets
from minigrad.data.errors import DataError, Findings, naming, nearest
from minigrad.data.examples import Examples
from minigrad.data.files import digest_of, find
from minigrad.data.learned import NAMES
from minigrad.data.npy import read_npy_folder, read_npz
from minigrad.data.splits import complete, doubt_classes
from minigrad.inputs import take

_MOST_CLASSES = 1000  # more distinct integers, few of which repeat, are likely amounts and not classes
_NAMES = ("inputs", "targets")


class Arrays(Dataset):
    """A dataset of arrays of inputs and targets.

    They come from an .npz file, a folder of .npy files, or memory: `Arrays(inputs, targets)`. Inputs become float32,
    with unchanged values. Targets of integers (N,) are classes, counted from 0; strings and booleans (N,) are class
    names; floats (N,) or (N, k) are amounts, which become float32 (N, k). Parts that are not given are drawn at random
    from the training arrays, stratified by class.

    Several inputs, for a model whose `forward` takes them by name, are listed before the target:
    `train: [image, age, label]`, or in Python passed as a mapping.

    Args:
        path: the file or folder; a relative path may also be in $MINIGRAD_DATA. In Python also the training inputs.
        train: the names of the input arrays followed by the name of the target array, or in a folder, of their .npy
            files. If `path` is an array or a mapping, the training targets.
        val: the same names for validation, or a pair of inputs and targets, if there is a validation part.
        test: the same for the test part.
        val_fraction: the fraction of the training arrays for validation, if `val` is not given.
        test_fraction: the fraction for the test part, if `test` is not given.
        targets: the form of class targets (see `minigrad.data.Targets`).
        inputs: the model's names of several inputs; by default, the names of the training arrays.
        tokens: inputs that stay integers, int64, as an Embedding takes them; a single input is called "inputs".

    Raises:
        DataError: if the file or an array is missing, damaged or of the wrong shape, holds NaN, infinity or objects, or
            if a class of the validation part does not occur in training. Doubtful data raises a DataWarning.
    """

    _learned = NAMES
    _class_names: tuple[str, ...] = ()
    _input_name: str | None = None  # the name of the inputs' array in an .npz file

    def __init__(
        self,
        path: str | np.ndarray | Mapping[str, np.ndarray],
        train: tuple[str, ...] | np.ndarray = _NAMES,
        val: tuple[str, ...] | tuple[Any, np.ndarray] | None = None,
        test: tuple[str, ...] | tuple[Any, np.ndarray] | None = None,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
        inputs: tuple[str, ...] = (),
        tokens: tuple[str, ...] = (),
    ) -> None:
        named: dict[str, tuple[str, ...]] = {}
        given: dict[str, Any] = {"train": train, "test": test, "val": val}
        if isinstance(path, str):
            named = {part: tuple(names) for part, names in given.items() if names is not None}
            for part, names in named.items():
                if len(names) < 2 or len(names) != len(named["train"]):
                    expected = "the array of inputs, or several, and last that of targets"
                    expected += "" if part == "train" else f", as many as in train, {len(named['train'])}"
                    raise DataError(f"{part} names {expected}, got {list(names)}")
            arrays, self._digest = _read(path, list(dict.fromkeys(name for names in named.values() for name in names)))
            inputs = inputs or (named["train"][:-1] if len(named["train"]) > 2 else ())
            self._input_name = None if inputs else named["train"][0]
        elif train is _NAMES:
            raise DataError(
                "Arrays in Python are inputs and targets, and the targets are missing: Arrays(inputs, targets)"
            )
        else:
            given["train"] = (path, train)
            inputs = inputs or (tuple(path) if isinstance(path, Mapping) else ())
            arrays = {}
            for part, pair in given.items():
                if pair is not None:
                    found = _given(part, pair, inputs)
                    arrays |= found
                    named[part] = tuple(found)
            path = "Arrays"
        *columns, answered = zip(*named.values(), strict=True)
        if inputs and len(inputs) != len(columns):
            raise DataError(f"inputs names each of the {len(columns)} arrays of inputs, got {list(inputs)}")
        keys = inputs or ("inputs",)
        if strays := [name for name in tokens if name not in keys]:
            raise DataError(f"tokens names inputs, and there is no {strays[0]!r}; {nearest(strays[0], list(keys))}")
        values = {
            key: _join(path, arrays, column, "iu" if key in tokens else "biuf").astype(
                np.int64 if key in tokens else np.float32, copy=False
            )
            for key, column in zip(keys, columns, strict=True)
        }
        answers = _join(path, arrays, answered, "biufUS")
        for *input_names, target_name in named.values():
            for name in input_names:
                if len(arrays[name]) != len(arrays[target_name]):
                    raise DataError(
                        f"{path}: expected one target for each input, got {len(arrays[name])} in {name!r} "
                        f"and {len(arrays[target_name])} in {target_name!r}"
                    )

        findings = Findings(path)
        classes = None
        if answers.dtype.kind == "f":
            _doubt_amounts(answers, answered[0], findings)
            encoded = amount_targets(answers, targets)
        elif answers.ndim == 1:
            classes = self._learn_classes(answers, answered[0], findings)
            encoded = class_targets(classes, self.num_classes, targets)
        else:
            raise DataError(
                f"{path}: array {answered[0]!r} of {answers.dtype} is taken for classes, which have the shape (N,), "
                f"and it has {arrays[answered[0]].shape}; save amounts as real numbers"
            )
        findings.check()

        sizes = [len(arrays[name]) for name in answered]
        rows = dict(zip(named, np.split(np.arange(len(answers)), np.cumsum(sizes)[:-1]), strict=True))
        names = () if classes is None else self.class_names
        parts = complete(sizes[0], rows.get("val"), rows.get("test"), val_fraction, test_fraction, classes, names)
        if classes is not None:
            doubt_classes(path, [classes[part] for part in parts], self.class_names, findings)
        self.train, self.val, self.test = (
            Examples(take(values, part) if inputs else values["inputs"][part], encoded[part]) for part in parts
        )
        findings.warn()

    def _learn_classes(self, answers: np.ndarray, name: str, findings: Findings) -> np.ndarray:
        """Learn the classes, and return the class index of each example."""
        if answers.dtype.kind in "bUS":
            if answers.dtype.kind == "S":
                answers = np.strings.decode(answers, "utf-8", "replace")
            values, classes = np.unique(answers, return_inverse=True)
            self._class_names = tuple(map(str, values.tolist()))
            self._num_classes = len(values)
        else:
            classes = answers
            self._num_classes = int(classes.max()) + 1
            if self._num_classes > max(_MOST_CLASSES, len(classes) // 2):
                findings.refuse(
                    f"array {name!r} holds integers up to {classes.max()} for {len(classes)} examples, and integers "
                    f"are classes: save amounts as real numbers"
                )
            elif classes.min() == 1:
                findings.note(
                    f"array {name!r} has no class 0, from which classes count: subtract 1 if it counts from 1"
                )
        if self._num_classes == 1:
            findings.refuse(f"array {name!r} holds one class: there is nothing to learn")
        return classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes: strings or numbers."""
        return self._class_names or super().class_names

    def read_inputs(self, path: str | Path) -> Any:
        """Read the inputs of an .npz, .csv or .npy file.

        In an .npz file they have the name of the training inputs.

        Raises:
            DataError: if the file cannot be read, or does not match the training inputs.
        """
        if Path(path).suffix.lower() != ".npz" or self._input_name is None:
            return super().read_inputs(path)
        with naming(path):
            return self.prepare(read_npz(path, [self._input_name])[self._input_name])

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that `read_inputs` takes."""
        return (".csv", ".npy", ".npz")

    def state_dict(self) -> dict[str, Any]:
        """Return the sizes, and the names of the classes."""
        return {**self.sizes(), "class_names": self._class_names, "input_name": self._input_name}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: sizes and the names of classes."""
        self._load_sizes(state_dict)
        self._class_names = tuple(state_dict["class_names"])
        self._input_name = state_dict.get("input_name")


def _read(path: str, names: list[str]) -> tuple[dict[str, np.ndarray], str]:
    """Return a file's or folder's arrays by name, and its SHA-256."""
    place = find(path)
    if place.is_dir():
        return read_npy_folder(place, names), digest_of(*(place / f"{name}.npy" for name in names))
    if place.suffix.lower() == ".npy":
        raise DataError(f"{path}: expected an .npz file or a folder of .npy files, found one array: name its folder")
    return read_npz(place, names), digest_of(place)


def _given(part: str, pair: Any, inputs: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return the arrays of a part given in Python.

    The keys are the names for error messages; the targets come last.
    """
    given, targets = pair
    if isinstance(given, Mapping):
        if sorted(given) != sorted(inputs):
            raise DataError(f"{part} has the inputs {list(given)}, and those of train are {list(inputs)}")
        named = {f"{part} {name}": given[name] for name in inputs}
    else:
        named = {f"{part} inputs": given}
    return {name: _array(values, name) for name, values in {**named, f"{part} targets": targets}.items()}


def _array(values: Any, name: str) -> np.ndarray:
    """Return a value as an array.

    Raises:
        DataError: if it cannot be converted to one.
    """
    try:
        array = np.asarray(values)
        return np.array(array.tolist()) if array.dtype == object else array  # pandas stores strings as objects
    except ValueError as error:
        raise DataError(f"{name} are a full rectangle, with as many values in each row") from error


def _doubt_amounts(answers: np.ndarray, name: str, findings: Findings) -> None:
    """Find real numbers that may be classes.

    They are if all are whole and few are distinct.
    """
    if answers.size > len(answers):
        return  # several targets
    values = np.unique(answers)
    if len(values) == 1 and len(answers) > 1:
        findings.note(f"array {name!r} holds {values[0]:g} for all examples: there is nothing to learn")
    elif len(values) <= min(20, len(answers) // 5) and (values == np.floor(values)).all():
        findings.note(
            f"array {name!r} holds {len(values)} different whole numbers, saved as real ones, which are taken for "
            f"amounts; save classes as integers"
        )


def _join(path: str, arrays: dict[str, np.ndarray], names: Sequence[str], kinds: str) -> np.ndarray:
    """Concatenate the arrays `names`; real numbers become float32.

    They have the same shape, except for their lengths.
    """
    model = arrays[names[0]]
    expected = "whole numbers" if kinds == "iu" else "real or whole numbers"
    joined = []
    for name in names:
        array = arrays[name]
        if array.ndim == 0 or len(array) == 0:
            raise DataError(f"{path}: array {name!r} of shape {array.shape} holds no examples")
        if array.dtype.kind not in kinds:
            raise DataError(f"{path}: array {name!r} holds {array.dtype}, expected {expected}")
        if array.shape[1:] != model.shape[1:] or _sort(array) != _sort(model):
            raise DataError(
                f"{path}: array {name!r}, {array.dtype} {array.shape}, does not go on from {names[0]!r}, "
                f"{model.dtype} {model.shape}: all parts have examples of one shape and kind"
            )
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # too large numbers become infinite, and are refused later
                numbers = array.astype(np.float32, copy=False)
            if not np.isfinite(numbers).all():
                place = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
                raise DataError(
                    f"{path}: array {name!r} holds {array[place]} at {list(place)}: expected finite numbers of float32"
                    "; leave such rows out, or write a number in their place, as with np.nan_to_num"
                )
            array = numbers
        joined.append(array)
    return np.concatenate(joined)


def _sort(array: np.ndarray) -> str:
    """Return the kind of an array, by which arrays are joined.

    The kinds are floats, integers, booleans and strings.
    """
    return {"u": "i", "S": "U"}.get(array.dtype.kind, array.dtype.kind)
