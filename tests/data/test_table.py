import json

import numpy as np
import pytest

from minigrad.data import DataError, DataWarning, Table
from minigrad.engine import random

from .conftest import everything


@pytest.fixture
def save(tmp_path):
    def save(text: str, encoding: str = "utf-8") -> str:
        (tmp_path / "rows.csv").write_bytes(text.encode(encoding))
        return str(tmp_path / "rows.csv")

    return save


def iris() -> str:
    sizes, species = ("small", "large"), ("setosa", "virginica", "versicolor")
    rows = [f"{i},{i * i / 7:.3f},{sizes[i % 2]},{species[i % 3]}" for i in range(30)]
    return "\n".join(["length,width,size,species", *rows]) + "\n"


def refusal(path: str, target: str, **arguments) -> str:
    with pytest.raises(DataError) as error:
        Table(path, target, **arguments)
    assert path in str(error.value)
    return str(error.value).removeprefix(path)


def test_a_text_target_makes_classes_in_alphabetical_order(save):
    data = Table(save(iris()), "species")
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert (data.num_classes, data.train.targets.dtype) == (3, np.int64)
    np.testing.assert_array_equal(np.bincount(everything(data)[1]), [10, 10, 10])
    np.testing.assert_array_equal(np.bincount(data.test.targets), [2, 2, 2])


def test_numbers_are_standardised_with_the_training_part_only(save):
    preprocessing = pytest.importorskip("sklearn.preprocessing", reason="the comparison needs scikit-learn")
    data = Table(save(iris()), "species", ignore=("size",))
    scaler = preprocessing.StandardScaler()
    inputs, _ = everything(data)
    length = np.arange(30)
    raw = np.column_stack([length, (length * length / 7).round(3)])
    # which rows are in the training part is told by the length, whose order standardizing keeps
    rank = np.argsort(np.argsort(inputs[:, 0]))
    scaler.fit(raw[rank[: len(data.train)]])
    np.testing.assert_allclose(inputs, scaler.transform(raw[rank]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data.train.inputs.mean(axis=0), 0, atol=1e-6)
    assert abs(data.test.inputs.mean()) > 1e-3


def test_a_category_becomes_a_column_for_each_value(save):
    data = Table(save(iris()), "species")
    assert data.feature_names == ("length", "width", "size=large", "size=small")
    assert (data.input_shape, data.num_features, data.train.inputs.dtype) == ((4,), 4, np.float32)
    inputs, _ = everything(data)
    np.testing.assert_array_equal(np.sort(inputs[:, 2:], axis=1), [[0, 1]] * 30)
    odd = np.argsort(np.argsort(inputs[:, 0])) % 2
    np.testing.assert_array_equal(inputs[:, 2], odd)


def test_a_numeric_target_makes_regression_in_its_own_units(save):
    data = Table(save(iris()), "width", ignore=("species", "size"))
    inputs, targets = everything(data)
    assert (targets.shape, targets.dtype, data.class_names) == ((30, 1), np.float32, ())
    length = np.argsort(np.argsort(inputs[:, 0]))
    np.testing.assert_allclose(targets[:, 0], (length * length / 7).round(3), rtol=1e-6)
    with pytest.raises(DataError, match="it has no num_classes"):
        _ = data.num_classes


def test_numbers_can_be_categories_and_are_then_in_order_of_size(save):
    text = "x,label\n" + "".join(f"{i / 7},{(2, 10, 1)[i % 3]}\n" for i in range(30))
    data = Table(save(text), "label", categorical=("label",))
    assert data.class_names == ("1", "2", "10")


def test_a_target_of_whole_numbers_is_in_doubt_until_it_is_said(save):
    path = save("x,label\n" + "".join(f"{i / 7},{i % 2}\n" for i in range(30)))
    assert "holds whole numbers, which may be classes or amounts" in refusal(path, "label")
    assert Table(path, "label", numeric=("label",)).train.targets.dtype == np.float32
    assert Table(path, "label", categorical=("label",), targets="one_hot").train.targets.shape == (18, 2)


def test_a_column_that_is_constant_becomes_zero(save):
    with pytest.warns(DataWarning, match=r"column 'c' holds the same value in all rows.*name it in `ignore`"):
        data = Table(save("x,c,y\n" + "".join(f"{i},0.1,{i / 7}\n" for i in range(30))), "y")
    np.testing.assert_allclose(everything(data)[0][:, 1], np.zeros(30), atol=1e-15)


def test_the_parts_are_drawn_by_the_seed(save):
    path = save(iris())
    first, again = Table(path, "species"), Table(path, "species")
    random.seed(1)
    other = Table(path, "species")
    np.testing.assert_array_equal(first.train.inputs, again.train.inputs)
    assert not np.array_equal(first.train.inputs, other.train.inputs)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (iris().replace(",", ";"), {"delimiter": ";"}),
        (iris().replace("\n", "\r\n"), {}),
        (iris().replace(",", ", "), {}),
        ("\ufeff" + iris(), {}),
        (iris() + "\n\n", {}),
        (iris().replace("small", '"small"').replace("length", '"length"'), {}),
    ],
    ids=["semicolons", "CRLF", "spaces", "byte order mark", "blank lines at the end", "quotes"],
)
def test_the_dialects_of_csv_give_the_same_data(save, text, arguments):
    expected = Table(save(iris()), "species").train.inputs
    np.testing.assert_array_equal(Table(save(text), "species", **arguments).train.inputs, expected)


