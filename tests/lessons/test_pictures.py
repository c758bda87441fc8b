"""What `python -m docs.lessons` draws, what the folder holds and what the pages show are the same pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

from docs.lessons.__main__ import FOLDER, main
from docs.lessons.digit_network import trained
from docs.lessons.figures import LESSONS

PAGES = {int(page.name.split("_")[0]): page for page in FOLDER.parent.glob("[0-9]_*.md")}
MOST_BYTES = 150_000


def names(number: int) -> list[str]:
    return [f"{number}_{picture.__name__}.svg" for picture in LESSONS[number]]


@pytest.mark.parametrize("number", LESSONS)
def test_a_page_shows_each_picture_of_its_lesson_once_and_in_order(number):
    shown = re.findall(r"!\[[^\]]+\]\(pictures/(\S+)\)", PAGES[number].read_text(encoding="utf-8"))
    assert shown == names(number)


def test_the_folder_holds_the_pictures_of_all_lessons_and_no_others():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(name for n in LESSONS for name in names(n))


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_a_picture_is_no_larger_than_a_page_should_load(path):
    assert path.read_bytes().startswith((b"<?xml", b"<svg"))
    assert path.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_command_draws_the_pictures_of_a_lesson_the_same_each_time(number, tmp_path, capsys):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        assert main([str(number), "--out", str(folder)]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert [Path(line).name for line in printed] == names(number)
    for name in names(number):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_a_lesson_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["9"])
    assert exit.value.code == 2
    assert "there is no lesson 9; there are: 1," in capsys.readouterr().err


def test_without_matplotlib_the_command_says_what_to_install():
    code = "import sys; sys.modules['matplotlib'] = None; from docs.lessons.__main__ import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[2], capture_output=True, text=True)
    assert done.returncode == 2
    assert "figures need matplotlib, which is not installed: pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_mnist_is_missing_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    trained.cache_clear()
    assert main(["4", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert [Path(line).name for line in told.out.splitlines()] == ["4_sigmoid.svg"]
    assert "train-images-idx3-ubyte: no such file" in told.err
