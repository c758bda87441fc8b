import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(3, 2, (4, 3, 2, 2)).astype(np.float32)


def test_gradients_are_those_of_finite_differences():
    for layer, shape in (
        (BatchNorm1d(2, momentum=0.0), (3, 2)),
        (BatchNorm1d(2).eval(), (3, 2)),
        (LayerNorm((2, 2)), (2, 2, 2)),
        (RMSNorm(3), (2, 3)),
        (GroupNorm(2, 4), (2, 4, 2)),
    ):
        check_gradients(layer, RANDOM.normal(size=shape))


def test_a_batch_comes_out_with_mean_zero_and_deviation_one_in_each_channel():
    out = BatchNorm2d(3)(Tensor(IMAGES)).data
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(out.std((0, 2, 3)), 1, rtol=1e-4)


def test_running_statistics_come_to_those_of_the_data_and_serve_in_evaluation():
    layer = BatchNorm2d(3, momentum=None)
    for part in (IMAGES[:2], IMAGES[2:]):
        layer(Tensor(part))
    np.testing.assert_allclose(layer.running_mean.data, IMAGES.mean((0, 2, 3)), rtol=1e-5)
    assert layer.num_batches_tracked.item() == 2
    layer.eval()
    together, alone = layer(Tensor(IMAGES)).data, layer(Tensor(IMAGES[:1])).data
    np.testing.assert_allclose(together[:1], alone, rtol=1e-6)
    assert layer.num_batches_tracked.item() == 2


def test_without_running_statistics_there_are_none_in_the_state():
    assert list(BatchNorm1d(3, affine=False, track_running_stats=False).state_dict()) == []


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (BatchNorm2d(3), (2, 4, 2, 2), r"expected \(N, 3, H, W\), got \(2, 4, 2, 2\)"),
        (BatchNorm2d(3), (2, 3), r"expected \(N, 3, H, W\), got \(2, 3\)"),
        (BatchNorm1d(3), (2, 4), r"expected \(N, 3\) or \(N, 3, L\), got \(2, 4\)"),
        (BatchNorm1d(3), (1, 3), "one number for each channel, which has no deviation"),
        (LayerNorm((3, 4)), (2, 4), r"expected its last axes to be \(3, 4\)"),
        (RMSNorm(3), (2, 4), r"rms_norm of x .* expected its last axes to be \(3,\)"),
        (GroupNorm(2, 4), (2, 6), r"expected \(N, 4, ...\), got \(2, 6\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(Tensor(np.zeros(shape, np.float32)))


def test_sizes_that_make_no_layer_are_refused():
    with pytest.raises(ValueError, match="num_features must be at least 1, got 0"):
        BatchNorm1d(0)
    with pytest.raises(ValueError, match="normalized_shape must be at least 1, got 0"):
        LayerNorm((3, 0))
    with pytest.raises(ValueError, match="num_channels must be a multiple of num_groups=2, got 3"):
        GroupNorm(2, 3)


def test_the_text_of_layers_shows_their_sizes():
    assert repr(BatchNorm1d(3)) == "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    assert repr(LayerNorm(3)) == "LayerNorm((3,), eps=1e-05, elementwise_affine=True)"
    assert repr(RMSNorm(3)) == "RMSNorm((3,), eps=None, elementwise_affine=True)"
    assert repr(GroupNorm(1, 3)) == "GroupNorm(1, 3, eps=1e-05, affine=True)"


@pytest.mark.parametrize(("layer", "shape"), [(BatchNorm1d(5), (0, 5, 9)), (BatchNorm2d(5), (0, 5, 2, 2))])
def test_an_empty_batch_is_counted_and_moves_no_statistics(layer, shape):
    x = Tensor(np.zeros(shape, np.float32), requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert out.shape == x.grad.shape == shape
    assert layer.weight.grad.tolist() == [0] * 5
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0] * 5, [1] * 5)
    assert int(layer.num_batches_tracked) == 1


@pytest.mark.parametrize("eps", [0, -1.0])
def test_an_eps_that_is_not_above_zero_is_refused(eps):
    for build in (BatchNorm1d, BatchNorm2d, LayerNorm, RMSNorm, lambda n, eps: GroupNorm(1, n, eps)):
        with pytest.raises(ValueError, match=f"eps must be above 0, got {eps}"):
            build(2, eps=eps)
