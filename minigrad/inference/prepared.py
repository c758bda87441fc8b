"""A model with its preprocessing, for use without minigrad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.data import Dataset, Table, Text, TextTable, Windows
from minigrad.data.features import CategoryFeature, DateFeature, Feature, NumberFeature
from minigrad.engine import Tensor
from minigrad.inputs import parts
from minigrad.nn import Module

Array = NDArray[Any]
ROWS = 4
"""Number of synthetic examples."""


@dataclass(frozen=True)
class Preparation:
    """The preprocessing of a dataset's inputs.

    Attributes:
        example: synthetic raw inputs by name.
        apply: turns tensors of raw inputs into the model's input; None if the model takes raw inputs.
        texts: for text inputs, which are numbers in `example`, the number of each text.
    """

    example: dict[str, Array]
    apply: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    texts: dict[str, dict[str, int]] = field(default_factory=dict)


class Prepared(Module):
    """A model that takes raw inputs by name.

    Args:
        model: the model.
        preparation: the preprocessing of its inputs.
        units: mean and standard deviation of each output in the units of the data; None without units.
    """

    def __init__(self, model: Module, preparation: Preparation, units: tuple[Array, Array] | None) -> None:
        self.model = model
        self._apply, self._units = preparation.apply, units

    def forward(self, **inputs: Tensor) -> Any:
        """Return the model's outputs in the units of the data."""
        out = self.model(**inputs) if self._apply is None else self.model(self._apply(inputs))
        if self._units is None:
            return out
        mean, std = self._units
        return (out.astype(np.float64) * std + mean).astype(out.dtype)


def preparation_of(data: Dataset, raw: bool) -> Preparation:
    """Return the preprocessing of a dataset.

    Tables have an input per column; images are pixels, and series are in their units.

    Args:
        data: the dataset; its examples need not exist.
        raw: whether to leave out the preprocessing.
    """
    rng = np.random.default_rng(0)
    if not raw and isinstance(data, Table):
        return _of_table(data, rng)
    if not raw and isinstance(data, Windows):
        return _of_windows(data, rng)
    if not raw and data.pixel_max is not None:
        return _of_pixels(data, data.pixel_max, rng)
    blank = data.blank()
    return Preparation({name or "input": _synthetic(data, array, rng) for name, array in parts(blank)})


def _synthetic(data: Dataset, blank: Array, rng: np.random.Generator) -> Array:
    """Return synthetic inputs like `blank`: valid tokens, fractions, or any numbers."""
    shape = (ROWS, *blank.shape[1:])
    if isinstance(data, Table):  # its last columns may be embedding indices
        columns = [part for feature in data.features for part in feature.parts(_cells(feature, rng))]
        return np.stack(columns, axis=1).astype(blank.dtype)
    if blank.dtype.kind in "iu":
        tokens = data.vocab_size if isinstance(data, (Text, TextTable)) else 2  # 0 and 1 are valid in any other data
        return rng.integers(0, tokens, shape).astype(blank.dtype)
    numbers = rng.normal(size=shape) if data.pixel_max is None else rng.random(shape)
    return numbers.astype(blank.dtype)


def _cells(feature: Feature, rng: np.random.Generator) -> Array:
    """Return synthetic cells of a column, as numbers that `Feature.parts` takes."""
    if isinstance(feature, CategoryFeature):
        return rng.integers(-1 if feature.unseen else 0, len(feature.values), ROWS)
    if isinstance(feature, NumberFeature):
        cells = rng.normal(feature.mean, feature.std, ROWS)
    elif isinstance(feature, DateFeature):
        mean, std = feature.elapsed
        cells = np.floor(rng.normal(mean * 86_400, std * 86_400, ROWS))
    else:
        raise TypeError(f"a column of kind {feature.kind!r} has no synthetic cells")
    if feature.fill is not None:
        cells[0] = np.nan
    return cells


def _of_table(data: Table, rng: np.random.Generator) -> Preparation:
    features = data.features

    def apply(inputs: Mapping[str, Tensor]) -> Tensor:
        columns = [column for feature in features for column in feature.parts(inputs[feature.name])]
        return ops.stack(columns, 1).astype(np.float32)

    texts = {feature.name: _texts(feature) for feature in features if isinstance(feature, CategoryFeature)}
    return Preparation({feature.name: _cells(feature, rng) for feature in features}, apply, texts)


def _texts(feature: CategoryFeature) -> dict[str, int]:
    """Return the number of each text; "" is a missing value."""
    numbers = {text: i for i, text in enumerate(feature.values)}
    return numbers if feature.fill is None else {"": numbers[feature.fill], **numbers}


def _of_windows(data: Windows, rng: np.random.Generator) -> Preparation:
    means, stds = data.input_scales
    example = rng.normal(means, stds, (ROWS, *data.input_shape))
    return Preparation({"series": example}, lambda inputs: ((inputs["series"] - means) / stds).astype(np.float32))


def _of_pixels(data: Dataset, white: int, rng: np.random.Generator) -> Preparation:
    shape = data.input_shape if data.image_shape is None else data.image_shape
    example = rng.integers(0, white + 1, (ROWS, *shape)).astype(np.uint8)

    def apply(inputs: Mapping[str, Tensor]) -> Tensor:
        pixels = inputs["pixels"].astype(np.float32) / white
        return pixels.reshape((len(pixels), *data.input_shape))

    return Preparation({"pixels": example}, apply)
