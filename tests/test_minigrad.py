"""What `import minigrad` gives, and what it leaves for later."""

import json
import subprocess
import sys

import pytest

import minigrad
from minigrad import inference, training

DEPENDENCIES = ("matplotlib", "safetensors", "threadpoolctl", "tqdm", "yaml")
"""What upper layers import, and an `import minigrad` does not."""


def after(code: str) -> list[str]:
    """The modules that a fresh process has imported when it has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_importing_it_imports_numpy_alone_of_what_it_depends_on_and_no_upper_layer():
    modules = after("import minigrad")
    assert "numpy" in modules
    assert not {*DEPENDENCIES, "minigrad.config", "minigrad.data", "minigrad.training"} & {*modules}


def test_looking_at_its_names_imports_nothing_more():
    assert "minigrad.training" not in after("import minigrad; assert 'load' in dir(minigrad)")


def test_every_name_that_it_gives_out_is_there():
    assert {*minigrad.__all__} <= {*dir(minigrad)}
    for name in minigrad.__all__:
        assert getattr(minigrad, name) is not None


def test_names_from_upper_layers_are_those_themselves():
    assert minigrad.load is training.load
    assert minigrad.load_run is inference.load_run


def test_a_name_that_it_has_not_is_an_attribute_error_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'minigrad' has no attribute 'lod'"):
        _ = minigrad.lod
