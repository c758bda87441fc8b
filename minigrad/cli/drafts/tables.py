"""Draft configs for CSV files: tables, series and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minigrad.cli.drafts.columns import Columns, read_columns
from minigrad.cli.drafts.draft import Draft, batches, epochs, join_names, layers
from minigrad.cli.drafts.series import draft_series, even_times, time_of
from minigrad.data import DataError
from minigrad.data.columns import Column, Dates, Numbers, Texts

_TRAINING_SHARE = 0.6
_TARGET_NAMES = {"target", "label", "class", "y", "outcome"}


def draft_csv(path: Path, target: str | None, kind: str | None) -> Draft:
    """Return a draft for a CSV file.

    Args:
        path: the file.
        target: the column to predict; by default the last suitable one.
        kind: "table", "series" or "text"; by default it is guessed.

    Raises:
        DataError: if the file cannot be used, or only its owner can resolve an ambiguity.
    """
    columns = read_columns(path, target)
    time = time_of(columns) if kind in (None, "series") else None
    if kind == "series" or (kind is None and time is not None):
        draft = draft_series(columns, time)
    else:
        draft = _of_rows(columns, kind)
        if kind is None and (times := even_times(columns)):
            order = f"rows are evenly spaced by {times[0]!r}, and taken one by one"
            draft.assumed.append(("order", f"{order}; --from series forecasts numbers from their past"))
    if columns.delimiter != ",":
        draft.options["delimiter"] = columns.delimiter
    marks = {"decimal": (columns.notation.decimal, "."), "thousands": (columns.notation.thousands, "")}
    if draft.dataset != "TextTable":
        draft.options |= {option: mark for option, (mark, usual) in marks.items() if mark != usual}
    separated = {",": "a comma", ";": "';'", "\t": "a tab", "|": "'|'"}[columns.sheet.delimiter]
    read = f"{len(columns.sheet):,} rows, {len(columns.sheet.names)} columns, separated by {separated}"
    if draft.options.get("decimal") or draft.options.get("thousands"):
        digits = [f"{option} {mark!r}" for option, (mark, usual) in marks.items() if mark != usual]
        read += f"; in numbers, {' and '.join(digits)}"
    draft.assumed.insert(0, ("read", read))
    draft.assumed += [("in doubt", doubt) for doubt in columns.doubts]
    return draft


def _of_rows(columns: Columns, kind: str | None) -> Draft:
    """Return a draft for independent rows: texts with classes, or a table."""
    text = columns.texts[0] if len(columns.texts) == 1 else None
    is_said = bool(columns.targets)
    if not is_said:
        candidates = [name for name, column in columns.sheet.columns.items() if not isinstance(column, Dates) and name]
        if not candidates:
            raise DataError(f"{columns.path}: no column is suitable as the target: {_shortage(columns)}")
        columns.choose(candidates[-1])
    if kind == "text" and text is None:
        raise DataError(
            f"{columns.path}: expected one column of texts of several words, nearly all distinct, found "
            f"{len(columns.texts)}: name the kind of the data by --from table"
        )
    others = [name for each in (Numbers, Texts, Dates) for name in columns.inputs(each)]
    is_text = text is not None and text not in columns.targets and isinstance(columns.target, Texts)
    guess = "" if is_said else " (a guess: the last suitable column; --target COLUMN names another)"
    if not is_said and (likely := [name for name in others if name.lower() in _TARGET_NAMES]):
        guess = f" (a guess: the last column; or is it {likely[0]!r}? --target COLUMN names another)"
    if text is not None and is_text and (kind == "text" or (kind is None and not others)):
        return _text_table(columns, text, guess)
    if text is not None and is_text:
        columns.reasons[text] += "; --from text uses only this column"
    if not others:
        raise DataError(
            f"{columns.path}: no input column is left besides the target {columns.targets[0]!r}: {_shortage(columns)}"
        )
    return _table(columns, guess)


def _table(columns: Columns, guess: str) -> Draft:
    target, examples = columns.targets[0], int(_TRAINING_SHARE * len(columns.sheet))
    is_class = isinstance(columns.target, Texts)
    outputs = "${data.num_classes}" if is_class else "${data.num_targets}"
    hidden = 64 if examples > 500 else 32
    comments = {"path": "relative to this file or the current folder", "target": "the column to predict"}
    options: dict[str, Any] = {"path": columns.path, "target": target}
    kinds = {name: columns.kinds[name] for name in ("categorical", "numeric", "embed") if columns.kinds[name]}
    options |= kinds
    if target in columns.kinds["categorical"]:
        comments["categorical"] = "classes; for regression: numeric, MSELoss and one output"
    if columns.reasons:
        options["ignore"] = list(columns.reasons)
        comments["ignore"] = "not used as inputs: see README.md"
    if columns.dates:
        options["dates"] = columns.dates if any(columns.dates.values()) else list(columns.dates)
        comments["dates"] = "become year, month, weekday, hour and days elapsed"
    missing = {name: word for name, word in columns.missing.items() if name not in columns.reasons}
    if missing:
        options["missing"] = missing
        comments["missing"] = "how empty cells are filled, learned from the training split"
    if columns.inputs(Texts):
        options["unseen"] = "other"
        comments["unseen"] = "unseen categories are encoded as zeros"
    if not is_class:
        options["targets"] = "scaled"
        comments["targets"] = "standardized for training; predictions are in the units of the file"
    size = batches(examples)
    draft = Draft(
        title=f"Predicts {target} from the other columns of {columns.path.name} with two hidden layers.",
        dataset="Table",
        options=options,
        model=_embedding_model(hidden, outputs) if kinds.get("embed") else _model(hidden, outputs),
        loss="CrossEntropyLoss" if is_class else "MSELoss",
        metrics=["Accuracy"] if is_class else ["R2", "MeanAbsoluteError"],
        batch_size=size,
        trainer=epochs(examples, size),
        comments=comments,
        assumed=[("target", f"{target!r}{guess}: {_describe(columns.target)}")],
        sample=columns.path,
    )
    for word, found in (("numbers", Numbers), ("categories", Texts), ("dates", Dates)):
        if names := columns.inputs(found):
            draft.assumed.append((word, join_names(names)))
    draft.assumed += [("ignored", sentence) for sentence in columns.ignored()]
    gaps = [f"{name}: {word} ({columns.sheet.columns[name].gaps:,} empty)" for name, word in missing.items()]
    draft.assumed += [("missing", join_names(gaps))] if gaps else []
    draft.assumed += [("date", f"{name!r} is written as {form}") for name, form in columns.dates.items() if form]
    return draft


def _shortage(columns: Columns) -> str:
    """Return why too few columns are left."""
    if len(columns.sheet.names) > 1:
        return "; ".join(columns.ignored()) or "the others are dates"
    if isinstance(next(iter(columns.sheet.columns.values()), None), Numbers):
        return "it is the only one; --from series forecasts it from its own past"
    return f"there is one, {columns.sheet.names[0]!r}; cells are separated by a comma, a semicolon, a tab or '|'"


def _model(hidden: int, outputs: str) -> list[str]:
    return layers(
        f'Linear: ["${{data.num_features}}", {hidden}]', "ReLU", "Dropout: 0.1",
        f"Linear: [{hidden}, {hidden}]", "ReLU",
        f'Linear: [{hidden}, "{outputs}"]',
    )  # fmt: skip


def _embedding_model(hidden: int, outputs: str) -> list[str]:
    return [
        "TabularMLP:",
        "  numbers: ${data.num_numbers}",
        "  categories: ${data.category_sizes}  # an embedding for each category of the columns in `embed`",
        f"  hidden: [{hidden}, {hidden}]",
        f"  outputs: {outputs}",
        "  dropout: 0.1",
    ]


def _describe(column: Column) -> str:
    """Describe a target: classes with the majority share, or a range of numbers."""
    if not isinstance(column, Texts):
        present = column.values[~column.missing]
        return f"numbers from {present.min():g} to {present.max():g}"
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.found))
    most = list(column.found)[int(counts.argmax())]
    return f"{len(counts)} classes; the most frequent, {most!r}, has {counts.max() / counts.sum():.0%} of the rows"


def _text_table(columns: Columns, text: str, guess: str) -> Draft:
    target, examples = columns.targets[0], int(_TRAINING_SHARE * len(columns.sheet))
    options: dict[str, Any] = {"path": columns.path, "text": text, "target": target}
    if columns.missing.get(target) or columns.missing.get(text):
        options["missing"] = "drop"
    size = batches(examples, 64)
    return Draft(
        title=f"Classifies the texts of {columns.path.name} by {target!r} with a recurrent layer on words.",
        dataset="TextTable",
        options=options,
        model=layers(
            'Embedding: ["${data.vocab_size}", 32]',
            "GRU: {input_size: 32, hidden_size: 32, batch_first: true}",
            "LastOutput",
            "Dropout: 0.3",
            'Linear: [32, "${data.num_classes}"]',
        ),
        loss="CrossEntropyLoss",
        metrics=["Accuracy"],
        batch_size=size,
        trainer=[*epochs(examples, size, 600), "grad_clip: 1.0"],
        comments={"text": "the column of the texts", "target": "the column to predict"},
        assumed=[
            ("texts", f"{text!r}, as words"),
            ("target", f"{target!r}{guess}: {_describe(columns.target)}"),
            *(("ignored", repr(name)) for name in columns.sheet.names if name not in (text, target)),
        ],
        sample=columns.path,
    )
