import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import Conv1d, Conv2d, ConvTranspose2d, Sequential

RANDOM = np.random.default_rng(0)


def test_gradients_are_those_of_finite_differences():
    check_gradients(Conv2d(2, 2, 2, padding=1), RANDOM.normal(size=(2, 2, 3, 3)))
    check_gradients(ConvTranspose2d(2, 2, 2, stride=2), RANDOM.normal(size=(1, 2, 2, 2)))


def test_a_transposed_convolution_brings_back_the_size_that_a_convolution_took():
    x = Tensor(RANDOM.normal(size=(1, 2, 8, 8)).astype(np.float32))
    small = Conv2d(2, 3, 3, stride=2, padding=1)(x)
    assert ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1)(small).shape == x.shape


def test_the_text_of_a_layer_shows_what_is_not_as_usual():
    assert repr(Conv2d(1, 8, 3)) == "Conv2d(1, 8, kernel_size=(3, 3))"
    assert repr(Conv1d(4, 8, 3, padding="same", groups=2, bias=False)) == (
        "Conv1d(4, 8, kernel_size=(3,), padding=same, groups=2, bias=False)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2, 3), "in_channels must be at least 1, got 0"),
        ((2, 3, 3, 1, 0, 1, 2), "out_channels must be a multiple of groups=2, got 3"),
        ((2, 2, 3, 1, 0, 1, 0), "groups must be at least 1, got 0"),
        ((2, 2, 0), "kernel_size is an integer of at least 1, or 2 of them; got 0"),
        ((2, 2, (3, 3, 3)), r"kernel_size is .* got \(3, 3, 3\)"),
    ],
)
def test_sizes_that_make_no_layer_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Conv2d(*arguments)


def test_an_image_of_other_channels_is_refused_by_the_layer_that_got_it():
    with pytest.raises(ValueError, match=r"^layer '1' \(Conv2d\): conv2d of x \(2, 4, 3, 3\) .*4 channels, expected 5"):
        Sequential(Conv2d(1, 4, 3), Conv2d(5, 2, 3))(Tensor(np.zeros((2, 1, 5, 5), np.float32)))
