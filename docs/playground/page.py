"""The Python functions of the page, called by name from the worker."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from playground import completion, controls, lesson, own_data, take_home
from playground.session import REGISTRY, RefusedError, Session, check
from playground.slow_motion import slow_motion

from minigrad.config import json_schema
from minigrad.training.experiment import Experiment

SCHEMA = json_schema(Experiment, REGISTRY)

_open: list[Session] = []


def answer(name: str, arguments: list[Any]) -> dict[str, Any]:
    """Return {"value": …}, or, for an error, {"problems": […]} with places or {"error": a sentence}."""
    try:
        return {"value": QUESTIONS[name](*arguments)}
    except RefusedError as refusal:
        return {"problems": refusal.problems}
    except (ValueError, KeyError) as error:
        return {"error": str(error.args[0]) if error.args else str(error)}
    except Exception as error:  # the page reports it, and continues
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def session() -> Session:
    """Return the open session; raise ValueError if there is none."""
    if not _open:
        raise ValueError("there is no network yet: the config has errors")
    return _open[0]


def _start(text: str) -> dict[str, Any]:
    """Open a config, and return the data to draw."""
    _open.clear()
    _open.append(Session(text))
    return {"about": session().describe(), "frame": session().frame()}


def _slow() -> dict[str, Any]:
    now = session()
    inputs, targets = now.shown_example()
    others = now.experiment.data.train.inputs[:64]
    return slow_motion(now.chain, now.experiment.loss, inputs, targets, others).numbers()


QUESTIONS: dict[str, Callable[..., Any]] = {
    "start": _start,
    "check": lambda text: controls.read(check(text)),
    "turn": lambda text, control, value: controls.turn(text, check(text), control, value),
    "complete": lambda text, line, column: completion.complete(SCHEMA, text, line, column),
    "advance": lambda seconds, most: session().advance(seconds, most),
    "look": lambda view: {**session().look(view), "frame": session().frame()},
    "pick": lambda index: {**session().pick(index), "frame": session().frame()},
    "gradients": lambda: session().gradients(),
    "explain": lambda layer, neuron: session().explain(layer, neuron),
    "scores": lambda: session().scores(),
    "predict": lambda values: session().predict(values),
    "slow": _slow,
    "draw_points": lambda text, points: own_data.points_config(text, own_data.save_points(points)),
    "save_points": own_data.save_points,
    "save_table": own_data.save_table,
    "table_config": own_data.table_config,
    "run": lambda: take_home.run(session()),
    "run_code": lesson.run,
    "script": lambda: take_home.script(session()),
}
