"""Initial weights of a model, from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from minigrad.arguments import as_choice
from minigrad.data.errors import DataError
from minigrad.data.files import find, noting
from minigrad.engine import Tensor
from minigrad.formats import FormatError, safetensors
from minigrad.formats.stored import Stored
from minigrad.nn import Module, PatternError
from minigrad.nn.patterns import as_patterns, matching, nearest_name, renamed, wildcards
from minigrad.runs.checkpoint import CheckpointError, is_checkpoint, read_checkpoint


class WeightsError(ValueError):
    """Weights that cannot be loaded.

    Attributes:
        path: of the setting that is wrong, below `weights`; "" for all of it.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Weights:
    """The source of a model's initial weights.

    Args:
        path: a run, whose best weights they are, a `.safetensors` file or a Hugging Face folder; a relative one is
            looked for as data is.
        match: patterns of the names there that are read (see `minigrad.nn.freeze`); all, if left out.
        rename: other names for what is read, by pattern: `{encoder: body, "layers.*.w": "h.*.weight"}`. Each wildcard
            of a new name stands for what that of its pattern matched; the first pattern that matches counts.
        missing: what a weight of the model is that is not there, or has another shape there: an `error`, or it is to
            `keep` its random values, which is reported. Then also arrays may be left over.

    Raises:
        ValueError: for another word than these.
        TypeError: for what is no list of patterns.
    """

    path: Path
    match: list[str] = field(default_factory=lambda: ["*"])
    rename: dict[str, str] = field(default_factory=dict)
    missing: Literal["error", "keep"] = "error"

    def __post_init__(self) -> None:
        as_patterns("match", self.match)
        as_choice("missing", self.missing, ("error", "keep"))


class Loaded(NamedTuple):
    """The result of loading weights into a model.

    Attributes:
        origins: by the name of each weight that was read, where it comes from.
        anew: the weights that kept their values, each with the reason.
        unused: names of arrays that the model has no place for.
    """

    origins: dict[str, str]
    anew: dict[str, str]
    unused: list[str]

    def __str__(self) -> str:
        kept = f"; these began anew: {', '.join(f'{name} ({why})' for name, why in self.anew.items())}"
        left = f"; not used: {', '.join(self.unused)}"
        total = len(self.origins) + len(self.anew)
        return f"{len(self.origins)} of {total} arrays were read" + kept * bool(self.anew) + left * bool(self.unused)


def load_weights(model: Module, weights: Weights | str | Path) -> Loaded:
    """Load weights from a file or run into a model.

    `load_weights(model, Weights("runs/digits_mlp/0003", missing="keep"))`.

    Args:
        model: is changed in place, its buffers too.
        weights: where from, or just the path.

    Raises:
        WeightsError: for a path that is none of those, a pattern that matches nothing, or weights that do not fit, with
            each name, both shapes, and the nearest name; the model is then as it was.
        OSError: if a file cannot be read.
    """
    if not isinstance(weights, Weights):
        weights = Weights(Path(weights))
    try:
        with noting():  # a file of weights is no data
            place = find(weights.path)
        stored = _stored(place, model)
    except (DataError, FormatError, CheckpointError) as error:
        raise WeightsError(str(error), "path") from error
    names = _renamed(weights, stored)
    fit = _Fit(model, {new: stored[old].shape for new, old in names.items()})
    if fit.problems and (weights.missing == "error" or not fit.names):
        remedy = "missing: keep begins anew with what does not fit; match says what is read, rename what it is called"
        lines = [f"the weights of {weights.path} do not fit this model:", *fit.problems, remedy]
        raise WeightsError("\n  ".join(lines))
    arrays = {name: stored[names[name]].read() for name in fit.names}
    for name, array in arrays.items():
        if not np.can_cast(array.dtype, fit.own[name].dtype, "same_kind"):
            raise WeightsError(f"{weights.path}: {name!r} holds {array.dtype}, and the model {fit.own[name].dtype}")
    for name, array in arrays.items():
        np.copyto(fit.own[name].data, array)
        fit.own[name].bump()
    origins = {name: str(weights.path) + f": {names[name]}" * (names[name] != name) for name in fit.names}
    return Loaded(origins, fit.anew, fit.unused)


