"""`minigrad export`: write a trained model for other tools."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from minigrad.cli.parser import CommandError, add_classes, add_model, add_overrides
from minigrad.cli.prepare import classes, open_pretrained_writer, pretrained_path, run_path
from minigrad.inference.export import save_onnx, save_weights
from minigrad.inference.huggingface import convert, save_huggingface
from minigrad.inference.load import open_run
from minigrad.inference.pretrained import Writer
from minigrad.paths import real
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad export runs/digits_mlp/0001 --weights digits.safetensors",
    "minigrad export runs/titanic/0002 --onnx titanic.onnx",
)


class Target(NamedTuple):
    """A format that a model can be exported to.

    Attributes:
        metavar: placeholder of the option's value.
        help: what the option writes.
        write: writes the model of an experiment to a path.
        options: further options of this format.
        convert: writes a pretrained model of another library; None if the format does not allow it.
    """

    metavar: str
    help: str
    write: Callable[..., None]
    options: tuple[str, ...] = ()
    convert: Callable[[Writer, Path], None] | None = None


TARGETS = {
    "weights": Target("FILE", "write the weights as safetensors, with PyTorch's keys", save_weights),
    "onnx": Target("FILE", "write the model as ONNX, for onnxruntime", save_onnx, ("opset", "raw")),
    "huggingface": Target(
        "DIR", "write a GPT or Llama as a folder for transformers", save_huggingface, convert=convert
    ),
}
"""The formats by the names of their options."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_model(parser)
    for name, target in TARGETS.items():
        parser.add_argument(f"--{name}", type=Path, metavar=target.metavar, help=target.help)
    parser.add_argument("--opset", type=int, metavar="N", help="with --onnx: the opset version; default: 20")
    parser.add_argument(
        "--raw", action="store_true", default=None, help="with --onnx: leave out the preprocessing of the inputs"
    )
    add_overrides(parser, "values that override the config of the run")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Write the model with its best weights; print the path."""
    asked = [name for name in TARGETS if getattr(arguments, name) is not None]
    if len(asked) != 1:
        known = " or ".join(f"--{name} {target.metavar}" for name, target in TARGETS.items())
        raise CommandError(f"choose one format: {known}")
    target = TARGETS[asked[0]]
    given = {name: getattr(arguments, name) for each in TARGETS.values() for name in each.options}
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in target.options:
            raise CommandError(f"--{name} does not go with --{asked[0]}")
    into: Path = getattr(arguments, asked[0])
    if (others := pretrained_path(arguments)) is not None:
        if target.convert is None or arguments.overrides:
            what = arguments.overrides[0] if target.convert else f"--{asked[0]}"
            raise CommandError(f"{what} is for runs, and {others} is not a run")
        target.convert(open_pretrained_writer(others, arguments), into)
        print(into)
        return 0
    path = run_path(arguments.model, arguments.words)
    if real(path) in real(into).parents:
        raise UsageError(f"{into} is inside the run's own folder: write it elsewhere")
    experiment, _ = open_run(path, classes(arguments, path), arguments.overrides)
    target.write(experiment, into, **options)
    print(into)
    return 0
