import numpy as np

from .case import Case, call, floats


def rotary(x, offset=0, base=10000.0, is_back=False):
    dim = x.shape[-1]
    out = np.empty_like(x)
    for place in range(x.shape[-2]):
        for i in range(0, dim, 2):
            angle = (-1 if is_back else 1) * (place + offset) / base ** (i / dim)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            out[..., place, i : i + 2] = x[..., place, i : i + 2] @ turn.T
    return out


CASES = {
    "rotary": Case(
        rotary,
        [
            call(floats(2, 3, 4)),
            call(floats(3, 6), 5, 100.0),
            call(floats(2, 2, 2), is_back=True),
            call(floats(4, 3).T, 1),
            call(floats(0, 4)),
        ],
    ),
}
