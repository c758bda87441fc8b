"""minigrad: a scalar and tensor autograd engine on NumPy that a person can read in an evening."""

from minigrad import func, nn, ops, optim
from minigrad.engine import (
    Tensor,
    check_gradients,
    checkpoint,
    detect_anomaly,
    enable_grad,
    grad,
    is_grad_enabled,
    no_grad,
    primitive,
)
from minigrad.engine.random import seed
from minigrad.scalar import Scalar

__version__ = "0.1.0"

__all__ = [
    "Scalar",
    "Tensor",
    "check_gradients",
    "checkpoint",
    "detect_anomaly",
    "enable_grad",
    "func",
    "grad",
    "is_grad_enabled",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "seed",
]
