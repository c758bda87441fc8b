"""Every layer and loss on every sample of PyTorch's own database of modules, its error inputs too."""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, grad, nn

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytest.importorskip("expecttest", reason="PyTorch's database of modules needs expecttest")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

OURS = {"MultiheadAttention": "MultiHeadAttention"}  # by PyTorch's name, where ours is another
MODULES = {
    info.module_cls.__name__: info
    for info in module_db
    if hasattr(nn, OURS.get(info.module_cls.__name__, info.module_cls.__name__))
}
TOLERANCES = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 2e-4, "atol": 2e-5}}

DEFAULTS = {  # of PyTorch's arguments that ours has not; at these values they may be left out
    "add_bias_kv": False, "add_zero_attn": False, "inplace": False, "padding_mode": "zeros", "sparse": False,
    "max_norm": None, "scale_grad_by_freq": False, "proj_size": 0, "return_indices": False,
    "divisor_override": None, "size_average": None, "reduce": None, "device": None, "dtype": None, "bias": True,
    "enable_nested_tensor": True,
}  # fmt: skip

EXCEPTIONS = {
    "CrossEntropyLoss": (
        r"no row to take the mean of: every class index is 1",
        "PyTorch's mean of no rows is NaN, which says nothing; ours is an error that names the reason",
    ),
    "KLDivLoss": (
        r"targets are probabilities, at least 0",
        "the samples hold negative probabilities, which the documentation excludes",
    ),
    "MarginRankingLoss": (r"targets are 1 or -1", "the samples hold other targets, which the documentation excludes"),
}
"""What ours refuses and PyTorch computes: by module the message, and why."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch's threads would wait for each other longer than these small samples take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class NotOursError(Exception):
    """A sample of what ours does not have, such as an argument."""


def leaves(value: Any, kind: type) -> list[Any]:
    if isinstance(value, kind):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return [leaf for part in parts for leaf in leaves(part, kind)]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        raise NotOursError("packed sequences")
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(part, change) for key, part in value.items()}
    return type(value)([mapped(part, change) for part in value]) if type(value) in (list, tuple) else value


def array(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy().copy()


def argument(value: Any) -> Any:
    """An argument of a constructor as ours takes it."""
    if value in (torch.nn.functional.relu, torch.nn.functional.gelu):
        return value.__name__
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return nn.TransformerEncoderLayer(
            value.self_attn.embed_dim,
            value.self_attn.num_heads,
            value.linear1.out_features,
            value.dropout.p,
            activation="gelu" if value.activation is torch.nn.functional.gelu else "relu",
            norm_first=value.norm_first,
            bias=value.linear1.bias is not None,
        )
    if isinstance(value, (torch.dtype, torch.nn.Module)):
        raise NotOursError(str(value))
    return mapped(value, array)


def build(name: str, args: Any, kwargs: dict[str, Any]) -> nn.Module:
    cls = getattr(nn, OURS.get(name, name))
    known = inspect.signature(cls).parameters
    given = {key: argument(value) for key, value in kwargs.items() if key != "batch_first" or key in known}
    for key in [key for key in given if key not in known]:
        if given.pop(key) != DEFAULTS.get(key, NotOursError):
            raise NotOursError(key)
    return cls(*map(argument, args), **given)


def needs_batch_first(name: str) -> bool:
    return name.startswith("Transformer") or name == "MultiheadAttention"


class Sample:
    """A module of PyTorch, and how the database calls it."""

    def __init__(self, info: Any, dtype: Any, training: bool, sample: Any) -> None:
        self.name, self.dtype, self.training = info.module_cls.__name__, dtype, training
        self.args, self.kwargs = sample.constructor_input.args, dict(sample.constructor_input.kwargs)
        self.inputs, self.named = tuple(sample.forward_input.args), dict(sample.forward_input.kwargs)
        batched = leaves(self.inputs, torch.Tensor) and leaves(self.inputs, torch.Tensor)[0].ndim == 3
        if needs_batch_first(self.name) and batched and self.name != "TransformerEncoder":
            self.kwargs.setdefault("batch_first", True)  # which is the default of ours
        self.theirs = info.module_cls(*self.args, **self.kwargs).to(dtype).train(training)
        if self.name == "TransformerEncoder":
            for module in self.theirs.modules():
                if hasattr(module, "batch_first"):
                    module.batch_first = True
        drops = [m for m in self.theirs.modules() if isinstance(m, torch.nn.Dropout) and m.p > 0]
        if training and drops:
            raise NotOursError("random numbers")
        with torch.no_grad():
            for parameter in self.theirs.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.5)

    def compare(self) -> None:
        """Compares results, gradients, state and buffers. Raises: AssertionError, and whatever ours raises."""
        ours = build(self.name, self.args, self.kwargs)
        ours.to(np.float64 if self.dtype == torch.float64 else np.float32).train(self.training)
        state = {key: array(value) for key, value in self.theirs.state_dict().items()}
        ours.load_state_dict(state)
        assert list(ours.state_dict()) == list(state)
        twins: dict[int, Tensor] = {}
        inputs, named = mapped((self.inputs, self.named), lambda x: twins.setdefault(id(x), tensor(x)))
        if self.name == "MultiheadAttention":
            named.setdefault("need_weights", True)
        unknown = set(named) - set(inspect.signature(ours.forward).parameters)
        if unknown:
            raise NotOursError(f"forward({', '.join(unknown)})")
        expected = leaves(self.theirs(*self.inputs, **self.named), torch.Tensor)
        found = leaves(ours(*inputs, **named), Tensor)
        for one, other in zip(found, expected, strict=True):
            self.close("result", one.data, array(other))
        self.compare_gradients(ours, found, expected, twins)
        for key, value in self.theirs.state_dict().items():
            self.close(f"{key} afterwards", ours.state_dict()[key], array(value))

    def compare_gradients(self, ours: Any, found: list[Any], expected: list[Any], twins: dict[int, Tensor]) -> None:
        places = [i for i, x in enumerate(expected) if x.requires_grad]
        if not places:
            return
        given = {id(x): x for x in leaves((self.inputs, self.named), torch.Tensor) if x.requires_grad}
        theirs = [*given.values(), *(p for p in self.theirs.parameters() if p.requires_grad)]
        mine = [*(twins[i] for i in given), *(p for p in ours.parameters() if p.requires_grad)]
        random = np.random.default_rng(0)
        starts = [random.standard_normal(found[i].shape).astype(found[i].dtype) for i in places]
        want = torch.autograd.grad(
            [expected[i] for i in places], theirs, [torch.tensor(start) for start in starts], allow_unused=True
        )
        got = grad([found[i] for i in places], mine, starts, allow_unused=True)
        for one, other, leaf in zip(got, want, mine, strict=True):
            zero = np.zeros(leaf.shape, leaf.dtype)
            self.close("gradient", zero if one is None else one.data, zero if other is None else array(other))

    def close(self, what: str, found: np.ndarray, expected: np.ndarray) -> None:
        assert found.dtype == expected.dtype, what
        tolerance = dict(TOLERANCES[self.dtype])
        # a small element may be the rest of large terms, each with a rounding of its own; with scores in the tens, both
        # libraries are 5e-6 of the largest element off the same computed in float64
        if expected.dtype.kind == "f":
            largest = np.abs(expected).max(initial=0)
            tolerance["atol"] = max(tolerance["atol"], 8 * np.finfo(expected.dtype).eps * largest)
        np.testing.assert_allclose(found, expected, **tolerance, err_msg=what)


def tensor(x: Any) -> Tensor:
    return Tensor(array(x), requires_grad=x.requires_grad)


def samples(name: str) -> Iterator[Callable[[], None]]:
    """Yields for each sample a function that compares it."""
    info = MODULES[name]
    for dtype in (torch.float64, torch.float32):
        for training in (True, False):
            if dtype in info.supported_dtypes("cpu"):
                torch.manual_seed(0)
                for sample in info.module_inputs_func(
                    info, device="cpu", dtype=dtype, requires_grad=True, training=training
                ):
                    yield lambda sample=sample, d=dtype, t=training: Sample(info, d, t, sample).compare()


@pytest.mark.parametrize("name", MODULES)
def test_every_sample_agrees_but_for_the_exceptions(name):
    failures, compared = [], 0
    for compare in samples(name):
        try:
            compare()
        except NotOursError:
            continue
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
        compared += 1
    assert compared > 0
    message, _ = EXCEPTIONS.get(name, ("nothing", ""))
    assert [failure for failure in failures if not re.search(message, failure)] == []
    assert bool(failures) == (name in EXCEPTIONS)  # an exception that is none any more is to be taken out


def is_refused(name: str, error_input: Any) -> bool:
    sample = error_input.module_error_input
    try:
        module = build(name, sample.constructor_input.args, dict(sample.constructor_input.kwargs))
        if error_input.error_on is ModuleErrorEnum.CONSTRUCTION_ERROR:
            return False
        inputs, named = mapped((tuple(sample.forward_input.args), dict(sample.forward_input.kwargs)), tensor)
        module(*inputs, **named)
    except (ValueError, TypeError, IndexError):
        return True
    return False


@pytest.mark.parametrize("name", [name for name, info in MODULES.items() if info.module_error_inputs_func])
def test_every_error_input_is_refused(name):
    info, refused = MODULES[name], []
    for training in (True, False):
        for error_input in info.module_error_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=training
        ):
            try:
                refused.append(is_refused(name, error_input))
            except NotOursError:
                continue
    assert refused
    assert all(refused)


def test_the_exceptions_are_of_modules_that_are_there():
    assert set(EXCEPTIONS) <= set(MODULES)
