"""minigrad: a scalar and tensor autograd engine on NumPy that a person can read in an evening."""

from minigrad import ops
from minigrad.engine import Tensor, check_gradients, enable_grad, grad, is_grad_enabled, no_grad, primitive
from minigrad.engine.random import seed

__version__ = "0.1.0"

__all__ = ["Tensor", "check_gradients", "enable_grad", "grad", "is_grad_enabled", "no_grad", "ops", "primitive", "seed"]
