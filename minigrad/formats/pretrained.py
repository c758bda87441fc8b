"""A pretrained model before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minigrad.data.tokenizers import BytePairs
from minigrad.formats.errors import FormatError
from minigrad.formats.stored import Stored
from minigrad.formats.weights import Parts, fill
from minigrad.nn import Module, init

T = TypeVar("T", bound=Module)


class Pretrained(NamedTuple):
    """A pretrained model: class, arguments, weights and tokenizer.

    Attributes:
        path: the folder or file.
        kind: the name of the architecture in the file, such as "llama".
        class_name: the class in `models/` that implements it.
        arguments: the arguments of that class.
        stored: the stored arrays, read on demand.
        parts: returns where each weight of the class is stored.
        tokenizer: the tokenizer; None if there is none.
        end: the tokens that end a text.
    """

    path: Path
    kind: str
    class_name: str
    arguments: Mapping[str, Any]
    stored: Mapping[str, Stored]
    parts: Parts
    tokenizer: BytePairs | None
    end: frozenset[int]

    def build(self, cls: type[T]) -> T:
        """Return the model, a `cls`, in evaluation mode.

        Raises:
            FormatError: for inconsistent sizes, or weights or a tokenizer that do not fit the model.
        """
        layers = self.arguments["n_layer"]
        if layers > len(self.stored):  # refused before any are built
            raise FormatError(f"{self.path} describes {layers:,} layers, and has {len(self.stored)} arrays of weights")
        try:
            with init.skipped():
                model = cls(**self.arguments)
            fill(model, self.stored, self.parts)
        except ValueError as error:
            raise FormatError(f"{self.path}: {error}") from None
        except MemoryError as error:
            raise FormatError(f"{self.path} describes a model that does not fit into memory: {error}") from None
        rows = self.arguments["vocab_size"]
        if self.tokenizer is not None and self.tokenizer.vocab_size > rows:
            found = self.tokenizer.vocab_size
            raise FormatError(
                f"{self.path}: the tokenizer has {found:,} tokens, but the model has embeddings for {rows:,}"
            )
        return model.eval()
