"""`minigrad.profile`: what is counted, and how it is shown. Times are compared with each other, never with a clock."""

import json
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad, ops, optim
from minigrad.engine.mode import current_mode


def network():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3, bias=False))


def learn(model, steps=1, n=5):
    loss, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters())
    x, y = np.ones((n, 4), np.float32), np.zeros(n, np.int64)
    with minigrad.profile() as p:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(Tensor(x)), Tensor(y)).backward()
            optimizer.step()
    return p


def test_every_operation_is_counted_in_its_layer():
    p = learn(network(), steps=3)
    assert {key: entry.calls for key, entry in p.entries.items()} == {
        ("0 (Linear)", "linear"): 3,
        ("1 (ReLU)", "relu"): 3,
        ("2 (Linear)", "linear"): 3,
        ("CrossEntropyLoss", "cross_entropy"): 3,
    }
    assert all(entry.forward > 0 and entry.backward > 0 for entry in p.entries.values())


def test_products_are_counted_forward_and_for_each_gradient():
    first, second = learn(network(), n=5).entries["0 (Linear)", "linear"], learn(network()).by(1)["linear"]
    assert first.flops == 2 * (2 * 5 * 4 * 8)  # the inputs need no gradient
    assert second.flops == first.flops + 3 * (2 * 5 * 8 * 3)
    with minigrad.profile() as p, no_grad():
        network()(Tensor(np.ones((5, 4), np.float32)))
    assert p.by(1)["linear"].flops == 2 * 5 * 4 * 8 + 2 * 5 * 8 * 3


@pytest.mark.parametrize(
    ("function", "shapes", "flops"),
    [
        (ops.matmul, [(3, 4), (4, 5)], 2 * 3 * 4 * 5),
        (ops.matmul, [(7, 3, 4), (7, 4, 5)], 7 * 2 * 3 * 4 * 5),
        (ops.matmul, [(7, 3, 4), (4, 5)], 7 * 2 * 3 * 4 * 5),
        (ops.matmul, [(4,), (4, 5)], 2 * 4 * 5),
        (ops.matmul, [(3, 4), (4,)], 2 * 3 * 4),
        (ops.matmul, [(4,), (4,)], 2 * 4),
        (ops.matmul, [(0, 4), (4, 5)], 0),
        (ops.linear, [(2, 3, 4), (5, 4), (5,)], 2 * 6 * 4 * 5),
        (ops.conv2d, [(2, 3, 8, 8), (5, 3, 3, 3)], 2 * 2 * 6 * 6 * 3 * 9 * 5),
        (lambda x, w: ops.conv2d(x, w, groups=3, stride=2), [(2, 3, 8, 8), (6, 1, 2, 2)], 2 * 2 * 16 * 4 * 6),
        (ops.conv1d, [(2, 3, 8), (5, 3, 3)], 2 * 2 * 6 * 3 * 3 * 5),
        (ops.conv_transpose2d, [(2, 3, 8, 8), (3, 5, 2, 2)], 2 * 2 * 64 * 3 * 5 * 4),
        (ops.scaled_dot_product_attention, [(2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6)], 2 * 6 * 4 * 5 * (8 + 6)),
        (lambda x, h, w, u: ops.rnn(x, h, w, u), [(7, 2, 3), (2, 4), (4, 3), (4, 4)], 7 * 2 * 2 * 4 * (3 + 4)),
        (lambda x, h, w, u: ops.gru(x, h, w, u), [(7, 2, 3), (2, 4), (12, 3), (12, 4)], 7 * 2 * 2 * 12 * (3 + 4)),
        (
            lambda x, h, c, w, u: ops.lstm(x, h, c, w, u)[0],
            [(7, 2, 3), (2, 4), (2, 4), (16, 3), (16, 4)],
            7 * 2 * 2 * 16 * (3 + 4),
        ),
    ],
)
def test_the_products_inside_of_an_operation_are_those_of_its_sizes(function, shapes, flops):
    inputs = [Tensor(np.ones(shape, np.float32)) for shape in shapes]
    with minigrad.profile() as p:
        function(*inputs)
    assert sum(entry.flops for entry in p.entries.values()) == flops
    assert sum(product.flops * count for product, count in p.products.items()) == flops


def test_bytes_are_those_of_new_arrays_and_of_what_waits_for_the_backward_pass():
    x = Tensor(np.ones(1000, np.float32), requires_grad=True)
    with minigrad.profile() as p:
        y = ops.exp(x)  # 4,000 bytes, which its rule reads
        z = y.reshape(10, 100)  # the same memory
        total = (z * z).sum()  # 4,000 and 4
    assert {name: entry.allocated for name, entry in p.by(1).items()} == {
        "exp": 4000,
        "reshape": 0,
        "multiply": 4000,
        "sum": 4,
    }
    assert {name: entry.saved for name, entry in p.by(1).items() if entry.saved} == {"exp": 4000}
    assert p.peak == 8004
    del total


