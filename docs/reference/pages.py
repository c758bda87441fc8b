"""A hook of MkDocs that adds the pages which are made from the code: the reference, and the files that pages link to.

A link may lead to code, as it does for those who read the repository. On the site, a link to a room such as
`../minigrad/nn` leads to its reference, and a link to a file to a page that shows the file; on the first page of the
reference, all lead to the reference.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
ROOMS = (  # what is in several stands in the first
    "minigrad.scalar",
    "minigrad",
    "minigrad.engine",
    "minigrad.engine.random",
    "minigrad.func",
    "minigrad.ops",
    "minigrad.nn",
    "minigrad.nn.init",
    "minigrad.optim",
    "minigrad.data",
    "minigrad.data.tokenizers",
    "minigrad.config",
    "minigrad.metrics",
    "minigrad.parallel",
    "minigrad.formats",
    "minigrad.runs",
    "minigrad.training",
    "minigrad.inference",
    "minigrad.plots",
    "minigrad.sklearn",
)
LANGUAGES = {".py": "python", ".yaml": "yaml"}
FIRST = "reference/index.md"
_CODE = re.compile(r"(?<=\]\()(?:\.\./[^)#\s]+|[^):#\s]+\.py)")  # the target of a link that goes up, or to a .py beside


def on_files(files: Files, config: Any) -> None:
    """Adds the pages to those that are written by hand."""
    pages = {f"reference/{room}.md": text for room, text in _references().items()}
    written = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for page, text in (written | pages).items():
        for target in _CODE.findall(text):
            path = _path(page, target)
            if path.is_file() and page != FIRST and not _is_page(path):
                pages[_shown(path, page)] = _listing(path)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Leads the links to code to the pages that stand for what they name."""
    here = page.file.src_uri

    def inward(target: re.Match[str]) -> str:
        path = _path(here, target[0])
        return target[0] if _is_page(path) else relpath(_shown(path, here), dirname(here))

    return _CODE.sub(inward, markdown)


def _path(page: str, target: str) -> Path:
    """The file or folder that a link on a page of docs/ names."""
    return ROOT / normpath(join("docs", dirname(page), target))


def _is_page(path: Path) -> bool:
    """Whether the site has a file of docs/ as it is."""
    return path.is_relative_to(ROOT / "docs") and path.suffix not in LANGUAGES


def _shown(path: Path, page: str) -> str:
    """The page that shows a file or a room to those who come from another page."""
    name = path.relative_to(ROOT)
    if path.is_file() and page != FIRST:
        return f"source/{name.as_posix()}.md"
    return f"reference/{'.'.join(name.with_suffix('').parts)}.md"


def _listing(path: Path) -> str:
    """A page that shows a file, and is left out of the search."""
    name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    head = "---\nsearch: {exclude: true}\nhide: [navigation, toc]\n---\n"
    return f"{head}# {name}\n\n`````{LANGUAGES[path.suffix]}\n{text}`````\n"


def _references() -> dict[str, str]:
    """The page of each room: what it says of itself, and its names by the file that they are from."""
    loader = griffe.GriffeLoader(search_paths=[ROOT])
    loader.load("minigrad")
    code = loader.modules_collection
    listed: set[str] = set()
    pages = {}
    for room in ROOMS:
        files: dict[str, list[str]] = {room: []}
        for path in _public(code, room):
            if path not in listed:
                files.setdefault(path.rpartition(".")[0], []).append(path)
                listed.add(path)
        lines = [f"# {room}", _told(code[room])]
        for module, paths in files.items():
            if module != room:
                lines += [f"## {module.removeprefix('minigrad.')}", _told(code[module])]
            lines += [f"::: {path}" for path in paths]
        pages[room] = "\n\n".join(lines)
    return pages


def _told(module: griffe.Module) -> str:
    """What a file says of itself in its first paragraph, with a link to the rest."""
    what = module.docstring.value.split("\n\n")[0] if module.docstring else ""
    return f"{what} [Code](../../{module.filepath.relative_to(ROOT).as_posix()})."


def _public(code: griffe.ModulesCollection, room: str) -> list[str]:
    """The paths of what a room is for: what `__all__` says, or else all of a package, and what a file defines."""
    module = code[room]
    defined = [name for name, member in module.members.items() if isinstance(member, (griffe.Class, griffe.Function))]
    imported = [name for name, source in module.imports.items() if source.startswith("minigrad.")]
    names = [name for name in [*imported, *defined] if not name.startswith("_")]
    if module.exports is not None:
        names = [name for name in names if name in module.exports]
    elif not module.is_init_module:
        names = [name for name in names if name not in module.imports]
    paths = [_origin(code, f"{room}.{name}") for name in names]
    return [path for path in paths if not code[path].is_module]


def _origin(code: griffe.ModulesCollection, path: str) -> str:
    """Where that is defined which a module imports under a name."""
    module, _, name = path.rpartition(".")
    source = code[module].imports.get(name, path) if module else path
    return path if source == path else _origin(code, source)
