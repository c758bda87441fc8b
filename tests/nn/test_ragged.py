"""Recurrent layers on sequences of different lengths, beside each sequence alone and beside PyTorch's packing."""

import numpy as np
import pytest

from minigrad import Tensor, grad, nn
from minigrad.engine import random

RANDOM = np.random.default_rng(0)
KINDS = [nn.RNN, nn.GRU, nn.LSTM]
LENGTHS = [3, 6, 1, 3, 5]
SHAPES = [{}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"num_layers": 2, "bias": False}]


def layer(kind, dtype=np.float64, **options):
    random.seed(0)
    return kind(3, 4, **options).to(dtype)


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", SHAPES)
def test_a_batch_gives_what_each_sequence_gives_alone(kind, options):
    module, x = layer(kind, **options), RANDOM.normal(size=(7, 5, 3))
    out, state = module(Tensor(x), lengths=LENGTHS)
    for i, length in enumerate(LENGTHS):
        alone, last = module(Tensor(x[:length, i]))
        np.testing.assert_allclose(out.data[:length, i], alone.data, rtol=1e-12)
        assert not out.data[length:, i].any()
        for one, other in zip(parts(state), parts(last), strict=True):
            np.testing.assert_allclose(one.data[:, i], other.data, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_padding_is_not_read_and_has_no_gradient(kind):
    module, x = layer(kind, bidirectional=True), RANDOM.normal(size=(7, 5, 3))
    results = []
    for padding in (0.0, np.nan):
        padded = x.copy()
        for i, length in enumerate(LENGTHS):
            padded[length:, i] = padding
        t = Tensor(padded, requires_grad=True)
        out, state = module(t, lengths=np.array(LENGTHS, np.uint8))
        loss = (out**2).sum() + sum((part**3).sum() for part in parts(state))
        results.append([out.data, *(g.data for g in grad(loss, [t, *module.parameters()]))])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    to_x = results[0][1]
    for i, length in enumerate(LENGTHS):
        assert to_x[:length, i].all()
        assert not to_x[length:, i].any()


@pytest.mark.parametrize("kind", KINDS)
def test_full_lengths_are_as_good_as_none(kind):
    module, x = layer(kind, batch_first=True), Tensor(RANDOM.normal(size=(5, 4, 3)))
    for one, other in zip(module(x), module(x, lengths=Tensor(np.full(5, 4))), strict=True):
        for a, b in zip(parts(one), parts(other), strict=True):
            np.testing.assert_array_equal(a.data, b.data)


def test_the_last_output_is_that_at_each_length():
    module, x = layer(nn.GRU, batch_first=True), Tensor(RANDOM.normal(size=(5, 7, 3)))
    out, state = module(x, lengths=LENGTHS)
    last = nn.LastOutput()((out, state))
    np.testing.assert_array_equal(last.data, out.data[np.arange(5), np.array(LENGTHS) - 1])


@pytest.mark.parametrize(
    ("shape", "lengths", "error", "message"),
    [
        ((4, 2, 3), [2, 5], ValueError, "lengths are from 1 to 4, the steps of x; sequence 1 has 5"),
        ((4, 2, 3), [0, 1], ValueError, "sequence 0 has 0"),
        ((4, 2, 3), [1, 2, 3], ValueError, r"a length for each of 2 sequences, \(2,\), got \(3,\)"),
        ((4, 2, 3), 2, ValueError, r"got \(\)"),
        ((4, 2, 3), [1.0, 2.0], TypeError, "lengths are integers, got float64"),
        ((4, 3), [4], ValueError, r"lengths are for a batch of sequences, and x is one, of shape \(4, 3\)"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(shape, lengths, error, message):
    with pytest.raises(error, match=message):
        layer(nn.GRU)(Tensor(np.zeros(shape)), lengths=lengths)


@pytest.mark.parity
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 2e-5)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [*SHAPES, {"batch_first": True, "bidirectional": True}])
def test_outputs_states_and_gradients_are_those_of_packed_sequences(kind, options, dtype, rtol):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    mine, theirs = layer(kind, dtype, **options), getattr(torch.nn, kind.__name__)(3, 4, **options)
    theirs.to(torch.float32 if dtype == np.float32 else torch.float64)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in mine.state_dict().items()})
    first = options.get("batch_first", False)
    x = RANDOM.normal(size=(5, 7, 3) if first else (7, 5, 3)).astype(dtype)
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    states = [RANDOM.normal(size=(rows, 5, 4)).astype(dtype) for _ in range(2 if kind is nn.LSTM else 1)]
    ours, others = ([make(a, requires_grad=True) for a in (x, *states)] for make in (Tensor, torch.tensor))

    def hx(given):
        return given[1] if len(given) == 2 else tuple(given[1:])

    out, state = mine(ours[0], hx(ours), lengths=LENGTHS)
    packed = torch.nn.utils.rnn.pack_padded_sequence(others[0], LENGTHS, first, enforce_sorted=False)
    packed, expected_state = theirs(packed, hx(others))
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, first, total_length=7)
    found, wanted = [out, *parts(state)], [expected, *parts(expected_state)]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.data, other.detach().numpy(), rtol=rtol, atol=rtol)
    starts = [RANDOM.normal(size=one.shape).astype(dtype) for one in found]
    gradients = grad(found, [*ours, *mine.parameters()], starts)
    theirs_too = torch.autograd.grad(wanted, [*others, *theirs.parameters()], [torch.tensor(s) for s in starts])
    for one, other in zip(gradients, theirs_too, strict=True):
        np.testing.assert_allclose(one.data, other.numpy(), rtol=rtol, atol=rtol)
