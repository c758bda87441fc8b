"""Profiler of time and memory by layer and operation."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any
from weakref import ref

import numpy as np

from minigrad.engine.graph import Node
from minigrad.engine.mode import observed
from minigrad.engine.observer import Observer, Values
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor
from minigrad.observers import report
from minigrad.observers.measured import OUTSIDE, UPDATE, Entry, Measured
from minigrad.observers.products import Product, products_of

MOST_EVENTS = 200_000
"""Maximum number of events in a trace; later events count in the tables only."""


class _ThreadState:
    """The end of a thread's last event, and its current layers, the innermost last."""

    __slots__ = ("last", "layers", "thread")

    def __init__(self, last: float) -> None:
        self.thread = threading.get_ident()
        self.last = last
        self.layers = [""]


class profile(Measured, observed):  # noqa: N801 - called like a function
    """Within the block, profile every operation.

    The measurements are in the attributes of the profile afterwards, described in `Measured`.

        with minigrad.profile() as p:
            step(x, y)
        print(p.table())

    The time of an operation begins at the end of the previous event in its thread, so that the times of a thread sum to
    the time of the block. Recordings of `minigrad.compile` are computed operation by operation. Arrays inside of an
    operation are not counted.
    """

    def __init__(self) -> None:
        Measured.__init__(self)
        self._observer = _ProfileObserver(self)
        observed.__init__(self, self._observer)

    def __enter__(self) -> profile:  # type: ignore[override]
        """Start the profile."""
        super().__enter__()
        state = self._observer.thread_state()
        state.last = self._start = perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self._observer.outside()
        self.seconds += self._observer.thread_state().last - self._start
        super().__exit__(*exception)

    def table(self, steps: int = 1) -> str:
        """Return tables of layers and operations.

        They are for one of `steps` equal steps. The last line compares the step with the time of its matrix products
        alone, which are measured in this call.
        """
        return report.table(self, steps)

    def svg(self) -> str:
        """Return a flame chart as a self-contained SVG picture."""
        return report.flame(self)

    def trace(self) -> str:
        """Return the events as JSON for chrome://tracing and ui.perfetto.dev."""
        return report.trace(self)


class _ProfileObserver(Observer):
    """An observer that records operations in a profile.

    The time that a method takes after reading the clock is counted as overhead.
    """

    def __init__(self, found: Measured) -> None:
        self.found = found
        self.local = threading.local()
        self.lock = threading.Lock()
        self.labels: dict[Any, str] = {}  # by module
        self.alive: dict[int, ref[Any]] = {}  # results of operations, by id
        self.saved: set[int] = set()  # ids of the saved ones
        self.nodes: dict[int, tuple[str, Entry, list[Product]]] = {}
        self.live = 0

    def thread_state(self) -> _ThreadState:
        """Return the state of the current thread."""
        try:
            state: _ThreadState = self.local.state
        except AttributeError:
            state = self.local.state = _ThreadState(perf_counter())
        return state

    def note(self, state: _ThreadState, now: float, kind: str, layer: str = "", operation: str = "") -> float:
        """Record and return the time since the thread's last event."""
        events = self.found.events
        if len(events) < MOST_EVENTS:
            events.append((kind, layer, operation, state.last, now, state.thread))
        return now - state.last

    def resume(self, state: _ThreadState, now: float) -> None:
        """Resume a thread's clock, and count the time since `now` as overhead."""
        state.last = after = perf_counter()
        self.found.overhead += after - now

    def outside(self) -> None:
        """Record the time since the last event as outside of operations."""
        now = perf_counter()
        state = self.thread_state()
        self.found.outside += self.note(state, now, OUTSIDE)
        self.resume(state, now)

    def entry(self, layer: str, operation: str) -> Entry:
        """Return an operation's entry in a layer, and create it if necessary."""
        entries = self.found.entries
        return entries.get((layer, operation)) or entries.setdefault((layer, operation), Entry())

    def on_forward(
        self, operation: Primitive, node: Node | None, arguments: Values, values: Values, results: Values
    ) -> None:
        now = perf_counter()
        state, name = self.thread_state(), operation.name
        layer = state.layers[-1]
        entry = self.entry(layer, name)
        entry.calls += 1
        entry.forward += self.note(state, now, "forward", layer, name)
        with self.lock:
            for array in results:
                entry.allocated += self.made(array, values)
            products = products_of(name, values, results[0])
            if products:
                self.count(entry, products)
            if node is not None:
                for value in node.saved or ():
                    entry.saved += self.save(value)
                wanted = 2 if len(products) > 1 else sum([parent is not None for parent in node.parents[:2]])
                self.nodes[node.sequence] = layer, entry, products * wanted
        self.resume(state, now)

    def on_backward(self, node: Node, gradients: Values) -> None:
        now = perf_counter()
        state, name = self.thread_state(), node.primitive.name
        layer, entry, products = self.nodes.get(node.sequence) or ("", self.entry("", name), [])
        entry.backward += self.note(state, now, "backward", layer, name)
        with self.lock:
            for gradient in gradients:
                entry.allocated += self.made(gradient, ())
            self.count(entry, products)
        self.resume(state, now)

    def on_write(self, tensor: Any, index: Any, value: Any) -> None:
        now = perf_counter()
        state = self.thread_state()
        if value is None:  # written by an optimizer
            self.found.update += self.note(state, now, UPDATE)
        else:
            layer = state.layers[-1]
            entry = self.entry(layer, "write in place")
            entry.calls += 1
            entry.forward += self.note(state, now, "forward", layer, "write in place")
        self.resume(state, now)

    def on_read(self, array: Any) -> None:
        self.outside()

    def on_module(self, module: Any, is_called: bool = False) -> None:
        if is_called:
            self.outside()
            state = self.thread_state()
            now = state.last
            if module not in self.labels:
                for path, part in module.named_modules():
                    self.labels.setdefault(part, f"{path} ({type(part).__name__})" if path else type(part).__name__)
            state.layers.append(self.labels[module])
            self.resume(state, now)

    def on_exit(self, module: Any) -> None:
        self.outside()
        self.thread_state().layers.pop()

    def count(self, entry: Entry, products: list[Product]) -> None:
        """Count matrix products."""
        for product in products:
            entry.flops += product.flops
            self.found.products[product] += 1

    def made(self, array: Any, given: Values) -> int:
        """Return a new array's bytes, 0 for a view; they count as live until the array is freed."""
        if array.__class__ is Tensor:
            array = array.data
        if array.__class__ is not np.ndarray:
            return 0
        owner = array if array.base is None else _owner(array)
        key, size = id(owner), owner.nbytes
        if key in self.alive or (owner is not array and any(owner is _owner(x) for x in given)):
            return 0

        def forget(_: Any) -> None:
            self.live -= size
            del self.alive[key]
            self.saved.discard(key)

        self.alive[key] = ref(owner, forget)
        self.live += size
        if self.live > self.found.peak:
            self.found.peak = self.live
        return size

    def save(self, value: Any) -> int:
        """Return the bytes of an operation's result when it is first saved, otherwise 0."""
        if isinstance(value, (list, tuple)):
            return sum([self.save(part) for part in value])
        if value.__class__ is not np.ndarray:
            return 0
        owner = value if value.base is None else _owner(value)
        if id(owner) not in self.alive or id(owner) in self.saved:
            return 0
        self.saved.add(id(owner))
        size: int = owner.nbytes
        return size


def _owner(array: Any) -> Any:
    """Return the array that owns this one's memory."""
    while isinstance(base := getattr(array, "base", None), np.ndarray):
        array = base
    return array