class _Fit:
    """The match of arrays with a model's tensors.

    Attributes:
        own: the tensors of the model, by name.
        names: those that fit.
        anew: those that nothing fits, each with the reason.
        unused: names of arrays that the model has no place for.
        problems: a line for each name of the last two.
    """

    def __init__(self, model: Module, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.own: dict[str, Tensor] = dict(model._named_state())
        self.names = [name for name, tensor in self.own.items() if shapes.get(name) == tensor.shape]
        self.unused = [name for name in shapes if name not in self.own]
        filled = {id(self.own[name]) for name in self.names}  # a shared tensor may be there under one of its names
        self.anew, self.problems = {}, []
        for name, tensor in self.own.items():
            if id(tensor) in filled:
                continue
            if name in shapes:
                self.anew[name] = f"{tensor.shape} here, {shapes[name]} there"
                self.problems.append(f"{name!r}: expected shape {tensor.shape}, got {shapes[name]}")
            else:
                near = nearest_name(name, self.unused)
                self.anew[name] = "not there"
                self.problems.append(f"missing: {name!r} {tensor.shape}" + (f" (is it {near!r}?)" if near else ""))
        for name in self.unused:
            near = nearest_name(name, self.own)
            said = f"unexpected: {name!r} {shapes[name]}"
            self.problems.append(said + (f" (did you mean {near!r}?)" if near else ""))


def _stored(place: Path, model: Module) -> dict[str, Stored]:
    """Return the arrays of a run, a file or a folder."""
    if place.is_file():
        with open(place, "rb") as file:
            if file.read(4) == b"GGUF":
                remedy = f"minigrad export {place} --huggingface DIR makes a folder of it: name that"
                raise WeightsError(f"{place} is a GGUF file; {remedy}", "path")
        return _checkpoint(place) if is_checkpoint(place) else safetensors.stored(place)
    if (place / "config.yaml").is_file():
        best = place / "checkpoints" / "best.safetensors"
        if not best.is_file():
            raise WeightsError(f"{place} has no best weights yet: it ended before its first validation", "path")
        return _checkpoint(best)
    if any((place / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        from minigrad.formats import huggingface  # which most trainings do without

        return huggingface.weights(place, model)
    raise WeightsError(
        f"{place} is a folder without weights: a run has config.yaml, a Hugging Face folder model.safetensors", "path"
    )


def _checkpoint(path: Path) -> dict[str, Stored]:
    arrays, state = read_checkpoint(path)
    if "base" in state:
        run = path.parents[1]
        remedy = f"minigrad export {run} --weights merged.safetensors writes all weights: give that file"
        raise WeightsError(f"{path} holds adapters alone; {remedy}", "path")
    return {name: Stored(array.shape, lambda array=array: array) for name, array in arrays.items()}  # type: ignore[misc]


def _renamed(weights: Weights, stored: Mapping[str, Stored]) -> dict[str, str]:
    """Return the name in the file by the name in the model. Of each array that is to be read."""
    try:
        matched = {name for names in matching(weights.match, stored, "array there") for name in names}
    except PatternError as error:
        raise WeightsError(str(error), f"match.{error.index}") from error
    names: dict[str, str] = {}
    renamings = dict.fromkeys(weights.rename, False)
    for pattern, replacement in weights.rename.items():
        if wildcards(pattern) != wildcards(replacement):
            raise WeightsError(f"{replacement!r} must have as many wildcards as {pattern!r}", f"rename.{pattern}")
    for old in stored:
        if old not in matched:
            continue
        new = old
        for pattern, replacement in weights.rename.items():
            if (other := renamed(old, pattern, replacement)) is not None:
                renamings[pattern], new = True, other
                break
        if new in names:
            raise WeightsError(f"{names[new]!r} and {old!r} are both called {new!r}", "rename")
        names[new] = old
    for pattern, is_used in renamings.items():
        if not is_used:
            near = nearest_name(pattern, matched)
            hint = f"; did you mean {near!r}?" if near else ""
            raise WeightsError(f"{pattern!r} matches no array that is read{hint}", f"rename.{pattern}")
    return names
