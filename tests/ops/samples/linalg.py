import numpy as np

from .case import Case, call, floats

_PAIRS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 2, 3), (3, 4)),
    ((2, 3), (4, 3, 2)),
    ((2, 2, 3), (2, 3, 1)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 2)),
]
_SQUARES = [(3, 3), (2, 4), (4, 2)]


def pairs(reference, shapes):
    return Case(reference, [call(floats(*x), floats(*y)) for x, y in shapes])


CASES = {
    "matmul": pairs(np.matmul, _PAIRS),
    "dot": pairs(np.dot, [*_PAIRS[:6], ((2, 2, 3), (2, 3, 2)), ((), (2, 3)), ((2,), ()), ((0, 3), (3, 2))]),
    "inner": pairs(np.inner, [((3,), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (3,)), ((), (2,))]),
    "outer": pairs(np.outer, [((2,), (3,)), ((2, 2), (3,)), ((), (2,)), ((0,), (2,))]),
    "tensordot": Case(
        np.tensordot,
        [
            call(floats(2, 3, 4), floats(3, 4, 2)),
            call(floats(2, 3), floats(2), axes=0),
            call(floats(2, 3), floats(3, 2), axes=1),
            call(floats(2, 3, 4), floats(4, 2, 3), axes=([0, 1], [1, 2])),
            call(floats(2, 3), floats(4, 3), axes=(-1, 1)),
            call(floats(2, 0), floats(0, 3), axes=1),
        ],
    ),
    "einsum": Case(
        np.einsum,
        [
            call("ij,jk->ik", floats(2, 3), floats(3, 2)),
            call("ij,jk", floats(2, 3), floats(3, 2)),
            call("ba", floats(2, 3)),
            call("bij,bjk->bik", floats(2, 2, 3), floats(2, 3, 2)),
            call("i,j,k->kij", floats(2), floats(3), floats(2)),
            call("ij->", floats(2, 3)),
            call("ij->j", floats(2, 3)),
            call("ij,i->i", floats(2, 3), floats(2)),
            call("ii", floats(3, 3)),
            call("ii->i", floats(3, 3)),
            call("iij,j->i", floats(2, 2, 3), floats(3)),
            call("iii->i", floats(2, 2, 2)),
            call("...i,...i->...", floats(2, 3), floats(4, 2, 3)),
            call("...ij,jk", floats(2, 2, 3), floats(3, 2)),
            call("i...->...", floats(2, 3)),
            call("ij,ij->ij", floats(1, 3), floats(2, 3)),
            call("i , i ->", floats(3), floats(3)),
            call("i,->i", floats(3), floats()),
            call("ij,jk->ik", floats(2, 0), floats(0, 2)),
        ],
    ),
    "contract": Case(
        lambda arrays, subscripts: np.einsum(subscripts, *arrays),
        [
            call([floats(2, 3), floats(3, 2)], "ij,jk->ki"),
            call([floats(2, 3), floats(2), floats(4)], "ij,i,k->k"),
            call([floats(2, 3)], "ij->i"),
            call([floats(), floats(0)], ",i->i"),
        ],
    ),
    "diagonal": Case(
        np.diagonal,
        [call(floats(3, 4)), call(floats(3, 4), -1), call(floats(2, 3, 3), 1, 1, 2), call(floats(3, 2, 3), 0, 2, 0)],
    ),
    "trace": Case(np.trace, [call(floats(3, 4)), call(floats(3, 3), 1), call(floats(2, 3, 3), 0, 1, 2)]),
    "diag": Case(
        np.diag, [call(floats(3, 3)), call(floats(3, 4), 1), call(floats(3)), call(floats(2), -2), call(floats(0))]
    ),
    **{
        name: Case(
            getattr(np, name),
            [*(call(floats(*shape)) for shape in _SQUARES), call(floats(2, 3, 3), -1), call(floats(3, 3), 1)],
        )
        for name in ("tril", "triu")
    },
}
