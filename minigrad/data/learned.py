"""Rules for the dataset states stored in runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from minigrad.data.series import Gaps
from minigrad.data.words import Units
from minigrad.facts import ANYTHING, COUNT, FLAG, NUMBER, SIZE, TEXT, Rule, by_name, list_of, one_of, or_none

Rules = Mapping[str, Rule]


def _is_dtype(value: Any) -> bool:
    try:
        return isinstance(value, str) and np.dtype(value).kind in "biuf"
    except TypeError:
        return False


_DTYPE = Rule("a dtype of numbers", _is_dtype)
_SHAPE = list_of(COUNT)
_POSITIVE = Rule("a number above 0", lambda value: NUMBER.holds(value) and value > 0)
_SCALE = Rule(
    "a mean and a deviation above 0",
    lambda value: list_of(NUMBER, 2).holds(value) and value[1] > 0,
)
_TEXTS = list_of(TEXT)

SIZES: Rules = {
    "input_shape": _SHAPE,
    "input_dtype": _DTYPE,
    "input_shapes": by_name(_SHAPE),
    "input_dtypes": by_name(_DTYPE),
    "num_classes": or_none(COUNT),
}
NAMES: Rules = {
    **SIZES,
    "image_shape": list_of(SIZE, 3),
    "class_names": _TEXTS,
    "input_name": or_none(TEXT),
}
BLOCKS: Rules = {"block_size": SIZE, "vocab_size": SIZE, "vocabulary": TEXT, "tokenizer": TEXT}
WORDS: Rules = {
    "units": one_of(*get_args(Units)),
    "tokens": _TEXTS,
    "length": SIZE,
    "text": TEXT,
    "delimiter": TEXT,
    "class_names": _TEXTS,
    "target": TEXT,
}
WINDOWS: Rules = {
    "columns": _TEXTS,
    "num_columns": SIZE,
    "scales": list_of(_SCALE),
    "length": SIZE,
    "horizon": SIZE,
    "missing": one_of(*get_args(Gaps)),
    "delimiter": TEXT,
    "decimal": TEXT,
    "thousands": TEXT,
}
TABLE: Rules = {
    "features": list_of(by_name(ANYTHING)),
    "class_names": _TEXTS,
    "target_names": _TEXTS,
    "target_scales": list_of(_SCALE),
    "delimiter": TEXT,
    "decimal": TEXT,
    "thousands": TEXT,
}
_FILLED: Rules = {"name": TEXT, "fill": or_none(NUMBER), "gap": FLAG}
FEATURES: Mapping[str, Rules] = {
    "number": {**_FILLED, "mean": NUMBER, "std": _POSITIVE, "sign": TEXT},
    "category": {"name": TEXT, "values": _TEXTS, "fill": or_none(TEXT), "unseen": FLAG, "embed": FLAG},
    "date": {**_FILLED, "form": TEXT, "year": _SCALE, "elapsed": _SCALE, "hours": FLAG},
}
"""The rules of a column's state, by its kind."""
