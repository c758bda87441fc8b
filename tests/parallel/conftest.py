"""Runs the command line under a launcher of MPI, on this machine alone."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINIGRAD = [sys.executable, "-m", "minigrad"]
TRAIN = [sys.executable, str(ROOT / "train.py")]

CONFIG = """\
name: shared
data: {Moons: {n_samples: 300}}
loader: {batch_size: 16}
model: {Sequential: [{Linear: [2, 32]}, ReLU, {Dropout: 0.2}, {Linear: [32, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy, F1]
optimizer: {AdamW: {lr: 0.01}}
schedule: {WarmupCosine: {warmup_steps: 20}}
trainer:
  max_epochs: 10
  shards: 4
  accumulate: 2
  log_every: 3
  grad_clip: 1.0
  early_stopping: {monitor: val/accuracy, patience: 20}
  checkpoint: {monitor: val/accuracy, seconds: 0.05}
"""

FILES = ("metrics.jsonl", "config.yaml", "checkpoints/last.safetensors", "checkpoints/best.safetensors")


class Ranks:
    """The command line, on some ranks in one folder."""

    def __init__(self, mpiexec, folder):
        self.mpiexec = mpiexec
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMPI_ALLOW_RUN_AS_ROOT": "1",  # as in a container
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # more ranks than cores
        }

    def start(self, ranks, *words):
        """Starts the command on so many ranks; one is a plain process."""
        command = [*MINIGRAD, *map(str, words)]
        return self.launch(([self.mpiexec, "-n", str(ranks)] if ranks > 1 else []) + command)

    def launch(self, command):
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self.environment
        )

    def run(self, ranks, *words):
        """Returns the exit code, and what was written on the two streams."""
        return finish(self.start(ranks, *words))

    def train(self, ranks, *words, root="runs"):
        """Runs the command to a good end, and returns what its files hold."""
        code, output, errors = self.run(ranks, "train", *words, "--runs-dir", root)
        assert code == 0, errors
        (run,) = [line.removeprefix("run ") for line in errors.splitlines() if line.startswith("run ")]
        assert output.count("\n") == 1, "only rank 0 speaks"
        return {name: (self.folder / run / name).read_bytes() for name in FILES}


HANGS = 600
"""Seconds after which something hangs, on however busy a machine."""


def finish(process):
    try:
        output, errors = process.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        for worker in workers(process.pid):
            os.kill(worker, 9)
        process.kill()
        raise
    return process.returncode, output, errors


def workers(launcher):
    """The processes below a launcher that train, in no order: those that have no child of their own."""
    table = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if after[0] != "Z":
            table[int(stat.parent.name)] = int(after[1])
    below, found = [launcher], []
    for process in below:
        children = [child for child, parent in table.items() if parent == process]
        below += children
        if not children:
            found.append(process)
    return found


def wait_for(condition):
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def mpiexec():
    """The launcher that belongs to this Python, or that of the system."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    loads = [sys.executable, "-c", "import mpi4py.MPI"]  # in a process of its own: it would start MPI in this one
    if found is None or subprocess.run(loads, capture_output=True).returncode:
        pytest.skip("several ranks need mpi4py and an MPI: pip install mpi4py mpich")
    return found


@pytest.fixture
def ranks(tmp_path, mpiexec):
    (tmp_path / "shared.yaml").write_text(CONFIG)
    return Ranks(mpiexec, tmp_path)
