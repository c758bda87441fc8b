"""Series in windows: what is seen, what follows, splits in time, units, and what is refused."""

import numpy as np
import pytest

from minigrad.data import DataError, DataWarning, Windows

N = 60


@pytest.fixture
def write(tmp_path):
    def write(name="power.csv", delimiter=",", **columns):
        rows = [
            delimiter.join(columns),
            *(delimiter.join(map(str, row)) for row in zip(*columns.values(), strict=True)),
        ]
        (tmp_path / name).write_text("\n".join(rows), encoding="utf-8")
        return str(tmp_path / name)

    return write


def values(n=N):
    return np.random.default_rng(0).normal(100, 20, n).round(3)


def test_a_window_is_what_is_seen_and_its_target_what_follows(write):
    load, heat = values(), values()[::-1]
    data = Windows(write(load=load, day=range(N), heat=heat), "load", length=4, horizon=2, inputs=("heat",))
    series = np.stack([load, heat], axis=1)
    scaled = (series - series[:36].mean(axis=0)) / series[:36].std(axis=0)
    for part, start, end in ((data.train, 0, 36), (data.val, 36, 48), (data.test, 48, 60)):
        assert len(part) == end - start - 5
        inputs, targets = part.batch(slice(None))
        for i in range(len(part)):
            np.testing.assert_allclose(inputs[i], scaled[start + i : start + i + 4], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(targets[i], scaled[start + i + 4 : start + i + 6, 0], rtol=1e-4, atol=1e-6)
        rows = np.array([3, 0])
        np.testing.assert_array_equal(part.batch(rows)[0], inputs[rows])
        np.testing.assert_array_equal(part.batch(rows)[1], targets[rows])
    assert (data.input_shape, data.num_columns, data.num_targets) == ((4, 2), 2, 2)


def test_several_columns_are_forecast_row_after_row_in_their_units(write):
    load, heat = values(), values() * 3 - 50
    data = Windows(write(load=load, heat=heat), ("load", "heat"), length=4, horizon=2)
    assert data.target_names == ("load+1", "heat+1", "load+2", "heat+2")
    expected = np.stack([load, heat], axis=1)[52:54].reshape(1, 4)
    np.testing.assert_allclose(data.in_units(data.test.targets[:1]), expected, rtol=1e-5)
    assert data.in_units(data.test.targets).dtype == np.float32


def test_an_array_of_a_program_or_a_file_is_a_series(tmp_path, write):
    expected = Windows(write(load=values()), "load", length=4)
    np.save(tmp_path / "series.npy", values())
    for source in (values(), str(tmp_path / "series.npy")):
        np.testing.assert_array_equal(Windows(source, length=4).test.inputs, expected.test.inputs)
    both = Windows(np.stack([values(), values()], axis=1), "1", length=4, inputs=("0",))
    assert (both.num_columns, both.target_names) == (2, ("1+1",))


def test_the_last_rows_of_a_file_are_what_a_prediction_sees(write):
    path = write(load=values(), heat=values()[::-1])
    data = Windows(path, "load", length=4, inputs=("heat",))
    following = np.concatenate([data.test.inputs[-1, 1:], data.read_inputs(path)[0, -1:]])  # one row behind the test
    np.testing.assert_array_equal(data.read_inputs(path)[0], following)
    last = np.stack([values(), values()[::-1]], axis=1)[-4:]
    inputs = data.read_inputs(write("NEW.CSV", heat=last[:, 1], load=last[:, 0], other=range(4)))
    np.testing.assert_array_equal(inputs, data.read_inputs(path))
    again = Windows.restore(data.state_dict())
    np.testing.assert_array_equal(again.read_inputs(path), inputs)
    np.testing.assert_array_equal(again.in_units(np.ones((1, 1))), data.in_units(np.ones((1, 1))))
    assert (again.input_shape, again.target_names) == ((4, 2), ("load+1",))


def test_gaps_are_refused_with_their_line_or_keep_the_number_before(write):
    cells = [*map(str, values())]
    cells[7] = cells[8] = ""
    path = write(load=cells, day=range(N))
    with pytest.raises(
        DataError, match=r"column 'load', line 9: the value is missing \(and 1 more\).*`missing: previous`"
    ):
        Windows(path, "load", length=4)
    data = Windows(path, "load", length=4, missing="previous")
    np.testing.assert_array_equal(data.train.inputs[6, :3], np.repeat(data.train.inputs[6, :1], 3, axis=0))
    cells[0] = ""
    with pytest.raises(DataError, match="line 2: the first value is missing, and there is none before it"):
        Windows(write(load=cells, day=range(N)), "load", length=4, missing="previous")


def test_an_empty_line_in_a_file_of_one_column_may_be_a_gap_and_is_refused(write):
    cells = [*map(str, values())]
    cells[7] = ""
    with pytest.raises(DataError, match="line 9: the line is empty: leave it out, or write nan for a missing number"):
        Windows(write(load=cells), "load", length=4)
    assert len(Windows(write(load=[*cells[8:], ""]), "load", length=4).train)  # the end of a file may be empty


def test_time_is_checked(write):
    days = [f"2024-01-{1 + i // 24:02}T{i % 24:02}:00" for i in range(N)]
    assert Windows(write(at=days, load=values()), "load", length=4, time="at").num_columns == 1
    swapped = [*days[:9], days[10], days[9], *days[11:]]
    with pytest.raises(DataError, match="column 'at', line 12: has a time before that of the row above: sort the rows"):
        Windows(write(at=swapped, load=values()), "load", length=4, time="at")
    with pytest.raises(DataError, match="line 3: has the same time as the row above"):
        Windows(write(at=[days[0], *days[:-1]], load=values()), "load", length=4, time="at")
    with pytest.warns(DataWarning, match="line 12: is 3 of the usual steps after the row above"):
        Windows(write(at=[*range(10), *range(12, N + 2)], load=values()), "load", length=4, time="at")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "laod"}, "no column 'laod'; did you mean 'load'\\? there are: load, text"),
        ({"column": ()}, "name the column to forecast in `column`; there are: load, text"),
        (
            {"column": "text"},
            "line 2: expected a finite number, found '0,5'; `decimal: \",\"` makes it one",
        ),
        ({"column": "load", "inputs": ("load",)}, "column 'load' is asked for twice"),
        ({"column": "load", "time": "load"}, "column 'load' is asked for twice"),
        ({"column": "load", "length": 0}, "length and horizon count rows and are at least 1, got 0 and 1"),
        ({"column": "load", "length": 12}, "of 60 rows, 12 are for validation, and a window of length 12 with its"),
        ({"column": "load", "test_fraction": 0.9}, "0 are for training"),
        ({"column": "load", "delimiter": ";"}, "its delimiter may be ','"),
    ],
)
def test_what_cannot_be_forecast_is_refused(write, options, message):
    path = write(load=values(), text=['"0,5"'] * N)
    with pytest.raises(DataError, match=message):
        Windows(path, **{"length": 4, **options})


