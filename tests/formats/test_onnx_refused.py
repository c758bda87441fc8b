"""Models that ONNX cannot express are refused with the layer, and the line of the user's file."""

import sys
from functools import partial
from io import BytesIO

import numpy as np
import pytest

from minigrad import nn, ops
from minigrad.engine.apply import primitive
from minigrad.formats import OnnxError, to_onnx
from minigrad.formats.onnx import write_onnx

from .onnx_models import assert_same, axes, floats, tokens

pytestmark = pytest.mark.parity

MODELS = """\
import numpy as np
from minigrad import nn, ops


class Choosing(nn.Module):
    def forward(self, x):
        if x.sum() > 0:  # numbers
            return x
        return -x


class Counting(nn.Module):
    def forward(self, x):
        for _ in range(len(x)):  # sizes
            x = ops.tanh(x)
        return x


class Switching(nn.Module):
    def forward(self, x):
        if len(x) > 4:
            return ops.tanh(x)
        return ops.exp(x)  # sizes


class Writing(nn.Module):
    def __init__(self):
        self.last = nn.Buffer(np.zeros(3, np.float32))

    def forward(self, x):
        self.last[...] = x[0]  # written
        return x + self.last


class Leaking(nn.Module):
    def forward(self, x):
        return x - x.data.mean(axis=1, keepdims=True)  # outside


class Peeking(nn.Module):
    def forward(self, x):
        return x * float(x.data.max())  # outside


class Drawing(nn.Module):
    def forward(self, x):
        return ops.dropout(x, 0.5)  # random


class Selecting(nn.Module):
    def forward(self, x):
        return x[x > 0]  # mask


class Outer(nn.Module):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)
"""


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The classes of a user's file, by name, with a way to find its lines."""
    file = tmp_path / "mine.py"
    file.write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mine", None)
    import mine

    yield vars(mine)
    sys.modules.pop("mine", None)


def _line(name, comment):
    """The line of a class that ends with a comment, as errors name it."""
    lines = MODELS.splitlines()
    start = lines.index(f"class {name}(nn.Module):")
    return f"mine.py:{next(i for i in range(start, len(lines)) if lines[i].endswith(comment)) + 1}"


def _refused(model, example, **options):
    with pytest.raises(OnnxError) as error:
        to_onnx(model, example, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "comment", "said"),
    [
        ("Choosing", "# numbers", "are read, in inner (Choosing): the operations may depend on them"),
        ("Switching", "# sizes", "this depends on the sizes or values of inputs"),
        ("Writing", "# written", "is written to in place, in inner (Writing): a graph has no state"),
        ("Leaking", "# outside", "computed outside of operations on tensors"),
        ("Peeking", "# outside", "not a simple function of a length"),
        ("Drawing", "# random", "random numbers"),
        ("Selecting", "# mask", "depends on values: keep the shape"),
    ],
)
def test_the_line_of_the_users_file_is_named(models, name, comment, said):
    message = _refused(models["Outer"](models[name]()), floats(4, 3))
    assert _line(name, comment) in message
    assert said in message
    assert "layer '" not in message


def test_a_loop_over_the_batch_is_named_by_the_line_that_follows(models):
    message = _refused(models["Counting"](), floats(4, 3))
    assert "mine.py:15: for inputs of shape" in message
    assert "the model applies tanh here, in model (Counting)" in message


def test_sizes_may_decide_if_they_are_not_free(models):
    exported = to_onnx(models["Counting"](), floats(4, 3), free={})
    assert axes(exported)["input"] == [4, 3]
    assert_same(models["Counting"](), exported, floats(4, 3))


def test_all_missing_operations_are_listed_at_once_with_their_layers():
    class Inverse(nn.Module):
        def forward(self, x):
            return ops.inv(x) + ops.cumprod(x, 1)

    model = nn.Sequential(Inverse(), nn.Sequential(nn.Linear(3, 3), Inverse()))
    message = _refused(model, floats(4, 3, 3))
    for said in ("inv: ONNX has no operators for", "cumprod: ONNX has cumulative sums", "0 (Inverse)", "1.1 (Inverse)"):
        assert said in message
    assert message.count("test_onnx_refused.py:") == 4


