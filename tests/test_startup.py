from __future__ import annotations

import os
import subprocess
import sys

import pytest

SPIN = "OPENBLAS_THREAD_TIMEOUT"


def spin_after(imports: str, **environment: str) -> str:
    """What the variable holds in a process of its own, after these imports."""
    inherited = {name: value for name, value in os.environ.items() if name != SPIN}
    done = subprocess.run(
        [sys.executable, "-c", f"import {imports}, os; print(os.environ.get({SPIN!r}))"],
        capture_output=True,
        text=True,
        check=True,
        env={**inherited, **environment},
    )
    return done.stdout.strip()


def test_threads_of_blas_spin_shortly_where_minigrad_is_imported_before_numpy() -> None:
    assert spin_after("minigrad") == "22"


@pytest.mark.parametrize(
    ("imports", "environment", "value"), [("numpy, minigrad", {}, "None"), ("minigrad", {SPIN: "30"}, "30")]
)
def test_what_was_set_or_read_before_is_left_alone(imports: str, environment: dict[str, str], value: str) -> None:
    assert spin_after(imports, **environment) == value
