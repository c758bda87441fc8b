"""Kill and resume a training repeatedly, and compare it with an undisturbed one.

It is killed at random moments and within writes: python -m benchmarks.kills KILLS [SEED [KIND]]
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads should not be forked

import contextlib
import io
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from minigrad.cli import main
from minigrad.formats import atomic
from minigrad.runs import directory

TRAINER = "trainer: {val_every: 10, log_every: 7, checkpoint: {seconds: 0.01}, max_steps: 400"
"""The start of the trainer settings of all kinds but the first: checkpoints as often as the disk allows."""

CLASSES = "loss: CrossEntropyLoss\nmetrics: [Accuracy]\nloader: {batch_size: 16}\n"

KINDS = {
    "mlp": """\
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
""",
    "convolution": f"""\
data: {{Digits: {{flatten: false}}}}
model: {{Sequential: [{{Conv2d: [1, 4, 3]}}, {{BatchNorm2d: 4}}, ReLU, Flatten, {{Linear: [144, 10]}}]}}
{CLASSES}optimizer: {{SGD: {{lr: 0.05, momentum: 0.9, nesterov: true}}}}
schedule: {{StepLR: {{step_size: 50}}}}
{TRAINER}}}
""",
    "recurrent": f"""\
data: {{Digits: {{flatten: false}}}}
model:
  Sequential:
    - Flatten: [1, 2]
    - LSTM: {{input_size: 8, hidden_size: 8, batch_first: true}}
    - LastOutput
    - Linear: [8, 10]
{CLASSES}optimizer: {{RMSprop: {{lr: 0.003, momentum: 0.5}}}}
{TRAINER}, grad_clip: 0.5}}
""",
    "transformer": f"""\
data: {{Reverse: {{length: 4, symbols: 5, n_samples: 300}}}}
model:
  Transformer:
    vocab_size: '${{data.vocab_size}}'
    source_length: '${{data.source_length}}'
    target_length: '${{data.target_length}}'
    d_model: 8
    nhead: 2
    num_encoder_layers: 1
    num_decoder_layers: 1
    dim_feedforward: 8
loss: {{CrossEntropyLoss: {{axis: -1}}}}
metrics: [ExactMatch]
loader: {{batch_size: 16}}
optimizer: {{NAdam: {{lr: 0.003}}}}
{TRAINER}, accumulate: 2}}
""",
    "compiled": f"""\
data: Digits
model: {{Sequential: [{{Linear: [64, 16]}}, {{LayerNorm: 16}}, GELU, {{Linear: [16, 10]}}]}}
{CLASSES}optimizer: {{Adagrad: {{lr: 0.05}}}}
{TRAINER}, compile: true}}
""",
    "plateau": f"""\
data: {{Spirals: {{n_samples: 300}}}}
model: {{Sequential: [{{Linear: [2, 16]}}, Tanh, {{Linear: [16, 3]}}]}}
{CLASSES}optimizer: {{Lion: {{lr: 0.003}}}}
callbacks: [{{ReduceLROnPlateau: {{patience: 1}}}}]
{TRAINER}, on_nan: skip}}
""",
    "restarts": f"""\
data: {{Circles: {{n_samples: 300}}}}
model:
  Sequential:
    - Linear: {{in_features: 2, out_features: 16, bias: false}}
    - SiLU
    - Linear: {{in_features: 16, out_features: 2, bias: false}}
{CLASSES}optimizer: {{Muon: {{lr: 0.003}}}}
schedule: {{CosineAnnealingWarmRestarts: {{T_0: 20}}}}
{TRAINER}, shards: 2}}
""",
}
"""Configs, without names, that together have every kind of state."""

BASE = KINDS["mlp"].replace("max_epochs: 300", "max_epochs: 5")
"""The config of the run whose weights are fine-tuned."""

OLD = "weights: {path: base/mortal/0001, missing: keep}\n"
"""The initial weights in configs for fine-tuning."""

KINDS |= {
    "average": KINDS["mlp"].replace("trainer:", 'trainer:\n  ema: 0.9\n  recompute: ["0"]'),
    "adapters": KINDS["mlp"].replace("{Linear: [32, 2]}", "{Linear: [32, 3]}")
    + f'{OLD}adapters: {{LoRA: {{match: ["0"], rank: 2}}}}\n',
    "groups": f"""{KINDS["mlp"]}{OLD}freeze: ["0.bias"]
