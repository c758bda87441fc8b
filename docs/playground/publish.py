"""A hook of MkDocs that puts minigrad itself beside the playground, as the archive that the page loads."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDERS = {"minigrad": ROOT, "models": ROOT, "configs": ROOT, "docs/lessons": ROOT, "docs/playground": ROOT / "docs"}
"""What is packed, and what its paths in the archive are relative to."""

_ONNX = (
    "build", "call", "check", "elementwise", "graph", "indexing", "layers", "reductions", "sequences", "shapes",
    "sizes", "table", "texts",
)  # fmt: skip
LEFT_OUT = (
    "docs/lessons/__main__",
    "docs/lessons/figures",
    "docs/lessons/notebooks",
    "minigrad/cli/drafts",
    "minigrad/cli/new",
    "minigrad/cli/sweep",
    "minigrad/cli/templates",
    *(f"minigrad/formats/onnx/{name}" for name in _ONNX),
    "minigrad/parallel/mpi",
    "minigrad/plots",
    "minigrad/sklearn",
    "minigrad/training/search",
)
"""The modules and packages that a page cannot use: it has no other processes, no terminal, and only NumPy of the
packages that they need. None of them is imported before it is used."""


def on_post_build(config: Any) -> None:
    """Writes the archive into the site."""
    write_archive(Path(config.site_dir) / "playground" / "minigrad.tar.bz2")


def write_archive(path: Path) -> None:
    """Packs the package with `models/` and `configs/` beside it, as in a clone, and the Python of the pages.

    Files of one stream share what they have in common, and bzip2 packs text better than gzip: that is little more
    than half of the wheel. The same files make the same bytes.
    """
    left_out = {ROOT / name for name in LEFT_OUT}
    with tarfile.open(path, "w:bz2") as archive:
        for folder, above in FOLDERS.items():
            for file in sorted((ROOT / folder).rglob("*")):
                is_wanted = left_out.isdisjoint({file.with_suffix(""), *file.parents})
                if is_wanted and file.suffix in (".py", ".npz", ".html", ".yaml"):
                    archive.add(file, file.relative_to(above), filter=_undated)


def _undated(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Forgets when and by whom a file was written."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
