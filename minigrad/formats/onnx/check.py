"""Check of an ONNX model with onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.formats.onnx.build import Built
from minigrad.formats.onnx.errors import OnnxError

Arrays = Mapping[str, NDArray[Any]]

TOLERANCE = 1e-5
"""Absolute tolerance, multiplied by the array's largest number if that exceeds 1."""


def check(built: Built, cases: Iterable[tuple[Arrays, Arrays]]) -> bool:
    """Compare onnxruntime's results with the expected ones.

    Args:
        built: the model.
        cases: inputs with the expected outputs, by name.

    Returns:
        False if onnxruntime is not installed.

    Raises:
        OnnxError: if a number differs, or onnxruntime cannot run the model.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return False
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(a)) for a in built.large.values()]
        options.add_external_initializers(list(built.large), values)  # used without a copy
        options.add_session_config_entry("session.disable_prepacking", "1")  # it would copy them
        content = built.model.SerializeToString()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base class
        raise OnnxError(f"onnxruntime cannot run the model: {_with_remedy(error)}") from error
    for inputs, expected in cases:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
        taken = {each.name for each in session.get_inputs()}
        try:
            found = session.run(list(expected), {name: array for name, array in inputs.items() if name in taken})
        except Exception as error:
            raise OnnxError(f"onnxruntime cannot run the model with {shapes}: {_with_remedy(error)}") from error
        for (name, wanted), array in zip(expected.items(), found, strict=True):
            _compare(name, wanted, np.asarray(array), shapes)
    return True


def _with_remedy(error: Exception) -> str:
    """Return onnxruntime's message, with the usual remedy."""
    remedy = "; many of its operators support only float32: export model.to(np.float32)"
    return f"{error}{remedy if 'NOT_IMPLEMENTED' in str(error) or 'double' in str(error) else ''}"


def _compare(name: str, wanted: NDArray[Any], found: NDArray[Any], shapes: str) -> None:
    if found.shape != wanted.shape:
        raise OnnxError(f"{name} of inputs {shapes} has shape {wanted.shape}, but {found.shape} in onnxruntime")
    if wanted.dtype.kind != "f":
        agrees = np.array_equal(found, wanted)
    else:
        finite = wanted[np.isfinite(wanted)]
        largest = max(1.0, float(np.abs(finite).max(initial=0)))
        agrees = np.allclose(found, wanted, rtol=0, atol=TOLERANCE * largest, equal_nan=True)
    if not agrees:
        with np.errstate(invalid="ignore"):
            apart = np.nanmax(np.abs(np.subtract(found, wanted, dtype=np.float64)), initial=0)
        raise OnnxError(
            f"{name} of inputs {shapes} differs from onnxruntime's by up to {apart:.2g}: something in the "
            "model depends on inputs outside of operations, as through .data, or numbers are too large"
        )
