"""What is built from a checkout: a wheel and a source archive that are enough."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KEPT = (".ci", "benchmarks", "configs", "docs", "minigrad", "models", "tests")


def build(checkout, kind):
    """Builds in a copy, since setuptools writes beside the sources, and returns the archive."""
    program = f"from setuptools import build_meta; print(build_meta.build_{kind}('dist'))"
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return checkout / "dist" / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The files of a checkout, without what was built in it."""
    pytest.importorskip("setuptools", minversion="70.1", reason="a wheel is built by setuptools")
    copy = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, copy)
    for name in KEPT:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def archive(checkout):
    return build(checkout, "sdist")


@pytest.fixture(scope="module")
def wheel(checkout):
    return build(checkout, "wheel")


@pytest.mark.slow
def test_the_wheel_has_the_configs_the_models_and_the_templates(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("configs", "*"), ("models", "*.py")):
        # but for the schema, which `minigrad schema` prints
        files = [path.name for path in (ROOT / folder).glob(pattern) if not path.name.endswith(".schema.json")]
        assert names >= {f"minigrad/shipped/{folder}/{name}" for name in files}
    templates = ROOT / "minigrad" / "cli" / "templates"
    made = [path for path in templates.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert names >= {path.relative_to(ROOT).as_posix() for path in made}
    assert {name.partition("/")[0] for name in names} == {
        "minigrad",
        wheel.name.replace("-py3-none-any.whl", ".dist-info"),
    }


@pytest.mark.slow
def test_a_file_of_the_wheel_is_that_of_the_checkout(wheel):
    archive = zipfile.ZipFile(wheel)
    for name in archive.namelist():
        if name.startswith("minigrad/"):
            assert archive.read(name) == (ROOT / name.removeprefix("minigrad/shipped/")).read_bytes()


@pytest.mark.slow
def test_the_wheel_from_the_source_archive_is_the_same(wheel, archive, tmp_path):
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data") if sys.version_info >= (3, 12) else file.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    again = build(unpacked, "wheel")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_the_source_archive_has_every_file(checkout, archive):
    with tarfile.open(archive) as file:
        packed = {name.partition("/")[2] for name in file.getnames()}
    made = ("dist/", "build/", "minigrad_engine.egg-info/")
    there = {path.relative_to(checkout).as_posix() for path in checkout.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith(made)} <= packed


@pytest.mark.slow
def test_the_page_for_an_index_has_no_link_that_leads_nowhere(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    fields = Parser().parsestr(archive.read(name).decode())
    page = fields.get_payload()
    assert fields["Name"] == "minigrad-engine"
    assert "## In YAML" in page
    assert "](" not in page.replace("](http", "")
