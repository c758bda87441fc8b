"""Text in blocks of tokens, characters or bytes."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.data.dataset import Dataset
from minigrad.data.errors import DataError, Findings
from minigrad.data.examples import Examples
from minigrad.data.files import find, reading
from minigrad.data.learned import BLOCKS
from minigrad.data.mapped import file_of, give_back, require_whole
from minigrad.engine import random


class Blocks(Examples):
    """Tokens (n,) cut into consecutive blocks.

    Inputs and targets are int64 (N, block_size); each target is the token that follows.

    Raises:
        DataError: if there are too few tokens for a block and its targets.
    """

    def __init__(self, tokens: np.ndarray, block_size: int) -> None:
        if len(tokens) <= block_size:
            raise DataError(f"{len(tokens)} tokens are too few for a block of {block_size} and the one that follows")
        windows = sliding_window_view(tokens, block_size + 1)[::block_size]
        super().__init__(windows[:, :-1], windows[:, 1:])
        self._file = file_of(tokens)

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the inputs and targets at `indices`.

        Pages that were read from a mapped file are released.
        """
        require_whole(self._file, self.inputs)
        inputs, targets = self.inputs[indices].astype(np.int64), self.targets[indices].astype(np.int64)
        give_back(self._file)
        return inputs, targets


class Crops(Blocks):
    """Blocks cut at other offsets each epoch.

    The offset depends on the seed and the epoch.

    Raises:
        DataError: if the tokens are too few for two blocks.
    """

    def __init__(self, tokens: np.ndarray, block_size: int) -> None:
        self._tokens = tokens
        self._span = len(tokens) - block_size + 1
        super().__init__(tokens[: max(self._span, 0)], block_size)

    def epoch(self, n: int) -> Examples:
        """Return the blocks of epoch `n`.

        The first one begins at a random token within the first block.
        """
        block_size = self.inputs.shape[1]
        start = random.stream("crops", step=n).integers(block_size)
        return Blocks(self._tokens[start : start + self._span], block_size)


class Text(Dataset, ABC):
    """The base of texts: tokens that a model continues.

    An example is a block of tokens, and its targets are the tokens one position later; both are int64 (block_size,).
    The first part of the text is for training; each epoch cuts it into blocks at another offset (see `Crops`). Then
    come validation and test part, whose blocks are consecutive, so that each token is predicted once.
    """

    block_size: int = 0
    _learned = BLOCKS
    _name = "the text"  # its name in errors

    def _cut(self, tokens: np.ndarray, block_size: int, val_fraction: float, test_fraction: float) -> None:
        """Set the parts.

        Raises:
            DataError: if a part is shorter than a block, or for an invalid `block_size`.
        """
        if block_size < 1:
            raise DataError(f"block_size counts the tokens of a block and is at least 1, got {block_size}")
        self.block_size = block_size
        test = len(tokens) - round(len(tokens) * test_fraction)
        val = test - round(len(tokens) * val_fraction)
        needed = {"training": 2 * block_size, "validation": block_size + 1, "test": block_size + 1}
        parts = (tokens[: max(val, 0)], tokens[max(val, 0) : test], tokens[test:])
        for (part, least), found in zip(needed.items(), parts, strict=True):
            if len(found) < least:
                raise DataError(
                    f"{self._name}: of {len(tokens):,} tokens, {len(found):,} are for {part}, and blocks of "
                    f"{block_size} need at least {least}: take a longer text, a smaller block_size, or other fractions"
                )
        self.train = Crops(parts[0], block_size)
        self.val, self.test = (Blocks(part, block_size) for part in parts[1:])

    def _take_block_size(self, state_dict: Mapping[str, Any]) -> None:
        """Set the `block_size` of a `state_dict`, without a text to cut."""
        self.block_size = state_dict["block_size"]
        self._shape, self._dtype = (self.block_size,), np.dtype(np.int64)

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """The number of different tokens; ids are below it."""

    @property
    def num_classes(self) -> int:
        """The number of different tokens."""
        return self.vocab_size

    @property
    def end(self) -> frozenset[int]:
        """The tokens that end a text, but are no text."""
        return frozenset()

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int64 (n,).

        Raises:
            DataError: for text that no token stands for.
        """

    @abstractmethod
    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the text of tokens as they come."""


