"""Signals at any moment: one line, and an exit code that says which."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "configs" / "xor.yaml")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

RECORDER = """\
import os, sys
sys.argv[0] = "minigrad"  # as the script that an installation makes
class Interrupt:
    'Sends a Ctrl-C when a module is looked for.'
    def find_spec(self, name, path=None, target=None):
        if name == WHERE:
            os.kill(os.getpid(), 2)
sys.meta_path.insert(0, Interrupt())
sys.modules.pop(WHERE, None)  # of what watches this process, such as coverage
from minigrad.__main__ main
sys.exit(main(["check", CONFIG]))
""".replace("__main__ main", "__main__ import main")


@pytest.mark.parametrize(
    "module", ["signal", "numpy", "minigrad.engine.tensor", "minigrad.cli.main", "yaml", "minigrad.cli.check"]
)
def test_a_ctrl_c_in_an_import_ends_with_one_line(module):
    program = RECORDER.replace("WHERE", repr(module)).replace("CONFIG", repr(CONFIG))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment(),
        cwd=ROOT,
        preexec_fn=listening,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_library_leaves_the_signals_alone():
    program = "import signal, minigrad; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), preexec_fn=listening
    )
    assert done.stdout == "True\n"


def listening():
    """Lets a child get the signals that the suite may have been started without, as in the background of a shell."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture
def endless(tmp_path):
    """A function that starts a training that would go on for long, and waits until it has begun."""
    (tmp_path / "long.yaml").write_text(
        "name: long\ndata: {Moons: {n_samples: 100}}\nmodel: {Linear: [2, 2]}\nloss: CrossEntropyLoss\noptimizer: SGD\n"
        "trainer: {max_steps: 100000000, val_every: 100000000}\n"
    )
    started = []

    def start(*before):
        command = [*before, sys.executable, "-m", "minigrad", "train", "long.yaml", "trainer.checkpoint.seconds=0.1"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path,
            preexec_fn=listening,
        )  # fmt: skip
        started.append(process)
        last = tmp_path / "runs" / "long" / "0001" / "checkpoints" / "last.safetensors"
        while not last.exists() and process.poll() is None:
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_interrupted_says_by_what(endless, tmp_path, name):
    process = endless()
    number = getattr(signal, name)
    process.send_signal(number)
    out, err = process.communicate(timeout=600)
    results = json.loads(out.splitlines()[-1])
    assert process.returncode == 128 + number, err
    assert (results["status"], results["reason"], results["best_step"]) == (
        "interrupted",
        f"interrupted by {name}",
        None,
    )
    facts = json.loads((tmp_path / results["run"] / "run.json").read_text())
    assert (facts["status"], facts["reason"], facts["best"]) == ("interrupted", f"interrupted by {name}", None)


def test_under_nohup_a_closed_terminal_ends_nothing(endless, tmp_path):
    process = endless("nohup")
    process.send_signal(signal.SIGHUP)
    last = tmp_path / "runs" / "long" / "0001" / "checkpoints" / "last.safetensors"
    for _ in range(2):  # two checkpoints later it has noticed every signal
        before = last.stat().st_mtime_ns
        while last.stat().st_mtime_ns == before and process.poll() is None:
            time.sleep(0.02)
    assert process.poll() is None


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}
