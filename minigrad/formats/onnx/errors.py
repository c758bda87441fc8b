"""The error for models that cannot be exported to ONNX."""

from __future__ import annotations

from minigrad.formats.errors import FormatError


class OnnxError(FormatError):
    """A model that cannot be exported to ONNX, and why."""
