"""Every reader beside every kind of damage: it reads the file, or refuses it in a sentence that names it."""

import gzip
import io
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from minigrad.data import (
    IDX,
    Arrays,
    BytePairText,
    ByteText,
    CharText,
    DataError,
    ImageFolder,
    Table,
    TextTable,
    Tokens,
    Windows,
)
from minigrad.data.inputs import read_image, read_numbers
from minigrad.data.tokenizers.files import tokenizer_json
from minigrad.data.tokenizers.train import train_byte_pairs

from .conftest import idx

N = 40
numbers = np.random.default_rng(0)
TABLE = "x,kind\n" + "".join(f"{i / 7:.3f},{'ab'[i % 2]}\n" for i in range(N))
TEXTS = "text,kind\n" + "".join(f"wörter of row {i},{'ab'[i % 2]}\n" for i in range(N))
SERIES = "load\n" + "".join(f"{i % 9 + i / 8:.2f}\n" for i in range(4 * N))


def saved(save, *arrays, **named):
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def png():
    image = pytest.importorskip("PIL.Image")
    return saved(lambda file: image.fromarray(numbers.integers(0, 256, (6, 6), np.uint8)).save(file, "PNG"))


def beside(path, name, content):
    (path.parent / name).write_bytes(content)
    return str(path.parent / name)


def labels(path):
    return beside(path, "labels", idx(np.arange(N, dtype=np.uint8) % 2))


def pictures(path):
    for kind in ("cat", "dog"):
        folder = path.parent / "pets" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(6):
            (folder / f"{i}.png").write_bytes(path.read_bytes() if kind == "dog" and i == 3 else png())
    return ImageFolder(str(path.parent / "pets"))


def table_for(path):
    return Table(beside(path, "learned.csv", TABLE.encode()), "kind")


def texts_for(path):
    return TextTable(beside(path, "learned.csv", TEXTS.encode()), "text", "kind")


def windows_for(path):
    return Windows(beside(path, "learned.csv", SERIES.encode()), "load", length=4)


def several():
    words = numbers.integers(0, 5, (N, 3))
    return Arrays({"words": words, "place": np.ones((N, 2))}, np.arange(N) % 2, tokens=("words",))


CSV = {
    "table": ("data.csv", TABLE.encode(), lambda path: Table(str(path), "kind")),
    "texts": ("data.csv", TEXTS.encode(), lambda path: TextTable(str(path), "text", "kind")),
    "series": ("data.csv", SERIES.encode(), lambda path: Windows(str(path), "load", length=4)),
    "rows to predict": ("new.csv", TABLE.encode(), lambda path: table_for(path).read_inputs(path)),
    "texts to predict": ("new.csv", TEXTS.encode(), lambda path: texts_for(path).read_inputs(path)),
    "series to predict": ("new.csv", SERIES.encode(), lambda path: windows_for(path).read_inputs(path)),
    "numbers": ("data.csv", b"1,2\n3,4\n" * 20, read_numbers),
}
TEXT = {
    **CSV,
    "lines to predict": ("new.txt", "wörter\nof\n".encode(), lambda path: texts_for(path).read_inputs(path)),
    "characters": ("data.txt", "é hello world\n".encode() * 60, lambda path: CharText(str(path), block_size=4)),
}
PACKED = {
    "arrays": (
        "data.npz",
        saved(np.savez_compressed, inputs=numbers.random((N, 3)), targets=np.arange(N) % 2),
        lambda path: Arrays(str(path)),
    ),
    "arrays to predict": (
        "new.npz",
        saved(np.savez_compressed, words=np.ones((N, 3), int), place=np.ones((N, 2))),
        lambda path: several().read_inputs(path),
    ),
    "packed images": (
        "data.gz",
        gzip.compress(idx(numbers.integers(0, 256, (N, 3, 3), np.uint8))),
        lambda path: IDX(str(path), labels(path)),
    ),
}
READERS = {
    **TEXT,
    **PACKED,
    "bytes": ("data.txt", b"hello world\n" * 60, lambda path: ByteText(str(path), block_size=4)),
    "images": ("data", idx(np.ones((N, 3, 3), np.uint8)), lambda path: IDX(str(path), labels(path))),
    "array": ("data.npy", saved(np.save, np.ones((20, 3))), read_numbers),
    "series of an array": ("data.npy", saved(np.save, np.arange(60.0)), lambda path: Windows(str(path), length=4)),
    "tokens": ("data.npy", saved(np.save, np.arange(300)), lambda path: Tokens(str(path), 300, block_size=4)),
    "image": ("new.png", png, lambda path: read_image(path, (1, 6, 6))),
    "image folder": ("new.png", png, pictures),
}
ROOM = 2**24
"""Bytes that a reader may take for a file of a few hundred."""


