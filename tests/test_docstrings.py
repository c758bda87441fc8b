"""First lines of docstrings: short, so that lists of names and of files can show them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [file for folder in ("minigrad", "models") for file in sorted((ROOT / folder).rglob("*.py"))]
MOST = 10
"""Words of a first line."""


def first_lines(source: str) -> Iterator[tuple[str, str]]:
    """The names of a module's public parts, and the first lines of their docstrings; that of the module has no name."""

    def parts(node: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield prefix, text.partition("\n")[0]
        for child in getattr(node, "body", []):
            if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
                yield from parts(child, f"{prefix}.{child.name}".lstrip("."))

    return parts(ast.parse(source), "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_first_line_is_a_sentence_of_at_most_ten_words(file):
    lines = dict(first_lines(file.read_text(encoding="utf-8")))
    assert {name: line for name, line in lines.items() if len(line.split()) > MOST or line[-1] not in ".:?"} == {}


def test_functions_within_functions_and_private_names_need_none():
    source = (
        '"""M."""\nclass A:\n    """C."""\n    def f(self):\n        """F."""\n    def _g(self):\n        """G."""\n'
    )
    assert dict(first_lines(source)) == {"": "M.", "A": "C.", "A.f": "F."}
