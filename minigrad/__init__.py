"""minigrad: a scalar and tensor autograd engine on NumPy."""

from __future__ import annotations

import minigrad.startup  # noqa: F401 - before NumPy and other slow imports

# isort: split
import importlib
from typing import TYPE_CHECKING, Any

from minigrad import func, nn, ops, optim
from minigrad.allocator import keep_freed_memory
from minigrad.drawing import draw
from minigrad.engine import (
    Tensor,
    check_gradients,
    check_operation,
    checkpoint,
    compile,
    enable_grad,
    from_dlpack,
    grad,
    is_grad_enabled,
    no_grad,
    primitive,
)
from minigrad.engine.random import seed
from minigrad.explain import explain
from minigrad.names import missing
from minigrad.observers import detect_anomaly
from minigrad.scalar import Scalar
from minigrad.version import __version__

__all__ = [
    "Scalar",
    "Tensor",
    "__version__",
    "check_gradients",
    "check_operation",
    "checkpoint",
    "compile",
    "detect_anomaly",
    "draw",
    "enable_grad",
    "explain",
    "from_dlpack",
    "func",
    "grad",
    "is_grad_enabled",
    "load",
    "load_pretrained",
    "load_run",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "profile",
    "seed",
    "train_step",
]

keep_freed_memory()

_LATER = {
    "load": "minigrad.training",
    "load_pretrained": "minigrad.inference",
    "load_run": "minigrad.inference",
    "profile": "minigrad.observers.profile",
    "train_step": "minigrad.training",
}
"""Names that are imported on first use, with their modules, so that `import minigrad` does not import YAML or progress
bars."""

if TYPE_CHECKING:
    from minigrad.inference import load_pretrained, load_run
    from minigrad.observers.profile import profile
    from minigrad.training import load, train_step
else:  # a type checker would accept any attribute

    def __getattr__(name: str) -> Any:
        """Import a name of an upper layer, and set it as an attribute."""
        if name not in _LATER:
            raise missing(f"module {__name__!r}", name, __all__, functions=dir(ops))
        value = globals()[name] = getattr(importlib.import_module(_LATER[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
