import re
from pathlib import Path

import pytest

from minigrad.data import DataError
from minigrad.data.files import data_home, find, looking_in, reading


def test_large_data_is_looked_for_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert data_home() == tmp_path
    monkeypatch.delenv("MINIGRAD_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_home() == tmp_path / "cache" / "minigrad"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data_home() == Path.home() / ".cache" / "minigrad"


def test_a_file_is_found_here_before_where_large_data_is(monkeypatch, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "x.csv").write_text("there")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert find("x.csv").read_text() == "there"
    (tmp_path / "x.csv").write_text("here")
    assert find("x.csv").read_text() == "here"


def test_a_file_that_is_nowhere_is_refused_with_the_places_that_were_looked_at(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=rf"x\.csv: no such file or folder; looked in the current folder {tmp_path}, in {tmp_path}/home"
    ):
        find("x.csv")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("wind.csv", "wine.csv"), ("sub/hous.csv", "sub/house.csv"), ("../here/wine.cvs", "../here/wine.csv")],
)
def test_a_misspelled_path_is_answered_with_the_nearest_beside_the_config_too(wrong, meant, monkeypatch, tmp_path):
    for folder in ("here/sub", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("wine.csv", "sub/house.csv"):
        (tmp_path / "here" / name).touch()
    said = re.escape(f"; did you mean {Path(meant)}?") + "$"
    monkeypatch.chdir(tmp_path / "elsewhere")
    with looking_in([tmp_path / "here"]), pytest.raises(DataError, match=said):
        find(wrong)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(DataError, match=said):
        find(wrong)


def test_a_folder_is_no_file_that_can_be_read(tmp_path):
    with pytest.raises(DataError, match="cannot be read: "), reading(tmp_path):
        tmp_path.read_bytes()
