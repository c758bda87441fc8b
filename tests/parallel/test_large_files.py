"""Data larger than memory stays in its file."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.data.idx import idx_header

from .conftest import ROOT, Ranks, finish

GIGABYTES = 2

CONFIG = """\
name: large
data: {{{data}}}
loader: {{batch_size: 64}}
model: {{Sequential: [{layers}]}}
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


@pytest.fixture(scope="module", params=["tokens", "images"])
def config(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    if shutil.disk_usage(folder).free < 2 * GIGABYTES * 2**30:
        pytest.skip(f"needs {2 * GIGABYTES} GB of room on the disk")
    generator, path = np.random.default_rng(0), folder / request.param
    if request.param == "tokens":
        write(path, b"", generator.integers(0, 65, 2**25, dtype=np.uint16))
        data = f"Tokens: {{path: {path}, vocab_size: 65, block_size: 64, val_fraction: 1e-6, test_fraction: 1e-6}}"
        layers = "{Embedding: [65, 16]}, {Linear: [16, 65]}"
    else:
        shape = GIGABYTES * 2**17, 128, 64
        write(path, idx_header(shape), generator.integers(0, 256, 2**26, dtype=np.uint8))
        labels = generator.integers(0, 10, shape[0], dtype=np.uint8)
        (folder / "labels").write_bytes(idx_header(labels.shape) + labels.tobytes())
        data = f"IDX: {{images: {path}, labels: {folder / 'labels'}, val_fraction: 1e-4, test_fraction: 1e-4}}"
        layers = "{Linear: [8192, 10]}"
    (folder / "large.yaml").write_text(CONFIG.format(data=data, layers=layers))
    yield folder / "large.yaml"
    path.unlink()


def write(path, header, content):
    """Writes a file of 2 GiB behind its header, of the same 64 MiB over and over."""
    with open(path, "wb") as file:
        file.write(header)
        for _ in range(GIGABYTES * 2**30 // content.nbytes):
            file.write(content)


def peaks(ranks, command, count):
    """The most memory that each rank has had resident, in MB."""
    ranks.environment["PYTHONPATH"] = str(ROOT)
    code, _, errors = finish(ranks.launch(command))
    assert code == 0, errors
    return [int((ranks.folder / f"peak.{rank}").read_text()) / 1000 for rank in range(count)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
class TestAFileOfTwoGigabytes:
    def test_a_process_holds_less_than_300_mb(self, config, tmp_path):
        (peak,) = peaks(Ranks(None, tmp_path), [sys.executable, "-c", PROGRAM, str(config)], 1)
        assert peak < 300

    @pytest.mark.mpi
    def test_so_does_each_of_two_ranks(self, config, ranks):
        command = [ranks.mpiexec, "-n", "2", sys.executable, "-c", PROGRAM, str(config)]
        assert max(peaks(ranks, command, 2)) < 300
