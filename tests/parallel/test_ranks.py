"""What can be said of ranks without a launcher of MPI."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.parallel import LaunchError, RankError, Ranks, launched

from .conftest import TRAIN, finish, wait_for


class Two(Ranks):
    """Two ranks, of which the other says what it is told to."""

    size = 2

    def __init__(self, other):
        self.other = other

    def allgather(self, value):
        return [value, self.other]

    def name(self, rank):
        return f"rank {rank}"


def test_a_process_that_was_started_alone_is_rank_0_of_1(monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    with launched() as ranks:
        assert (ranks.rank, ranks.size) == (0, 1)
        assert ranks.allgather(3) == ranks.gather(3) == [3]


def test_a_process_that_was_started_alone_does_not_import_mpi4py():
    ask = "import sys; from minigrad.parallel import launched\nwith launched(): print('mpi4py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout == "False\n"


class TestFacts:
    def test_that_are_the_same_are_agreed_upon(self):
        Two({"config": "a\nb"}).agree({"config": "a\nb"})

    def test_that_differ_are_told_with_rank_name_and_place(self):
        with pytest.raises(LaunchError, match=r"rank 1 has another config than rank 0: lr: 0\.2, not lr: 0\.1"):
            Two({"config": "a\n  lr: 0.2"}).agree({"config": "a\n  lr: 0.1"})

    def test_of_which_one_goes_on_where_the_other_ends(self):
        with pytest.raises(LaunchError, match="rank 1 has another config than rank 0: 1 characters, not 3"):
            Two({"config": "a"}).agree({"config": "a\nb"})


class TestWeights:
    def sums(self, arrays):
        seen = []
        spy = Two(None)
        spy.allgather = lambda value: seen.append(value) or [value, value]
        spy.verify(arrays)
        return seen[0]

    def test_that_are_the_same_pass(self):
        weights = {"weight": np.arange(6.0).reshape(2, 3).T, "bias": np.zeros(3)}
        Two(self.sums(weights)).verify(weights)

    def test_of_which_one_bit_differs_are_told_with_rank_and_name(self):
        weights = {"weight": np.arange(6.0), "bias": np.zeros(3)}
        other = {**weights, "bias": np.array([0.0, -0.0, 0.0])}
        with pytest.raises(RankError, match="rank 1 no longer has the 'bias' of rank 0"):
            Two(self.sums(other)).verify(weights)


class TestWithoutMPI:
    def start(self, folder, **environment):
        (folder / "mpi4py").mkdir(exist_ok=True)
        (folder / "mpi4py" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'mpi4py'\")\n")
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            TRAIN, capture_output=True, text=True, cwd=folder, env={**os.environ, **environment, "PYTHONPATH": path}
        )

    def test_one_rank_says_what_to_install(self, tmp_path):
        for rank in ("0", "1"):
            done = self.start(tmp_path, OMPI_COMM_WORLD_SIZE="2", OMPI_COMM_WORLD_RANK=rank)
            assert done.returncode == 2
            assert done.stdout == ""
            said = "error: 2 ranks were started, but cannot communicate (No module named 'mpi4py'): pip install"
            assert done.stderr.startswith(said) if rank == "0" else done.stderr == ""
        assert not (tmp_path / "runs").exists()

    def test_a_process_alone_does_not_need_it(self, tmp_path):
        assert self.start(tmp_path).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="ranks are supervised on Linux")
class TestTheSupervisor:
    def start(self, *lines):
        program = "\n".join(["import os, signal, sys, time", "from minigrad.parallel.supervisor import supervise"])
        return subprocess.Popen(
            [sys.executable, "-c", "\n".join([program, "supervise(3)", *lines])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def test_ends_as_the_rank_does(self):
        assert finish(self.start("print('said')", "sys.exit(7)")) == (7, "said\n", "")

    def test_tells_that_the_rank_was_killed(self):
        code, _, errors = finish(self.start("os.kill(os.getpid(), signal.SIGKILL)"))
        assert code == 1
        assert errors.startswith("error: rank 3 (host ")
        assert "was killed by SIGKILL: the run ends, minigrad resume continues from its last checkpoint" in errors

    def test_passes_each_signal_on_once(self):
        process = self.start(
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
            "print('ready', flush=True)",
            "signal.sigwait([signal.SIGTERM])",
            "print('told', flush=True)",
            "sys.exit(0 if signal.sigtimedwait([signal.SIGTERM], 0.5) else 143)",
        )
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert finish(process) == (143, "told\n", "")

    def test_passes_on_a_signal_that_comes_before_it_is_ready(self):
        program = [
            "import os, signal, sys",
            "from minigrad.parallel.supervisor import supervise",
            "fork = os.fork",
            "def fork_and_be_told():",
            "    if child := fork():",
            "        os.kill(os.getpid(), signal.SIGTERM)",
            "    return child",
            "os.fork = fork_and_be_told",
            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
            "supervise(3)",
            "signal.sigwait([signal.SIGTERM])",
            "print('told', flush=True)",
            "sys.exit(143)",
        ]
        process = subprocess.Popen(
            [sys.executable, "-c", "\n".join(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert finish(process) == (143, "told\n", "")

    def test_takes_the_rank_along_when_it_is_killed(self):
        process = self.start("print(os.getpid(), flush=True)", "time.sleep(60)")
        rank = int(process.stdout.readline())
        process.kill()
        finish(process)

        def is_gone():
            try:
                os.kill(rank, 0)
            except ProcessLookupError:
                return True
            return Path(f"/proc/{rank}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

        wait_for(is_gone)
