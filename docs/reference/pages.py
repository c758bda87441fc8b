"""An MkDocs hook that adds the reference and pages that show source files.

In the repository, a link on a page may lead to code. On the site, a link to a package such as `../minigrad/nn` leads to
its reference, and a link to a file to a page that shows the file. On the first page of the reference, links to files
lead to the reference too.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
MODULES = (  # a name that several export is on the page of the first
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
    """Add the generated pages to those that are written by hand."""
    pages = {f"reference/{module}.md": text for module, text in _references().items()}
    written = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for page, text in (written | pages).items():
        for target in _CODE.findall(text):
            path = _path(page, target)
            if path.is_file() and page != FIRST and not _is_page(path):
                pages[_shown(path, page)] = _listing(path)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Redirect links to code to the generated pages."""
    here = page.file.src_uri

    def inward(target: re.Match[str]) -> str:
        path = _path(here, target[0])
        return target[0] if _is_page(path) else relpath(_shown(path, here), dirname(here))

    return _CODE.sub(inward, markdown)


def _path(page: str, target: str) -> Path:
    """Return the file or folder that a link on a page of docs/ leads to."""
    return ROOT / normpath(join("docs", dirname(page), target))


def _is_page(path: Path) -> bool:
    """Return whether the site contains a file of docs/ unchanged."""
    return path.is_relative_to(ROOT / "docs") and path.suffix not in LANGUAGES


def _shown(path: Path, page: str) -> str:
    """Return the page that shows a file or a module to readers of another page."""
    name = path.relative_to(ROOT)
    if path.is_file() and page != FIRST:
        return f"source/{name.as_posix()}.md"
    return f"reference/{'.'.join(name.with_suffix('').parts)}.md"


def _listing(path: Path) -> str:
    """Return a page that shows a file, and that the search leaves out."""
    name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    head = "---\nsearch: {exclude: true}\nhide: [navigation, toc]\n---\n"
    return f"{head}# {name}\n\n`````{LANGUAGES[path.suffix]}\n{text}`````\n"


def _references() -> dict[str, str]:
    """Return the reference page of each module: its description, and its public names by the file that defines them."""
    loader = griffe.GriffeLoader(search_paths=[ROOT])
    loader.load("minigrad")
    code = loader.modules_collection
    listed: set[str] = set()
    pages = {}
    for name in MODULES:
        files: dict[str, list[str]] = {name: []}
        for path in _public(code, name):
            if path not in listed:
                files.setdefault(path.rpartition(".")[0], []).append(path)
                listed.add(path)
        lines = [f"# {name}", _description(code[name])]
        for module, paths in files.items():
            if module != name:
                lines += [f"## {module.removeprefix('minigrad.')}", _description(code[module])]
            lines += [f"::: {path}" for path in paths]
        pages[name] = "\n\n".join(lines)
    return pages


def _description(module: griffe.Module) -> str:
    """Return the first paragraph of a module's docstring, with a link to the code."""
    what = module.docstring.value.split("\n\n")[0] if module.docstring else ""
    return f"{what} [Code](../../{module.filepath.relative_to(ROOT).as_posix()})."


def _public(code: griffe.ModulesCollection, path: str) -> list[str]:
    """Return the paths of a module's public names: `__all__`, or else all of a package, or what a file defines."""
    module = code[path]
    defined = [name for name, member in module.members.items() if isinstance(member, (griffe.Class, griffe.Function))]
    imported = [name for name, source in module.imports.items() if source.startswith("minigrad.")]
    names = [name for name in [*imported, *defined] if not name.startswith("_")]
    if module.exports is not None:
        names = [name for name in names if name in module.exports]
    elif not module.is_init_module:
        names = [name for name in names if name not in module.imports]
    origins = [_origin(code, f"{path}.{name}") for name in names]
    return [origin for origin in origins if not code[origin].is_module]


def _origin(code: griffe.ModulesCollection, path: str) -> str:
    """Return the path where a name that a module may import is defined."""
    module, _, name = path.rpartition(".")
    source = code[module].imports.get(name, path) if module else path
    return path if source == path else _origin(code, source)
