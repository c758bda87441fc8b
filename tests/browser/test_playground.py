"""The playground in Chromium: what a visitor does, and what the page shows then."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad import Scalar
from minigrad.scalar import weighted_sum
from minigrad.training import load

from .visitor import EDITOR, LOAD, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PRESETS = ROOT / "docs" / "playground" / "presets"
DROP = """([name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def address(site: str) -> str:
    return f"{site}/playground/index.html"


@pytest.fixture(scope="module")
def visitor(browser: Any, address: str) -> Iterator[Visitor]:
    """One page for all tests of the file: to load Python takes seconds. No test may leave an error behind."""
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    visitor = Visitor(page).open(address + "#preset=xor")
    yield visitor
    page.context.close()


@pytest.fixture(autouse=True)
def no_errors(visitor: Visitor) -> Iterator[None]:
    visitor.errors.clear()
    yield
    assert visitor.errors == []


def preset(visitor: Visitor, name: str) -> None:
    visitor.page.select_option("#preset", "digits" if name != "digits" else "xor")
    visitor.page.select_option("#preset", name)
    visitor.writes(f"name: {name}\n")
    visitor.until(lambda: visitor.page.get_attribute("html", "data-open") == name and visitor.step() == 0)
    visitor.ready()


def test_xor_is_learned_to_the_last_point(visitor: Visitor) -> None:
    preset(visitor, "xor")
    visitor.page.click("#play")
    visitor.steps(400)
    visitor.says("#fact-metric", "100.0 %")


def test_a_step_is_one_step(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.page.click("#step")
    visitor.steps(1)
    assert visitor.step() == 1


def test_a_line_that_is_pointed_at_tells_its_weight_and_gradient(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.page.click("#step")
    visitor.steps(1)
    line = visitor.page.locator("#edges line").nth(3)
    line.dispatch_event("pointerenter")
    visitor.says("#edge-info", "x1 → neuron 4: weight ")
    visitor.until(lambda: line.dispatch_event("pointerenter") or "gradient" in visitor.page.inner_text("#edge-info"))


def test_a_page_that_becomes_dark_is_painted_dark(visitor: Visitor) -> None:
    preset(visitor, "moons")
    corner = "() => [...document.getElementById('plane').getContext('2d').getImageData(0, 0, 1, 1).data.slice(0, 3)]"
    light = sum(visitor.page.evaluate(corner))
    visitor.page.emulate_media(color_scheme="dark")
    visitor.until(lambda: sum(visitor.page.evaluate(corner)) < light - 100)
    visitor.page.emulate_media(color_scheme="light")
    visitor.until(lambda: sum(visitor.page.evaluate(corner)) == light)


def test_a_wrong_config_shows_minigrads_error_under_its_line_and_a_right_one_a_network(visitor: Visitor) -> None:
    preset(visitor, "moons")
    right = visitor.config
    visitor.type(right.replace("tanh", "tanhh"))
    visitor.says("#problems", "Line 9")
    visitor.says(".problem", "tanhh")
    assert visitor.page.is_disabled("#play")
    visitor.type(right.replace("[2, 8, 8, 1]", "[2, 5, 1]"))
    visitor.ready()
    assert visitor.page.locator(".node").count() == 8
    assert visitor.page.input_value("[name=width]") == "5"


def test_controls_write_into_the_config(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.page.fill("[name=layers]", "1")
    visitor.page.press("[name=layers]", "Enter")
    visitor.writes("[2, 8, 1]")
    visitor.page.select_option("[name=optimizer]", "SGD")
    visitor.writes("SGD")
    visitor.ready()


def test_names_are_completed_as_one_types(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.page.evaluate(f"{EDITOR}.setCursor({{line: 10, ch: 9}})")
    visitor.page.evaluate(f"{EDITOR}.focus()")
    visitor.page.keyboard.press("Control+Space")
    visitor.page.wait_for_selector(".CodeMirror-hints", timeout=LOAD)
    visitor.says(".CodeMirror-hints", "BCEWithLogitsLoss")
    visitor.page.keyboard.press("Escape")


def test_slow_motion_shows_the_numbers_of_scalar(visitor: Visitor) -> None:
    preset(visitor, "three_three_one")
    visitor.page.click("#slow")
    visitor.page.click("#slow-run")
    while visitor.page.inner_text("#slow-text")[:12] != "Every weight":
        visitor.page.click("#slow-next")
    rows = visitor.page.eval_on_selector_all(
        "#slow-table tbody tr", "rows => rows.map(row => [...row.cells].slice(1).map(cell => Number(cell.textContent)))"
    )
    visitor.page.click("#slow-close")

    experiment = load(PRESETS / "three_three_one.yaml", home=ROOT)
    hidden, output = experiment.model.layers
    inputs, targets = experiment.data.train.batch(slice(1))
    x = [Scalar(value) for value in inputs[0].tolist()]
    rows_and_biases = zip(hidden.weight.data.tolist(), hidden.bias.data.tolist(), strict=True)
    sums = [weighted_sum([Scalar(w) for w in row], x, Scalar(b)) for row, b in rows_and_biases]
    values = [z.sigmoid() for z in sums]
    z = weighted_sum([Scalar(w) for w in output.weight.data[0].tolist()], values, Scalar(output.bias.item()))
    ((1 + z.exp()).log() - z * float(targets[0, 0])).backward()
    expected = [[s.data, v.data, s.grad] for s, v in zip(sums, values, strict=True)] + [[z.data, z.data, z.grad]]
    np.testing.assert_allclose(rows, expected, rtol=1e-3)


def test_points_of_ones_own_are_drawn_and_learned(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.page.click("#clear")
    box = visitor.page.locator("#plane").bounding_box()
    for brush, side in ("0", 0.25), ("1", 0.75):
        visitor.page.check(f"[name=brush][value='{brush}']")
        for i in range(12):
            across, down = side + 0.02 * (i % 4), 0.2 + 0.05 * i
            visitor.page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    visitor.writes("points.csv")
    visitor.ready()
    visitor.says("#plane-note", "classes A, B")
    visitor.page.click("#play")
    visitor.says("#fact-metric", "100.0 %")
    visitor.page.click("#play")
    visitor.page.check("[name=brush][value='-1']")


def test_a_dropped_table_is_learned(visitor: Visitor, tmp_path: Path) -> None:
    rows = [f"{i / 10},{i % 7},{'yes' if i > 30 else 'no'}" for i in range(60)]
    table = tmp_path / "my days.csv"
    table.write_text("\n".join(["warm,cloudy,swim", *rows]), encoding="utf-8")
    visitor.page.evaluate(DROP, [table.name, table.read_text(encoding="utf-8")])
    visitor.writes("my_days.csv")
    visitor.ready()
    visitor.says("#plane-note", "classes no, yes")
    visitor.page.click("#play")
    visitor.steps(100)
    visitor.page.click("#play")


def test_a_table_that_cannot_be_read_gets_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    table = tmp_path / "broken.csv"
    table.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    visitor.page.set_input_files("#file", table)
    visitor.says("#problems", "expected 2 cells")


def test_a_digit_is_written_and_read(visitor: Visitor) -> None:
    preset(visitor, "digits")
    visitor.page.click("#play")
    visitor.steps(150)
    visitor.page.click("#play")
    box = visitor.page.locator("#pad").bounding_box()
    visitor.page.mouse.move(box["x"] + 85, box["y"] + 12)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + 85, box["y"] + 150, steps=12)
    visitor.page.mouse.up()
    visitor.page.wait_for_selector("#answers .best", timeout=LOAD)
    assert visitor.page.locator("#answers li").count() == 10
    visitor.until(lambda: visitor.page.inner_text("#answers .best").strip() == "1")


def test_a_run_is_taken_home_and_opened_by_the_command_line(visitor: Visitor, tmp_path: Path) -> None:
    preset(visitor, "xor")
    visitor.page.click("#play")
    visitor.steps(400)
    zipfile.ZipFile(io.BytesIO(visitor.download("#take-run"))).extractall(tmp_path)
    run = tmp_path / "runs" / "xor" / "0001"
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "evaluate", str(run)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1])["test/accuracy"] == 1.0


def test_a_link_holds_the_whole_state(visitor: Visitor, browser: Any) -> None:
    preset(visitor, "circles")
    visitor.page.fill("[name=width]", "6")
    visitor.page.press("[name=width]", "Enter")
    visitor.writes("[2, 6, 1]")
    visitor.ready()
    visitor.page.click("#step")
    visitor.steps(1)
    visitor.page.click("#take-link")
    visitor.says("#taken", "link")
    other = Visitor(browser.new_page()).open(visitor.page.url)
    other.steps(1)
    assert other.config == visitor.config
    assert other.page.inner_text("#fact-test-loss") == visitor.page.inner_text("#fact-test-loss")
    assert other.errors == []
    other.page.context.close()


def test_a_hundred_random_links_never_break_the_page(visitor: Visitor, address: str) -> None:
    preset(visitor, "xor")
    visitor.page.click("#take-link")
    visitor.says("#taken", "link")
    good = visitor.page.url.partition("#")[2]
    draw = random.Random(0)
    for number in range(100):
        damaged = list(good)
        for _ in range(draw.choice([1, 3, 30])):
            place = draw.randrange(2, len(damaged))
            damaged[place : place + draw.randint(0, 2)] = draw.choice("AZaz09-_%=#\u00e9")
        text = "".join(damaged) if number % 4 else "s=" + "".join(draw.choices("ABCabc012-_", k=draw.randint(0, 300)))
        visitor.page.evaluate("hash => { location.hash = hash }", text)
        visitor.page.wait_for_timeout(20)
    visitor.page.evaluate("hash => { location.hash = hash }", "preset=moons")
    visitor.writes("name: moons")
    visitor.ready()
    visitor.page.click("#step")
    visitor.steps(1)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("name: [", "a value belongs here"),
        ("!!python/object/apply:os.system ['ls']", "tag"),
        ("name: x\nbase: ../../etc/passwd\n", "does not exist"),
        ("a" * 15_000, "mapping"),
        ("{" * 500, "deep"),
    ],
)
def test_a_hostile_config_gets_a_sentence(visitor: Visitor, config: str, sentence: str) -> None:
    preset(visitor, "xor")
    visitor.type(config)
    visitor.says("#problems", sentence)
    assert visitor.page.is_disabled("#play")


def test_a_model_that_is_too_large_is_refused_with_its_size(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.type(visitor.config.replace("[2, 8, 8, 1]", "[2, 2000, 2000, 1]"))
    visitor.says("#problems", "too many for a page")


def test_what_takes_too_long_ends_by_a_button(visitor: Visitor) -> None:
    preset(visitor, "moons")
    visitor.type(visitor.config.replace("n_samples: 500", "n_samples: 30000000"))
    visitor.page.wait_for_selector("#stop:not([hidden])", timeout=LOAD)
    visitor.page.click("#stop")
    visitor.page.wait_for_selector("#loading[hidden]", state="attached", timeout=LOAD)
    visitor.page.evaluate("hash => { location.hash = hash }", "preset=circles")
    visitor.writes("name: circles")
    visitor.page.wait_for_selector("#play:not([disabled])", timeout=LOAD)


def test_the_keyboard_alone_trains_and_looks_inside(visitor: Visitor) -> None:
    preset(visitor, "xor")
    keys = visitor.page.keyboard

    def tab_to(element: str) -> None:
        visitor.page.evaluate("document.activeElement.blur()")
        for _ in range(80):
            keys.press("Tab")
            if visitor.page.evaluate("s => document.activeElement.matches(s)", element):
                return
        raise AssertionError(f"{element} is not reached by the Tab key")

    tab_to("#play")
    keys.press("Enter")
    visitor.steps(400)
    tab_to("[aria-label='Hidden layer 1, neuron 3']")
    keys.press("Enter")
    visitor.says("#neuron-table", "result")
    tab_to("#neuron-weights")
    rows = visitor.page.locator("#neuron-weights tbody tr").all_text_contents()
    assert [row[:2] for row in rows] == ["x1", "x2", "bi"]
    assert visitor.page.locator("#neuron-weights tbody td").count() == 6
    tab_to("#take-python")
    keys.press("Space")
    visitor.says("#python", "nn.Sequential")


def test_a_browser_without_webassembly_is_told_so(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address)
    page.wait_for_selector("#banner:not([hidden])", timeout=LOAD)
    assert "WebAssembly" in page.inner_text("#banner")
    page.close()


def test_a_page_that_cannot_load_python_says_so_and_shows_its_config(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(address)
    page.wait_for_selector("#banner:not([hidden])", timeout=LOAD)
    assert "network" in page.inner_text("#banner")
    assert "name: moons" in page.inner_text(".CodeMirror")
    page.close()


def test_the_page_reaches_no_other_address(visitor: Visitor) -> None:
    code = "fetch('http://127.0.0.1:9/').then(() => 'reached', error => String(error))"
    assert "Failed to fetch" in visitor.page.evaluate(code)
    assert "Content Security Policy" in "".join(visitor.errors)
    visitor.errors.clear()
