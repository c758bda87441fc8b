"""The ONNX converters of all operations."""

from __future__ import annotations

from minigrad.formats.onnx import elementwise, indexing, layers, reductions, sequences, shapes
from minigrad.formats.onnx.call import Converter

CONVERTERS: dict[str, Converter] = {
    **elementwise.CONVERTERS,
    **reductions.CONVERTERS,
    **shapes.CONVERTERS,
    **indexing.CONVERTERS,
    **layers.CONVERTERS,
    **sequences.CONVERTERS,
}
"""The converters by operation."""

_MATRICES = "ONNX has no operators for linear systems, inverses and decompositions of matrices"
_GRADIENTS = "it occurs only in gradients, which a graph does not have"

REASONS: dict[str, str] = {
    **dict.fromkeys(("solve", "inv", "pinv", "cholesky"), _MATRICES),
    **dict.fromkeys(("eig.eigenvalues", "eig.eigenvectors", "eigh.eigenvalues", "eigh.eigenvectors"), _MATRICES),
    **dict.fromkeys(("svd.U", "svd.S", "svd.Vh", "qr.Q", "qr.R", "slogdet.sign", "slogdet.logabsdet"), _MATRICES),
    **dict.fromkeys(("windows", "overlap_add", "max_pool_spread", "max_pool_collect"), _GRADIENTS),
    **dict.fromkeys(("convolution_weight", "recurrence", "is_last"), _GRADIENTS),
    "to_device": "it moves arrays between devices: first move the model by .to('cpu')",
    "dropout": "it draws random numbers; nn.Dropout does so only in training",
    "cumprod": "ONNX has cumulative sums, but no cumulative products",
    "i0": "ONNX has no Bessel functions",
    "cross_entropy": "it is a loss: export the model without it",
}
"""The reasons why the other operations cannot be converted."""
