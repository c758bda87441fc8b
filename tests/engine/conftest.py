from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minigrad import primitive
from minigrad.engine.apply import numpy_functions
from minigrad.engine.apply import operations as table


@pytest.fixture
def declare() -> Iterator[Callable[..., Any]]:
    """`primitive`, of operations that are forgotten after the test."""
    operations, functions = dict(table), dict(numpy_functions)
    yield primitive
    for kept, now in ((operations, table), (functions, numpy_functions)):
        now.clear()
        now.update(kept)
