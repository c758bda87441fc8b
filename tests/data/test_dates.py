"""Columns that are read at once have the numbers that they have one by one."""

import hashlib
from datetime import datetime, timezone

import numpy as np
import pytest

import minigrad
from minigrad.data import files
from minigrad.data.dates import seconds_of, year_and_month
from minigrad.data.notation import DateFormat, Notation
from minigrad.training.fingerprint import data_digests

draw = np.random.default_rng(0)
MOMENTS = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), datetime(2024, 2, 29), datetime(1969, 12, 31, 1)]
MOMENTS += [datetime(*draw.integers((1, 1, 1, 0, 0, 0), (3000, 13, 29, 24, 60, 60)).tolist()) for _ in range(200)]


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y", "%m/%d/%Y %H:%M", "%Y.%m.%d %H:%M:%S"]
)
def test_dates_of_one_length_are_those_of_datetime(form):
    cells = [f"{moment:{form}}".rjust(len(f"{MOMENTS[1]:{form}}"), "0") for moment in MOMENTS if moment.year > 999]
    expected = [datetime.strptime(cell, form).replace(tzinfo=timezone.utc).timestamp() for cell in cells]
    found = seconds_of(cells, "" if form.startswith("%Y-") else form)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "cells",
    [
        ["2023-02-29"],
        ["2023-13-01"],
        ["2023-00-10"],
        ["0000-01-01"],
        ["2023-01-01", "2023-1-1"],
        ["2023-W01-1"],
        ["-200-01-01"],
        ["2023/01/01"],
        ["2023-01-01T24:00:00"],
        ["２023-01-0"],
    ],
)
def test_what_is_no_such_date_is_left_to_be_read_one_by_one(cells):
    assert seconds_of(cells, "") is None


@pytest.mark.parametrize("form", ["", "%d.%m.%Y"])
def test_gaps_and_dates_of_other_lengths_are_read_as_one_by_one(form):
    cells = ["2024-12-31", "", "NaN", "2024-01-02", " 2024-01-03 "] if not form else ["31.12.2024", "?", "1.2.2024", ""]
    reader = DateFormat(form)
    np.testing.assert_array_equal(reader.all_seconds(cells), [reader.seconds(cell) for cell in cells])
    plain = [cell for cell in cells if len(cell) in (0, 10)]
    np.testing.assert_array_equal(reader.all_seconds(plain), [reader.seconds(cell) for cell in plain])


@pytest.mark.parametrize(
    ("notation", "cells"),
    [
        (Notation(), ["1.5", "", "NA", " 2 ", "n/a", "?", "nan", "1e3"]),
        (Notation(","), ["1,5", "", "NA", " 2 ", "1e3", "-0,25"]),
        (Notation(",", "."), ["1.234,5", "7"]),
        (Notation(sign="%"), ["5%", "%6"]),
        (Notation(), ["null", "Null", "NULL", "1"]),
        (Notation(), ["1\n", "2"]),
        (Notation(","), ["1,5\n", "2"]),
    ],
)
def test_numbers_are_read_as_one_by_one(notation, cells):
    np.testing.assert_array_equal(notation.numbers(cells), [notation.number(cell) for cell in cells])


@pytest.mark.parametrize(
    ("notation", "cell"),
    [
        (Notation(), "1_000"),
        (Notation(","), "1.5"),
        (Notation(","), "1,5,2"),
        (Notation(","), "1,5\n2"),
        (Notation(), "x"),
    ],
)
def test_what_is_no_number_is_none_in_a_column_either(notation, cell):
    for cells in ([cell], ["1", cell, ""]):
        with pytest.raises(ValueError, match=r".*"):
            notation.numbers(cells)


CONFIG = """\
name: once
data: {Table: {path: once.csv, target: y}}
model: {Linear: [1, 2]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
"""


def test_a_table_is_read_once_to_check_and_hash_it(tmp_path, monkeypatch):
    (tmp_path / "once.csv").write_text("x,y\n" + "".join(f"{i / 7:.2f},{'ab'[i % 2]}\n" for i in range(40)))
    (tmp_path / "once.yaml").write_text(CONFIG)
    read, parts = [], files._parts
    monkeypatch.setattr(files, "_parts", lambda path: read.append(path) or parts(path))
    experiment = minigrad.load(tmp_path / "once.yaml")
    digests = data_digests(experiment.data, experiment.files)
    assert len(read) == 1
    assert digests == {"once.csv": hashlib.sha256((tmp_path / "once.csv").read_bytes()).hexdigest()}


def test_years_and_months_are_those_of_numpys_calendar():
    days = np.arange(-800_000, 1_200_000, 13)
    year, month = year_and_month(days.astype(np.float64))
    moments = days.astype("datetime64[D]")
    np.testing.assert_array_equal(year, moments.astype("datetime64[Y]").astype(int) + 1970)
    np.testing.assert_array_equal(month, moments.astype("datetime64[M]").astype(int) % 12)
