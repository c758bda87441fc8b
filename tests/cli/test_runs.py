"""`minigrad runs`: which runs it lists, in which order, and what it says of them."""

import json
import shutil

import pytest

from minigrad.cli import main


@pytest.fixture
def several(trained, tmp_path, monkeypatch, capsys):
    """Runs of one experiment, with other rates and values, and one of another."""
    monkeypatch.chdir(tmp_path)
    for i, (lr, value) in enumerate([("0.01", 0.5), ("0.1", 0.9), ("0.001", 0.7)], 1):
        shutil.copytree(trained / "runs" / "small" / "0001", f"runs/small/000{i}")
        config = tmp_path / "runs" / "small" / f"000{i}" / "config.yaml"
        config.write_text(config.read_text().replace("lr: 0.01", f"lr: {lr}"))
        facts = config.with_name("run.json")
        known = json.loads(facts.read_text())
        known["results"]["val/accuracy"] = known["results"]["val/loss"] = known["best"]["value"] = value
        facts.write_text(json.dumps(known))
    shutil.copytree("runs/small/0001", "runs/other/0001")
    capsys.readouterr()

    def said(*words):
        exit_code = main(["runs", *words])
        return exit_code, *capsys.readouterr()

    return said


def listed(out):
    return [line.split()[0] for line in out.splitlines()[1:]]


def test_all_runs_are_listed_with_how_each_ended_and_what_differs(several):
    code, out, err = several()
    assert (code, err) == (0, "")
    assert listed(out) == ["runs/other/0001", "runs/small/0001", "runs/small/0002", "runs/small/0003"]
    assert out.splitlines()[3].endswith("optimizer.lr=0.1")
    assert "val/loss 0.9" in out.splitlines()[3]
    assert "done: reached trainer.max_epochs=3" in out


@pytest.mark.parametrize(("words", "runs"), [
    (["sm*"], ["small/0001", "small/0002", "small/0003"]),
    (["*/0001"], ["other/0001", "small/0001"]),
    (["runs/small/0002"], ["small/0002"]),
    (["small/"], ["small/0001", "small/0002", "small/0003"]),
    (["--where", "optimizer.lr<1e-2"], ["small/0003"]),
    (["small", "--where", "optimizer.lr>=0.01", "--where", "val/loss < 0.8"], ["small/0001"]),
    (["--where", "optimizer=Adam", "--where", "optimizer.lr!=0.01"], ["small/0002", "small/0003"]),
    (["--where", "status==failed"], []),
    (["--where", "optimizer<1"], []),
    (["small", "--sort", "val/accuracy"], ["small/0002", "small/0003", "small/0001"]),
    (["small", "--sort", "val/loss"], ["small/0001", "small/0003", "small/0002"]),
    (["small", "--sort", "optimizer.lr"], ["small/0003", "small/0001", "small/0002"]),
])  # fmt: skip
def test_patterns_and_conditions_choose_and_a_key_sorts_the_best_first(several, words, runs):
    code, out, _ = several(*words)
    assert code == 0
    assert [run.removeprefix("runs/") for run in listed(out)] == runs


def test_json_has_a_line_for_each_run_with_all_settings(several):
    _, out, _ = several("small", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["settings"]["optimizer.lr"] for line in lines] == [0.01, 0.1, 0.001]
    assert lines[0]["best"]["monitor"] == "val/loss"


@pytest.mark.parametrize(("words", "message"), [
    (["smal"], "no run in runs is named smal; did you mean small?"),
    (["small1*"], "did you mean small?"),
    (["small/0009"], "did you mean small/000"),
    (["runs/smoll/0001"], "did you mean runs/small/0001?"),
    (["quite_another"], "there are runs of other, small"),
    (["--where", "optimizer.lr"], "'optimizer.lr' is not a condition: write KEY, one of"),
    (["--where", "optimizer.lr<"], "is not a condition"),
    (["--where", "optimizer.lx<1"], "none of 4 runs has 'optimizer.lx'; did you mean optimizer.lr?"),
    (["--sort", "val/acuracy"], "did you mean val/accuracy?"),
    (["--runs-dir", "elsewhere"], "there are no runs in elsewhere: minigrad train CONFIG creates one"),
])  # fmt: skip
def test_what_cannot_be_listed_is_a_sentence_with_its_remedy(several, words, message):
    code, out, err = several(*words)
    assert (code, out) == (2, "")
    assert message in err


def test_nothing_found_is_said_and_no_error(several):
    code, _, err = several("--where", "val/loss>5")
    assert (code, err) == (0, "none of 4 runs match\n")
