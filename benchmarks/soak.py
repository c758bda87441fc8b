"""Soak test: a long training without leaks, and trainings that are killed and resumed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.kills import KINDS
from benchmarks.runner import ROOT, environment

STEPS, KILLS = 200_000, 1_000
SAMPLES = 20
"""The number of samples of the training's resources, evenly spaced."""

GROWTH = 4 * 2**20
"""The tolerated growth of memory after the first tenth, in bytes, because the allocator keeps pages."""

_CONFIG = """\
name: soak
data: {{Moons: {{n_samples: 200}}}}
loader: {{batch_size: 16}}
model: {{Sequential: [{{Linear: [2, 4]}}, Tanh, {{Dropout: 0.1}}, {{Linear: [4, 2]}}]}}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {{Adam: {{lr: 0.001}}}}
callbacks: [{{Look: {{every: {every}}}}}]
trainer: {{max_epochs: null, max_steps: {steps}, shards: 2, val_every: 500, log_every: 100, checkpoint: {{seconds: 1}}}}
"""

_CALLBACK = """\
import json
import os
import threading

from minigrad.training import Callback


class Look(Callback):
    def __init__(self, every: int) -> None:
        self.every = every

    def on_step_end(self, training):
        if training.step % self.every == 0:
            with open("/proc/self/statm") as statm, open("samples.jsonl", "a") as samples:
                held = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
                row = [training.step, held, len(os.listdir("/proc/self/fd")), threading.active_count()]
                samples.write(json.dumps(row) + "\\n")
"""


@dataclass
class Soak:
    """The results.

    Attributes:
        samples: step, bytes of memory, open descriptors and threads of each sample.
        kills: the summary of `benchmarks.kills` for each kind of config.
        faults: the violated requirements.
    """

    samples: list[tuple[int, int, int, int]] = field(default_factory=list)
    kills: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def soak(steps: int = STEPS, kills: int = KILLS) -> Soak:
    """Run a long training, then kill and resume trainings of every kind.

    Args:
        steps: the steps of the long training, at least 20.
        kills: the total number of kills; each kind of config gets at least one.
    """
    found = Soak()
    _train(found, steps)
    for kind in KINDS:
        words = [sys.executable, "-m", "benchmarks.kills", str(max(1, round(kills / len(KINDS)))), "0", kind]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment(1))
        found.kills[kind] = (done.stdout.splitlines() or [""])[-1]
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            found.faults.append(f"{kind}: {said[-1] if said else f'it ended with {done.returncode}'}")
    return found


def _train(found: Soak, steps: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "models" / "look.py").write_text(_CALLBACK, encoding="utf-8")
        (folder / "soak.yaml").write_text(_CONFIG.format(steps=steps, every=steps // SAMPLES), encoding="utf-8")
        words = [sys.executable, "-m", "minigrad", "train", "soak.yaml"]
        where = {**environment(1), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=where)
        if done.returncode:
            found.faults.append(f"the training ended with {done.returncode}: {done.stderr.splitlines()[-1:]}")
            return
        rows = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    found.samples = [tuple(json.loads(row)) for row in rows]
    found.faults += faults_of(found.samples)


def faults_of(samples: list[tuple[int, int, int, int]]) -> list[str]:
    """Return the resources that grew between the first tenth of a training, the warm-up, and its end."""
    (_, *before), (_, *after) = samples[SAMPLES // 10 - 1], samples[-1]
    grown = {
        f"memory by {(after[0] - before[0]) / 2**20:.1f} MiB": after[0] - before[0] > GROWTH,
        f"descriptors from {before[1]} to {after[1]}": after[1] > before[1],
        f"threads from {before[2]} to {after[2]}": after[2] > before[2],
    }
    return [f"grew: {what}" for what, is_fault in grown.items() if is_fault]


def render_soak(found: Soak) -> str:
    """Return the results as text."""
    lines = ["soak: a long training, and trainings that are killed and resumed"]
    if found.samples:
        (_, *before), (steps, *after) = found.samples[SAMPLES // 10 - 1], found.samples[-1]
        lines.append(
            f"  {steps:,} steps: {before[0] / 2**20:.1f} MiB after a tenth of them, {after[0] / 2**20:.1f} at the end; "
            f"descriptors {before[1]} and {after[1]}, threads {before[2]} and {after[2]}"
        )
    lines += [f"  {kind}: {said}" for kind, said in found.kills.items()]
    return "\n".join([*lines, *(f"  FAULT {fault}" for fault in found.faults)])
