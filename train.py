"""Trains what a config describes:  python train.py configs/digits_mlp.yaml  (--help says the rest)."""

import os
import sys
from pathlib import Path

# NumPy reads these once, when it is imported. One thread: a small product is not worth a second one, which would spin
# beside everything else, and another number of threads gives other bits.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")

from minigrad.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(home=Path(__file__).resolve().parent))
