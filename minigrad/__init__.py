"""minigrad: a scalar and tensor autograd engine on NumPy that a person can read in an evening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minigrad import func, nn, ops, optim
from minigrad.drawing import draw
from minigrad.engine import (
    Tensor,
    check_gradients,
    check_operation,
    checkpoint,
    compile,
    detect_anomaly,
    enable_grad,
    grad,
    is_grad_enabled,
    no_grad,
    primitive,
)
from minigrad.engine.random import seed
from minigrad.explain import explain
from minigrad.scalar import Scalar

if TYPE_CHECKING:
    from pathlib import Path

    from minigrad.training import Experiment

__version__ = "0.1.0"

__all__ = [
    "Scalar",
    "Tensor",
    "check_gradients",
    "check_operation",
    "checkpoint",
    "compile",
    "detect_anomaly",
    "draw",
    "enable_grad",
    "explain",
    "func",
    "grad",
    "is_grad_enabled",
    "load",
    "load_run",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "seed",
]


def load(path: str | Path, overrides: Sequence[str] = (), home: str | Path = ".") -> Experiment:
    """Returns the experiment that a config describes, built and ready: `minigrad.load("configs/xor.yaml").fit()`.

    Args:
        path: the YAML file.
        overrides: as on the command line: `["optimizer.lr=1e-3"]`.
        home: the folder whose `models/` has classes that the config may name.

    Raises: minigrad.config.ConfigError, whose text says all that is wrong and where.
    """
    from minigrad.training import load as load_experiment  # YAML and progress bars are not for those who only derive

    return load_experiment(path, overrides, home)


def load_run(path: str | Path, overrides: Sequence[str] = (), home: str | Path = ".") -> Experiment:
    """Returns the experiment of a run, its model with the best weights and in eval mode, ready to be used:
    `minigrad.load_run("runs/xor/0001").model(x)`.

    Args:
        path: the run's directory.
        overrides: go over its config: `["data.path=elsewhere.csv"]`.
        home: the folder whose `models/` has classes that the config may name.

    Raises: minigrad.training.UsageError for what is no run, or has no weights that fit; and as `load`.
    """
    from minigrad.training import load_run as load_finished_run

    return load_finished_run(path, overrides, home)
