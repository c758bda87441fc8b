"""Module hooks: functions called before or after `forward`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class RemovableHandle:
    """A handle that removes its hook.

    Call `remove()`, or use it in a `with` block.

    Args:
        hooks: the hooks of a module, to which `hook` is added.
        hook: the function.
        changed: called when the hook is added, and when it is removed.
    """

    def __init__(
        self, hooks: dict[object, Callable[..., Any]], hook: Callable[..., Any], changed: Callable[[], object]
    ) -> None:
        self._hooks, self._changed = hooks, changed
        self._key = object()
        hooks[self._key] = hook
        changed()

    def remove(self) -> None:
        """Remove the hook.

        A second call does nothing.
        """
        self._hooks.pop(self._key, None)
        self._changed()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def without_kwargs(
    hook: Callable[..., Any], module: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...] | None:
    """Call a hook that takes no keyword arguments.

    As a `partial` of this function, the hook can be copied together with its module.
    """
    changed = hook(module, args)
    return None if changed is None else (changed if isinstance(changed, tuple) else (changed,), kwargs)
