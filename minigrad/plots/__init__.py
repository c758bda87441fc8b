"""Figures and reports of runs.

They need matplotlib (the extra `plots`).
"""

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "matplotlib":
        raise
    message = "figures need matplotlib, which is not installed: pip install matplotlib"
    raise ModuleNotFoundError(message, name="matplotlib") from None

from minigrad.plots.attention import attention
from minigrad.plots.picture import Picture
from minigrad.plots.pictures import pictures, save_pictures
from minigrad.plots.report import report, save_report
from minigrad.plots.run import Run

__all__ = ["Picture", "Run", "attention", "pictures", "report", "save_pictures", "save_report"]
