"""Configs for data of your own: what `minigrad new NAME --data FILE` finds, assumes and refuses."""

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.data.pictures import write_png

from ..data.conftest import idx
from .new_data import new, refused, write

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_the_last_column_of_a_table_is_its_target_unless_another_is_said(rng, capsys):
    kinds = rng.choice(["red", "blue"], 60)
    write("a.csv", ["size", "kind", "weight"], rng.normal(size=60), kinds, rng.normal(size=60))
    data, said = new(capsys, "a.csv")
    assert data == {"Table": {"path": "../a.csv", "target": "weight", "unseen": "other", "targets": "scaled"}}
    assert "'weight' (a guess: the last suitable column; --target COLUMN names another): numbers" in said
    Path("mine").rename("before")
    data, said = new(capsys, "a.csv", "--target", "kind")
    assert data == {"Table": {"path": "../a.csv", "target": "kind"}}
    assert "target      'kind': 2 classes; " in said


def test_every_doubt_about_a_table_is_settled_and_said(rng, capsys):
    n = 80
    euros = [f"{1000 + 7.5 * i:,.2f}".translate(str.maketrans(",.", ".,")) for i in range(n)]
    columns = {
        "": range(n),
        "Name": [f"person {i}" for i in range(n)],
        "Age": ["" if i % 9 == 0 else 20 + i % 40 for i in range(n)],
        "Born": [f"{1 + i % 28:02}.{1 + i % 12:02}.{1950 + i % 50}" for i in range(n)],
        "Rate": [f"{i % 7} %" for i in range(n)],
        "Ticket": ["A 1" if i % 2 else i for i in range(n)],
        "Same": ["x"] * n,
        "Price": euros,
        "Alive": [i % 2 for i in range(n)],
        "Class": [f"c{i % 3}" if i != 5 else "" for i in range(n)],
    }
    write("a.csv", columns, *columns.values(), delimiter=";")
    data, said = new(capsys, "a.csv")
    assert data["Table"] == {
        "path": "../a.csv",
        "target": "Class",
        "numeric": ["Rate"],
        "ignore": ["", "Name", "Ticket", "Same"],
        "dates": {"Born": "%d.%m.%Y"},
        "missing": {"Age": "median", "Class": "drop"},
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
    }
    assert "80 rows, 10 columns, separated by ';'; in numbers, decimal ',' and thousands '.'" in said
    assert "'Ticket' mixes numbers and texts: '0' in line 2, 'A 1' in line 3" in said
    assert "Age: median (9 empty), Class: drop (1 empty)" in said
    assert "'Same' holds the same value in all rows" in Path("mine/README.md").read_text(encoding="utf-8")


def test_gaps_among_numbers_with_a_decimal_comma_are_filled_by_the_median(capsys):
    amounts = ["" if i % 9 == 0 else f"{i % 40},{i % 10}" for i in range(60)]
    classes = [f"c{i % 3}" for i in range(60)]
    write("a.csv", {"amount": amounts, "class": classes}, amounts, classes, delimiter=";")
    data, _ = new(capsys, "a.csv")
    assert data["Table"]["missing"] == {"amount": "median"}
    assert data["Table"]["decimal"] == ","


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([i % 3 for i in range(60)], {"categorical": ["y"]}),
        (range(60), {"numeric": ["y"], "targets": "scaled"}),
        ([9, *(i % 3 for i in range(59))], {"numeric": ["y"], "targets": "scaled"}),  # no part but one would have a 9
    ],
)
def test_few_whole_numbers_with_some_rows_each_are_classes_and_others_amounts(values, kind, rng, capsys):
    write("a.csv", ["x", "y"], rng.normal(size=60), values)
    data, _ = new(capsys, "a.csv")
    assert data["Table"] == {"path": "../a.csv", "target": "y", **kind}


def test_a_column_of_many_categories_with_some_rows_each_is_embedded(rng, capsys):
    write("a.csv", ["town", "y"], [f"t{i % 120}" for i in range(900)], rng.normal(size=900))
    data, _ = new(capsys, "a.csv")
    assert data["Table"]["embed"] == ["town"]
    assert "TabularMLP" in Path("mine/mine.yaml").read_text()


