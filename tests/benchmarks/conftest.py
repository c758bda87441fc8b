"""What the tests of the benchmarks share."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the process of a peer; what a peer sets for BLAS ends with the test."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with threadpool_limits(1, "blas"):
        yield
