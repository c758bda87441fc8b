import numpy as np

from .case import Case, call, floats


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _column(bias, x):
    return np.reshape(bias, (-1, 1)).astype(x.dtype)


def lstm(x, h, c, w, u, b=0, d=0):
    out = []
    for step in x:
        i, f, g, o = np.split(w @ step.T + u @ h.T + _column(b + d, x), 4)
        c = _sigmoid(f).T * c + (_sigmoid(i) * np.tanh(g)).T
        h = _sigmoid(o).T * np.tanh(c)
        out.append(h)
    return np.array(out), c


def lstm_states(inputs, networks=1):
    size = len(inputs) // networks
    each = [lstm(*inputs[i * size : (i + 1) * size]) for i in range(networks)]
    return np.concatenate([np.concatenate([h, c[None]]) for h, c in each], axis=1)


def gru(x, h, w, u, b=0, d=0):
    out = []
    for step in x:
        r, z, n = np.split(w @ step.T + _column(b, x), 3)
        from_r, from_z, from_n = np.split(u @ h.T + _column(d, x), 3)
        z = _sigmoid(z + from_z)
        h = ((1 - z) * np.tanh(n + _sigmoid(r + from_r) * from_n)).T + z.T * h
        out.append(h)
    return np.array(out)


def rnn(x, h, w, u, b=0, d=0, nonlinearity="tanh"):
    out = []
    for step in x:
        h = (w @ step.T + u @ h.T + _column(b + d, x)).T
        h = np.tanh(h) if nonlinearity == "tanh" else np.maximum(h, 0)
        out.append(h)
    return np.array(out)


def _inputs(gates, states, length, n, inputs, hidden, bias=True):
    rows = gates * hidden
    biases = [floats(rows), floats(rows)] if bias else []
    first = [floats(n, hidden) for _ in range(states)]
    return [floats(length, n, inputs), *first, floats(rows, inputs), floats(rows, hidden), *biases]


_SIZES = [(3, 2, 2, 3), (1, 1, 2, 1), (2, 0, 2, 1), (2, 2, 1, 2, False)]


def _calls(gates, states=1):
    return [_inputs(gates, states, *sizes) for sizes in _SIZES]


def _both(gates, states):
    return [[*one, *other] for one, other in zip(_calls(gates, states), _calls(gates, states), strict=True)]


CASES = {
    "lstm": Case(lstm, [call(*inputs) for inputs in _calls(4, 2)]),
    "gru": Case(gru, [call(*inputs) for inputs in _calls(3)]),
    "rnn": Case(rnn, [*(call(*inputs) for inputs in _calls(1)), call(*_inputs(1, 1, 3, 2, 2, 3), nonlinearity="relu")]),
    "lstm_states": Case(
        lstm_states,
        [*(call(inputs) for inputs in _calls(4, 2)), *(call(both, 2) for both in _both(4, 2))],
    ),
    "gru_states": Case(lambda inputs: gru(*inputs), [call(inputs) for inputs in _calls(3)]),
    "rnn_states": Case(
        lambda inputs, nonlinearity="tanh": rnn(*inputs, nonlinearity=nonlinearity),
        [*(call(inputs) for inputs in _calls(1)), call(_inputs(1, 1, 3, 2, 2, 3), "relu")],
    ),
}
