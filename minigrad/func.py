"""Derivatives of functions: `from minigrad import func`, then `func.grad(f)(x)`."""

from minigrad.engine.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
