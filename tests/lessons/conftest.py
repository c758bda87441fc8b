import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

LESSONS = Path(__file__).parents[2] / "docs" / "lessons"


class Page(NamedTuple):
    text: str
    blocks: list[str]
    names: dict[str, Any]


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    """Reads a lesson by its file's name: its text, its blocks of Python, and the names that these leave behind."""

    def read(name: str) -> Page:
        text = (LESSONS / name).read_text(encoding="utf-8")
        page = Page(text, re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL), {})
        for block in page.blocks:
            exec(compile(block, name, "exec"), page.names)
        return page

    return read
