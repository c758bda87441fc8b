"""Write the runs of this folder with checkpoint format 1.

They are written by the code of commit 34e1ba1, which defined the format:

    git worktree add ../format_1 34e1ba1
    cd ../format_1 && PYTHONPATH=. python THIS_FILE

Each run is interrupted in the middle of an epoch. `run.json` is left out: it describes the machine.
"""

import shutil
import tempfile
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

from minigrad.training import Training, main
from minigrad.training.progress import Progress

DATA = "data: {Moons: {n_samples: 100}}\nloss: CrossEntropyLoss\n"

RUNS = {
    "early_stopping": (
        27,
        """\
        loader: {batch_size: 10}
        model: {Sequential: [{Linear: [2, 8]}, ReLU, {Linear: [8, 2]}]}
        metrics: [Accuracy, F1]
        optimizer: {Adam: {lr: 0.03}}
        trainer:
          {max_steps: 400, shards: 2, val_every: 6, log_every: 4, early_stopping: {monitor: val/accuracy, patience: 4}}
        """,
    ),
    "plateau": (
        23,
        """\
        loader: {batch_size: 16, drop_last: true}
        model: {Sequential: [{Linear: [2, 8]}, Tanh, {Linear: [8, 2]}]}
        metrics: [Accuracy]
        optimizer: {SGD: {lr: 1.0, momentum: 0.9, nesterov: true}}
        callbacks: [{ReduceLROnPlateau: {factor: 0.5, patience: 1, threshold: 0.01}}]
        trainer: {max_epochs: 10, log_every: 3, checkpoint: {monitor: val/accuracy}}
        """,
    ),
    "accumulate": (
        17,
        """\
        loader: {batch_size: 7}
        model: {Sequential: [{Linear: [2, 8]}, ReLU, {Dropout: 0.2}, {Linear: [8, 2]}]}
        metrics: [ConfusionMatrix, {F1: macro}]
        optimizer: {AdamW: {lr: 0.05}}
        schedule: {WarmupCosine: {warmup_steps: 5}}
        trainer: {max_epochs: 6, accumulate: 2, log_every: 5, grad_clip: 0.5, on_nan: skip}
        """,
    ),
    "buffers": (
        29,
        """\
        loader: {batch_size: 20, shuffle: false}
        model: {Sequential: [{Linear: [2, 8]}, {BatchNorm1d: 8}, ReLU, {Linear: [8, 2]}]}
        optimizer: {SGD: {lr: 0.1}}
        schedule: {StepLR: {step_size: 8, gamma: 0.5}}
        trainer: {max_epochs: 12, val_every: 9, log_every: 2}
        """,
    ),
}
"""The config of each run, and the step after which it is interrupted."""


def make(name: str, at: int, config: str, folder: Path) -> None:
    """Trains `config` up to step `at`, and puts what the run left into `folder`."""
    train = Training.run

    def interrupted(training, *arguments):
        advance = Progress.advance

        def stop(progress, step):
            advance(progress, step)
            if step == at:
                training.interrupt()

        with patch.object(Progress, "advance", stop):
            return train(training, *arguments)

    with tempfile.TemporaryDirectory() as work, patch.object(Training, "run", interrupted):
        path = Path(work, f"{name}.yaml")
        path.write_text(f"name: {name}\n{DATA}{dedent(config)}")
        main(["train", str(path), "--runs-dir", work])
        run = Path(work, name, "0001")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "checkpoints").mkdir(parents=True)
        for file in ("config.yaml", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
            shutil.copyfile(run / file, folder / file)


if __name__ == "__main__":
    for name, (at, config) in RUNS.items():
        make(name, at, config, Path(__file__).parent / name)
