"""Odd files of every kind, written at random: each is read right, or refused with a sentence that names it."""

import csv
import gzip
import io
import struct
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad.data import IDX, Arrays, CharText, DataError, Table, TextTable, Windows
from minigrad.data.inputs import read_numbers
from minigrad.engine import random

FIXED = settings(max_examples=50, derandomize=True, deadline=None, database=None)
MISSING = ["", "NaN", "na", "N/A", "null", "?"]
LETTERS = st.text(
    st.characters(codec="utf-8", categories=["L", "M", "P", "S", "Zs"], exclude_characters="?."), min_size=1
)
DELIMITERS = st.sampled_from(",;\t|")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


@contextmanager
def quietly():
    random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # DataWarning, and NumPy's of headers from Python 2
        yield


def is_text(text: str) -> bool:
    """Whether a text is neither a number nor missing, in any notation."""
    text = text.strip()
    return (
        bool(text)
        and text.lower() not in {"nan", "inf", "infinity", "na", "n/a", "null", *MISSING}
        and text.isprintable()
    )


def attempt(read, *paths):
    """What was read; nothing if it was refused with a message that names a file."""
    with quietly():
        try:
            return read()
        except DataError as error:
            message = str(error)
    assert message.startswith(tuple(map(str, paths)))
    return None


@st.composite
def texts(draw, n):
    """A column of two to five different texts, some with what CSV has to quote."""
    words = draw(st.lists(LETTERS.filter(is_text), min_size=2, max_size=5, unique_by=str.strip))
    ends = st.sampled_from(["", ",", ";", '"', " and\nmore", "\t|"])
    words = [f"{word.strip()}{draw(ends)}".strip() for word in words]
    assume(len(set(words)) == len(words))
    return [words[i % len(words)] for i in range(n)]


@st.composite
def numbers(draw, n):
    """A column of numbers of one size, and how they are written."""
    scale = draw(st.sampled_from([1e-200, 1e-20, 1e-3, 1.0, 1e6, 1e30]))
    drawn = np.random.default_rng(draw(st.integers(0, 2**32))).integers(-9999, 9999, n)
    values = [scale * number for number in drawn.tolist()]
    form = draw(st.sampled_from(["{!r}", "{:.8e}", " {!r} "]))
    return values, [form.format(value) for value in values]


@st.composite
def tables(draw):
    """The columns of a table, and the bytes of its file."""
    n = draw(st.integers(30, 50))
    delimiter, end = draw(DELIMITERS), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    columns = {"key": [i + 0.5 for i in range(n)]}
    written = {"key": [str(value) for value in columns["key"]]}
    for i in range(draw(st.integers(0, 3))):
        columns[f"n{i}"], written[f"n{i}"] = draw(numbers(n))
    for i in range(draw(st.integers(0, 2))):
        columns[f"t{i}"] = written[f"t{i}"] = draw(texts(n))
    columns["answer"] = written["answer"] = ["yes" if i % 3 else "no" for i in range(n)]
    file = io.StringIO(newline="")
    # of a break within a cell, the writer quotes the one that ends its rows alone
    quoting = csv.QUOTE_ALL if end == "\r" else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    empty = draw(st.sets(st.integers(0, n), max_size=3))
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(written)
    for i, row in enumerate(zip(*written.values(), strict=True)):
        file.write(end if i in empty else "")
        writer.writerow(row)
    start = draw(st.sampled_from(["", "", f"sep={delimiter}{end}"]))
    return columns, delimiter, draw(st.sampled_from(["", "\ufeff"])) + start + file.getvalue()


@FIXED
@given(tables())
def test_a_table_is_read_as_it_was_written(folder, table):
    columns, delimiter, text = table
    path = folder / "table.csv"
    path.write_bytes(text.encode())
    texts = [name for name in columns if name.startswith("t")]
    with quietly():
        data = Table(str(path), "answer", delimiter=delimiter, categorical=tuple(texts))
    inputs = np.concatenate([part.inputs for part in (data.train, data.val, data.test)])
    targets = np.concatenate([part.targets for part in (data.train, data.val, data.test)])
    order = np.argsort(inputs[:, 0])
    is_train = order < len(data.train)
    assert [data.class_names[target] for target in targets[order]] == columns["answer"]
    for i, name in enumerate(data.feature_names):
        column, _, category = name.partition("=")
        if category:
            np.testing.assert_array_equal(inputs[order, i], [cell == category for cell in columns[column]])
        else:
            values = np.array(columns[column]) / max(map(abs, columns[column]))
            expected = (values - values[is_train].mean()) / values[is_train].std()
            np.testing.assert_allclose(inputs[order, i], expected, rtol=1e-3, atol=1e-5)


