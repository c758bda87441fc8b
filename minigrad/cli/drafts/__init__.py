"""Draft configs for a user's own data."""

from __future__ import annotations

from pathlib import Path

from minigrad.cli.drafts.arrays import draft_arrays, draft_npy, draft_text
from minigrad.cli.drafts.columns import is_divided
from minigrad.cli.drafts.draft import Draft
from minigrad.cli.drafts.images import draft_idx, draft_images, is_idx, is_image_folder
from minigrad.cli.drafts.tables import draft_csv
from minigrad.data import DataError
from minigrad.data.pictures import SUFFIXES

__all__ = ["KINDS", "Draft", "draft_of"]

KINDS = ("images", "series", "table", "text")
"""The kinds of data, which `--from` names instead of a guess."""

_CSV = (".csv", ".tsv", ".tab")
_OTHERS = {
    ".xlsx": "save it as CSV, in Excel as 'CSV UTF-8'",
    ".xls": "save it as CSV, in Excel as 'CSV UTF-8'",
    ".ods": "save it as CSV",
    ".parquet": "save it as CSV, or give its data frame to Table in Python",
    ".feather": "save it as CSV, or give its data frame to Table in Python",
    ".json": "save it as CSV: pandas.read_json(FILE).to_csv(CSV, index=False)",
    ".jsonl": "save it as CSV: pandas.read_json(FILE, lines=True).to_csv(CSV, index=False)",
    ".zip": "unpack it, and name what is in it",
    ".tar": "unpack it, and name what is in it",
    ".pkl": "a pickle can run code, and is not read: save arrays by np.savez, data frames as CSV",
    ".mat": "save its arrays by np.savez(FILE, inputs=..., targets=...)",
    ".h5": "save its arrays by np.savez(FILE, inputs=..., targets=...)",
    **dict.fromkeys(SUFFIXES, "name the folder that has one folder of images for each class"),
}


def draft_of(path: Path, target: str | None = None, kind: str | None = None) -> Draft:
    """Return a draft config for a file or folder.

    All of the data is inspected.

    Args:
        path: the file or folder.
        target: the column or array to predict.
        kind: one of `KINDS`; by default it is guessed.

    Raises:
        DataError: if the data cannot be used, or only its owner can resolve an ambiguity.
    """
    draft = _draft_of(path, target, kind)
    if target is not None and draft.dataset not in ("Table", "TextTable", "Windows", "Arrays"):
        raise DataError(f"{path}: --target names a column or an array, and {draft.dataset} has none: leave it out")
    return draft


def _draft_of(path: Path, target: str | None, kind: str | None) -> Draft:
    suffix = path.suffix.lower()
    if path.is_dir():
        return _of_folder(path, target, kind)
    if suffix in _OTHERS:
        raise DataError(f"{path}: {suffix} files are not read: {_OTHERS[suffix]}")
    if suffix == ".npz":
        return draft_arrays(path, target)
    if suffix == ".npy":
        return draft_npy(path, kind)
    if is_idx(path):
        return draft_idx(path)
    if kind == "images":
        raise DataError(f"{path}: expected a folder with one folder for each class, or IDX files, found a file")
    if suffix in _CSV or kind in ("table", "series") or target is not None or is_divided(path):
        return draft_csv(path, target, kind)
    return draft_text(path)


def _of_folder(path: Path, target: str | None, kind: str | None) -> Draft:
    if any(map(is_idx, path.iterdir())):
        return draft_idx(path)
    if kind != "images" and any(path.glob("*.npy")):
        return draft_arrays(path, target)
    if kind == "images" or is_image_folder(path):
        return draft_images(path)
    readable = [each.name for each in sorted(path.iterdir()) if each.suffix.lower() in (*_CSV, ".npz", ".txt")]
    found = f"; name one of its files: {', '.join(readable[:6])}" if readable else ""
    raise DataError(f"{path}: no folder of images with one folder for each class, of .npy or of IDX files{found}")
