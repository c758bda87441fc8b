import math
from datetime import datetime, timezone

import pytest

from minigrad.data.notation import DateFormat, Notation, date_formats, other_notations


@pytest.mark.parametrize(
    ("notation", "cell", "number"),
    [
        (Notation(), " 1.5 ", 1.5),
        (Notation(","), "-1,5", -1.5),
        (Notation(",", "."), "1.234.567,5", 1234567.5),
        (Notation(".", ","), "-1,234.5", -1234.5),
        (Notation(".", " "), "1\u202f234", 1234),
        (Notation(".", "'"), "1’234", 1234),
        (Notation(sign="%"), "12 %", 0.12),
        (Notation(".", ",", "$"), "-$1,000", -1000),
        (Notation(",", "", "€"), "5,50 €", 5.5),
        (Notation(), "1e3", 1000),
    ],
)
def test_a_number_is_read_as_it_is_written(notation, cell, number):
    assert notation.number(cell) == number
    assert notation.numbers([cell, "na"])[0] == number


@pytest.mark.parametrize(
    ("notation", "cell"),
    [
        (Notation(), "1,5"),
        (Notation(","), "1.5"),
        (Notation(".", ","), "1,5"),  # no group of three
        (Notation(".", ","), "1234,567"),
        (Notation(",", "."), "1.23,5"),
        (Notation(), "1_000"),
        (Notation(sign="%"), "12"),
        (Notation(sign="$"), "5 €"),
        (Notation(","), "1,2,3"),
        (Notation(), "five"),
    ],
)
def test_what_is_written_otherwise_is_no_number(notation, cell):
    assert not notation.reads(cell)
    with pytest.raises(ValueError, match=r"\w"):
        notation.numbers(["1", cell])


@pytest.mark.parametrize("cell", ["", " ", "NaN", "n/a", "NULL", "?"])
def test_a_missing_number_is_not_a_number(cell):
    assert math.isnan(Notation(sign="%").number(cell))
    assert math.isnan(DateFormat().seconds(cell))


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["1,5", "2"], [Notation(",")]),
        (["1,234", "5,678"], [Notation(","), Notation(".", ",")]),
        (["1.234,5", "2"], [Notation(",", ".")]),
        (["1,234.5", "na"], [Notation(".", ",")]),
        (["12%", "5%"], [Notation(sign="%")]),
        (["$5", "$6.50"], [Notation(sign="$")]),
        (["5,5 €"], [Notation(",", "", "€")]),
        (["1 000", "20"], [Notation(".", " ")]),
        (["12%", "5"], []),
        (["a", "1,5"], []),
        (["1,5,2"], []),
        (["", "?"], []),
    ],
)
def test_numbers_in_another_notation_are_recognised(texts, found):
    assert other_notations(texts, Notation()) == found


def test_a_point_is_another_notation_where_the_comma_is_said():
    assert other_notations(["1.5"], Notation(",")) == [Notation()]


@pytest.mark.parametrize(
    ("texts", "forms"),
    [
        (["2020-01-31", "2021-02-01"], [""]),
        (["2020-01-31 23:59:01"], [""]),
        (["31.12.2020"], ["%d.%m.%Y"]),
        (["01/02/2020"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["01/02/2020", "13/02/2020"], ["%d/%m/%Y"]),
        (["01/13/2020 07:30"], ["%m/%d/%Y %H:%M"]),
        (["3-room", "4-room"], []),
        (["10-20"], []),
        (["", "na"], []),
    ],
)
def test_dates_are_recognised_by_their_format(texts, forms):
    assert [found.form for found in date_formats(texts)] == forms


def test_dates_are_seconds_since_1970_in_their_zone_or_utc():
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()
    assert DateFormat().seconds("2020-01-02T03:04:05") == moment
    assert DateFormat().seconds("2020-01-02T05:04:05+02:00") == moment
    assert DateFormat("%d.%m.%Y %H:%M:%S").seconds("02.01.2020 03:04:05") == moment
