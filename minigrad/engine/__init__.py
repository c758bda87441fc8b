"""The engine: tensors that remember how they were made, operations with their derivatives, and the walk back."""

from minigrad.engine import random
from minigrad.engine.anomaly import AnomalyError, detect_anomaly
from minigrad.engine.backward import backward, collect, grad
from minigrad.engine.dispatch import primitive
from minigrad.engine.gradcheck import GradientError, check_gradients
from minigrad.engine.mode import enable_grad, is_grad_enabled, no_grad
from minigrad.engine.opcheck import OperationError, check_operation
from minigrad.engine.program import Compiled, CompileError, compile
from minigrad.engine.recompute import checkpoint
from minigrad.engine.several import several
from minigrad.engine.tensor import Tensor

__all__ = [
    "AnomalyError",
    "CompileError",
    "Compiled",
    "GradientError",
    "OperationError",
    "Tensor",
    "backward",
    "check_gradients",
    "check_operation",
    "checkpoint",
    "collect",
    "compile",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "primitive",
    "random",
    "several",
]
