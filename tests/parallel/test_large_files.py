"""Data larger than memory stays in its file."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import ROOT, Ranks, finish

GIGABYTES = 2

CONFIG = """\
name: large
data: {{Tokens: {{path: {path}, vocab_size: 65, block_size: 64, val_fraction: 1e-6, test_fraction: 1e-6}}}}
loader: {{batch_size: 64}}
model: {{Sequential: [{{Embedding: [65, 16]}}, {{Linear: [16, 65]}}]}}
loss: {{CrossEntropyLoss: {{axis: -1}}}}
optimizer: {{AdamW: {{lr: 0.01}}}}
trainer: {{max_steps: 300, shards: 2}}
"""

PROGRAM = """\
import os, re, sys
from pathlib import Path
from minigrad.parallel import launched
from minigrad.training import Training, load
with launched() as ranks:
    Training(load(sys.argv[1]), ranks=ranks).run()
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    Path(f"peak.{ranks.rank}").write_text(peak[1])
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < 2 * GIGABYTES * 2**30:
        pytest.skip(f"needs {2 * GIGABYTES} GB of room on the disk")
    tokens = np.random.default_rng(0).integers(0, 65, 2**25, dtype=np.uint16).tobytes()  # 64 MiB
    with open(folder / "tokens.bin", "wb") as file:
        for _ in range(GIGABYTES * 2**30 // len(tokens)):
            file.write(tokens)
    (folder / "large.yaml").write_text(CONFIG.format(path=folder / "tokens.bin"))
    yield folder / "large.yaml"
    (folder / "tokens.bin").unlink()


def peaks(ranks, command, count):
    """The most memory that each rank has had resident, in MB."""
    ranks.environment["PYTHONPATH"] = str(ROOT)
    code, _, errors = finish(ranks.launch(command))
    assert code == 0, errors
    return [int((ranks.folder / f"peak.{rank}").read_text()) / 1000 for rank in range(count)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
class TestATokenFileOfTwoGigabytes:
    def test_a_process_holds_less_than_300_mb(self, config, tmp_path):
        (peak,) = peaks(Ranks(None, tmp_path), [sys.executable, "-c", PROGRAM, str(config)], 1)
        assert peak < 300

    @pytest.mark.mpi
    def test_so_does_each_of_two_ranks(self, config, ranks):
        command = [ranks.mpiexec, "-n", "2", sys.executable, "-c", PROGRAM, str(config)]
        assert max(peaks(ranks, command, 2)) < 300
