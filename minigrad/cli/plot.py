"""`minigrad plot`: draw the figures of a run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes, add_overrides, add_run
from minigrad.cli.prepare import classes, run_path, run_to_draw
from minigrad.inference.load import open_run

EXAMPLES = (
    "minigrad plot runs/digits_mlp/0001",
    "minigrad plot runs/char_gpt/0001 --attention 'the name of the class'",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_run(parser)
    add_overrides(parser, "values that override the config of the run, such as data.path")
    parser.add_argument("--svg", action="store_true", help="write SVG files instead of PNG")
    parser.add_argument("--attention", metavar="TEXT", help="draw only the attention weights of each head for TEXT")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Write the figures into the run's `plots/`; print their paths."""
    from minigrad.plots import attention, save_pictures  # need matplotlib

    path = run_path(arguments.run, arguments.words)
    if arguments.attention is None:
        for picture in save_pictures(run_to_draw(arguments), svg=arguments.svg):
            print(picture)
        return 0
    experiment, _ = open_run(path, classes(arguments, path), arguments.overrides)
    figure = attention(experiment, arguments.attention)
    folder = path / "plots"
    folder.mkdir(exist_ok=True)
    print(figure.save(folder, arguments.svg))
    return 0
