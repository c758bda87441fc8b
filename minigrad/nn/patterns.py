"""Selection of parameters and layers by patterns of names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Any

from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.suggest import most_similar

_WILDCARD = re.compile(r"(\*|\?|\[!?\]?[^]]*\])")


class PatternError(ValueError):
    """An invalid pattern, or one that matches nothing.

    Attributes:
        index: the index of the pattern in the given list.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def as_patterns(name: str, value: Any) -> list[str]:
    """Return one pattern or several as a list.

    Raises:
        TypeError: for anything else, naming the argument.
    """
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f'{name} must be a list of patterns, such as ["*.bias"], got {value!r}')
    return list(patterns)


def matching(patterns: Sequence[str], names: Collection[str], what: str = "parameter") -> list[list[str]]:
    """Return the names that each pattern matches, in order.

    A pattern must match the whole name, as in `fnmatch.fnmatchcase`: `*` matches any text, dots included, `?` one
    character, and `[ab]` one of several. A pattern that matches the name of a module matches everything below it.

    Args:
        patterns: patterns such as `h.0.*`, `*.bias` or `head`.
        names: the dotted names.
        what: the word for a name in error messages.

    Raises:
        PatternError: for a pattern that matches nothing, with the most similar name.
    """
    found = []
    for index, pattern in enumerate(patterns):
        matches = [name for name in names if covers(pattern, name)]
        if not matches:
            raise PatternError(index, _no_match(pattern, names, what))
        found.append(matches)
    return found


def covers(pattern: str, name: str) -> bool:
    """Return whether a pattern matches a name, or its module."""
    wanted = _compile(pattern)
    return any(wanted.fullmatch(each) for each in _with_modules(name))


def renamed(name: str, pattern: str, replacement: str) -> str | None:
    """Return a name with the matched part replaced, or None.

    The result is None if the pattern does not match.

    Args:
        name: a dotted name.
        pattern: as for `matching`; if it matches a module that `name` is below, the module's name is replaced.
        replacement: the replacement, in which each wildcard stands for what the pattern's wildcard in that place
            matched.
    """
    for each in _with_modules(name):
        if match := _compile(pattern).fullmatch(each):
            texts = iter(match.groups())
            parts = _WILDCARD.split(replacement)
            return "".join(next(texts) if i % 2 else part for i, part in enumerate(parts)) + name[len(each) :]
    return None


def wildcards(pattern: str) -> int:
    """Return the number of wildcards in a pattern."""
    return len(_WILDCARD.findall(pattern))


def named_tensors(model: Module) -> dict[str, Parameter]:
    """Return the parameters of a model by name.

    A shared parameter occurs under each of its names.
    """
    return {name: tensor for name, tensor in model._named_state() if isinstance(tensor, Parameter)}


def select(model: Module, patterns: Sequence[str]) -> list[dict[str, Parameter]]:
    """Return the parameters that each pattern matches, by name.

    Raises:
        PatternError: for a pattern that matches nothing, or only layers without parameters.
    """
    parameters = named_tensors(model)
    for index, pattern in enumerate(patterns):
        if not any(covers(pattern, name) for name in parameters):
            for path, layer in model.named_modules():
                if path and covers(pattern, path):
                    kind = type(layer).__name__
                    raise PatternError(index, f"{pattern!r} matches layer {path!r} ({kind}), which has no parameters")
    return [{name: parameters[name] for name in names} for names in matching(patterns, parameters)]


def freeze(model: Module, patterns: Sequence[str]) -> None:
    """Freeze the parameters of a model that any pattern matches.

    Frozen parameters get no gradients, so training does not change them. A shared parameter is frozen everywhere.

    Args:
        model: the model, whose parameters' `requires_grad` is set.
        patterns: patterns such as `["h.0.*", "wte"]` (see `matching`).

    Raises:
        PatternError: for a pattern that matches nothing; nothing is frozen then.
    """
    for parameters in select(model, as_patterns("patterns", patterns)):
        for parameter in parameters.values():
            parameter.requires_grad = False


