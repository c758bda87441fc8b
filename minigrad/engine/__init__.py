"""The engine: tensors, differentiable operations, and backpropagation."""

from minigrad.engine import random
from minigrad.engine.apply import primitive
from minigrad.engine.backward import backward, collect, grad
from minigrad.engine.compile import Compiled, compile
from minigrad.engine.gradcheck import GradientError, check_gradients
from minigrad.engine.mode import enable_grad, is_grad_enabled, no_grad
from minigrad.engine.opcheck import OperationError, check_operation
from minigrad.engine.recompute import checkpoint
from minigrad.engine.recording import CompileError
from minigrad.engine.tensor import Tensor, from_dlpack

__all__ = [
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
    "enable_grad",
    "from_dlpack",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "primitive",
    "random",
]
