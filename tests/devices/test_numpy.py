"""NumPy's functions of tensors on another device, over the calls that tests/ops has of them."""

import re

import numpy as np
import pytest

from minigrad import Tensor, grad

from ..ops.numpy_calls import ARRAYS, CALLS, CONSTANTS
from .stand_in import NAME, asarray, asnumpy

APART = r"concatenate\(\[\["
"""Lists of numbers beside tensors, which lie on the CPU, as docs/devices.md says."""

EVERY = [each.strip() for text in CALLS.values() for each in re.split(r"·|\n", text) if each.strip()]
EVERY = [each for each in EVERY if all(hasattr(np, name) for name in re.findall(r"np\.(\w+)", each))]
EVERY = [each for each in EVERY if not re.search(APART, each)]


def run(call, device):
    put = (lambda x: x) if device == "cpu" else asarray
    leaves = {name: Tensor(put(x.copy()), requires_grad=True) for name, x in ARRAYS.items()}
    constants = {name: Tensor(put(x)) for name, x in CONSTANTS.items()}
    with np.errstate(all="ignore"):
        found = eval(call, {"np": np, **leaves, **constants})
        results = [x for x in (found if isinstance(found, (tuple, list)) else [found]) if isinstance(x, Tensor)]
        tracked = [x for x in results if x.requires_grad]
        starts = [put(np.ones(x.shape, x.dtype)) for x in tracked]
        gradients = grad(tracked, list(leaves.values()), starts, allow_unused=True) if tracked else ()
    return [asnumpy(x.data) for x in (*results, *gradients) if x is not None], {x.device for x in results}


@pytest.mark.parametrize("call", EVERY)
def test_a_call_gives_the_values_and_gradients_of_the_cpu(call):
    found, places = run(call, NAME)
    wanted, _ = run(call, "cpu")
    assert places <= {NAME}
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)
