import io

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
    assert "50/100" in shown
    assert "val/loss 0.5" in shown
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r")
