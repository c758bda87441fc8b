"""`python -m minigrad` is the command line that `train.py` is."""

import sys

from minigrad.training.command import main

if __name__ == "__main__":
    sys.exit(main())
