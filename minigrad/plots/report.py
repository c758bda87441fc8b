"""One page that shows all of a run, and needs nothing but itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from minigrad.plots.picture import Picture, number
from minigrad.plots.pictures import pictures
from minigrad.plots.run import Run
from minigrad.training.summary import summary

STATUS = {
    "done": "It ran to its end.",
    "running": "It is still running, or was killed; this is what there is.",
    "interrupted": "It was interrupted and can be resumed; this is what there is.",
    "failed": "It failed; this is what there is.",
}


def report(run: Run) -> str:
    """Returns the page as HTML: results, pictures, layers, config, environment, and how to run it again.

    It loads nothing from anywhere, has no scripts, and suits light and dark screens. All that comes from the run is
    escaped.
    """
    template = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    status = str(run.facts.get("status", "unknown"))
    return template.substitute(
        name=escape(run.name),
        status=escape(status),
        sentence=escape(" ".join(filter(None, [STATUS.get(status, ""), _times(run.facts)]))),
        results="".join(_result(name, value) for name, value in _results(run).items()),
        missing=f'<p class="missing">{escape(run.missing)}</p>' if run.missing else "",
        pictures="".join(_figure(picture) for picture in pictures(run)),
        layers=f'<section id="layers"><h2>Layers</h2><pre>{escape(_layers(run))}</pre></section>'
        if run.experiment
        else "",
        config=escape(run.config),
        environment="".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in _environment(run.facts).items()
        ),
        reproduce=escape(_reproduce(run)),
    )


def save_report(run: Run) -> Path:
    """Writes the page to `report.html` in the run's directory and returns its path. Raises OSError if that fails."""
    path = run.path / "report.html"
    path.write_text(report(run), encoding="utf-8")
    return path


def _results(run: Run) -> dict[str, Any]:
    """What a person looks for first: the test values, or while there are none the last of each kind."""
    results = run.facts.get("results") or {}
    measured = {name: value for name, value in results.items() if isinstance(value, (int, float)) and "/" in name}
    if not measured:
        for record in run.records:
            measured |= {name: value for name, value in record.items() if "/" in name and value is not None}
    order = {"test": 0, "val": 1, "train": 2}
    measured = dict(sorted(measured.items(), key=lambda item: order.get(item[0].partition("/")[0], 3)))
    steps = run.records[-1]["step"] if run.records else 0
    parameters = sum(p.size for p in run.experiment.model.parameters()) if run.experiment else None
    return {**measured, "best step": run.best_step, "steps": steps, "parameters": parameters}


def _result(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else number(value)
    return f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>"


def _figure(picture: Picture) -> str:
    return (
        f'<figure id="{picture.name}"><h2>{escape(picture.title)}</h2>'
        f"<figcaption>{escape(picture.note)}</figcaption>{picture.inline()}</figure>"
    )


def _layers(run: Run) -> str:
    assert run.experiment is not None
    experiment = run.experiment
    batch = slice(experiment.loader(experiment.data.train).batch_size)
    return summary(experiment.model, experiment.data.val.batch(batch)[0])


def _times(facts: Mapping[str, Any]) -> str:
    if "started" not in facts:
        return ""
    started = datetime.fromisoformat(facts["started"])
    text = f"Begun on {started:%Y-%m-%d at %H:%M %Z}"
    if "ended" in facts:
        seconds = (datetime.fromisoformat(facts["ended"]) - started).total_seconds()
        text += f", took {number(max(seconds, 1))} s" if seconds < 120 else f", took {number(seconds / 60)} min"
    return text + "."


def _environment(facts: Mapping[str, Any]) -> dict[str, str]:
    known = {**facts.get("versions", {}), **facts.get("machine", {})}
    known |= {name.replace("_", " "): facts[name] for name in ("git_commit", "seed", "exit_code") if name in facts}
    return {name: str(value) for name, value in known.items()}


def _reproduce(run: Run) -> str:
    commit = run.facts.get("git_commit")
    lines = []
    if commit:
        lines.append(f"git checkout {commit.removesuffix('-dirty')}")
        if commit.endswith("-dirty"):
            lines.append("# files differed from that commit: the result may differ too")
    lines.append(f"python train.py {shlex.quote(str(run.path / 'config.yaml'))}")
    if "arguments" in run.facts:
        lines.append("# it was begun with:")
        lines.append(f"# python train.py {shlex.join(run.facts['arguments'])}")
    return "\n".join(lines)
