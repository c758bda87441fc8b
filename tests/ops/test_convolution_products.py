"""The products of convolutions: long and short, wide and narrow, dilated, empty, on one core and on two."""

import numpy as np
import pytest

from minigrad import Tensor, cores, grad, ops
from minigrad.parallel import blas_threads

RANDOM = np.random.default_rng(0)

# examples, channels in and out, length, kernel, padding, dilation
SHAPES = {
    "one number": (1, 1, 1, 1, 1, 0, 1),
    "nothing": (0, 3, 4, 10, 3, 1, 1),
    "short": (1, 1, 1, 5, 5, 0, 1),
    "many blocks and a rest": (16, 4, 5, 500, 3, 2, 1),
    "blocks of fewer rows": (4, 48, 64, 300, 5, 2, 1),
    "wide, in one block": (2, 200, 300, 40, 7, 3, 1),
    "of even length": (3, 2, 2, 1000, 2, 0, 1),
    "dilated": (3, 4, 5, 60, 3, 4, 3),
    "dilated, no rest": (2, 3, 2, 16, 3, 0, 4),
    "dilated as far as it goes": (2, 3, 2, 9, 3, 0, 4),
    "dilated with much padding": (2, 2, 3, 3, 3, 4, 2),
    "dilated nothing": (0, 2, 3, 9, 2, 1, 2),
    "dilated in many blocks": (8, 8, 8, 400, 3, 8, 8),
}


def arrays(n, inside, outside, length, kernel, *_):
    shapes = (n, inside, length), (outside, inside, kernel), (outside,)
    return [RANDOM.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    *_, padding, dilation = SHAPES[name]
    values = arrays(*SHAPES[name])
    ours = [Tensor(value, requires_grad=True) for value in values]
    theirs = [torch.tensor(value, requires_grad=True) for value in values]
    out = ops.conv1d(*ours, padding=padding, dilation=dilation)
    expected = torch.nn.functional.conv1d(*theirs, padding=padding, dilation=dilation)
    g = RANDOM.standard_normal(tuple(expected.shape))
    out.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("dilation", [1, 3])
def test_the_transpose_is_that_of_pytorch(dilation):
    torch = pytest.importorskip("torch")
    x, weight = RANDOM.standard_normal((3, 4, 200)), RANDOM.standard_normal((4, 5, 3))
    found = ops.conv_transpose1d(x, weight, padding=2, dilation=dilation)
    expected = torch.nn.functional.conv_transpose1d(torch.tensor(x), torch.tensor(weight), padding=2, dilation=dilation)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10, atol=1e-10)


# size, channels in and out, kernel, options
ON_TWO_CORES = {
    "along one axis": ((16, 600), 16, 32, (5,), {"padding": 2}),
    "as many lines as the kernel has": ((33, 28, 28), 16, 16, (3, 3), {"padding": 1}),
    "small products": ((6, 28, 28), 32, 40, (3, 3), {"padding": 1}),
    "large products": ((3, 16, 16), 128, 128, (3, 3), {"padding": 1}),
    "depthwise": ((16, 28, 28), 32, 32, (5, 5), {"padding": 2, "groups": 32}),
    "strided": ((9, 32, 32), 16, 32, (3, 3), {"stride": 2}),
    "pointwise": ((9, 28, 28), 32, 48, (1, 1), {}),
}


@pytest.mark.parametrize("name", ON_TWO_CORES)
def test_two_cores_give_the_bits_of_one(name, monkeypatch):
    (n, *size), inside, outside, kernel, options = ON_TWO_CORES[name]
    convolve = ops.conv1d if len(size) == 1 else ops.conv2d
    shapes = (n, inside, *size), (outside, inside // options.get("groups", 1), *kernel), (outside,)
    values = [RANDOM.standard_normal(shape).astype(np.float32) for shape in shapes]

    def results():
        tensors = [Tensor(value, requires_grad=True) for value in values]
        out = convolve(*tensors, **options)
        (out * out).sum().backward()
        return [out.data, *[tensor.grad for tensor in tensors]]

    halves = []
    monkeypatch.setattr(cores, "_has_more_than_one", lambda: halves.append(1) or cores.has_threads())
    divided = results()
    assert halves
    with cores.alone(), blas_threads(1):
        whole = results()
    for one, other in zip(divided, whole, strict=True):
        np.testing.assert_array_equal(one, other)


STEPS = [
    {"stride": s, "padding": p, "dilation": d, "groups": g} for s in (1, 2) for p in (0, 2) for d, g in ((1, 1), (2, 2))
]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("odd", [np.inf, np.nan])
@pytest.mark.parametrize("options", STEPS, ids=str)
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"])
def test_infinities_meet_the_same_zeros_in_the_fused_gradients_as_in_the_rules(name, options, odd):
    axes, convolve = int(name[-2]), getattr(ops, name)
    values = [
        RANDOM.standard_normal((2, 2, *[7] * axes)),
        RANDOM.standard_normal((2, 2 // options["groups"], *[3] * axes)),
    ]
    slope = RANDOM.standard_normal(convolve(*values, **options).shape)
    for array in (*values, slope):
        for place in (0, array.size // 2, -1):
            before, array.flat[place] = array.flat[place], odd
            x, weight = inputs = [Tensor(value, requires_grad=True) for value in values]
            out = convolve(x, weight, **options)
            fused = grad(out, inputs, slope, retain_graph=True)
            for given, leaves in ((Tensor(slope), inputs), (slope, [x]), (slope, [weight])):
                found = grad(out, leaves, given, create_graph=True)
                for one, leaf in zip(found, leaves, strict=True):
                    of_fused = fused[0] if leaf is x else fused[1]
                    np.testing.assert_allclose(one.data, of_fused.data, rtol=1e-9, atol=1e-9)
            array.flat[place] = before


def added_up(y, weight, padding=0, dilation=1):
    """The sum of what each element of y adds: a multiple of the kernel, where it stands."""
    places, kernel = y.shape[2:], weight.shape[2:]
    reach = [dilation * (k - 1) + 1 for k in kernel]
    out = np.zeros((len(y), weight.shape[1], *(n + r - 1 for n, r in zip(places, reach, strict=True))))
    for place in np.ndindex(*places):
        at = (..., *place)
        stands = (..., *(slice(start, start + r, dilation) for start, r in zip(place, reach, strict=True)))
        out[stands] += np.tensordot(y[at], weight, 1)
    inside = (..., *(slice(padding, n - padding) for n in out.shape[2:]))
    return out[inside]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("odd", [np.inf, np.nan])
@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"dilation": 2}, {"padding": 2, "dilation": 2}], ids=str)
@pytest.mark.parametrize("axes", [1, 2])
def test_an_infinite_weight_spoils_only_what_it_is_added_to(axes, options, odd):
    y, weight = (RANDOM.uniform(1, 2, shape) for shape in ((2, 3, *[6] * axes), (3, 2, *[3] * axes)))
    weight.flat[0] = odd
    expected = added_up(y, weight, **options)
    assert np.isfinite(expected[:, 0]).any()
    np.testing.assert_allclose(getattr(ops, f"conv_transpose{axes}d")(y, weight, **options), expected)
    x, w = inputs = [Tensor(value, requires_grad=True) for value in (np.ones(expected.shape), weight)]
    out = getattr(ops, f"conv{axes}d")(x, w, **options)
    for leaves, through_rules in ((inputs, False), ([x], False), (inputs, True)):
        to_x, *_ = grad(out, leaves, y, retain_graph=True, create_graph=through_rules)
        np.testing.assert_allclose(to_x.data, expected)
