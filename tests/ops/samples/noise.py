import numpy as np

from .case import Case, call, floats

# Where nothing is left to chance: all is kept, or nothing is.
CASES = {
    "dropout": Case(
        lambda x, p: x * (p == 0),
        [
            *(call(floats(*shape), p) for shape in [(2, 3), (), (0, 3)] for p in (0.0, 1.0)),
            call(np.full((2, 3), 0.5), 1),
        ],
    ),
}
