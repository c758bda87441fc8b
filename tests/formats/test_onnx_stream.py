"""ONNX files are written array by array: the same file that protobuf writes, without its copies."""

import io
import subprocess
import sys

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.formats import to_onnx
from minigrad.formats.onnx import write_onnx

onnx = pytest.importorskip("onnx")

WEIGHTS = "sum(p.data.nbytes for p in model.parameters())"
PEAK = f"""
import resource, sys
import numpy as np, onnx, onnxruntime
from minigrad import nn
from minigrad.formats.onnx import write_onnx

model = nn.Sequential(*[nn.Linear(2048, 2048) for _ in range(6)])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak() - {WEIGHTS}
with open(sys.argv[1], "wb") as file:
    write_onnx(file, model, np.ones((2, 2048), np.float32))
print((peak() - before) / {WEIGHTS})
"""


def test_what_is_written_is_what_protobuf_reads():
    minigrad.seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 300))
    example = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    file = io.BytesIO()
    write_onnx(file, model, example, metadata={"classes": "ä"})
    read = onnx.load_from_string(file.getvalue())
    onnx.checker.check_model(read, full_check=True)
    assert read == to_onnx(model, example, metadata={"classes": "ä"})


def test_nothing_is_written_of_a_model_that_cannot_be():
    file = io.BytesIO()
    with pytest.raises(ValueError, match="expected a Module"):
        write_onnx(file, np.tanh, np.ones(2))
    assert file.getvalue() == b""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_the_weights_are_held_three_times_at_most_while_they_are_compared_and_written(tmp_path):
    pytest.importorskip("onnxruntime")
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path / "m.onnx")], capture_output=True, text=True)
    assert float(done.stdout) <= 3, done.stderr