@pytest.mark.parametrize("cell", ["", "NaN", "NA", "?", "null"])
def test_a_missing_number_is_refused_with_line_and_column(save, cell):
    message = refusal(save(iris().replace("\n7,", f"\n{cell},")), "species")
    assert message.startswith(f": column 'length', line 9: the value is missing ({cell!r})")


@pytest.mark.parametrize("cell", ["", "nan"])
def test_a_missing_category_is_refused_with_line_and_column(save, cell):
    message = refusal(save(iris().replace("7.000,large", f"7.000,{cell}")), "species")
    assert message.startswith(f": column 'size', line 9: the value is missing ({cell!r})")


def test_a_missing_target_is_refused(save):
    path = save("x,label\n" + "".join(f"{i},{'' if i == 3 else i % 2}\n" for i in range(30)))
    assert "column 'label', line 5: the value is missing" in refusal(path, "label", numeric=("label",))


def test_a_stray_text_among_numbers_is_found(save):
    message = refusal(save(iris().replace("\n7,", "\n7cm,")), "species")
    assert "column 'length' mixes numbers and texts: '0' in line 2, '7cm' in line 9" in message
    message = refusal(save(iris().replace("\n7,", "\n7cm,")), "species", numeric=("length",))
    assert "column 'length', line 9: expected a finite number, found '7cm'" in message


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e39"])
def test_a_number_that_is_not_finite_is_refused(save, cell):
    message = refusal(save(iris().replace("\n7,", f"\n{cell},")), "species")
    assert f"column 'length', line 9: expected a finite number, found {cell!r}" in message


def test_lines_are_counted_as_an_editor_counts_them(save):
    text = 'note,x,y\n"two\nlines",1,0.5\n\nplain,oops,0.5\n' + "plain,2,0.5\n" * 20
    assert "line 5: expected a finite number, found 'oops'" in refusal(save(text), "y", numeric=("x",))


def test_a_line_of_another_length_is_refused(save):
    message = refusal(save(iris().replace("\n7,", "\n7,7,")), "species")
    assert message.startswith(", line 9: expected 4 cells, as in the first line, found 5")


def test_a_column_that_is_not_there_is_told_with_the_nearest(save):
    path = save(iris())
    assert "no column 'specie'; did you mean 'species'? there are: length, width" in refusal(path, "specie")
    assert "no column 'lenght'; did you mean 'length'?" in refusal(path, "species", ignore=("lenght",))


@pytest.mark.parametrize(
    "arguments", [{"numeric": ("length",), "ignore": ("length",)}, {"ignore": ("species",)}], ids=["twice", "target"]
)
def test_a_column_asked_for_in_two_ways_is_refused(save, arguments):
    assert "in two ways that exclude each other" in refusal(save(iris()), "species", **arguments)


def test_a_table_without_inputs_is_refused(save):
    assert "no column is left for the inputs" in refusal(save(iris()), "species", ignore=("length", "width", "size"))


