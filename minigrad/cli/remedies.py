"""Suggestions for unknown words on the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from minigrad.suggest import nearest

OLD = {
    "--list": "list", "--describe": "describe NAME", "--schema": "schema", "--print-config": "config CONFIG",
    "--summary": "config CONFIG --layers", "--check": "check CONFIG", "--find-lr": "find-lr CONFIG",
    "--sweep": "sweep CONFIG --grid 'KEY=[...]'", "--resume": "resume RUN", "--test": "evaluate RUN",
    "--predict": "predict RUN FILE", "--plot": "plot RUN", "--plot-svg": "plot RUN --svg",
    "--attention": "plot RUN --attention TEXT", "--report": "report RUN", "--generate": "generate RUN PROMPT",
    "--version": "--version", "--help": "help", "-h": "help",
}  # fmt: skip
"""Options of other tools and of earlier versions, with the words to type after `minigrad`."""

CONFIG_OPTIONS = ("--config", "-c", "--cfg", "--config-file", "--yaml", "--file", "-f")

KNOWN_ELSEWHERE = {*OLD, *CONFIG_OPTIONS}
"""Options that no command has, with a known remedy."""

SYNONYMS = {
    "train": "fit run learn start",
    "resume": "continue restart",
    "check": "validate verify dry-run lint",
    "find-lr": "lr lr-find lr-finder",
    "profile": "time benchmark flame trace profiler",
    "sweep": "search grid tune hyperparameters",
    "evaluate": "test eval score measure val",
    "predict": "infer inference classify apply",
    "generate": "sample write complete chat",
    "export": "convert save onnx torch",
    "plot": "draw figure figures visualize",
    "report": "html page",
    "config": "print-config show print summary layers",
    "list": "ls classes layers modules",
    "runs": "history experiments",
    "compare": "diff versus vs",
    "describe": "doc info man explain",
    "new": "init create startproject scaffold",
    "help": "usage",
}
"""The names of the commands in other tools."""


def no_such_command(words: Sequence[str], commands: Collection[str]) -> str:
    """Return the message for an unknown first word.

    Args:
        words: the command line, whose first word is not a command.
        commands: the names of all commands.
    """
    word, *rest = words
    if word.startswith("-"):
        if word in CONFIG_OPTIONS and rest:
            return f"the config needs no option: minigrad train {shlex.quote(rest[0])}"
        if remedy := old_option(word):
            return remedy
    if Path(word, "config.yaml").is_file() or word.endswith((".yaml", ".yml")):
        asked = next((OLD[name] for name in (each.partition("=")[0] for each in rest) if name in OLD), None)
        if asked:
            return f"name the command first: minigrad {re.sub('RUN|CONFIG', shlex.quote(word), asked)}"
        if word.endswith((".yaml", ".yml")):
            return f"name the command first: minigrad train {shlex.join(words)}"
        return f"{word} is a run: minigrad resume, evaluate, predict, plot or report {word}"
    if "=" in word:
        return f"name the command first: minigrad train {shlex.join(words)}"
    return no_command(words, commands)


def no_command(words: Sequence[str], commands: Collection[str]) -> str:
    """Return the message for a word instead of a command."""
    bare = words[0].lstrip("-").replace("_", "-")
    known = [*commands, "help"]
    if words[0] in known:
        return f"{words[1]!r} is unexpected: minigrad help {words[0]} shows that command"
    near = next((name for name, others in SYNONYMS.items() if bare.lower() in others.split()), None)
    near = near or nearest(bare, known)
    if near:
        return f"there is no command {words[0]!r}; did you mean minigrad {near}?"
    return f"there is no command {words[0]!r}; minigrad help lists them: {', '.join(commands)}"


def old_option(word: str) -> str:
    """Return the message for an option that a command replaced.

    The result is "" for any other option.
    """
    name = word.partition("=")[0]
    return f"{name} is a command: minigrad {OLD[name]}" if name in OLD else ""


def unknown_option(
    command: str, word: str, following: str, options: Collection[str], owners: Iterable[str], has_overrides: bool
) -> str:
    """Return the message for an option the command lacks.

    Args:
        command: the command's name.
        word: the option, perhaps with `=VALUE`.
        following: the word after it, or "".
        options: the options of the command.
        owners: the commands that have this option.
        has_overrides: whether the command takes config values.
    """
    name, sign, value = word.partition("=")
    value = value if sign else "" if following.startswith("-") else following
    if name in CONFIG_OPTIONS:
        return f"the config needs no option: minigrad {command} {shlex.quote(value or 'CONFIG')}"
    if remedy := old_option(word):
        return remedy
    if " " in name:
        return f"{word!r} looks like an option; put -- before a text that begins with a dash: -- {shlex.quote(word)}"
    bare = name.lstrip("-").replace("-", "_")
    near = nearest(name, options)
    keys = _config_keys() if has_overrides else {}
    meant = bare if bare in keys or near else nearest(bare, keys) or bare
    key = bare if has_overrides and "." in bare else keys.get(meant)
    if (owner := " and ".join(owners)) and bare not in keys:
        return f"{name} is an option of minigrad {owner}, not of minigrad {command}"
    if key:
        return f"there is no option {name}; change this config value with {key}={value or 'VALUE'}"
    rest = f"did you mean {near}?" if near else f"minigrad {command} -h lists the options"
    text = "" if has_overrides else "; put -- before a text that begins with a dash"
    return f"there is no option {name}; {rest}{text}"


def _config_keys() -> dict[str, str]:
    """Return the config keys by the names that users give as options: `lr` is `optimizer.lr`."""
    from minigrad import optim  # a slow import, needed only for this message
    from minigrad.config import signature_of
    from minigrad.data import DataLoader
    from minigrad.training.experiment import Experiment
    from minigrad.training.trainer import Trainer

    keys = {name: f"optimizer.{name}" for name in signature_of(optim.AdamW, is_open=True).parameters}
    keys |= {name: f"loader.{name}" for name in signature_of(DataLoader, is_open=True).parameters}
    keys |= {name: f"trainer.{name}" for name in signature_of(Trainer).parameters}
    return keys | {name: name for name in signature_of(Experiment).parameters}
