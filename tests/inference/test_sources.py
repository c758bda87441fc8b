"""Inputs to predict: files in any case, folders, patterns and standard input."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.data import DataError, Digits, Table, TextTable
from minigrad.inference.sources import read_sources


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with images of the digits 0 to 2 in several forms."""
    monkeypatch.chdir(tmp_path)
    images = Digits().test.inputs[:3]
    Path("scans/deep").mkdir(parents=True)
    np.save("scans/two.npy", images[:2])
    Path("scans/two.npy").rename("scans/two.NPY")
    Path("scans/deep/one.csv").write_text(",".join(map(str, images[2])) + "\n")
    Path("scans/.hidden.csv").write_text("x")
    return images


def test_a_folder_gives_all_files_that_the_data_reads_in_order(folder):
    inputs, names = read_sources(Digits(), ["scans"])
    assert names == ["scans/deep/one.csv", "scans/two.NPY", "scans/two.NPY"]
    np.testing.assert_array_equal(inputs, folder[[2, 0, 1]])


def test_what_else_is_in_a_folder_is_said(folder):
    Path("scans/notes.md").write_text("x")
    with pytest.warns(UserWarning, match=r"scans: ignored 1 other files, which are not \.csv, \.npy, \.png"):
        read_sources(Digits(), ["scans"])


def test_patterns_are_those_of_a_shell(folder):
    assert read_sources(Digits(), ["scans/*.NPY"])[1] == ["scans/two.NPY"] * 2
    assert read_sources(Digits(), ["scans/**/*.csv"])[1] == ["scans/deep/one.csv"]
    Path("odd[1].csv").write_bytes(Path("scans/deep/one.csv").read_bytes())
    assert read_sources(Digits(), ["odd[1].csv"])[1] == ["odd[1].csv"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("none.csv", "none.csv: no such file"),
        ("*.none", "no file matches; relative patterns start at"),
        ("empty", r"empty: the folder has no file that Digits reads \(\.csv, \.npy, \.png"),
    ],
)
def test_what_has_no_file_is_refused(folder, word, message):
    Path("empty").mkdir()
    with pytest.raises(DataError, match=message):
        read_sources(Digits(), [word])


def test_all_files_that_cannot_be_read_are_named_at_once(folder):
    for name in ("one", "two"):
        Path(f"scans/{name}.csv").write_text("1,2\n")
    with pytest.raises(DataError, match=r"(?s)scans/one\.csv: expected inputs.*\nscans/two\.csv: expected inputs"):
        read_sources(Digits(), ["scans"])


def piped(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_standard_input_is_a_file_of_the_kind_that_it_begins_as(folder, monkeypatch):
    for file in ("scans/two.NPY", "scans/deep/one.csv"):
        piped(monkeypatch, Path(file).read_bytes())
        inputs, names = read_sources(Digits(), ["-"])
        np.testing.assert_array_equal(inputs, read_sources(Digits(), [file])[0])
        assert set(names) == {"-"}


@pytest.mark.parametrize("head", ["BMI", "RIFF"])
def test_a_table_is_taken_for_no_picture_whatever_its_first_column_is_called(tmp_path, monkeypatch, head):
    rows = [f"{i % 7}.5,{i % 5}.25" for i in range(30)]
    (tmp_path / "rows.csv").write_text("\n".join([f"{head},y", *rows]) + "\n")
    data = Table(str(tmp_path / "rows.csv"), "y")
    piped(monkeypatch, f"{head}\n3.5\n".encode())
    assert read_sources(data, ["-"])[0].shape == (1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "standard input: expected the content of a file, got none"), (b"1,2\n", "standard input: expected inputs")],
)
def test_a_fault_of_standard_input_is_told_by_that_name(folder, monkeypatch, content, message):
    piped(monkeypatch, content)
    with pytest.raises(DataError, match=message):
        read_sources(Digits(), ["-"])


def test_without_a_standard_input_there_is_nothing_to_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="got none"):
        read_sources(Digits(), ["-"])


def test_texts_come_as_lines_or_as_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{('good', 'bad')[i % 2]} film {i % 5},{('yes', 'no')[i % 2]}" for i in range(40)]
    Path("films.csv").write_text("\n".join(["text,liked", *lines]) + "\n")
    data = TextTable("films.csv", "text", "liked")
    piped(monkeypatch, b"a good film\nanother\n")
    assert read_sources(data, ["-"])[0].shape == (2, 3)
    piped(monkeypatch, b'id,"text"\n1,a good film\n')
    assert read_sources(data, ["-"])[0].shape == (1, 3)
    assert data.target_names == ("liked",)


def test_the_command_names_the_file_of_each_answer_where_there_are_several(folder, capsys):
    Path("digits.yaml").write_text(
        "name: digits\ndata: Digits\nmodel: {Linear: [64, 10]}\nloss: CrossEntropyLoss\noptimizer: {SGD: {lr: 0.1}}\n"
        "trainer: {max_steps: 1}\n"
    )
    assert main(["train", "digits.yaml"]) == 0
    capsys.readouterr()
    assert main(["predict", "runs/digits/0001", "scans"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["file"] for record in records] == ["scans/deep/one.csv", "scans/two.NPY", "scans/two.NPY"]
    assert main(["predict", "runs/digits/0001", "scans/two.NPY", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("class,probability/0,")