def test_arrays_that_are_no_series_are_refused():
    with pytest.raises(DataError, match=r"expected a series of numbers, \(n,\) or \(n, columns\), got float64"):
        Windows(np.zeros((5, 2, 2)))
    with pytest.raises(DataError, match="column '0', line 3: the value is missing"):
        Windows(np.where(np.arange(N) == 2, np.nan, values()))
    with pytest.raises(DataError, match="column '0', line 3: expected finite numbers, found infinity"):
        Windows(np.where(np.arange(N) == 2, np.inf, values()))
    with pytest.raises(DataError, match="no column '3'; there are: 0, 1"):
        Windows(np.zeros((N, 2)), "3")


def test_a_constant_is_said_and_what_leaves_the_range_is_refused(write):
    with pytest.warns(DataWarning, match="column 'load' holds 1 in the whole training part"):
        Windows(write(load=[1] * N), "load", length=4)
    with pytest.raises(DataError, match="line 60: 1e\\+30 is too far from what the model learns from"):
        Windows(write(load=[*(values()[:58] * 1e-20), 1e30, 0]), "load", length=4)


def test_files_for_a_prediction_that_do_not_fit_are_refused(write, tmp_path):
    data = Windows(write(load=values()), "load", length=4)
    with pytest.raises(DataError, match="expected at least 4 rows, which the model sees, found 3"):
        data.read_inputs(write("new.csv", load=[1, 2, 3]))
    with pytest.raises(DataError, match=r"are read from .csv, .tsv, .tab, .txt or .npy files"):
        data.read_inputs(tmp_path / "new.png")
