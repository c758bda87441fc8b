"""The lessons in Chromium: their Python runs in the page, from top to bottom."""

from __future__ import annotations

import socket
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = sorted(path.stem for path in (Path(__file__).parents[2] / "docs" / "lessons").glob("*.md"))
PATIENCE = 560  # seconds, on a machine that does other things


def wait(page: Any, script: str) -> None:
    end = monotonic() + PATIENCE
    while not page.evaluate(script):
        assert monotonic() < end, page.evaluate("[...document.querySelectorAll('.run-output')].map(e => e.textContent)")
        page.wait_for_timeout(200)


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_runs_from_top_to_bottom(lesson: str, site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/lessons/{lesson}.html")
    blocks = page.locator(".run-bar").count()
    assert blocks == page.locator(".language-python").count() > 0
    page.locator(".run-bar").last.get_by_text("Run").click()
    outputs = "[...document.querySelectorAll('.run-output')]"
    wait(page, f"{outputs}.every(e => e.firstChild) || document.querySelector('.run-error')")
    assert page.locator(".run-error, .run-lacks").all_text_contents() == []
    page.close()


def test_what_is_typed_reaches_no_other_address(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/lessons/0_play.html")
    page.locator(".run-bar").first.get_by_text("Edit").click()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        code = f"import js\nasked = js.fetch('{address}', mode='no-cors')\nprint('asked')"
        page.locator(".run-editor").fill(code)
        page.locator(".run-bar").first.get_by_text("Run").click()
        wait(page, "document.querySelector('.run-output').textContent.includes('asked')")
        page.locator(".run-editor").fill("asked.exception()")
        page.locator(".run-bar").first.get_by_text("Run").click()
        wait(page, "document.querySelector('.run-output').textContent.includes('Failed to fetch')")
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    page.close()


def test_a_block_of_commands_says_that_it_is_for_a_terminal(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/lessons/4_784_16_10.html")
    notes = page.locator("p.run-terminal").all_text_contents()
    assert len(notes) == 2
    assert all("For a terminal" in note and "MNIST" in note for note in notes)
    page.close()


def test_a_page_of_the_docs_runs_and_says_what_it_lacks(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/sklearn.html")
    page.locator(".run-bar").first.get_by_text("Run").click()
    wait(page, "document.querySelector('.run-lacks')?.textContent.includes('Run this block in a clone')")
    page.close()


def test_a_block_is_edited_and_state_goes_on_from_block_to_block(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/lessons/1_the_weighted_sum.html")
    page.locator(".run-bar").nth(0).get_by_text("Edit").click()
    page.locator(".run-editor").fill("answer = 41\n")
    page.locator(".run-bar").nth(0).get_by_text("Run").click()
    wait(page, "document.querySelector('.run-output').textContent.includes('nothing printed')")
    page.locator(".run-bar").nth(1).get_by_text("Edit").click()
    page.locator(".run-editor").last.fill("answer + 1")
    page.locator(".run-bar").nth(1).get_by_text("Run").click()
    wait(page, "document.querySelectorAll('.run-output')[1].textContent.includes('42')")
    page.locator(".run-editor").last.fill("import minigrad\nminigrad.draw(minigrad.Scalar(2.0) * 3)")
    page.locator(".run-bar").nth(1).get_by_text("Run").click()
    wait(page, "document.querySelectorAll('.run-output')[1].querySelector('img') !== null")
    page.locator(".run-editor").last.fill("1 / 0")
    page.locator(".run-bar").nth(1).get_by_text("Run").click()
    wait(page, "document.querySelectorAll('.run-output')[1].textContent.includes('line 1: ZeroDivisionError')")
    page.close()


def test_an_endless_loop_ends_by_a_button(site: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site}/lessons/0_play.html")
    page.locator(".run-bar").nth(0).get_by_text("Edit").click()
    page.locator(".run-editor").fill("while True: pass")
    page.locator(".run-bar").nth(0).get_by_text("Run").click()
    page.locator(".run-bar").nth(0).get_by_text("Stop").click()
    wait(page, "document.querySelector('.run-error')?.textContent.includes('ended')")
    page.locator(".run-editor").fill("print('again')")
    page.locator(".run-bar").nth(0).get_by_text("Run").click()
    wait(page, "document.querySelector('.run-output').textContent.includes('again')")
    page.close()
