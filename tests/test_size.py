"""The size of the code: what is to be read in an evening, and no long file."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "minigrad" / "engine"
MECHANISM = [*(ENGINE / f"{name}.py" for name in ("primitive", "apply", "backward")), ROOT / "minigrad/ops/several.py"]
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of_code(source: str) -> int:
    """The lines that hold anything but blanks, comments and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for token in tokens if token.type not in SILENT for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_blanks_comments_and_docstrings_are_no_code():
    assert (
        lines_of_code(
            '"""A\nmodule."""\n\n# why\nx = (1,\n     2)\n\n\ndef f():\n    """Does."""\n    return """a\nb"""\n'
        )
        == 5
    )


@pytest.mark.parametrize(
    ("files", "most"),
    [
        pytest.param(MECHANISM, 530, id="an operation: declared, applied, differentiated"),
        pytest.param(sorted(ENGINE.glob("*.py")), 1700, id="the engine"),
        pytest.param([ROOT / "minigrad" / "scalar.py"], 110, id="Scalar"),
        pytest.param([ROOT / "minigrad" / "training" / "trainer.py"], 220, id="the training loop and its settings"),
    ],
)
def test_what_is_read_first_stays_small(files, most):
    assert sum(lines_of_code(file.read_text(encoding="utf-8")) for file in files) <= most


def test_no_file_has_more_than_400_lines():
    folders = ("minigrad", "models", "tests", "benchmarks", "docs")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 400
    assert [str(file) for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 400] == []
