"""Forecasts of a series against the true values."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from minigrad.data import Windows
from minigrad.plots.answers import Amounts
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, Picture, number
from minigrad.plots.run import Run

MOST_ROWS = 240
MOST_COLUMNS = 3


def forecast(run: Run) -> list[Picture]:
    """Draw forecasts against the end of the validation series.

    Values are in the units of the file. The list is empty unless the data is `Windows`.
    """
    data = run.experiment.data if run.experiment is not None else None
    if not isinstance(data, Windows) or not isinstance(run.answers, Amounts):
        return []
    answers, horizon = run.answers, data.horizon
    columns = answers.truth.shape[1] // horizon
    names = [name.rpartition("+")[0] for name in data.target_names[:columns]]
    shape = (-1, horizon, columns)
    truth, said = answers.truth.reshape(shape), answers.said.reshape(shape)
    shown = min(columns, MOST_COLUMNS)
    first = max(0, len(truth) - MOST_ROWS)
    ahead = {1: BLUE} | ({horizon: ORANGE} if horizon > 1 else {})
    rows = np.arange(first, len(truth))

    def draw(figure: FigureBase) -> None:
        panels = figure.subplots(shown, 1, squeeze=False, sharex=True)[:, 0]
        for i, axes in enumerate(panels):
            axes.plot(rows, truth[first:, 0, i], color=INK, linewidth=1.4, label="true")
            for rows_ahead, color in ahead.items():
                label = f"forecast, {rows_ahead} row{'s' if rows_ahead > 1 else ''} ahead"
                places = rows + rows_ahead - 1  # the row of a window is that of its first forecast
                axes.plot(places, said[first:, rows_ahead - 1, i], color=color, linewidth=1.1, label=label)
            axes.grid()
            axes.set_ylabel(names[i])
        panels[0].legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=3, borderaxespad=0, labelcolor=MUTED)
        panels[-1].set_xlabel("row of the validation split, after the first window")

    errors = [float(np.abs(truth[:, step - 1] - said[:, step - 1]).mean()) for step in ahead]
    title = f"Mean absolute error of the forecast: {number(errors[0])} one row ahead"
    if horizon > 1:
        title += f", {number(errors[1])} {horizon} rows ahead"
    note = f"The last {len(rows):,} of {len(truth):,} windows of the validation split, in the units of the file."
    if shown < columns:
        note += f" The first {shown} of {columns} columns."
    return [Picture("forecast", title, note, (7.6, 0.9 + 1.9 * shown), draw)]
