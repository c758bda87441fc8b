"""Large arrays on two cores: the same bits, and no thread where others work or nobody asked for one."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minigrad import Tensor, cores, ops, optim
from minigrad.engine import enable_grad
from minigrad.ops.blocks import in_blocks

N = cores.LARGE


@pytest.fixture
def threads(monkeypatch):
    """The names of the threads that worked, on a machine whose BLAS has two."""
    monkeypatch.setattr(cores, "_has_more_than_one", cores.has_threads)
    names = []

    def note(start, stop):
        names.append(threading.current_thread().name)

    note.names = names
    return note


def test_a_large_array_is_divided_and_a_small_one_is_not(threads):
    cores.in_halves(threads, N - 1, N - 1)
    assert len(threads.names) == 1
    cores.in_halves(threads, N, N)
    assert len(set(threads.names)) == 2


def test_the_parts_are_all_there_is_and_meet_at_no_odd_place(threads):
    for n in (2, 3, 255, 256, 1000, N + 1):
        parts = []
        cores.in_halves(lambda start, stop, parts=parts: parts.append((start, stop)), n, N)
        (start, middle), (again, stop) = sorted(parts)
        assert (start, middle, stop) == (0, again, n)
        assert 0 < middle < n
        assert n < 256 or middle % 64 == 0


def test_one_place_is_not_divided(threads):
    cores.in_halves(threads, 1, N)
    assert len(threads.names) == 1


def test_blas_of_one_thread_gives_none(monkeypatch, threads):
    library = Library()
    monkeypatch.undo()
    monkeypatch.setattr(cores, "_libraries", lambda: [library])
    cores.in_halves(threads, N, N)
    assert len(threads.names) == 1
    library.num_threads = 2
    cores.in_halves(threads, N, N)
    assert len(set(threads.names)) == 2


class Library:
    """A BLAS, as threadpoolctl shows it."""

    num_threads = 1

    def set_num_threads(self, number):
        self.num_threads = number


def test_each_half_has_one_thread_of_blas_which_gets_the_others_back_also_after_an_error(monkeypatch):
    library = Library()
    library.num_threads = 4
    monkeypatch.setattr(cores, "_libraries", lambda: [library])
    seen = []

    def work(start, stop):
        seen.append(library.num_threads)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cores.in_halves(work, N, N)
    assert seen == [1, 1]
    assert library.num_threads == 4


def test_who_divides_work_is_alone_also_within_a_half(threads):
    with cores.alone():
        cores.in_halves(threads, N, N)
        with cores.alone():
            cores.in_halves(threads, N, N)
        cores.in_halves(threads, N, N)
    assert len(threads.names) == 3
    cores.in_halves(lambda start, stop: cores.in_halves(threads, N, N), N, N)
    assert len(threads.names) == 5
    cores.in_halves(threads, N, N)
    assert len(threads.names) == 7


@pytest.mark.parametrize("fails", [0, 1])
def test_an_error_of_either_half_comes_out_when_both_have_ended(threads, fails):
    ended = []

    def work(start, stop):
        ended.append(start)
        if bool(start) == fails:
            raise ZeroDivisionError("of a half")

    with pytest.raises(ZeroDivisionError, match="of a half"):
        cores.in_halves(work, N, N)
    assert len(ended) == 2
    cores.in_halves(threads, N, N)
    assert len(threads.names) == 2


def test_both_halves_see_the_same_context(threads):
    seen = []
    with np.errstate(divide="raise"):
        cores.in_halves(lambda start, stop: seen.append(np.geterr()["divide"]), N, N)
    assert seen == ["raise", "raise"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_process_has_a_thread_of_its_own():
    program = f"""
import os, warnings
warnings.simplefilter("ignore")
from minigrad import cores
cores._has_more_than_one = cores.has_threads
names = []
work = lambda start, stop: names.append(__import__("threading").get_ident())
cores.in_halves(work, {N}, {N})
child = os.fork()
cores.in_halves(work, {N}, {N})
assert len(names) == 4, names
if not child:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_import_and_small_arrays_start_no_thread_and_look_for_no_library():
    program = """
import sys, threading
import numpy as np
import minigrad
x = minigrad.Tensor(np.ones(1000, np.float32), requires_grad=True)
minigrad.ops.sigmoid(x).sum().backward()
assert threading.active_count() == 1
assert "threadpoolctl" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


RANDOM = np.random.default_rng(0)
KERNELS = {
    "ReLU": ops.relu,
    "max pooling side by side": lambda x: ops.max_pool1d(x, 3),
    "max pooling that overlaps": lambda x: ops.max_pool2d(x, 3, 2, padding=1),
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
    "softplus": ops.softplus,
    "gelu": ops.gelu,
    "gelu by tanh": lambda x: ops.gelu(x, "tanh"),
    "erf": ops.erf,
    "layer norm": lambda x: ops.layer_norm(x, x.shape[-1], *_weights(x, -1)),
    "RMS norm": lambda x: ops.rms_norm(x, x.shape[-1], _weights(x, -1)[0]),
    "batch norm": lambda x: ops.standardize(x, *[w.reshape(-1, 1) for w in _weights(x, 1)], (0, 2)),
}


def _weights(x, axis):
    return [Tensor(np.linspace(a, 2, x.shape[axis]).astype(x.dtype), requires_grad=True) for a in (-1, 0.5)]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_give_the_same_bits_on_two_cores_as_on_one_and_as_small_arrays_do(name, dtype, threads, monkeypatch):
    values = RANDOM.standard_normal((130, 65, 33)).astype(dtype) * 3
    g = RANDOM.standard_normal(values.shape).astype(dtype)

    def run():
        x = Tensor(values, requires_grad=True)
        with enable_grad():
            out = KERNELS[name](x)
        out.backward(g[tuple(map(slice, out.shape))])
        return out.data, x.grad

    assert values.size >= N
    divided = run()
    with cores.alone():
        whole = run()
    for module in ("cores", "ops.kernels", "ops.activation", "ops.elementwise", "ops.normalization"):
        monkeypatch.setattr(sys.modules[f"minigrad.{module}"], "LARGE", 2**40)
    small = run()
    for one, two, three in zip(divided, whole, small, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def test_rows_too_large_for_their_squares_are_normalised_as_in_small_arrays(threads):
    values = RANDOM.standard_normal((1024, 512)).astype(np.float32)
    values[7] *= 1e30
    found = ops.layer_norm(values, 512)
    np.testing.assert_allclose(found[7], ops.layer_norm(values[7:8], 512)[0], rtol=1e-5)
    assert np.isfinite(found).all()


def test_blocks_take_arrays_that_are_not_in_order(threads):
    x = RANDOM.standard_normal((600, 700))[::-1, ::2]
    assert (in_blocks(np.negative, x) == -x).all()
    assert in_blocks(np.isfinite, x).dtype == bool


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_an_optimizer_updates_large_parameters_on_two_cores_with_the_same_bits(make, threads):
    def run():
        random = np.random.default_rng(1)
        parameters = [Tensor(random.standard_normal(n), requires_grad=True) for n in (N, 5, N // 2, N, 7)]
        optimizer = make(parameters, lr=0.1)
        for _ in range(3):
            for p in parameters:
                p.grad = random.standard_normal(p.shape)
            optimizer.step()
        return [p.data for p in parameters]

    divided = run()
    with cores.alone():
        whole = run()
    for one, two in zip(divided, whole, strict=True):
        np.testing.assert_array_equal(one, two)
