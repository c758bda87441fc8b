"""Blocks of the context as decorators: of functions, generators and coroutines."""

import asyncio
import contextvars
import functools
import inspect

import pytest

from minigrad import Tensor, detect_anomaly, enable_grad, is_grad_enabled, no_grad, ops
from minigrad.engine import random
from minigrad.nn import Linear, init
from minigrad.observers import AnomalyError


def test_each_step_of_a_generator_is_within_the_block_and_nothing_between_two_is():
    @no_grad()
    def steps():
        sent = yield is_grad_enabled()
        try:
            yield sent, is_grad_enabled()
        except KeyError:
            yield "caught", is_grad_enabled()
        return "end", is_grad_enabled()

    walk = steps()
    assert is_grad_enabled()
    assert next(walk) is False
    assert is_grad_enabled()
    assert walk.send(3) == (3, False)
    assert is_grad_enabled()
    assert walk.throw(KeyError()) == ("caught", False)
    assert is_grad_enabled()
    with pytest.raises(StopIteration) as end:
        next(walk)
    assert end.value.value == ("end", False)
    assert is_grad_enabled()


def test_a_generator_that_is_closed_ends_within_the_block():
    seen = []

    @no_grad()
    def steps():
        try:
            yield
        finally:
            seen.append(is_grad_enabled())

    walk = steps()
    next(walk)
    walk.close()
    assert seen == [False]
    assert is_grad_enabled()


def test_generators_of_different_modes_may_be_walked_in_turns():
    @no_grad()
    def without():
        for _ in range(3):
            yield is_grad_enabled()

    @enable_grad()
    def having():
        for _ in range(3):
            yield is_grad_enabled()

    assert list(zip(without(), having(), strict=True)) == [(False, True)] * 3
    with no_grad():
        assert list(zip(having(), without(), strict=True)) == [(True, False)] * 3
    assert is_grad_enabled()


def test_a_generator_may_be_walked_in_several_contexts():
    @no_grad()
    def steps():
        while True:
            yield is_grad_enabled()

    walk = steps()
    assert [contextvars.copy_context().run(next, walk) for _ in range(3)] == [False] * 3


def test_a_coroutine_is_within_the_block_and_those_beside_it_are_not():
    @no_grad()
    async def inside():
        seen = []
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(is_grad_enabled())
        return seen

    async def both():
        task = inside()
        first = task.send(None)  # up to the first await, in this very context
        outside = is_grad_enabled()
        task.close()
        assert first is None
        return outside, await asyncio.gather(inside(), beside())

    async def beside():
        await asyncio.sleep(0)
        return is_grad_enabled()

    assert inspect.iscoroutinefunction(inside)
    assert asyncio.run(both()) == (True, [[False] * 3, True])


def test_what_is_decorated_keeps_its_kind_and_name():
    @no_grad()
    def steps():
        """Yields."""
        yield

    @no_grad()
    def plain():
        """Returns."""

    assert inspect.isgeneratorfunction(steps)
    assert not inspect.isgeneratorfunction(plain)
    assert (steps.__name__, steps.__doc__, plain.__doc__) == ("steps", "Yields.", "Returns.")


def test_methods_and_partial_functions_are_decorated_too():
    class Source:
        @no_grad()
        def __iter__(self):
            yield is_grad_enabled()

    def steps(n):
        yield from [is_grad_enabled()] * n

    assert list(Source()) == [False]
    assert list(no_grad()(functools.partial(steps, 2))()) == [False, False]


def test_a_function_that_calls_itself_or_a_block_that_is_entered_twice_ends_as_it_began():
    block = no_grad()

    @block
    def down(n):
        return [is_grad_enabled(), *(down(n - 1) if n else [])]

    with block:
        with block:
            assert not is_grad_enabled()
        assert not is_grad_enabled()
        with enable_grad():
            assert down(3) == [False] * 4
    assert is_grad_enabled()


def test_what_cannot_be_decorated_is_refused_with_the_remedy():
    async def endless():
        yield

    class Model:
        pass

    for decorated in (endless, Model):
        with pytest.raises(
            TypeError, match=f"{decorated.__name__} is a class or an asynchronous generator: write `with`"
        ):
            no_grad()(decorated)


def test_a_place_of_random_numbers_decorates_and_its_draws_go_on_from_step_to_step():
    @random.at(step=3)
    def steps():
        for _ in range(3):
            yield random.generator("x").random()

    @random.at(step=3)
    def number():
        return random.generator("x").random()

    expected = [random.stream("x", step=3, draw=draw).random() for draw in range(3)]
    assert list(zip(steps(), steps(), strict=True)) == list(zip(expected, expected, strict=True))
    assert [number(), number()] == expected[:1] * 2
    assert random.place().step == 0


def test_the_search_for_nan_knows_the_lines_of_earlier_steps():
    x = Tensor([0.0], requires_grad=True)

    @detect_anomaly()
    def steps():
        y = ops.sqrt(x * x)
        yield
        y.sum().backward()

    walk = steps()
    next(walk)
    with pytest.raises(AnomalyError, match=r"derivative of multiply[\s\S]*y = ops.sqrt\(x \* x\)"):
        next(walk)


def test_layers_that_a_generator_makes_unfilled_are_so_in_each_step():
    @init.skipped()
    def layers():
        for _ in range(2):
            layer = Linear(2, 2)
            layer.weight.data[...] = 0
            init.ones_(layer.weight)
            yield layer.weight.data.sum()

    assert list(layers()) == [0, 0]
    filled = Linear(2, 2)
    init.ones_(filled.weight)
    assert filled.weight.data.sum() == 4
