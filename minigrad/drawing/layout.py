"""Layout of boxes and arrows, from top to bottom.

This is the layered drawing of Sugiyama, Tagawa and Toda (1981). A row holds the boxes at the same distance from the
result. An arrow that skips rows has its own lane in each of them. From the result upwards, each row is ordered by its
successors, so that few arrows cross; then boxes are aligned vertically as far as space allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from minigrad.drawing.box import Box

Inputs = Mapping[Hashable, Mapping[Hashable, str]]
"""For each box, the boxes with arrows to it, and the labels of these arrows."""

Point = tuple[float, float]

_BESIDE, _BETWEEN = 22, 52  # from one box to the next in a row, and from one row to the next, in pixels
_STEM = 10  # the vertical end of an arrow
_LIGHT = 1e-3  # the weight of a leaf's position; operations have 1, which keeps long chains straight
_SWEEPS = 4  # up and down; more sweeps change little


class Layout(NamedTuple):
    """Positions in pixels from the upper left corner.

    Attributes:
        width: the total width.
        height: the total height.
        places: the middle of the upper edge of each box.
        ways: the points of each arrow, by its two ends: a vertical line from the first to the second point, a curve to
            the third, a vertical line to the fourth, and so on.
    """

    width: float
    height: float
    places: dict[Hashable, Point]
    ways: dict[tuple[Hashable, Hashable], list[Point]]


def lay_out(boxes: Mapping[Hashable, Box], inputs: Inputs, lanes: Mapping[Hashable, float]) -> Layout:
    """Place the boxes and route the arrows.

    Args:
        boxes: the boxes by key, each before its inputs.
        inputs: the boxes with arrows to each box.
        lanes: the minimum width in pixels of the arrows from each box.
    """
    row = _rows(boxes, inputs)
    stops = _stops(row, inputs)
    widths = [
        {key: max(boxes[key].width if row[key] == i else 0.0, lanes.get(key, 0.0)) for key in leads}
        for i, leads in enumerate(stops)
    ]
    weights = {key: 1.0 if inputs.get(key) else _LIGHT for key in boxes}
    middles = _middles(stops, widths, weights)
    left = min(x - widths[i][key] / 2 for i, xs in enumerate(middles) for key, x in xs.items())
    right = max(x + widths[i][key] / 2 for i, xs in enumerate(middles) for key, x in xs.items())
    height = -float(_BETWEEN)
    edges: list[Point] = [(0.0, 0.0)] * len(stops)  # the upper and lower edge of each row
    for i in reversed(range(len(stops))):
        top = height + _BETWEEN
        height = top + max(boxes[key].height for key in stops[i] if row[key] == i)
        edges[i] = (top, height)
    x = [{key: middle - left for key, middle in xs.items()} for xs in middles]
    places = {key: (x[i][key], (sum(edges[i]) - boxes[key].height) / 2) for key, i in row.items()}
    ways = {}
    for target, sources in inputs.items():
        for source in sources:
            way = [(places[source][0], places[source][1] + boxes[source].height)]
            for i in range(row[source], row[target], -1):
                beyond = source if i - 1 > row[target] else target
                way += [(x[i][source], edges[i][1]), (x[i - 1][beyond], edges[i - 1][0] - _STEM)]
            ways[source, target] = [*way, places[target]]
    return Layout(right - left, height, places, ways)


def _rows(boxes: Iterable[Hashable], inputs: Inputs) -> dict[Hashable, int]:
    """Return each box's row, counted upwards from the result: one above its highest successor."""
    row: dict[Hashable, int] = {}
    for key in boxes:
        row.setdefault(key, 0)
        for source in inputs.get(key, ()):
            row[source] = max(row.get(source, 0), row[key] + 1)
    return row


def _stops(row: Mapping[Hashable, int], inputs: Inputs) -> list[dict[Hashable, list[Hashable]]]:
    """Return each row's boxes and lanes, with their successors in the row below."""
    users = defaultdict(list)
    for key, sources in inputs.items():
        for source in sources:
            users[source].append(key)
    stops: list[dict[Hashable, list[Hashable]]] = [{key: [] for key, i in row.items() if i == 0}]
    for i in range(1, max(row.values()) + 1):
        leads = {}
        for key, takers in users.items():
            if min(row[taker] for taker in takers) < i <= row[key]:
                leads[key] = [taker for taker in takers if row[taker] == i - 1] + [key] * (key in stops[-1])
        stops.append(leads)
    return stops


def _middles(
    stops: Sequence[Mapping[Hashable, Sequence[Hashable]]],
    widths: Sequence[Mapping[Hashable, float]],
    weights: Mapping[Hashable, float],
) -> list[dict[Hashable, float]]:
    """Return the middles of all boxes and lanes in each row, from left to right."""

    def put(i: int, goals: Mapping[Hashable, float]) -> dict[Hashable, float]:
        return _place_in_row(goals, [widths[i][key] for key in goals], [weights[key] for key in goals])

    def mean(x: Mapping[Hashable, float], near: Sequence[Hashable]) -> float:
        total = sum(weights[key] for key in near)
        return sum(weights[key] * x[key] for key in near) / total

    x = [put(0, dict.fromkeys(stops[0], 0.0))]
    for i, leads in enumerate(stops[1:], start=1):
        goals = {key: mean(x[-1], below) for key, below in leads.items()}
        x.append(put(i, {key: goals[key] for key in sorted(goals, key=goals.__getitem__)}))
    arrives: list[dict[Hashable, list[Hashable]]] = [defaultdict(list) for _ in stops]
    for i, leads in enumerate(stops):
        for key, below in leads.items():
            for stop in below:
                arrives[i - 1][stop].append(key)
    for _ in range(_SWEEPS):
        for i in reversed(range(len(stops) - 1)):
            goals = {key: mean(x[i + 1], above) for key, above in arrives[i].items()}
            x[i] = put(i, {**x[i], **goals})
        for i in range(1, len(stops)):
            x[i] = put(i, {key: mean(x[i - 1], stops[i][key]) for key in x[i]})
    return x


def _place_in_row(
    goals: Mapping[Hashable, float], widths: Sequence[float], weights: Sequence[float]
) -> dict[Hashable, float]:
    """Place items of these widths side by side and in order, as near to their goals as possible (least squares).

    After subtracting the widths, the positions only have to increase, which is isotonic regression: neighbors in the
    wrong order are merged at their mean, until none are left.
    """
    offsets = [0.0]
    for before, after in pairwise(widths):
        offsets.append(offsets[-1] + (before + after) / 2 + _BESIDE)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, number of items
    for goal, offset, weight in zip(goals.values(), offsets, weights, strict=True):
        mean, count = goal - offset, 1
        while blocks and blocks[-1][0] >= mean:
            other, pull, members = blocks.pop()
            mean, weight, count = (mean * weight + other * pull) / (weight + pull), weight + pull, count + members
        blocks.append((mean, weight, count))
    shifts = [mean for mean, _, count in blocks for _ in range(count)]
    return {key: shift + offset for key, shift, offset in zip(goals, shifts, offsets, strict=True)}
