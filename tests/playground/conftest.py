"""The playground's Python, as the page imports it: from docs/, with a folder of its own."""

import importlib.util
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which the page keeps its config and the visitor's data."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def presets() -> dict[str, str]:
    """The text of each preset by its name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in (DOCS / "playground" / "presets").glob("*.yaml")}


@pytest.fixture(scope="session")
def publish() -> ModuleType:
    """The hook that packs what the page loads."""
    spec = importlib.util.spec_from_file_location("publish", DOCS / "playground" / "publish.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def archive(publish: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page loads."""
    path: Path = tmp_path_factory.mktemp("site") / "minigrad.tar.bz2"
    publish.write_archive(path)
    return path


@pytest.fixture
def visit(archive: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs a script on a platform like a browser's, with nothing but what the page loads; returns what it prints."""
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")

    def run(script: str, *words: str) -> str:
        (tmp_path / "visit.py").write_text(script, encoding="utf-8")
        command = [sys.executable, str(ROOT / "tests" / "browser" / "like_a_browser.py"), "visit.py", *words]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
