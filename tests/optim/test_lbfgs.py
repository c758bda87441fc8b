"""L-BFGS beside PyTorch's and SciPy's valleys, with its state moved, saved and damaged."""

import copy

import numpy as np
import pytest

from minigrad import Tensor, nn
from minigrad.optim import LBFGS, SGD, OneCycleLR, StepLR

START = [-1.2, 1.0, 0.5]


def rosenbrock(x):
    """A bent valley, whose lowest point is at 1, 1, 1."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def climb_down(optimizer, p, steps, function=rosenbrock):
    def closure():
        optimizer.zero_grad()
        loss = function(p)
        loss.backward()
        return loss

    return [float(optimizer.step(closure).data) for _ in range(steps)]


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_loaded_state_goes_on_bit_by_bit(steps):
    p, q = nn.Parameter(np.array(START)), nn.Parameter(np.array(START))
    optimizer = LBFGS([p], max_iter=4, line_search_fn="strong_wolfe")
    climb_down(optimizer, p, steps)
    twin = LBFGS([q], lr=0.3)
    q.data[:] = p.data
    twin.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert climb_down(twin, q, 4) == climb_down(optimizer, p, 4)
    assert np.array_equal(p.data, q.data)


def test_a_line_search_finds_the_end_of_a_bent_valley():
    p = nn.Parameter(np.array(START))
    losses = climb_down(LBFGS([p], line_search_fn="strong_wolfe", max_iter=60, max_eval=200), p, 2)
    assert losses[1] < 1e-10
    np.testing.assert_allclose(p.data, 1, atol=1e-5)


def test_one_step_leads_to_the_lowest_point_of_a_quadratic():
    curvature = np.diag([1.0, 4.0, 9.0])
    p = nn.Parameter(np.array(START))
    optimizer = LBFGS([p], line_search_fn="strong_wolfe", max_iter=20)
    climb_down(optimizer, p, 1, lambda x: x @ Tensor(curvature) @ x)
    np.testing.assert_allclose(p.data, 0, atol=1e-4)


def test_parameters_without_a_gradient_stay():
    p, unused = nn.Parameter(np.array(START)), nn.Parameter([[3.0]])
    climb_down(LBFGS([unused, p]), p, 2)
    assert unused.data.tolist() == [[3.0]]


def test_where_the_gradient_is_zero_nothing_moves():
    p = nn.Parameter(np.ones(3))
    optimizer = LBFGS([p])
    assert climb_down(optimizer, p, 2) == [0, 0]
    assert optimizer.state_dict()["state"][0] == {"func_evals": 2}


def test_schedules_set_its_rate_and_those_that_need_a_momentum_say_so():
    optimizer = LBFGS([nn.Parameter(np.array(START))], lr=1.0)
    StepLR(optimizer, 1).step()
    assert optimizer.param_groups[0]["lr"] == 0.1
    with pytest.raises(ValueError, match="LBFGS has no momentum to cycle"):
        OneCycleLR(optimizer, 1.0, total_steps=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_search_fn": "armijo"}, "line_search_fn must be 'strong_wolfe' or None, got 'armijo'"),
        ({"max_iter": 0}, "max_iter must be at least 1, got 0"),
        ({"history_size": 0}, "history_size must be at least 1, got 0"),
        ({"lr": -1.0}, "lr must be at least 0, got -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LBFGS([nn.Parameter([1.0])], **options)


def test_several_groups_and_a_step_without_a_closure_are_refused():
    p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
    with pytest.raises(ValueError, match="moves all parameters together"):
        LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(TypeError, match="evaluates the loss several times in a step"):
        LBFGS([p]).step()


def test_states_of_other_optimizers_and_other_models_are_refused():
    p, q = nn.Parameter(np.array(START)), nn.Parameter(np.ones(2))
    optimizer = LBFGS([p])
    climb_down(optimizer, p, 1)
    with pytest.raises(ValueError, match="expected directions of 2 numbers, got 3"):
        LBFGS([q]).load_state_dict(optimizer.state_dict())
    other = SGD([p], momentum=0.9)
    other.step()
    with pytest.raises(ValueError, match="another optimizer than LBFGS"):
        LBFGS([p]).load_state_dict(other.state_dict())
    with pytest.raises(TypeError, match="expected the state_dict of an optimizer"):
        LBFGS([p]).load_state_dict([])


OPTIONS = [
    {},
    {"lr": 0.1, "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe"},
    {"lr": 0.5, "max_iter": 6, "max_eval": 8, "history_size": 3, "line_search_fn": "strong_wolfe"},
    {"lr": 1e-3, "tolerance_change": 1e-5},
    {"tolerance_grad": 10.0},
]


@pytest.mark.parity
class TestBesidePyTorch:
    def pair(self, dtype, options):
        torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
        start = np.array(START, dtype)
        mine, theirs = nn.Parameter(start.copy()), torch.nn.Parameter(torch.tensor(start))
        return mine, theirs, LBFGS([mine], **options), torch.optim.LBFGS([theirs], **options)

    def walk(self, mine, theirs, ours, reference, steps, function):
        def closure():
            reference.zero_grad()
            loss = function(theirs)
            loss.backward()
            return loss

        for _ in range(steps):
            reference.step(closure)
        climb_down(ours, mine, steps, function)

    @pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
    @pytest.mark.parametrize("options", OPTIONS)
    def test_the_same_steps_in_a_round_valley(self, options, dtype, rtol):
        mine, theirs, ours, reference = self.pair(dtype, options)
        self.walk(mine, theirs, ours, reference, 3, lambda x: (x * x * x * x + 2 * x * x + 0.3 * x).sum())
        np.testing.assert_allclose(mine.data, theirs.detach().numpy(), rtol=rtol, atol=rtol)

    @pytest.mark.parametrize("options", OPTIONS[1:])
    def test_a_state_moved_from_pytorch_takes_the_same_steps(self, options):
        mine, theirs, ours, reference = self.pair(np.float64, options)
        self.walk(mine, theirs, ours, reference, 2, rosenbrock)
        moved = LBFGS([mine])
        moved.load_state_dict(reference.state_dict())
        self.walk(mine, theirs, moved, reference, 2, rosenbrock)
        np.testing.assert_allclose(mine.data, theirs.detach().numpy(), rtol=1e-9)
