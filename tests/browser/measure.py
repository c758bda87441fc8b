"""Measures the playground in this machine's Chromium, and prints what it reaches.

    python tests/browser/measure.py

Needs what the tests of this folder need. What else the machine does counts: run it alone, and more than once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from conftest import CHROMIUM_OPTIONS, ROOT, chromium, served
from playwright.sync_api import sync_playwright
from pyodide_folder import folder
from visitor import EDITOR

SECONDS = 5
LOAD = 120_000  # milliseconds


def moving(page: Any) -> str:
    """Returns how many pictures and steps a second there are of a 2-8-8-1 network on 500 points."""
    counts = "+document.documentElement.dataset.drawn, +document.querySelector('#fact-step').dataset.step"
    now = f"[performance.now(), {counts}]"
    page.click("#play")
    page.wait_for_timeout(1000)
    began = page.evaluate(now)
    page.wait_for_timeout(1000 * SECONDS)
    time, pictures, steps = (b - a for a, b in zip(began, page.evaluate(now), strict=True))
    return f"moons, 2-8-8-1: {1000 * pictures / time:.0f} pictures and {1000 * steps / time:.0f} steps a second"


def five_epochs(page: Any) -> str:
    """Returns how long five epochs of configs/digits_mlp.yaml take."""
    text = (ROOT / "configs" / "digits_mlp.yaml").read_text(encoding="utf-8")
    page.evaluate(f"text => {EDITOR}.replaceRange(text, {{line: 0, ch: 0}}, {{line: 1e6, ch: 0}})", text)
    page.wait_for_selector("html[data-open=digits_mlp]", timeout=LOAD)
    page.wait_for_selector("#play:not([disabled])", timeout=LOAD)
    begin = perf_counter()
    page.click("#play")
    while float(page.inner_text("#fact-epoch")) < 5:
        page.wait_for_timeout(20)
    return f"digits_mlp: five epochs in {perf_counter() - begin:.1f} s"


def main() -> None:
    """Builds the site, visits its playground and prints the figures."""
    with tempfile.TemporaryDirectory() as site:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        with served(Path(site), folder()) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=CHROMIUM_OPTIONS)
            for measured, preset in (moving, "moons"), (five_epochs, "digits"):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(f"{address}/playground/index.html#preset={preset}")
                page.wait_for_selector("#play:not([disabled])", timeout=LOAD)
                print(measured(page), flush=True)
                page.close()
            browser.close()


if __name__ == "__main__":
    main()
