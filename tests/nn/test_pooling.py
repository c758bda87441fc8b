import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, Sequential


def test_pooling_takes_the_largest_or_the_mean_of_each_square():
    x = Tensor(np.arange(16.0).reshape(1, 1, 4, 4))
    np.testing.assert_array_equal(MaxPool2d(2)(x).data, [[[[5, 7], [13, 15]]]])
    np.testing.assert_array_equal(AvgPool2d(2)(x).data, [[[[2.5, 4.5], [10.5, 12.5]]]])
    np.testing.assert_array_equal(AdaptiveAvgPool2d(1)(x).data, [[[[7.5]]]])


def test_the_text_of_a_layer_shows_the_kernel_and_its_step():
    assert repr(MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1)"
    assert repr(AvgPool2d(3, 1)) == "AvgPool2d(kernel_size=3, stride=1, padding=0)"
    assert repr(AdaptiveAvgPool2d((None, 2))) == "AdaptiveAvgPool2d(output_size=(None, 2))"


@pytest.mark.parametrize("layer", [MaxPool2d(5), AvgPool2d(5)])
def test_a_kernel_larger_than_the_image_is_refused_by_the_layer_that_got_it(layer):
    with pytest.raises(ValueError, match=rf"^layer '0' \({type(layer).__name__}\): .* does not fit into \(4, 4\)"):
        Sequential(layer)(Tensor(np.zeros((1, 1, 4, 4), np.float32)))


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), AdaptiveAvgPool2d(1)])
@pytest.mark.parametrize("shape", [(4,), (4, 4), (1, 1, 2, 4, 4)])
def test_what_is_no_image_is_refused(layer, shape):
    with pytest.raises(ValueError, match=r"expected images, \(N, C, H, W\), or one, \(C, H, W\), got shape"):
        layer(Tensor(np.zeros(shape, np.float32)))


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), AdaptiveAvgPool2d(2)])
def test_one_image_is_pooled_as_a_batch_of_it(layer):
    x = np.random.default_rng(0).normal(size=(3, 4, 4))
    np.testing.assert_array_equal(layer(Tensor(x)).data, layer(Tensor(x[None])).data[0])
