import socket

import pytest

from minigrad.data import DataError
from minigrad.data.download import fetch

CONTENT = bytes(range(256)) * 40


def is_the_content(path):
    if path.read_bytes() != CONTENT:
        raise DataError(f"{path.name} is not the content")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "file"


def test_a_file_is_fetched_into_a_new_folder(mirror, path):
    mirror.files["file"] = CONTENT
    fetch(f"{mirror.url}file", path, is_the_content)
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_broken_transfer_is_told_and_resumed(mirror, path):
    mirror.files["file"] = CONTENT
    mirror.break_after = 1000
    with pytest.raises(DataError, match=r"could not be fetched from .*run again, and it goes on from what has come"):
        fetch(f"{mirror.url}file", path, is_the_content)
    assert not path.exists()
    fetch(f"{mirror.url}file", path, is_the_content)
    assert path.read_bytes() == CONTENT
    assert mirror.asked == [("file", None), ("file", "bytes=1000-")]


def test_a_server_that_cannot_resume_sends_it_all_again(mirror, path):
    mirror.files["file"] = CONTENT
    mirror.break_after = 1000
    with pytest.raises(DataError):
        fetch(f"{mirror.url}file", path, is_the_content)
    mirror.ranges = False
    fetch(f"{mirror.url}file", path, is_the_content)
    assert path.read_bytes() == CONTENT


def test_a_run_that_ended_before_the_last_step_is_finished(mirror, path):
    mirror.files["file"] = CONTENT
    path.parent.mkdir()
    path.with_name("file.part").write_bytes(CONTENT)
    fetch(f"{mirror.url}file", path, is_the_content)
    assert path.read_bytes() == CONTENT
    assert not path.with_name("file.part").exists()


def test_a_wrong_piece_from_before_is_thrown_away(mirror, path):
    mirror.files["file"] = CONTENT
    path.parent.mkdir()
    path.with_name("file.part").write_bytes(b"something else")
    fetch(f"{mirror.url}file", path, is_the_content)
    assert path.read_bytes() == CONTENT


def test_wrong_content_is_deleted(mirror, path):
    mirror.files["file"] = b"wrong"
    with pytest.raises(DataError, match=r"does not give the right file, and it was deleted: file.part is not"):
        fetch(f"{mirror.url}file", path, is_the_content)
    assert list(path.parent.iterdir()) == []


def test_a_file_that_the_server_lacks_is_told(mirror, path):
    with pytest.raises(DataError, match=r"could not be fetched from .*404"):
        fetch(f"{mirror.url}file", path, is_the_content)
    assert list(path.parent.iterdir()) == []


def test_a_server_that_does_not_answer_is_told(path):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}/file"
        with pytest.raises(DataError, match="could not be fetched from"):
            fetch(url, path, is_the_content)


def test_a_folder_that_cannot_be_made_is_told(mirror, tmp_path):
    mirror.files["file"] = CONTENT
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(DataError, match="could not be fetched"):
        fetch(f"{mirror.url}file", tmp_path / "taken" / "file", is_the_content)
