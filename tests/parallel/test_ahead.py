"""Work some items ahead, on a thread of its own that leaves nothing behind."""

import threading
from contextvars import ContextVar

import pytest

from minigrad.parallel.ahead import MOST, ahead

word = ContextVar("word", default="")


def names():
    return [thread.name for thread in threading.enumerate()]


def test_items_come_in_their_order_each_prepared_on_another_thread():
    places = []
    for i, item in enumerate(ahead(range(10), lambda item: places.append((item, threading.get_ident())))):
        assert item == i
        assert places[i][0] == i
        assert places[i][1] != threading.get_ident()
    assert len(places) == 10


def test_few_items_are_made_before_they_are_asked_for():
    made = []
    items = ahead((made.append(i) or i for i in range(100)), lambda item: None)
    next(items)
    assert len(made) == MOST + 1
    items.close()


@pytest.mark.parametrize("end", ["close", "del", "all"])
def test_no_thread_is_left_behind(end):
    before = names()
    items = ahead(range(5), lambda item: None)
    next(items)
    assert len(names()) == len(before) + 1
    if end == "all":
        list(items)
    elif end == "close":
        items.close()
    else:
        del items
    assert names() == before


@pytest.mark.parametrize("error", [ValueError("broken file"), KeyboardInterrupt()])
def test_an_error_comes_out_in_place_of_its_item_and_ends_the_thread(error):
    def prepare(item):
        if item == 3:
            raise error

    before, found = names(), []
    with pytest.raises(type(error)):
        found.extend(ahead(range(10), prepare))
    assert found == [0, 1, 2]
    assert names() == before


def test_each_item_is_prepared_in_the_context_that_it_was_made_in():
    def items():
        for each in "ab":
            word.set(each)
            yield each

    seen = []
    assert list(ahead(items(), lambda item: seen.append((item, word.get())))) == ["a", "b"]
    assert seen == [("a", "a"), ("b", "b")]


def test_where_there_are_no_threads_items_are_prepared_in_turn(monkeypatch):
    monkeypatch.setattr("minigrad.threads.has_threads", lambda: False)
    seen = []
    assert list(ahead(range(5), seen.append)) == seen == [0, 1, 2, 3, 4]
