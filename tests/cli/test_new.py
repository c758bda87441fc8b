"""Folders that train at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.cli.new import templates

ROOT = Path(__file__).parents[2]

SHORT = {
    "digits": ["trainer.max_epochs=3"],
    "table": ["trainer.max_epochs=3"],
    "images": ["trainer.max_epochs=1"],
    "text": ["trainer={max_steps: 4, val_every: 4}", "schedule=null"],
    "series": ["trainer.max_epochs=1"],
    "layer": ["trainer.max_epochs=3"],
}


def test_there_is_a_template_for_each_kind_of_data():
    assert templates() == sorted(SHORT)


@pytest.mark.parametrize("template", SHORT)
def test_what_a_template_makes_trains_and_its_tests_pass(template, tmp_path, monkeypatch, capsys):
    if template == "images":
        pytest.importorskip("PIL", reason="folders of images need Pillow")
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine", "--from", template]) == 0
    assert capsys.readouterr().out.endswith("cd mine && minigrad train\n")
    made = [path for path in (tmp_path / "mine").rglob("*") if path.is_file() and path.suffix != ".png"]
    assert not any("__NAME__" in f"{path} {path.read_text(encoding='utf-8')}" for path in made)
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["train", *SHORT[template]]) == 0
    results = json.loads(capsys.readouterr().out)
    assert (results["run"], results["status"]) == (str(Path("runs/mine/0001")), "done")
    assert len((tmp_path / "mine" / "README.md").read_text().splitlines()) <= 7
    if (tmp_path / "mine" / "tests").is_dir():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["a", "of_eight", "a_name_of_many_letters"])
@pytest.mark.parametrize("template", sorted(set(SHORT) - {"images"}))
def test_the_comments_of_a_readme_line_up_whatever_the_name(template, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", name, "--from", template]) == 0
    title, empty, *commands = Path(name, "README.md").read_text(encoding="utf-8").splitlines()
    assert (title, empty) == (f"# {name}", "")
    commented = [line for line in commands if " # " in line]
    (column,) = {line.index(" # ") for line in commented}
    assert all(line[column - 3 : column] == "   " for line in commented)
    assert any(line[column - 4] != " " for line in commented)


def test_a_template_names_the_folder_where_no_other_name_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "digits"]) == 0
    assert (tmp_path / "digits" / "digits.yaml").read_text(encoding="utf-8").count("name: digits\n") == 1


def test_a_config_of_a_template_trains_from_the_folder_above_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["new", "houses", "--from", "table"])
    assert main(["train", "houses/houses.yaml", "trainer.max_epochs=1"]) == 0
    run = json.loads(capsys.readouterr().out.splitlines()[-1])["run"]
    assert "path: houses/houses.csv" in Path(run, "config.yaml").read_text(encoding="utf-8")
    assert main(["evaluate", run]) == 0


def test_the_images_of_a_template_are_drawn_and_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "images"]) == 0
    images = list((tmp_path / "images" / "digits").rglob("*.png"))
    assert f"{Path('images/digits')}: {len(images)} images, a folder for each class" in capsys.readouterr().out
    assert {path.parent.name for path in images} == set("0123456789")


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_nothing_is_written_over(there, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made = {"file": Path.touch, "folder": Path.mkdir, "link": lambda path: path.symlink_to("nowhere")}[there]
    made(tmp_path / "digits")
    assert main(["new", "digits"]) == 2
    assert "digits already exists and is not overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_a_template_that_cannot_be_copied_leaves_nothing(tmp_path, monkeypatch, capsys):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "a file")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", full)
    assert main(["new", "table"]) == 1
    assert list(tmp_path.iterdir()) == []
