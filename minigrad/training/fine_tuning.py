"""Initial weights, adapters, frozen parameters and parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import dedent
from typing import Any, NamedTuple, Protocol

from minigrad.nn import Adapter, Module, PatternError, freeze, parameter_groups, recompute
from minigrad.nn.lora import low_ranks
from minigrad.nn.patterns import named_tensors
from minigrad.optim import Optimizer
from minigrad.runs.tables import align
from minigrad.suggest import most_similar
from minigrad.training.preflight import Fault
from minigrad.training.weights import Loaded, WeightsError, load_weights


class Described(Protocol):
    """The parts of an experiment that concern weights."""

    model: Module
    seed: int
    weights: Any
    freeze: list[str]
    groups: list[dict[str, Any]]
    adapters: Adapter | None

    def optimizer(self, parameters: Any, /) -> Optimizer:
        """Make the optimizer of the parameters."""


class Start(NamedTuple):
    """The initial weights of a training, and their origins.

    Attributes:
        origins: the origin of each parameter's initial value, by name.
        loaded: the result of reading weights from a file; None if none were read.
        faults: errors, each with its place in the config.
    """

    origins: dict[str, str]
    loaded: Loaded | None
    faults: list[Fault]


def prepare(experiment: Described, recomputed: Sequence[str]) -> Start:
    """Load weights, attach adapters, freeze parameters, and check groups.

    Args:
        experiment: the experiment; its model is changed.
        recomputed: patterns of layers that are recomputed in the backward pass.
    """
    model, faults = experiment.model, []
    origins = dict.fromkeys(named_tensors(model), f"seed {experiment.seed}")
    loaded = None
    if experiment.weights is not None:
        try:
            loaded = load_weights(model, experiment.weights)
            origins |= {name: loaded.origins[name] for name in origins if name in loaded.origins}
        except WeightsError as error:
            faults.append(_fault(f"weights.{error.path}".rstrip("."), error))
    if experiment.adapters is not None:
        try:
            experiment.adapters.attach(model, loaded.anew if loaded else ())
            changes = dict(low_ranks(model))
            added = [name for name in named_tensors(model) if name not in origins]
            zeros = {name for name in added if name.endswith(".B") and name[:-2] in changes}
            origins |= {name: "zeros" if name in zeros else f"seed {experiment.seed}" for name in added}
        except PatternError as error:
            faults.append(_fault(f"adapters.match.{error.index}", error))
        except ValueError as error:
            faults.append(_fault("adapters", error))
    faults += _each("freeze", experiment.freeze, lambda pattern: freeze(model, [pattern]))
    faults += _each("trainer.recompute", recomputed, lambda pattern: recompute(model, [pattern]))
    faults += _groups(experiment)
    if experiment.freeze and not faults and not any(p.requires_grad for p in model.parameters()):
        faults.append(Fault("freeze", "all parameters of the model are frozen", "leave out some of the patterns"))
    return Start(origins, loaded, faults)


def _each(path: str, patterns: Sequence[str], follow: Callable[[str], None]) -> list[Fault]:
    """Apply each pattern, and return the errors of invalid ones."""
    faults = []
    for index, pattern in enumerate(patterns):
        try:
            follow(pattern)
        except PatternError as error:
            faults.append(_fault(f"{path}.{index}", error))
    return faults


def _groups(experiment: Described) -> list[Fault]:
    """Return the errors of the groups: invalid patterns, and options that the optimizer does not take."""
    if not experiment.groups:
        return []
    faults = []
    for index, group in enumerate(experiment.groups):
        try:
            parameter_groups(experiment.model, [group])
        except PatternError as error:
            faults.append(_fault(f"groups.{index}.match", error))
    if not faults:
        try:
            parameter_groups(experiment.model, experiment.groups)
        except PatternError as error:
            faults.append(_fault(f"groups.{error.index}.match", error))
    optimizer = experiment.optimizer(list(experiment.model.parameters()))  # created only for its options
    known = optimizer.defaults
    for index, group in enumerate(experiment.groups):
        options = {name: value for name, value in group.items() if name != "match"}
        for name in [name for name in options if name not in known]:
            near = most_similar(name, [*known, "match"])
            remedy = f"did you mean {near!r}?" if near else f"it has: {', '.join(known)}"
            faults.append(Fault(f"groups.{index}.{name}", f"{type(optimizer).__name__} has no option {name!r}", remedy))
            del options[name]
        try:
            optimizer.check({**known, **options})
        except (ValueError, TypeError) as error:
            faults.append(_fault(f"groups.{index}", error))
    return faults


def _fault(path: str, error: Exception) -> Fault:
    message, _, lines = str(error).partition("\n")
    if not lines:
        message, _, lines = message.partition("; ")
    return Fault(path, message, dedent(lines))


def parameter_table(model: Module, optimizer: Optimizer, start: Start) -> str:
    """Return a table of a model's parameters.

    Each row has the shape, whether the parameter is trained or frozen, its parameter group, and the origin of its
    initial value.

    Args:
        model: the model; a shared parameter is listed under its first name.
        optimizer: the optimizer of the parameters.
        start: the origins of the initial values.
    """
    groups = {id(p): i for i, group in enumerate(optimizer.param_groups) for p in group["params"]}
    rows = [("parameter", "shape", "trained", "group", "first value")]
    for name, p in model.named_parameters():
        group = groups.get(id(p), "-")
        rows.append((name, str(p.shape), "yes" if p.requires_grad else "frozen", str(group), start.origins[name]))
    return align(rows)
