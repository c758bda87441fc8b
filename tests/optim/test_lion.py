import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import Lion


def textbook(gradients, theta, lr, betas, decay):
    """Program 1 of the paper, line by line."""
    m = np.zeros_like(theta)
    for g in gradients:
        update = np.sign(betas[0] * m + (1 - betas[0]) * g)
        m = betas[1] * m + (1 - betas[1]) * g
        theta = theta - lr * (update + decay * theta)
    return theta


@pytest.mark.parametrize("options", [{}, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.3}])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("sign", [1, -1])
def test_lion_is_the_program_of_its_paper(options, dtype, rtol, sign):
    gradients = np.random.default_rng(0).normal(size=(20, 3)).astype(dtype)
    p = Parameter(np.array([1.0, -2.0, 0.5], dtype))
    optimizer = Lion([p], maximize=sign < 0, **options)
    for g in gradients:
        p.grad = sign * g
        optimizer.step()
    expected = textbook(
        gradients.astype(np.float64),
        np.array([1.0, -2.0, 0.5]),
        options.get("lr", 1e-4),
        options.get("betas", (0.9, 0.99)),
        options.get("weight_decay", 0.0),
    )
    np.testing.assert_allclose(p.data, expected, rtol=rtol)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0, got -1"),
        ({"betas": (0.9, 1.0)}, "must be from 0|below 1|at least 0"),
        ({"betas": 0.9}, "betas are two numbers"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Lion([Parameter([1.0])], **options)