groups: [{{match: "3", lr: 0.05}}, {{match: "0", weight_decay: 0}}]
""",
    "balanced": f"""\
data: Digits
model: {{Sequential: [{{Linear: [64, 16]}}, ReLU, {{Dropout: 0.1}}, {{Linear: [16, 10]}}]}}
{CLASSES.replace("16}", "16, sampler: Balanced}")}optimizer: {{Adam: {{lr: 0.003}}}}
{TRAINER}, accumulate: 2}}
""",
}

IN_A_WRITE = 0.5
"""The fraction of kills within a write."""

EVENTS = 150
"""The calls of write, fsync and replace from which the deadly one is chosen: about those of ten checkpoints."""


def die() -> None:
    """End this process as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)


def make_writes_deadly(countdown: int) -> None:
    """Let this process die before, in the middle of, or after the call with this number."""
    moment = random.choice(["before", "within", "after"])

    def last() -> bool:
        nonlocal countdown
        countdown -= 1
        return countdown == 0

    def deadly(function: Callable[..., object]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            ends = last()
            if ends and moment == "before":
                die()
            function(*arguments)
            if ends:
                die()

        return call

    class File(io.BufferedWriter):
        def write(self, content: Any) -> int:
            if last():
                super().write(content[: {"before": 0, "within": len(content) // 2, "after": None}[moment]])
                self.flush()
                die()
            return super().write(content)

    def opened(path: Path, mode: str, **options: Any) -> Any:
        return File(io.FileIO(path, mode)) if set(mode) & set("wa") else open(path, mode, **options)

    patched = {"fsync": deadly(os.fsync), "replace": deadly(os.replace)}
    vars(atomic)["os"] = SimpleNamespace(**{**vars(os), **patched})
    for module in (atomic, directory):
        vars(module)["open"] = opened


def start(words: list[str], output: Path, countdown: int | None = None) -> int:
    """Start the command in its own process; return the process number."""
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


def finish(words: list[str], output: Path) -> dict[str, Any]:
    """Run the command undisturbed, and return its results."""
    status = os.waitpid(start(words, output), 0)[1]
    text = output.read_text()
    assert status == 0, text
    return {**json.loads(text.splitlines()[-1]), "run": None}


def going_on(run: Path, config: Path, folder: Path) -> list[str]:
    """Return the command that resumes a run, or starts a new one if the run died before writing its config."""
    if (run / "config.yaml").exists():
        return ["resume", str(run)]
    if run.exists():
        run.rename(folder / f"unborn-{time.monotonic_ns()}")
    return ["train", str(config), "--runs-dir", str(folder / "torn")]


def kill_and_compare(kills: int, folder: Path, kind: str = "mlp") -> str:
    """Return a summary of the kills; raise AssertionError if the two runs differ."""
    config = folder / "mortal.yaml"
    if OLD in KINDS[kind]:
        config.write_text(f"name: mortal\n{BASE}")
        finish(["train", str(config), "--runs-dir", str(folder / "base")], folder / "base.txt")
    config.write_text(f"name: mortal\n{KINDS[kind]}")
    begin = time.monotonic()
    expected = finish(["train", str(config), "--runs-dir", str(folder / "whole")], folder / "whole.txt")
    whole = time.monotonic() - begin
    assert kind != "mlp" or expected["steps"] < 300 * 12, "early stopping did not happen"

    run = folder / "torn" / "mortal" / "0001"
    output = folder / "torn.txt"
    seen = {"at a random moment": 0, "within a write": 0}
    while sum(seen.values()) < kills:
        words = [*going_on(run, config, folder), "--threads", random.choice("12")]
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
    results = finish(going_on(run, config, folder), output)
    resumed = {fact["step"] for fact in json.loads((run / "run.json").read_text()).get("resumed", [])}
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
        print(kill_and_compare(kills, Path(folder), *sys.argv[3:4]))
