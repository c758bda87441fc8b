"""What a run on several ranks is: that of one process, byte for byte, or a sentence that says why not."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from .conftest import ROOT, TRAIN, finish, wait_for, workers

pytestmark = pytest.mark.mpi

GPT = [
    ROOT / "configs" / "shakespeare_gpt.yaml",
    "data.path=null",  # the text that comes with Python
    "trainer.shards=4",
    "trainer.val_every=1000",
]


class TestTheLayoutChangesNoBit:
    def test_four_shards_on_one_to_four_ranks_and_on_one_and_two_threads(self, ranks):
        expected = ranks.train(1, "shared.yaml", "--threads", "1")
        assert ranks.train(1, "shared.yaml", "--threads", "2") == expected
        assert ranks.train(2, "shared.yaml", "--threads", "2") == expected
        for count in (2, 3, 4):
            assert ranks.train(count, "shared.yaml") == expected, f"{count} ranks"

    def test_shards_that_do_not_divide_evenly(self, ranks):
        words = ["shared.yaml", "trainer.shards=7", "trainer.max_epochs=2"]  # also in the last batch of an epoch, of 4
        expected = ranks.train(1, *words)
        assert ranks.train(2, *words) == expected
        assert ranks.train(3, *words) == expected

    def test_a_parameter_that_only_some_shards_use(self, ranks):
        (ranks.folder / "models").mkdir()
        (ranks.folder / "models" / "picky.py").write_text(
            "from minigrad import nn\n"
            "class Picky(nn.Module):\n"
            "    def __init__(self):\n"
            "        self.left, self.right, self.unused = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)\n"
            "    def forward(self, x):\n"
            "        return self.left(x) if x.data[0, 0] > 0 else self.right(x)\n"
        )
        words = ["shared.yaml", "model=Picky", "trainer.max_epochs=3", "schedule=null"]
        assert ranks.train(2, *words) == ranks.train(1, *words)

    def test_a_fast_sum_is_that_of_the_same_gradients(self, ranks):
        words = ["shared.yaml", "trainer.shards=6", "trainer.max_epochs=2"]
        fast, one = ({}, {})
        for found, count, more in ((fast, 2, ["trainer.reduce=fast"]), (one, 1, [])):
            found |= ranks.train(count, *words, *more)
        last = [json.loads(found["metrics.jsonl"].splitlines()[-1]) for found in (fast, one)]
        assert last[0]["val/loss"] == pytest.approx(last[1]["val/loss"], rel=1e-4)

    @pytest.mark.slow
    def test_a_gpt_after_200_steps(self, ranks):
        words = [*GPT, "trainer.max_steps=200"]
        expected = ranks.train(1, *words, "--threads", "1")
        assert ranks.train(1, *words, "--threads", "2") == expected
        assert ranks.train(2, *words) == expected
        assert ranks.train(4, *words) == expected


class TestARunThatIsCutShort:
    def test_sigterm_to_the_launcher_saves_and_another_number_of_ranks_goes_on(self, ranks):
        whole = ranks.train(1, "shared.yaml", "trainer.max_epochs=300", root="whole")
        process = ranks.start(2, "train", "shared.yaml", "trainer.max_epochs=300", "--runs-dir", "cut")
        run = ranks.folder / "cut" / "shared" / "0001"
        wait_for((run / "checkpoints" / "last.safetensors").exists)
        process.terminate()
        code, _, errors = finish(process)
        if b"Open MPI" in subprocess.run([ranks.mpiexec, "--version"], capture_output=True, check=True).stdout:
            assert code == 1  # whatever its ranks say; it gives them half a second
            wait_for(lambda: "interrupted" in (run / "run.json").read_text())
        else:
            assert code == 143, errors
            assert errors.count("SIGTERM: finishing this step and saving") == 1
        facts = json.loads((run / "run.json").read_text())
        assert (facts["status"], facts["exit_code"]) == ("interrupted", 143)
        for count in (3, 1):
            process = ranks.start(count, "resume", run)
            wait_for(lambda: "resumed" in (run / "run.json").read_text())
            if count == 3:
                process.terminate()
            code, _, errors = finish(process)
            assert count == 3 or code == 0, errors
        assert {name: (run / name).read_bytes() for name in whole} == whole

    @pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
    def test_a_rank_that_dies_or_hangs_ends_the_run_within_ten_seconds(self, ranks, blow):
        process = ranks.start(2, "train", "shared.yaml", "trainer.max_epochs=100000", "trainer.early_stopping=null")
        run = ranks.folder / "runs" / "shared" / "0001"
        wait_for((run / "checkpoints" / "last.safetensors").exists)
        began = time.monotonic()
        os.kill(max(workers(process.pid)), blow)
        code, _, errors = finish(process)
        assert time.monotonic() - began < 10
        assert code == 1
        what = "was killed by SIGKILL" if blow == signal.SIGKILL else "has sent no heartbeat for 7 seconds"
        (told,) = [line for line in errors.splitlines() if what in line]
        assert told.startswith("error: rank ")
        assert "(host " in told
        ranks.run(2, "resume", run, "trainer.max_epochs=1", "--allow-changes")  # reads a whole checkpoint

    @pytest.mark.slow
    def test_twenty_kills_of_a_random_rank_change_no_bit(self, ranks):
        import random

        random.seed(0)
        words = ["shared.yaml", "trainer.max_epochs=500", "trainer.early_stopping=null", "trainer.val_every=100"]
        whole = ranks.train(1, *words, root="whole")
        run = ranks.folder / "torn" / "shared" / "0001"
        kills, ended = 0, False

        def records():
            metrics = run / "metrics.jsonl"
            return metrics.read_bytes().count(b"\n") if metrics.exists() else 0

        while kills < 20 and not ended:
            resumes = (run / "config.yaml").exists()
            if not resumes and run.exists():  # it died before it had written its config
                run.rename(ranks.folder / f"unborn-{kills}")
            command = ["resume", run] if resumes else ["train", *words, "--runs-dir", "torn"]
            process = ranks.start(1 + kills % 2, *command)
            goal = records() + random.randrange(40)  # none: it is killed while it starts
            wait_for(lambda process=process, goal=goal: records() >= goal or process.poll() is not None)
            if process.poll() is None:
                os.kill(random.choice(workers(process.pid)), signal.SIGKILL)
                kills += 1
            ended = finish(process)[0] == 0
        assert kills >= 10
        assert ranks.run(2, "resume", run)[0] == 0
        assert {name: (run / name).read_bytes() for name in whole} == whole

    def test_a_loss_that_is_no_number_is_told_once_with_its_rank(self, ranks):
        code, _, errors = ranks.run(2, "train", "shared.yaml", "optimizer={SGD: {lr: 1e30}}", "trainer.grad_clip=null")
        assert code == 1
        (told,) = [line for line in errors.splitlines() if "error: " in line]
        assert told.startswith("error: the training loss became ")
        assert "on rank 0 (host " in told

    def test_an_error_of_one_rank_is_told_by_it(self, ranks):
        (ranks.folder / "one.py").write_text(
            "import os, sys\n"
            "import minigrad.training.trainer as trainer\n"
            "from minigrad.cli import main\n"
            "if sys.argv.pop() == 'faulty':\n"
            "    def fault(*arguments): raise ValueError('this rank alone')\n"
            "    trainer.clip_grad_norm_ = fault\n"
            "sys.exit(main())\n"
        )
        one = [sys.executable, "one.py", "train", "shared.yaml"]
        process = ranks.launch([ranks.mpiexec, "-n", "1", *one, "sound", ":", "-n", "1", *one, "faulty"])
        exit_code, _, errors = finish(process)
        assert exit_code == 1
        (told,) = [line for line in errors.splitlines() if "error: " in line]
        assert told.startswith("rank 1 (host ")
        assert told.endswith("error: this rank alone")


class TestRefusals:
    def refused(self, ranks, *command):
        """Returns what was said of a start that came to nothing."""
        code, output, errors = finish(ranks.launch(command))
        assert code == 2
        assert output == ""
        assert errors.count("error: ") == 1, errors
        assert not (ranks.folder / "runs").exists()
        return errors

    def test_more_ranks_than_shards(self, ranks):
        errors = self.refused(ranks, ranks.mpiexec, "-n", "3", *TRAIN, "shared.yaml", "trainer.shards=2")
        assert (
            "3 ranks share 2 shards of a batch, but each needs one: start at most 2, or raise trainer.shards" in errors
        )

    def test_more_shards_than_examples_in_a_batch(self, ranks):
        errors = self.refused(ranks, ranks.mpiexec, "-n", "2", *TRAIN, "shared.yaml", "loader.batch_size=3")
        assert "shards is 4, and a batch has only 3 examples" in errors

    def test_ranks_with_other_configs(self, ranks):
        other = [*TRAIN, "shared.yaml", "optimizer.lr=0.02"]
        errors = self.refused(ranks, ranks.mpiexec, "-n", "1", *TRAIN, "shared.yaml", ":", "-n", "1", *other)
        assert "rank 1 (host " in errors
        assert "has another config than rank 0 (host " in errors
        assert "lr: 0.02" in errors

    def test_ranks_that_see_different_files(self, ranks):
        for name, text in (("here", "to be or not to be " * 100), ("there", "to be or not to bee" * 100)):
            (ranks.folder / name).mkdir()
            (ranks.folder / name / "play.txt").write_text(text)
        words = [GPT[0], "data={CharText: {path: play.txt, block_size: 4}}", "trainer.shards=2"]
        one = [["env", f"MINIGRAD_DATA={ranks.folder / name}", *TRAIN, *words] for name in ("here", "there")]
        errors = self.refused(ranks, ranks.mpiexec, "-n", "1", *one[0], ":", "-n", "1", *one[1])
        assert "rank 1 (host " in errors
        assert "has another data than rank 0" in errors

    def test_a_mistake_in_the_config_is_told_once(self, ranks):
        errors = self.refused(ranks, ranks.mpiexec, "-n", "2", *TRAIN, "shared.yaml", "optimizer.lrr=1")
        assert errors.count("did you mean 'lr'?") == 1

    def test_a_run_directory_that_rank_0_cannot_make(self, ranks):
        code, _, errors = ranks.run(2, "train", "shared.yaml", "--runs-dir", "shared.yaml/runs")
        assert code == 1
        (told,) = [line for line in errors.splitlines() if "error: " in line]
        assert told.startswith("rank 0 (host ")
        assert "Not a directory; --runs-dir DIR chooses another folder" in told

    def test_words_that_only_one_rank_was_given(self, ranks):
        one = [*TRAIN, "shared.yaml"]
        code, _, errors = finish(ranks.launch([ranks.mpiexec, "-n", "1", *one, ":", "-n", "1", *one, "--treads"]))
        assert code != 0
        assert "rank 1 (host " in errors

    def test_the_launcher_of_another_mpi(self, ranks):
        ranks.environment |= {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"}  # as if 2 had been started
        errors = self.refused(ranks, *TRAIN, "shared.yaml")
        assert "2 ranks were started, but mpi4py's MPI (" in errors
        assert "finds 1: use its own mpiexec" in errors


def test_a_question_is_answered_once(ranks):
    code, output, _ = ranks.run(2, "describe", "Accuracy")
    assert code == 0
    assert output.count("Accuracy(threshold") == 1
