"""The playground in a real browser: a local server, Pyodide from a local folder, and Chromium without a window."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

ROOT = Path(__file__).parents[2]
OFFICIAL = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
CHROMIUM_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium() -> str | None:
    """The path of the browser; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Quiet(SimpleHTTPRequestHandler):
    extensions_map: ClassVar = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *args: Any) -> None:
        """Nothing: a test fails by what it sees."""


@pytest.fixture(scope="session")
def pyodide() -> Path:
    """A folder with Pyodide and its packages."""
    folder = loaded(Path(__file__).with_name("pyodide_folder.py"))
    try:
        return folder.folder()
    except folder.MissingError as missing:
        pytest.skip(f"Pyodide cannot be had: {missing}")


@contextmanager
def served(folder: Path, pyodide: Path) -> Iterator[str]:
    """Within the block, a site in a folder is at an address, and takes Pyodide from this machine."""
    (folder / "pyodide").symlink_to(pyodide)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_port}"
    for name, count in ("index.html", 2), ("js/address.js", 1):
        file = folder / "playground" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(OFFICIAL) == count
        file.write_text(text.replace(OFFICIAL, f"{address}/pyodide/"), encoding="utf-8")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def site(pyodide: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the whole site, built from docs/ with warnings as errors."""
    pytest.importorskip("mkdocs", reason="the site needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with served(folder, pyodide) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="the package playwright drives the browser")
    found = chromium()
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=found, headless=True, args=CHROMIUM_OPTIONS)
        yield window
        window.close()
