"""Data frames as tables: read as the CSV file that they would be saved as."""

import datetime

import numpy as np
import pytest

from minigrad.data import Arrays, DataError, Table, TextTable, Windows


class Column(list):
    def to_list(self):
        return list(self)


class Frame(dict):
    """What pandas and polars have in common."""

    @property
    def columns(self):
        return list(self)


def frame():
    return Frame(
        size=Column(i + 0.1 for i in range(40)),
        kind=Column(["old", "new"] * 20),
        built=Column(datetime.date(2000 + i, 1, 1) for i in range(40)),
        rent=Column([None if i % 9 == 0 else float("nan") if i % 7 == 0 else i / 2 for i in range(40)]),
        let=Column(["no", "yes"] * 20),
    )


OPTIONS = {"dates": ("built",), "missing": "median"}


@pytest.fixture
def path(tmp_path):
    cells = [["" if cell is None or cell != cell else str(cell) for cell in column] for column in frame().values()]
    rows = [",".join(frame().columns), *(",".join(row) for row in zip(*cells, strict=True))]
    (tmp_path / "homes.csv").write_text("\n".join(rows))
    return str(tmp_path / "homes.csv")


def test_a_frame_is_its_csv_file(path):
    expected, data = Table(path, "let", **OPTIONS), Table(frame(), "let", **OPTIONS)
    assert data.feature_names == expected.feature_names
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(data, part).inputs, getattr(expected, part).inputs)
        np.testing.assert_array_equal(getattr(data, part).targets, getattr(expected, part).targets)
    np.testing.assert_array_equal(Table.restore(data.state_dict()).read_inputs(frame()), expected.read_inputs(path))
    changed = frame()
    changed["size"][3] = 0.25
    assert len({data.digest, Table(frame(), "let", **OPTIONS).digest, Table(changed, "let", **OPTIONS).digest}) == 2


def test_doubts_about_a_frame_are_said_with_the_lines_of_its_csv_file():
    with pytest.raises(DataError) as error:
        Table(frame(), "let")
    assert str(error.value).startswith("DataFrame: 2 things to settle:\n  column 'built', line 2: '2000-01-01' is read")
    assert "column 'rent', line 2: the value is missing ('')" in str(error.value)


def test_a_frame_of_pandas_is_a_table(path):
    pandas = pytest.importorskip("pandas", reason="pandas makes the frame")
    table = pandas.read_csv(path, parse_dates=["built"])
    expected, data = Table(path, "let", **OPTIONS), Table(table, "let", **OPTIONS)
    np.testing.assert_array_equal(data.train.inputs, expected.train.inputs)
    twice = pandas.concat([table, table[["size"]]], axis=1)
    with pytest.raises(DataError, match="two columns have the name 'size'"):
        Table(twice, "let", **OPTIONS)
    with pytest.raises(DataError, match="expected at least one row, found none"):
        Table(table[:0], "let", **OPTIONS)


def test_texts_of_a_frame_have_classes():
    texts = Frame(text=Column(f"{'ab'[i % 2]} {i}" for i in range(40)), kind=Column("xy"[i % 2] for i in range(40)))
    data = TextTable(texts, "text", "kind")
    assert data.class_names == ("x", "y")
    assert data.read_inputs(texts).shape == (40, 2)


def test_columns_by_name_are_a_table_too():
    data = Table({"size": [1.5, 2.5, 3.5] * 10, "kind": ["a", "b", "c"] * 10}, "kind")
    assert data.class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.ones((3, 2)), "a table is a path or a data frame .*got ndarray; rows of numbers without names are for"),
        ({"a": [1.5, 2.5], "b": [1.5]}, "column 'b' holds 1 values, and the first one 2"),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_told_what_is(source, said):
    with pytest.raises(DataError, match=said):
        Table(source, "b")


def test_a_series_is_read_from_a_frame_by_the_names_of_its_columns():
    rows = Frame(
        hour=Column(datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=i) for i in range(200)),
        load=Column(float(i) for i in range(200)),
    )
    data = Windows(rows, "load", length=4, time="hour")
    np.testing.assert_allclose(data.in_units(data.train.targets[:2]), [[4], [5]], atol=1e-4)
    with pytest.raises(DataError, match="no column 'lod'; did you mean 'load'"):
        Windows(rows, "lod", length=4)


def test_arrays_without_targets_are_told_so():
    with pytest.raises(DataError, match=r"the targets are missing: Arrays\(inputs, targets\)"):
        Arrays(np.ones((3, 2)))