class CharText(Text):
    """Text as characters, numbered in the order of Unicode.

    By default the text is the Python language reference `pydoc_data.topics`, which comes with CPython under the license
    of the Python Software Foundation: about 465,000 characters, depending on the version of Python. Without it, as in a
    browser, the text is the source code of minigrad's engine, operations and layers. A byte order mark at the start of
    a file is skipped.

    Args:
        path: a UTF-8 file; a relative path may also be in $MINIGRAD_DATA.
        block_size: the number of tokens in an example.
        val_fraction: the fraction of the text for validation, after the training part.
        test_fraction: the fraction for the test part, at the end.

    Raises:
        DataError: if the file cannot be read, is not UTF-8, or is too short for a block in each part. Byte order marks
            within the text and mixed line endings, which become tokens too, raise a DataWarning.
    """

    vocabulary: str = ""
    _tokens: np.ndarray | None = None

    def __init__(
        self, path: str | None = None, block_size: int = 64, val_fraction: float = 0.05, test_fraction: float = 0.05
    ) -> None:
        self._name = path or "the default text"
        content = _read(path)
        self._digest = hashlib.sha256(content).hexdigest()
        findings = Findings(str(path))
        text = decoded(content, findings) if path is not None else content.decode()
        codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
        known, self._tokens = np.unique(codes, return_inverse=True)
        self.vocabulary = "".join(map(chr, known))
        self._fractions = val_fraction, test_fraction
        self._cut(self._tokens, block_size, val_fraction, test_fraction)
        findings.warn()

    @property
    def vocab_size(self) -> int:
        """The number of different characters."""
        return len(self.vocabulary)

    def encode(self, text: str) -> np.ndarray:
        """Return the numbers of characters, int64 (n,).

        Raises:
            DataError: naming the characters that do not occur in the text.
        """
        strangers = sorted(set(text) - set(self.vocabulary))
        if strangers:
            raise DataError(
                f"not in the text that the model has learned from: {', '.join(map(repr, strangers))}; "
                f"it has these {self.vocab_size} characters: {self.vocabulary!r}"
            )
        return np.array([self.vocabulary.index(character) for character in text], np.int64)

    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the character of each token."""
        return (self.vocabulary[token] for token in tokens)

    def state_dict(self) -> dict[str, Any]:
        """Return the known characters, and the block size."""
        return {"vocabulary": self.vocabulary, "block_size": self.block_size}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`, renumbering its own text too.

        New characters get the number `vocab_size`, which a model refuses.
        """
        before, self.vocabulary = self.vocabulary, state_dict["vocabulary"]
        if self._tokens is None:
            self._take_block_size(state_dict)
        elif self.vocabulary != before:
            place = {character: i for i, character in enumerate(self.vocabulary)}
            numbers = np.array([place.get(character, self.vocab_size) for character in before])
            self._tokens = numbers[self._tokens]
            self._cut(self._tokens, self.block_size, *self._fractions)


class ByteText(Text):
    """Text, or any file, as bytes.

    It works for any language and format, without unknown characters.

    Args:
        path: the file; a relative path may also be in $MINIGRAD_DATA. By default it is the default text of `CharText`.
        block_size: the number of tokens in an example.
        val_fraction: the fraction of the text for validation, after the training part.
        test_fraction: the fraction for the test part, at the end.

    Raises:
        DataError: if the file cannot be read, or is too short for a block in each part.
    """

    vocab_size = 256

    def __init__(
        self, path: str | None = None, block_size: int = 64, val_fraction: float = 0.05, test_fraction: float = 0.05
    ) -> None:
        self._name = path or "the default text"
        content = _read(path)
        self._digest = hashlib.sha256(content).hexdigest()
        self._cut(np.frombuffer(content, np.uint8), block_size, val_fraction, test_fraction)

    def state_dict(self) -> dict[str, Any]:
        """Return the block size."""
        return {"block_size": self.block_size}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: the block size, without a text."""
        if not self.block_size:
            self._take_block_size(state_dict)

    def encode(self, text: str) -> np.ndarray:
        """Return the bytes of a text in UTF-8, int64 (n,)."""
        return np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64)

    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield characters once their last byte has come.

        Invalid bytes become U+FFFD.
        """
        decoder = getincrementaldecoder("utf-8")("replace")
        for token in tokens:
            yield decoder.decode(bytes([token]))
        yield decoder.decode(b"", final=True)


def text_of(path: str | Path) -> str:
    """Return the text in a file in UTF-8.

    The file is searched for like data files (see `find`).

    Raises:
        DataError: if it cannot be read or is not text. Suspicious characters raise a DataWarning.
    """
    findings = Findings(str(path))
    text = decoded(_read(path), findings)
    findings.warn()
    return text


def decoded(content: bytes, findings: Findings) -> str:
    """Decode UTF-8, without its byte order mark.

    Suspicious characters, which stem from how the text was saved, become notes in `findings`.

    Raises:
        DataError: for bytes that are not UTF-8, or look like UTF-16.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{findings.path}: expected text in UTF-8; ByteText takes any file: {error}") from error
    if (nuls := text.count("\0")) > len(text) // 3:  # every second byte of Latin text in UTF-16 is NUL
        raise DataError(
            f"{findings.path}: expected text in UTF-8, found {nuls:,} NUL of {len(text):,} characters, as UTF-16 has; "
            "save it as UTF-8; ByteText takes any file"
        )
    if (place := text.find("\ufeff")) >= 0:
        line = 1 + text.count("\n", 0, place)
        findings.note("a byte order mark within the text is one of the characters to learn; take it out", None, line)
    both = text.count("\r\n")
    if both and both < (all_ends := text.count("\n")):
        findings.note(
            f"{both:,} lines end in CR LF and {all_ends - both:,} in LF, which the model learns to tell apart; "
            f"save it with one of them"
        )
    return text


def _read(path: str | Path | None) -> bytes:
    """Return the content of a file, or the default text in UTF-8."""
    if path is None:
        try:
            from pydoc_data.topics import topics  # 700 kB, imported only if needed
        except ImportError:
            package = Path(__file__).parents[1]
            files = [file for name in ("engine", "ops", "nn") for file in sorted((package / name).glob("*.py"))]
            return "\n".join(file.read_text(encoding="utf-8") for file in files).encode("utf-8")
        return "\n".join(topics.values()).encode("utf-8")
    with reading(path):
        return find(path).read_bytes()
