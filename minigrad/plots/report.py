"""Reports: a run as one self-contained HTML page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from minigrad.config import ConfigError
from minigrad.data import DataError
from minigrad.formats.atomic import write_durably
from minigrad.nn.summary import summary
from minigrad.plots.picture import Picture, number
from minigrad.plots.pictures import pictures
from minigrad.plots.run import Run
from minigrad.training import UsageError

PARTIAL = "report_partial.html"
"""The report of a run with missing parts, written next to an existing complete report."""

_MISSING = '<p class="missing">'

STATUS = {
    "done": "The run is complete.",
    "running": "The run is still running, or was killed; these are its results so far.",
    "interrupted": "The run was interrupted and can be resumed; these are its results so far.",
    "pruned": "A search stopped the run early; it can be resumed. These are its results so far.",
    "failed": "The run failed; these are its results so far.",
}


def report(run: Run) -> str:
    """Return the report as HTML.

    It has results, figures, layers, config, environment, and the command to repeat the run. It is self-contained, has
    no scripts, and supports light and dark mode. All text from the run is escaped.
    """
    status = str(run.facts.get("status", "unknown"))
    return page(
        "report.html",
        name=escape(run.name),
        status=escape(status),
        sentence=escape(" ".join(filter(None, [STATUS.get(status, ""), _reason(run.facts), _times(run.facts)]))),
        results="".join(_result(name, value) for name, value in _results(run).items()),
        missing=f"{_MISSING}{escape(run.missing)}</p>" if run.missing else "",
        pictures="".join(figure(picture) for picture in pictures(run)),
        layers=f'<section id="layers"><h2>Layers</h2><pre>{escape(_layers(run))}</pre></section>'
        if run.trained
        else "",
        config=escape(run.config),
        environment="".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in _environment(run.facts).items()
        ),
        reproduce=escape(_reproduce(run)),
    )


def page(template: str, **parts: str) -> str:
    """Return a filled-in page template, with the common style.

    Args:
        template: the name of its file.
        parts: HTML by name.
    """
    folder = Path(__file__).parent
    style = (folder / "page.css").read_text(encoding="utf-8")
    return Template((folder / template).read_text(encoding="utf-8")).substitute(style=style, **parts)


def save_report(run: Run) -> Path:
    """Save `report.html` in the run's directory; return its path.

    If parts of the run such as its data are missing, an existing complete report is kept, and this report is named
    `PARTIAL`.

    Raises:
        OSError: if the file cannot be written.
    """
    path = run.path / "report.html"
    if run.missing and _is_whole(path):
        path = run.path / PARTIAL
    write_durably(path, report(run).encode())
    return path


def _is_whole(path: Path) -> bool:
    """Whether a file is a complete report."""
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    return text.rstrip().endswith("</html>") and _MISSING not in text


def _results(run: Run) -> dict[str, Any]:
    """Return the test results, or else the last values of each kind."""
    results = run.facts.get("results") or {}
    measured = {name: value for name, value in results.items() if isinstance(value, (int, float)) and "/" in name}
    if not measured:
        for record in run.records:
            measured |= {name: value for name, value in record.items() if "/" in name and value is not None}
    order = {"test": 0, "val": 1, "train": 2}
    measured = dict(sorted(measured.items(), key=lambda item: order.get(item[0].partition("/")[0], 3)))
    steps = run.records[-1]["step"] if run.records else 0
    parameters = sum(p.size for p in run.trained.model.parameters()) if run.trained else None
    return {**measured, "best step": run.best_step, "steps": steps, "parameters": parameters}


def _result(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else number(value)
    breakable = escape(name).replace("_", "_<wbr/>")
    return f"<div><dt>{breakable}</dt><dd>{escape(text)}</dd></div>"


def figure(picture: Picture) -> str:
    """Return a figure with its title and note as HTML."""
    return (
        f'<figure id="{picture.name}"><h2>{escape(picture.title)}</h2>'
        f'<figcaption>{escape(picture.note)}</figcaption><div class="wide">{picture.inline()}</div></figure>'
    )


def _layers(run: Run) -> str:
    """Return the table of layers, computed on an input of zeros."""
    assert run.trained is not None
    try:
        blank = run.trained.data.blank()
    except (ConfigError, DataError, UsageError) as error:  # the run does not have the sizes
        return f"unknown without the data: {error}"
    return summary(run.trained.model, blank)


def _reason(facts: Mapping[str, Any]) -> str:
    return f"Why it ended: {facts['reason']}." if facts.get("reason") else ""


def _times(facts: Mapping[str, Any]) -> str:
    if "started" not in facts:
        return ""
    started = datetime.fromisoformat(facts["started"])
    text = f"Started on {started:%Y-%m-%d at %H:%M %Z}"
    if "seconds" in facts:
        seconds = facts["seconds"]
        text += f", took {number(max(seconds, 1))} s" if seconds < 120 else f", took {number(seconds / 60)} min"
    return text + "."


def _environment(facts: Mapping[str, Any]) -> dict[str, str]:
    known = {**facts.get("versions", {}), **facts.get("machine", {})}
    known |= {
        name.replace("_", " "): facts[name] for name in ("blas", "git_commit", "seed", "exit_code") if name in facts
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def _reproduce(run: Run) -> str:
    commit = run.facts.get("git_commit")
    lines = []
    if commit:
        lines.append(f"git checkout {commit.removesuffix('-dirty')}")
        if commit.endswith("-dirty"):
            lines.append("# uncommitted changes: the result may differ")
    lines.append(f"minigrad train {shlex.quote(str(run.path / 'config.yaml'))}")
    if "arguments" in run.facts:
        lines.append("# original command:")
        lines.append(f"# minigrad {shlex.join(run.facts['arguments'])}")
    return "\n".join(lines)
