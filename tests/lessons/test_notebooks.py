"""The notebooks of the lessons have the code of the pages, and it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.lessons.notebooks import notebook, write_notebooks

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "docs" / "lessons").glob("[0-9]*.md"))


def code(made: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_notebook_has_every_block_of_its_page_and_all_of_its_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    made = notebook(text)
    assert code(made) == [block.strip("\n") for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)]
    told = "\n".join("".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "markdown")
    outside = re.sub(r"^```(python|text)\n.*?^```", "", text, flags=re.M | re.S)
    assert [line for line in outside.splitlines() if line.startswith("## ") and line not in told] == []
    assert made["cells"][0]["source"][0].startswith("# ")


def test_the_cells_of_a_notebook_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebooks(tmp_path)
    for folder in ("configs", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    assert len(list(tmp_path.glob("*.ipynb"))) == len(LESSONS)
    for name in ("0_play", "1_the_weighted_sum", "3_backpropagation_by_hand"):
        scope: dict[str, object] = {"__name__": "notebook"}
        for block in code(json.loads((tmp_path / f"{name}.ipynb").read_text(encoding="utf-8"))):
            exec(compile(block, name, "exec"), scope)
        assert capsys.readouterr().out
