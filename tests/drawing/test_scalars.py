import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Scalar, draw

from .svg import arrows, assert_readable, boxes, elements, links, texts


def test_boxes_show_operations_values_and_gradients():
    w, x = Scalar(0.5), Scalar(3.0)
    z = w * x
    z.backward()
    svg = draw(z, w=w, x=x, z=z)
    assert len(elements(svg, "rect", "leaf")) == 2
    assert len(elements(svg, "rect", "operation")) == 1
    assert sorted(texts(svg, "title")) == ["w", "x", "z = *"]
    assert {"value 0.5", "grad 3", "value 3", "grad 0.5", "value 1.5", "grad 1"} <= set(texts(svg))


def test_arrows_show_the_local_derivatives():
    x, y = Scalar(2.0), Scalar(0.25)
    svg = draw(x / y - y, x=x, y=y)
    assert sorted(texts(svg, "label")) == ["-1", "-32", "1", "4"]
    assert links(svg) == [("/", "-"), ("x", "/"), ("y", "-"), ("y", "/")]


def test_an_input_that_is_taken_twice_has_one_arrow_with_both_derivatives():
    x = Scalar(3.0)
    svg = draw(x * x)
    assert texts(svg, "label") == ["3 + 3"]


def test_a_small_network_is_readable():
    w, x = Scalar(0.5), Scalar(3.0)
    hidden = [(w * x + i).tanh() for i in range(4)]
    svg = draw(sum(hidden[1:], hidden[0]) * w, w=w, x=x)
    assert_readable(svg)
    assert ("w", "*") in links(svg)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=25))
def test_any_graph_is_readable(steps):
    made = [Scalar(0.5), Scalar(-1234.5)]
    for i, j in steps:
        made.append(made[i % len(made)] + made[j % len(made)])
    assert_readable(draw(made[-1]))


def test_a_leaf_alone_is_a_picture_of_one_box():
    svg = draw(Scalar(7.0))
    assert len(boxes(svg)) == 1
    assert arrows(svg) == []
    assert texts(svg) == ["leaf", "value 7", "grad 0"]


def test_a_name_of_what_is_not_in_the_graph_is_refused():
    x = Scalar(1.0)
    with pytest.raises(ValueError, match="'w' is not part of this graph"):
        draw(x.exp(), w=Scalar(1.0))


def test_a_name_of_what_is_no_scalar_is_refused():
    with pytest.raises(TypeError, match="takes Scalars by name, got w=3"):
        draw(Scalar(1.0), w=3)


def test_the_same_graph_gives_the_same_picture():
    def picture():
        x = Scalar(0.5)
        return draw(sum((x * i).exp() for i in range(6)).log(), x=x)

    assert picture() == picture()
