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
from minigrad.nn.patterns import as_patterns, matching, renamed, wildcards
from minigrad.runs.checkpoint import CheckpointError, is_checkpoint, read_checkpoint
from minigrad.suggest import most_similar


class WeightsError(ValueError):
    """Weights that cannot be loaded.

    Attributes:
        path: the path of the invalid setting below `weights`; "" for `weights` itself.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Weights:
    """The source of a model's initial weights.

    Args:
        path: a run (for its best weights), a `.safetensors` file or a Hugging Face folder; relative paths are resolved
            like those of data.
        match: patterns of the names to read (see `minigrad.nn.freeze`), by default all.
        rename: new names, by pattern of the old ones: `{encoder: body, "layers.*.w": "h.*.weight"}`. A wildcard in a
            new name stands for the text that its counterpart in the pattern matched. The first matching pattern counts.
        missing: what happens if a weight of the model is missing or has another shape: `error` raises an error; `keep`
            keeps and reports its random values, and also ignores unused arrays.

    Raises:
        ValueError: for an unknown word.
        TypeError: if `match` is not a list of patterns.
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
        origins: the origin of each weight that was read, by name.
        anew: the weights that kept their random values, each with the reason.
        unused: the names of arrays that the model has no place for.
    """

    origins: dict[str, str]
    anew: dict[str, str]
    unused: list[str]

    def __str__(self) -> str:
        kept = f"; these keep their random values: {', '.join(f'{name} ({why})' for name, why in self.anew.items())}"
        left = f"; not used: {', '.join(self.unused)}"
        total = len(self.origins) + len(self.anew)
        return f"{len(self.origins)} of {total} arrays were read" + kept * bool(self.anew) + left * bool(self.unused)


def load_weights(model: Module, weights: Weights | str | Path) -> Loaded:
    """Load weights from a file or run into a model.

    For example: `load_weights(model, Weights("runs/digits_mlp/0003", missing="keep"))`.

    Args:
        model: the model; its parameters and buffers are changed in place.
        weights: the source of the weights, or only its path.

    Raises:
        WeightsError: for an unsupported path, a pattern that matches nothing, or weights that do not fit, with each
            name, both shapes, and the nearest name. The model is then unchanged.
        OSError: if a file cannot be read.
    """
    if not isinstance(weights, Weights):
        weights = Weights(Path(weights))
    try:
        with noting():  # a file of weights is not part of the data
            place = find(weights.path)
        stored = _stored(place, model)
    except (DataError, FormatError, CheckpointError) as error:
        raise WeightsError(str(error), "path") from error
    names = _names_in_file(weights, stored)
    fit = _Fit(model, {new: stored[old].shape for new, old in names.items()})
    if fit.problems and (weights.missing == "error" or not fit.names):
        remedy = "missing: keep leaves these weights random; match selects what is read, rename gives it new names"
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
        names: the names of tensors that an array fits.
        anew: the tensors without a fitting array, each with the reason.
        unused: the names of arrays that the model has no place for.
        problems: a line for each name in `anew` and `unused`.
    """

    def __init__(self, model: Module, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.own: dict[str, Tensor] = dict(model._named_state())
        self.names = [name for name, tensor in self.own.items() if shapes.get(name) == tensor.shape]
        self.unused = [name for name in shapes if name not in self.own]
        filled = {id(self.own[name]) for name in self.names}  # a shared tensor may be stored under one of its names
        self.anew, self.problems = {}, []
        for name, tensor in self.own.items():
            if id(tensor) in filled:
                continue
            if name in shapes:
                self.anew[name] = f"{tensor.shape} here, {shapes[name]} there"
                self.problems.append(f"{name!r}: expected shape {tensor.shape}, got {shapes[name]}")
            else:
                near = most_similar(name, self.unused)
                self.anew[name] = "not there"
                self.problems.append(f"missing: {name!r} {tensor.shape}" + (f" (is it {near!r}?)" if near else ""))
        for name in self.unused:
            near = most_similar(name, self.own)
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
        from minigrad.formats import huggingface  # most trainings do not need it

        return huggingface.weights(place, model)
    raise WeightsError(
        f"{place} is a folder without weights: a run has config.yaml, a Hugging Face folder model.safetensors", "path"
    )


def _checkpoint(path: Path) -> dict[str, Stored]:
    arrays, state = read_checkpoint(path)
    if "base" in state:
        run = path.parents[1]
        remedy = f"minigrad export {run} --weights merged.safetensors writes all weights: give that file"
        raise WeightsError(f"{path} holds only adapters; {remedy}", "path")
    return {name: Stored(array.shape, lambda array=array: array) for name, array in arrays.items()}  # type: ignore[misc]


def _names_in_file(weights: Weights, stored: Mapping[str, Stored]) -> dict[str, str]:
    """Return the name in the file of each array to read, by its name in the model."""
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
            near = most_similar(pattern, matched)
            hint = f"; did you mean {near!r}?" if near else ""
            raise WeightsError(f"{pattern!r} matches no array that is read{hint}", f"rename.{pattern}")
    return names
