import numpy as np
import pytest

from minigrad import Tensor, check_gradients, grad, nn

RANDOM = np.random.default_rng(0)


@pytest.mark.parity
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((4, 3), (4, 3)), {}),
        (((4, 3), (3,)), {"dim": -1}),
        (((2, 4, 3), (2, 1, 3)), {"dim": 1}),
        (((5,), (5,)), {"dim": 0, "eps": 100.0}),
    ],
)
def test_cosines_and_gradients_are_those_of_pytorch(shapes, options, dtype, rtol):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    arrays = [RANDOM.normal(size=shape).astype(dtype) for shape in shapes]
    arrays[0][..., 0] = 0
    mine, theirs = ([kind(a, requires_grad=True) for a in arrays] for kind in (Tensor, torch.tensor))
    found, expected = nn.CosineSimilarity(**options)(*mine), torch.nn.CosineSimilarity(**options)(*theirs)
    np.testing.assert_allclose(found.data, expected.detach().numpy(), rtol=rtol, atol=rtol)
    start = RANDOM.normal(size=found.shape).astype(dtype)
    for one, other in zip(
        grad(found, mine, start), torch.autograd.grad(expected, theirs, torch.tensor(start)), strict=True
    ):
        np.testing.assert_allclose(one.data, other.numpy(), rtol=rtol, atol=rtol)


def test_the_derivative_is_right():
    check_gradients(nn.CosineSimilarity(), *RANDOM.normal(size=(2, 3, 4)), order=2)


def test_a_vector_of_zeros_is_like_nothing_and_large_ones_do_not_overflow():
    similarity = nn.CosineSimilarity(dim=0)
    assert similarity(Tensor([0.0, 0.0]), Tensor([1.0, 2.0])).item() == 0
    large = Tensor(np.array([3e30, 4e30], np.float32))
    assert similarity(large, large).item() == pytest.approx(1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="eps must be above 0"):
        nn.CosineSimilarity(eps=0.0)
    with pytest.raises(ValueError, match="broadcast"):
        nn.CosineSimilarity()(Tensor(np.ones((2, 3))), Tensor(np.ones((2, 4))))
    with pytest.raises(IndexError):
        nn.CosineSimilarity(dim=2)(Tensor(np.ones((2, 3))), Tensor(np.ones((2, 3))))
