"""Checks of doubtful columns of a table."""

from __future__ import annotations

import re

import numpy as np

from minigrad.data.columns import Cell, Column, Dates, Numbers, Texts, Unknown, remedies
from minigrad.data.errors import Findings, Remedy
from minigrad.data.notation import MISSING, Notation, date_formats, other_date, other_notations, unit_of
from minigrad.data.options import TableOptions
from minigrad.data.sheet import Sheet

_MOST_VALUES = 100  # a column with more distinct texts likely holds names or addresses, not categories
_FEW_VALUES = 2  # more distinct texts of a number and a unit are amounts, not categories
_IF_TWO = ", or name it in `categorical` if they are two"
_FEW_ROWS = 20  # fewer rows may be all distinct, equal or sorted by chance
_ID = re.compile(
    r"(?:^|[\s_.:-])(?:id|ids|idx|index|key|no|nr|row|rows|rownames|rownum|unnamed|uuid)(?:$|[\s_.:-])", re.I
)
_CAMEL_ID = re.compile(r"[a-z](?:Id|ID|Index|Idx|Key|No|Nr)$")


def doubt(sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    """Find problems and doubts in a table's columns, with remedies."""
    _doubt_names(sheet, options, findings)
    for name, column in sheet.columns.items():
        if column.problem is not None:
            findings.refuse(column.problem.text, name, column.problem.line, *column.problem.remedies)
        elif isinstance(column, Unknown):
            if name in options.targets:
                findings.refuse("is the target and holds no value at all: choose another", name)
            else:
                findings.refuse("holds no value at all: name it in `ignore`", name, None, Remedy("ignore", name))
        else:
            _doubt_gap(column, options, findings)
            _doubt_target(column, sheet, options, findings)
            _doubt_input(column, sheet, options, findings)
    _doubt_weight(sheet, options, findings)
    _doubt_leaks(sheet, options, findings)


def _doubt_names(sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    if "" in sheet.columns and "" not in options.declared:
        findings.refuse(
            'has no name, as an index saved with the rows, which tells nothing of new ones: write `ignore: [""]`, '
            "or name the column",
            "",
            None,
            Remedy("ignore", ""),
        )
    numbers = [name for name, column in sheet.columns.items() if isinstance(column, Numbers)]
    texts = {name: column for name, column in sheet.columns.items() if isinstance(column, Texts)}
    if not numbers or not all(map(Notation().reads, numbers)):
        return
    text = f"the first row is taken for the names of the columns, and it holds numbers: {', '.join(sheet.names[:6])}"
    if any(name in column.found for name, column in texts.items()):
        findings.refuse(f"{text}; put a row of names above it", line=1)
    else:
        findings.note(f"{text}; if it is an example, put a row of names above it", line=1)


def _doubt_gap(column: Column, options: TableOptions, findings: Findings) -> None:
    if column.gap is None or options.strategy(column.name) != "error":
        return
    more = f" (and {column.gaps - 1:,} more of its cells)" if column.gaps > 1 else ""
    if column.name in options.targets or column.name in options.helpers:
        remedy = Remedy("missing", "drop", column.name)
    else:
        remedy = Remedy("missing", "most_frequent" if isinstance(column, Texts) else "median", column.name)
    findings.refuse(
        f"the value is missing ({column.gap.text!r}){more}: fill it in, leave out the line, "
        f"name the column in `ignore`, or write {remedy}",
        column.name,
        column.gap.line,
        remedy,
    )


def _doubt_input(column: Column, sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    if not options.is_input(column.name):
        return
    is_guess = column.name not in options.declared
    if isinstance(column, Texts) and is_guess:
        if not _doubt_notation(column, options, findings):
            _doubt_texts(column, len(sheet), findings)
    elif isinstance(column, Numbers) and is_guess:
        _doubt_id(column, findings)
    if is_guess and len(sheet) > 1 and _is_constant(column):
        remedy = Remedy("ignore", column.name)
        findings.note(
            "holds the same value in all rows, which tells nothing; name it in `ignore`", column.name, None, remedy
        )


def _doubt_notation(column: Texts, options: TableOptions, findings: Findings) -> bool:
    """Report texts that are numbers or dates in another notation.

    Returns:
        Whether they are.
    """
    texts = list(column.found)
    first = next(iter(column.found.values()))
    others = other_notations(texts, options.notation)
    if others:
        sign = (Remedy("numeric", column.name),) if others[0].sign else ()
        ways = [(*remedies(other, options.notation), *sign) for other in others]
        words = " or ".join(" and ".join(map(str, way)) for way in ways)
        findings.refuse(
            f"{first.text!r} is read as a text and looks like a number: write {words}, or name it in `categorical`",
            column.name,
            first.line,
            *ways[0],
        )
        return True
    if dates := date_formats(texts):
        _refuse_date(column, first.text, first.line, [date.form for date in dates], findings)
        return True
    if (other := other_date(texts)) is not None:
        findings.refuse(
            f"holds dates in several forms, {first.text!r} in line {first.line} and {other!r} in line "
            f"{column.found[other].line}: write them in one form, or name it in `ignore` or `categorical`",
            column.name,
            None,
            Remedy("ignore", column.name),
        )
        return True
    return False


def _refuse_date(column: Texts, text: str, line: int, forms: list[str], findings: Findings) -> None:
    iso = forms[0] == ""
    ways = [Remedy("dates", column.name) if iso else Remedy("dates", form, column.name) for form in forms[:2]]
    findings.refuse(
        f"{text!r} is read as a text and looks like a date: write {' or '.join(map(str, ways))}, "
        f"or name it in `ignore` or `categorical`",
        column.name,
        line,
        ways[0],
    )


def doubt_spelling(column: Texts, findings: Findings, otherwise: str = "") -> None:
    """Note two categories that differ only in case or spaces.

    Args:
        column: the categories.
        findings: collects the note.
        otherwise: what to do if they are two categories, as the end of a sentence.
    """
    spelled: dict[str, Cell] = {}
    for cell in column.found.values():
        other = spelled.setdefault(" ".join(cell.text.casefold().split()), cell)
        if other is not cell:
            findings.note(
                f"has the categories {other.text!r} (line {other.line}) and {cell.text!r} (line {cell.line}), which "
                f"differ only in case or spaces: write them alike if they are one{otherwise}",
                column.name,
            )
            return


def _doubt_texts(column: Texts, rows: int, findings: Findings) -> None:
    count = len(column.found)
    if count > _MOST_VALUES or (count == rows and rows >= _FEW_ROWS):
        all_different = "; no two are equal, as in an id" if count == rows else ""
        findings.refuse(
            f"holds {count} different texts: name it in `ignore`, or in `categorical` for so many inputs, "
            f"or in `embed` for a vector each{all_different}",
            column.name,
            None,
            Remedy("ignore", column.name),
        )
    elif count > _FEW_VALUES and (unit := unit_of(list(column.found))):
        first = next(iter(column.found.values()))
        findings.note(
            f"{first.text!r} is taken for a category and looks like a number with the unit {unit!r}: take the unit out "
            "of the cells, or name it in `categorical`",
            column.name,
            first.line,
        )
    else:
        doubt_spelling(column, findings, _IF_TWO)
    for text, cell in column.found.items():
        if text.lower() in MISSING:
            remedy = Remedy("missing", "category", column.name)
            findings.note(
                f"{text!r} is taken for a category; if it means a missing value, write {remedy}",
                column.name,
                cell.line,
                remedy,
            )


def _doubt_id(column: Numbers, findings: Findings) -> None:
    name, numbers = column.name, column.values
    if not (_ID.search(name) or _CAMEL_ID.search(name)) or len(numbers) < 3:
        return
    if (numbers == np.floor(numbers)).all() and len(np.unique(numbers)) == len(numbers):
        findings.refuse(
            "holds whole numbers, all different, as an id or an index does, which tells nothing of new rows: "
            f"write {Remedy('ignore', name)}, or {Remedy('numeric', name)} if it is an amount",
            name,
            None,
            Remedy("ignore", name),
        )


def _is_constant(column: Column) -> bool:
    if isinstance(column, Texts):
        return len(column.found) == 1 and not column.gaps
    return not column.gaps and bool((column.values == column.values[0]).all())


def _doubt_target(column: Column, sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    if column.name not in options.targets:
        return
    name, is_declared = column.name, column.name in options.declared
    if isinstance(column, Dates):
        findings.refuse("is the target and holds dates, which cannot be predicted: choose another", name)
    if isinstance(column, Numbers):
        present = column.values[~np.isnan(column.values)]
        if not is_declared and (present == np.floor(present)).all():
            findings.refuse(
                "is the target and holds whole numbers, which may be classes or amounts: "
                "name it in `categorical` or in `numeric`",
                name,
                None,
                Remedy("categorical", name),
            )
        elif len(present) and (present == present[0]).all():
            findings.refuse(f"is the target and holds {present[0]:g} in all rows: there is nothing to learn", name)
        elif len(tiny := np.flatnonzero((column.values != 0) & (np.abs(column.values) < np.finfo(np.float32).tiny))):
            line = int(sheet.lines[tiny[0]])
            number = column.values[tiny[0]]
            findings.refuse(f"{number:g} is too small for a target in float32: choose a smaller unit", name, line)
    if not isinstance(column, Texts):
        return
    if not is_declared and _doubt_notation(column, options, findings):
        return
    if len(column.found) == 1:
        findings.refuse(
            f"is the target and holds one class, {next(iter(column.found))!r}: there is nothing to learn", name
        )
    if not is_declared:
        doubt_spelling(column, findings, _IF_TWO)
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.found))
    if not is_declared and len(column.found) > _MOST_VALUES and len(column.found) > len(sheet) / 2:
        findings.refuse(
            f"is the target and holds {len(column.found)} different texts in {len(sheet)} rows, too many to learn as "
            f"classes: choose another, or name it in `categorical`",
            name,
        )
        return
    for code, text in enumerate(column.found):
        if counts[code] < 3 and len(column.found) > 1:
            lines = " and ".join(map(str, sheet.lines[column.values == code].tolist()))
            rows = f"one row (line {lines})" if counts[code] == 1 else f"two rows (lines {lines})"
            findings.note(f"has the class {text!r} in {rows}, too few for training, validation and test", name)


def _doubt_weight(sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    column = sheet.columns.get(options.weight) if options.weight is not None else None
    if column is None or column.problem is not None:
        return
    negative = np.flatnonzero(column.values < 0)
    if len(negative):
        line = int(sheet.lines[negative[0]])
        findings.refuse(f"a weight is at least 0, found {column.values[negative[0]]:g}", column.name, line)
    elif not column.values.any():
        findings.refuse("all weights are 0", column.name)


def _doubt_leaks(sheet: Sheet, options: TableOptions, findings: Findings) -> None:
    """Report inputs that equal a target."""
    for target in options.targets:
        answers = sheet.columns.get(target)
        if answers is None or answers.problem is not None or isinstance(answers, Unknown):
            continue
        truth = _comparable(answers, options.notation)
        for name, column in sheet.columns.items():
            if not options.is_input(name) or name in options.declared or column.problem is not None:
                continue
            if isinstance(column, Unknown) or len(column.values) != len(answers.values):
                continue
            values = _comparable(column, options.notation)
            # most differ early, or in dtype
            if values.dtype == truth.dtype and (values[:99] == truth[:99]).all() and (values == truth).all():
                findings.refuse(
                    f"holds the same as the target {target!r}: the model would learn to copy it; "
                    f"write {Remedy('ignore', name)}",
                    name,
                    None,
                    Remedy("ignore", name),
                )


def _comparable(column: Column, notation: Notation) -> np.ndarray:
    """Return a column's cells as numbers if possible, else as texts."""
    if not isinstance(column, Texts):
        return column.values
    texts = list(column.found)
    if all(map(notation.reads, texts)):
        return np.array([*map(notation.number, texts), np.nan])[column.values]
    return np.array([*texts, ""], object)[column.values]
