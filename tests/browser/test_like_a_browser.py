"""A platform without locks, threads, mapped files, signals and processes: everything works there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.runs import read_checkpoint

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
NEED_DATA = ("mnist", "shakespeare", "gpt2", "smollm")
SCHEDULE = ("schedule.warmup_steps=5", "schedule.total_steps=20")
TRAINED = {
    "xor": (),
    "digits_mlp": SCHEDULE,
    "moons": SCHEDULE,
    "sunny_day": (),
    "reverse_transformer": SCHEDULE,
}
"""The configs that are trained, and what keeps their schedule when a run is cut short."""


def run(*words: str, code: int = 0, both: bool = False) -> str:
    """Runs the command line as in a browser, and returns what it prints; `both`: on standard error, too."""
    command = [sys.executable, str(Path(__file__).with_name("like_a_browser.py")), "minigrad/__main__.py", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout + (done.stderr if both else "")


def run_of(config: str, runs: Path, *overrides: str) -> Path:
    said = run("train", f"configs/{config}.yaml", *overrides, "--runs-dir", str(runs))
    return Path(json.loads(said.splitlines()[-1])["run"])


@pytest.mark.parametrize("config", [name for name in CONFIGS if not name.startswith(NEED_DATA)])
def test_a_config_is_checked(config: str) -> None:
    assert "nothing was written" in run("check", f"configs/{config}.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("config", TRAINED)
def test_a_config_is_trained_and_resumed_to_the_same_weights(config: str, tmp_path: Path) -> None:
    overrides = ("trainer.max_epochs=null", "trainer.val_every=20", *TRAINED[config])
    whole = run_of(config, tmp_path / "whole", *overrides, "trainer.max_steps=20")
    part = run_of(config, tmp_path / "part", *overrides, "trainer.max_steps=10")
    run("resume", str(part), "trainer.max_steps=20", "--allow-changes")
    ends = [read_checkpoint(run / "checkpoints" / "last.safetensors") for run in (whole, part)]
    assert ends[0][1]["step"] == ends[1][1]["step"] == 20
    assert [(name, array.tobytes()) for name, array in ends[0][0].items()] == [
        (name, array.tobytes()) for name, array in ends[1][0].items()
    ]


@pytest.mark.slow
def test_a_run_predicts_draws_and_reports(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
    made = run_of("digits_mlp", tmp_path, "trainer.max_epochs=1")
    np.save(tmp_path / "zeros.npy", np.zeros((2, 64), np.float32))
    assert len(run("predict", str(made), str(tmp_path / "zeros.npy")).splitlines()) == 2
    assert "curves" in run("plot", str(made))
    assert "report.html" in run("report", str(made))


@pytest.mark.slow
def test_a_model_of_text_learns_and_writes(tmp_path: Path) -> None:
    small = ("model.n_embd=16", "model.n_layer=1")
    overrides = ("trainer.max_steps=3", "trainer.val_every=3", "schedule.warmup_steps=1", *small)
    made = run_of("char_gpt", tmp_path, *overrides)
    assert run("generate", str(made), "def ", "--tokens", "8").startswith("def ")


def test_threads_that_are_asked_for_are_missed_in_a_sentence() -> None:
    said = run("check", "configs/digits_mlp.yaml", "--threads", "2", "trainer.shards=2", both=True)
    assert "this platform has no threads" in said


def test_a_sweep_says_that_it_starts_processes(tmp_path: Path) -> None:
    said = run("sweep", "configs/xor.yaml", "--grid", "seed=[0, 1]", "--runs-dir", str(tmp_path), code=1, both=True)
    assert "a sweep starts a process for each member, and none can be started here" in said
