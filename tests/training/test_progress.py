import io
import os

from minigrad.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_a_line_for_each_validation():
    stream = io.StringIO()
    progress = Progress(100, stream)
    for step in range(1, 101):
        progress.advance(step)
        if step % 50 == 0:
            progress.report({"step": step, "epoch": step / 50, "train/loss": 1 / step, "val/loss": 0.123456})
    progress.close()
    assert stream.getvalue().splitlines() == [
        "step 50/100  epoch 1  train/loss 0.02  val/loss 0.1235",
        "step 100/100  epoch 2  train/loss 0.01  val/loss 0.1235",
    ]


def test_a_file_is_spared_the_other_logged_steps_of_the_same_ten_seconds():
    stream = io.StringIO()
    progress = Progress(100, stream)
    for step in range(10, 101, 10):
        progress.report({"step": step, "train/loss": 1.0})
    assert len(stream.getvalue().splitlines()) == 1


def test_a_terminal_gets_one_bar_with_the_latest_numbers_that_is_gone_afterwards():
    stream = Terminal()
    progress = Progress(100, stream)
    progress.report({"step": 50, "val/loss": 0.5})
    progress.advance(50)
    shown = stream.getvalue()
    progress.close()
    assert "step 50/100" in shown
    assert " left" in shown
    assert "val/loss 0.5" in shown
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r")


def test_the_speed_is_that_of_the_steps_of_this_process(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("minigrad.training.progress.monotonic", lambda: now[0])
    stream = Terminal()
    progress = Progress(1000, stream, done=400, step_size=64)
    now[0] += 2.0
    progress.advance(450)  # 50 steps of 64 examples in 2 seconds
    assert "450/1000" in stream.getvalue()
    assert "1,600 examples/s" in stream.getvalue()


def test_a_bar_is_redrawn_at_most_ten_times_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("minigrad.training.progress.monotonic", lambda: now[0])
    stream = Terminal()
    progress = Progress(1000, stream)
    before = stream.getvalue().count("\r")
    for step in range(1000):
        now[0] += 0.001
        progress.advance(step)
    assert stream.getvalue().count("\r") - before <= 11


def test_where_nobody_reads_the_run_goes_on_unseen():
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        progress = Progress(10, stream)
        for step in (5, 10):
            progress.advance(step)
            progress.report({"step": step, "val/loss": 1.0})
        progress.close()
        print("what others write there does no harm", file=stream, flush=True)
        assert os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))
