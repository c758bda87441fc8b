"""Errors for arguments that a class does not have.

These are PyTorch's arguments, misspelt ones, and surplus ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from minigrad.suggest import nearest

_LEAVE_OUT = "leave it out: it says how PyTorch computes, and not what"

PYTORCH: dict[str, str] = {
    "device": "move the module with .to(device), or set trainer.device in a config",
    "dtype": "convert the module with .to(np.float64), or another dtype",
    "inplace": "leave it out: operations make new arrays",
    "size_average": "write reduction='mean' or reduction='sum'",
    "reduce": "write reduction='mean', or reduction='none' to keep each loss",
    **dict.fromkeys(("foreach", "fused", "capturable", "enable_nested_tensor", "mask_check"), _LEAVE_OUT),
    "differentiable": "leave it out, and write an update of your own with func.grad to differentiate through it",
    "decoupled_weight_decay": "use AdamW, whose weight decay is decoupled",
    "padding_mode": "pad with ops.pad(x, widths, mode) before the layer, which gets padding=0",
    "add_bias_kv": "leave it out, and append a parameter of your own to keys and values",
    "add_zero_attn": "leave it out, and append zeros to keys and values",
    "proj_size": "put a Linear behind the layer",
    "divisor_override": "multiply the result by the number of elements in a window, divided by the divisor",
    "return_indices": "leave it out: layers return values; the places of maxima are those of np.argmax in a window",
    "recompute_scale_factor": "leave it out: the factor is used as it is given",
    "min_value": "write min_val",
    "max_value": "write max_val",
    "max_norm": "scale the rows of weight.data that are longer, under no_grad(), after each step",
    "norm_type": "leave it out with max_norm",
    "scale_grad_by_freq": "divide the rows of weight.grad by how often each number was looked up",
    "sparse": "leave it out: gradients are of few rows by themselves where that pays",
    "_weight": "write the values with layer.weight.data[...] = values",
    "_freeze": "write layer.weight.requires_grad = False, or freeze in a config",
    **dict.fromkeys(
        ("BatchNorm1d.bias", "BatchNorm2d.bias", "GroupNorm.bias"),
        "write affine=False for neither weight nor bias, or freeze the bias, which is 0 at first",
    ),
    "last_epoch": "continue a schedule with load_state_dict, or take as many steps",
    "verbose": "print optimizer.param_groups[0]['lr']",
}
"""Remedies for PyTorch's arguments that our classes lack; those of a single class are under its name."""


def of_pytorch(owner: str, name: str) -> str:
    """Return the remedy for an argument of PyTorch's; else "".

    `owner` is the name of the class that lacks the argument.
    """
    remedy = PYTORCH.get(f"{owner}.{name}") or PYTORCH.get(name)
    return f"it is PyTorch's: {remedy}" if remedy else ""


class Constructed:
    """A base of classes whose constructors explain wrong arguments."""

    if not TYPE_CHECKING:  # type checkers use the signatures of the constructors

        def __new__(cls, *args: Any, **keywords: Any) -> Any:
            """Create an object without attributes.

            Raises:
                TypeError: for arguments that `__init__` does not take.
            """
            if args or keywords:
                _require(cls, args, keywords)
            return super().__new__(cls)


class _Signature:
    """The signature of a class: that of its `__init__`.

    Without it, `inspect.signature` would return that of `__new__`. Instances have no signature.
    """

    def __get__(self, instance: object | None, cls: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError(f"{cls.__name__} objects have no __signature__")
        own = _parameters(cls.__init__)  # type: ignore[misc]
        return inspect.Signature(list(own.values()))


Constructed.__signature__ = _Signature()  # type: ignore[attr-defined]


@lru_cache(maxsize=512)
def _parameters(init: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of an `__init__`, without `self`."""
    if init is object.__init__:
        return {}
    return dict(list(inspect.signature(init).parameters.items())[1:])


def _require(cls: type, args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    """Refuse unknown keywords, and more arguments than there are.

    Raises:
        TypeError: for either.
    """
    known = _parameters(cls.__init__)  # type: ignore[misc]
    kinds = {parameter.kind for parameter in known.values()}
    unknown = [] if inspect.Parameter.VAR_KEYWORD in kinds else [name for name in keywords if name not in known]
    if unknown:
        raise TypeError("; ".join([_unknown(cls.__name__, name, list(known)) for name in unknown]))
    places = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in known.values())
    if len(args) > places and inspect.Parameter.VAR_POSITIONAL not in kinds:
        most = f"at most {places}" if places else "no"
        raise TypeError(
            f"{cls.__name__} takes {most} positional argument{'s' * (places != 1)}, got {len(args)}; {_listing(known)}"
        )


def _unknown(owner: str, name: str, known: Sequence[str]) -> str:
    """Return the error message for one argument."""
    near = nearest(name, known)
    hint = of_pytorch(owner, name) or (f"did you mean {near!r}? {_listing(known)}" if near else _listing(known))
    return f"{owner} has no argument {name!r}; {hint}"


def _listing(known: Collection[str]) -> str:
    return f"it takes {', '.join(known)}" if known else "it takes none"