@FIXED
@given(tables(), st.data())
def test_a_gap_is_filled_in_or_refused_with_its_line(folder, table, data):
    columns, _, _ = table
    n = len(columns["key"])
    row, gap = data.draw(st.integers(0, n - 1)), data.draw(st.sampled_from(MISSING))
    cells = [f"{i % 7}.25" if i != row else gap for i in range(n)]
    path = folder / "gaps.csv"
    path.write_text("key,a,answer\n" + "".join(f"{i}.5,{cell},{'ab'[i % 2]}\n" for i, cell in enumerate(cells)))
    with pytest.raises(DataError, match=rf"column 'a', line {row + 2}: the value is missing"):
        Table(str(path), "answer")
    with quietly():
        filled = Table(str(path), "answer", missing="median")
    inputs = np.concatenate([part.inputs for part in (filled.train, filled.val, filled.test)])
    assert np.isfinite(inputs).all()
    assert inputs.shape == (n, 2)


@st.composite
def damaged(draw, content: bytes):
    """Bytes with some of them deleted, doubled, or replaced by what files often hold."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 6)))
        piece = draw(
            st.sampled_from([b"", b'"', b"\n", b"\r", b",", b"\0", b"\xff", b"\xc3", b"1e999", b"nan", b";", b"x"])
        )
        content = content[:start] + piece + content[end:]
    return content


@FIXED
@given(tables().flatmap(lambda table: st.tuples(st.just(table[1]), damaged(table[2].encode()))))
def test_a_damaged_table_is_refused_or_has_the_rows_that_the_csv_module_finds(folder, file):
    delimiter, content = file
    path = folder / "damaged.csv"
    path.write_bytes(content)
    data = attempt(lambda: Table(str(path), "answer", delimiter=delimiter), path)
    if data is None:
        return
    text = content.decode("utf-8-sig")
    text = text.partition("sep=")[2].lstrip(delimiter) if text.startswith("sep=") else text
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    parts = (data.train, data.val, data.test)
    assert sum(map(len, parts)) == len(rows) - 1
    assert all(np.isfinite(part.inputs).all() for part in parts)


@st.composite
def matrices(draw):
    """Numbers, and the bytes of a CSV file that holds them."""
    array = draw(
        arrays.arrays(
            np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-1e9, 1e9, width=32)
        )
    )
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [",".join(map(repr, row)) for row in array.tolist()]
    head = draw(st.sampled_from([[], [",".join(f"name {i}" for i in range(array.shape[1]))], [""]]))
    return array, (draw(st.sampled_from(["", "\ufeff"])) + end.join([*head, *lines, ""])).encode()


@FIXED
@given(matrices())
def test_rows_of_numbers_are_read_as_they_were_written(folder, file):
    array, content = file
    (folder / "numbers.csv").write_bytes(content)
    np.testing.assert_array_equal(read_numbers(folder / "numbers.csv"), array)


@FIXED
@given(matrices().flatmap(lambda file: damaged(file[1])))
def test_damaged_rows_of_numbers_are_refused_or_all_of_their_cells_are_numbers(folder, content):
    path = folder / "numbers.csv"
    path.write_bytes(content)
    found = attempt(lambda: read_numbers(path), path)
    if found is None:
        return
    rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
    if not any(cell[:1] in "-+.0123456789" for cell in rows[0]):
        rows = rows[1:] if len(found) < len(rows) else rows
    np.testing.assert_array_equal(found, np.array([list(map(float, row)) for row in rows]))


@FIXED
@given(st.data(), arrays.arrays(st.sampled_from([np.float32, np.int64, np.uint8, np.bool_]), (30, 3)), st.booleans())
def test_a_damaged_array_is_refused_or_what_numpy_reads(folder, data, array, zipped):
    buffer = io.BytesIO()
    if zipped:
        np.savez(buffer, inputs=array, targets=np.arange(30) / 7)
    else:
        np.save(buffer, array)
    path = folder / ("array.npz" if zipped else "array.npy")
    path.write_bytes(data.draw(damaged(buffer.getvalue())))
    found = attempt(lambda: Arrays(str(path)).train.inputs if zipped else read_numbers(path), path)
    if found is None:
        return
    if zipped:
        assert {row.tobytes() for row in found} <= {row.tobytes() for row in array.astype(np.float32)}
    else:
        with quietly():
            np.testing.assert_array_equal(found, np.load(path, allow_pickle=False))


@st.composite
def series(draw):
    """A series of numbers, how wide its windows are, and the text of a CSV file that holds it."""
    n = draw(st.integers(40, 60))
    values, written = draw(numbers(n))
    delimiter, end = draw(DELIMITERS), draw(st.sampled_from(["\n", "\r\n"]))
    lines = [f"{i}{delimiter}{cell}" for i, cell in enumerate(written)]
    return values, draw(st.integers(1, 4)), delimiter, end.join([f"at{delimiter}load", *lines])


@FIXED
@given(series(), st.integers(1, 3))
def test_windows_are_cut_as_by_hand(folder, series, horizon):
    values, length, delimiter, text = series
    (folder / "series.csv").write_bytes(text.encode())
    with quietly():
        data = Windows(
            str(folder / "series.csv"), "load", length=length, horizon=horizon, time="at", delimiter=delimiter
        )
    column = np.array(values) / max(map(abs, values))
    n = len(values)
    val, test = n - 2 * round(n / 5), n - round(n / 5)
    scaled = (column - column[:val].mean()) / column[:val].std()
    for part, start, end in ((data.train, 0, val), (data.val, val, test), (data.test, test, n)):
        inputs, targets = part.batch(slice(None))
        assert len(part) == end - start - length - horizon + 1
        for i in range(len(part)):
            seen = start + i + length
            np.testing.assert_allclose(inputs[i, :, 0], scaled[start + i : seen], rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(targets[i], scaled[seen : seen + horizon], rtol=1e-3, atol=1e-5)


@FIXED
@given(series().flatmap(lambda drawn: st.tuples(st.just(drawn[2]), damaged(drawn[3].encode()))))
def test_a_damaged_series_is_refused_or_all_of_its_numbers_are_finite(folder, file):
    delimiter, content = file
    path = folder / "series.csv"
    path.write_bytes(content)
    data = attempt(lambda: Windows(str(path), "load", length=3, delimiter=delimiter), path)
    if data is not None:
        assert all(np.isfinite(part.inputs).all() for part in (data.train, data.val, data.test))


@FIXED
@given(tables().flatmap(lambda table: st.tuples(st.just(table[1]), damaged(table[2].encode()))))
def test_a_damaged_table_of_texts_is_refused_or_all_of_its_tokens_are_numbered(folder, file):
    delimiter, content = file
    path = folder / "texts.csv"
    path.write_bytes(content)
    data = attempt(lambda: TextTable(str(path), "key", "answer", delimiter=delimiter), path)
    if data is not None:
        assert all(part.inputs.max() < data.vocab_size for part in (data.train, data.val, data.test))


@FIXED
@given(st.data(), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_damaged_images_are_refused_or_as_many_as_their_header_says(folder, data, height, width, packed):
    pixels = np.arange(40 * height * width, dtype=np.uint64).astype(np.uint8).reshape(40, height, width)
    content = struct.pack(">I3I", 0x0803, *pixels.shape) + pixels.tobytes()
    content = gzip.compress(content, mtime=0) if packed else content
    (folder / "labels").write_bytes(struct.pack(">II", 0x0801, 40) + bytes(i % 2 for i in range(40)))
    path = folder / "images"
    path.write_bytes(content)
    assert IDX(str(path), str(folder / "labels")).image_shape == (1, height, width)
    path.write_bytes(data.draw(damaged(content)))
    images = attempt(lambda: IDX(str(path), str(folder / "labels")), path, folder / "labels")
    if images is None:
        return
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    np.testing.assert_array_equal(
        images.train.inputs.reshape(-1), np.frombuffer(content[16:], np.uint8)[: images.train.inputs.size]
    )


@FIXED
@given(st.text(st.characters(codec="utf-8"), min_size=200, max_size=400), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_a_text_is_its_characters(folder, text, encoding):
    text = text.lstrip("\ufeff")
    assume(len(text) >= 200)
    path = folder / "text.txt"
    path.write_bytes(text.encode(encoding))
    with quietly():
        data = CharText(str(path), block_size=4)
    assert data.vocabulary == "".join(sorted(set(text)))
    assert "".join(data.decode(data.encode(text).tolist())) == text


@FIXED
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_are_a_text_or_refused(folder, content):
    path = folder / "text.txt"
    path.write_bytes(content)
    data = attempt(lambda: CharText(str(path), block_size=2), path)
    if data is not None:
        assert data.vocabulary == "".join(sorted(set(content.decode("utf-8-sig"))))
