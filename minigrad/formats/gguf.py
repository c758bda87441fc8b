"""The GGUF format of llama.cpp: a model and its tokenizer.

A file has metadata by name, a list of tensors, and their data, quantised as in `KINDS`. Specification:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (MIT). Data only: nothing in a file is executed.
"""

from __future__ import annotations

import struct
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.data.mapped import file_of, give_back
from minigrad.formats.errors import FormatError
from minigrad.formats.quantised import KINDS, dequantize
from minigrad.formats.stored import Stored, content

_SCALARS = {0: "B", 1: "b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _ARRAY = 8, 9

MOST_AXES = 4
"""The format's limit for the axes of a tensor."""


class GGUF(NamedTuple):
    """The metadata by name, and the tensors, read on demand."""

    facts: dict[str, Any]
    tensors: dict[str, Stored]


def read_gguf(path: str | Path) -> GGUF:
    """Return the metadata and tensors of a GGUF file.

    Tensors become float32 when they are read.

    Raises:
        FormatError: if the file is cut off, damaged, not GGUF version 2 or 3, or quantised in a way that `KINDS` lacks.
        OSError: if it cannot be opened.
    """
    path = Path(path)
    reader = _Reader(content(path))
    try:
        return _parse(reader)
    except FormatError as error:
        raise FormatError(f"{path} is not a complete GGUF file: {error}") from None


class _Reader:
    """A sequential reader of values, which never reads beyond the end of the file."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> NDArray[np.uint8]:
        if count > len(self.data) - self.at:
            raise FormatError(
                f"it ends within its header: {count:,} bytes expected at {self.at:,} of {len(self.data):,}"
            )
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)).data)[0]

    def text(self) -> str:
        try:
            return self.take(self.number("<Q")).tobytes().decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(f"expected text in UTF-8 before byte {self.at:,}") from None

    def value(self, kind: int) -> Any:
        """Return a number, a text, a list of texts, or an array of numbers."""
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY:
            inner, count = self.number("<I"), self.number("<Q")
            if inner == _TEXT:
                self._has_room(8 * count)  # for the lengths
                return [self.text() for _ in range(count)]
            dtype = np.dtype(self._form(inner))
            return self.take(count * dtype.itemsize).view(dtype)
        return self.number(self._form(kind))

    def _has_room(self, count: int) -> None:
        self.take(count)
        self.at -= count

    def _form(self, kind: int) -> str:
        if kind not in _SCALARS:
            raise FormatError(f"the metadata has a value of unknown type {kind} before byte {self.at:,}")
        return _SCALARS[kind]


def _parse(reader: _Reader) -> GGUF:
    if reader.take(4).tobytes() != b"GGUF":
        raise FormatError("it does not begin with the letters GGUF")
    version, count, pairs = reader.number("<I"), reader.number("<Q"), reader.number("<Q")
    if version not in (2, 3):
        raise FormatError(f"it has version {version}; supported: versions 2 and 3 in little endian")
    facts: dict[str, Any] = {}
    for _ in range(pairs):
        name = reader.text()
        if name in facts:
            raise FormatError(f"its metadata has {name!r} twice")
        facts[name] = reader.value(reader.number("<I"))
    places = [_place(reader) for _ in range(count)]
    step = facts.get("general.alignment", 32)
    if type(step) is not int or step < 1:
        raise FormatError(f"general.alignment must be a number from 1, found {step!r}")
    data = reader.data[-(-reader.at // step) * step :]
    tensors: dict[str, Stored] = {}
    for name, shape, kind, start in places:
        if name in tensors:
            raise FormatError(f"it has the tensor {name!r} twice")
        tensors[name] = _tensor(name, shape, kind, start, data)
    return GGUF(facts, tensors)


def _place(reader: _Reader) -> tuple[str, tuple[int, ...], int, int]:
    """Return the name, shape, number type and offset of a tensor."""
    name, axes = reader.text(), reader.number("<I")
    if axes > MOST_AXES:
        raise FormatError(f"the tensor {name!r} has {axes} axes; the format allows at most {MOST_AXES}")
    shape = tuple(reader.number("<Q") for _ in range(axes))[::-1]  # the file lists the contiguous axis first
    return name, shape, reader.number("<I"), reader.number("<Q")


def _tensor(name: str, shape: tuple[int, ...], number: int, start: int, data: NDArray[np.uint8]) -> Stored:
    if number not in KINDS:
        known = ", ".join(kind.name for kind in KINDS.values())
        raise FormatError(f"the tensor {name!r} has quantization type {number}; supported: {known}")
    kind = KINDS[number]
    if shape and shape[-1] % kind.numbers:
        raise FormatError(
            f"the tensor {name!r} has rows of {shape[-1]} numbers, and a block of {kind.name} has {kind.numbers}"
        )
    if not prod(shape):
        raise FormatError(f"the tensor {name!r} has no numbers: its shape is {shape}")
    stop = start + prod(shape) // kind.numbers * kind.size
    if stop > len(data):
        raise FormatError(f"the tensor {name!r} ends at byte {stop:,}, but the file has {len(data):,}")
    return Stored(shape, partial(_read, data[start:stop], shape, number))


def _read(raw: NDArray[np.uint8], shape: tuple[int, ...], kind: int) -> NDArray[np.float32]:
    result = dequantize(raw, KINDS[kind]).reshape(shape)
    give_back(file_of(raw))
    return result
