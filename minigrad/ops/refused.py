"""NumPy's functions that yield constants or refuse tensors.

A function that refuses tensors gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.devices import foreign
from minigrad.engine.apply import numpy_functions
from minigrad.engine.tensor import Tensor
from minigrad.ops.compositions import values

CONSTANT = """
    all allclose angle any argmax argmin argpartition argsort argwhere array2string array_equal array_equiv
    array_repr array_str bitwise_and bitwise_count bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
    count_nonzero digitize equal flatnonzero gcd greater greater_equal histogram2d histogram_bin_edges histogramdd
    imag in1d invert isclose iscomplex isfinite isin isinf isnan isneginf isposinf isreal ix_ lcm left_shift less
    less_equal lexsort linalg.matrix_rank logical_and logical_not logical_or logical_xor min_scalar_type nanargmax
    nanargmin nonzero not_equal packbits ravel_multi_index right_shift save savetxt savez savez_compressed
    searchsorted signbit spacing unpackbits unravel_index
"""
"""Functions that read values and return constants, or write a file."""

OF_SHAPES = """
    can_cast common_type diag_indices_from einsum_path empty_like iscomplexobj isrealobj may_share_memory ndim
    ones_like result_type shape shares_memory size tril_indices_from triu_indices_from zeros_like
"""
"""Functions of shapes, dtypes and memory only."""

REFUSED = {
    "it creates arrays from numbers, text or files; pass its result to Tensor()": """
        arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bartlett blackman
        bmat diag_indices eye fft.fftfreq fft.rfftfreq from_dlpack frombuffer fromfile fromfunction fromiter fromregex
        fromstring genfromtxt hamming hanning identity indices kaiser load loadtxt mask_indices ones empty
        require tri tril_indices triu_indices zeros
    """,
    "it formats numbers as text": """
        base_repr binary_repr format_float_positional format_float_scientific get_printoptions printoptions
        set_printoptions typename
    """,
    "it works with dates": "busday_count busday_offset datetime_as_string datetime_data is_busday isnat",
    "it makes complex numbers": "sort_complex",
    "it changes the bits of a number": "nextafter",
    "NumPy does not dispatch on the fill value: use np.broadcast_to(x, shape) or np.full_like(like, x)": "full",
    "its result is complex": """
        fft.fft fft.fft2 fft.fftn fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.rfft fft.rfft2 fft.rfftn
    """,
    "its argument is complex": "fft.hfft fft.irfft fft.irfft2 fft.irfftn",
    "it works with types, shapes or Python objects": """
        broadcast_shapes frompyfunc isdtype isfortran isscalar issubdtype iterable mintypecode nested_iters
        promote_types
    """,
    "it describes or configures NumPy itself": """
        get_include getbufsize geterr geterrcall info setbufsize seterr seterrcall show_config show_runtime test
        linalg.test fft.test
    """,
}
"""Functions that refuse tensors, by reason."""


def reason(name: str) -> str:
    """Why a NumPy function takes no tensors.

    It is empty for a function that is not listed here.
    """
    return next((why for why, names in REFUSED.items() if name in names.split()), "")


def wrapped(result: Any) -> Any:
    """Return a NumPy result with tensors in place of arrays."""
    if (isinstance(result, np.ndarray) or type(result) in foreign) and result.dtype.kind in "biuf":
        return Tensor(result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*map(wrapped, result))
    return type(result)([wrapped(part) for part in result]) if type(result) in (list, tuple) else result


def of_values(function: Callable[..., Any], reads: bool = True) -> Callable[..., Any]:
    """Wrap a NumPy function of values or shapes alone.

    `reads` says whether the function reads values, or needs only shapes.
    """

    def look(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Tensor) and x.requires_grad for x in (kwargs.get("weights"), kwargs.get("out"))):
            raise TypeError(f"np.{function.__name__} gives constants: pass weights= and out= as .detach()")
        return wrapped(function(*values(args, reads), **values(kwargs, reads)))

    look.__name__, look.__doc__ = function.__name__, f"NumPy's `{function.__name__}` of the values."
    look.is_constant = True  # type: ignore[attr-defined]
    return look


for _name in (*CONSTANT.split(), *OF_SHAPES.split()):
    with suppress(AttributeError):  # the function is from a newer NumPy
        _function = attrgetter(_name)(np)
        numpy_functions.setdefault(_function, of_values(_function, _name not in OF_SHAPES.split()))