def test_rows_an_hour_apart_are_a_series_unless_they_are_said_to_be_a_table(rng, capsys):
    hours = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(400)]
    heat = rng.normal(size=400).round(3)
    load = ["" if i == 7 else f"{x:.3f}" for i, x in enumerate(np.sin(np.arange(400)) + 3)]
    write("a.csv", ["at", "heat", "load"], hours, heat, load)
    data, said = new(capsys, "a.csv")
    options = {"path": "../a.csv", "column": "load", "inputs": ["heat"], "time": "at", "missing": "previous"}
    assert data["Windows"] == {**options, "length": 48, "horizon": 12}
    assert "each row is one hour later by 'at'" in said
    Path("mine").rename("before")
    data, _ = new(capsys, "a.csv", "--from", "table", "--target", "heat")
    assert data["Table"]["dates"] == ["at"]


def test_evenly_spaced_rows_with_a_column_of_texts_are_a_table_and_that_is_told(rng, capsys):
    hours = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(100)]
    write("a.csv", ["at", "wind", "heat"], hours, ["NESW"[i % 4] for i in range(100)], rng.normal(size=100))
    data, said = new(capsys, "a.csv")
    assert data["Table"]["target"] == "heat"
    assert "rows are evenly spaced by 'at', and taken one by one; --from series forecasts" in said
    Path("mine").rename("before")
    assert "evenly spaced" not in new(capsys, "a.csv", "--from", "table")[1]


def test_rows_out_of_order_are_no_series(rng, capsys):
    days = [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(100)]
    write("a.csv", ["day", "load"], days, rng.normal(size=100))
    assert "Table" in new(capsys, "a.csv")[0]


def test_a_column_of_texts_beside_one_of_classes_is_read_as_words(capsys):
    texts = [f"the {('good', 'bad')[i % 2]} film of day {i}" for i in range(60)]
    write("a.tsv", ["stars", "review"], [("five", "one")[i % 2] for i in range(60)], texts, delimiter="\t")
    data, said = new(capsys, "a.tsv")
    assert data == {"TextTable": {"path": "../a.tsv", "text": "review", "target": "stars", "delimiter": "\t"}}
    assert "'review', as words" in said


