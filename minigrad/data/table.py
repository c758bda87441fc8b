"""Tables from a CSV file or a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minigrad.data.columns import Column, Dates, Numbers, Texts
from minigrad.data.dataset import Dataset, Targets, amount_targets, class_targets
from minigrad.data.doubts import doubt
from minigrad.data.errors import DataError, Findings, nearest
from minigrad.data.examples import Examples
from minigrad.data.features import CategoryFeature, DateFeature, Feature, NumberFeature, Scale, restored, unscaled
from minigrad.data.files import find
from minigrad.data.frame import FRAME, Frame, sheet_of
from minigrad.data.learned import TABLE
from minigrad.data.notation import Notation
from minigrad.data.options import Missing, TableOptions
from minigrad.data.sheet import SUFFIXES, Sheet
from minigrad.data.splits import check_classes, check_order
from minigrad.data.table_parts import complete_rows, split_rows

_ROWS = 2**16
"""Rows that are encoded at a time."""


class Table(Dataset):
    """A table from a CSV file or a data frame.

    The first line of a CSV file names the columns: one or more targets, and the inputs, float32 (num_features,).

    A column of numbers is numeric, and standardized with the mean and standard deviation of the training part. A column
    of texts is categorical, and one-hot encoded. A column of both needs an option. A categorical target makes the task
    classification; classes are sorted, as numbers if all are numbers. A numeric target makes it regression, with
    targets float32 (N, 1) in their own units. Several targets are either all numeric, (N, k), or all labels of 0 or 1,
    float32 (N, k), for multi-label classification.

    Args:
        path: the UTF-8 file; a relative path may also be in $MINIGRAD_DATA. In Python also a pandas or polars data
            frame, which is read like its CSV file.
        target: the column to predict, or several. A column of integers may hold classes or amounts: list it in
            `categorical` or `numeric`.
        categorical: columns that hold categories although they look like numbers.
        numeric: columns that hold numbers although they may not look like it, for example with a percent or currency
            sign. Percentages are divided by 100.
        ignore: columns to leave out.
        delimiter: the character between cells.
        val_fraction: the fraction of the rows for validation, drawn at random.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`), or `scaled` to standardize numeric targets;
            `in_units` converts predictions back.
        missing: the treatment of missing cells (see `minigrad.data.Missing`), for all columns or by column, with "*"
            for the others.
        dates: columns that hold dates in ISO 8601, or a mapping of columns to `datetime.strptime` formats. A date
            becomes its year, the elapsed days, and sine and cosine of month, weekday and (if there are times of day)
            hour.
        embed: columns of many categories, each of which becomes one index, after all other inputs, for an Embedding
            (see `category_sizes`).
        unseen: whether a category that does not occur in training is refused ("error"), or becomes zeros ("other").
        decimal: the decimal separator.
        thousands: the thousands separator; by default none.
        weight: the column of example weights, at least 0.
        group: a column whose equal values stay in one part, such as the patient or the customer.
        time: a column of numbers or dates by which the rows are sorted before they are split, so that the last are for
            the test.

    Raises:
        DataError: for all problems at once, with line and column: missing values, numbers that are not finite, lines of
            a wrong length, missing or ambiguous columns, a file that cannot be read. Harmless doubts raise a
            DataWarning.
    """

    _learned = TABLE
    _features: tuple[Feature, ...] = ()
    _class_names: tuple[str, ...] = ()
    _scales: tuple[Scale, ...] = ()

    def __init__(
        self,
        path: str | Frame,
        target: str | tuple[str, ...],
        categorical: tuple[str, ...] = (),
        numeric: tuple[str, ...] = (),
        ignore: tuple[str, ...] = (),
        delimiter: str = ",",
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets | Literal["scaled"] = "index",
        missing: Missing | dict[str, Missing] = "error",
        dates: tuple[str, ...] | dict[str, str] = (),
        embed: tuple[str, ...] = (),
        unseen: Literal["error", "other"] = "error",
        decimal: str = ".",
        thousands: str = "",
        weight: str | None = None,
        group: str | None = None,
        time: str | None = None,
    ) -> None:
        options = TableOptions(
            targets=_names(target),
            categorical=_names(categorical),
            numeric=_names(numeric),
            ignore=_names(ignore),
            embed=_names(embed),
            dates=dates if isinstance(dates, Mapping) else dict.fromkeys(_names(dates), ""),
            missing=missing,
            notation=Notation(decimal, thousands),
            weight=weight,
            group=group,
            time=time,
        )
        findings = Findings(path if isinstance(path, str) else FRAME)
        sheet = sheet_of(find(path) if isinstance(path, str) else path, delimiter, options.column, findings, True)
        path = findings.path
        options.check(sheet.names, findings)
        doubt(sheet, options, findings)
        findings.check()
        self._digest = sheet.digest
        self._delimiter, self._notation = sheet.delimiter, options.notation
        self._target_names = options.targets

        rows = complete_rows(sheet, options)
        answers = [sheet.columns[name] for name in options.targets]
        classes = self._learn_targets(path, answers)
        parts = split_rows(sheet, options, rows, classes, val_fraction, test_fraction, self._class_names)
        if classes is not None:
            remedy = "give this class more rows, leave out its rows, or choose other fractions or another seed"
            check_classes(path, [classes[part] for part in parts], self._class_names, remedy)
            if time is not None:
                remedy = "choose another column for `time`, or leave it out, so that the parts are drawn"
                check_order(path, [classes[part] for part in parts], self._class_names, remedy)
        encoded = self._encode_targets(answers, parts[0], targets)
        self._learn_inputs(path, sheet, options, parts[0], unseen == "other")
        weights = None if weight is None else sheet.columns[weight].values.astype(np.float32)
        inputs = self._encode(sheet, parts, findings)
        findings.check()
        self.train, self.val, self.test = (
            Examples(values, encoded[part], None if weights is None else weights[part], sheet.lines[part])
            for values, part in zip(inputs, parts, strict=True)
        )
        findings.warn()

    def _learn_targets(self, path: str, answers: Sequence[Column]) -> np.ndarray | None:
        """Learn the names of the classes; return the class of every row, or None if the targets are not classes."""
        texts = [column for column in answers if isinstance(column, Texts)]
        if len(answers) == 1 and texts:
            self._class_names = texts[0].categories()
            self._num_classes = len(self._class_names)
            return texts[0].classes()
        if texts and len(texts) < len(answers):
            kinds = [f"{column.name!r} {'texts' if column in texts else 'numbers'}" for column in answers]
            raise DataError(
                f"{path}: several targets are all amounts or all labels of two values, and here hold "
                f"{', '.join(kinds)}: name them in `numeric` or in `categorical`"
            )
        for column in texts:
            if len(column.found) != 2:
                raise DataError(
                    f"{path}: column {column.name!r} is one of several targets and holds {len(column.found)} different "
                    f"texts: a label has two, such as 0 and 1"
                )
        return None

    def _encode_targets(
        self, answers: Sequence[Column], train: np.ndarray, targets: Targets | Literal["scaled"]
    ) -> np.ndarray:
        """Return the targets of all rows."""
        if self._class_names:
            if targets == "scaled":
                raise DataError("targets 'scaled' are for amounts, and these are classes: leave it out")
            [column] = answers
            assert isinstance(column, Texts)
            codes = np.maximum(column.classes(), 0)  # rows with a gap are not in any part
            return class_targets(codes, len(self._class_names), targets)
        if any(isinstance(column, Texts) for column in answers):
            if targets != "index":
                raise DataError(f"targets {targets!r} is not for several labels: leave it out")
            return np.stack([c.classes() for c in answers if isinstance(c, Texts)], axis=1, dtype=np.float32)
        if targets == "scaled":
            self._scales = tuple(Scale.learn(column.values[train]) for column in answers)
            scaled = [s.apply(column.values) for s, column in zip(self._scales, answers, strict=True)]
            return np.stack(scaled, axis=1).astype(np.float32)
        return amount_targets(np.stack([column.values for column in answers], axis=1), targets)

    def _learn_inputs(self, path: str, sheet: Sheet, options: TableOptions, train: np.ndarray, unseen: bool) -> None:
        """Learn from the training part how to encode the columns; embedded ones come last."""
        features: list[Feature] = []
        for name, column in sheet.columns.items():
            if not options.is_input(name):
                continue
            missing = options.strategy(name)
            if column.missing[train].all():
                raise DataError(
                    f"{path}: column {name!r} holds no value in the training part, of which it could learn what stands "
                    f"for a missing one: name it in `ignore`"
                )
            if isinstance(column, Texts):
                features.append(CategoryFeature.learn(column, train, missing, unseen, name in options.embed))
            elif isinstance(column, Numbers):
                features.append(NumberFeature.learn(column, train, missing))
            elif isinstance(column, Dates):
                features.append(DateFeature.learn(column, train, missing))
        if not features:
            named = ", ".join(map(repr, options.targets))
            raise DataError(f"{path}: no column is left for the inputs beside the target {named}")
        self._features = tuple(sorted(features, key=lambda f: isinstance(f, CategoryFeature) and f.embed))

    def _encode(self, sheet: Sheet, parts: Sequence[np.ndarray], findings: Findings) -> list[np.ndarray]:
        """Return the inputs of each part, float32 (n, num_features). The sheet's columns are freed."""
        encoded = [np.zeros((len(part), self.num_features), np.float32) for part in parts]
        start = 0
        for feature in self._features:
            column = sheet.columns.pop(feature.name)
            end = start + len(feature.input_names)
            for rows, inputs in zip(parts, encoded, strict=True):
                for i in range(0, len(rows), _ROWS):  # in blocks, so that intermediate arrays stay small
                    feature.encode(column, rows[i : i + _ROWS], inputs[i : i + _ROWS, start:end])
                if not np.isfinite(inputs[:, start]).all():
                    row = rows[int(np.isfinite(inputs[:, start]).argmin())]
                    findings.refuse(
                        f"{column.values[row]:g} is too far from what the model learns from: "
                        f"standardized, it leaves the range of float32",
                        feature.name,
                        int(sheet.lines[row]),
                    )
            start = end
        return encoded

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return (len(self.feature_names),)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the inputs: a column's, or `name=value`."""
        return tuple(name for feature in self._features for name in feature.input_names)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The learned features, in the order of the inputs."""
        return self._features

    @property
    def class_names(self) -> tuple[str, ...]:
        """The sorted classes; none for a numeric target."""
        return self._class_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns to predict."""
        return self._target_names

    @property
    def num_targets(self) -> int:
        """The number of columns to predict."""
        return len(self._target_names)

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """The number of embedding vectors of each `embed` column.

        Their indices are the last inputs; 0 is a new category.
        """
        return tuple(
            len(feature.values) + 1
            for feature in self._features
            if isinstance(feature, CategoryFeature) and feature.embed
        )

    @property
    def num_numbers(self) -> int:
        """The number of inputs before those to be embedded."""
        return self.num_features - len(self.category_sizes)

    @property
    def input_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Each input's mean and standard deviation, (num_features,).

        They are in the units of the file; 0 and 1 for inputs that are not standardized, such as those of categories.
        """
        means, stds = np.zeros(self.num_features), np.ones(self.num_features)
        i = 0
        for feature in self._features:
            if isinstance(feature, NumberFeature):
                means[i], stds[i] = feature.mean, feature.std
            i += len(feature.input_names)
        return means, stds

    def in_units(self, amounts: np.ndarray) -> np.ndarray:
        """Return targets or outputs in the file's units.

        They are (N, k), and were standardized by `targets: scaled`.
        """
        return unscaled(amounts, self._scales) if self._scales else amounts

    def original(self, inputs: np.ndarray) -> dict[str, list[str]]:
        """Return the cells of inputs, by column, where recoverable."""
        cells, start = {}, 0
        for feature in self._features:
            end = start + len(feature.input_names)
            cells[feature.name] = feature.decode(inputs[:, start:end])
            start = end
        return cells

    def read_inputs(self, path: str | Path | Frame) -> np.ndarray:
        """Read rows from a CSV file or frame as inputs.

        The rows are encoded as the training part was. The target may be missing, and further columns are ignored.

        Raises:
            DataError: as the constructor, and for a new category.
        """
        features, notation = {feature.name: feature for feature in self._features}, self._notation
        make = lambda name: features[name].column(notation) if name in features else None
        if isinstance(path, str | Path) and Path(path).suffix.lower() not in SUFFIXES:
            raise DataError(
                f"{path}: the inputs of a Table are read from a .csv file (or {', '.join(SUFFIXES[1:])}) "
                f"that names the same columns"
            )
        findings = Findings(str(path) if isinstance(path, str | Path) else FRAME)
        sheet = sheet_of(path, self._delimiter, make, findings)
        for name, feature in features.items():
            if name not in sheet.names:
                findings.refuse(f"no column {name!r}; {nearest(name, sheet.names)}")
            else:
                _check_known(feature, sheet.columns[name], findings)
        findings.check()
        [inputs] = self._encode(sheet, [np.arange(len(sheet))], findings)
        findings.check()
        return inputs

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that `read_inputs` takes."""
        return SUFFIXES

    def state_dict(self) -> dict[str, Any]:
        """Return the learned features, names and notation.

        The features hold what was learned from the training part; the notation says how to read the file.
        """
        return {
            "features": [feature.state() for feature in self._features],
            "class_names": self._class_names,
            "target_names": self._target_names,
            "target_scales": [(scale.mean, scale.std) for scale in self._scales],
            "delimiter": self._delimiter,
            "decimal": self._notation.decimal,
            "thousands": self._notation.thousands,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`, to encode rows in the same way."""
        try:
            self._features = tuple(map(restored, state_dict["features"]))
            self._class_names = tuple(state_dict["class_names"])
            self._num_classes = len(self._class_names) or None
            self._target_names = tuple(state_dict["target_names"])
            self._scales = tuple(Scale(*scale) for scale in state_dict["target_scales"])
            self._delimiter = state_dict["delimiter"]
            self._notation = Notation(state_dict["decimal"], state_dict["thousands"])
        except KeyError as error:
            raise DataError(f"the state of this Table is from another version: it has no {error}") from error


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _check_known(feature: Feature, column: Column, findings: Findings) -> None:
    """Report the cells of a new file that a feature cannot encode."""
    if column.problem is not None:
        findings.refuse(column.problem.text, feature.name, column.problem.line)
    elif column.gap is not None and getattr(feature, "fill", None) is None:
        findings.refuse(f"the value is missing ({column.gap.text!r})", feature.name, column.gap.line)
    elif isinstance(feature, CategoryFeature) and isinstance(column, Texts) and not feature.unseen:
        for text in feature.strangers(column)[:3]:
            likely = nearest(text, list(feature.values))
            findings.refuse(f"{text!r} is new to the model; {likely}", feature.name, column.found[text].line)
