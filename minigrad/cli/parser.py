"""The argument parser of commands, with suggestions for unknown words."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from minigrad.cli.remedies import KNOWN_ELSEWHERE

MOST_IN_USAGE = 10  # options that fit a generated usage


class CommandError(ValueError):
    """A command line that cannot be run, with the remedy."""


class UnknownOption(Exception):  # noqa: N818 - the user never sees it
    """An option that the command does not have.

    Attributes:
        word: the option.
        following: the word after it.
    """

    def __init__(self, word: str, following: str) -> None:
        super().__init__(word)
        self.word, self.following = word, following


class Parser(argparse.ArgumentParser):
    """The arguments of one command.

    Options and config values may be in any order. `overrides` collects the config values, `KEY=VALUE`.

    Args:
        name: the command's name.
        what: the command's description, lower case.
        examples: two command lines, shown first in the help.
        commands: the names of all commands.
    """

    def __init__(self, name: str, what: str, examples: Sequence[str], commands: Collection[str]) -> None:
        self.declared: list[argparse.Action] = []
        super().__init__(
            f"minigrad {name}", description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False, add_help=False
        )
        self.name = name
        self.commands = commands
        self.examples = examples
        self.add_argument("-h", "--help", action="store_true", help=argparse.SUPPRESS)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument, as argparse does."""
        self.declared.append(super().add_argument(*names, **options))
        return self.declared[-1]

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options by name."""
        return {name: action for action in self.declared for name in action.option_strings}

    @property
    def takes_overrides(self) -> bool:
        """Whether the command takes config values."""
        return any(action.dest == "overrides" for action in self.declared)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Return the parsed arguments.

        Raises:
            UnknownOption: for an option that the command does not have.
            CommandError: for other words that it does not take.
        """
        options, values, overrides = self._sort(words)
        if {"-h", "--help"} & set(options):
            return argparse.Namespace(help=True)
        if command := next((word for word in values if word in self.commands and not Path(word).exists()), None):
            raise CommandError(f"one command at a time, type: minigrad {shlex.join(words[words.index(command) :])}")
        arguments = self.parse_args([*options, *(["--", *values] if values else [])])
        if self.takes_overrides:
            if arguments.overrides:
                raise CommandError(self._one_too_many(arguments.overrides[0]))
            arguments.overrides = overrides
        return arguments

    def format_help(self) -> str:
        """Return the help: examples, usage and arguments.

        A long usage is shortened.
        """
        if len(self.options) > MOST_IN_USAGE:
            words = [action.metavar for action in self.declared if not action.option_strings]
            self.usage = f"{self.prog} {' '.join(map(str, words))} ... [OPTION ...]"
        return "\n".join([*self.examples, "", super().format_help()])

    def error(self, message: str) -> NoReturn:
        """Raise CommandError, where argparse would print the usage and exit."""
        if extra := re.match("unrecognized arguments: (.*)", message):
            message = self._one_too_many(extra[1].split()[0])
        elif missing := re.match("the following arguments are required: (.*)", message):
            what = missing[1].removesuffix(", KEY=VALUE")
            message = f"minigrad {self.name} needs {what}, as in: {self.examples[0]}"
        raise CommandError(re.sub(r"^argument (\S+): ", r"\1 ", message))

    def _sort(self, words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """Return the options with their values, the positional arguments, and the config values."""
        by_name = self.options
        options: list[str] = []
        values: list[str] = []
        overrides: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            name, sign, _ = word.partition("=")
            if word == "--":
                return options, [*values, *rest], overrides
            if name in by_name:
                options.append(word)
                if not sign and by_name[name].nargs is None:
                    if not rest:
                        raise CommandError(f"{word} needs a value, as in: {word} {by_name[name].metavar}")
                    options[-1] = f"{word}={rest.pop(0)}"
            elif self.takes_overrides and re.fullmatch(r"(-{2})?\w+(\.\w+)*", name) and sign:
                overrides.append(self._override(word, rest))
            elif re.match("-[^0-9. ]", word) or word.startswith("- "):
                raise UnknownOption(word, rest[0] if rest else "")
            elif self.takes_overrides and rest[:1] == ["="]:
                raise CommandError(f"write {word}={' '.join(rest[1:2]) or 'VALUE'}, without spaces")
            else:
                values.append(word)
        return options, values, overrides

    def _override(self, word: str, rest: Sequence[str]) -> str:
        """Return `KEY=VALUE`, unless it is an option or a list that the shell split."""
        key, _, value = word.partition("=")
        if key in KNOWN_ELSEWHERE:
            raise UnknownOption(word, "")
        if _is_open(value) and rest:
            whole = word
            for part in rest:
                whole = f"{whole} {part}"
                if not _is_open(whole.partition("=")[2]):
                    break
            raise CommandError(f"the shell split the value of {key} at a space: put it in quotes, '{whole}'")
        return word

    def _one_too_many(self, word: str) -> str:
        if word.endswith((".yaml", ".yml")):
            return f"unexpected {word}: minigrad {self.name} takes one config"
        if Path(word, "config.yaml").is_file():
            return f"unexpected {word}: minigrad {self.name} takes one run"
        if ":" in word:
            remedy = "write KEY=VALUE, such as optimizer.lr=1e-3 or 'model={MLP: [2, 2]}'"
            return f"{word!r} is not a config value: {remedy}"
        if re.fullmatch(r"[a-z_]\w*(\.\w+)*", word):
            return f"{word!r} has no value: change a config value with {word}=VALUE"
        return f"unexpected argument {word!r}; minigrad {self.name} -h shows what it takes"


def _is_open(value: str) -> bool:
    """Whether a value opens a bracket that it does not close."""
    return value[:1] in ("[", "{") and sum(map(value.count, "[{")) > sum(map(value.count, "]}"))


def positive(text: str) -> int:
    """Parse a positive integer, for argparse."""
    if not re.fullmatch("[0-9]+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer, 1 or more, not {text!r}")
    return int(text)


def number(text: str) -> float:
    """Parse a real number, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, such as 0.8, not {text!r}") from None


def add_config(
    parser: argparse.ArgumentParser, help: str = "a YAML file; default: the only one in this folder"
) -> None:
    """Add `CONFIG` and the values that override it."""
    parser.add_argument("config", metavar="CONFIG", type=Path, nargs="?", help=help)
    add_overrides(parser, "config values that override the file's")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add `RUN` and `--trust`."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a run, such as runs/digits_mlp/0001")
    _add_trust(parser)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add `MODEL` and `--trust`."""
    what = "a run, a Hugging Face folder, or a GGUF file"
    parser.add_argument("model", metavar="MODEL", type=Path, help=what)
    _add_trust(parser)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", action="store_true", help="run the code in the run's code/ folder")


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the config values, `KEY=VALUE`."""
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=what)


def add_classes(parser: argparse.ArgumentParser) -> None:
    """Add `--import`."""
    parser.add_argument(
        "--import", action="append", default=[], dest="packages", metavar="PACKAGE",
        help="import the classes of a package; may be repeated",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument("--threads", type=positive, metavar="N", help="threads that compute shards; default: all cores")


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    """Add `--runs-dir`."""
    parser.add_argument(
        "--runs-dir", type=Path, default=Path("runs"), metavar="DIR", help="the runs' folder; default: runs"
    )
