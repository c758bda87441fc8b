"""What the README and the pages of docs/ show is true: their Python runs, their configs are sound, their links lead."""

import re
from pathlib import Path

import pytest

import minigrad
from minigrad.config import load_plan
from minigrad.training.experiment import Experiment, known_classes

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom_and_prints_what_stands_below(page, tmp_path, monkeypatch, capsys):
    for folder in ("configs", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    text = page.read_text(encoding="utf-8")
    for block, below in re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(page), "exec"), names)
        printed = capsys.readouterr().out
        assert printed == below or not below


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "extending.md"], ids=lambda page: page.name)
def test_a_whole_config_on_a_page_is_sound(page, tmp_path):
    for block in blocks(page, "yaml"):
        if name := re.search(r"^name: (\w+)$", block, re.MULTILINE):
            path = tmp_path / f"{name[1]}.yaml"  # so that a block may say `base:` of one above
            path.write_text(block, encoding="utf-8")
            assert load_plan(path, Experiment, known_classes(ROOT))["name"] == name[1]


def test_the_classes_of_the_page_on_extending_are_known_by_name_and_learn_together(tmp_path):
    page = ROOT / "docs" / "extending.md"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    (tmp_path / "rings.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    results = minigrad.load(tmp_path / "rings.yaml", home=tmp_path).fit()
    assert results["test/accuracy"] > 0.9
    assert results["steps"] < 20 * 6  # the callback has ended it
    assert 0.5 < results["test/confidence"] <= 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:", target):
            assert (page.parent / target).exists(), target
