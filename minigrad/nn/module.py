"""What a layer and a network are: an object whose attributes are its parameters, buffers and children.

There is no second book-keeping: what a module owns is read from its attributes, in the order in which they were first
set. So `super().__init__()` has nothing to prepare, and forgetting it does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigrad.engine import Tensor
from minigrad.engine.mode import structure
from minigrad.nn.parameter import Buffer, Parameter

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class Module:
    """The base of layers, networks and losses, as in PyTorch.

    A subclass sets `Parameter`s, `Buffer`s and other modules as attributes, and defines `forward`; calling the module
    calls that. A ValueError, TypeError or IndexError on its way out of a call is given the path of the layer it came
    from, as `layer 'block.0' (Linear): ...`, and the attribute `layer_path`.
    """

    training: bool = True
    """Whether layers such as `Dropout` behave as they do in training; set by `train` and `eval`."""

    decomposes: ClassVar[bool] = True
    """Whether what comes out for an example is the same whatever else is in its batch, so that the batch may be divided
    and the parts computed side by side; False for a layer that takes statistics of the batch, or writes its buffers."""

    _forward_hooks: dict[object, Callable[..., Any]] | None = None
    _forward_pre_hooks: dict[object, Callable[..., Any]] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it, with arguments of its own."""
        raise NotImplementedError(f"{type(self).__name__} must define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns what `forward` returns, with the hooks called around it."""
        try:
            if self._forward_hooks or self._forward_pre_hooks:
                return self._forward_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            self._locate(error)
            raise

    def _forward_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in list((self._forward_pre_hooks or {}).values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        output = self.forward(*args, **kwargs)
        for hook in list((self._forward_hooks or {}).values()):
            changed = hook(self, args, output)
            if changed is not None:
                output = changed
        return output

    def _locate(self, error: Exception) -> None:
        """Puts in front of the message the path, from this module, of the innermost layer that the error left."""
        origin = getattr(error, "_layer_id", id(self))  # not the layer itself, which could not be pickled
        for path, module in self.named_modules():
            if id(module) == origin:
                message = str(error)
                if hasattr(error, "layer_path"):
                    message = message.removeprefix(_title(error.layer_path, module))
                error.args = (_title(path, module) + message,)
                vars(error).update(layer_path=path, _layer_id=origin)
                return

    # -- attributes -----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__.get(name)
        if isinstance(held, Buffer) and isinstance(value, (Tensor, np.ndarray)):
            if not isinstance(value, (Buffer, Parameter)):
                value = Buffer(value, held.persistent)
        elif value is not None:
            for kind in (Parameter, Buffer, Module):
                if isinstance(held, kind) and not isinstance(value, kind):
                    raise TypeError(
                        f"{type(self).__name__}.{name} is a {kind.__name__}, and cannot become a "
                        f"{type(value).__name__}; {_REMEDIES[kind]}"
                    )
        structure[0] += 1
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:  # called for what is not there
        from difflib import get_close_matches  # only for a mistake

        near = get_close_matches(name, [known for known in dir(self) if known[0] != "_"], n=1)
        remedy = _ELSEWHERE.get(name, f"did you mean {near[0]!r}?" if near else "")
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}" + (f"; {remedy}" if remedy else ""))

    def _owned(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """The attributes of one kind, by name, in order."""
        for name, value in list(self.__dict__.items()):
            if isinstance(value, kind):
                yield name, value

    def _register(self, name: str, value: Any, kind: type) -> None:
        if value is not None and not isinstance(value, kind):
            hint = f"; did you mean {value.__name__}()?" if isinstance(value, type) else ""
            raise TypeError(f"{name!r} of {type(self).__name__} must be a {kind.__name__}, got {value!r}{hint}")
        if not name or "." in name:
            raise ValueError(f"a {kind.__name__.lower()} needs a name without '.', got {name!r}")
        taken = hasattr(type(self), name) or not isinstance(vars(self).get(name), (kind, type(None)))
        if taken:
            raise ValueError(f"{type(self).__name__} has an attribute {name!r} that is no {kind.__name__}")
        setattr(self, name, value)

    def add_module(self, name: str, module: Module | None) -> None:
        """Sets a child under a name that is not known when the class is written.

        Raises: ValueError if the name is empty, has a dot, or belongs to something else; TypeError for no module.
        """
        self._register(name, module, Module)

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Sets a parameter under a name that is not known when the class is written. Raises: as `add_module`."""
        self._register(name, parameter, Parameter)

    def register_buffer(self, name: str, tensor: ArrayLike | Tensor | None, persistent: bool = True) -> None:
        """Sets `self.name = Buffer(tensor, persistent)`. Raises: as `add_module`."""
        self._register(name, None if tensor is None else Buffer(tensor, persistent), Buffer)

    # -- the tree -------------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yields (name, module) of the modules directly below, each once, in the order of their definition."""
        seen = set()
        for name, module in self._owned(Module):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yields the modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yields (path, module) of this module, whose path is "", and all below, parents first, each once."""
        seen = set()

        def walk(path: str, module: Module) -> Iterator[tuple[str, Module]]:
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                for name, child in module._owned(Module):
                    yield from walk(f"{path}.{name}" if path else name, child)

        return walk("", self)

    def modules(self) -> Iterator[Module]:
        """Yields this module and all below, parents first, each once."""
        for _, module in self.named_modules():
            yield module

    def _named_tensors(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        seen = set()
        for path, module in self.named_modules():
            for name, tensor in module._owned(kind):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yields (path, parameter) of this module and all below; a shared parameter once, under its first path."""
        return self._named_tensors(Parameter)

    def parameters(self) -> Iterator[Parameter]:
        """Yields the parameters of this module and all below, each once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yields (path, buffer) of this module and all below; a shared buffer once, under its first path."""
        return self._named_tensors(Buffer)

    def buffers(self) -> Iterator[Buffer]:
        """Yields the buffers of this module and all below, each once."""
        for _, buffer in self.named_buffers():
            yield buffer

    # -- what is done to the whole tree -----------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Calls `function` on every module below and then on this one, and returns this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Sets `training` here and below: dropout drops, batch statistics are those of the batch. Returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Sets `training` to False here and below. Returns self."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freezes (False) or unfreezes all parameters. Returns self."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Lets go of the gradients of all parameters: each `.grad` is None."""
        for parameter in self.parameters():
            parameter.grad = None

    def to(self, dtype: DTypeLike) -> Self:
        """Converts the floating-point parameters and buffers, and their gradients, to `dtype`. Returns self.

        Raises: TypeError if `dtype` is not floating-point.
        """
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            raise TypeError(
                f"a module is converted to a dtype, such as np.float64, and to no device; got {dtype!r}"
            ) from None
        if wanted.kind != "f":
            raise TypeError(f"a module computes in a floating-point dtype, got {wanted}")
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.dtype.kind == "f":
                gradient = tensor.grad
                tensor.data = tensor.data.astype(dtype, copy=False)
                tensor.grad = gradient
        return self

    # -- state ------------------------------------------------------------------------------------------------------

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Parameter | Buffer]]:
        """What `state_dict` holds, with PyTorch's keys in PyTorch's order; shared tensors under each of their names."""
        for name, parameter in self._owned(Parameter):
            yield prefix + name, parameter
        for name, buffer in self._owned(Buffer):
            if buffer.persistent:
                yield prefix + name, buffer
        for name, child in self._owned(Module):
            yield from child._named_state(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Returns the arrays of all parameters and persistent buffers by path: the live ones, not copies."""
        return {name: tensor.data for name, tensor in self._named_state()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copies `state`, as `state_dict` names it, into the parameters and buffers; a dtype is converted.

        To load only a part, complete it first: `load_state_dict({**model.state_dict(), **part})`.

        Raises: ValueError that lists every key that is missing, unexpected, or of another shape or kind; nothing is
            loaded then. TypeError for what is no dict.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"expected a dict of arrays by name, got {type(state).__name__}; files are read by safetensors.numpy"
            )
        own = dict(self._named_state())
        arrays = {name: np.asarray(value) for name, value in state.items()}
        problems = [f"missing: {name!r}" for name in own if name not in arrays]
        for name, array in arrays.items():
            if name not in own:
                from difflib import get_close_matches  # only for a mistake

                near = get_close_matches(name, own, n=1)
                problems.append(f"unexpected: {name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
            elif array.shape != own[name].shape:
                problems.append(f"{name!r}: expected shape {own[name].shape}, got {array.shape}")
            elif not np.can_cast(array.dtype, own[name].dtype, "same_kind"):
                problems.append(f"{name!r}: expected {own[name].dtype}, got {array.dtype}")
        if problems:
            raise ValueError("\n  ".join([f"this state does not fit {type(self).__name__}:", *problems]))
        for name, tensor in own.items():
            np.copyto(tensor.data, arrays[name])
            tensor.bump()

    # -- hooks ------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[..., Any], with_kwargs: bool = False) -> RemovableHandle:
        """Calls `hook(module, args)` before every `forward`; what it returns, if not None, replaces the arguments.

        If `with_kwargs`, it is called as `hook(module, args, kwargs)`, and what it may return is both, in a tuple.
        """
        if self._forward_pre_hooks is None:
            self._forward_pre_hooks = {}
        return RemovableHandle(self._forward_pre_hooks, hook if with_kwargs else _leaving_kwargs(hook))

    def register_forward_hook(self, hook: Callable[[Self, tuple[Any, ...], Any], Any]) -> RemovableHandle:
        """Calls `hook(module, args, output)` after every `forward`; what it returns, if not None, is the output."""
        if self._forward_hooks is None:
            self._forward_hooks = {}
        return RemovableHandle(self._forward_hooks, hook)

    # -- representation ---------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What a subclass tells of itself between the parentheses of its `repr`, such as its sizes."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._owned(Module)]
        if lines and self.extra_repr():
            lines.insert(0, self.extra_repr())
        body = "\n  ".join(["", *lines]) + "\n" if lines else self.extra_repr()
        return f"{type(self).__name__}({body})"


def _leaving_kwargs(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Returns as a hook with keyword arguments what knows nothing of them."""

    def leaving_kwargs(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        changed = hook(module, args)
        return None if changed is None else (changed if isinstance(changed, tuple) else (changed,), kwargs)

    return leaving_kwargs


class RemovableHandle:
    """Takes back, by `remove()` or at the end of a `with` block, the hook that it was returned for."""

    def __init__(self, hooks: dict[object, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        self._key = object()
        hooks[self._key] = hook
        structure[0] += 1

    def remove(self) -> None:
        """Takes the hook back; a second time does nothing."""
        self._hooks.pop(self._key, None)
        structure[0] += 1

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


_REMEDIES: dict[type, str] = {
    Parameter: "wrap it in Parameter(...), or write its values into .data",
    Buffer: "give it a tensor or an array",
    Module: "set another module, or None",
}

_ELSEWHERE: dict[str, str] = {
    "half": "write .to(np.float16)",
    "float": "write .to(np.float32)",
    "double": "write .to(np.float64)",
    "type": "write .to(dtype)",
    "astype": "write .to(dtype)",
    "cpu": "every module is on the CPU",
    "cuda": "every module is on the CPU, and stays there",
}
"""What to do instead of calling a method that modules have in PyTorch, or arrays in NumPy."""


def _title(path: str, layer: Module) -> str:
    """The words that name a layer in front of a message; a module that is called by itself has no path."""
    name = type(layer).__name__
    return f"layer {path!r} ({name}): " if path else f"{name}: "