def test_the_peak_counts_what_is_alive_at_a_time():
    x = Tensor(np.ones(1000, np.float32))
    with minigrad.profile() as p:
        for _ in range(5):
            x = ops.tanh(x)
    assert p.peak == 8000


def test_times_add_up_to_the_block():
    p = learn(network(), steps=5)
    parts = sum(entry.seconds for entry in p.entries.values()) + p.update + p.outside + p.overhead
    assert parts == pytest.approx(p.seconds, rel=1e-9)  # however long the process waits for a core
    assert p.update > 0
    ends = [end for *_, end, _ in p.events]
    assert ends == sorted(ends)


def test_writes_into_buffers_belong_to_their_layer():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    p = learn(model, steps=2)
    assert p.entries["1 (BatchNorm1d)", "write in place"].calls == 6


def test_a_layer_that_fails_leaves_its_place():
    model, x = network(), Tensor(np.ones((5, 4), np.float32))
    with minigrad.profile() as p:
        with pytest.raises(ValueError, match="the last axis of x, 7"):
            model(Tensor(np.ones((5, 7), np.float32)))
        ops.exp(x)
    assert ("", "exp") in p.entries


def test_layers_made_within_the_block_and_nested_networks_have_names():
    with minigrad.profile() as p:
        outer = nn.Sequential(network(), nn.Tanh())
        outer(Tensor(np.ones((5, 4), np.float32)))
    assert set(p.by(0)) == {"0.0 (Linear)", "0.1 (ReLU)", "0.2 (Linear)", "1 (Tanh)"}


def test_threads_have_clocks_of_their_own():
    import contextvars

    x = Tensor(np.ones(10, np.float32))
    with minigrad.profile() as p:
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(lambda: [ops.exp(x) for _ in range(4)]))
        thread.start()
        thread.join()
        ops.exp(x)
    assert p.entries["", "exp"].calls == 5
    assert len({thread for *_, thread in p.events}) == 2


def test_nothing_is_watched_before_and_after():
    assert current_mode().observer is None
    learn(network())
    assert current_mode().observer is None


def test_a_recorded_step_is_measured_operation_by_operation():
    model = network()
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), compile=True)
    x, y = np.ones((5, 4), np.float32), np.zeros(5, np.int64)
    for _ in range(4):
        step(x, y)
    with minigrad.profile() as p:
        step(x, y)
    assert p.entries["0 (Linear)", "linear"].calls == 1


class TestTheReport:
    def test_the_table_has_a_row_for_each_layer_and_operation_and_what_the_step_could_be(self):
        lines = learn(network(), steps=2).table(2).splitlines()
        names = [line.split("  ")[0] for line in lines]
        assert {"layer", "0 (Linear)", "operation", "linear", "update", "measuring"} <= set(names)
        assert lines[names.index("linear")].split()[1] == "2"  # calls of one step
        assert lines[-1].startswith("the matrix products alone take ")

    def test_of_many_rows_the_shortest_are_one(self):
        model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(40)))
        lines = learn(model).table().splitlines()
        assert "21 others" in [line.split("  ")[0] for line in lines]

    def test_of_nothing_there_is_a_table_too(self):
        with minigrad.profile() as p:
            pass
        assert "operation" in p.table()
        ET.fromstring(p.svg())
        assert json.loads(p.trace())["displayTimeUnit"] == "ms"

    def test_the_flame_chart_is_one_picture_whose_rectangles_lie_on_each_other(self):
        p = learn(network())
        root = ET.fromstring(p.svg())
        space = "{http://www.w3.org/2000/svg}"
        assert "href" not in p.svg()
        parts = [
            (rect.find(f"{space}title").text, *(float(rect.get(name)) for name in ("x", "width", "y")))
            for rect in root.iter(f"{space}rect")
        ]
        (whole,) = [part for part in parts if "in all" in part[0]]
        for _, x, width, y in parts:
            assert y <= whole[3]
            assert whole[1] - 0.2 <= x <= x + width <= whole[1] + whole[2] + 0.2

    def test_the_trace_is_in_the_format_of_chrome(self):
        events = json.loads(learn(network(), steps=2).trace())["traceEvents"]
        spans = [event for event in events if event["ph"] == "X"]
        assert all(event["dur"] >= 0 and event["ts"] >= 0 and {"name", "pid", "tid"} <= event.keys() for event in spans)
        assert [
            event["args"]["layer"] for event in spans if event["name"] == "linear" and event["cat"] == "backward"
        ] == [
            "2 (Linear)",
            "0 (Linear)",
        ] * 2
        ends = [event["ts"] + event["dur"] for event in spans]
        assert all(end <= start["ts"] + 0.01 for end, start in zip(ends, spans[1:], strict=False))
