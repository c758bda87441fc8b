"""`minigrad new`: create a folder that is ready to train."""

from __future__ import annotations

import os
import re
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from minigrad.cli.drafts import KINDS, Draft, draft_of
from minigrad.cli.parser import CommandError
from minigrad.cli.prepare import build_and_try
from minigrad.config import ConfigError, parse_plan
from minigrad.data import DataError, Digits, find
from minigrad.data.idx import WHITE
from minigrad.data.pictures import write_png
from minigrad.suggest import nearest
from minigrad.training.experiment import Experiment, known_classes

EXAMPLES = (
    "minigrad new wine --data wine.csv --target quality",
    "minigrad new houses --from table",
)

TEMPLATES = Path(__file__).with_name("templates")
PLACEHOLDER = "__NAME__"
"""The placeholder of the folder's name, in a template's files and their names."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    known = ", ".join(templates())
    parser.add_argument("name", metavar="NAME", type=Path, help="the folder to create; its last part names the runs")
    what = f"one of {known}; default: NAME; with --data: the kind of the data, if the guess is wrong"
    parser.add_argument("--from", dest="template", metavar="TEMPLATE", help=what)
    parser.add_argument(
        "--data",
        metavar="FILE",
        type=Path,
        help="your data: a CSV file, a text, arrays (.npz, .npy) or a folder of images",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column of FILE to predict; default: the last one")


def run(arguments: Namespace) -> int:
    """Create the folder and print the next command to type.

    Existing files are not overwritten.
    """
    folder: Path = arguments.name
    if arguments.data is None:
        if arguments.target is not None:
            raise CommandError(f"--target names a column of your own data, as in: {EXAMPLES[0]}")
        source = _template(arguments.template or folder.name, is_name=arguments.template is None)
        _check_place(folder)
        return _make(folder, lambda made: _copy_template(source, made))
    _check_place(folder)
    if arguments.template not in (None, *KINDS):
        known = ", ".join(KINDS)
        raise CommandError(f"with --data, --from is the kind of data, one of {known}; got {arguments.template!r}")
    draft = draft_of(find(arguments.data), arguments.target, arguments.template)
    return _make(folder, lambda made: _write(draft, made, folder))


def templates() -> list[str]:
    """Return the names of the templates."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir() and path.name != "__pycache__")


def _check_place(folder: Path) -> None:
    """Check that a folder can be created and can name runs."""
    if not re.fullmatch(r"\w[\w.-]*", folder.name):
        raise CommandError(f"{folder.name!r} cannot name runs: use letters, digits, '.', '_' and '-'")
    if folder.exists() or folder.is_symlink():
        raise CommandError(f"{folder} already exists and is not overwritten: choose another name")
    if not folder.parent.is_dir():
        raise CommandError(f"there is no folder {folder.parent} for {folder.name}: create it first")


def _make(folder: Path, fill: Callable[[Path], list[str]]) -> int:
    """Create a folder completely or not at all; print its files and the notes that `fill` returns."""
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        said = fill(made)
        written = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file() and path.suffix != ".png")
        shutil.move(made, folder)
    for path in written:
        print(folder / path)
    print(*said, f"\ncd {folder} && minigrad train", sep="\n")
    return 0


def _copy_template(source: Path, made: Path) -> list[str]:
    """Fill a folder from a template; return notes to print."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            _copy(path, made / str(path.relative_to(source)).replace(PLACEHOLDER, made.name), made.name)
    if source.name != "images":
        return []
    return [f"{made.name}/digits: {_draw_digits(made / 'digits')} images, a folder for each class"]


def _write(draft: Draft, made: Path, folder: Path) -> list[str]:
    """Write the config and README of a draft and try a first batch; return the assumptions."""
    name, config = made.name, made / f"{made.name}.yaml"
    try:  # in the current folder, in which the user's path is valid
        build_and_try(parse_plan(draft.to_yaml(name, lambda path: path), config.name, Experiment, known_classes(made)))
    except ConfigError as error:
        causes = "; ".join(problem.message for problem in error.problems)
        raise DataError(f"no working config was found for this data: {causes}") from error
    beside = lambda path: _relative(path, folder)
    config.write_text(draft.to_yaml(name, beside), encoding="utf-8")
    run = f"runs/{name}/0001"
    said = [f"{word:<11} {sentence}" for word, sentence in draft.assumed]
    readme = [
        f"# {name}",
        "",
        *_aligned(
            ("minigrad train", f"trains {name}.yaml into {run}"),
            (f"minigrad {draft.ask(run, beside)}", ""),
            (f"minigrad report {run}", "results and figures; needs pip install matplotlib"),
        ),
        "",
        "What was found in the data, and what was assumed:",
        "",
        *(f"    {line}" for line in said),
        "",
    ]
    (made / "README.md").write_text("\n".join(readme), encoding="utf-8")
    return said


def _relative(path: Path, folder: Path) -> Path:
    """Return a path relative to a folder; absolute paths and other drives stay absolute."""
    if path.is_absolute():
        return path
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve()))
    except ValueError:  # on another Windows drive
        return path.resolve()


def _template(name: str, is_name: bool) -> Path:
    """Return the folder of a template, with a suggestion if there is none."""
    if name in templates():
        return TEMPLATES / name
    known = ", ".join(templates())
    near = nearest(name, templates())
    if is_name and not near:
        raise CommandError(f"name a template for {name}: minigrad new {name} --from TEMPLATE, one of {known}")
    meant = f"did you mean {near}? " if near else ""
    raise CommandError(f"there is no template {name!r}; {meant}the templates are {known}")


def _draw_digits(folder: Path) -> int:
    """Draw handwritten digits as PNG files, one folder per class; return their number."""
    data = Digits(flatten=False)
    for i, (image, label) in enumerate(zip(*data.train.batch(slice(None)), strict=True)):
        path = folder / data.class_names[label] / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, (image[0] * WHITE).round().astype(np.uint8))
    return len(data.train)


def _copy(path: Path, target: Path, name: str) -> None:
    """Copy a text file and insert the folder's name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8").replace(PLACEHOLDER, name)
    if path.name == "README.md":
        title, _, commands = text.partition("\n\n")
        pairs = [command.partition(" # ") for command in commands.splitlines()]
        text = "\n".join([title, "", *_aligned(*((command.strip(), comment) for command, _, comment in pairs)), ""])
    target.write_text(text, encoding="utf-8")


def _aligned(*commands: tuple[str, str]) -> list[str]:
    """Return commands as indented lines, with their comments below each other."""
    width = max(len(command) for command, comment in commands if comment)
    return [f"    {command:<{width}}    # {comment}" if comment else f"    {command}" for command, comment in commands]
