import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import Muon
from minigrad.optim.muon import orthogonalised

RANDOM = np.random.default_rng(0)
COEFFICIENTS = (3.4445, -4.775, 2.0315)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (1, 4), (0, 3)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = RANDOM.normal(size=shape)
    found = orthogonalised(matrix, COEFFICIENTS, 5, 1e-7)
    assert found.shape == shape
    values = np.linalg.svd(found, compute_uv=False)
    assert ((values > 0.3) & (values < 1.5)).all()
    np.testing.assert_allclose(found @ matrix.T, (found @ matrix.T).T, atol=1e-10)  # U S Vᵀ V Σ Uᵀ is symmetric


def test_a_gradient_of_zero_moves_nothing():
    p = Parameter(np.ones((3, 2)))
    optimizer = Muon([p], lr=0.1, weight_decay=0)
    p.grad = np.zeros((3, 2))
    optimizer.step()
    assert np.array_equal(p.data, np.ones((3, 2)))


def test_what_is_no_matrix_is_refused_with_the_way_to_divide_parameters():
    with pytest.raises(ValueError, match=r"parameter 1 has the shape \(3,\).*the others to an optimizer such as AdamW"):
        Muon([Parameter(np.ones((2, 3))), Parameter(np.ones(3))])
    optimizer = Muon([Parameter(np.ones((2, 3)))])
    with pytest.raises(ValueError, match=r"parameter 0 has the shape \(\)"):
        optimizer.add_param_group({"params": [Parameter(1.0)]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ns_steps": 100}, "ns_steps must be below 100, got 100"),
        ({"ns_coefficients": (1.0, 2.0)}, r"ns_coefficients are three numbers, a, b and c, got \(1.0, 2.0\)"),
        ({"adjust_lr_fn": "mine"}, "adjust_lr_fn must be 'original' or 'match_rms_adamw', got 'mine'"),
        ({"momentum": -0.1}, "momentum must be at least 0, got -0.1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Muon([Parameter(np.ones((2, 3)))], **options)


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.1, "momentum": 0.5, "nesterov": False, "weight_decay": 0.3},
        {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "eps": 1e-3},
        {"ns_coefficients": (2.0, -1.5, 0.5), "weight_decay": 0.0},
    ],
)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_its_steps_are_those_of_pytorch_but_for_bfloat16(options, dtype, rtol, monkeypatch):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # PyTorch's own code, in the dtype of the weights
    starts = [RANDOM.normal(size=shape).astype(dtype) for shape in [(4, 3), (3, 7), (5, 5)]]
    mine = [Parameter(start.copy()) for start in starts]
    theirs = [torch.nn.Parameter(torch.tensor(start)) for start in starts]
    ours, reference = Muon(mine, **options), torch.optim.Muon(theirs, **options)
    for step in range(8):
        for p, q in zip(mine, theirs, strict=True):
            gradient = RANDOM.normal(size=p.shape).astype(dtype)
            p.grad, q.grad = gradient, torch.tensor(gradient)
        ours.step()
        reference.step()
        if step == 4:
            ours = Muon(mine)
            ours.load_state_dict(reference.state_dict())
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parity
def test_its_first_step_is_that_of_pytorch_to_the_precision_of_bfloat16():
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    start, gradient = np.zeros((6, 4), np.float32), np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    p, q = Parameter(start.copy()), torch.nn.Parameter(torch.tensor(start))
    p.grad, q.grad = gradient, torch.tensor(gradient)
    Muon([p], lr=1.0).step()
    torch.optim.Muon([q], lr=1.0).step()
    np.testing.assert_allclose(p.data, q.detach().numpy(), atol=0.02)
