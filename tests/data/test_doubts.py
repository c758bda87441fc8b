"""What a table refuses or warns of because it may mean something else, and the words that settle it."""

import warnings

import pytest
import yaml

from minigrad.data import DataError, DataWarning, Table


@pytest.fixture
def save(tmp_path):
    def save(*columns: tuple[str, list], delimiter=",") -> str:
        names, cells = zip(*columns, strict=True)
        rows = [delimiter.join(map(str, row)) for row in zip(*cells, strict=True)]
        (tmp_path / "rows.csv").write_text("\n".join([delimiter.join(names), *rows]) + "\n", encoding="utf-8")
        return str(tmp_path / "rows.csv")

    return save


N = 40
X = ("x", [f"{i * i / 7:.3f}" for i in range(N)])
Y = ("y", ["no" if i % 3 else "yes" for i in range(N)])


def refusal(path, **arguments):
    with pytest.raises(DataError) as error:
        Table(path, "y", **arguments)
    return str(error.value).removeprefix(path)


def silent(path, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Table(path, "y", **arguments)


def warned(path, **arguments):
    with pytest.warns(DataWarning) as said:
        Table(path, "y", **arguments)
    return [str(warning.message).removeprefix(path) for warning in said]


def test_a_column_without_a_name_is_refused_until_it_is_ignored(save):
    path = save(("", range(N)), X, Y)
    assert refusal(path).startswith(": column '' has no name, as an index")
    assert 'write `ignore: [""]`' in refusal(path)
    assert silent(path, ignore=("",)).feature_names == ("x",)


@pytest.mark.parametrize("name", ["id", "PassengerId", "Unnamed: 0", "row number", "user_id", "Index"])
def test_an_id_of_numbers_is_refused_until_its_kind_is_said(save, name):
    path = save((name, [3 * i for i in range(N)][::-1]), X, Y)
    message = refusal(path)
    assert message.startswith(f": column {name!r} holds whole numbers, all different, as an id or an index does")
    assert silent(path, ignore=(name,)).num_features == 1
    assert silent(path, numeric=(name,)).num_features == 2


@pytest.mark.parametrize("name", ["humid", "paid", "width"])
def test_whole_numbers_under_another_name_are_numbers(save, name):
    assert silent(save((name, range(N)), X, Y)).num_features == 2


def test_texts_that_are_all_different_are_refused_until_their_kind_is_said(save):
    path = save(("name", [f"person {i}" for i in range(N)]), X, Y)
    assert "column 'name' holds 40 different texts: name it in `ignore`" in refusal(path)
    assert "no two are equal, as in an id" in refusal(path)
    assert silent(path, categorical=("name",)).num_features == N + 1


@pytest.mark.parametrize(
    ("cells", "words", "arguments", "delimiter"),
    [
        (["1,5", "2,25"], 'write `decimal: ","`', {"decimal": ","}, ";"),
        (["1.234,5", "2,25"], 'write `decimal: ","` and `thousands: "."`', {"decimal": ",", "thousands": "."}, ";"),
        (["1 234", "2 000"], 'write `thousands: " "`', {"thousands": " "}, ","),
        (["1,234", "2,000"], 'write `decimal: ","` or `thousands: ","`', {"thousands": ","}, ";"),
        (["12%", "5 %"], "write `numeric: [p]`", {"numeric": ("p",)}, ","),
        (["$5", "-$6.50"], "write `numeric: [p]`", {"numeric": ("p",)}, ","),
        (["5,5 €", "7 €"], 'write `decimal: ","` and `numeric: [p]`', {"decimal": ",", "numeric": ("p",)}, ";"),
        (["31.12.2020", "01.01.2021"], 'write `dates: {p: "%d.%m.%Y"}`', {"dates": {"p": "%d.%m.%Y"}}, ","),
        (["2020-12-31", "2021-01-01"], "write `dates: [p]`", {"dates": ("p",)}, ","),
    ],
)
def test_numbers_and_dates_in_another_notation_are_refused_with_the_words_that_read_them(
    save, cells, words, arguments, delimiter
):
    other = [f"{i};".replace(";", "") for i in range(N)]
    path = save(("p", [cells[i % 2] for i in range(N)]), ("n", other), Y, delimiter=delimiter)
    message = refusal(path, delimiter=delimiter)
    assert message.startswith(f": column 'p', line 2: {cells[0]!r} is read as a text and looks like a ")
    assert words in message
    assert not any(name.startswith("p=") for name in silent(path, delimiter=delimiter, **arguments).feature_names)
    assert silent(path, delimiter=delimiter, categorical=("p",)).num_features == 3


def test_a_date_that_may_be_of_two_formats_is_refused_with_both(save):
    message = refusal(save(("d", ["01/02/2020", "03/04/2021"] * (N // 2)), X, Y))
    assert 'write `dates: {d: "%d/%m/%Y"}` or `dates: {d: "%m/%d/%Y"}`' in message


def test_a_decimal_comma_among_numbers_is_refused_with_the_option(save):
    path = save(("p", ["1", "2", "1,5"] + ["3"] * (N - 3)), Y, delimiter=";")
    message = refusal(path, delimiter=";")
    assert message.startswith(": column 'p' mixes numbers and texts: '1' in line 2, '1,5' in line 4; `decimal: \",\"`")


def test_a_column_equal_to_the_target_is_refused_until_its_kind_is_said(save):
    path = save(("copy", Y[1]), X, Y)
    assert ": column 'copy' holds the same as the target 'y'" in refusal(path)
    assert silent(path, categorical=("copy",)).num_features == 3
    path = save(("amount", [f"{i / 7:.2f}" for i in range(N)]), X, ("y", [f"{i / 7:.2f}0" for i in range(N)]))
    assert ": column 'amount' holds the same as the target 'y'" in refusal(path)


def test_a_target_of_one_class_is_refused(save):
    assert "column 'y' is the target and holds one class, 'only'" in refusal(save(X, ("y", ["only"] * N)))
    assert "holds 0.5 in all rows: there is nothing to learn" in refusal(save(X, ("y", [0.5] * N)))


def test_a_target_of_names_is_refused(save):
    path = save(("x", [i / 7 for i in range(300)]), ("y", [f"name {i % 200}" for i in range(300)]))
    assert "holds 200 different texts in 300 rows, too many to learn as classes" in refusal(path)


def test_a_target_too_small_for_float32_is_refused(save):
    assert "line 3: 1e-60 is too small for a target in float32" in refusal(save(X, ("y", [0.5, 1e-60] * (N // 2))))


def test_a_class_of_two_rows_is_a_warning_with_their_lines(save):
    rare = ["rare" if i in (4, 9) else label for i, label in enumerate(Y[1])]
    [said] = warned(save(X, ("y", rare)), val_fraction=0.1, test_fraction=0.1)
    assert said == (
        ": column 'y' has the class 'rare' in two rows (lines 6 and 11), too few for training, validation and test"
    )


def test_a_constant_is_a_warning(save):
    path = save(("c", ["k"] * N), ("d", [1] * N), X, Y)
    said = warned(path)
    assert [text.split(" holds")[0] for text in said] == [": column 'c'", ": column 'd'"]
    assert silent(path, ignore=("c", "d")).num_features == 1


def test_a_word_for_a_missing_value_among_categories_is_a_warning_until_it_is_one(save):
    path = save(("c", ["a", "NA"] * (N // 2)), X, Y)
    [said] = warned(path)
    assert said.startswith(": column 'c', line 3: 'NA' is taken for a category; if it means a missing value, write")
    assert silent(path, missing="category").feature_names == ("c=missing", "c=a", "x")


def test_dates_in_several_forms_are_refused_until_their_kind_is_said(save):
    path = save(("d", ["01/02/2020", "2020-03-04", "5.6.2020", "13/02/2020"] * (N // 4)), X, Y)
    message = refusal(path)
    assert message.startswith(": column 'd' holds dates in several forms, '01/02/2020' in line 2 and '2020-03-04' in ")
    assert "in line 3: write them in one form, or name it in `ignore` or `categorical`" in message
    assert silent(path, categorical=("d",)).num_features == 5
    mixed = save(("d", ["01/02/2020", "2020-03-04", "soon", "no"] * (N // 4)), X, Y)
    assert silent(mixed).num_features == 5  # texts


@pytest.mark.parametrize(("one", "other"), [("Yes", "yes"), ("New York", "new  york"), ("Straße", "STRASSE")])
def test_categories_that_differ_only_in_case_or_spaces_are_a_warning_until_their_kind_is_said(save, one, other):
    cells = [one, "no", other, "no"] * (N // 4)
    path = save(("c", cells), X, Y)
    [said] = warned(path)
    assert said == (
        f": column 'c' has the categories {one!r} (line 2) and {other!r} (line 4), which differ only in case or spaces"
        ": write them alike if they are one, or name it in `categorical` if they are two"
    )
    assert silent(path, categorical=("c",)).num_features == 4
    path = save(X, ("y", cells))
    assert warned(path) == [said.replace("'c'", "'y'")]
    assert silent(path, categorical=("y",)).num_classes == 3


def test_numbers_with_a_unit_are_a_warning_until_their_kind_is_said(save):
    path = save(("w", ["12 kg", "7,5kg", "-3 kg", "12 kg"] * (N // 4)), X, Y, delimiter=";")
    [said] = warned(path, delimiter=";")
    assert said.startswith(": column 'w', line 2: '12 kg' is taken for a category and looks like a number with the ")
    assert silent(path, delimiter=";", categorical=("w",)).num_features == 4
    for others in (["12 kg", "7 g", "5 kg", "no"], ["1a", "2b", "3a", "4b"], ["12 kg", "7 kg"] * 2):
        assert silent(save(("w", others * (N // 4)), X, Y)).num_features > 2


def test_a_target_without_a_value_is_refused_and_not_to_be_ignored(save):
    assert refusal(save(X, ("y", [""] * N))) == ": column 'y' is the target and holds no value at all: choose another"


def test_a_first_row_of_examples_is_refused(save):
    path = save(("5.1", [f"{i / 7:.1f}" for i in range(N)]), ("yes", Y[1]))
    with pytest.raises(DataError, match=r"line 1: the first row is taken for the names.*put a row of names above it"):
        Table(path, "yes")


def test_years_as_names_are_a_warning(save):
    path = save(("2019", [i / 7 for i in range(N)]), ("2020", [i / 9 for i in range(N)]), Y)
    assert "line 1: the first row is taken for the names of the columns, and it holds numbers" in warned(path)[0]


def test_a_column_of_gaps_alone_is_refused(save):
    assert ": column 'e' holds no value at all" in refusal(save(("e", [""] * N), X, Y))


def test_everything_is_said_at_once_and_the_remedies_together_make_it_a_table(save):
    path = save(
        ("", range(N)),
        ("id", range(N)),
        ("price", [f"{i},5" for i in range(N)]),
        ("born", ["31.12.2020", "01.02.2021"] * (N // 2)),
        ("gap", [("" if i == 5 else f"{i}") for i in range(N)]),
        ("share", [f"{i}%" for i in range(N)]),
        Y,
        delimiter=";",
    )
    message = refusal(path, delimiter=";")
    first, *findings, remedies = message.splitlines()
    assert first == ": 6 things to settle:"
    assert [finding.split(":")[0].split(" has")[0].split(" holds")[0].strip() for finding in findings] == [
        "column ''",
        "column 'id'",
        "column 'price', line 2",
        "column 'born', line 2",
        "column 'gap', line 7",
        "column 'share', line 2",
    ]
    options = yaml.safe_load("{" + remedies.partition(": ")[2] + "}")
    assert options["ignore"] == ["", "id"]
    data = silent(path, delimiter=";", **options)
    assert data.feature_names[0] == "price"
    assert data.num_features == 3 + 6


def test_of_many_findings_the_first_are_told_and_the_rest_counted(save):
    path = save(*[(f"c{i}", [f"text {j} {i}" for j in range(N)]) for i in range(500)], Y)
    message = refusal(path)
    assert message.startswith(": 500 things to settle:")
    assert "and 480 more" in message
    assert message.count("different texts") == 20
