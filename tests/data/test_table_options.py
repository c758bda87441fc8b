"""What the options of a table make of its columns, beside pandas, scikit-learn and the calendar of Python."""

import json
import math
from datetime import date, datetime

import numpy as np
import pytest

from minigrad.data import DataError, Table

from .conftest import everything

N = 60


@pytest.fixture
def save(tmp_path):
    def save(name="rows.csv", delimiter=",", **columns) -> str:
        rows = [delimiter.join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        (tmp_path / name).write_text("\n".join([delimiter.join(columns), *rows]) + "\n", encoding="utf-8")
        return str(tmp_path / name)

    return save


def x():
    return [f"{i * i / 7:.3f}" for i in range(N)]


def labels():
    return ["yes" if i % 3 else "no" for i in range(N)]


def parts(data):
    return data.train, data.val, data.test


def in_file_order(data, column="x"):
    """The inputs in the order of the file, which the ascending column tells."""
    inputs, targets = everything(data)
    order = np.argsort(inputs[:, data.feature_names.index(column)], kind="stable")
    return inputs[order], targets[order]


def training_rows(data):
    """Which rows of the file are for training."""
    column = data.feature_names.index("x")
    values = np.sort(everything(data)[0][:, column])
    return np.searchsorted(values, np.sort(data.train.inputs[:, column]))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
def test_missing_numbers_are_filled_in_as_scikit_learn_does_from_the_training_part(save, strategy):
    impute = pytest.importorskip("sklearn.impute", reason="the comparison needs scikit-learn")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    raw = np.array([np.nan if i % 7 == 0 else (i % 5) ** 2 + 0.5 for i in range(N)])
    path = save(x=x(), a=["" if math.isnan(v) else v for v in raw], y=labels())
    data = Table(path, "y", missing=strategy)
    train = training_rows(data)
    imputer = impute.SimpleImputer(strategy=strategy).fit(raw[train, np.newaxis])
    scaler = preprocessing.StandardScaler().fit(imputer.transform(raw[train, np.newaxis]))
    expected = scaler.transform(imputer.transform(raw[:, np.newaxis]))[:, 0]
    np.testing.assert_allclose(in_file_order(data)[0][:, 1], expected, rtol=1e-5, atol=1e-6)


def test_missing_texts_become_the_most_frequent_one(save):
    texts = ["" if i % 10 == 0 else ("red" if i % 4 else "blue") for i in range(N)]
    data = Table(save(x=x(), c=texts, y=labels()), "y", missing="median")
    inputs, _ = in_file_order(data)
    np.testing.assert_array_equal(inputs[:, data.feature_names.index("c=red")], [text != "blue" for text in texts])


def test_missing_as_a_category_is_one_more_text_or_one_more_input(save):
    texts = ["nan" if i % 10 == 0 else "ab"[i % 2] for i in range(N)]
    numbers = ["?" if i % 7 == 0 else i / 3 for i in range(N)]
    data = Table(save(x=x(), c=texts, n=numbers, y=labels()), "y", missing="category")
    assert data.feature_names == ("x", "c=missing", "c=a", "c=b", "n", "n=missing")
    inputs, _ = in_file_order(data)
    np.testing.assert_array_equal(inputs[:, 1], [text == "nan" for text in texts])
    np.testing.assert_array_equal(inputs[:, 5], [number == "?" for number in numbers])
    assert abs(inputs[0, 4]) < 1e-6  # the mean


def test_rows_with_a_gap_are_dropped(save):
    path = save(x=x(), a=["" if i % 6 == 0 else i / 3 for i in range(N)], y=labels())
    assert sum(map(len, parts(Table(path, "y", missing="drop")))) == 50
    assert sum(map(len, parts(Table(path, "y", missing={"a": "drop"})))) == 50


def test_rows_without_a_target_are_dropped_where_that_is_said_and_never_filled_in(save):
    path = save(x=x(), y=["" if i < 12 else label for i, label in enumerate(labels())])
    for missing in ("mean", "category", {"*": "median"}):
        with pytest.raises(DataError, match=r"column 'y', line 2: the value is missing.*`missing: \{\"y\": drop\}`"):
            Table(path, "y", missing=missing)
    assert sum(map(len, parts(Table(path, "y", missing={"y": "drop", "*": "median"})))) == 48


def test_each_column_may_have_its_own_strategy_and_a_star_is_all_others(save):
    gaps = ["" if i % 7 == 0 else f"{i % 4}.5" for i in range(N)]
    data = Table(save(x=x(), a=gaps, b=gaps, c=gaps, y=labels()), "y", missing={"a": "category", "*": "mean"})
    assert data.feature_names == ("x", "a", "a=missing", "b", "c")


def test_a_column_without_a_value_in_the_training_part_is_refused(save):
    path = save(x=x(), t=[i / 3 for i in range(N)], a=["" if i < 50 else 1.5 + i for i in range(N)], y=labels())
    with pytest.raises(DataError, match=r"rows.csv: column 'a' holds no value in the training part"):
        Table(path, "y", time="t", missing="mean")


def test_a_strategy_for_a_column_that_is_not_there_is_refused(save):
    with pytest.raises(DataError, match="no column 'ages'; did you mean 'age'"):
        Table(save(age=x(), y=labels()), "y", missing={"ages": "mean"})


def test_a_date_is_its_year_and_the_days_on_a_scale_and_month_and_weekday_on_a_circle(save):
    days = [date.fromordinal(735_000 + 17 * i) for i in range(N)]
    data = Table(save(x=x(), d=[day.isoformat() for day in days], y=labels()), "y", dates=("d",))
    names = ("d.year", "d.month.sin", "d.month.cos", "d.weekday.sin", "d.weekday.cos", "d.elapsed")
    assert data.feature_names == ("x", *names)
    inputs, _ = in_file_order(data)
    train = training_rows(data)
    for column, values in ((1, [day.year for day in days]), (6, [day.toordinal() for day in days])):
        learned = np.array(values, float)[train]
        np.testing.assert_allclose(inputs[:, column], (values - learned.mean()) / learned.std(), rtol=1e-4, atol=1e-5)
    for column, turns in ((2, [(day.month - 1) / 12 for day in days]), (4, [day.weekday() / 7 for day in days])):
        angles = 2 * np.pi * np.array(turns)
        np.testing.assert_allclose(inputs[:, column], np.sin(angles), atol=1e-6)
        np.testing.assert_allclose(inputs[:, column + 1], np.cos(angles), atol=1e-6)


def test_hours_are_on_a_circle_where_a_date_has_a_time_of_day(save):
    moments = [datetime(1969, 12, 30, i % 24, 30) for i in range(N)]
    path = save(x=x(), d=[moment.strftime("%d.%m.%Y %H:%M") for moment in moments], y=labels())
    data = Table(path, "y", dates={"d": "%d.%m.%Y %H:%M"})
    inputs, _ = in_file_order(data)
    angles = 2 * np.pi * np.array([(moment.hour + 0.5) / 24 for moment in moments])
    np.testing.assert_allclose(inputs[:, data.feature_names.index("d.hour.sin")], np.sin(angles), atol=1e-6)


def test_a_date_of_another_format_is_refused_with_its_line(save):
    path = save(x=x(), d=["2020-01-01"] * 5 + ["2020-02-30"] + ["2020-01-03"] * (N - 6), y=labels())
    with pytest.raises(DataError, match="column 'd', line 7: expected a date in ISO 8601, as 2024-12-31, found"):
        Table(path, "y", dates=("d",))


def test_columns_to_embed_are_numbers_behind_all_others(save):
    texts = [f"city {i % 12:02}" for i in range(N)]
    data = Table(save(c=texts, x=x(), y=labels()), "y", embed=("c",))
    assert (data.feature_names, data.num_numbers, data.category_sizes) == (("x", "c"), 1, (13,))
    np.testing.assert_array_equal(in_file_order(data)[0][:, 1], 1 + np.arange(N) % 12)


def test_a_new_category_is_refused_or_other(save, tmp_path):
    path = save(x=x(), c=["red", "blue"] * (N // 2), e=["u", "v", "w"] * (N // 3), y=labels())
    new = save("new.csv", x=["1"], c=["green"], e=["z"])
    with pytest.raises(DataError, match=r"2 things to settle:\n  column 'c', line 2: 'green' is new"):
        Table(path, "y", embed=("e",)).read_inputs(new)
    data = Table(path, "y", embed=("e",), unseen="other")
    np.testing.assert_array_equal(data.read_inputs(new)[0, 1:], [0, 0, 0])


def test_with_other_the_categories_are_those_of_the_training_part(save):
    texts = [f"t{i}" if i < 20 else "often" for i in range(N)]
    data = Table(save(x=x(), c=texts, y=labels()), "y", unseen="other")
    train = set(training_rows(data).tolist())
    assert data.num_features == 2 + sum(i in train for i in range(20))
    assert data.train.inputs[:, 1:].any(axis=0).all()


def test_several_amounts_are_several_targets(save):
    data = Table(save(x=x(), a=[i / 3 for i in range(N)], b=[i / 9 for i in range(N)]), ("a", "b"))
    assert (data.num_targets, data.target_names, data.class_names) == (2, ("a", "b"), ())
    np.testing.assert_allclose(in_file_order(data)[1], np.stack([np.arange(N) / 3, np.arange(N) / 9], 1), rtol=1e-6)


def test_several_labels_are_zeros_and_ones_of_which_any_number_holds(save):
    red, big = [i % 2 for i in range(N)], ["big" if i % 3 == 0 else "a bit" for i in range(N)]
    data = Table(save(x=x(), red=red, big=big), ("red", "big"), categorical=("red",))
    targets = in_file_order(data)[1]
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(targets, np.stack([red, [text == "big" for text in big]], axis=1))
    with pytest.raises(DataError, match="no num_classes"):
        _ = data.num_classes


def test_targets_of_several_kinds_are_refused(save):
    path = save(x=x(), a=[i / 3 for i in range(N)], c=labels(), d=["u", "v", "w"] * (N // 3))
    with pytest.raises(DataError, match="all amounts or all labels of two values, and here hold 'a' numbers"):
        Table(path, ("a", "c"))
    with pytest.raises(DataError, match="column 'd' is one of several targets and holds 3 different texts"):
        Table(path, ("c", "d"))


def test_scaled_targets_come_back_in_their_units(save):
    amounts = np.array([1e6 + 1000.0 * i for i in range(N)])
    path = save(x=x(), y=[f"{amount:.1f}" for amount in amounts])
    data = Table(path, "y", numeric=("y",), targets="scaled")
    np.testing.assert_allclose(data.train.targets.mean(), 0, atol=1e-6)
    np.testing.assert_allclose(data.train.targets.std(), 1, rtol=1e-5)
    np.testing.assert_allclose(data.in_units(in_file_order(data)[1])[:, 0], amounts, rtol=1e-6)
    plain = Table(path, "y", numeric=("y",))
    np.testing.assert_array_equal(plain.in_units(plain.val.targets), plain.val.targets)
    with pytest.raises(DataError, match="'scaled' are for amounts, and these are classes"):
        Table(save(x=x(), y=labels()), "y", targets="scaled")


def test_weights_stand_beside_the_examples_and_are_no_input(save):
    data = Table(save(x=x(), w=[i / 4 for i in range(N)], y=labels()), "y", weight="w")
    assert data.feature_names == ("x",)
    order = np.argsort(np.concatenate([part.inputs[:, 0] for part in parts(data)]))
    np.testing.assert_array_equal(np.concatenate([part.weights for part in parts(data)])[order], np.arange(N) / 4)
    with pytest.raises(DataError, match=r"column 'w', line 3: a weight is at least 0, found -1"):
        Table(save(x=x(), w=[1, -1] * (N // 2), y=labels()), "y", weight="w")


def test_rows_of_one_group_stay_together(save):
    data = Table(save(x=x(), who=[f"p{i % 12}" for i in range(N)], y=labels()), "y", group="who")
    rows = [np.searchsorted(np.sort(everything(data)[0][:, 0]), part.inputs[:, 0]) for part in parts(data)]
    groups = [set((part % 12).tolist()) for part in rows]
    assert data.feature_names == ("x",)
    assert sum(map(len, groups)) == 12


@pytest.mark.parametrize(
    "times", [[f"{i / 3:.4f}" for i in range(N)], [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(N)]]
)
def test_the_last_rows_in_time_are_for_the_test(save, times):
    order = np.random.default_rng(0).permutation(N)
    columns = {"x": x(), "t": times, "y": labels()}
    data = Table(save(**{name: [cells[i] for i in order] for name, cells in columns.items()}), "y", time="t")
    assert data.feature_names == ("x",)
    assert data.train.inputs.max() < data.val.inputs.min()
    assert data.val.inputs.max() < data.test.inputs.min()


def test_a_time_in_whose_order_the_classes_lie_is_refused(save):
    path = save(x=x(), t=[i / 3 for i in range(N)], y=["a"] * 30 + ["b"] * 30)
    with pytest.raises(DataError, match="the validation part, 12 examples, has none of class 'a'"):
        Table(path, "y", time="t")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decimal": ";"}, "decimal is '.' or ',', got ';'"),
        ({"thousands": "."}, "thousands is the character between groups"),
        ({"thousands": "12"}, "thousands is the character between groups"),
        ({"group": "g", "time": "x"}, "group and time split the rows in two ways"),
        ({"weight": "g", "numeric": ("g",)}, "column 'g' is asked for in two ways"),
        ({"embed": ("g",), "categorical": ("g",)}, "column 'g' is asked for in two ways"),
        ({"dates": ("y",)}, "column 'y' is asked for in two ways"),
        ({"group": "h"}, "no column 'h'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(save, options, said):
    with pytest.raises(DataError, match=said):
        Table(save(x=x(), g=[i % 4 for i in range(N)], y=labels()), "y", **options)


def test_all_that_a_table_has_learned_is_restored_without_its_file(save, tmp_path):
    path = save(
        delimiter=";",
        x=[text.replace(".", ",") for text in x()],
        d=[f"{1 + i % 28:02}.{1 + i % 12:02}.2024" for i in range(N)],
        c=["red", "", "blue"] * (N // 3),
        e=[f"e{i % 5}" for i in range(N)],
        p=[f"{i % 9},5 %" for i in range(N)],
        y=[f"{i * 1000},5" for i in range(N)],
    )
    data = Table(
        path,
        "y",
        delimiter=";",
        decimal=",",
        numeric=("p",),
        embed=("e",),
        dates={"d": "%d.%m.%Y"},
        missing="category",
        unseen="other",
        targets="scaled",
    )
    rows = save(
        "new.csv", ";", c=["", "green"], e=["e4", "e9"], p=["5 %", "0,5%"], x=["1,5", "2"], d=["01.02.2024"] * 2
    )
    expected = data.read_inputs(rows)
    state = json.loads(json.dumps(data.state_dict()))
    (tmp_path / "rows.csv").unlink()
    again = Table.restore(state)
    np.testing.assert_array_equal(again.read_inputs(rows), expected)
    for name in ("feature_names", "input_shape", "num_features", "target_names", "num_targets", "category_sizes"):
        assert getattr(again, name) == getattr(data, name)
    np.testing.assert_array_equal(again.in_units(data.val.targets), data.in_units(data.val.targets))
    assert json.loads(json.dumps(again.state_dict())) == state


def test_a_state_of_another_version_names_what_it_lacks(save):
    state = Table(save(x=x(), y=labels()), "y").state_dict()
    with pytest.raises(DataError, match="from another version: it has no 'decimal'"):
        Table.restore({key: value for key, value in state.items() if key != "decimal"})
    with pytest.raises(DataError, match=r"a column is from another version"):
        Table.restore({**state, "features": [{"name": "x", "kind": "sound"}]})


def test_its_digest_is_that_of_the_file(save):
    import hashlib

    path = save(x=x(), y=labels())
    with open(path, "rb") as file:
        assert Table(path, "y").digest == hashlib.sha256(file.read()).hexdigest()
