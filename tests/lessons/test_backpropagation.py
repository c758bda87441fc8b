import math
from pathlib import Path

import numpy as np
import pytest

from docs.lessons.backpropagation import STEPS, averaged, cost, descend, neuron, summed
from minigrad import Scalar, Tensor

PICTURES = Path(__file__).parents[2] / "docs" / "lessons" / "pictures"


@pytest.fixture(scope="module")
def page(read_page):
    return read_page("3_backpropagation_by_hand.md")


def test_every_box_of_the_graph_has_the_value_and_the_gradient_of_the_page():
    found = {name: (scalar.data, scalar.grad) for name, scalar in neuron().items()}
    expected = {"w": (-2, -0.3), "x": (1.5, 0.4), "b": (3, -0.2), "y": (0.9, 0.8), "z": (0, -0.2), "a": (0.5, -0.8)}
    assert {name: pytest.approx(pair) for name, pair in {**expected, "C": (0.16, 1)}.items()} == found


def test_the_derivatives_of_the_links_multiply_to_the_gradient_of_the_weight():
    names = neuron()
    a, w, x = names["a"].data, names["w"], names["x"].data
    links = [2 * (a - names["y"].data), a * (1 - a), x]
    assert links == pytest.approx([-0.8, 0.25, 1.5])
    assert w.grad == pytest.approx(math.prod(links))
    edges = [*names["a"].derivatives, names["z"].inputs[0].derivatives[0]]
    assert edges == pytest.approx([0.25, 1.5])


def test_the_four_columns_are_the_closed_form(page):
    w, x, b, y = -2.0, 1.5, 3.0, 0.9
    a = 1 / (1 + math.exp(-(w * x + b)))
    slope = 2 * (a - y) * a * (1 - a)
    assert list(page.names["columns"]) == ["by hand", "Scalar", "Tensor", "differences"]
    for column in page.names["columns"].values():
        assert column == pytest.approx([slope * x, slope * w, slope], abs=1e-9)


@pytest.mark.parity
def test_the_four_columns_are_what_pytorch_finds(page):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    w, x, b = leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (-2.0, 1.5, 3.0)]
    (torch.sigmoid(w * x + b) - 0.9).square().backward()
    for column in page.names["columns"].values():
        assert column == pytest.approx([leaf.grad.item() for leaf in leaves], abs=1e-9)


def test_the_picture_of_the_page_is_the_graph_that_its_code_draws(page):
    assert (PICTURES / "3_graph.svg").read_text(encoding="utf-8") == page.names["svg"]


def test_the_cost_to_nudge_has_the_gradients_3_2_and_0_1(page):
    w1, w2 = Scalar(0.5), Scalar(2.0)
    here = cost(w1, w2)
    here.backward()
    assert (here.data, w1.grad, w2.grad) == pytest.approx((1, 3.2, 0.1))
    assert page.names["cost"](0.25, 1.0) == cost(0.25, 1.0) == pytest.approx(0.3025)


def test_the_same_nudge_moves_the_cost_32_times_as_far():
    nudge = 1e-6
    by_w1 = cost(0.5 + nudge, 2.0) - cost(0.5 - nudge, 2.0)
    by_w2 = cost(0.5, 2.0 + nudge) - cost(0.5, 2.0 - nudge)
    assert by_w1 / by_w2 == pytest.approx(32, rel=1e-6)


def test_the_training_loop_has_15_lines_and_learns_or(page):
    (loop,) = [block for block in page.blocks if "# update" in block]
    assert len(loop.splitlines()) == 15
    w1, w2, b = (weight.data for weight in page.names["weights"])
    for (x1, x2), y in page.names["examples"]:
        assert (1 / (1 + math.exp(-(w1 * x1 + w2 * x2 + b))) > 0.5) == y == (x1 or x2)


def test_the_gradient_of_a_sum_over_ten_outputs_is_ten_times_that_of_the_mean(page):
    np.testing.assert_allclose(page.names["by_sum"], 10 * page.names["by_mean"], rtol=1e-4, atol=1e-8)
    errors = Tensor(np.random.default_rng(0).random((5, 10)), requires_grad=True)
    assert summed(errors).item() == pytest.approx(10 * averaged(errors).item())


def test_the_sum_with_a_tenth_of_the_rate_goes_the_way_of_the_mean():
    means, weights = descend(averaged, 5.0)
    sums, same = descend(summed, 0.5)
    assert means.shape == (STEPS,)
    assert means[-1] < means[0] / 4
    np.testing.assert_allclose(sums, means, rtol=1e-4)
    np.testing.assert_allclose(same, weights, rtol=1e-3, atol=1e-5)


def test_the_sum_with_the_rate_of_the_mean_silences_every_neuron():
    errors, _ = descend(summed, 5.0)
    assert errors[-1] == pytest.approx(0.1, abs=1e-3)  # ten outputs of 0, of which one should be 1
