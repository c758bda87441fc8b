"""The page: it stands alone, nothing in a run can break out of it, and a browser shows it."""

import os
import re
import shutil
import subprocess
from functools import cache

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from matplotlib.image import imread

from minigrad.plots import Run, report

from .pages import Page, assert_stands_alone

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


page_of = cache(lambda path: report(Run(path)))
"""The page of a run, which many tests look at."""


@pytest.mark.parametrize("kind", ["digits", "moons", "amounts", "hostile"])
def test_the_page_needs_nothing_but_itself(kind, request):
    text = page_of(request.getfixturevalue(kind))
    assert_stands_alone(text)
    assert len(text) < 1_000_000


def test_the_page_has_all_of_a_run(digits):
    text = page_of(digits)
    page = Page(text)
    assert page.tags.count("svg") == page.tags.count("figure") == 6
    assert all(word in page.text for word in ("digits/0001", "test/accuracy", "val/loss", "parameters"))
    assert (digits / "config.yaml").read_text(encoding="utf-8") in page.text
    assert re.search(r"0 +Linear +\(1, 16\) +1,040", page.text)
    assert re.search(r"minigrad train \S*config\.yaml", page.text)
    assert "numpy" in page.text


def test_long_names_of_results_break_at_underscores(amounts):
    assert "<dt>test/mean_<wbr/>absolute_<wbr/>error</dt>" in page_of(amounts)


def test_every_picture_says_to_a_screen_reader_what_it_shows(moons):
    labels = [value for tag, name, value in Page(page_of(moons)).attributes if (tag, name) == ("svg", "aria-label")]
    assert len(labels) == 6
    assert all(labels)


def test_names_that_look_like_markup_stay_text(hostile):
    text = page_of(hostile)
    page = Page(text)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "<script>alert(1)</script>" in page.text


def test_colours_follow_the_theme_of_the_reader(moons):
    text = page_of(moons)
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "var(--ink)" in pictures
    assert "#1b1f24" not in pictures
    assert "prefers-color-scheme: dark" in text


@pytest.mark.skipif(CHROMIUM is None, reason="the page is opened in chromium, which is not installed")
@pytest.mark.parametrize(("theme", "background"), [(1, (0xF3, 0xF5, 0xF8)), (0, (0x10, 0x13, 0x17))])
def test_a_browser_shows_the_page_in_light_and_in_dark(digits, tmp_path, theme, background):
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    page.write_text(page_of(digits), encoding="utf-8")
    subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={tmp_path / 'profile'}", f"--blink-settings=preferredColorScheme={theme}",
         "--hide-scrollbars", "--window-size=900,1600", f"--screenshot={shot}", page.as_uri()],
        check=True, capture_output=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    image = (imread(shot)[..., :3] * 255).round()
    assert image.shape[:2] == (1600, 900)
    assert tuple(image[2, 2]) == background
    middle = image[:, 450]
    assert len({tuple(pixel) for pixel in middle}) > 20  # cards, lines and letters
    blue = (image[..., 2] > image[..., 0] + 60).mean()
    assert blue > 0.001  # the curves
