import pytest

from benchmarks.player import memory, turn


class Loss:
    """A loss that is computed only when somebody reads it, as in a library that works behind the caller's back."""

    read = 0

    def __float__(self):
        Loss.read += 1
        return 0.0


def test_a_turn_waits_for_the_work_of_its_last_step(monkeypatch):
    monkeypatch.setattr(Loss, "read", 0)
    turn(Loss, 0.001)
    assert Loss.read == 1


def test_a_turn_gives_the_time_of_one_step_and_not_of_all():
    calls = []
    seconds = turn(lambda: calls.append(1) or 1.0, 0.01)
    assert len(calls) > 100
    assert 0 < seconds * len(calls) < 1


def test_a_step_longer_than_the_turn_is_timed_all_the_same():
    calls = []
    assert turn(lambda: calls.append(1) or 1.0, 0.0) > 0
    assert len(calls) == 1


@pytest.mark.skipif(memory() is None, reason="this system does not tell how much memory a process has had")
def test_memory_counts_what_was_held_once():
    held = bytearray(b"x") * 2**27
    assert memory() >= len(held)