def attempt(read, path):
    """What was refused of a file, one sentence each; nothing if it was read."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            read(path)
        return ""
    except DataError as error:
        return str(error) or "refused without a word"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < ROOM


def each(readers):
    return pytest.mark.parametrize("reader", [pytest.param(entry, id=name) for name, entry in readers.items()])


def given(reader, tmp_path):
    name, content, read = reader
    content = content() if callable(content) else content
    path = tmp_path / name
    path.write_bytes(content)
    assert attempt(read, path) == ""  # it is read as it is
    return path, content, read


@each(READERS)
def test_whatever_happens_to_its_bytes_the_file_is_read_or_refused(reader, tmp_path):
    path, content, read = given(reader, tmp_path)
    draw = np.random.default_rng(1)
    for i in range(24):
        damaged = bytearray(content)
        at = int(draw.integers(len(damaged)))
        if i % 4 == 0:
            damaged = damaged[:at]
        elif i % 4 == 1:
            damaged[at] = int(draw.integers(256))
        elif i % 4 == 2:
            damaged[at:at] = draw.bytes(8)
        else:
            del damaged[at : at + 8]
        path.write_bytes(damaged)
        attempt(read, path)


@each(READERS)
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"\n\n\n", b"PK\x03\x04" + b"x" * 80, b"%PDF-1.7\n", b"\x1f\x8b\x08" + b"x" * 80],
    ids=["empty", "zeros", "lines", "archive", "PDF", "gzip"],
)
def test_what_is_something_else_is_refused_by_its_name(reader, content, tmp_path):
    path, _, read = given(reader, tmp_path)
    path.write_bytes(content)
    said = attempt(read, path)
    if read is not READERS["bytes"][2] or not content:  # any bytes are a text of bytes, if there are enough
        assert path.name in said or "3.png" in said
        assert len(said) < 600


@each(TEXT)
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(reader, encoding, tmp_path):
    path, content, read = given(reader, tmp_path)
    changed = (content.decode() + "Größe, ½\n").encode(encoding)
    path.write_bytes(changed)
    said = attempt(read, path)
    assert "UTF-8" in said
    assert "\n" not in said


def bomb(path):
    """The same kind of archive, of which one member unpacks to 64 MiB of zeros."""
    zeros = np.zeros(2**26, np.uint8)
    if path.suffix == ".gz":
        return gzip.compress(idx(zeros.reshape(-1, 256, 256)), compresslevel=1)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("inputs", "targets", "words", "place"):
            archive.writestr(f"{name}.npy", saved(np.save, zeros[: 2**26 if name in ("inputs", "words") else 8]))
    return buffer.getvalue()


@each(PACKED)
def test_an_archive_is_looked_at_before_it_is_unpacked(reader, tmp_path):
    path, _, read = given(reader, tmp_path)
    path.write_bytes(bomb(path))
    assert "more than 100 times" in attempt(read, path)


@each({name: entry for name, entry in CSV.items() if name != "numbers"})
def test_a_repeated_name_comes_with_what_helps_there(reader, tmp_path):
    path, content, read = given(reader, tmp_path)
    head, *rows = content.decode().splitlines()
    name = head.split(",")[0]
    path.write_text("\n".join([f"{name},{head}", *(f"{row.split(',')[0]},{row}" for row in rows)]), encoding="utf-8")
    said = attempt(read, path)
    assert f"two columns have the name '{name}': rename them" in said
    assert ("ignore" in said) == (reader is CSV["table"])


@each({name: entry for name, entry in CSV.items() if name not in ("table", "numbers")})
def test_ten_thousand_columns_are_read_and_a_missing_one_is_told_in_a_line(reader, tmp_path):
    path, content, read = given(reader, tmp_path)
    head, *rows = content.decode().splitlines()
    more = ",".join(f"c{i}" for i in range(10_000))
    cells = ",".join(["1.5", "2.25"] * 5000)
    other = cells.replace("1.5", "3.5")
    wide = [f"{row},{(cells, other)[i % 2]}" for i, row in enumerate(rows)]
    path.write_text("\n".join([f"{head},{more}", *wide]), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        read(path)
        for name in ("x", "text", "load"):
            head = head.replace(name, "z")
        path.write_text("\n".join([f"{head},{more}", *wide]), encoding="utf-8")
        with pytest.raises(DataError) as error:
            read(path)
        assert len(str(error.value)) < 1000


def test_a_text_for_a_tokenizer_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "data.txt"
    made = train_byte_pairs("hello world, hello text", 270)
    vocabulary = beside(path, "tokenizer.json", tokenizer_json(made).encode())
    path.write_bytes("hello wörld\n".encode() * 200)
    BytePairText(str(path), vocabulary, block_size=4)
    for content in ("hello wörld\n".encode("utf-16"), b"", "hello wörld".encode("latin-1") * 9):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"data\.txt"):
            BytePairText(str(path), vocabulary, block_size=4)


def alone_in_a_table(folder):
    rows = "".join(f"{i},{i / 7:.3f},{'c' if 26 <= i < 30 else 'ab'[i % 2]}\n" for i in range(N))
    return Table(beside(folder / "x", "data.csv", f"at,x,kind\n{rows}".encode()), "kind", time="at")


def alone_in_a_folder(folder):
    content = png()
    for part, kinds in (("train", "ab"), ("val", "abc"), ("test", "ab")):
        for kind in kinds:
            (folder / part / kind).mkdir(parents=True)
            (folder / part / kind / "0.png").write_bytes(content)
            (folder / part / kind / "1.png").write_bytes(content)
    return ImageFolder(str(folder))


def alone_in_arrays(folder):
    return Arrays(np.ones((9, 2)), list("abababaab"), val=(np.ones((3, 2)), list("abc")))


def alone_in_images(folder):
    classes = np.arange(N, dtype=np.uint8) % 2
    classes[-8] = 2
    images = beside(folder / "x", "images", idx(np.ones((N, 3, 3), np.uint8)))
    return IDX(images, beside(folder / "x", "labels", idx(classes)), val_fraction=0.2, test_fraction=0.1)


@pytest.mark.parametrize("read", [alone_in_a_table, alone_in_a_folder, alone_in_arrays, alone_in_images])
def test_a_class_in_validation_alone_is_refused_by_its_name(read, tmp_path):
    with pytest.raises(DataError, match=r"class '?(c|2)'? is .*not among") as error:
        read(tmp_path)
    assert "\n" not in str(error.value)
