"""Quantised numbers, beside the package gguf."""

import numpy as np
import pytest

from minigrad.formats.quantised import CHUNK, KINDS, dequantize


@pytest.mark.parity
@pytest.mark.parametrize("number", KINDS, ids=[kind.name for kind in KINDS.values()])
def test_any_bytes_are_the_numbers_that_the_package_makes_of_them(number):
    package = pytest.importorskip("gguf", reason="parity of quantised numbers needs the package gguf")
    kind = KINDS[number]
    raw = np.random.default_rng(0).integers(0, 256, 3000 * kind.size, np.uint8)
    with np.errstate(all="ignore"):  # scales may be infinite or NaN
        ours = dequantize(raw, kind)
        theirs = package.dequantize(raw.reshape(-1, kind.size), package.GGMLQuantizationType(number)).reshape(-1)
    assert (ours.dtype, ours.shape) == (np.float32, (3000 * kind.numbers,))
    np.testing.assert_array_equal(ours, theirs)


def test_a_block_of_eight_bits_is_a_scale_and_signed_numbers():
    raw = np.concatenate([np.array([0.5], "<f2").view(np.uint8), np.arange(-16, 16, dtype=np.int8).view(np.uint8)])
    np.testing.assert_array_equal(dequantize(raw, KINDS[8]), np.arange(-16, 16) / 2)


def test_a_block_of_four_bits_has_the_numbers_of_the_lower_halves_first():
    raw = np.concatenate([np.array([2, 1], "<f2").view(np.uint8), np.full(16, 0xF0, np.uint8)])
    np.testing.assert_array_equal(dequantize(raw, KINDS[3]), [1] * 16 + [31] * 16)


def test_more_numbers_than_a_chunk_are_all_there():
    numbers = np.arange(CHUNK + 100, dtype=np.float32)
    np.testing.assert_array_equal(dequantize(numbers.view(np.uint8), KINDS[0]), numbers)
