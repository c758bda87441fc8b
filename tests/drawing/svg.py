"""An SVG picture, read for its words, its boxes and its arrows."""

import re
from xml.etree import ElementTree


def elements(svg, tag, kind=None):
    found = ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")
    return [e for e in found if kind is None or e.get("class") == kind]


def texts(svg, kind=None):
    return [e.text for e in elements(svg, "text", kind)]


def boxes(svg):
    """For each box its left, upper, right and lower edge, and its words, in order."""
    found = []
    for e in ElementTree.fromstring(svg).iter():
        if e.tag.endswith("rect"):
            x, y, width, height = (float(e.get(key)) for key in ("x", "y", "width", "height"))
            found.append(((x, y, x + width, y + height), []))
        elif e.tag.endswith("text") and e.get("class") in ("title", "line"):
            found[-1][1].append(e)
    return found


def arrows(svg):
    """For each arrow the points that it goes through."""
    return [
        [tuple(map(float, point.split(","))) for point in re.findall(r"[-\d.e]+,[-\d.e]+", e.get("d"))]
        for e in elements(svg, "path", "arrow")
    ]


def box_at(svg, point):
    """The title of the smallest box on whose edge a point is."""
    x, y = point
    near = [
        (right - left, words[0].text)
        for (left, top, right, bottom), words in boxes(svg)
        if left <= x <= right and (abs(y - top) < 0.01 or abs(y - bottom) < 0.01)
    ]
    return min(near)[1]


def links(svg):
    """The titles of the two boxes of each arrow."""
    return sorted((box_at(svg, way[0]), box_at(svg, way[-1])) for way in arrows(svg))


def assert_readable(svg):
    """Boxes are beside or inside each other, and words in their box; arrows go down, and through no box."""
    root = ElementTree.fromstring(svg)
    x0, y0, width, height = map(float, root.get("viewBox").split())
    found = boxes(svg)
    for i, (a, words) in enumerate(found):
        assert x0 <= a[0]
        assert y0 <= a[1]
        assert a[2] <= x0 + width
        assert a[3] <= y0 + height
        for b, _ in found[:i]:
            apart = a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
            inside = b[0] < a[0] and a[2] < b[2] and b[1] < a[1] and a[3] < b[3]
            assert apart or inside, (words[0].text, a, b)
        for word in words:
            half = 0.6 * 12 * len(word.text) / 2  # of a monospaced font of 12 pixels
            assert a[0] < float(word.get("x")) - half
            assert float(word.get("x")) + half < a[2]
            assert a[1] + 10 < float(word.get("y")) < a[3]
    for way in arrows(svg):
        heights = [y for _, y in way]
        assert heights == sorted(heights)
        assert heights[0] < heights[-1]
        for (x, y1), (_, y2) in zip(way[::4], way[1::4], strict=True):  # two points of a curve are between
            for (left, top, right, bottom), words in found:
                around = top < y1 and y2 < bottom
                assert around or not (left < x < right and top < y2 and y1 < bottom), words[0].text
