import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import Adam, AdamW


def descend(kind, gradients, start, **options):
    """Where a parameter goes under these gradients."""
    p = Parameter(np.array(start))
    optimizer = kind([p], **options)
    for gradient in gradients:
        p.grad = np.asarray(gradient, p.dtype)
        optimizer.step()
    return p.data


def textbook(gradients, start, lr, betas, eps):
    """Algorithm 1 of the paper, line by line."""
    theta, m, v = np.array(start), 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta


START = [1.0, -2.0, 0.5]
GRADIENTS = np.random.default_rng(0).normal(size=(20, 3))


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.6), (0.0, 0.9)])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_adam_is_the_algorithm_of_its_paper(betas, eps):
    moved = descend(Adam, GRADIENTS, START, lr=0.1, betas=betas, eps=eps)
    np.testing.assert_allclose(moved, textbook(GRADIENTS, START, 0.1, betas, eps), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_first_step_is_as_long_as_the_learning_rate_whatever_the_gradient(size):
    moved = descend(Adam, [[size, -size, size]], START, lr=0.25, eps=1e-16)
    np.testing.assert_allclose(moved, np.array(START) - [0.25, -0.25, 0.25], rtol=1e-9)


def test_a_gradient_of_zero_moves_nothing():
    assert descend(Adam, np.zeros((3, 3)), START).tolist() == START


def test_the_weight_decay_of_adam_is_part_of_the_gradient():
    decay, p = 0.3, Parameter(np.array(START))
    by_hand = Parameter(np.array(START))
    optimizers = Adam([p], lr=0.1, weight_decay=decay), Adam([by_hand], lr=0.1)
    for gradient in GRADIENTS:
        p.grad = gradient
        by_hand.grad = gradient + decay * by_hand.data
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_allclose(p.data, by_hand.data, rtol=1e-12)


def test_the_weight_decay_of_adamw_shrinks_the_parameter_apart_from_the_gradient():
    moved = descend(AdamW, np.zeros((3, 3)), START, lr=0.5, weight_decay=0.2)
    np.testing.assert_allclose(moved, np.array(START) * 0.9**3, rtol=1e-12)
    same = descend(AdamW, GRADIENTS, START, weight_decay=0.0)
    assert np.array_equal(same, descend(Adam, GRADIENTS, START))


def test_adamw_decays_by_default_and_adam_does_not():
    assert AdamW([Parameter([1.0])]).param_groups[0]["weight_decay"] == 0.01
    assert Adam([Parameter([1.0])]).param_groups[0]["weight_decay"] == 0


def test_float32_follows_float64_to_rounding():
    single = descend(AdamW, GRADIENTS, np.array(START, np.float32), lr=0.1)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, descend(AdamW, GRADIENTS, START, lr=0.1), rtol=1e-5)


def test_adamw_can_decay_the_matrices_alone():
    matrix, bias, scalar = (Parameter(np.ones(shape)) for shape in [(2, 3), (3,), ()])
    optimizer = AdamW([bias, matrix, scalar], lr=0.5, weight_decay=0.2, decay="matrices")
    for p in (matrix, bias, scalar):
        p.grad = np.zeros(p.shape)
    optimizer.step()
    np.testing.assert_allclose(matrix.data, 0.9)
    assert bias.data.tolist() == [1, 1, 1]
    assert scalar.item() == 1
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.2, 0.0]


def test_a_model_without_matrices_or_without_anything_else_is_one_group():
    assert len(AdamW([Parameter([1.0])], decay="matrices").param_groups) == 1
    assert len(AdamW([Parameter([[1.0]])], decay="matrices").param_groups) == 1


def test_what_decays_is_said_once():
    with pytest.raises(ValueError, match="decay must be 'all' or 'matrices', got 'weights'"):
        AdamW([Parameter([1.0])], decay="weights")
    with pytest.raises(ValueError, match="give groups a weight_decay each"):
        AdamW([{"params": [Parameter([1.0])]}], decay="matrices")
    with pytest.raises(ValueError, match="got no parameters"):
        AdamW([], decay="matrices")
    with pytest.raises(TypeError, match="takes tensors"):
        AdamW(["weight"], decay="matrices")
