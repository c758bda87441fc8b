"""What all ranks of a run have to agree in before it begins."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zlib import crc32

import numpy as np

import minigrad
from minigrad.config import Plan
from minigrad.data import Batch, Examples
from minigrad.training.experiment import Experiment

SAMPLE = 64
"""Examples of each part of the data whose numbers are compared."""


def facts_of(plan: Plan, experiment: Experiment, home: Path) -> dict[str, str]:
    """Returns what the numbers of a run follow from, as texts to be compared.

    Of data that has no digest of its own, the shapes and some examples are compared.
    """
    parts = {"train": experiment.data.train, "val": experiment.data.val, "test": experiment.data.test}
    return {
        "config": plan.to_yaml(),
        "version of minigrad": minigrad.__version__,
        "code": _code(home),
        "version of NumPy": np.__version__,
        "data": "\n".join(
            [f"digest {experiment.data.digest}", *(f"{part}: {_sample(e)}" for part, e in parts.items())]
        ),
    }


def _code(home: Path) -> str:
    """The SHA-256 of the sources of minigrad, and of the models beside the config."""
    digest = hashlib.sha256()
    for folder in (Path(minigrad.__file__).parent, home / "models"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _sample(examples: Examples) -> str:
    """The number of examples, and a checksum of some that lie all over them."""
    indices = np.linspace(0, len(examples) - 1, min(SAMPLE, len(examples))).astype(int)
    inputs, targets = Batch(examples, indices)[:]
    checksum = crc32(np.ascontiguousarray(targets).data, crc32(np.ascontiguousarray(inputs).data))
    return f"{len(examples)} examples of shape {inputs.shape[1:]}, CRC-32 {checksum:08x}"
