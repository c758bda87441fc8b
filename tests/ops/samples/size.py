"""Operations that change how long axes are, by interpolation, by stretches, or for others."""

import numpy as np

from .case import Case, apart, call, floats


def largest(x, output_size):
    """By the rule for the start and end of each stretch."""
    for axis, m in zip(range(-len(output_size), 0), output_size, strict=True):
        n = x.shape[axis]
        stretches = [range(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        x = np.stack([x.take(stretch, axis).max(axis) for stretch in stretches], axis)
    return x


def stretched(x, size, mode, align_corners):
    """Straight lines between elements, of which the first and the last stay."""
    at = np.linspace(0, x.shape[-1] - 1, size)
    return np.apply_along_axis(lambda row: np.interp(at, np.arange(len(row)), row), -1, x).astype(x.dtype)


def shuffled(x, r):
    """Pixel by pixel."""
    channels, height, width = x.shape[0] // r**2, *x.shape[1:]
    out = np.empty((channels, height * r, width * r), x.dtype)
    for c, i, j in np.ndindex(out.shape):
        out[c, i, j] = x[c * r**2 + i % r * r + j % r, i // r, j // r]
    return out


CASES = {
    "adaptive_max_pool1d": Case(largest, [call(apart(2, 5), (3,))]),
    "adaptive_max_pool2d": Case(largest, [call(apart(2, 5, 4), (2, 3)), call(apart(0, 5, 4), (1, 1))]),
    "interpolate": Case(stretched, [call(floats(2, 2, 5), size=8, mode="linear", align_corners=True)]),
    "pixel_shuffle": Case(shuffled, [call(floats(8, 2, 3), 2)]),
}
