"""All figures of a run."""

from __future__ import annotations

from pathlib import Path

from minigrad.plots.augmented import augmented
from minigrad.plots.confusion import confusion, labels, predictions
from minigrad.plots.curves import curves
from minigrad.plots.forecast import forecast
from minigrad.plots.layers import activations, first_layer, weights
from minigrad.plots.mistakes import mistakes
from minigrad.plots.picture import Picture
from minigrad.plots.plane import decision
from minigrad.plots.run import Run

KINDS = (
    curves,
    decision,
    confusion,
    labels,
    forecast,
    predictions,
    mistakes,
    augmented,
    first_layer,
    activations,
    weights,
)


def pictures(run: Run) -> list[Picture]:
    """Return all figures that apply to a run."""
    return [picture for kind in KINDS for picture in kind(run)]


def save_pictures(run: Run, svg: bool = False) -> list[Path]:
    """Save the figures in the run's `plots/`; return their paths.

    The files are PNG or SVG.

    Raises:
        OSError: if they cannot be written.
    """
    folder = run.path / "plots"
    folder.mkdir(exist_ok=True)
    return [picture.save(folder, svg) for picture in pictures(run)]
