"""Every reader refuses what is no data of its kind with one sentence that names the file."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from minigrad.data import (
    IDX,
    MNIST,
    Arrays,
    ByteText,
    CharText,
    DataError,
    DataWarning,
    Table,
    TextTable,
    Tokens,
    Windows,
)
from minigrad.data.inputs import read_image, read_numbers

from .conftest import idx

ROWS = "x,y\n" + "".join(f"{i / 7:.3f},{'ab'[i % 2]}\n" for i in range(40))


def npz(compress=False, **arrays):
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def labels(path):
    (path.parent / "labels").write_bytes(idx(np.arange(40, dtype=np.uint8) % 2))
    return str(path.parent / "labels")


def targets(path):
    np.save(path.parent / "targets.npy", np.arange(40) % 2)
    return path


READERS = {
    "table": ("data.csv", ROWS.encode(), lambda path: Table(str(path), "y")),
    "numbers of CSV": ("data.csv", b"1,2\n3,4\n" * 20, read_numbers),
    "numbers of npy": ("data.npy", npy(np.ones((20, 3))), read_numbers),
    "arrays": ("data.npz", npz(inputs=np.ones((40, 3)), targets=np.arange(40) % 2), lambda path: Arrays(str(path))),
    "images": ("data", idx(np.ones((40, 3, 3), np.uint8)), lambda path: IDX(str(path), labels(path))),
    "packed images": (
        "data.gz",
        gzip.compress(idx(np.ones((40, 3, 3), np.uint8))),
        lambda path: IDX(str(path), labels(path)),
    ),
    "array in a folder": ("inputs.npy", npy(np.ones((40, 3))), lambda path: Arrays(str(targets(path).parent))),
    "series": ("data.csv", b"at,load\n" + b"1,2.5\n2,3.5\n" * 30, lambda path: Windows(str(path), "load", length=4)),
    "series of npy": ("data.npy", npy(np.arange(60.0)), lambda path: Windows(str(path), length=4)),
    "texts": ("data.csv", ROWS.encode(), lambda path: TextTable(str(path), "x", "y")),
    "characters": ("data.txt", "é hello world\n".encode() * 60, lambda path: CharText(str(path), block_size=4)),
    "bytes": ("data.txt", b"hello world\n" * 60, lambda path: ByteText(str(path), block_size=4)),
    "tokens": ("data.bin", bytes(600), lambda path: Tokens(str(path), 300, block_size=4)),
    "token array": ("data.npy", npy(np.arange(300)), lambda path: Tokens(str(path), 300, block_size=4)),
}


@pytest.fixture(params=READERS)
def reader(request, tmp_path):
    name, content, read = READERS[request.param]
    path = tmp_path / name

    def attempt(content):
        path.write_bytes(content)
        before = sorted(tmp_path.iterdir())
        with pytest.raises(DataError) as error:
            read(path)
        assert {*before} >= {*tmp_path.iterdir()} - {tmp_path / "labels", tmp_path / "targets.npy"}
        return str(error.value)

    path.write_bytes(content)
    read(path)  # it is read as it is
    return path, content, attempt


def test_an_empty_file_is_refused(reader):
    path, _, attempt = reader
    message = attempt(b"")
    assert message.startswith(str(path))
    assert "\n" not in message


def test_a_file_that_is_not_there_is_refused(reader):
    path, content, attempt = reader
    attempt(b"")
    path.unlink()
    read = next(entry[2] for entry in READERS.values() if entry[:2] == (path.name, content))
    with pytest.raises(DataError, match="no such file"):
        read(path)


def test_a_folder_is_refused(reader):
    path, content, _ = reader
    read = next(entry[2] for entry in READERS.values() if entry[:2] == (path.name, content))
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=r"cannot be read|expected"):
        read(path)


@pytest.mark.parametrize(
    "reader", ["numbers of npy", "arrays", "images", "packed images", "token array"], indirect=True
)
def test_a_cut_file_is_refused_wherever_it_is_cut(reader):
    path, content, attempt = reader
    for size in {1, 3, 9, len(content) // 3, len(content) // 2, len(content) - 1}:
        message = attempt(content[:size])
        assert message.startswith(str(path))
        assert "\n" not in message


@pytest.mark.parametrize("reader", ["table", "numbers of CSV"], indirect=True)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y\n1,a\n".encode("utf-16"), "expected text in UTF-8, found text in UTF-16"),
        (b"PK\x03\x04 and so on", "expected text in UTF-8, found an archive, such as a workbook of Excel"),
        (b"\x1f\x8b\x08 and so on", "expected text in UTF-8, found a file compressed by gzip"),
        ("x,y\n1,größe\n".encode("latin-1"), ", line 2: expected text in UTF-8, found the byte 0xf6"),
        (b"x,y\n1,a\n2,\0\n", ", line 3: expected text in UTF-8, found the byte 0x00"),
        (b"x,y\n1,a\n2,\xc3", ", line 3: expected text in UTF-8, found the byte 0xc3"),
        (b'x,y\n1,a\n2,"b\n3,c\n', ", line 3: not CSV: a quote that opens in this row is never closed"),
        (b'x,y\n1,a\n"2"3,b\n', ", line 3: not CSV"),
        (b"x,y\n1," + b"a" * 200_000 + b"\n", ", line 2: not CSV: a cell of more than 131,072 characters"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_it_is_and_the_line(reader, content, said):
    path, _, attempt = reader
    message = attempt(content)
    assert message.removeprefix(str(path)).startswith((said, f": {said}"))
    assert "\n" not in message


def test_ten_thousand_columns_are_read_and_a_wrong_name_is_told_in_a_line(tmp_path):
    names = [f"c{i}" for i in range(10_000)]
    rows = np.random.default_rng(0).normal(size=(40, 10_000)).round(3)
    lines = [",".join([*map(str, row), "ab"[i % 2]]) for i, row in enumerate(rows)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join([*names, "y"]), *lines]))
    assert Table(str(tmp_path / "wide.csv"), "y").num_features == 10_000
    with pytest.raises(DataError) as error:
        Table(str(tmp_path / "wide.csv"), "z")
    assert "no column 'z'" in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("names", "said"), [("a,a,y", "two columns have the name 'a'"), ("a,,,y", "two columns have no n")]
)
def test_repeated_names_are_refused_until_they_are_ignored(tmp_path, names, said):
    cells = "1.5," * names.count(",")
    (tmp_path / "rows.csv").write_text(f"{names}\n" + "".join(f"{i}{cells}{'ab'[i % 2]}\n" for i in range(40)))
    with pytest.raises(DataError, match=said):
        Table(str(tmp_path / "rows.csv"), "y")
    if ",," in names:
        Table(str(tmp_path / "rows.csv"), "y", ignore=("",))


def test_excels_first_line_names_the_delimiter(tmp_path):
    rows = ROWS.replace(",", ";")
    (tmp_path / "rows.csv").write_text(rows)
    expected = Table(str(tmp_path / "rows.csv"), "y", delimiter=";").train.inputs
    for first in ("sep=;\n", '"sep=;"\r\n', "\ufeffSEP=;\n"):
        (tmp_path / "rows.csv").write_bytes((first + rows).encode())
        np.testing.assert_array_equal(Table(str(tmp_path / "rows.csv"), "y").train.inputs, expected)
    (tmp_path / "rows.csv").write_text("sep=;\n" + rows.replace("0.143", "oops"))
    with pytest.raises(DataError, match="line 4: expected a finite number, found 'oops'"):
        Table(str(tmp_path / "rows.csv"), "y", numeric=("x",))
    with pytest.raises(
        DataError, match=r"line 1: Excel's 'sep=;' says that the delimiter is ';', and the config says '\|'"
    ):
        Table(str(tmp_path / "rows.csv"), "y", delimiter="|")


def test_an_archive_that_unpacks_to_a_hundred_times_its_size_is_refused_before_it_is_unpacked(tmp_path):
    zeros = np.zeros(2**22, np.uint8)
    (tmp_path / "zeros.npz").write_bytes(npz(compress=True, inputs=zeros[:, np.newaxis], targets=np.arange(2**22) % 2))
    with pytest.raises(DataError, match=r"zeros.npz: unpacks to [\d,]+ bytes, more than 100 times its"):
        Arrays(str(tmp_path / "zeros.npz"))
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(idx(zeros.reshape(-1, 64, 64))))
    with pytest.raises(DataError, match=r"zeros.gz: unpacks to [\d,]+ bytes, more than 100 times its"):
        IDX(str(tmp_path / "zeros.gz"), labels(tmp_path / "zeros.gz"))


def test_a_header_that_tells_of_more_than_there_is_takes_no_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**44, 8)})
    (tmp_path / "huge.npy").write_bytes(header.getvalue() + bytes(100))
    with pytest.raises(DataError, match=r"its header tells of [\d,]+ bytes, and 100 are there"):
        read_numbers(tmp_path / "huge.npy")
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("inputs.npy", header.getvalue() + bytes(100))
        archive.writestr("targets.npy", npy(np.arange(3)))
    with pytest.raises(DataError, match=r"array 'inputs': .*its header tells of"):
        Arrays(str(tmp_path / "huge.npz"))
    (tmp_path / "huge").write_bytes(struct.pack(">I3I", 0x0803, 2**31, 2**15, 2**15))
    with pytest.raises(DataError, match="it is truncated"):
        IDX(str(tmp_path / "huge"), labels(tmp_path / "huge"))


def test_texts_and_truth_values_are_classes_with_their_names(tmp_path):
    inputs = np.arange(40.0)[:, np.newaxis]
    for answers, names in (
        (np.arange(40) % 2 == 1, ("False", "True")),
        (np.array(["no", "yes"] * 20), ("no", "yes")),
        (np.array([b"no", b"yes"] * 20), ("no", "yes")),
    ):
        (tmp_path / "data.npz").write_bytes(npz(inputs=inputs, targets=answers))
        data = Arrays(str(tmp_path / "data.npz"))
        assert (data.class_names, data.num_classes) == (names, 2)
        np.testing.assert_array_equal(data.train.targets, data.train.inputs[:, 0] % 2)
        again = Arrays.restore(data.state_dict())
        assert (again.class_names, again.num_classes, again.input_shape) == (names, 2, (1,))
        np.testing.assert_array_equal(again.prepare(np.ones((2, 1))), data.prepare(np.ones((2, 1))))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            np.repeat([0.0, 1.0], 20),
            "2 different whole numbers, saved as real ones, which are taken for amounts; save classes as",
        ),
        (np.full(40, 2.5), "holds 2.5 for all examples: there is nothing to learn"),
        (1 + np.arange(40) % 3, "has no class 0, from which classes count: subtract 1"),
    ],
)
def test_targets_that_may_mean_something_else_are_a_warning(tmp_path, answers, said):
    (tmp_path / "data.npz").write_bytes(npz(inputs=np.ones((40, 2)), targets=answers))
    with pytest.warns(DataWarning, match=said):
        Arrays(str(tmp_path / "data.npz"))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (np.zeros(40, int), "holds one class: there is nothing to learn"),
        (
            np.arange(40) * 1000,
            "holds integers up to 39000 for 40 examples, and integers are classes: save amounts as real",
        ),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(tmp_path, answers, said):
    (tmp_path / "data.npz").write_bytes(npz(inputs=np.ones((40, 2)), targets=answers))
    with pytest.raises(DataError, match=said):
        Arrays(str(tmp_path / "data.npz"))


def test_labels_in_validation_alone_are_refused(tmp_path):
    arrays = {
        "inputs": np.ones((40, 2)),
        "targets": np.arange(40) % 2,
        "xv": np.ones((3, 2)),
        "yv": np.array([0, 1, 2]),
    }
    (tmp_path / "data.npz").write_bytes(npz(**arrays))
    with pytest.raises(
        DataError, match="class '2' is in the validation part and not among the 32 examples to train on"
    ):
        Arrays(str(tmp_path / "data.npz"), val=("xv", "yv"))


def test_images_in_the_order_of_their_classes_are_refused(tmp_path):
    (tmp_path / "images").write_bytes(idx(np.zeros((400, 4, 4), np.uint8)))
    for classes in (np.sort(np.arange(400) % 2), np.sort(np.arange(400) % 2)[::-1]):
        (tmp_path / "labels").write_bytes(idx(classes.astype(np.uint8)))
        with pytest.raises(DataError, match=r"labels: the validation part, 40 examples, has none of class"):
            IDX(str(tmp_path / "images"), str(tmp_path / "labels"))
    (tmp_path / "labels").write_bytes(idx(np.zeros(400, np.uint8)))
    with pytest.raises(DataError, match="all images are of class 0: there is nothing to learn"):
        IDX(str(tmp_path / "images"), str(tmp_path / "labels"))


@pytest.mark.parametrize("first", ["1.0,", "1.0,abc", '"1,5",2', "1_000,2", ",width"])
def test_a_first_row_that_is_neither_names_nor_numbers_is_refused(tmp_path, first):
    (tmp_path / "rows.csv").write_text(f"{first}\n2,3\n4,5\n")
    with pytest.raises(DataError, match=r"rows.csv, line 1: expected numbers, or a name for each column, found \["):
        read_numbers(tmp_path / "rows.csv")


def test_suffixes_may_be_in_capitals(tmp_path):
    (tmp_path / "rows.CSV").write_text("1,2\n")
    assert read_numbers(tmp_path / "rows.CSV").tolist() == [[1, 2]]
    np.save(tmp_path / "array.npy", np.ones((1, 2)))
    (tmp_path / "array.npy").rename(tmp_path / "array.NPY")
    assert read_numbers(tmp_path / "array.NPY").tolist() == [[1, 1]]


def test_a_byte_order_mark_is_no_character_of_a_text(tmp_path):
    text = "hello world " * 60
    (tmp_path / "plain.txt").write_text(text, encoding="utf-8")
    (tmp_path / "marked.txt").write_text(text, encoding="utf-8-sig")
    plain, marked = (CharText(str(tmp_path / name), block_size=8) for name in ("plain.txt", "marked.txt"))
    assert plain.vocabulary == marked.vocabulary
    np.testing.assert_array_equal(plain.train.inputs, marked.train.inputs)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\ntwo \ufeffthree\n", "line 2: a byte order mark within the text is one of the characters to learn"),
        ("one\r\ntwo\n", "60 lines end in CR LF and 60 in LF"),
    ],
)
def test_traces_of_how_a_text_was_saved_are_a_warning(tmp_path, text, said):
    (tmp_path / "text.txt").write_bytes((text * 60).encode())
    with pytest.warns(DataWarning, match=said):
        CharText(str(tmp_path / "text.txt"), block_size=8)


def test_a_token_out_of_range_is_refused(tmp_path):
    np.arange(300, dtype="<u2").tofile(tmp_path / "tokens.bin")
    with pytest.raises(DataError, match="token 256 at 256 is out of range: expected 0 to 255, for vocab_size 256"):
        Tokens(str(tmp_path / "tokens.bin"), 256, block_size=8)


def test_sizes_and_names_are_restored_without_files(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 4), np.uint8)
    (tmp_path / "images").write_bytes(idx(images))
    data = IDX(str(tmp_path / "images"), labels(tmp_path / "images"), flatten=False)
    again = IDX.restore(data.state_dict())
    assert (again.input_shape, again.image_shape, again.num_classes) == ((1, 5, 4), (1, 5, 4), 2)
    np.testing.assert_array_equal(again.prepare(images[:3]), data.prepare(images[:3]))
    mnist = MNIST.restore({"input_shape": [784], "input_dtype": "float32", "num_classes": 10})
    assert mnist.prepare(np.full((2, 28, 28), 51, np.uint8)).shape == (2, 784)
    (tmp_path / "text.txt").write_text("hello world " * 60)
    for text in (
        CharText(str(tmp_path / "text.txt"), block_size=8),
        ByteText(str(tmp_path / "text.txt"), block_size=8),
    ):
        again = type(text).restore(text.state_dict())
        assert (again.vocab_size, again.block_size, again.input_shape) == (text.vocab_size, 8, (8,))
        np.testing.assert_array_equal(again.encode("hello"), text.encode("hello"))


def test_an_image_of_millions_of_pixels_is_refused_by_its_size(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="PNG images need Pillow")
    image.new("L", (9000, 9000)).save(tmp_path / "huge.png")
    with pytest.raises(DataError, match=r"expected an image of 8 × 8 pixels, got 9000 × 9000"):
        read_image(tmp_path / "huge.png", (1, 8, 8))
