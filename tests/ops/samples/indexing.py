import numpy as np

from .case import Case, apart, call, floats, integers

_MASK = np.array([[True, False, True], [False, False, True]])
_INDICES = [
    1,
    -1,
    (slice(None), 1),
    slice(None, None, -2),
    (Ellipsis, None, 0),
    [0, 1, 1],
    np.array([[1, 0], [0, 0]]),
    (np.array([0, 1, 1]), np.array([2, 2, 0])),
    (slice(None), np.array([2, 0, 2])),
    (np.array([1, 0]), None, slice(0, 2)),
    _MASK,
    (slice(None), np.array([True, False, True])),
    np.zeros(0, int),
    (1, 2),
]


def _index_add(x, index, shape):
    result = np.zeros(shape, x.dtype)
    np.add.at(result, index, x)
    return result


def _index_put(x, value, index):
    result = x.copy()
    result[index] = value
    return result


def _is_last(x, index):
    """Whether a place is not among those behind it, one after the other."""
    numbers = np.arange(x.size).reshape(x.shape)[index]
    flat = numbers.reshape(-1).tolist()
    return np.array([place not in flat[i + 1 :] for i, place in enumerate(flat)], bool).reshape(numbers.shape)


def _put(x, indices, values):
    result = x.copy()
    np.put(result, indices, values)
    return result


def _put_along_axis(x, indices, values, axis):
    result = x.copy()
    np.put_along_axis(result, indices, values, axis)
    return result


def _scatter_add(x, indices, values, axis):
    """Each value one by one."""
    result = x.copy()
    for place in np.ndindex(indices.shape):
        target = list(place)
        target[axis] = indices[place]
        result[tuple(target)] += values[place]
    return result


def _topk(x, k, axis=-1, largest=True):
    order = np.argsort(-x if largest else x, axis=axis, kind="stable")
    places = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(x, places, axis), places


CASES = {
    "getitem": Case(
        lambda x, index: x[index], [*(call(floats(2, 3), index) for index in _INDICES), call(floats(), ())]
    ),
    "index_add": Case(_index_add, [call(floats(*np.empty((2, 3))[index].shape), index, (2, 3)) for index in _INDICES]),
    "index_put": Case(
        _index_put,
        [
            *(call(floats(2, 3), floats(*np.empty((2, 3))[index].shape), index) for index in _INDICES),
            call(floats(2, 3), floats(), slice(1)),
            call(floats(2, 3), floats(3), [0, 1, 0]),
            call(floats(2, 3), 0.0, [0, 0]),
        ],
    ),
    "is_last": Case(
        _is_last,
        [
            call(floats(2, 3), np.array([0, 1, 0])),
            call(floats(2, 3), (np.array([0, 1, 1, 0]), np.array([2, 0, 0, 1]))),
            call(floats(2, 3), np.zeros(0, int)),
        ],
    ),
    "take": Case(
        np.take,
        [
            call(floats(2, 3), [0, 5, 5]),
            call(floats(2, 3), np.array([[2, 0], [0, 1]]), axis=1),
            call(floats(2, 3), 1, axis=-1),
            call(floats(2, 3), [], axis=0),
        ],
    ),
    "take_along_axis": Case(
        np.take_along_axis,
        [
            call(floats(2, 3), integers(2, 4, below=3), 1),
            call(floats(2, 3), integers(1, 3, below=2), 0),
            call(floats(2, 3), integers(4, below=6), None),
            call(floats(2, 3), integers(2, 0, below=3), -1),
        ],
    ),
    "put": Case(
        _put,
        [
            call(floats(2, 3), np.array([4, 0, -1]), floats(3)),
            call(floats(2, 3), np.array([1, 5]), floats(2)),
            call(floats(2, 3), np.array([[1], [2]]), floats()),
        ],
    ),
    "put_along_axis": Case(
        _put_along_axis,
        [
            call(floats(2, 3), np.array([[2, 0], [1, 2]]), floats(2, 2), 1),
            call(floats(2, 3), np.array([[0, 0, 1]]), floats(1, 3), 0),
            call(floats(2, 3), np.array([[0], [2]]), floats(), -1),
            call(floats(2, 3), np.array([[1, 1], [0, 0]]), floats(2, 2), 1),
        ],
    ),
    "scatter_add": Case(
        _scatter_add,
        [
            call(floats(2, 3), np.array([[0, 0, 2, 0], [1, 2, 2, 1]]), floats(2, 4), 1),
            call(floats(3, 2), np.array([[2, 0], [2, 2]]), floats(2, 2), 0),
        ],
    ),
    "argsort": Case(np.argsort, [call(apart(2, 5)), call(apart(5, 2), 0), call(apart(2, 3), None), call(floats(0, 2))]),
    "sort": Case(np.sort, [call(apart(2, 5)), call(apart(5, 2), 0), call(apart(2, 3), None), call(floats(2, 0))]),
    "searchsorted": Case(
        np.searchsorted, [call(np.arange(5.0), floats(2, 3)), call(np.arange(5.0), np.array([1.0, 4.0]), side="right")]
    ),
    "topk": Case(_topk, [call(apart(2, 5), 2), call(apart(4, 2), 3, axis=0, largest=False), call(floats(3), 0)]),
}
