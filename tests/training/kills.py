"""Kills a training again and again, at random moments and within writes, resumes it each time, and compares what came
out with a run that was left alone:  python tests/training/kills.py KILLS [SEED]
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads is not to be forked

import contextlib
import io
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from minigrad.training import checkpoint, main, run_directory

CONFIG = """\
name: mortal
data: {Moons: {n_samples: 300}}
loader: {batch_size: 8}
model: {Sequential: [{Linear: [2, 32]}, ReLU, {Dropout: 0.2}, {Linear: [32, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy, F1]
optimizer: {AdamW: {lr: 0.01}}
schedule: {WarmupCosine: {warmup_steps: 20}}
trainer:
  max_epochs: 300
  accumulate: 2
  shards: 2
  val_every: 30
  log_every: 7
  grad_clip: 1.0
  early_stopping: {monitor: val/accuracy, patience: 20}
  checkpoint: {monitor: val/accuracy, seconds: 0.01}
"""

IN_A_WRITE = 0.5
"""The share of kills that hit the process within a write."""

EVENTS = 150
"""Of how many calls of write, fsync and replace one is the last, in such a process: about those of ten checkpoints."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def make_writes_deadly(countdown: int) -> None:
    """Lets this process die in the call of that number, before it, in the middle or after it."""
    moment = random.choice(["before", "within", "after"])

    def last() -> bool:
        nonlocal countdown
        countdown -= 1
        return countdown == 0

    def deadly(function):
        def call(*arguments):
            ends = last()
            if ends and moment == "before":
                die()
            function(*arguments)
            if ends:
                die()

        return call

    class File(io.BufferedWriter):
        def write(self, content) -> int:
            if last():
                super().write(content[: {"before": 0, "within": len(content) // 2, "after": None}[moment]])
                self.flush()
                die()
            return super().write(content)

    def opened(path, mode, **options):
        return File(io.FileIO(path, mode)) if set(mode) & set("wa") else open(path, mode, **options)

    patched = {"fsync": deadly(os.fsync), "replace": deadly(os.replace)}
    checkpoint.os = SimpleNamespace(**{**vars(os), **patched})
    checkpoint.open = run_directory.open = opened


def start(words: list[str], output: Path, countdown: int | None = None) -> int:
    """Runs the command in a process of its own, whose number is returned."""
    child = os.fork()
    if child:
        return child
    try:
        for stream in (1, 2):
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        if countdown is not None:
            make_writes_deadly(countdown)
        code = main(words)
        sys.stdout.flush()
        os._exit(code)
    finally:
        os._exit(99)


def finish(words: list[str], output: Path) -> dict[str, object]:
    """Runs the command undisturbed and returns its results."""
    status = os.waitpid(start(words, output), 0)[1]
    text = output.read_text()
    assert status == 0, text
    return {**json.loads(text.splitlines()[-1]), "run": None}


def torment(kills: int, folder: Path) -> str:
    """Returns what was seen; raises AssertionError if the two runs differ in anything."""
    config = folder / "mortal.yaml"
    config.write_text(CONFIG)
    begin = time.monotonic()
    expected = finish([str(config), "--runs-dir", str(folder / "whole")], folder / "whole.txt")
    whole = time.monotonic() - begin
    assert expected["steps"] < 300 * 12, "it was to stop early"

    run = folder / "torn" / "mortal" / "0001"
    output = folder / "torn.txt"
    seen = {"at a random moment": 0, "within a write": 0}
    while sum(seen.values()) < kills:
        resumable = (run / "config.yaml").exists()
        words = [str(run), "--resume"] if resumable else [str(config), "--runs-dir", str(folder / "torn")]
        if not resumable and run.exists():  # it died before it had written its config
            run.rename(folder / f"unborn-{time.monotonic_ns()}")
        words += ["--threads", random.choice("12")]
        in_a_write = random.random() < IN_A_WRITE
        child = start(words, output, random.randrange(1, EVENTS) if in_a_write else None)
        if not in_a_write:
            time.sleep(random.uniform(0, 6 * whole / max(kills, 10)))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or status == 0, output.read_text()
        seen["within a write" if in_a_write else "at a random moment"] += killed
    resumed = {fact["step"] for fact in json.loads((run / "run.json").read_text())["resumed"]}
    results = finish([str(run), "--resume"], output)
    assert results == expected, f"{results} instead of {expected}"
    for name in ("metrics.jsonl", "config.yaml", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
        there, here = ((folder / part / "mortal" / "0001" / name).read_bytes() for part in ("whole", "torn"))
        assert here == there, f"{name} differs"
    where = " and ".join(f"{count} {place}" for place, count in seen.items())
    return f"killed {where}, resumed at {len(resumed)} of {results['steps']} steps: every byte as in the run left alone"


if __name__ == "__main__":
    kills = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    print(f"seed {seed}")
    random.seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        print(torment(kills, Path(folder)))
