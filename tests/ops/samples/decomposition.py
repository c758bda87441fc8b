import numpy as np

from .case import Case, call, floats

# cholesky and eigh read one triangle of a symmetric matrix, and are compared as functions of that in
# tests/ops/test_decomposition.py: no entry can be nudged by itself.

_STACK = floats(2, 3, 3) + 2 * np.eye(3)

CASES = {
    "solve": Case(
        np.linalg.solve,
        [
            call(_STACK, floats(2, 3, 2)),
            call(_STACK[0], floats(3)),
            call(_STACK, floats(3, 1)),
            call(np.eye(2), floats(2, 0)),
        ],
    ),
    "inv": Case(np.linalg.inv, [call(_STACK), call(_STACK[0]), call(np.zeros((0, 2, 2)))]),
    "det": Case(np.linalg.det, [call(_STACK), call(_STACK[0])]),
    "slogdet": Case(np.linalg.slogdet, [call(_STACK), call(_STACK[0])]),
    "svd": Case(np.linalg.svd, [call(_STACK), call(floats(3, 2), full_matrices=False)]),
    "qr": Case(np.linalg.qr, [call(_STACK), call(floats(4, 2))]),
}
