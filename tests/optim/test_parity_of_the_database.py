"""Every optimizer on every sample of PyTorch's own database of optimizers, its error inputs too."""

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

from minigrad import nn, optim

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytest.importorskip("expecttest", reason="PyTorch's database of optimizers needs expecttest")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

APART = {"LBFGS", "Muon"}  # the one takes a closure and one group, the other matrices: see their own tests
OPTIMIZERS = {name: info for info in optim_db if hasattr(optim, name := info.optim_cls.__name__) and name not in APART}
SHAPES = [(), (1,), (7,), (5, 4), (2, 3, 1, 2), (0, 3), (30, 10), (3,)]
TOLERANCES = {"float64": {"rtol": 1e-12, "atol": 1e-13}, "float32": {"rtol": 1e-5, "atol": 1e-6}}
ABSENT = {"foreach", "fused", "capturable", "differentiable"}
"""Options of PyTorch's that ours have not: constructors refuse them by name, states as `test_loading.py` says."""


def plain(value: Any) -> Any:
    """A number for a tensor of one, in tuples too."""
    if isinstance(value, torch.Tensor):
        return value.item()
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def both(dtype: str) -> tuple[list[Any], list[nn.Parameter]]:
    random = np.random.default_rng(3)
    arrays = [np.asarray(random.standard_normal(shape).astype(dtype)) for shape in SHAPES]
    return [torch.nn.Parameter(torch.tensor(a)) for a in arrays], [nn.Parameter(a.copy()) for a in arrays]


def give_gradients(theirs: list[Any], ours: list[nn.Parameter], step: int, sparse: bool) -> None:
    random = np.random.default_rng(1000 + step)
    for i, (p, q) in enumerate(zip(theirs, ours, strict=True)):
        gradient = np.asarray(random.standard_normal(q.shape) * 10.0 ** random.integers(-3, 2), q.dtype)
        skipped = sparse and (i + step) % 3 == 0
        p.grad, q.grad = (None, None) if skipped else (torch.tensor(gradient), gradient.copy())


def groups(parameters: list[Any], two: bool) -> Any:
    return [{"params": parameters[:3]}, {"params": parameters[3:], "lr": 0.02}] if two else parameters


@pytest.mark.parametrize("how", ["one group", "two groups", "some without a gradient", "moved from PyTorch"])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_sample_takes_the_same_steps(name, dtype, how):
    info, compared = OPTIMIZERS[name], 0
    for sample in info.optim_inputs_func(device="cpu", dtype=getattr(torch, dtype)):
        options = {key: plain(value) for key, value in sample.kwargs.items()}
        if options.keys() - inspect.signature(getattr(optim, name)).parameters.keys():
            continue
        theirs, ours = both(dtype)
        expected = info.optim_cls(groups(theirs, how == "two groups"), **sample.kwargs)
        found = getattr(optim, name)(groups(ours, how == "two groups"), **options)
        for step in range(20):
            give_gradients(theirs, ours, step, how == "some without a gradient")
            expected.step()
            found.step()
            if step == 9 and how == "moved from PyTorch":
                found = getattr(optim, name)(ours, lr=0.5)
                found.load_state_dict(expected.state_dict())
        for p, q in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(q.data, p.detach().numpy(), **TOLERANCES[dtype], err_msg=str(options))
        compared += 1
    assert compared > 2


def ours_of(value: Any, known: dict[int, nn.Parameter]) -> Any:
    """PyTorch's parameters, alone or in groups, as ours; one that comes twice is one."""
    if isinstance(value, torch.Tensor):
        return known.setdefault(id(value), nn.Parameter(value.detach().numpy().copy()))
    if isinstance(value, dict):
        return {key: ours_of(part, known) for key, part in value.items()}
    return [ours_of(part, known) for part in value] if isinstance(value, list) else value


def construct_and_step(name: str, given: Any, error_input: Any) -> None:
    optimizer = getattr(optim, name)(given, **error_input.optimizer_error_input.kwargs)  # tensors for numbers, too
    if error_input.error_on is OptimizerErrorEnum.STEP_ERROR:
        optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_error_input_is_refused(name):
    refused = 0
    for error_input in OPTIMIZERS[name].optim_error_inputs_func(device="cpu", dtype=torch.float32):
        sample = error_input.optimizer_error_input
        if ABSENT & sample.kwargs.keys():
            continue
        given = [nn.Parameter(np.ones((1, 1), np.float32))] if sample.params is None else ours_of(sample.params, {})
        with pytest.raises((ValueError, TypeError)):
            construct_and_step(name, given, error_input)
        refused += 1
    assert refused > 2


def test_options_that_are_not_there_are_refused_by_their_name():
    for name in OPTIMIZERS:
        for option in ("fused", "foreach"):
            with pytest.raises(TypeError, match=option):
                getattr(optim, name)([nn.Parameter([1.0])], **{option: True})