def test_images_in_folders_are_scaled_where_they_have_several_sizes(rng, capsys):
    pytest.importorskip("PIL", reason="folders of images need Pillow")
    for i in range(40):
        path = Path("pets", ("cat", "dog")[i % 2], f"{i}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, rng.integers(0, 256, (20, 16 + i % 3), np.uint8))
    data, said = new(capsys, "pets")
    assert data["ImageFolder"] == {"path": "../pets", "size": 16, "augment": [{"Crop": 1}]}
    assert "cat, dog: 40 images" in said
    assert "minigrad predict runs/mine/0001 ../pets/cat/0.png" in Path("mine/README.md").read_text()
    Path("pets/dog/1.png").write_bytes(b"no image")
    Path("mine").rename("before")
    assert "pets: dog/1.png: expected a whole PNG, JPEG, BMP or WebP image" in refused(capsys, "pets")


@pytest.mark.parametrize("named", ["folder", "file"])
def test_idx_files_find_their_labels_and_those_for_the_test(named, rng, capsys):
    Path("clothes").mkdir()
    for part, n in (("train", 200), ("t10k", 50)):
        images, labels = rng.integers(0, 256, (n, 4, 4), np.uint8), rng.integers(0, 3, n).astype(np.uint8)
        Path(f"clothes/{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        Path(f"clothes/{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    data, _ = new(capsys, "clothes" if named == "folder" else "clothes/train-images-idx3-ubyte.gz")
    assert data["IDX"] == {
        "images": "../clothes/train-images-idx3-ubyte.gz",
        "labels": "../clothes/train-labels-idx1-ubyte",
        "test_images": "../clothes/t10k-images-idx3-ubyte.gz",
        "test_labels": "../clothes/t10k-labels-idx1-ubyte",
    }


def test_one_array_of_one_axis_is_a_series_and_a_text_is_to_be_continued(capsys):
    np.save("a.npy", np.sin(np.arange(300.0)))
    assert new(capsys, "a.npy")[0]["Windows"] == {"path": "../a.npy", "length": 24, "horizon": 3}
    Path("mine").rename("before")
    Path("a.txt").write_text("One, two and three.\nFour, or five, or six?\nSeven.\n" * 60)
    assert "CharText" in new(capsys, "a.txt")[0]


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("a,b\n1.5,x\n2.5,y\n", ["--target", "bb"], "no column 'bb' to be the target; did you mean 'b'?"),
        ("1.5,2\n2.5,3\n", [], "expected the first line to name the columns, found numbers"),
        ("", [], "expected a line of column names and at least one row, found an empty file"),
        ("a,b\n1,x\n2,x\n", [], "no input column is left besides the target 'a': 'b' holds the same value in all rows"),
        ("id,y\n1,a\n2,b\n3,a\n4,b\n", [], "no input column is left besides the target 'y': 'id' holds whole"),
        ("a,b\n1,2,3\n", [], "expected 2 cells, as in the first line, found 3"),
        ("a,b\n" + "1.5,2.5\n2.5,1.5\n", ["--from", "text"], "expected one column of texts of several words"),
        ("a,b\nx,y\nu,v\n", ["--from", "series"], "no numeric column, which a series needs"),
        ("a,b\n1.5,2.5\n2.5,1.5\n", ["--from", "images"], "expected a folder with one folder for each class"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_sentence(content, words, said, capsys):
    Path("a.csv").write_text(content)
    assert said in refused(capsys, "a.csv", *words)


def test_a_number_that_two_columns_write_in_two_ways_is_left_to_its_owner(rng, capsys):
    write(
        "a.csv", ["a", "b", "c"], [f"{i}.5" for i in range(60)], [f"{i},5" for i in range(60)], range(60), delimiter=";"
    )
    assert "looks like a number" in refused(capsys, "a.csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "win.csv"], "win.csv: no such file or folder; looked in the current folder"),
        (["--data", "win.csv"], "did you mean wine.csv?"),
        (["--data", "wine.csv", "--from", "digits"], "--from is the kind of data, one of images, series, table"),
        (["--target", "x"], "--target names a column of your own data"),
        (["--data", "wine.xlsx"], "save it as CSV, in Excel as 'CSV UTF-8'"),
        (["--data", "photo.JPG"], "name the folder that has one folder of images for each class"),
        (["--data", "loose"], "or of IDX files; name one of its files: a.csv"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_carried_out_names_the_remedy(words, said, capsys):
    write("wine.csv", ["a", "b"], [1.5, 2.5], [2.5, 1.5])
    Path("wine.xlsx").write_bytes(b"PK\x03\x04")
    Path("photo.JPG").write_bytes(b"\xff\xd8\xff")
    Path("loose").mkdir()
    Path("loose/a.csv").touch()
    assert main(["new", "mine", *words]) == 2
    assert said in capsys.readouterr().err
    assert not Path("mine").exists()


def test_dates_in_several_forms_are_no_categories(rng, capsys):
    days = ["2020-03-04", "05.06.2021", "7/8/2022", "09.10.2019"] * 15
    write("a.csv", ["day", "size", "kind"], days, rng.normal(size=60), rng.choice(["x", "y"], 60))
    data, said = new(capsys, "a.csv")
    assert data["Table"]["ignore"] == ["day"]
    assert "'day' holds dates in several forms, '2020-03-04' in line 2 and '05.06.2021' in line 3\n" in said


def test_categories_that_differ_only_in_case_are_told(rng, capsys):
    write("a.csv", ["member", "size"], ["Yes", "yes", "No", "No"] * 15, rng.normal(size=60))
    assert main(["new", "mine", "--data", "a.csv"]) == 0
    told = capsys.readouterr().err
    assert "warning: a.csv: column 'member' has the categories 'Yes' (line 2) and 'yes' (line 3), which differ" in told


def test_a_folder_that_exists_is_not_touched_and_data_is_not_copied(rng, capsys):
    write("a.csv", ["x", "y"], rng.normal(size=30), rng.normal(size=30))
    Path("mine").mkdir()
    assert main(["new", "mine", "--data", "a.csv"]) == 2
    assert "mine already exists" in capsys.readouterr().err
    Path("mine").rmdir()
    assert main(["new", "mine", "--data", "a.csv"]) == 0
    assert sorted(path.name for path in Path("mine").iterdir()) == ["README.md", "mine.yaml"]
    readme = Path("mine/README.md").read_text(encoding="utf-8")
    assert len({line.index(" # ") for line in readme.splitlines() if " # " in line}) == 1


@pytest.mark.parametrize(
    ("numbers", "delimiter", "options", "doubt"),
    [
        (['"1,234"', '"56,789"'], ",", {"thousands": ","}, "'1,234' is read by `thousands: \",\"`"),
        (["1,234", "56,789"], ";", {"decimal": ","}, "'1,234' is read by `decimal: \",\"`"),
        (["1,234", "1,5"], ";", {"decimal": ","}, "'1,234' is read by `decimal: \",\"`"),
        (['"1,234"', '"1,5"'], ",", {"decimal": ","}, ""),
        (["1.234,50", "2.500,25"], ";", {"decimal": ",", "thousands": "."}, ""),
    ],
)  # fmt: skip
def test_a_number_that_may_be_read_in_two_ways_is_told(numbers, delimiter, options, doubt, capsys):
    write("a.csv", ["n", "kind"], numbers * 30, ["x", "y"] * 30, delimiter=delimiter)
    data, said = new(capsys, "a.csv")
    delimiters = {} if delimiter == "," else {"delimiter": delimiter}
    assert data["Table"] == {"path": "../a.csv", "target": "kind", **delimiters, **options}
    assert ("in doubt" in said, doubt in said) == (bool(doubt), True)


def test_dates_whose_day_and_month_may_be_swapped_are_told(capsys):
    write("a.csv", ["day", "kind"], [f"{1 + i % 12:02}/{1 + i % 12:02}/2020" for i in range(60)], ["x", "y"] * 30)
    data, said = new(capsys, "a.csv")
    assert data["Table"]["dates"] == {"day": "%d/%m/%Y"}
    assert 'in doubt    \'day\' may be `dates: {day: "%d/%m/%Y"}` or `dates: {day: "%m/%d/%Y"}`' in said


def test_a_date_that_can_be_read_in_one_way_is_in_no_doubt(capsys):
    write("a.csv", ["Datum", "kind"], [f"{13 + i % 12:02}.{1 + i % 12:02}.2020" for i in range(60)], ["x", "y"] * 30)
    data, said = new(capsys, "a.csv")
    assert data["Table"]["dates"] == {"Datum": "%d.%m.%Y"}
    assert "in doubt" not in said


def test_what_only_the_owner_can_change_is_refused_with_how(capsys):
    Path("bare.csv").write_text("0.5,1\n" * 40)
    assert main(["new", "made", "--data", "bare.csv"]) == 2
    assert "write a line of names above it" in capsys.readouterr().err
    x = np.ones((40, 2), np.float32)
    x[3, 1] = np.nan
    np.savez("gap.npz", inputs=x, targets=np.arange(40) % 2)
    assert main(["new", "made", "--data", "gap.npz"]) == 2
    assert "holds nan at [3, 1]: expected finite numbers of float32; leave such rows out" in capsys.readouterr().err


def test_a_copy_of_the_target_is_no_input(rng, capsys):
    kinds = rng.choice(["a", "b"], 60)
    write("a.csv", ["size", "copy", "kind"], rng.normal(size=60), kinds, kinds)
    assert new(capsys, "a.csv")[0]["Table"]["ignore"] == ["copy"]


def test_texts_may_be_many_and_a_number_may_be_among_them(capsys):
    texts = [f"the {('good', 'bad')[i % 2]} film of day {i}" for i in range(12_000)]
    write("a.csv", ["review", "stars"], texts, [i % 2 for i in range(12_000)])
    data, _ = new(capsys, "a.csv")
    assert data["TextTable"] == {"path": "../a.csv", "text": "review", "target": "stars"}
    Path("mine").rename("before")
    write("a.csv", ["review", "stars"], [*texts[:100], "645", *texts[100:200]], [i % 2 for i in range(201)])
    assert "TextTable" in new(capsys, "a.csv")[0]
