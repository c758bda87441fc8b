"""What the tests of ONNX share: onnxruntime, and inputs."""

import numpy as np
import pytest

from minigrad import Tensor, no_grad

pytest.importorskip("onnx", reason="ONNX files need onnx")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime computes what is compared")


def floats(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def tokens(*shape, below=20):
    return np.random.default_rng(0).integers(0, below, shape)


def computed(model, inputs):
    """What onnxruntime makes of inputs, by name or one array, as a list of arrays."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = inputs if isinstance(inputs, dict) else {session.get_inputs()[0].name: inputs}
    return session.run(None, given)


def assert_same(model, exported, *inputs):
    """Both give the same numbers, to 1e-5, for inputs by name or one array."""
    model.eval()
    for given in inputs:
        with no_grad():
            if isinstance(given, dict):
                out = model(**{name: Tensor(array) for name, array in given.items()})
            else:
                out = model(Tensor(given))
        for one, other in zip(computed(exported, given), out if isinstance(out, tuple) else (out,), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other.data, rtol=0, atol=1e-5 * max(1, np.abs(other.data).max()))


def axes(exported):
    """The axes of inputs and outputs, by their names."""
    return {
        each.name: [axis.dim_param or axis.dim_value for axis in each.type.tensor_type.shape.dim]
        for each in (*exported.graph.input, *exported.graph.output)
    }
