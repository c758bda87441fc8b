"""Calls of every operation, by its name, each beside a function that was not written here and gives the same."""

from . import (
    attention,
    convolution,
    decomposition,
    elementwise,
    indexing,
    kernels,
    linalg,
    noise,
    normalization,
    numpy,
    recurrent,
    reduction,
    rotation,
    shape,
    size,
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
    **rotation.CASES,
    **noise.CASES,
    **recurrent.CASES,
    **numpy.CASES,
    **size.CASES,
}
