"""What the README and the pages of docs/ show is true: their Python runs, their configs are sound, their links lead."""

import re
from pathlib import Path

import pytest

from minigrad.config import load_plan
from minigrad.training.experiment import Experiment, known_classes

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    for folder in ("configs", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_whole_config_on_a_page_is_sound(page, tmp_path):
    for i, block in enumerate(blocks(page, "yaml")):
        if re.search(r"^name:", block, re.MULTILINE):
            (tmp_path / f"{i}.yaml").write_text(block, encoding="utf-8")
            assert load_plan(tmp_path / f"{i}.yaml", Experiment, known_classes(ROOT))["name"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:", target):
            assert (page.parent / target).exists(), target
