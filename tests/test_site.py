"""The site that is built from docs/: nothing is missing in it, and it needs nothing but itself."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from posixpath import dirname, join, normpath
from types import FunctionType
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("mkdocs", reason="the site needs the extra `docs`")

ROOT = Path(__file__).parents[1]


class Page(HTMLParser):
    """What a page loads, where it leads to, which page comes next, and the places in it that a link can name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.next: str | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        elif given.get("rel") == "next":
            self.next = given["href"]
        elif tag in ("img", "script", "link", "iframe"):
            self.loads += [given[name] for name in ("src", "href") if name in given]
        if "id" in given:
            self.places.add(given["id"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the site by their path."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    paths = [path for path in folder.rglob("*.html") if path.name != "404.html"]
    return {path.relative_to(folder).as_posix(): Page(path) for path in paths}, folder


def test_no_page_loads_anything_from_elsewhere(site):
    pages, folder = site
    for path, page in pages.items():
        for target in page.loads:
            assert not urlsplit(target).netloc, (path, target)
            assert (folder / dirname(path) / urlsplit(target).path).exists(), (path, target)


def test_every_link_leads_to_a_page_and_to_a_place_in_it(site):
    pages, _ = site
    for path, page in pages.items():
        for target in page.leads:
            link = urlsplit(target)
            if not link.scheme:
                there = normpath(join(dirname(path), unquote(link.path))) if link.path else path
                assert there in pages, (path, target)
                assert not link.fragment or unquote(link.fragment) in pages[there].places, (path, target)


def test_code_is_shown_on_pages_and_no_file_of_it_is_published(site):
    pages, folder = site
    assert "source/docs/lessons/sunny_day.py.html" in pages
    assert not [*folder.rglob("*.py")]


def test_from_the_start_each_page_leads_to_the_next_through_all_lessons(site):
    pages, _ = site
    path, read = "index.html", []
    while (ahead := pages[path].next) and len(read) < len(pages):
        path = normpath(join(dirname(path), ahead))
        read.append(path)
    lessons = [f"lessons/{page.stem}.html" for page in sorted((ROOT / "docs" / "lessons").glob("*.md"))]
    assert read[: len(lessons)] == lessons
    written = {
        page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in (ROOT / "docs").rglob("*.md")
    }
    assert written <= {"index.html", *read}


@pytest.mark.parametrize(
    "room",
    [
        "minigrad",
        "minigrad.func",
        "minigrad.nn",
        "minigrad.optim",
        "minigrad.data",
        "minigrad.data.tokenizers",
        "minigrad.formats",
        "minigrad.config",
        "minigrad.metrics",
        "minigrad.parallel",
        "minigrad.runs",
        "minigrad.training",
        "minigrad.inference",
    ],
)
def test_the_reference_tells_of_every_public_name(site, room):
    places = {place for path, page in site[0].items() if path.startswith("reference/") for place in page.places}
    module = import_module(room)
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, (type, FunctionType)):
            assert f"{thing.__module__}.{name}" in places


def test_the_reference_shows_operations_as_functions(site):
    pages, folder = site
    assert "minigrad.ops.elementwise.exp" in pages["reference/minigrad.ops.html"].places
    text = re.sub(r"<[^>]+>", "", (folder / "reference/minigrad.ops.html").read_text(encoding="utf-8"))
    assert "leaky_relu(x: Array, negative_slope: float = 0.01)" in text
