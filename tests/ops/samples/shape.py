import numpy as np

from .case import Case, call, floats

CASES = {
    "reshape": Case(
        np.reshape,
        [call(floats(2, 3), (3, 2)), call(floats(2, 3), -1), call(floats(), (1, 1)), call(floats(0, 3), (3, 0))],
    ),
    "transpose": Case(
        np.transpose,
        [
            call(floats(2, 3, 4)),
            call(floats(2, 3, 4), (2, 0, 1)),
            call(floats(2, 3), (-1, 0)),
            call(floats()),
            call(floats(0, 2)),
        ],
    ),
    "swapaxes": Case(np.swapaxes, [call(floats(2, 3, 4), 0, -1), call(floats(2, 0), 0, 1)]),
    "moveaxis": Case(
        np.moveaxis, [call(floats(2, 3, 4), 0, -1), call(floats(2, 3, 4), (0, 2), (1, 0)), call(floats(0, 2), 0, 1)]
    ),
    "squeeze": Case(
        np.squeeze, [call(floats(1, 3, 1)), call(floats(1, 3, 1), 0), call(floats(1, 1), (0, 1)), call(floats(1, 0))]
    ),
    "expand_dims": Case(
        np.expand_dims, [call(floats(2, 3), 1), call(floats(2), (0, -1)), call(floats(), 0), call(floats(0), 0)]
    ),
    "concatenate": Case(
        np.concatenate,
        [
            call([floats(2, 3), floats(1, 3)]),
            call([floats(2, 1), floats(2, 3), floats(2, 0)], -1),
            call([floats(2)]),
            call([floats(2, 3), floats(2), floats()], None),
        ],
    ),
    "stack": Case(
        np.stack,
        [
            call([floats(2, 3), floats(2, 3)]),
            call([floats(2), floats(2)], -1),
            call([floats(), floats()]),
            call([floats(0)]),
        ],
    ),
    "split": Case(
        np.split,
        [call(floats(4, 2), 2), call(floats(2, 5), [1, 3], axis=1), call(floats(2, 6), 3, -1), call(floats(0, 2), 2)],
    ),
    "flip": Case(
        np.flip,
        [call(floats(2, 3)), call(floats(2, 3), 1), call(floats(2, 3, 2), (0, -1)), call(floats()), call(floats(0))],
    ),
    "roll": Case(
        np.roll,
        [
            call(floats(2, 3), 2),
            call(floats(2, 3), -1, 1),
            call(floats(2, 3), (1, 2), (0, 1)),
            call(floats(0, 2), 1, 0),
        ],
    ),
    "tile": Case(
        np.tile,
        [
            call(floats(2, 3), 2),
            call(floats(2, 3), (3, 1)),
            call(floats(3), (2, 1, 2)),
            call(floats(), 3),
            call(floats(0, 2), 2),
            call(floats(2, 2, 2), (3, 2)),
        ],
    ),
    "repeat": Case(
        np.repeat,
        [
            call(floats(2, 3), 2),
            call(floats(2, 3), 3, axis=1),
            call(floats(2, 3), [2, 0], axis=0),
            call(floats(3), np.array([1, 2, 3])),
            call(floats(2, 3), [2], axis=-1),
            call(floats(), 2),
            call(floats(0, 2), 2, axis=0),
        ],
    ),
    "to_device": Case(
        lambda x, device, source: x,
        [call(floats(2, 3), "cpu", "cpu"), call(floats(), "cpu", "cpu"), call(floats(0, 2), "cpu", "cpu")],
    ),
    "pad": Case(
        np.pad,
        [
            call(floats(2, 3), 1),
            call(floats(2, 3), ((1, 2), (0, 3)), constant_values=0.5),
            *(call(floats(3, 4), ((1, 2), (2, 0)), mode=mode) for mode in ("edge", "reflect", "symmetric", "wrap")),
            call(floats(3), (4, 5), mode="reflect"),
            call(floats(0, 2), 1),
        ],
    ),
}
