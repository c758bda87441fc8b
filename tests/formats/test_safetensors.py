"""The safetensors format, beside the library of that name."""

import io

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load, save

from minigrad.formats.safetensors import DTYPES, arrange, header, read_array, write

ARRAYS = {
    "flags": np.array([True, False, True]),
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "big endian": np.arange(3, dtype=">i4"),
    "number": np.array(2.5, np.float16),
    "nothing": np.zeros((0, 4), np.uint8),
}


def written(arrays, metadata):
    file = io.BytesIO()
    write(file, arrange(arrays), metadata)
    return file.getvalue()


def test_the_library_reads_what_is_written_and_its_metadata(tmp_path):
    content = written(ARRAYS, {"from": "here", "déjà": "vu"})
    read = load(content)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(read[name], array)
    (tmp_path / "x.safetensors").write_bytes(content)
    with safe_open(tmp_path / "x.safetensors", "np") as opened:
        assert opened.metadata() == {"from": "here", "déjà": "vu"}


@pytest.mark.parametrize("dtype", DTYPES, ids=DTYPES.get)
def test_a_type_has_the_name_that_the_library_gives_it(dtype):
    array = np.ones(2, dtype)
    ours = written({"a": array}, {})
    assert f'"dtype":"{DTYPES[dtype]}"'.encode() in ours
    if dtype.kind != "c":  # of which the library for NumPy knows nothing
        assert f'"dtype":"{DTYPES[dtype]}"'.encode() in save({"a": array})
        assert load(ours)["a"].tobytes() == array.tobytes()


def test_every_array_begins_at_a_multiple_of_its_elements_size():
    arrays = arrange({"byte": np.ones(3, np.uint8), "double": np.ones(1), "half": np.ones(5, np.float16)})
    assert list(arrays) == ["double", "half", "byte"]
    assert len(header(arrays, {})) % 8 == 0


def test_an_array_is_read_from_its_place(tmp_path):
    arrays = arrange(ARRAYS)
    (tmp_path / "x").write_bytes(written(ARRAYS, {}))
    start, size = len(header(arrays, {})), arrays["transposed"].nbytes
    entry = {"dtype": "F64", "shape": [3, 2], "data_offsets": [0, size]}
    with open(tmp_path / "x", "rb") as file:
        np.testing.assert_array_equal(read_array(file, start, entry), ARRAYS["transposed"])


def test_an_array_of_objects_is_refused_by_name():
    with pytest.raises(TypeError, match="a safetensors file cannot hold 'a', an array of object"):
        arrange({"a": np.array([None])})
