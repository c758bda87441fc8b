import numpy as np
import pytest

from minigrad import Tensor, draw, nn, no_grad, ops

from .svg import assert_readable, boxes, elements, links, texts


def words_of(svg, title):
    """The lines under a title, of the box that is called so."""
    [lines] = [[word.text for word in words[1:]] for _, words in boxes(svg) if words[0].text == title]
    return lines


def test_boxes_show_operations_shapes_and_few_values():
    w = Tensor([0.6, 0.3, -0.4], requires_grad=True)
    x = Tensor([1.0, 1.0, 0.0])
    svg = draw((w * x).sum(), w=w, x=x)
    assert words_of(svg, "w") == ["(3,)", "value [ 0.6  0.3 -0.4]"]
    assert words_of(svg, "x") == ["(3,)", "value [1 1 0]"]
    assert words_of(svg, "multiply") == ["(3,)"]
    assert words_of(svg, "sum") == ["()", "value 0.9"]
    assert links(svg) == [("multiply", "sum"), ("w", "multiply"), ("x", "multiply")]
    assert [len(elements(svg, "rect", kind)) for kind in ("leaf", "constant", "operation")] == [1, 1, 2]


def test_many_values_are_left_out():
    w = Tensor(np.zeros((9, 9)), requires_grad=True)
    assert words_of(draw(w.sum(), w=w), "w") == ["(9, 9)"]
    assert words_of(draw(w[0].sum(), w=w), "w") == ["(9, 9)"]


def test_a_matrix_stands_in_rows_of_equal_length():
    w = Tensor([[0.5, -1.25], [10.0, 0.0]], requires_grad=True)
    assert words_of(draw(w, w=w), "w") == ["(2, 2)", "value [[  0.5 -1.25] ", "       [   10     0]]"]


def test_leaves_show_their_gradient_after_backward():
    w = Tensor([2.0, 3.0], requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    assert words_of(draw(loss, w=w), "w") == ["(2,)", "value [2 3]", "grad [4 6]"]


def test_a_result_that_is_given_by_name_shows_its_values_even_after_backward():
    w = Tensor([2.0, 3.0], requires_grad=True)
    h = w + 1.0
    loss = h.sum()
    loss.backward()
    assert words_of(draw(loss), "add") == ["(2,)"]
    assert words_of(draw(loss, h=h), "h = add") == ["(2,)", "value [3 4]"]


def test_the_parameters_of_a_module_are_called_by_their_paths():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = Tensor(np.ones((5, 3), np.float32)), np.array([0, 1, 0, 1, 0])
    svg = draw(nn.CrossEntropyLoss()(model(x), y), model=model, x=x, y=y)
    assert_readable(svg)
    assert links(svg) == [
        ("linear", "cross_entropy"),
        ("linear", "tanh"),
        ("model.0.bias", "linear"),
        ("model.0.weight", "linear"),
        ("model.2.bias", "linear"),
        ("model.2.weight", "linear"),
        ("tanh", "linear"),
        ("x", "linear"),
        ("y", "cross_entropy"),
    ]
    assert sorted(set(texts(svg, "label"))) == ["bias", "target", "weight", "x"]


def test_a_constant_is_known_by_its_name_also_where_it_was_reshaped():
    targets = np.arange(6).reshape(2, 3) % 4
    scores = Tensor(np.zeros((2, 4, 3), np.float32), requires_grad=True)
    svg = draw(nn.CrossEntropyLoss()(scores, targets), targets=targets)
    assert "targets" in texts(svg, "title")


def test_an_operation_shows_how_it_was_set():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    svg = draw((ops.softmax(x, axis=0) ** 2).sum(axis=1))
    assert words_of(svg, "softmax")[0] == "axis=0"
    assert words_of(svg, "power")[0] == "y=2"
    assert words_of(svg, "sum")[0] == "axis=1"


def test_an_argument_that_is_taken_twice_has_one_arrow_with_both_places():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert texts(draw(x * x), "label") == ["x, y"]


def test_a_place_is_named_where_it_would_not_be_known():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert texts(draw(x - np.ones(2)), "label") == []
    assert texts(draw(np.ones(2) - x), "label") == ["y"]


def test_all_parts_of_a_concatenation_lead_to_it():
    x, y = (Tensor([value], requires_grad=True) for value in (1.0, 2.0))
    svg = draw(ops.concatenate([x, y, x]), x=x, y=y)
    assert sorted(texts(svg, "label")) == ["[0], [2]", "[1]"]


def test_a_tensor_without_a_graph_is_one_box():
    for tensor in (Tensor([1.0, 2.0]), Tensor([1.0], requires_grad=True)):
        assert len(boxes(draw(tensor))) == 1
    x = Tensor([1.0], requires_grad=True)
    with no_grad():
        assert texts(draw(x + 1, h=x + 1), "title") == ["constant"]


def test_a_block_of_a_transformer_with_dropout_is_readable():
    block = nn.TransformerEncoderLayer(16, 2, 32)
    x = Tensor(np.zeros((2, 5, 16), np.float32))
    svg = draw(nn.MSELoss()(block(x), x), block=block, x=x)
    assert_readable(svg)
    paths = [f"block.{path}" for path, _ in block.named_parameters()]
    assert set(paths) <= set(texts(svg, "title"))


def test_a_weight_that_every_step_takes_is_one_box():
    cell, h = nn.Linear(4, 4), Tensor(np.zeros((2, 4), np.float32))
    for _ in range(6):
        h = cell(h)
    svg = draw(h.sum(), cell=cell)
    assert_readable(svg)
    assert texts(svg, "title").count("cell.weight") == 1
    assert links(svg).count(("cell.weight", "linear")) == 6


def test_names_are_text_and_not_markup():
    x = Tensor([1.0], requires_grad=True)
    assert texts(draw(x, **{"<a&b>\x00": x}), "title") == ["<a&b>\N{REPLACEMENT CHARACTER}"]


def test_of_a_long_name_the_end_is_shown():
    x = Tensor([1.0], requires_grad=True)
    svg = draw(x, **{"layer." * 30 + "weight": x})
    assert_readable(svg)
    assert texts(svg, "title")[0].startswith("…")
    assert texts(svg, "title")[0].endswith("layer.weight")


def test_a_name_of_what_is_not_in_the_graph_is_refused():
    x, other = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="'h' is not part of this graph"):
        draw(x * 3, h=other * 2)


def test_a_name_of_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="takes tensors, arrays and modules by name, got lr="):
        draw(Tensor([1.0], requires_grad=True), lr=0.1)


def test_a_graph_that_is_too_long_to_follow_is_refused_at_once():
    x = Tensor([1.0], requires_grad=True)
    for _ in range(20_000):
        x = x + 1.0
    with pytest.raises(ValueError, match=r"20,001 boxes, .* 300: draw a part"):
        draw(x)
