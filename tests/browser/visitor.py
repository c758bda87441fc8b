"""Someone before the playground: what the tests in a browser do and wait for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

EDITOR = "document.querySelector('.CodeMirror').CodeMirror"
LOAD = 60_000  # milliseconds, on a machine that does other things


class Visitor:
    """Someone before the playground."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", self._failed)
        page.on("console", self._said)

    def _failed(self, error: Any) -> None:
        self.errors.append(str(error))

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def open(self, address: str) -> Visitor:
        self.page.goto("about:blank")
        self.page.goto(address)
        self.ready()
        return self

    def ready(self) -> None:
        """Waits until a network is open."""
        self.page.wait_for_selector("#play:not([disabled])", timeout=LOAD)

    def until(self, condition: Callable[[], object]) -> None:
        """Waits until something is so; the page's policy lets no string be evaluated in it again and again."""
        end = monotonic() + LOAD / 1000
        while not condition():
            assert monotonic() < end, self.page.inner_text("body")[:2000]
            self.page.wait_for_timeout(50)

    def step(self) -> int:
        return int(self.page.get_attribute("#fact-step", "data-step") or 0)

    def steps(self, least: int) -> None:
        """Waits until so many steps are done."""
        self.until(lambda: self.step() >= least)

    def type(self, text: str) -> None:
        """Writes another config, as one who pastes it."""
        self.page.evaluate(f"text => {EDITOR}.replaceRange(text, {{line: 0, ch: 0}}, {{line: 1e6, ch: 0}})", text)

    @property
    def config(self) -> str:
        text: str = self.page.evaluate(f"{EDITOR}.getValue()")
        return text

    def says(self, selector: str, part: str) -> None:
        """Waits until an element says something."""
        found = self.page.locator(selector)
        self.until(lambda: found.count() and part in found.first.text_content())

    def writes(self, part: str) -> None:
        """Waits until the config says something."""
        self.until(lambda: part in self.config)

    def download(self, button: str) -> bytes:
        with self.page.expect_download(timeout=LOAD) as found:
            self.page.click(button)
        return Path(found.value.path()).read_bytes()
