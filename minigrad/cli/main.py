"""The command line: the table of commands, and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from minigrad import startup
from minigrad.cli.notices import one_line_warnings
from minigrad.cli.parser import CommandError, Parser, UnknownOption
from minigrad.cli.remedies import no_command, no_such_command, unknown_option
from minigrad.parallel import LaunchError, Ranks, launched
from minigrad.version import __version__

COMMANDS = {
    "train": ("minigrad.cli.train", "train the model that a config describes"),
    "resume": ("minigrad.cli.resume", "continue an interrupted run, or extend it"),
    "check": ("minigrad.cli.check", "check a config: build its model and try three batches"),
    "find-lr": ("minigrad.cli.find_lr", "try increasing learning rates and suggest one"),
    "profile": ("minigrad.cli.profile", "measure time and memory of a training step, by layer and operation"),
    "sweep": ("minigrad.cli.sweep", "train many runs: grid, search, seeds or cross-validation"),
    "evaluate": ("minigrad.cli.evaluate", "evaluate the best weights of a run on the test set"),
    "predict": ("minigrad.cli.predict", "predict the inputs in files, with the best weights of a run"),
    "generate": ("minigrad.cli.generate", "continue a text or chat with a language model"),
    "export": ("minigrad.cli.export", "write a trained model for other tools"),
    "tokenizer": ("minigrad.cli.tokenizer", "train a byte-pair tokenizer on a text"),
    "runs": ("minigrad.cli.runs", "list runs with their status, best value and differing settings"),
    "compare": ("minigrad.cli.compare", "compare the settings, results and curves of runs"),
    "plot": ("minigrad.cli.plot", "draw the figures of a run"),
    "report": ("minigrad.cli.report", "write an HTML report of a run: results, figures, layers, config"),
    "config": ("minigrad.cli.config", "print a config with all its defaults, or the layers of its model"),
    "list": ("minigrad.cli.list", "list the classes that a config can name"),
    "describe": ("minigrad.cli.describe", "show the arguments of a class and what they mean"),
    "schema": ("minigrad.cli.schema", "print the JSON Schema of configs, for editors"),
    "new": ("minigrad.cli.new", "create a folder with a config that is ready to train"),
}
"""The module of each command, which has `EXAMPLES`, `add_arguments` and `run`, and its description."""

ON_ALL_RANKS = ("train", "resume", "sweep")
"""The commands that all MPI ranks run together; rank 0 runs the others alone."""

USAGE = """\
usage: minigrad COMMAND ...    (COMMAND -h: examples and options; --version)
{commands}
exit codes: 0 done, 1 failed, 2 wrong config or command, 128 + n on signal n
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the arguments; by default those of the process.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        os.getcwd()
    except OSError as error:
        print(f"error: the current folder cannot be used ({error.strerror}): change to another", file=sys.stderr)
        return 2
    try:
        ranks = launched()
    except LaunchError as error:
        if error.rank == 0:
            print(f"error: {error}", file=sys.stderr)
        return 2
    with ranks:
        together = ranks if words and words[0] in ON_ALL_RANKS else Ranks()
        try:
            exit_code = 0 if ranks.rank and together is not ranks else _run(words, ranks)
            sys.stdout.flush()
            return exit_code
        except CommandError as error:
            return together.fail(f"error: {error}", 2)
        except BrokenPipeError:  # the reader closed the pipe, as in `minigrad list | head`
            from minigrad.training.progress import silent_if_closed

            with silent_if_closed(sys.stdout):
                sys.stdout.flush()
            return 0
        except KeyboardInterrupt:
            return together.fail("interrupted", 130)
        except BaseException as error:  # SystemExit too, by a sys.exit() in a user's class
            from minigrad.cli.failure import describe_failure

            return together.fail(*describe_failure(error, debug="--debug" in words))


def _run(words: Sequence[str], ranks: Ranks) -> int:
    """Run the command that `words` begin with."""
    if not words or words[0] in ("help", "-h", "--help"):
        return _help(words[1:])
    if words[0] == "--version":
        if words[1:]:
            raise CommandError(f"--version takes no arguments: {words[1]!r} is one word too many")
        print(f"minigrad {__version__}")
        return 0
    if words[0] not in COMMANDS:
        raise CommandError(no_such_command(words, COMMANDS))
    parser = command_parser(words[0])
    try:
        arguments = parser.parse(words[1:])
    except UnknownOption as unknown:
        raise CommandError(_remedy(parser, unknown)) from None
    if arguments.help:
        print(parser.format_help(), end="")
        return 0
    arguments.ranks = ranks
    arguments.words = words
    startup.imported()
    with one_line_warnings(shown=ranks.rank == 0):
        exit_code: int = import_module(COMMANDS[words[0]][0]).run(arguments)
    return exit_code


def _remedy(parser: Parser, unknown: UnknownOption) -> str:
    name = unknown.word.partition("=")[0]
    owners = [other for other in COMMANDS if name in command_parser(other).options]
    return unknown_option(parser.name, unknown.word, unknown.following, parser.options, owners, parser.takes_overrides)


def command_parser(name: str) -> Parser:
    """Return the parser of a command, importing its module."""
    module = import_module(COMMANDS[name][0])
    parser = Parser(name, COMMANDS[name][1], module.EXAMPLES, COMMANDS)
    module.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _help(words: Sequence[str]) -> int:
    """Print the usage, or the help of one command."""
    if not words:
        width = max(map(len, COMMANDS))
        print(
            USAGE.format(commands="\n".join(f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items())),
            end="",
        )
    elif words[0] in COMMANDS and not words[1:]:
        print(command_parser(words[0]).format_help(), end="")
    else:
        raise CommandError(no_command(words, COMMANDS))
    return 0
