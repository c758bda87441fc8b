"""Files that are whole or absent."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.formats.atomic import new_folder, remove_unfinished, replacing, write_durably

ROOT = Path(__file__).parents[2]


def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(TypeError, match="bytes-like"), replacing(tmp_path / "x") as file:
        file.writelines([b"half of the ne", "w"])
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_the_old_file_is_there_until_the_block_ends(tmp_path):
    (tmp_path / "x").write_bytes(b"old")
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "x").read_bytes() == b"old"
    assert (tmp_path / "x").read_bytes() == b"new"


def test_a_directory_that_is_gone_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone/x'"):
        write_durably(tmp_path / "gone" / "x", b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows opens no directories")
def test_the_whole_file_is_synced_before_it_takes_its_name_and_its_directory_after(tmp_path, monkeypatch):
    done = []
    fsync, replace, close = os.fsync, os.replace, os.close

    def sync(descriptor):
        status = os.fstat(descriptor)
        is_directory = stat.S_ISDIR(status.st_mode)
        done.append(("directory", descriptor) if is_directory else ("file", status.st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    monkeypatch.setattr(os, "close", lambda descriptor: (done.append(("close", descriptor)), close(descriptor)))
    write_durably(tmp_path / "x", b"content")
    directory = done[2][1]
    assert done == [("file", len(b"content")), "rename", ("directory", directory), ("close", directory)]


def test_what_is_half_written_is_removed_for_a_process_that_is_to_end_at_once(tmp_path):
    with new_folder(tmp_path / "folder") as part, replacing(tmp_path / "file") as file:
        file.write(b"half")
        assert sorted(os.listdir(tmp_path)) == ["file.part", "folder.part"]
        remove_unfinished()
        assert os.listdir(tmp_path) == []
        part.mkdir()
        (tmp_path / "file.part").write_bytes(b"")  # for the ends of the blocks
    remove_unfinished()
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_what_was_written_is_not_abandoned_later(tmp_path):
    write_durably(tmp_path / "x", b"")
    with new_folder(tmp_path / "y"):
        pass
    for name in ("x.part", "y.part"):
        (tmp_path / name).write_bytes(b"of another")
    remove_unfinished()
    assert sorted(os.listdir(tmp_path)) == ["x", "x.part", "y", "y.part"]


SECOND = """\
import os, signal, sys
from pathlib import Path
from minigrad.formats.atomic import replacing
from minigrad.training.signals import finish_on_signal

with finish_on_signal(lambda: None), replacing(Path("x")) as file:
    file.write(b"half")
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_second_signal_within_a_write_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "x").write_bytes(b"old")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SECOND], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 128 + 15
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_folder_gets_its_name_when_it_is_whole_and_nothing_stays_of_one_that_is_not(tmp_path):
    (tmp_path / "made.part").mkdir()  # of a process that was killed
    with new_folder(tmp_path / "made") as part:
        (part / "file").write_text("new")
        assert not (tmp_path / "made").exists()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["file"]

    def interrupted():
        with new_folder(tmp_path / "other") as part:
            (part / "file").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_is_there_is_left_alone_unless_it_is_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as part:
        (part / "file").write_text("new")
    with pytest.raises(FileExistsError, match="empty"), new_folder(tmp_path / "empty"):
        raise AssertionError("nothing is written")
    assert (tmp_path / "empty" / "file").read_text() == "new"
