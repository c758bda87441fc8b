"""The Python of lessons and pages runs in the page, or says what it lacks there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playground import lesson

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in [*DOCS.glob("*.md"), *DOCS.glob("lessons/*.md")]
    if "```python\n" in path.read_text(encoding="utf-8")
)
ELSEWHERE = {"onnx", "pandas", "sklearn"}
"""What blocks import that is not for a browser tab."""

RUN = """\
import json, re, sys
from pathlib import Path
from playground import lesson

text = Path(sys.argv[1]).read_text(encoding="utf-8")
blocks = re.findall(r"^```python\\n(.*?)^```", text, re.M | re.S)
print(json.dumps([[block, lesson.run(block)] for block in blocks]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_in_it_or_say_which_package_they_lack(page: str, visit: Callable[..., str]) -> None:
    lacking = False
    for block, result in json.loads(visit(RUN, str(DOCS / page)).splitlines()[-1]):
        assert result["error"] == "", block
        lacking = lacking or any(f"import {name}" in block or f"from {name}" in block for name in ELSEWHERE)
        lacking = lacking or 'open("configs/' in block  # of a clone
        assert lacking or not result["lacks"], (block, result["lacks"])


@pytest.fixture
def nothing_lacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "_lacked", [])


@pytest.mark.usefixtures("nothing_lacked")
def test_a_block_says_which_file_or_package_it_lacks_and_so_does_one_that_needs_its_names() -> None:
    assert lesson.run("unheard_of + 1")["error"] == "line 1: NameError: name 'unheard_of' is not defined"
    assert "days.csv" in lesson.run("days = open('days.csv')")["lacks"]
    assert "no_such_package" in lesson.run("import no_such_package")["lacks"]
    after = lesson.run("for day in days: print(day)")
    assert (after["error"], after["lacks"]) == ("", "NameError: name 'days' is not defined")
