import csv

from benchmarks.reading import measure_reading, write_table
from benchmarks.table import render_reading


def test_the_table_that_is_read_has_twenty_columns(tmp_path):
    write_table(tmp_path / "table.csv", 30)
    with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 31
    assert {len(row) for row in rows} == {20}


def test_minigrad_is_measured_and_shown_beside_the_size_of_the_file(monkeypatch):
    monkeypatch.setattr("benchmarks.reading.find_spec", lambda name: name == "minigrad")
    reading, mixed = measure_reading(rows=200, rounds=2)
    assert (reading.reader, reading.rows, mixed.reader) == ("minigrad", 200, "mixed")
    assert reading.seconds[0] > 0
    assert "200 rows of 20 columns" in render_reading([reading])
