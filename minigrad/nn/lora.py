"""LoRA: low-rank adapters for fine-tuning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from minigrad.arguments import as_integer, as_number
from minigrad.devices import on_cpu
from minigrad.engine import no_grad
from minigrad.nn.attention import MultiHeadAttention
from minigrad.nn.embedding import Embedding
from minigrad.nn.linear import Linear
from minigrad.nn.low_rank import LowRank
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.patterns import PatternError, as_patterns, named_tensors, select

M = TypeVar("M", bound=Module)

MATRICES: dict[type[Module], tuple[str, ...]] = {
    Linear: ("weight",),
    Embedding: ("weight",),
    MultiHeadAttention: ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"),
}
"""The matrices that can have a `LowRank` update, by layer class; the update's name is the matrix's with `_lora`."""


class Adapter:
    """The base of adapters: a subclass defines `attach`."""

    def attach(self, model: Module, anew: Collection[str] = ()) -> None:
        """Add parameters to a model, and freeze all others.

        Args:
            model: the model to change.
            anew: names of parameters without loaded values, such as a head of another size, which are fully trained.
        """
        raise NotImplementedError(f"{type(self).__name__} must define attach()")


class LoRA(Adapter):
    """Low-rank adaptation: train two small matrices per matrix.

    A matrix W becomes W + alpha / rank · B @ A, with B (rows, rank) and A (rank, columns); see `LowRank`. Hu et al.,
    "LoRA: Low-rank adaptation of large language models", arXiv:2106.09685.

    It adapts `Linear`, `Embedding` and the projections of `MultiHeadAttention`; projections packed into one matrix
    share a pair, and so do layers that share a matrix. Code that reads a matrix directly, such as `embedding.weight`,
    bypasses the update: call the layer, or `Embedding.attend`.

        nn.LoRA(["*.attn.*"], rank=8).attach(model)
        ...
        merged = nn.merged(model)

    Args:
        match: patterns of the layers or matrices to adapt (see `matching`). Everything else, matched biases included,
            is frozen.
        rank: the rank of the updates.
        alpha: the scale of the updates is alpha / rank.

    Raises:
        ValueError: for a rank below 1, an alpha that is not positive, or no patterns.
    """

    def __init__(self, match: Sequence[str], rank: int = 8, alpha: float = 16.0) -> None:
        self.match = as_patterns("match", match)
        if not self.match:
            raise ValueError('match names no layers: give it patterns, such as "*.attn.*"')
        self.rank = as_integer("rank", rank, 1)
        self.alpha = as_number("alpha", alpha, above=0)

    def attach(self, model: Module, anew: Collection[str] = ()) -> None:
        """Add the adapters to a model, and freeze its parameters.

        Args:
            model: the model to change. If this method raises, it is unchanged.
            anew: names of parameters that are fully trained and get no adapter, even if a pattern matches them.

        Raises:
            PatternError: for a pattern that matches nothing, matches no matrix that can be adapted, or matches a matrix
                that a layer of another kind also uses.
            ValueError: if the model already has adapters.
        """
        if any(low_ranks(model)):
            raise ValueError("this model has a LoRA: merge it, or attach one with all patterns")
        whole = {id(parameter) for name, parameter in named_tensors(model).items() if name in anew}
        places = {key: found for key, found in _places(model).items() if key not in whole}
        chosen: dict[int, Parameter] = {}
        for index, found in enumerate(select(model, self.match)):
            matrices = {id(parameter): parameter for parameter in found.values() if id(parameter) in places}
            if not matrices and all(id(parameter) in whole for parameter in found.values()):
                reason = "matches only what began anew, which is trained whole: leave it out"
                raise PatternError(index, f"{self.match[index]!r} {reason}")
            if not matrices:
                raise PatternError(index, _no_matrix(self.match[index], list(found), model))
            _refuse_elsewhere(index, model, matrices, places)
            chosen |= matrices
        for parameter in model.parameters():
            parameter.requires_grad = id(parameter) in whole
        for key, matrix in chosen.items():
            rows, columns = matrix.shape
            change = LowRank(rows, columns, self.rank, self.alpha, matrix.dtype)
            change.train(model.training)
            for layer, name, _ in places[key]:
                setattr(layer, f"{name}_lora", change)

    def __repr__(self) -> str:
        return f"LoRA({self.match}, rank={self.rank}, alpha={self.alpha:g})"


def low_ranks(model: Module) -> Iterator[tuple[str, LowRank]]:
    """Yield the path and the matrices of each adapter."""
    for path, module in model.named_modules():
        if isinstance(module, LowRank):
            yield path, module


def merge(model: Module) -> None:
    """Merge a model's adapters into its matrices, in place.

    Its results stay the same, up to rounding. All parameters are trainable afterwards. A model without adapters does
    not change.
    """
    if not any(low_ranks(model)):
        return
    done: set[int] = set()
    for layer, name, _ in [place for places in _places(model).values() for place in places]:
        change = getattr(layer, f"{name}_lora")
        if change is None:
            continue
        if id(change) not in done:
            done.add(id(change))
            matrix = getattr(layer, name)
            with no_grad():
                np.add(matrix.data, change.matrix().data, out=matrix.data)
            matrix.bump()
        delattr(layer, f"{name}_lora")
    model.requires_grad_()


def merged(model: M) -> M:
    """Return a copy of a model with its adapters merged.

    A model without adapters is returned itself.
    """
    if not any(low_ranks(model)):
        return model
    twin = deepcopy(model)
    merge(twin)
    return twin


def saved_state(model: Module) -> dict[str, NDArray[Any]]:
    """Return the arrays that a checkpoint holds, by name.

    They are the arrays of `state_dict`, not copies. For a model with adapters, the frozen base is left out: they are
    the adapters, the buffers, and other trained parameters.
    """
    base = _base(model)
    return {name: array for name, array in model.state_dict().items() if name not in base}


class BaseDigests:
    """SHA-256 digests of the base arrays that checkpoints leave out.

    An array is only read again if it was written to. See `saved_state`.

    Args:
        model: the model; without adapters there are no digests.
    """

    def __init__(self, model: Module) -> None:
        self._model = model
        self._known: dict[str, tuple[int, str]] = {}

    def __call__(self) -> dict[str, str]:
        """Return the digests by name, in hexadecimal."""
        base = _base(self._model)
        for name, tensor in base.items():
            version = tensor.version[0]
            if name not in self._known or self._known[name][0] != version:
                array = np.ascontiguousarray(on_cpu(tensor.data))
                digest = sha256(f"{array.dtype.str} {array.shape} ".encode())
                digest.update(array.reshape(-1).view(np.uint8).data)
                self._known[name] = version, digest.hexdigest()
        return {name: self._known[name][1] for name in base}


def load_saved_state(
    model: Module, state: Mapping[str, NDArray[Any]], digests: Mapping[str, str] | None = None
) -> None:
    """Load what `saved_state` returned.

    Args:
        model: a model of the same class, with the same adapters.
        state: the arrays.
        digests: the digests of the base with which they were trained, from `BaseDigests`; None skips the check.

    Raises:
        ValueError: listing the arrays of the base that differ, or as `Module.load_state_dict`.
    """
    if digests is not None:
        own = BaseDigests(model)()
        others = [name for name in {**digests, **own} if own.get(name) != digests.get(name)]
        if others:
            lines = [f"{name}: {'its SHA-256 differs' if name in own else 'missing'}" for name in others]
            raise ValueError("\n  ".join(["these adapters were trained on other weights:", *lines]))
    base = {name: tensor.data for name, tensor in _base(model).items() if name not in state}
    model.load_state_dict({**base, **state})


def _base(model: Module) -> dict[str, Parameter | Buffer]:
    """Return the frozen parameters of a model with adapters, by name."""
    own = {id(parameter) for _, change in low_ranks(model) for parameter in change.parameters()}
    if not own:
        return {}
    return {name: p for name, p in named_tensors(model).items() if not p.requires_grad and id(p) not in own}


def _places(model: Module) -> dict[int, list[tuple[Module, str, str]]]:
    """Return the uses of each adaptable matrix, by its id: layer, attribute name and path."""
    places: dict[int, list[tuple[Module, str, str]]] = {}
    for path, layer in model.named_modules():
        for kind, names in MATRICES.items():
            if isinstance(layer, kind) and type(layer).forward is kind.forward:
                for name in names:
                    if isinstance(matrix := vars(layer).get(name), Parameter):
                        places.setdefault(id(matrix), []).append((layer, name, path))
    return places


def _refuse_elsewhere(
    index: int, model: Module, matrices: Mapping[int, Parameter], places: Mapping[int, list[tuple[Module, str, str]]]
) -> None:
    """Raise PatternError if an unadapted layer uses the matrix too."""
    for path, layer in model.named_modules():
        for name, value in vars(layer).items():
            if id(value) in matrices and (layer, name, path) not in places[id(value)]:
                _, other, first = places[id(value)][0]
                kind = type(layer).__name__
                reason = f"{first}.{other} is {path}.{name} too, and LoRA cannot adapt a {kind}"
                raise PatternError(index, f"{reason}: leave it out")


def _no_matrix(pattern: str, names: Sequence[str], model: Module) -> str:
    """Describe a pattern that matches no adaptable layer, with what it matches instead."""
    modules = dict(model.named_modules())
    kinds = dict.fromkeys(type(modules[name.rpartition(".")[0]]).__name__ for name in names)
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    suited = ", ".join(kind.__name__ for kind in MATRICES)
    return f"{pattern!r} matches no matrix that LoRA adapts: {shown} are of {', '.join(kinds)}, and it is for {suited}"
