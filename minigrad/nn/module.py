"""Modules: layers and networks, with parameters, buffers and children.

A module finds its parameters, buffers and children among its attributes, in the order in which they were first set; it
has no other registry. So a subclass need not call `super().__init__()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.constructors import Constructed
from minigrad.devices import device_of, devices, foreign, moved
from minigrad.engine import Tensor, checkpoint
from minigrad.engine.arrays import asarray
from minigrad.engine.graph import next_sequence
from minigrad.engine.mode import current_mode
from minigrad.names import missing
from minigrad.nn.calls import locate, refuse
from minigrad.nn.hooks import RemovableHandle, without_kwargs
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.places import defined_at
from minigrad.suggest import most_similar

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class Module(Constructed):
    """The base class of layers, networks and losses.

    A subclass sets `Parameter`s, `Buffer`s and other modules as attributes, and defines `forward`, which a call of the
    module calls. An error in a call gets the path of the layer it came from as its attribute `layer_path`; the message
    of a ValueError, TypeError or IndexError also begins with it, as in `layer 'block.0' (Linear): ...`.
    """

    training: bool = True
    """Whether the module is in training mode, which changes layers such as `Dropout`; set by `train` and `eval`."""

    decomposes: ClassVar[bool] = True
    """Whether the output for an example is independent of the rest of its batch, so that a batch may be split and its
    parts computed in parallel. Set it to False in a layer that computes batch statistics or writes to its buffers."""

    recomputes: bool = False
    """Whether intermediate results are recomputed in the backward pass; set by `nn.recompute`."""

    changed_at: int = -1
    """The clock's time when an attribute or hook was last set, which compiled functions check."""

    _forward_hooks: dict[object, Callable[..., Any]] | None = None
    _forward_pre_hooks: dict[object, Callable[..., Any]] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's result; every subclass defines it."""
        raise NotImplementedError(_no_forward(type(self)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `forward` returns, with the hooks called around it."""
        if (observer := current_mode().observer) is not None:
            observer.on_module(self, is_called=True)
        try:
            if args and (args[0] is None or isinstance(args[0], tuple)):
                refuse(self.forward, args[0])
            if self._forward_hooks or self._forward_pre_hooks or self.recomputes:
                return self._forward_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except BaseException as error:  # SystemExit too, by a sys.exit() in a forward
            locate(self, error)
            raise
        finally:
            if observer is not None:
                observer.on_exit(self)

    def _forward_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in list((self._forward_pre_hooks or {}).values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        recomputes = self.recomputes and current_mode().observer is None  # an observer must see the inner operations
        output = checkpoint(partial(self.forward, **kwargs), *args) if recomputes else self.forward(*args, **kwargs)
        for hook in list((self._forward_hooks or {}).values()):
            changed = hook(self, args, output)
            if changed is not None:
                output = changed
        return output

    # -- attributes -----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__.get(name)
        if isinstance(held, Buffer) and isinstance(value, (Tensor, np.ndarray, *foreign)):
            if value is held:  # `self.calls += 1` wrote into the buffer
                return
            if not isinstance(value, (Buffer, Parameter)):
                value = Buffer(value, held.persistent)  # type: ignore[arg-type]
        elif value is not None:
            for kind in (Parameter, Buffer, Module):
                if isinstance(held, kind) and not isinstance(value, kind):
                    raise TypeError(
                        f"{type(self).__name__}.{name} is a {kind.__name__}, and cannot become a "
                        f"{type(value).__name__}; {_REMEDIES[kind]}"
                    )
        object.__setattr__(self, name, value)
        self._note_change()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._note_change()

    def _note_change(self) -> None:
        """Mark the module as changed, for recompilation."""
        object.__setattr__(self, "changed_at", next_sequence())
        if (observer := current_mode().observer) is not None:
            observer.on_module(self)

    def __getattr__(self, name: str) -> Any:  # called for missing attributes
        raise missing(type(self).__name__, name, dir(self), _ELSEWHERE)

    def _owned(self, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Yield the attributes of one kind, with their names, in order."""
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
        """Set a child by a name known only at runtime.

        Raises:
            ValueError: if the name is empty, contains a dot, or is already taken by another attribute.
            TypeError: for anything but a module.
        """
        self._register(name, module, Module)

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Set a parameter by a runtime name, as `add_module`."""
        self._register(name, parameter, Parameter)

    def register_buffer(self, name: str, tensor: ArrayLike | Tensor | None, persistent: bool = True) -> None:
        """Set `self.name = Buffer(tensor, persistent)`. Errors are those of `add_module`."""
        self._register(name, None if tensor is None else Buffer(tensor, persistent), Buffer)

    # -- the tree -------------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) of direct children in order, each once."""
        seen = set()
        for name, module in self._owned(Module):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct children, each once."""
        for _, module in self.named_children():
            yield module

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield (path, module), parents first, each once, from ("", self)."""
        seen = set()

        def walk(path: str, module: Module) -> Iterator[tuple[str, Module]]:
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                for name, child in module._owned(Module):
                    yield from walk(f"{path}.{name}" if path else name, child)

        return walk("", self)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below, parents first, each once."""
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
        """Yield (path, parameter), each once, under its first path."""
        return self._named_tensors(Parameter)

    def parameters(self) -> Iterator[Parameter]:
        """Yield all parameters, each once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield (path, buffer), each once, under its first path."""
        return self._named_tensors(Buffer)

    def buffers(self) -> Iterator[Buffer]:
        """Yield all buffers, each once."""
        for _, buffer in self.named_buffers():
            yield buffer

    # -- changes of the whole tree ----------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on all modules, children first. Returns self."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of all modules. Returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode in all modules. Returns self."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze all parameters. Returns self."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to None."""
        for parameter in self.parameters():
            parameter.grad = None

    def to(self, target: Any) -> Self:
        """Convert all parameters and buffers, with gradients. Returns self.

        `target` is the name of a device, such as "cuda", or a floating-point dtype, to which floating-point tensors are
        converted.

        Raises:
            ValueError: for an unknown device.
            RuntimeError: for a device that is not available.
            TypeError: for a dtype that is not floating-point.
        """
        is_device = isinstance(target, str) and target in devices()
        if not is_device:
            try:
                target = np.dtype(target)
            except TypeError:
                expected = f"a device, one of {', '.join(devices())}, or a dtype, such as np.float64"
                raise ValueError(f"expected {expected}; got {target!r}") from None
            if target.kind != "f":
                raise TypeError(f"a module computes in a floating-point dtype, got {target}")
        for tensor in (*self.parameters(), *self.buffers()):
            gradient = tensor.grad
            if is_device:
                tensor.data, gradient = (
                    moved(tensor.data, target),
                    None if gradient is None else moved(gradient, target),
                )
            elif tensor.dtype.kind == "f":
                tensor.data = tensor.data.astype(target, copy=False)
            tensor.grad = gradient
        return self

    # -- state ------------------------------------------------------------------------------------------------------

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Parameter | Buffer]]:
        """Yield the entries of `state_dict`, with PyTorch's keys and order; shared tensors under all of their names."""
        for name, parameter in self._owned(Parameter):
            yield prefix + name, parameter
        for name, buffer in self._owned(Buffer):
            if buffer.persistent:
                yield prefix + name, buffer
        for name, child in self._owned(Module):
            yield from child._named_state(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return parameters and persistent buffers as arrays, not copied."""
        return {name: tensor.data for name, tensor in self._named_state()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy a `state_dict` into parameters and buffers, converting dtypes.

        To load only some entries, add the others: `load_state_dict({**model.state_dict(), **part})`.

        Raises:
            ValueError: listing every key that is missing, unexpected, or of another shape or kind; nothing is loaded
                then.
            TypeError: for anything but a dict.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"expected a dict of arrays by name, as state_dict() of a module, got {type(state).__name__}; "
                "files are read by minigrad.formats.safetensors.load"
            )
        own = dict(self._named_state())
        arrays, problems = {}, [f"missing: {name!r}" for name in own if name not in state]
        for name, value in state.items():
            try:
                arrays[name] = asarray(value.data if isinstance(value, Tensor) else value)
            except (ValueError, TypeError, RuntimeError) as error:  # PyTorch tensors raise the last two
                remedy = "; give it tensor.detach().float().cpu()" if hasattr(value, "detach") else ""
                problems.append(f"{name!r}: no array can be made of it: {error}{remedy}")
        for name, array in arrays.items():
            if name not in own:
                near = most_similar(name, own)
                problems.append(f"unexpected: {name!r}" + (f" (did you mean {near!r}?)" if near else ""))
            elif array.shape != own[name].shape:
                problems.append(f"{name!r}: expected shape {own[name].shape}, got {array.shape}")
            elif not np.can_cast(array.dtype, own[name].dtype, "same_kind"):
                problems.append(f"{name!r}: expected {own[name].dtype}, got {array.dtype}")
        if problems:
            raise ValueError("\n  ".join([f"this state does not fit {type(self).__name__}:", *problems]))
        for name, tensor in own.items():
            np.copyto(tensor.data, moved(arrays[name], device_of(tensor.data)))
            tensor.bump()

    # -- hooks ------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[..., Any], with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args)` before every `forward`.

        A result that is not None replaces the arguments. If `with_kwargs`, the call is `hook(module, args, kwargs)`,
        and the result is None or a tuple of both.
        """
        if self._forward_pre_hooks is None:
            self._forward_pre_hooks = {}
        taking_both = hook if with_kwargs else partial(without_kwargs, hook)
        return RemovableHandle(self._forward_pre_hooks, taking_both, self._note_change)

    def register_forward_hook(self, hook: Callable[[Self, tuple[Any, ...], Any], Any]) -> RemovableHandle:
        """Call `hook(module, args, output)` after every `forward`.

        A result that is not None replaces the output.
        """
        if self._forward_hooks is None:
            self._forward_hooks = {}
        return RemovableHandle(self._forward_hooks, hook, self._note_change)

    # -- representation ---------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The module's settings, shown in its `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._owned(Module)]
        if lines and self.extra_repr():
            lines.insert(0, self.extra_repr())
        body = "\n  ".join(["", *lines]) + "\n" if lines else self.extra_repr()
        return f"{type(self).__name__}({body})"


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
    "cpu": "write .to('cpu')",
    "cuda": "write .to('cuda')",
}
"""Remedies for methods that PyTorch's modules or NumPy's arrays have."""


def _no_forward(cls: type[Module]) -> str:
    """Return the error message for a class without `forward`."""
    near = most_similar("forward", [name for name in dir(cls) if name not in dir(Module)])
    meant = f"; did you mean it by {near!r}?" if near else ", which returns what comes out for x"
    return f"{cls.__name__}{defined_at(cls)} must define forward(self, x){meant}"
