"""A picture of the graph behind a `Scalar`."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from itertools import pairwise
from operator import attrgetter
from statistics import mean

from minigrad.scalar import Scalar

_WIDTH, _HEIGHT = 110, 62  # of a box, in pixels
_ACROSS, _DOWN = 200, 80  # from one box to the next
_STYLE = (
    "svg{background:#fff;font:13px sans-serif;text-anchor:middle}"
    "rect{fill:#fff;stroke:#555}rect.leaf{fill:#e8f0fe}path{fill:none;stroke:#999}"
    ".title{font-weight:bold}.derivative{fill:#b3261e;stroke:#fff;stroke-width:4;paint-order:stroke}"
)


def draw(result: Scalar, /, **names: Scalar) -> str:
    """The graph that computed `result`, as the text of an SVG picture that reads from left to right.

    A box shows an operation, its value and its gradient as `backward()` left it; leaves are tinted. An edge shows
    the local derivative (a sum of them, where an operation takes one input several times). The gradient of a box
    is the sum over its outgoing edges of that derivative times the gradient of the box at the edge's end.

    Args:
        result: the right end of the picture.
        names: titles for boxes, as in `draw(loss, w=w, b=b)`.
    """
    column, consumers = _arrange(result)
    lanes = _lanes(column, consumers)
    width, height = _ACROSS * len(lanes), _DOWN * max(map(len, lanes))
    titles = {scalar: name for name, scalar in names.items()}

    def place(scalar: Scalar, i: int) -> tuple[float, float]:
        return width - _ACROSS * (i + 0.5), height * lanes[i][scalar]

    edges = [
        _edge(
            scalar,
            user,
            [*(place(scalar, i) for i in range(column[scalar], column[user], -1)), place(user, column[user])],
        )
        for scalar, users in consumers.items()
        for user in dict.fromkeys(users)
    ]
    boxes = [_box(scalar, titles.get(scalar, ""), *place(scalar, i)) for scalar, i in column.items()]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"><style>{_STYLE}</style>'
    return "\n".join([head, *edges, *boxes, "</svg>\n"])


def _arrange(result: Scalar) -> tuple[dict[Scalar, int], dict[Scalar, list[Scalar]]]:
    """How many columns left of `result` each Scalar of its graph stands, and which operations take it."""
    found = {result}
    stack = [result]
    while stack:
        new = set(stack.pop().inputs) - found
        found |= new
        stack += new
    column = {result: 0}
    consumers: dict[Scalar, list[Scalar]] = defaultdict(list)
    for scalar in sorted(found, key=attrgetter("number"), reverse=True):
        for x in scalar.inputs:
            column[x] = max(column.get(x, 0), column[scalar] + 1)
            consumers[x].append(scalar)
    return column, consumers


def _lanes(column: dict[Scalar, int], consumers: dict[Scalar, list[Scalar]]) -> list[dict[Scalar, float]]:
    """For each column the heights, between 0 and 1, of its Scalars and of those whose edges pass through it."""
    lanes = [{scalar: 0.5 for scalar, i in column.items() if i == 0}]
    for i in range(1, max(column.values()) + 1):
        right = lanes[-1]
        goals = {}
        for scalar, users in consumers.items():
            if min(column[user] for user in users) < i <= column[scalar]:
                next_stops = [user for user in users if column[user] == i - 1] + [scalar] * (scalar in right)
                goals[scalar] = mean(right[stop] for stop in next_stops)
        # In the order of what they lead to, so that few edges cross.
        order = sorted(goals, key=lambda scalar: goals[scalar])
        lanes.append({scalar: (j + 0.5) / len(order) for j, scalar in enumerate(order)})
    return lanes


def _box(scalar: Scalar, name: str, x: float, y: float) -> str:
    title = " = ".join(filter(None, [escape(name), scalar.operation]))
    kind = "operation" if scalar.inputs else "leaf"
    corner = f'x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}"'
    return (
        f'<rect class="{kind}" {corner} width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text class="title" x="{x:g}" y="{y - 13:g}">{title}</text>'
        f'<text x="{x:g}" y="{y + 5:g}">value {scalar.data:.4g}</text>'
        f'<text x="{x:g}" y="{y + 22:g}">grad {scalar.grad:.4g}</text>'
    )


def _edge(scalar: Scalar, user: Scalar, stops: list[tuple[float, float]]) -> str:
    """The line through the `stops`, level inside a column and curved between columns, and its label before the last."""
    path = ""
    for (x1, y1), (x2, y2) in pairwise(stops):
        x1, x2 = x1 + _WIDTH / 2, x2 - _WIDTH / 2
        middle = (x1 + x2) / 2
        path += f"{'L' if path else 'M'}{x1:g},{y1:g} C{middle:g},{y1:g} {middle:g},{y2:g} {x2:g},{y2:g} "
    taken = zip(user.inputs, user.derivatives, strict=True)
    label = " + ".join(f"{derivative:.4g}" for x, derivative in taken if x is scalar)
    return f'<path d="{path}"/><text class="derivative" x="{middle:g}" y="{(y1 + y2) / 2 + 4:g}">{label}</text>'
