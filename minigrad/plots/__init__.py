"""Pictures of a run, and a page that shows all of it. They need matplotlib: the extra `plots`."""

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "matplotlib":
        raise
    remedy = "pip install matplotlib, or minigrad with its extra `plots`"
    raise ModuleNotFoundError(
        f"pictures need matplotlib, which is not installed: {remedy}", name="matplotlib"
    ) from None

from minigrad.plots.attention import attention
from minigrad.plots.picture import Picture
from minigrad.plots.pictures import pictures, save_pictures
from minigrad.plots.report import report, save_report
from minigrad.plots.run import Run

__all__ = ["Picture", "Run", "attention", "pictures", "report", "save_pictures", "save_report"]
