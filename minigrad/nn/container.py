"""Containers of modules: `Sequential`, `ModuleList`, `ModuleDict` and `Residual`."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, overload

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class ModuleList(Module):
    """A list of modules.

    The `forward` of the module that contains the list calls them.

    Args:
        modules: the modules, named "0", "1", … in the `state_dict`.

    Raises:
        TypeError: for an item that is not a module.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__} takes a list of modules, got one {type(modules).__name__}")
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end and return self.

        Raises:
            TypeError: if it is not a module.
        """
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Module]:
        for _, module in self._owned(Module):
            yield module

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return ModuleList(list(self)[index])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._name(index), module)

    def _name(self, index: int) -> str:
        names = [name for name, _ in self._owned(Module)]
        try:
            return names[index]
        except IndexError:
            raise IndexError(f"index {index} is out of range for {len(names)} modules") from None


class Sequential(ModuleList):
    """Modules in sequence: each takes the previous one's result.

    A recurrent layer returns both its outputs and its last state. Follow it by `LastOutput`, or by a Module of yours
    that selects one of them, before other layers.

    Args:
        modules: the modules, named "0", "1", … in the `state_dict`.

    Raises:
        TypeError: for an argument that is not a module.
    """

    def __init__(self, *modules: Module) -> None:
        if any(isinstance(module, (list, tuple)) for module in modules):
            name = type(self).__name__
            raise TypeError(f"{name} takes modules one by one, not a list of them: write {name}(*modules)")
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        """Return the last module's result, or x without modules."""
        for layer in self.__dict__.values():
            if isinstance(layer, Module):
                x = layer(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        found = super().__getitem__(index)
        return Sequential(*found) if isinstance(found, ModuleList) and isinstance(index, slice) else found


class Residual(Sequential):
    """A residual block: x + f(x).

    f is a sequence of modules (He et al., arXiv:1512.03385).

    Args:
        modules: the modules of f, named "0", "1", … in the `state_dict`.

    Raises:
        TypeError: for an argument that is not a module.
    """

    def forward(self, x: Any) -> Any:
        """Return x + f(x), of the shape of x.

        Raises:
            ValueError: if f(x) has another shape.
            TypeError: if f(x) is not a tensor.
        """
        change = super().forward(x)
        if not isinstance(change, Tensor):
            raise TypeError(f"the modules return a {type(change).__name__}, to which x cannot be added")
        if change.shape != x.shape:
            raise ValueError(f"the modules make shape {change.shape} of {x.shape}; to be added it must stay the same")
        return ops.add(x, change)


class ModuleDict(Module):
    """A dictionary of modules, in the order of insertion.

    Args:
        modules: the modules by name; a name must not contain a dot, or be the name of a method.

    Raises:
        ValueError: for such a name.
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        if modules is not None and not isinstance(modules, (Mapping, ModuleDict)):
            raise TypeError(f"ModuleDict takes modules by name, {{'name': module}}, got {type(modules).__name__}")
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Module:
        modules = dict(self._owned(Module))
        if name not in modules:
            raise KeyError(f"{name!r} is not among {', '.join(map(repr, modules)) or 'no modules'}")
        return modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        self[name]  # raises a KeyError that lists the names
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __len__(self) -> int:
        return len(self.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> KeysView[str]:
        """The names."""
        return dict(self._owned(Module)).keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return dict(self._owned(Module)).values()

    def items(self) -> ItemsView[str, Module]:
        """The names and modules."""
        return dict(self._owned(Module)).items()
