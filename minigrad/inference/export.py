"""Export of trained models: safetensors and ONNX."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data import Dataset
from minigrad.engine import no_grad
from minigrad.formats import safetensors
from minigrad.formats.atomic import replacing
from minigrad.formats.onnx import write_onnx
from minigrad.inference.prepared import Prepared, preparation_of
from minigrad.inputs import call
from minigrad.nn import merged
from minigrad.training.experiment import Experiment, UsageError


def save_weights(experiment: Experiment, path: Path) -> None:
    """Write the weights of a model as a safetensors file.

    The keys are those of its `state_dict`, which are PyTorch's. Adapters are merged into their matrices.

    Args:
        experiment: the experiment with the model.
        path: the file, overwritten if it exists.

    Raises:
        UsageError: for a suffix other than .safetensors.
        OSError: if the file cannot be written.
    """
    _check_name(path, ".safetensors", "the weights are written in the safetensors format")
    with replacing(path) as file:
        safetensors.write(file, safetensors.arrange(merged(experiment.model).state_dict()), {"format": "pt"})


def save_onnx(experiment: Experiment, path: Path, opset: int = 20, raw: bool = False) -> None:
    """Write a model with its preprocessing as an ONNX file.

    A table has one input per column: numbers and dates as float64, dates in seconds since 1970, NaN where missing;
    categories as strings, "" where missing. Images are integer pixels. Time series and regression outputs are in the
    units of the data. The metadata contains what the run has learned about its data, as JSON.

    Args:
        experiment: the experiment with the model and the data, whose examples are not needed.
        path: the file, overwritten if it exists.
        opset: the opset version.
        raw: whether to leave out the preprocessing: inputs and outputs are those of the model itself.

    Raises:
        UsageError: for a suffix other than .onnx.
        OnnxError: as `minigrad.formats.to_onnx`.
        OSError: if the file cannot be written.
    """
    _check_name(path, ".onnx", "the model is written in the ONNX format")
    data, model = experiment.data, merged(experiment.model)
    if not raw and type(data).prepare is not Dataset.prepare:
        raw = True
        warnings.warn(
            f"{type(data).__name__} has its own preprocessing, which is not part of the ONNX model: that takes "
            "inputs as the model does",
            stacklevel=2,
        )
    preparation = preparation_of(data, raw)
    units = None if raw else _units(experiment)
    metadata = {
        "classes": json.dumps(list(data.class_names)),
        "targets": json.dumps(list(data.target_names)),
        "data": json.dumps(data.state_dict(), default=_plain),
    }
    example: Any = preparation.example
    if preparation.apply is not None or units is not None:
        model = Prepared(model, preparation, units)
    elif not data.input_shapes:
        [example] = example.values()
    with replacing(path) as file:
        write_onnx(file, model, example, opset=opset, metadata=metadata, texts=preparation.texts)


def _check_name(path: Path, suffix: str, sentence: str) -> None:
    """Check the suffix of a file name."""
    if path.suffix != suffix:
        raise UsageError(f"{path}: {sentence}: name it {path.stem}{suffix}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, and a file belongs here")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}: create it first")


def _units(experiment: Experiment) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the mean and standard deviation of regression outputs in the data's units; None for other outputs."""
    data = experiment.data
    with no_grad():
        outputs = call(experiment.model.eval(), data.blank()).data
    target = data.target(experiment.loss.comparison, outputs.shape)
    if outputs.ndim != 2 or target.kind == "labels" or (target.kind != "amounts" and data.class_names):
        return None
    mean = data.in_units(np.zeros((1, outputs.shape[1])))
    std = data.in_units(np.ones((1, outputs.shape[1]))) - mean
    return None if (mean == 0).all() and (std == 1).all() else (mean, std)


def _plain(value: Any) -> Any:
    """Return arrays of a dataset's state as lists, for JSON."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"a state of type {type(value).__name__} cannot be written as JSON")
