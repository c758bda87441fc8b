"""Reading safetensors files, beside the library of that name, and of files that are not whole."""

import json
import random
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from minigrad.formats import FormatError, safetensors
from minigrad.formats.stored import content

ARRAYS = {
    "flags": np.array([True, False, True]),
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "number": np.array(2.5),
    "nothing": np.zeros((0, 4), np.uint8),
    "tokens": np.arange(-3, 4, dtype=np.int64),
}


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), data_offsets=(0, 4)):
    return {"dtype": dtype, "shape": shape, "data_offsets": data_offsets}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.safetensors"


def test_what_the_library_writes_is_read(path):
    save_file(ARRAYS, path, {"format": "pt"})
    read = safetensors.load(path)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def bfloat16():
    return pytest.importorskip("ml_dtypes", reason="parity of bfloat16 needs ml_dtypes").bfloat16


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_short_floats_become_float32(path, name):
    dtype = np.float16 if name == "float16" else bfloat16()
    bits = np.arange(2**16, dtype=np.uint16)  # every number there is
    save_file({"a": bits.view(dtype).reshape(2, -1)}, path)
    read = safetensors.load(path)["a"]
    assert (read.dtype, read.shape) == (np.float32, (2, 2**15))
    np.testing.assert_array_equal(read.reshape(-1), bits.view(dtype).astype(np.float32))


def test_an_array_is_a_view_of_the_mapped_file_and_cannot_be_written_to(path):
    save_file({"a": np.zeros(10_000_000, np.float32)}, path)
    tracemalloc.start()
    array = safetensors.load(path)["a"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_widening_takes_the_memory_of_the_result_alone(path):
    save_file({"a": np.ones(1_000_000, bfloat16())}, path)
    stored = safetensors.stored(path)["a"]
    tracemalloc.start()
    stored.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000 * 1.1


def test_where_files_cannot_be_mapped_they_are_read(path, monkeypatch):
    save_file(ARRAYS, path)

    def none(*args):
        raise ImportError("no module named mmap")

    monkeypatch.setattr(np, "memmap", none)
    np.testing.assert_array_equal(safetensors.load(path)["matrix"], ARRAYS["matrix"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a header of at most 0 bytes, got a length of 0"),
        (b"\xff" * 8, "expected a header of at most 0 bytes, got a length of 18,446,744,073,709,551,615"),
        (file_of(b"{"), "its header is not JSON: "),
        (file_of(b"\xff"), "its header is not JSON: "),
        (file_of(b"[" * 100_000), "its header is not JSON: "),
        (file_of([]), "expected a header of arrays by name, got list"),
        (file_of(b'{"a": 1, "b": 1, "a": 1}'), "its header has 'a' twice"),
        (file_of({"a": 1}), "expected dtype, shape and data_offsets of the array 'a'"),
        (file_of({"a": entry("F8")}), "the array 'a' has the type 'F8'; supported: F64, I64, "),
        (file_of({"a": entry(shape=[-1])}), "shape of the array 'a' must be a list of at most 64 numbers from 0"),
        (file_of({"a": entry(shape=[1.0])}), "shape of the array 'a' must be a list of at most 64 numbers from 0"),
        (file_of({"a": entry(shape=[1] * 65)}), "shape of the array 'a' must be a list of at most 64 numbers from 0"),
        (file_of({"a": entry(shape=[2**70, 0], data_offsets=[0, 0])}), "has a shape that no array can have"),
        (file_of({"a": entry(data_offsets=[4, 0])}), "data_offsets of the array 'a' must be its start and its end"),
        (file_of({"a": entry(shape=[2])}, bytes(4)), "the array 'a' has 4 bytes, and its shape and type need 8"),
        (file_of({"a": entry(), "b": entry(data_offsets=[2, 6])}, bytes(6)), "the array 'b' overlaps the one before"),
        (file_of({"a": entry(data_offsets=[8, 12])}, bytes(12)), "the array 'a' leaves a gap of 8 bytes before it"),
        (file_of({"a": entry()}, bytes(3)), "expected 4 bytes of arrays, got 3: the end is missing or added"),
        (file_of({"a": entry()}, bytes(5)), "expected 4 bytes of arrays, got 5: the end is missing or added"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_name_and_the_fault(path, data, message):
    path.write_bytes(data)
    with pytest.raises(FormatError) as error:
        safetensors.stored(path)
    assert str(error.value).startswith(f"{path} is not a complete safetensors file: ")
    assert message in str(error.value)


def test_a_header_longer_than_the_format_allows_is_not_read(path, monkeypatch):
    monkeypatch.setattr(safetensors, "LONGEST_HEADER", 100)
    path.write_bytes(file_of(b" " * 101))
    with pytest.raises(FormatError, match="got a length of 101"):
        safetensors.stored(path)


def test_ten_thousand_damaged_files_are_read_or_refused_and_take_no_more_memory_than_the_file(tmp_path, monkeypatch):
    whole = save(ARRAYS)
    choose = random.Random(0)
    files = [bytearray(whole[: choose.randrange(len(whole))]) for _ in range(1000)]
    for _ in range(9000):
        damaged = bytearray(whole)
        for _ in range(choose.choice([1, 1, 2, 5])):
            damaged[choose.randrange(len(damaged))] = choose.choice([choose.randrange(256), *b'0129[]{},:"'])
        files.append(damaged)
    current = bytearray()
    monkeypatch.setattr(safetensors, "content", lambda path: np.frombuffer(current, np.uint8))
    refused = 0
    tracemalloc.start()
    for current in files:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            safetensors.load("damaged")
        except FormatError:
            refused += 1
        _, peak = tracemalloc.get_traced_memory()
        assert peak - before < 100_000 + 10 * len(current)  # of the header in objects: no length in it is believed
    tracemalloc.stop()
    assert 5000 < refused < 10_000


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        content(tmp_path / "none")
