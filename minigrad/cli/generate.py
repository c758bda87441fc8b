"""`minigrad generate`: continue a text or chat."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from minigrad.cli.parser import CommandError, add_classes, add_model, number, positive
from minigrad.cli.prepare import classes, open_pretrained_writer, pretrained_path, run_path
from minigrad.inference.chat import Conversation
from minigrad.inference.generate import cropped, generate
from minigrad.inference.load import open_run
from minigrad.inference.pretrained import Writer, writer_of
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad generate runs/char_gpt/0001 'The ' --temperature 0.8",
    "minigrad generate SmolLM2-135M-Instruct --chat",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.usage = "minigrad generate MODEL [PROMPT] [OPTION ...]"  # shorter than the generated usage
    add_model(parser)
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="the text to continue; put -- before it if it begins with -"
    )
    parser.add_argument("--chat", action="store_true", help="each line you type is a message; Ctrl-D ends the chat")
    parser.add_argument(
        "--tokens", type=positive, default=300, metavar="N", help="maximum number of new tokens; default: 300"
    )
    parser.add_argument("--temperature", type=number, metavar="T", help="below 1: less random; default: 1")
    parser.add_argument("--top-k", type=positive, metavar="K", help="sample from the K likeliest tokens; 1 is greedy")
    parser.add_argument("--top-p", type=number, metavar="P", help="sample from the likeliest tokens that sum to P")
    parser.add_argument("--repetition-penalty", type=number, metavar="R", help="above 1: less repetition; default: 1")
    parser.add_argument("--seed", type=int, metavar="N", help="random seed of the text; default: the run's, or 0")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print the prompt and its continuation, or chat in turns."""
    if arguments.prompt is None and not arguments.chat:
        raise CommandError(f"minigrad generate needs PROMPT or --chat, as in: {EXAMPLES[0]}")
    names = ("temperature", "top_k", "top_p", "repetition_penalty")
    sampling = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    others = pretrained_path(arguments)
    if others is not None:
        writer = open_pretrained_writer(others, arguments)
        sampling["seed"] = arguments.seed or 0
        if arguments.chat:
            return _chat(writer, arguments, sampling)
        return _show(arguments.prompt, writer.generate(arguments.prompt, arguments.tokens, **sampling))
    path = run_path(arguments.model, arguments.words)
    seed = [] if arguments.seed is None else [f"seed={arguments.seed}"]
    experiment, _ = open_run(path, classes(arguments, path), seed)
    if arguments.chat:
        return _chat(writer_of(experiment), arguments, {**sampling, "seed": experiment.seed})
    text = generate(experiment, arguments.prompt, arguments.tokens, **sampling)
    if note := cropped(experiment, arguments.prompt):
        print(note, file=sys.stderr)
    return _show(arguments.prompt, text)


def _show(begin: str, pieces: Iterator[str]) -> int:
    """Print a text as its pieces arrive."""
    print(begin, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
    return 0


def _chat(writer: Writer, arguments: Namespace, sampling: dict[str, Any]) -> int:
    """Answer turn by turn, until standard input ends or Ctrl-C is pressed."""
    conversation = Conversation(writer, arguments.tokens, **sampling)
    try:
        for text in _turns(arguments.prompt):
            forgotten = conversation.forgotten
            answer = conversation.say(text)
            first = next(answer, "")
            if conversation.forgotten > forgotten:
                print(f"the first {conversation.forgotten} turns no longer fit the model's context", file=sys.stderr)
            _show(first, answer)
    except KeyboardInterrupt:
        print()
    return 0


def _turns(first: str | None) -> Iterator[str]:
    """Yield the user's turns: the prompt, if given, then the lines of standard input."""
    if first is not None:
        yield first
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    while sys.stdin is not None:
        try:
            text = input("> " if is_terminal else "")
        except EOFError:
            if is_terminal:
                print()
            return
        except UnicodeDecodeError as error:
            raise UsageError(f"standard input: expected text in {error.encoding}: {error}") from None
        if text.strip():
            yield text
