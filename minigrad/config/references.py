"""References `${path}`: targets, types and cycles."""

from __future__ import annotations

from minigrad.config.annotations import Spec, fits
from minigrad.config.diagnostics import Diagnostics
from minigrad.config.signature import facts_of
from minigrad.config.values import (
    Broken,
    Call,
    Entries,
    Items,
    Literal,
    Reference,
    Value,
    child,
    children,
    spec_of_value,
)
from minigrad.suggest import did_you_mean

MAX_CHAIN = 16
"""The maximum length of a chain of references."""


def resolve(references: list[Reference], root: Call, report: Diagnostics) -> None:
    """Resolve every reference of the plan and check its type.

    Errors are added to `report`.
    """
    for reference in references:
        _resolve(reference, root, report, [])
    if _is_ordered(root, report, [], {}, set()):
        for reference in references:
            given = spec_of_value(reference)
            if not fits(given, reference.wanted):
                message = f"{reference.what} must be {reference.wanted}, and {reference.path} is {given}"
                report.add(reference.place, message)


def _resolve(reference: Reference, root: Call, report: Diagnostics, chain: list[Reference]) -> None:
    """Set the target of a reference.

    A chain of references is followed to its end. If the path does not exist, the target is `Broken`.
    """
    if reference in chain or len(chain) > MAX_CHAIN:
        _refuse_cycle([*chain, reference], report)
        reference.target = Broken(reference.place)
    if reference.target is not None:
        return
    value: Value = root
    words = reference.path.split(".")
    for i, word in enumerate(words):
        owner, found = value, child(value, word)
        # an argument of None often means "determined by the data"; then the object's property has the value
        is_unsaid = found is None or (isinstance(found, Literal) and found.value is None)
        if is_unsaid and i == len(words) - 1 and word in _facts(owner, root):
            reference.target, reference.fact = owner, word
            return
        if isinstance(found, Reference):
            _resolve(found, root, report, [*chain, reference])
            reference.fact = found.fact
            found = found.target
        if found is None and not isinstance(owner, Broken):
            _refuse_unknown(reference, words[:i], word, owner, root, report)
        value = found or Broken(reference.place)
    reference.target = value


def _facts(owner: Value, root: Call) -> dict[str, Spec]:
    if isinstance(owner, Call) and isinstance(owner.target, type) and owner is not root and not owner.is_open:
        return facts_of(owner.target)
    return {}


def _refuse_unknown(
    reference: Reference, before: list[str], word: str, owner: Value, root: Call, report: Diagnostics
) -> None:
    path = ".".join(before) or "a config"
    names = [*(owner.arguments if isinstance(owner, Call) else ()), *_facts(owner, root)]
    if isinstance(owner, Entries):
        names = list(owner.entries)
    hint = did_you_mean(word, dict.fromkeys(names), f"{path} has")
    if isinstance(owner, Call) and owner.is_open:
        hint += f"\n{path} is created during the run: only its arguments can be referred to"
    variadic = owner.signature.variadic if isinstance(owner, Call) else None
    items = owner.arguments.get(variadic.name) if isinstance(owner, Call) and variadic else owner
    if isinstance(items, Items) and (word.isdecimal() or items is owner):
        hint = f"{path} has {len(items.items)} items, numbered from 0"
    report.add(reference.place, f"there is no '{reference.path}' to refer to", hint)


def _is_ordered(
    value: Value, report: Diagnostics, hops: list[Reference], entered: dict[Value, int], done: set[Value]
) -> bool:
    """Whether a build order exists.

    `entered` has the values on the current path, each with the number of references before it.
    """
    if value in done:
        return True
    if value in entered or len(hops) > MAX_CHAIN:
        _refuse_cycle([*hops[entered.get(value, 0) :], hops[entered.get(value, 0)]], report)
        return False
    entered[value] = len(hops)
    if isinstance(value, Reference):
        hops = [*hops, value]
    is_ordered = min((_is_ordered(each, report, hops, entered, done) for each in children(value)), default=True)
    del entered[value]
    done.add(value)
    return is_ordered


def _refuse_cycle(chain: list[Reference], report: Diagnostics) -> None:
    shown = " -> ".join(reference.path for reference in chain)
    if chain[-1] in chain[:-1]:
        report.add(chain[0].place, "these references form a cycle", shown)
    else:
        report.add(chain[0].place, f"more than {MAX_CHAIN} references follow each other", shown)
