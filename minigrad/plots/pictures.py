"""All pictures of a run."""

from __future__ import annotations

from pathlib import Path

from minigrad.plots.confusion import confusion, predictions
from minigrad.plots.curves import curves
from minigrad.plots.layers import activations, first_layer, weights
from minigrad.plots.mistakes import mistakes
from minigrad.plots.picture import Picture
from minigrad.plots.plane import decision
from minigrad.plots.run import Run

KINDS = (curves, decision, confusion, predictions, mistakes, first_layer, activations, weights)


def pictures(run: Run) -> list[Picture]:
    """Returns every picture that the run has something for."""
    return [picture for kind in KINDS for picture in kind(run)]


def save_pictures(run: Run, svg: bool = False) -> list[Path]:
    """Writes the pictures, as PNG or SVG, into the run's `plots/` and returns their paths.

    Raises: OSError if they cannot be written.
    """
    folder = run.path / "plots"
    folder.mkdir(exist_ok=True)
    return [picture.save(folder, svg) for picture in pictures(run)]
