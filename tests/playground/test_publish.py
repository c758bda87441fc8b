"""What the page loads of minigrad is small and whole."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
PLAYGROUND = ROOT / "docs" / "playground"

VISIT = """\
import json, sys
from pathlib import Path
from playground.page import answer

def ask(name, *arguments):
    said = answer(name, list(arguments))
    assert "value" in said, said
    return said["value"]

for preset in sys.argv[1:]:
    ask("start", Path(preset).read_text(encoding="utf-8"))
    ask("advance", 60, 2)
    for question in "gradients", "run", "script":
        ask(question)
said = ask("run_code", "import minigrad\\nminigrad.draw(minigrad.Scalar(2.0) * 3)")
assert said["picture"], said
print(json.dumps(sorted(module.__file__ for name, module in sys.modules.items() if name.startswith("minigrad"))))
"""
"""What a visitor does, without the page."""


def test_the_archive_is_small_and_has_the_package_the_models_and_the_python_of_the_page(archive: Path) -> None:
    assert archive.stat().st_size <= 500_000
    with tarfile.open(archive) as packed:
        names = set(packed.getnames())
    assert {"minigrad/scalar.py", "minigrad/data/digits.npz", "models/mlp.py", "configs/xor.yaml"} <= names
    assert {f"playground/{file.name}" for file in PLAYGROUND.glob("*.py")} <= names


def test_what_a_page_cannot_use_is_left_out(archive: Path, publish: ModuleType) -> None:
    with tarfile.open(archive) as packed:
        names = packed.getnames()
    for left_out in publish.LEFT_OUT:
        assert (ROOT / left_out).is_dir() or (ROOT / f"{left_out}.py").is_file()
        assert not [name for name in names if name.startswith((f"{left_out}/", f"{left_out}."))]


def test_the_same_files_make_the_same_archive(archive: Path, publish: ModuleType, tmp_path: Path) -> None:
    publish.write_archive(tmp_path / "again.tar.bz2")
    assert (tmp_path / "again.tar.bz2").read_bytes() == archive.read_bytes()


def test_all_that_a_visitor_does_works_with_what_is_in_the_archive_alone(
    visit: Callable[..., str], tmp_path: Path
) -> None:
    presets = [str(PLAYGROUND / "presets" / f"{name}.yaml") for name in ("xor", "digits", "reversed_sequences")]
    files = json.loads(visit(VISIT, *presets).splitlines()[-1])
    assert files
    assert all(Path(file).is_relative_to(tmp_path) for file in files)


def test_the_policy_of_the_page_names_the_address_that_the_code_names() -> None:
    address = (PLAYGROUND / "js" / "address.js").read_text(encoding="utf-8").split('"')[1]
    page = (PLAYGROUND / "index.html").read_text(encoding="utf-8")
    assert page.count(address) == 2
    assert "unsafe-inline" not in page
    assert "'unsafe-eval'" not in page
    assert "<script>" not in page
    assert " style=" not in page
