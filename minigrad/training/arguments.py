"""The words of the command line: what they are called, and what they mean."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from minigrad.config.suggest import nearest
from minigrad.training.experiment import KINDS
from minigrad.training.outcome import Format

DESCRIPTION = "Trains the model that a YAML file describes, and measures it."
EPILOG = """\
a config is a call: capitalised words are classes, lower-case words their arguments
  model: {Sequential: [Flatten, {Linear: [64, 10]}]}
  --list shows the classes, --describe NAME the arguments of one

overrides change single values after the file is read
  %(prog)s configs/digits_mlp.yaml optimizer.lr=1e-3 trainer.max_epochs=5
  %(prog)s configs/digits_mlp.yaml 'model={MLP: {sizes: [64, 32, 10]}}'

a run writes runs/<name>/<NNNN>/: config.yaml, run.json, metrics.jsonl, checkpoints/{last,best}.safetensors
  its last line on stdout is the results as JSON; everything else for people goes to stderr
  %(prog)s runs/digits_mlp/0001 --resume
  %(prog)s runs/digits_mlp/0001 --predict image.png
  %(prog)s runs/digits_mlp/0001 --plot --report
  %(prog)s runs/char_gpt/0001 --generate "The " --temperature 0.8

exit codes: 0 done, 1 failed while running, 2 wrong config or usage,
            130 and 143 interrupted by SIGINT or SIGTERM, with a checkpoint saved
"""

QUESTIONS = (
    "list", "describe", "schema", "print_config", "summary", "check", "find_lr", "sweep",
    "test", "predict", "plot", "attention", "report", "generate",
)  # fmt: skip
"""The options with which nothing is trained, or by others."""

SAMPLING = ("tokens", "temperature", "top_k", "top_p")
"""The options of --generate."""


def parse(words: Sequence[str], home: Path) -> argparse.Namespace:
    """Returns the options, as `overrides` the words with `=` that are no option, with or without `--` in front, and as
    `trains` whether they ask for a training.

    Wrong words end the process with exit code 2 and the usage, as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog="python train.py" if sys.argv[0].endswith("train.py") else "python -m minigrad",
        usage="%(prog)s [CONFIG | RUN] [KEY=VALUE ...] [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    default = home / "configs" / "digits_mlp.yaml"
    known = parser.add_argument_group("what there is")
    before = parser.add_argument_group("before a run")
    after = parser.add_argument_group("after a run, whose directory stands for CONFIG")
    options = [
        parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG", default=default,
                            help=f"default: {default}"),
        parser.add_argument("--runs-dir", type=Path, default=Path("runs"), metavar="DIR", help="default: runs"),
        parser.add_argument("--import", action="append", default=[], dest="packages", metavar="PACKAGE",
                            help="make the classes of a package known; may be given again"),
        parser.add_argument("--threads", type=int, metavar="N",
                            help="shards of a step computed at a time, which changes no bit; default: all cores"),
        parser.add_argument("--debug", action="store_true", help="show the traceback of an error"),
        known.add_argument("--list", nargs="?", const="all", metavar="KIND", choices=["all", *KINDS],
                           help=f"list the classes of a kind, or all: {', '.join(KINDS)}"),
        known.add_argument("--describe", metavar="NAME", help="what a class is, and which arguments it takes"),
        known.add_argument("--schema", action="store_true", help="print the JSON Schema of configs, for editors"),
        before.add_argument("--print-config", action="store_true", help="print the config, defaults included, as YAML"),
        before.add_argument("--summary", action="store_true", help="print the layers, their shapes and parameters"),
        before.add_argument("--check", action="store_true", help="the same, and try three batches; writes nothing"),
        before.add_argument("--find-lr", action="store_true", help="try growing learning rates, and suggest one"),
        before.add_argument("--sweep", action="append", default=[], metavar="KEY=[...]",
                            help="a run for each value, or with several --sweep for each combination"),
        before.add_argument("--jobs", type=int, metavar="N", help="runs of a sweep at a time; default: 1"),
        after.add_argument("--resume", action="store_true", help="go on where it was killed or interrupted"),
        after.add_argument("--allow-changes", action="store_true", help="resume also with a config that has changed"),
        after.add_argument("--test", action="store_true", help="measure its best weights on the test part again"),
        after.add_argument("--predict", metavar="FILE", help="what they say of the inputs in a .csv, .npy or .png"),
        after.add_argument("--plot", action="store_const", const="png", help="draw its pictures into its plots/"),
        after.add_argument("--plot-svg", action="store_const", const="svg", dest="plot", help="the same as SVG"),
        after.add_argument("--attention", metavar="TEXT", help="draw what each head looks at when it reads TEXT"),
        after.add_argument("--report", action="store_true", help="write its report.html: all of it on one page"),
        after.add_argument("--format", choices=get_args(Format), help="of predictions; default: jsonl"),
        after.add_argument("--generate", metavar="PROMPT", help="write on behind PROMPT; seed=N for another text"),
        after.add_argument("--tokens", type=int, metavar="N", help="how many to write; default: 300"),
        after.add_argument("--temperature", type=float, metavar="T", help="below 1 is more careful; default: 1"),
        after.add_argument("--top-k", type=int, metavar="K", help="write only one of the K likeliest tokens each time"),
        after.add_argument("--top-p", type=float, metavar="P",
                           help="or one of the likeliest that together have the probability P"),
    ]  # fmt: skip
    names = {name for option in options for name in option.option_strings}
    asking = {name for option in options if option.nargs is None for name in option.option_strings}
    kept: list[str] = []
    overrides: list[str] = []
    for previous, word in zip(["", *words], words, strict=False):
        is_override = "=" in word and word.split("=")[0] not in names and previous not in asking
        (overrides if is_override else kept).append(word)
    arguments, unknown = parser.parse_known_args(kept, argparse.Namespace(overrides=overrides))
    arguments.trains = not any(getattr(arguments, name) not in (None, False, []) for name in QUESTIONS)
    if unknown:
        parser.error(_remedy(unknown[0], names))
    if arguments.jobs is not None and (arguments.jobs < 1 or not arguments.sweep):
        parser.error("--jobs counts the runs of a --sweep that go on at a time, 1 or more")
    if arguments.threads is not None and arguments.threads < 1:
        parser.error(f"--threads is 1 or more, got {arguments.threads}")
    if arguments.format is not None and arguments.predict is None:
        parser.error("--format is that of the lines of --predict FILE")
    if arguments.allow_changes and not arguments.resume:
        parser.error("--allow-changes is for a run that goes on with --resume")
    for name in SAMPLING:
        if arguments.generate is None and getattr(arguments, name) is not None:
            parser.error(f"--{name.replace('_', '-')} says how --generate PROMPT writes")
    return arguments


def _remedy(word: str, options: set[str]) -> str:
    """Returns what was most likely meant by a word that is neither an option nor an override, after a config."""
    if word.startswith("-"):
        near = nearest(word, options)
        rest = f"did you mean {near}?" if near else f"a value of the config is changed with {word}=VALUE"
        return f"there is no option {word}; {rest}"
    if re.fullmatch(r"[a-z_]\w*(\.\w+)*", word) and not word.endswith((".yaml", ".yml")):
        return f"a value of the config is changed with {word}=VALUE"
    if ":" in word:
        return f"{word!r} is no override: write key=value, as in optimizer.lr=1e-3 or 'model={{Linear: [2, 2]}}'"
    return f"{word!r} is one word too many: one config is run at a time"
