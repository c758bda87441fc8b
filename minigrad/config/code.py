"""Source files of classes: declarations, imports and copies."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

FOLDER = "models"
"""The name of the folder of a user's classes, and of its package in their imports."""

PACKAGES = (FOLDER, f"minigrad.{FOLDER}", "code")
"""The packages of the user's files, of the shipped files, and of the files in a run's `code/`."""

_PARSING = threading.Lock()
"""Held by `_tree`, because CPython 3.11 and 3.12 share one recursion counter among all threads' `ast.parse`."""


def declared_classes(path: Path) -> dict[str, list[str]]:
    """Return a file's public classes with their bases' names.

    The name of a base is the last word of its dotted name.

    Raises:
        OSError: if the file cannot be read.
        SyntaxError, ValueError, RecursionError: if it is not valid Python.
    """
    found: dict[str, list[str]] = {}
    for statement in _tree(path).body:
        if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
            bases = [ast.unparse(base).rpartition(".")[2] for base in statement.bases]
            found.setdefault(statement.name, []).extend(bases)
    return found


def code_of(classes: Iterable[type]) -> dict[str, bytes]:
    """Return the `models/` files of classes, and their imports.

    The result has the content of each file, by name. If two files in different folders have the same name, the second
    is renamed.
    """
    modules = [cls.__module__ for cls in classes if cls.__module__.rpartition(".")[0] in PACKAGES]
    files = [Path(file) for name in modules if (file := getattr(sys.modules.get(name), "__file__", None))]
    copies: dict[str, bytes] = {}
    for path in with_imports(files):
        content, name = path.read_bytes(), path.name
        while copies.get(name, content) != content:
            name = f"other_{name}"
        copies[name] = content
    return copies


def with_imports(paths: Sequence[Path]) -> list[Path]:
    """Return files and the neighbors that they import.

    For example by `from models.blocks import Block` or `from .blocks import Block`.
    """
    found = list(dict.fromkeys(paths))
    for path in found:
        found += [each for each in _imports_of(path) if each not in found]
    return found


def identical_file(path: Path, folders: Sequence[Path]) -> Path | None:
    """Return the file that is identical to `path`.

    It is in one of the folders. All files that the two import must be identical, too.
    """
    for folder in folders:
        for other in sorted(folder.glob("*.py")):
            if _same(path, other) and all(_same(each, folder / each.name) for each in with_imports([path])[1:]):
                return other
    return None


@contextmanager
def models_from(folder: Path) -> Iterator[None]:
    """Within the block, import `models` from `folder`.

    Any other package of this name is hidden.
    """
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == FOLDER}
    for name in before:
        del sys.modules[name]
    sys.modules[FOLDER] = ModuleType(FOLDER)
    sys.modules[FOLDER].__path__ = [str(folder)]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == FOLDER]:
            del sys.modules[name]
        sys.modules.update(before)


def _tree(path: Path) -> ast.Module:
    # Without the lock, two threads may fail with "SystemError: AST constructor recursion depth mismatch".
    source = path.read_bytes()
    with _PARSING:
        return ast.parse(source, str(path))


def _imports_of(path: Path) -> list[Path]:
    try:
        tree = _tree(path)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, [FOLDER if node.level else "", node.module]))
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    stems = sorted({name.split(".")[1] for name in names if name.startswith(f"{FOLDER}.")})
    return [file for stem in stems if (file := path.with_name(f"{stem}.py")).is_file()]


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
