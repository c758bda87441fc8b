"""A hook of MkDocs that packs minigrad into an archive, which the playground loads."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDERS = {"minigrad": ROOT, "models": ROOT, "configs": ROOT, "docs/lessons": ROOT, "docs/playground": ROOT / "docs"}
"""The packed folders, and the folders that their paths in the archive are relative to."""

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
"""The modules and packages that a page cannot use, because it has no other processes, no terminal, and no third-party
packages except NumPy. They are only imported when used."""


def on_post_build(config: Any) -> None:
    """Write the archive into the site."""
    write_archive(Path(config.site_dir) / "playground" / "minigrad.tar.bz2")


def write_archive(path: Path) -> None:
    """Pack the package, `models/` and `configs/`, as in a clone, and the Python code of the pages.

    A tar archive with bzip2 is little more than half as large as the wheel, since it compresses the files together. The
    bytes are reproducible.
    """
    left_out = {ROOT / name for name in LEFT_OUT}
    with tarfile.open(path, "w:bz2") as archive:
        for folder, above in FOLDERS.items():
            for file in sorted((ROOT / folder).rglob("*")):
                is_wanted = left_out.isdisjoint({file.with_suffix(""), *file.parents})
                if is_wanted and file.suffix in (".py", ".npz", ".html", ".yaml"):
                    archive.add(file, file.relative_to(above), filter=_undated)


def _undated(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the time and owner of a file."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
