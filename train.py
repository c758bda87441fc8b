"""Train what a config describes: `python train.py CONFIG KEY=VALUE ...` is `minigrad train CONFIG KEY=VALUE ...`."""

import sys

from minigrad.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
