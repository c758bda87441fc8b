"""Every optimizer and schedule beside PyTorch's, step by step, in both precisions."""

import numpy as np
import pytest

from minigrad import optim
from minigrad.nn import Parameter

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity

RTOL = {np.float32: 1e-5, np.float64: 1e-12}
SHAPES = [(4, 3), (3,), (), (2, 2, 2)]

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.2}),
    ("Adam", {"lr": 0.1, "betas": (0.0, 0.9)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.0}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2, "maximize": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.2}),
]
with_every_optimizer = pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
in_both_precisions = pytest.mark.parametrize("dtype", RTOL, ids=lambda dtype: dtype.__name__)


def pairs(dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    return [Parameter(array.copy()) for array in arrays], [torch.nn.Parameter(torch.tensor(array)) for array in arrays]


def walk(steps, mine, theirs, optimizers, seed=1):
    """Takes the same steps with both, each with new gradients, of which some are None."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p, q in zip(mine, theirs, strict=True):
            g = np.asarray(rng.normal(size=p.shape)).astype(p.dtype)
            absent = rng.uniform() < 0.2
            p.grad, q.grad = (None, None) if absent else (g, torch.tensor(g))
        for optimizer in optimizers:
            optimizer.step()


def same(mine, theirs, dtype):
    for p, q in zip(mine, theirs, strict=True):
        assert p.dtype == dtype
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=RTOL[dtype], atol=RTOL[dtype] / 10)


@in_both_precisions
@with_every_optimizer
def test_ten_steps_lead_to_the_same_place(name, options, dtype):
    mine, theirs = pairs(dtype)
    walk(10, mine, theirs, [getattr(optim, name)(mine, **options), getattr(torch.optim, name)(theirs, **options)])
    same(mine, theirs, dtype)


@with_every_optimizer
def test_state_is_exchanged_both_ways(name, options):
    mine, theirs = pairs(np.float64)
    ours, reference = getattr(optim, name)(mine, **options), getattr(torch.optim, name)(theirs, **options)
    walk(3, mine, theirs, [ours, reference])

    resumed = getattr(optim, name)(mine)
    resumed.load_state_dict(reference.state_dict())
    walk(3, mine, theirs, [resumed, reference], seed=2)
    same(mine, theirs, np.float64)

    state = {
        n: {name: torch.tensor(value) for name, value in state.items()}
        for n, state in resumed.state_dict()["state"].items()
    }
    groups = [
        {**theirs_group, **ours_group}
        for theirs_group, ours_group in zip(
            reference.state_dict()["param_groups"], resumed.state_dict()["param_groups"], strict=True
        )
    ]
    reference = getattr(torch.optim, name)(theirs)
    reference.load_state_dict({"state": state, "param_groups": groups})
    for kept in reference.state.values():
        if "mu_product" in kept:  # single precision when it begins, that of the parameter when it is loaded
            kept["mu_product"] = kept["mu_product"].float()
    walk(3, mine, theirs, [resumed, reference], seed=3)
    same(mine, theirs, np.float64)


@in_both_precisions
def test_groups_with_their_own_options_lead_to_the_same_place(dtype):
    mine, theirs = pairs(dtype)
    optimizers = [
        kind([{"params": p[:2], "lr": 0.5, "weight_decay": 0.0}, {"params": p[2:], "betas": (0.8, 0.9)}], lr=0.1)
        for kind, p in ((optim.AdamW, mine), (torch.optim.AdamW, theirs))
    ]
    walk(10, mine, theirs, optimizers)
    same(mine, theirs, dtype)


@in_both_precisions
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_agrees(max_norm, dtype):
    mine, theirs = pairs(dtype)
    walk(1, mine, theirs, [])
    norm = optim.clip_grad_norm_(mine, max_norm)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, max_norm).item(), rel=RTOL[dtype])
    for p, q in zip(mine, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=RTOL[dtype])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 3}),
        ("StepLR", {"step_size": 1, "gamma": 0.9}),
        ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
        ("PolynomialLR", {}),
        ("PolynomialLR", {"total_iters": 7, "power": 2.0}),
        ("CosineAnnealingWarmRestarts", {"T_0": 3}),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
        ("ConstantLR", {}),
        ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
        ("LinearLR", {}),
        ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 7}),
        ("ExponentialLR", {"gamma": 0.8}),
        ("CosineAnnealingLR", {"T_max": 8}),
        ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
        ("OneCycleLR", {"max_lr": 2.0, "total_steps": 13}),
        ("OneCycleLR", {"max_lr": [2.0, 1.0], "epochs": 2, "steps_per_epoch": 7, "anneal_strategy": "linear"}),
        ("OneCycleLR", {"max_lr": 2.0, "total_steps": 20, "three_phase": True, "pct_start": 0.4}),
        ("OneCycleLR", {"max_lr": 2.0, "total_steps": 14, "div_factor": 3.0, "final_div_factor": 7.0}),
        ("OneCycleLR", {"max_lr": 2.0, "total_steps": 13, "base_momentum": [0.5, 0.6], "max_momentum": 0.8}),
    ],
)
def test_a_schedule_sets_the_same_rates(name, options):
    mine, theirs = pairs(np.float64)
    groups = [[{"params": p[:2], "lr": 0.5}, {"params": p[2:]}] for p in (mine, theirs)]
    ours, reference = optim.SGD(groups[0], lr=0.1), torch.optim.SGD(groups[1], lr=0.1)
    schedule = getattr(optim, name)(ours, **options)
    expected = getattr(torch.optim.lr_scheduler, name)(reference, **options)
    for _ in range(12):
        for option in ("lr", "momentum"):
            found = [group[option] for group in ours.param_groups]
            assert found == pytest.approx([group[option] for group in reference.param_groups], rel=1e-12, abs=1e-16)
        ours.step()
        reference.step()
        schedule.step()
        expected.step()


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 1, "factor": 0.5, "cooldown": 3, "min_lr": [0.05, 0.01]},
        {"patience": 0, "threshold": 0.2, "threshold_mode": "abs", "eps": 1e-3},
    ],
)
def test_plateaus_are_left_at_the_same_steps(options, mode):
    mine, theirs = pairs(np.float64)
    groups = [[{"params": p[:2], "lr": 0.5}, {"params": p[2:]}] for p in (mine, theirs)]
    ours, reference = optim.SGD(groups[0], lr=0.1), torch.optim.SGD(groups[1], lr=0.1)
    plateau = optim.ReduceLROnPlateau(ours, mode, **options)
    expected = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, mode, **options)
    for value in np.random.default_rng(0).normal(size=40):
        plateau.step(value)
        expected.step(value)
        assert [g["lr"] for g in ours.param_groups] == [g["lr"] for g in reference.param_groups]
