import io
import os
from types import SimpleNamespace

import pytest

from minigrad.training.progress import Progress


def at(step, lr=0.01):
    """What a progress bar needs to see of a training with 10 steps in an epoch."""
    return SimpleNamespace(step=step, epoch_steps=10, lr=lr)


def shown(stream):
    """The text of the line as it is on the terminal now."""
    return stream.getvalue().rpartition("\r")[2].rstrip()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_a_line_for_each_validation():
    stream = io.StringIO()
    progress = Progress(100, stream)
    for step in range(1, 101):
        progress.on_step_end(at(step))
        if step % 50 == 0:
            progress.on_log(at(step), {"step": step, "epoch": step / 50, "train/loss": 1 / step, "val/loss": 0.123456})
    progress.close()
    assert stream.getvalue().splitlines() == [
        "step 50/100  epoch 1  train/loss 0.02  val/loss 0.1235",
        "step 100/100  epoch 2  train/loss 0.01  val/loss 0.1235",
    ]


def test_a_file_is_spared_the_other_logged_steps_of_the_same_ten_seconds():
    stream = io.StringIO()
    progress = Progress(100, stream)
    for step in range(10, 101, 10):
        progress.on_log(at(step), {"step": step, "train/loss": 1.0})
    assert len(stream.getvalue().splitlines()) == 1


RECORD = {
    "step": 50, "epoch": 5.0, "lr": 0.02, "train/loss": 0.123456, "train/accuracy": 0.9512, "val/loss": 0.234567,
    "val/accuracy": 0.9345,
}  # fmt: skip


@pytest.fixture
def terminal(monkeypatch):
    """A clock that the test moves, and a terminal of any width."""
    clock = SimpleNamespace(now=100.0, columns=80)
    monkeypatch.setattr("minigrad.training.progress.monotonic", lambda: clock.now)
    monkeypatch.setattr("minigrad.training.progress._columns", lambda stream: clock.columns)
    return clock


def test_a_terminal_gets_one_line_that_is_gone_afterwards(terminal):
    stream = Terminal()
    progress = Progress(100, stream)
    progress.on_log(at(50), RECORD)
    progress.on_step_end(at(50))
    assert "val/loss 0.2346" in shown(stream)
    progress.close()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r")


def test_the_losses_come_first_then_the_metrics_then_what_fits(terminal):
    stream = Terminal()
    progress = Progress(1000, stream, step_size=64)
    progress.on_log(at(50), RECORD)
    terminal.now += 1
    progress.on_step_end(at(53))
    assert shown(stream) == "train/loss 0.1235  val/loss 0.2346  train/accuracy 0.9512  val/accuracy 0.9345"
    terminal.columns, terminal.now = 40, terminal.now + 1
    progress.on_step_end(at(54))
    assert shown(stream) == "train/loss 0.1235  val/loss 0.2346"
    terminal.columns, terminal.now = 140, terminal.now + 1
    progress.on_step_end(at(55))
    assert "val/accuracy 0.9345  epoch 5.50  step 55/1000  00:51 left  1,173 examples/s" in shown(stream)


def test_epoch_rate_and_learning_rate_are_the_current_ones(terminal):
    stream = Terminal()
    terminal.columns = 200
    progress = Progress(10_000, stream, done=400, step_size=64)
    progress.on_log(at(400), RECORD)
    terminal.now += 2
    progress.on_step_end(at(450, lr=0.005))  # 50 steps of 64 examples in 2 seconds of this process
    assert "epoch 45.00  step 450/10000" in shown(stream)
    assert "1,600 examples/s  lr 0.005" in shown(stream)
    for step in range(451, 481):
        terminal.now += 1
        progress.on_step_end(at(step))
    assert "64 examples/s" in shown(stream)


def test_a_line_is_never_wider_than_the_terminal(terminal):
    stream = Terminal()
    progress = Progress(1000, stream)
    progress.on_log(at(50), RECORD)
    for columns in range(20, 200):
        terminal.columns, terminal.now = columns, terminal.now + 1
        progress.on_step_end(at(columns))
        assert 0 < len(shown(stream)) < columns


def test_a_bar_is_redrawn_at_most_ten_times_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("minigrad.training.progress.monotonic", lambda: now[0])
    stream = Terminal()
    progress = Progress(1000, stream)
    before = stream.getvalue().count("\r")
    for step in range(1000):
        now[0] += 0.001
        progress.on_step_end(at(step))
    assert stream.getvalue().count("\r") - before <= 11


def test_where_nobody_reads_the_run_goes_on_unseen():
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        progress = Progress(10, stream)
        for step in (5, 10):
            progress.on_step_end(at(step))
            progress.on_log(at(step), {"step": step, "val/loss": 1.0})
        progress.close()
        print("what others write there does no harm", file=stream, flush=True)
        assert os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
