"""A draft config for a data set, with its assumptions."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.data.errors import quoted

_COMMENT_COLUMN = 48
_STEPS = 1500
"""Training steps for a small model on a table; early stopping may end sooner."""


@dataclass
class Draft:
    """A config without a name.

    Args:
        title: the first comment of the config.
        dataset: the class of the data.
        options: its arguments.
        model: the lines of the model, below its key.
        loss: the loss, as YAML.
        metrics: the classes of the metrics.
        batch_size: examples per batch.
        trainer: the lines of the trainer, below its key.
        comments: end-of-line comments by key: of `options`, or "model", "loss", "metrics".
        optimizer: the optimizer, on one line.
        schedule: the learning-rate schedule, on one line, if any.
        assumed: findings and guesses for the user, as (word, sentence).
        drops_last: whether to drop an incomplete last batch, since batch norm needs two examples.
        question: the command that uses the trained model.
        sample: its input: a file or a text.
    """

    title: str
    dataset: str
    options: dict[str, Any]
    model: list[str]
    loss: str
    metrics: Sequence[str]
    batch_size: int
    trainer: list[str]
    comments: dict[str, str] = field(default_factory=dict)
    optimizer: str = "AdamW: {lr: 3e-3, weight_decay: 0.01}"
    schedule: str = ""
    assumed: list[tuple[str, str]] = field(default_factory=list)
    drops_last: bool = False
    question: str = "predict"
    sample: Path | str = ""

    def to_yaml(self, name: str, place: Callable[[Path], Path]) -> str:
        """Return the config as YAML.

        Args:
            name: the name of the runs.
            place: returns the path of a file as written in the config.
        """
        lines = [f"# {self.title}", f"name: {name}", "data:"]
        lines.append(_with_comment(f"  {self.dataset}:", f"minigrad describe {self.dataset} shows all options"))
        for key, value in self.options.items():
            shown = place(value) if isinstance(value, Path) else value
            lines.append(_with_comment(f"    {key}: {flow(shown)}", self.comments.get(key, "")))
        drop = ", drop_last: true" if self.drops_last else ""
        lines.append(f"loader: {{batch_size: {self.batch_size}{drop}}}")
        lines.append(_with_comment("model:", self.comments.get("model", "")))
        lines += [f"  {line}" for line in self.model]
        lines.append(_with_comment(f"loss: {self.loss}", self.comments.get("loss", "")))
        lines.append(_with_comment(f"metrics: [{', '.join(self.metrics)}]", self.comments.get("metrics", "")))
        lines += ["optimizer:", f"  {self.optimizer}"]
        if self.schedule:
            lines += ["schedule:", f"  {self.schedule}"]
        return "\n".join([*lines, "trainer:", *(f"  {line}" for line in self.trainer), ""])

    def ask(self, run: str, place: Callable[[Path], Path]) -> str:
        """Return the command, without `minigrad`, that uses a run."""
        sample = place(self.sample).as_posix() if isinstance(self.sample, Path) else self.sample
        return f"{self.question} {run} {shlex.quote(sample) if sample else ''}".rstrip()


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, Path):
        return quoted(value.as_posix())
    return quoted(value) if isinstance(value, str) else str(value).lower()


def layers(*calls: str) -> list[str]:
    """Return the lines of a `Sequential`, given each layer's YAML."""
    return ["Sequential:", *(f"  - {call}" for call in calls)]


def batches(examples: int, most: int = 512) -> int:
    """Return a batch size for a number of training examples.

    It is a power of two, and an epoch has at least 16 batches.
    """
    return min(most, max(4, 2 ** int(math.log2(max(examples / 16, 1)))), examples)


def epochs(examples: int, batch_size: int, steps: int = _STEPS, most: int = 100) -> list[str]:
    """Return trainer lines with early stopping.

    They make about `steps` steps, in at most `most` epochs.
    """
    count = min(most, max(5, math.ceil(steps * batch_size / examples)))
    return [f"max_epochs: {count}", f"early_stopping: {{monitor: val/loss, patience: {max(3, count // 5)}}}"]


def join_names(names: Sequence[str], most: int = 6) -> str:
    """Join names with commas; abbreviate long lists."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _with_comment(line: str, comment: str) -> str:
    if not comment:
        return line
    if len(line) < _COMMENT_COLUMN:
        return f"{line:<{_COMMENT_COLUMN}} # {comment}"
    indent = " " * (len(line) - len(line.lstrip()))
    return f"{indent}# {comment}\n{line}"
