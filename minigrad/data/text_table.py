"""Labeled texts from a CSV file or a data frame."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minigrad.data.columns import Texts
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.doubts import doubt, doubt_spelling
from minigrad.data.errors import DataError, Findings, Remedy, nearest
from minigrad.data.examples import Examples
from minigrad.data.files import check_text, find
from minigrad.data.frame import FRAME, Frame, sheet_of
from minigrad.data.learned import WORDS
from minigrad.data.notation import Notation
from minigrad.data.options import TableOptions
from minigrad.data.sheet import SUFFIXES
from minigrad.data.splits import check_classes, split
from minigrad.data.words import Units, Vocabulary, tokenized

_LONGEST = 256  # the most tokens of a text by default


class TextTable(Dataset):
    """Labeled texts from a CSV file or a data frame.

    An input, int64 (length,), is the first `length` tokens of a text, numbered by frequency: 2 is the most frequent, 3
    the next, and so on. 1 is a token that is not in the vocabulary. Shorter texts are padded with 0 in front, so that a
    recurrent layer ends with the last token. Vocabulary and length are learned from the training part.

    Args:
        path: a UTF-8 CSV file, whose first line names the columns; a relative path may also be in $MINIGRAD_DATA. In
            Python also a data frame.
        text: the column of texts.
        target: the column of classes.
        tokens: `words` in lower case, with each other character but spaces a token too; or `characters`.
        length: the number of tokens of a text; by default that of the longest in the training part, at most 256.
        most: the size of the vocabulary, the most frequent words or characters.
        missing: whether a row without a text or class is refused ("error") or left out ("drop").
        delimiter: the character between cells.
        val_fraction: the fraction of the rows for validation, drawn at random, stratified by class.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: for all problems at once, with line and column: missing cells, lines of a wrong length, a missing
            column, a single class, a file that cannot be read.
    """

    _learned = WORDS

    def __init__(
        self,
        path: str | Frame,
        text: str,
        target: str,
        tokens: Units = "words",
        length: int | None = None,
        most: int = 10_000,
        missing: Literal["error", "drop"] = "error",
        delimiter: str = ",",
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        if most < 1 or (length is not None and length < 1):
            raise DataError(f"length and most count tokens and are at least 1, got {length} and {most}")
        options = TableOptions(targets=(target,), categorical=(target,), embed=(text,), missing="drop")
        findings = Findings(path if isinstance(path, str) else FRAME)
        source = find(path) if isinstance(path, str) else path
        make = lambda name: Texts(name, Notation(), {""}) if name in (text, target) else None
        sheet = sheet_of(source, delimiter, make, findings)
        options.check(sheet.names, findings)
        doubt(sheet, options, findings)
        for column in sheet.columns.values():
            if column.gap is not None and missing == "error":
                more = f" (and {column.gaps - 1:,} more of its cells)" if column.gaps > 1 else ""
                drop = Remedy("missing", "drop")
                said = f"the value is missing{more}: fill it in, leave out the line, or write {drop}"
                findings.refuse(said, column.name, column.gap.line, drop)
        findings.check()
        texts, answers = sheet.columns[text], sheet.columns[target]
        assert isinstance(texts, Texts)
        assert isinstance(answers, Texts)
        doubt_spelling(answers, findings)
        self._digest, self._text, self._delimiter = sheet.digest, text, sheet.delimiter
        self._target = target
        self._class_names = answers.categories()
        self._num_classes = len(self._class_names)
        rows = np.flatnonzero(~(texts.missing | answers.missing))
        classes = answers.classes()[rows]
        parts = split(len(rows), val_fraction, test_fraction, classes, self._class_names)
        remedy = "give this class more rows, leave out its rows, or choose other fractions or another seed"
        check_classes(findings.path, [classes[part] for part in parts], self._class_names, remedy)
        cells = list(texts.found)
        written = [cells[code] for code in texts.values[rows]]
        learned = [written[i] for i in parts[0]]
        self._vocabulary = Vocabulary.learn(learned, tokens, most)
        longest = max(len(tokenized(each, tokens)) for each in learned)
        self._length = min(longest, _LONGEST) if length is None else length
        encoded = class_targets(classes, self._num_classes, targets)
        inputs = self._vocabulary.encode(written, self._length)
        self.train, self.val, self.test = (
            Examples(inputs[part], encoded[part], lines=sheet.lines[rows[part]]) for part in parts
        )
        findings.warn()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input: (length,)."""
        return (self._length,)

    @property
    def vocab_size(self) -> int:
        """The number of tokens, with padding and unknown."""
        return len(self._vocabulary)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the target, in order.

        Class index i is the i-th of them.
        """
        return self._class_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """The column of the classes."""
        return (self._target,)

    def original(self, inputs: np.ndarray) -> dict[str, list[str]]:
        """Return the texts of inputs (n, length)."""
        tokens = np.array(["", "?", *self._vocabulary.tokens])
        between = " " if self._vocabulary.units == "words" else ""
        return {self._text: [between.join(tokens[row[row > 0]]) for row in inputs]}

    def read_inputs(self, path: str | Path | Frame) -> np.ndarray:
        """Read texts as inputs (N, length).

        They are in the same column of a CSV file or data frame, or are the lines of a .txt file.

        Raises:
            DataError: if the file cannot be read, or has no such column or no texts.
        """
        if not isinstance(path, str | Path) or Path(path).suffix.lower() in (".csv", ".tsv", ".tab"):
            return self._read_column(path)
        if Path(path).suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path}: the inputs of a TextTable are read from a .csv file (or .tsv, .tab) with the column "
                f"{self._text!r}, or from a .txt file with a text in each line"
            )
        check_text(path)
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        texts = [line for line in lines if line.strip()]
        if not texts:
            raise DataError(f"{path}: expected a text in each line, found none")
        return self._vocabulary.encode(texts, self._length)

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that `read_inputs` takes."""
        return SUFFIXES

    def suffix_of(self, content: bytes) -> str:
        """Return the suffix for content: a table's or a text's.

        It is a table's if the first line names the column.
        """
        names = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip().split(self._delimiter)
        return ".csv" if self._text in [name.strip('"') for name in names] else ".txt"

    def _read_column(self, path: str | Path | Frame) -> np.ndarray:
        findings = Findings(str(path) if isinstance(path, str | Path) else FRAME)
        make = lambda name: Texts(name, Notation(), {""}) if name == self._text else None
        sheet = sheet_of(path, self._delimiter, make, findings)
        if self._text not in sheet.columns:
            findings.refuse(f"no column {self._text!r}; {nearest(self._text, sheet.names)}")
        findings.check()
        column = sheet.columns[self._text]
        assert isinstance(column, Texts)
        texts = [*column.found, ""]  # a missing text has the code -1, the last index
        return self._vocabulary.encode([texts[code] for code in column.values], self._length)

    def state_dict(self) -> dict[str, Any]:
        """Return the vocabulary, length, column and class names."""
        return {
            "units": self._vocabulary.units,
            "tokens": self._vocabulary.tokens,
            "length": self._length,
            "text": self._text,
            "delimiter": self._delimiter,
            "class_names": self._class_names,
            "target": self._target,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: vocabulary, length and names."""
        self._vocabulary = Vocabulary(state_dict["units"], tuple(state_dict["tokens"]))
        self._length, self._text = state_dict["length"], state_dict["text"]
        self._delimiter = state_dict["delimiter"]
        self._class_names = tuple(state_dict["class_names"])
        self._num_classes = len(self._class_names)
        self._dtype = np.dtype(np.int64)
        self._target = state_dict.get("target", "class")  # earlier runs did not store it
