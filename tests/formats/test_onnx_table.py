"""Every operation has its line in ONNX, which computes the same, or the reason why it has none."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="models are written with onnx")
pytest.importorskip("onnxruntime", reason="models are compared with onnxruntime")

from minigrad import nn
from minigrad.engine.apply import operations
from minigrad.formats import OnnxError, to_onnx
from minigrad.formats.onnx.recording import Recording
from minigrad.formats.onnx.table import CONVERTERS, REASONS
from tests.ops.operations import CASES, DECLARED, OPERATIONS, as_list, converted

from .onnx_models import computed

pytestmark = pytest.mark.parity

LATER = {"sum_pool": 19}
"""Operations of which some calls need an opset."""

WRITTEN = [(name, opset) for name in CASES if name in CONVERTERS for opset in (17, 20) if LATER.get(name, 0) <= opset]


class Calls(nn.Module):
    """All calls of an operation, with the arrays of floating point in them as inputs x0, x1 and so on."""

    def __init__(self, name):
        self.operation, self.calls = OPERATIONS[name], []
        self.inputs = {}
        for args, kwargs in CASES[name].calls:
            arrays = []
            converted(list(args), lambda array, arrays=arrays: arrays.append(array.astype(np.float32)))
            if arrays and all(array.size for array in arrays):  # of no elements onnxruntime's LSTM ends the process
                names = [f"x{len(self.inputs) + i}" for i in range(len(arrays))]
                self.inputs |= dict(zip(names, arrays, strict=True))
                self.calls.append((args, kwargs, names))

    def forward(self, **inputs):
        """The results of all calls."""
        results = []
        for args, kwargs, names in self.calls:
            values = iter([inputs[name] for name in names])
            results += as_list(self.operation(*converted(list(args), lambda _, values=values: next(values)), **kwargs))
        return results


def _exported(name, opset):
    model = Calls(name)
    return model, to_onnx(model, model.inputs, opset=opset, free={})


def test_every_operation_has_a_line_or_a_reason():
    missing = set(DECLARED) - set(CONVERTERS) - set(REASONS)
    assert missing == set(), "add a converter to minigrad/formats/onnx, or a reason to REASONS in table.py there"
    assert (set(CONVERTERS) | set(REASONS)) - set(operations) == set()
    assert set(CONVERTERS) & set(REASONS) == set()


@pytest.mark.parametrize(("name", "opset"), WRITTEN)
def test_the_line_of_an_operation_gives_its_numbers(name, opset):
    model, exported = _exported(name, opset)
    with np.errstate(all="ignore"):
        expected = model(**model.inputs)
    for one, other in zip(computed(exported, model.inputs), expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name in REASONS])
def test_an_operation_without_a_line_is_refused_with_its_reason(name):
    with pytest.raises(OnnxError) as error:
        _exported(name, 20)
    assert f"  {name}: {REASONS[name]}" in str(error.value)


@pytest.mark.parametrize("name", [name for name in CASES if name not in DECLARED])
def test_what_operations_are_composed_of_gives_their_numbers(name):
    model = Calls(name)
    made_of = Recording(model, model.inputs, by_name=True).steps
    reasons = {f"  {step.operation.name}: {REASONS.get(step.operation.name)}" for step in made_of} - {
        f"  {step.operation.name}: None" for step in made_of
    }
    if not reasons:
        _exported(name, 20)
        return
    with pytest.raises(OnnxError) as error:
        _exported(name, 20)
    assert all(reason in str(error.value) for reason in reasons)
