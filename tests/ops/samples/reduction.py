import numpy as np

from .case import Case, call, floats


def over_axes(reference, **kwargs):
    """A reduction of one, several and all axes, kept and dropped, from the front and from the end; of 0-d and empty."""
    return Case(
        reference,
        [
            call(floats(2, 3), **kwargs),
            call(floats(2, 3, 2), axis=1, **kwargs),
            call(floats(2, 3, 2), axis=(0, -1), keepdims=True, **kwargs),
            call(floats(2, 3, 2), axis=(-1, 1), **kwargs),
            call(floats(2, 3), keepdims=True, **kwargs),
            call(floats(), **kwargs),
            call(floats(2, 0), axis=0, **kwargs),
        ],
    )


def _logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _recurrence(x, factor):
    """The same as a product with the matrix of all products of factors in between."""
    n = x.shape[-1]
    between = np.array([[np.prod(factor[..., j + 1 : i + 1], axis=-1) * (j <= i) for j in range(n)] for i in range(n)])
    return np.einsum("ij...,...j->...i", between, x).astype(x.dtype) if n else x


_ALONG_ONE_AXIS = [
    call(floats(2, 3)),
    call(floats(2, 3), axis=0),
    call(floats(2, 3), axis=-1),
    call(floats(2, 0), axis=1),
]
_ZEROS = np.array([[0.5, 0.0, 2.0], [0.0, 0.0, 1.5], [3.0, -1.0, 0.7]])

CASES = {
    **{name: over_axes(getattr(np, name)) for name in ("sum", "mean", "max", "min", "all", "any")},
    "var": Case(np.var, [*over_axes(np.var).calls, call(floats(3, 4), axis=1, ddof=1)]),
    "std": Case(np.std, [*over_axes(np.std).calls[:5], call(floats(3, 4), axis=1, ddof=1)]),
    "logsumexp": over_axes(_logsumexp),
    "prod": Case(
        np.prod,
        [
            *over_axes(np.prod).calls,
            call(floats(2, 0), axis=1),
            call(_ZEROS),
            call(_ZEROS, axis=1),
            call(_ZEROS, axis=0),
        ],
    ),
    "vector_norm": Case(
        np.linalg.vector_norm,
        [
            *over_axes(np.linalg.vector_norm).calls[:5],
            *(call(floats(2, 3), ord=ord, axis=-1) for ord in (0, 1, 3, 2.5, -1, np.inf, -np.inf)),
            call(floats(2, 0), axis=0),
        ],
    ),
    "norm": Case(
        np.linalg.norm,
        [
            call(floats(2, 3)),
            call(floats(2, 3), axis=1, keepdims=True),
            call(floats(2, 3, 2), axis=(0, 2)),
            *(call(floats(2, 3), ord=ord) for ord in ("fro", 1, -1, np.inf, -np.inf)),
            call(floats(2, 3, 2), ord=1, axis=(2, 0), keepdims=True),
            call(floats(4), ord=3),
            call(floats(2, 3), ord=1, axis=0),
        ],
    ),
    "cumsum": Case(np.cumsum, [*_ALONG_ONE_AXIS, call(floats())]),
    "cumprod": Case(
        np.cumprod, [*_ALONG_ONE_AXIS, call(floats()), call(_ZEROS), call(_ZEROS, axis=1), call(_ZEROS, axis=0)]
    ),
    "recurrence": Case(
        _recurrence, [call(floats(4), floats(4)), call(floats(2, 3), floats(2, 3)), call(floats(2, 0), floats(2, 0))]
    ),
    **{
        name: Case(
            getattr(np, name),
            [call(floats(2, 3)), call(floats(2, 3), axis=1), call(floats(2, 3), axis=0, keepdims=True)],
        )
        for name in ("argmax", "argmin")
    },
}
