from xml.etree import ElementTree

from minigrad.draw import draw
from minigrad.scalar import Scalar


def elements(svg, tag, kind=None):
    found = ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")
    return [e for e in found if kind is None or e.get("class") == kind]


def texts(svg, kind=None):
    return [e.text for e in elements(svg, "text", kind)]


def test_boxes_show_operations_values_and_gradients():
    w, x = Scalar(0.5), Scalar(3.0)
    z = w * x
    z.backward()
    svg = draw(z, w=w, x=x, z=z)
    assert len(elements(svg, "rect", "leaf")) == 2
    assert len(elements(svg, "rect", "operation")) == 1
    assert sorted(texts(svg, "title")) == ["w", "x", "z = *"]
    assert {"value 0.5", "grad 3", "value 3", "grad 0.5", "value 1.5", "grad 1"} <= set(texts(svg))


def test_edges_show_the_local_derivatives():
    x, y = Scalar(2.0), Scalar(0.25)
    svg = draw(x / y - y)
    assert sorted(texts(svg, "derivative")) == ["-1", "-32", "1", "4"]
    assert len(elements(svg, "path")) == 4


def test_an_input_that_is_taken_twice_has_one_edge_with_both_derivatives():
    x = Scalar(3.0)
    svg = draw(x * x)
    assert texts(svg, "derivative") == ["3 + 3"]


def test_boxes_stand_left_of_what_takes_them_and_do_not_overlap():
    w, x = Scalar(0.5), Scalar(3.0)
    hidden = [(w * x + i).tanh() for i in range(4)]
    svg = draw(sum(hidden[1:], hidden[0]) * w)
    boxes = [tuple(float(e.get(k)) for k in ("x", "y", "width", "height")) for e in elements(svg, "rect")]
    for i, (x1, y1, width, height) in enumerate(boxes):
        assert all(abs(x1 - x2) >= width or abs(y1 - y2) >= height for x2, y2, _, _ in boxes[:i])
    for path in elements(svg, "path"):
        points = path.get("d").replace("M", "").replace("C", "").replace("L", "").split()
        xs = [float(point.split(",")[0]) for point in points]
        assert xs == sorted(xs)
        assert xs[0] < xs[-1]


def test_a_leaf_alone_is_a_picture_of_one_box():
    svg = draw(Scalar(7.0))
    assert len(elements(svg, "rect")) == 1
    assert elements(svg, "path") == []
    assert "value 7" in texts(svg)


def test_names_are_text_and_not_markup():
    x = Scalar(1.0)
    assert texts(draw(x, **{"<a&b>": x}), "title") == ["<a&b>"]


def test_the_same_graph_gives_the_same_picture():
    def picture():
        x = Scalar(0.5)
        return draw(sum((x * i).exp() for i in range(6)).log(), x=x)

    assert picture() == picture()
