"""`minigrad runs`: list runs and the settings that differ."""

from __future__ import annotations

import json
import operator
import re
import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from minigrad.cli.parser import add_runs_dir
from minigrad.config.reader import scalar
from minigrad.runs.index import FACTS, Summary, find_runs
from minigrad.runs.settings import varying
from minigrad.runs.tables import align, format_value
from minigrad.suggest import nearest
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad runs",
    "minigrad runs 'digits_*' --sort val/accuracy --where 'optimizer.lr<1e-2'",
)

MOST = 4  # settings per line
_CONDITION = re.compile(r"\s*(?P<key>[\w./-]+?)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>.*?)\s*", re.DOTALL)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "patterns", metavar="PATTERN", nargs="*", help="run names, such as 'digits_*' or 'digits_mlp/00*'; default: all"
    )
    parser.add_argument("--sort", metavar="KEY", help="sort by a setting, a fact or a result (best first)")
    parser.add_argument(
        "--where", action="append", default=[], metavar="'KEY<VALUE'",
        help="only runs that satisfy this condition, with < <= > >= = or !=; may be repeated",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one line of JSON per run, with all its facts")
    add_runs_dir(parser)


def run(arguments: Namespace) -> int:
    """Print the runs as a table, or as JSON."""
    conditions = [_condition(text) for text in arguments.where]
    found = find_runs(arguments.runs_dir)
    if not found:
        raise UsageError(f"there are no runs in {arguments.runs_dir}: minigrad train CONFIG creates one")
    if arguments.patterns:
        every = found
        found = [each for each in every if any(_fits(each, p, arguments.runs_dir) for p in arguments.patterns)]
        if not found:
            told = _suggest(arguments.patterns, every, arguments.runs_dir)
            raise UsageError(f"no run in {arguments.runs_dir} is named {' or '.join(arguments.patterns)}; {told}")
    keys = [condition[0] for condition in conditions] + ([arguments.sort] if arguments.sort else [])
    for key in keys:
        _check_key(key, found)
    chosen = [each for each in found if all(_holds(each, *condition) for condition in conditions)]
    if arguments.sort:
        chosen = _sort_runs(chosen, arguments.sort)
    if arguments.json:
        print("".join(f"{json.dumps(asdict(each))}\n" for each in chosen), end="")
    elif chosen:
        print(table(chosen, keys))
    else:
        print(f"none of {len(found)} runs match", file=sys.stderr)
    return 0


def table(runs: Sequence[Summary], keys: Sequence[str] = ()) -> str:
    """Return runs as a table, one per line.

    Columns are start, steps, time, best value, status, and the settings that differ between runs of one experiment.

    Args:
        runs: in the order of the lines.
        keys: further results and settings, one column each.
    """
    by_name: dict[Any, list[Summary]] = defaultdict(list)
    for each in runs:
        by_name[each.settings.get("name")].append(each)
    differing = {name: varying([each.settings for each in group]) for name, group in by_name.items()}
    own = [key for key in dict.fromkeys(keys) if key not in FACTS]
    rows = [["run", "started", "steps", "time", "best", *own, "status", "differs in"]]
    for each in runs:
        best = f"{each.best['monitor']} {_number(each.value)}" if each.best else "-"
        settings = [key for key in differing[each.settings.get("name")] if key in each.settings and key not in own]
        given = " ".join(f"{key}={format_value(each.settings[key])}" for key in settings[:MOST])
        more = f" and {len(settings) - MOST} more" if len(settings) > MOST else ""
        columns = [_number(_value(each, key)) for key in own]
        steps = "-" if each.step is None else str(each.step)
        ending = format_value(each.ending)
        rows.append([each.path, _when(each), steps, _time(each.seconds), best, *columns, ending, given + more])
    return align(rows)


def _fits(run: Summary, pattern: str, root: Path) -> bool:
    """Whether a pattern matches the name of a run, of its experiment, or of its folder."""
    return any(fnmatchcase(name, pattern.rstrip("/")) for name in _names(run, root))


def _names(run: Summary, root: Path) -> tuple[str, str, str]:
    """Return the names that select a run: its experiment, its name, and its folder."""
    path = Path(run.path)
    inside = path.relative_to(root).as_posix()
    return inside.rpartition("/")[0], inside, path.as_posix()


def _suggest(patterns: Sequence[str], runs: Sequence[Summary], root: Path) -> str:
    """Return a suggestion: the name that is nearest to one of the patterns, or the existing experiments."""
    names = [_names(each, root) for each in runs]
    known = list(dict.fromkeys(name for column in zip(*names, strict=True) for name in column if name))
    for pattern in patterns:
        bare = pattern.strip("*/")
        if near := nearest(bare, known) or next((name for name in known if bare and bare in name), None):
            return f"did you mean {near}?"
    some = sorted({experiment or name for experiment, name, _ in names})
    return f"there are runs of {', '.join(some[:6])}" + (", …" if len(some) > 6 else "")


def _condition(text: str) -> tuple[str, Callable[[Any, Any], bool], Any]:
    """Return the key, comparison and value of a condition."""
    if not (found := _CONDITION.fullmatch(text)) or not found["value"]:
        raise UsageError(f"--where {text!r} is not a condition: write KEY, one of < <= > >= = !=, and VALUE")
    try:
        return found["key"], _SIGNS[found["sign"]], scalar(found["value"])
    except OverflowError:
        raise UsageError(f"--where {text!r}: the number has more than 64 bits") from None


def _check_key(key: str, runs: Sequence[Summary]) -> None:
    """Check that some run has the key."""
    if any(_value(each, key) is not None or key in each.settings for each in runs) or key in FACTS:
        return
    known = dict.fromkeys([*FACTS, *(name for each in runs for name in [*each.results, *each.settings])])
    near = nearest(key, known) or next((name for name in known if name.rpartition(".")[2] == key), None)
    what = f"did you mean {near}?" if near else f"there are {', '.join([*FACTS, *_results(runs)])}, and settings"
    raise UsageError(f"none of {len(runs)} runs has {key!r}; {what}")


def _results(runs: Sequence[Summary]) -> list[str]:
    return list(dict.fromkeys(name for each in runs for name in each.results))


def _value(run: Summary, key: str) -> Any:
    try:
        return run[key]
    except KeyError:
        return None


def _holds(run: Summary, key: str, compare: Callable[[Any, Any], bool], value: Any) -> bool:
    """Whether a run satisfies a condition; False if it lacks the key."""
    try:
        return bool(compare(run[key], value))
    except (KeyError, TypeError):  # text and numbers cannot be compared
        return False


def _sort_runs(runs: Sequence[Summary], key: str) -> list[Summary]:
    """Return runs sorted by a value: best first for results, else ascending; missing values last."""
    there = [each for each in runs if _value(each, key) is not None]
    texts = any(isinstance(_value(each, key), str | list) for each in there)
    there.sort(key=lambda each: str(each[key]) if texts else each[key], reverse=_is_more_better(key, there))
    return [*there, *(each for each in runs if _value(each, key) is None)]


def _is_more_better(key: str, runs: Sequence[Summary]) -> bool:
    """Whether higher values of a result are better, by its metric or by a run that monitors it."""
    part, _, name = key.rpartition("/")
    if not part:
        return False
    for each in runs:
        if each.best and str(each.best.get("monitor", "")).rpartition("/")[2] == name:
            return each.best.get("mode") == "max"
    from minigrad import metrics  # needed only for sorting
    from minigrad.metrics.metric import name_of

    kinds = [found for found in vars(metrics).values() if isinstance(found, type) and issubclass(found, metrics.Metric)]
    directions = {name_of(kind): kind for kind in kinds}
    return directions[name].higher_is_better if name in directions else name != "loss"


def _when(run: Summary) -> str:
    return f"{datetime.fromisoformat(run.started).astimezone():%Y-%m-%d %H:%M}" if run.started else "-"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else format_value(value)
