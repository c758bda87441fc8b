"""File formats of other tools, and atomic writing.

The formats of models are imported when first used, because training needs none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.formats.errors import FormatError
from minigrad.names import missing

__all__ = ["FormatError", "OnnxError", "Pretrained", "open_pretrained", "to_onnx"]

if TYPE_CHECKING:
    from minigrad.formats.onnx import OnnxError, to_onnx
    from minigrad.formats.pretrained import Pretrained
else:  # with __getattr__, a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Import a name from its format's module when it is first used."""
        if name not in __all__:
            raise missing(f"module {__name__!r}", name, __all__)
        from minigrad.formats import onnx, pretrained

        value = globals()[name] = getattr(pretrained if name == "Pretrained" else onnx, name)
        return value


def open_pretrained(path: str | Path) -> Pretrained:
    """Open a pretrained model without reading its weights.

    Args:
        path: a Hugging Face folder or a GGUF file.

    Raises:
        FormatError: for a damaged file, or a model or tokenizer with unsupported features.
        OSError: if a file cannot be read.
    """
    from minigrad.formats.gguf_model import open_gguf
    from minigrad.formats.huggingface import open_folder

    return open_folder(path) if Path(path).is_dir() else open_gguf(path)
