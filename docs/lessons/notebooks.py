"""The lessons as Jupyter notebooks, generated from their pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)


def notebook(text: str) -> dict[str, Any]:
    """Return the notebook (nbformat 4.5) of a page, with its Python as code cells and without output.

    Links to pictures and pages stay relative, so the notebook must be next to the page.
    """
    cells = []
    end = 0
    for block in _BLOCK.finditer(text):
        cells += [_cell("markdown", text[end : block.start()]), _cell("code", block[1])]
        end = block.end()
    cells.append(_cell("markdown", text[end:]))
    kept = [cell | {"id": f"cell-{i}"} for i, cell in enumerate(cells) if cell["source"]]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": kept, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write_notebooks(folder: Path) -> None:
    """Write the notebook of each lesson into a folder."""
    for page in sorted(HERE.glob("[0-9]*.md")):
        made = notebook(page.read_text(encoding="utf-8"))
        (folder / f"{page.stem}.ipynb").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def on_post_build(config: Any) -> None:
    """Write the notebooks next to the lessons of the site, as a hook of MkDocs."""
    write_notebooks(Path(config.site_dir) / "lessons")


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "metadata": {}, "source": source.strip("\n").splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