def parameter_groups(model: Module, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a model's parameters in groups with their own options.

    The result is what an optimizer takes:

        optim.AdamW(nn.parameter_groups(model, [{"match": "*.bias", "weight_decay": 0.0}]), lr=1e-3)

    Args:
        model: the model; each of its parameters is in exactly one group.
        groups: for each group a mapping with a pattern or list of patterns of its parameters (see `matching`) under
            "match", and options of the optimizer.

    Returns:
        A dict for each group. The first has the parameters that no pattern matches, if there are any.

    Raises:
        PatternError: for a group without "match", a pattern that matches nothing, or a parameter in two groups. Its
            `index` is that of the group.
    """
    owner: dict[int, int] = {}
    result: list[dict[str, Any]] = []
    for index, group in enumerate(groups):
        if "match" not in group:
            raise PatternError(index, "a group needs match: the pattern, or a list of patterns, of its parameters")
        patterns = as_patterns("match", group["match"])
        try:
            found = select(model, patterns)
        except PatternError as error:
            raise PatternError(index, str(error)) from None
        chosen = {id(parameter): (name, parameter) for each in found for name, parameter in each.items()}
        for key, (name, _) in chosen.items():
            if key in owner:
                before = groups[owner[key]]["match"]
                message = f"the parameter {name!r} is in two groups, by {before!r} and by {group['match']!r}"
                raise PatternError(index, f"{message}; let one pattern leave it out")
            owner[key] = index
        options = {name: value for name, value in group.items() if name != "match"}
        result.append({"params": [parameter for _, parameter in chosen.values()], **options})
    rest = [parameter for parameter in model.parameters() if id(parameter) not in owner]
    return [*([{"params": rest}] if rest else []), *result]


def recompute(model: Module, patterns: Sequence[str]) -> None:
    """Recompute layers in the backward pass, to save memory.

    This is gradient checkpointing (Chen et al., arXiv:1604.06174), which trades memory for one more forward pass. Of
    nested layers, the outermost is recomputed as a whole. Results and gradients have the same bits. A compiled step,
    which keeps its arrays from step to step, recomputes nothing.

    Args:
        model: the model.
        patterns: patterns of the layers to recompute, such as `["h.*"]` (see `matching`).

    Raises:
        PatternError: for a pattern that matches no layer, or a layer that writes to its buffers in each call, as batch
            norm does.
    """
    modules = {path: module for path, module in model.named_modules() if path}
    chosen: list[str] = []
    for index, paths in enumerate(matching(as_patterns("patterns", patterns), modules, "layer")):
        for path in paths:
            for below, module in modules[path].named_modules():
                if not module.decomposes:
                    name = f"{path}.{below}" if below else path
                    writes = f"layer {name!r} ({type(module).__name__}) looks at the whole batch or writes to buffers"
                    raise PatternError(index, f"{writes}, which must happen once: it cannot be computed again")
        chosen += paths
    for path in chosen:
        if not any(path.startswith(f"{other}.") for other in chosen):
            modules[path].recomputes = True


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression, with a group per wildcard."""
    parts = _WILDCARD.split(pattern)
    return re.compile("".join(f"({_expression(part)})" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


def _expression(wildcard: str) -> str:
    """Return a wildcard's regular expression, as `fnmatch` translates it."""
    return translate(wildcard)[:-2]


def _with_modules(name: str) -> Iterator[str]:
    """Yield a dotted name and the names of its modules, innermost first."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _no_match(pattern: str, names: Collection[str], what: str) -> str:
    """Return the message for a pattern that matches nothing."""
    everything = dict.fromkeys(each for name in names for each in _with_modules(name))
    message = f"{pattern!r} matches no {what}"
    if near := most_similar(pattern, everything):
        return f"{message}; did you mean {near!r}?"
    tops = list(dict.fromkeys(name.partition(".")[0] for name in names))
    shown = ", ".join(tops[:8]) + (", …" if len(tops) > 8 else "")
    return f"{message}; there are {shown}" if tops else message