def test_names_are_no_categories_unless_it_is_said(save):
    path = save("name,y\n" + "".join(f"person {i},{i / 7}\n" for i in range(150)))
    assert "column 'name' holds 150 different texts: name it in `ignore`" in refusal(path, "y")
    assert Table(path, "y", categorical=("name",)).num_features == 150


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least one row, found an empty file"),
        ("x,y\n", "at least one row, found that line alone"),
        ("x;y\n1;2\n", "the first line is one cell, 'x;y'; its delimiter may be ';'"),
        ("1,2\n3,4\n", "expected the first line to name the columns, found numbers: 1,2"),
        ("x,x,y\n1,2,3\n", "two columns have the name 'x'"),
        ('x,y\n"1,2\n', "not CSV"),
    ],
    ids=["empty", "no rows", "another delimiter", "no names", "a name twice", "an open quote"],
)
def test_a_file_that_is_no_table_is_refused(save, text, said):
    assert said in refusal(save(text), "y")


def test_too_few_rows_for_three_parts_are_refused(save):
    with pytest.raises(DataError, match="would leave it or the training part empty"):
        Table(save("x,y\n1,0.5\n2,0.7\n"), "y")


def test_another_encoding_is_refused(save):
    assert "expected text in UTF-8" in refusal(save(iris().replace("small", "groß"), encoding="latin-1"), "species")


def test_a_missing_file_is_named(tmp_path):
    assert ": no such file" in refusal(str(tmp_path / "none.csv"), "y")


def test_a_delimiter_of_two_characters_is_refused(save):
    with pytest.raises(DataError, match="delimiter is one character, got ', '"):
        Table(save(iris()), "species", delimiter=", ")


def test_a_form_of_classes_does_not_fit_a_numeric_target(save):
    with pytest.raises(DataError, match="'one_hot' is a form of classes"):
        Table(save(iris()), "width", targets="one_hot")


def test_rows_without_a_target_are_prepared_as_the_training_part_was(save, tmp_path):
    data = Table(save(iris()), "species")
    lines = iris().splitlines()
    rows = [f"{line.rpartition(',')[0]},ignored" for line in lines]
    more = tmp_path / "more.csv"
    more.write_text("\n".join(rows).replace("species", "note"))
    prepared = data.read_inputs(more)
    inputs, _ = everything(data)
    assert {row.tobytes() for row in prepared} == {row.tobytes() for row in inputs}


def test_what_a_table_learned_outlives_its_file(save, tmp_path):
    data = Table(save(iris()), "species")
    kept = json.loads(json.dumps(data.state_dict()))
    row = tmp_path / "row.csv"
    row.write_text("length,width,size\n7,7.0,large\n")
    expected = data.read_inputs(row)
    with pytest.warns(DataWarning, match=r"class 'other' in one row \(line 3\)"):
        changed = Table(save(iris().replace("1,0.143,large,virginica", "100,50,huge,other")), "species")
    changed.load_state_dict(kept)
    np.testing.assert_array_equal(changed.read_inputs(row), expected)
    assert (changed.class_names, changed.feature_names) == (data.class_names, data.feature_names)
    assert changed.state_dict() == data.state_dict()


def test_rows_that_the_model_cannot_know_are_refused_with_their_place(save, tmp_path):
    data = Table(save(iris()), "species")
    row = tmp_path / "row.csv"
    for text, message in (
        (
            "length,width,size\n7,7.0,larg\n",
            ": column 'size', line 2: 'larg' is new to the model; did you mean 'large'?",
        ),
        ("lenght,width,size\n7,7.0,large\n", ": no column 'length'; did you mean 'lenght'?"),
        ("length,width,size\n,7.0,large\n", ": column 'length', line 2: the value is missing"),
    ):
        row.write_text(text)
        with pytest.raises(DataError) as error:
            data.read_inputs(row)
        assert str(error.value).removeprefix(str(row)).startswith(message)
    with pytest.raises(DataError, match=r"read from a \.csv file"):
        data.read_inputs(tmp_path / "rows.npy")


def test_the_scales_of_inputs_undo_the_standardisation_and_leave_categories_alone(save):
    data = Table(save(iris()), "species")
    means, stds = data.input_scales
    assert data.feature_names == ("length", "width", "size=large", "size=small")
    inputs = everything(data)[0] * stds + means
    lengths = np.sort(inputs[:, 0])
    np.testing.assert_allclose(lengths, np.arange(30), atol=1e-5)
    np.testing.assert_allclose(np.sort(inputs[:, 1]), np.round(np.arange(30) ** 2 / 7, 3), atol=1e-4)
    assert set(inputs[:, 2]) == {0, 1}
