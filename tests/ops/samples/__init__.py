"""Calls of every operation, by its name, each beside a function that was not written here and gives the same."""

from . import (
    attention,
    convolution,
    decomposition,
    elementwise,
    indexing,
    kernels,
    linalg,
    normalization,
    reduction,
    shape,
)

CASES = {
    **elementwise.CASES,
    **reduction.CASES,
    **shape.CASES,
    **indexing.CASES,
    **linalg.CASES,
    **decomposition.CASES,
    **kernels.CASES,
    **convolution.CASES,
    **normalization.CASES,
    **attention.CASES,
}
