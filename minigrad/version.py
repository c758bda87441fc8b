"""The version of minigrad."""

__version__ = "0.2.0"