def test_an_operation_of_ones_own_is_named():
    own = primitive("triple", lambda x: 3 * x, lambda g: 3 * g)

    class Own(nn.Module):
        def forward(self, x):
            return own(x)

    assert "triple: it is an operation of another package" in _refused(Own(), floats(2, 3))


def test_a_difference_to_what_onnxruntime_computes_is_no_file(monkeypatch):
    monkeypatch.setitem(
        __import__("minigrad.formats.onnx.table", fromlist=["CONVERTERS"]).CONVERTERS,
        "tanh",
        lambda c: c.op("Sin", c[0]),
    )
    message = _refused(nn.Tanh(), floats(4, 3))
    assert "output of inputs input (4, 3) differs from onnxruntime's by up to" in message


def test_what_onnxruntime_has_in_single_precision_alone_is_told_with_the_remedy():
    message = _refused(nn.Conv1d(2, 3, 1).to(np.float64), floats(2, 2, 5).astype(np.float64))
    assert "onnxruntime cannot run the model" in message
    assert "export model.to(np.float32)" in message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"opset": 16}, "opset must be from 17 to 23, got 16"),
        ({"free": {"batch": 2}}, "free axis 'batch': input 'input', of shape (4, 3), has no axis 2"),
        ({"free": {"batch": {"x": 0}}}, "free axis 'batch': there is no input 'x'; the inputs are 'input'"),
    ],
)
def test_wrong_options_are_told(options, said):
    assert said in _refused(nn.Tanh(), floats(4, 3), **options)


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (
            np.zeros((0, 3), np.float32),
            "the example of 'input' must be a non-empty array of numbers, got float32 (0, 3)",
        ),
        (np.array(["a"]), "the example of 'input' must be a non-empty array of numbers"),
        (floats(4, 5), "the model does not accept the inputs input (3, 5)"),
        (np.float32(3), "an input without axes has no batch"),
    ],
)
def test_a_wrong_example_is_told(example, said):
    assert said in _refused(nn.Linear(3, 2), example)


def test_more_inputs_than_the_model_takes_are_told():
    assert "forward of Linear takes x, and the example has 2 inputs" in _refused(nn.Linear(3, 2), (floats(4, 3),) * 2)
    assert "expected a Module, got function" in _refused(lambda x: x, floats(4, 3))


def test_what_is_no_tensor_is_no_output():
    class Lost(nn.Module):
        def forward(self, x):
            return x.shape

    assert "a model must return tensors" in _refused(Lost(), floats(4, 3))


def test_a_length_that_the_model_needs_is_not_free():
    model = nn.Sequential(nn.Embedding(20, 4), nn.Flatten(), nn.Linear(20, 2))
    exported = to_onnx(model, tokens(3, 5))
    assert axes(exported) == {"input": ["batch", 5], "output": ["batch", 2]}


def test_without_onnxruntime_the_model_is_not_compared_and_a_warning_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.warns(UserWarning, match="onnxruntime is not installed: the ONNX model's results were not checked"):
        assert to_onnx(nn.Tanh(), floats(4, 3)).graph.node


@pytest.mark.parametrize("call", [to_onnx, partial(write_onnx, BytesIO())])
def test_without_onnx_a_sentence_names_the_package(call, monkeypatch):
    importers = ("onnx.", "minigrad.formats.onnx.b", "minigrad.formats.onnx.stream")
    for name in [name for name in sys.modules if name == "onnx" or name.startswith(importers)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match="ONNX files need onnx: pip install onnx"):
        call(nn.Tanh(), floats(4, 3))


class OnOddBatches(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x):
        if len(x) % 2:
            return self.first(x)
        return self.second(ops.tanh(self.first(x)))


def test_a_path_that_only_sizes_which_were_not_recorded_take_is_named_by_its_line():
    pytest.importorskip("onnxruntime")
    with pytest.raises(OnnxError, match=r"test_onnx_refused\.py:\d+: .*this depends on the sizes or values"):
        to_onnx(OnOddBatches(), np.ones((4, 2), np.float32))
