"""Runs beside each other: the table, and the page."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from minigrad.cli import main

from .pages import assert_stands_alone

pytest.importorskip("matplotlib")

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_steps: 8, val_every: 4}
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    (folder / "small.yaml").write_text(CONFIG)
    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        context.chdir(folder)
        words = ["--grid", "optimizer.lr=[0.01, 0.5]", "--seeds", "2", "--jobs", "2"]
        assert main(["sweep", "small.yaml", *words]) == 0
    return folder


@pytest.fixture
def compare(swept, tmp_path, monkeypatch, capsys):
    shutil.copytree(swept, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    capsys.readouterr()

    def compare(*words):
        code = main(["compare", *words])
        return code, *capsys.readouterr()

    return compare


def values_of(runs, name="val/loss"):
    return [json.loads(Path(run, "run.json").read_text())["results"][name] for run in runs]


def test_repeats_are_one_line_with_mean_and_deviation_and_the_best_come_first(compare):
    numpy = pytest.importorskip("numpy")
    code, out, err = compare("sweeps/small")
    assert (code, err) == (0, "wrote compare.html\n")
    head, first, second = out.splitlines()
    assert head.split() == ["optimizer.lr", "val/loss", "val/accuracy", "test/loss", "test/accuracy", "runs"]
    assert (first.split()[0], second.split()[0]) == ("0.5", "0.01")
    values = values_of(["runs/small/0003", "runs/small/0004"])
    assert f"{numpy.mean(values):.4g} ± {numpy.std(values, ddof=1):.2g}" in first


def test_the_page_needs_nothing_but_itself(compare):
    compare("sweeps/small", "--output", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert "data:" not in page
    for part in ("prefers-color-scheme: dark", 'id="curves"', 'id="by-optimizer-lr"', "runs/small/0004", "± "):
        assert part in page
    assert "4 runs of small" in page
    assert page.count('class="best"') >= 1


EXCESS = """<script>
const excess = [...document.querySelectorAll(".wide")].map(place => place.scrollWidth - place.clientWidth)
document.title = JSON.stringify(excess)
</script>"""


def test_no_table_is_cut_in_a_window_of_usual_width(compare):
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("the layout of a page needs Chromium: apt install chromium")
    Path("runs/small").rename("runs/trained_on_the_machine_in_the_cellar_in_the_first_week")
    for path in Path("runs").glob("*/*/run.json"):
        facts = {**json.loads(path.read_text()), "status": "interrupted", "reason": "interrupted by the machine " * 3}
        path.write_text(json.dumps(facts))
    assert compare("runs")[0] == 0
    Path("measured.html").write_text(Path("compare.html").read_text(encoding="utf-8") + EXCESS, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,900", "--dump-dom"]
    command = [chromium, *options, "--user-data-dir=browser", Path("measured.html").absolute().as_uri()]
    page = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    excess = json.loads(re.search("<title>(.*)</title>", page)[1])
    assert len(excess) >= 3
    assert not any(excess)


def test_runs_of_different_parts_and_of_a_folder_are_compared(compare):
    assert main(["train", "small.yaml", "optimizer=Adam", "callbacks=[CSVLog]"]) == 0
    code, out, _ = compare("runs", "runs/small/0005", "--output", "all.html")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()[-3:]} == {"SGD", "Adam"}


def test_what_comes_from_runs_is_escaped(compare):
    config = Path("runs/small/0001/config.yaml")
    config.write_text(config.read_text().replace("name: small", "name: '<script>alert(1)</script>'"))
    assert compare("runs")[0] == 0
    page = Path("compare.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_runs_that_are_gone_or_cannot_be_read_are_left_out_and_said_to_be(compare):
    shutil.rmtree("runs/small/0001")
    Path("runs/small/0002/run.json").write_text("{")
    code, out, err = compare("sweeps/small")
    assert code == 0
    assert "warning: 1 runs of sweeps/small are gone" in err
    assert "warning: left out: runs/small/0002/run.json: expected JSON" in err
    assert len(out.splitlines()) == 2


def test_a_run_without_a_validation_is_a_line_without_values(compare):
    for path in Path("runs/small/0001").glob("*.json*"):
        path.unlink()
    code, out, _ = compare("runs/small/0001", "runs/small/0003")
    assert code == 0
    assert re.search(r"0\.01 +- +- ", out)


@pytest.mark.parametrize(("words", "message"), [
    (["runs/small/0001"], "a comparison needs two or more runs, found 1"),
    (["runs/small/0001", "runs/small/0001/"], "found 1"),
    (["runs/small/0001", "runs/small/0009"], "runs/small/0009 is not a run"),
    (["runs/small/0001", "small.yaml"], "small.yaml is a config, and minigrad compare needs a run"),
    ([], "minigrad compare needs RUN"),
])  # fmt: skip
def test_what_cannot_be_compared_is_a_sentence(compare, words, message):
    code, out, err = compare(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("compare.html").exists()


def test_more_lines_than_colours_are_told_apart_are_grey(compare):
    for i in range(5, 14):
        shutil.copytree("runs/small/0001", f"runs/small/{i:04d}")
        config = Path(f"runs/small/{i:04d}/config.yaml")
        config.write_text(config.read_text().replace("lr: 0.01", f"lr: 0.0{i}"))
    assert compare("runs")[0] == 0
    assert "are gray" in Path("compare.html").read_text(encoding="utf-8")
