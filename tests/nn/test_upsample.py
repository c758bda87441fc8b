import numpy as np
import pytest

from minigrad import Tensor, check_gradients, grad, nn, ops

RANDOM = np.random.default_rng(0)
CASES = [
    ((2, 3, 5), {"scale_factor": 2}),
    ((2, 3, 5), {"size": 3}),
    ((2, 3, 5), {"scale_factor": 2.6}),
    ((2, 3, 5), {"scale_factor": 0.7, "mode": "linear"}),
    ((2, 3, 5), {"size": 9, "mode": "linear", "align_corners": True}),
    ((2, 3, 5), {"size": 1, "mode": "linear", "align_corners": True}),
    ((2, 3, 4, 5), {"scale_factor": (2.0, 1.5)}),
    ((2, 3, 4, 5), {"size": (7, 3), "mode": "bilinear"}),
    ((2, 3, 4, 5), {"scale_factor": 1.7, "mode": "bilinear"}),
    ((2, 3, 4, 5), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
    ((2, 3, 4, 5), {"scale_factor": 2, "mode": "bicubic"}),
    ((2, 3, 4, 5), {"size": (3, 11), "mode": "bicubic", "align_corners": True}),
    ((2, 3, 2, 3, 4), {"scale_factor": 2, "mode": "trilinear"}),
    ((2, 3, 2, 3, 4), {"size": 3}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-5)])
@pytest.mark.parametrize(("shape", "options"), CASES)
def test_upsampling_and_its_gradient_are_those_of_pytorch(shape, options, dtype, rtol):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    array = RANDOM.normal(size=shape).astype(dtype)
    x, y = Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    found, expected = nn.Upsample(**options)(x), torch.nn.Upsample(**options)(y)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=rtol, atol=rtol)
    start = RANDOM.normal(size=found.shape).astype(dtype)
    (mine,) = grad(found, [x], start)
    (theirs,) = torch.autograd.grad(expected, y, torch.tensor(start))
    np.testing.assert_allclose(mine.data, theirs.numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("mode", ["nearest", "bicubic"])
def test_the_derivatives_are_right(mode):
    check_gradients(nn.Upsample(scale_factor=2, mode=mode), RANDOM.normal(size=(1, 2, 3, 4)), order=2)


def test_nearest_repeats_and_bilinear_keeps_a_ramp():
    assert nn.Upsample(scale_factor=2)(Tensor([[[1.0, 2.0]]])).data.tolist() == [[[1, 1, 2, 2]]]
    ramp = Tensor(np.arange(4.0).reshape(1, 1, 4))
    stretched = nn.Upsample(size=7, mode="linear", align_corners=True)(ramp)
    np.testing.assert_allclose(stretched.data[0, 0], np.arange(7) / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "takes size or scale_factor, one of the two"),
        ({"size": 2, "scale_factor": 2.0}, "takes size or scale_factor, one of the two"),
        ({"scale_factor": 0.0}, "scale_factor must be above 0"),
        ({"size": 0}, "size is an integer of at least 1"),
        ({"size": 2, "mode": "area"}, "mode must be 'nearest', 'linear', 'bilinear', 'bicubic' or 'trilinear'"),
        ({"size": 2, "align_corners": True}, "align_corners is for modes that draw lines"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nn.Upsample(**options)


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"size": 2, "mode": "bilinear"}, (1, 2, 3), "mode 'bilinear' is not for 1 axes.*these are: nearest, linear"),
        ({"size": 2}, (2, 3), r"one to three lengths, got \(2, 3\)"),
        ({"scale_factor": 0.1}, (1, 2, 3), r"lengths \(3,\) times 0.1 are below 1"),
        ({"size": (2, 2)}, (1, 2, 3), "size is an integer of at least 1, or 1 of them"),
        ({"scale_factor": (2.0, 2.0)}, (1, 2, 3), "scale_factor is a number, or 1 of them"),
        ({"size": 2}, (1, 2, 0), "an axis without elements has nothing to interpolate"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(options, shape, message):
    with pytest.raises(ValueError, match=message):
        nn.Upsample(**options)(Tensor(np.ones(shape)))


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(2, 8, 3, 4), (8, 3, 4), (2, 3, 4, 1, 2), (0, 4, 1, 2)])
def test_pixels_are_shuffled_as_in_pytorch(shape):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    x = RANDOM.normal(size=shape)
    np.testing.assert_array_equal(nn.PixelShuffle(2)(Tensor(x)).data, torch.nn.PixelShuffle(2)(torch.tensor(x)).numpy())


def test_channels_that_make_no_squares_are_refused():
    with pytest.raises(ValueError, match=r"takes \(..., C · 4, H, W\) for upscale_factor 2, got \(1, 6, 2, 2\)"):
        ops.pixel_shuffle(Tensor(np.ones((1, 6, 2, 2))), 2)
    with pytest.raises(ValueError, match="upscale_factor is an integer of at least 1"):
        nn.PixelShuffle(0)
