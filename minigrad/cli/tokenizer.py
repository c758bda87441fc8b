"""`minigrad tokenizer`: train a byte-pair tokenizer on a text."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from minigrad.cli.parser import positive
from minigrad.data.errors import quoted
from minigrad.data.text import text_of
from minigrad.data.tokenizers import tokenizer_json, train_byte_pairs
from minigrad.formats.atomic import write_durably
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad tokenizer shakespeare.txt --size 1024",
    "minigrad tokenizer shakespeare.txt --size 4096 --to shakespeare.json",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a UTF-8 text; its path may be in $MINIGRAD_DATA")
    parser.add_argument("--size", type=positive, required=True, metavar="N", help="vocabulary size, 257 or more")
    what = "the file to write; default: tokenizer.json"
    parser.add_argument("--to", type=Path, default=Path("tokenizer.json"), metavar="FILE", help=what)


def run(arguments: Namespace) -> int:
    """Write a `tokenizer.json` and print its compression of the text."""
    into: Path = arguments.to
    if into.suffix != ".json":
        raise UsageError(f"{into}: a tokenizer is a JSON file: use the suffix .json")
    if into.exists():
        raise UsageError(f"{into} already exists: remove it, or name another file with --to")
    if not into.parent.is_dir():
        raise UsageError(f"{into}: there is no folder {into.parent}")
    if not (text := text_of(arguments.file)):
        raise UsageError(f"{arguments.file} is empty: there is nothing to learn from")
    tokenizer = train_byte_pairs(text, arguments.size)
    tokens, length = len(tokenizer.encode(text)), len(text.encode())
    write_durably(into, tokenizer_json(tokenizer).encode())
    size, special = tokenizer.vocab_size, len(tokenizer.special)
    print(f"{into}: {size:,} tokens: 256 bytes, {size - special - 256:,} merges, {', '.join(tokenizer.special)}")
    if size < arguments.size:
        print(f"no pair occurs twice any more: {arguments.size - size:,} tokens fewer than requested")
    print(f"{arguments.file}: {length:,} bytes are {tokens:,} tokens, {length / tokens:.2f} bytes per token")
    path, name = quoted(str(arguments.file)), quoted(str(into))
    print(f"in a config: data: {{BytePairText: {{path: {path}, tokenizer: {name}}}}}")
    return 0
