import pytest

from minigrad import draw, nn
from models.gpt import GPT

from .svg import assert_readable, boxes, links, texts


def test_a_sequential_is_a_chain_of_layers_with_shapes_and_counts():
    svg = draw(nn.Sequential(nn.Linear(784, 16), nn.Sigmoid(), nn.Linear(16, 10)))
    assert_readable(svg)
    assert texts(svg, "title") == ["Sequential", "0: Linear", "1: Sigmoid", "2: Linear"]
    assert links(svg) == [("0: Linear", "1: Sigmoid"), ("1: Sigmoid", "2: Linear")]
    assert {"12,730 parameters", "12,560 parameters", "weight (16, 784)", "bias (16,)"} <= set(texts(svg))


def test_few_parameters_are_shown_with_their_values():
    neuron = nn.Linear(3, 1)
    neuron.weight.data[:] = 0.6, 0.3, -0.4
    neuron.bias.data[:] = 0.2
    assert {"[[ 0.6  0.3 -0.4]]", "[0.2]"} <= set(texts(draw(neuron), "line"))


def test_layers_stand_in_the_box_of_what_holds_them():
    svg = draw(nn.Residual(nn.LayerNorm(4), nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4))))
    edges = {words[0].text: edge for edge, words in boxes(svg)}
    outer, inner = edges["1: Sequential"], edges["0: Linear"]
    assert all(a < b for a, b in zip(outer[:2], inner[:2], strict=True))
    assert all(a > b for a, b in zip(outer[2:], inner[2:], strict=True))


def test_no_arrow_is_drawn_where_the_order_is_not_known():
    assert links(draw(nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()}))) == []


def test_layers_that_are_alike_are_one_box_and_a_shared_weight_is_named():
    svg = draw(GPT(65, block_size=16, n_layer=12, n_head=2, n_embd=8))
    assert_readable(svg)
    assert "0 … 11: 12 × Block" in texts(svg, "title")
    assert "the same as wte.weight" in texts(svg, "line")


def test_a_few_alike_are_named_each():
    svg = draw(nn.SelfAttentionHead(embed_dim=16, head_dim=8))
    assert "query, key, value: 3 × Linear" in texts(svg, "title")


def test_a_layer_that_stands_twice_is_shown_once():
    layer = nn.Linear(64, 64)
    svg = draw(nn.Sequential(layer, nn.ReLU(), layer))
    assert "the same as 0" in texts(svg, "line")
    assert texts(svg).count("weight (64, 64)") == 1


def test_names_for_the_layers_of_a_module_are_refused():
    with pytest.raises(TypeError, match=r"layers have their own names, so draw\(module\) takes no 'x'"):
        draw(nn.ReLU(), x=1)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(TypeError, match="draw takes a Scalar, a Tensor or a Module, got type"):
        draw(nn.Linear)


def test_too_many_layers_are_refused():
    layers = [nn.Linear(n, n + 1) for n in range(1, 400)]
    with pytest.raises(ValueError, match=r"400 boxes, .* 300"):
        draw(nn.Sequential(*layers))
