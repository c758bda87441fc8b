"""A classifier and a regressor with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from minigrad.nn import Module
from minigrad.sklearn.network import Model, Network, pack, train, unpack
from minigrad.sklearn.rows import Rows

_DTYPES = (np.float64, np.float32)
"""Input dtypes that are not converted; others become float64."""

_SETTINGS = {
    "optimizer": "optimizer",
    "lr": "optimizer.lr",
    "max_epochs": "trainer.max_epochs",
    "batch_size": "loader.batch_size",
}
"""The config keys that parameters override."""


class _Estimator(BaseEstimator):
    """Base class of the estimators."""

    _network: Network

    def __init__(
        self,
        model: Model = None,
        *,
        optimizer: str | None = None,
        lr: float | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    @property
    def model_(self) -> Module:
        """The trained module, in eval mode."""
        check_is_fitted(self)
        return self._network.module

    @property
    def history_(self) -> list[Mapping[str, float]]:
        """The training records: step, epoch, learning rate, loss."""
        check_is_fitted(self)
        return self._network.history

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def _train(
        self, inputs: np.ndarray, targets: np.ndarray, num_classes: int | None, loss: str, sample_weight: Any
    ) -> None:
        """Train on examples (N, ...), their targets and weights."""
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, inputs, dtype=_DTYPES, ensure_non_negative=True)
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must be at least 0 and below 1, got {self.validation_fraction}")
        random = check_random_state(self.random_state)
        settings = [
            f"{key}={getattr(self, name)}" for name, key in _SETTINGS.items() if getattr(self, name) is not None
        ]
        settings.append(f"seed={random.randint(2**31)}")
        held = None
        if self.validation_fraction:
            count = min(len(inputs) - 1, max(1, round(self.validation_fraction * len(inputs))))
            held = np.sort(random.permutation(len(inputs))[:count]) if count else None
            if self.patience is not None:
                settings.append(f"trainer.early_stopping={{monitor: val/loss, patience: {self.patience}}}")
        data = Rows.of(inputs, targets, num_classes, weights, held)
        self._network = train(self.model, data, loss, settings, keeps_best=held is not None)

    def _outputs(self, X: Any, expected: int) -> np.ndarray:  # noqa: N803 - as in scikit-learn
        """Return the outputs (N, expected)."""
        outputs = self._network.outputs(validate_data(self, X, dtype=_DTYPES, allow_nd=True, reset=False))
        if outputs.shape[1:] != (expected,):
            raise ValueError(f"the model has outputs of shape {outputs.shape[1:]}, expected ({expected},)")
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if not (state["model"] is None or isinstance(state["model"], str)):
            state["model"] = pack(state["model"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["model"], bytes):
            state = state | {"model": unpack(state["model"])}
        super().__setstate__(state)


class Classifier(ClassifierMixin, _Estimator):
    """A neural network classifier as a scikit-learn estimator.

    Inputs are not scaled: put a `StandardScaler` before it in a `Pipeline`. Training on float32 inputs is in float32,
    which takes about half the time; all other inputs are converted to float64.

    Args:
        model: a module, which is copied with its weights; a list of layers; or YAML, as text or file, of a model or a
            whole config, whose data is replaced by that of `fit`. YAML may refer to `${data.num_features}` and
            `${data.num_classes}`. Default: one hidden layer of 64.
        optimizer: YAML that overrides the config's optimizer, such as "SGD: {lr: 0.1}"; default: AdamW.
        lr: the learning rate; default: the config's, or 3e-3.
        max_epochs: the number of epochs; default: the config's, or 100.
        batch_size: examples per batch; default: the config's, or 32.
        validation_fraction: the fraction of examples held out for validation. With 0 the last weights are used,
            otherwise the best weights.
        patience: epochs without a lower validation loss before early stopping.
        random_state: the seed of the initial weights, shuffling and dropout.

    Attributes:
        classes_: the classes.
        model_: the trained module.
        history_: the records of the training.
        n_features_in_: the number of inputs.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:  # noqa: N803
        """Train from scratch and return the estimator.

        Args:
            X: inputs (N, n_features), or (N, ...) for a model that takes them.
            y: classes (N,), of any type.
            sample_weight: the weight of each example in the loss (N,), at least 0; default: equal.

        Raises:
            ValueError: for input that scikit-learn refuses.
            ConfigError: for a config that cannot be built.
        """
        inputs, y = validate_data(self, X, y, dtype=_DTYPES, allow_nd=True)
        check_classification_targets(y)
        self.classes_, classes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a Classifier needs two or more classes, found one class: {self.classes_[0]!r}")
        self._train(inputs, classes.astype(np.int64), len(self.classes_), "CrossEntropyLoss", sample_weight)
        return self

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the scores (N, n_classes).

        For two classes, the result is the second score minus the first, (N,).
        """
        check_is_fitted(self)
        scores = self._outputs(X, len(self.classes_))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the probabilities (N, n_classes)."""
        check_is_fitted(self)
        scores = self._outputs(X, len(self.classes_))
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the most probable class of each input (N,)."""
        check_is_fitted(self)
        return self.classes_[self._outputs(X, len(self.classes_)).argmax(axis=1)]


class Regressor(RegressorMixin, _Estimator):
    """A neural network regressor as a scikit-learn estimator.

    Inputs and targets are not scaled: put a `StandardScaler` before it in a `Pipeline`, and for large targets wrap it
    in a `TransformedTargetRegressor`.

    Args:
        model: as for `Classifier`; it may refer to `${data.num_features}` and `${data.num_targets}`.
        optimizer: as for `Classifier`, like all other arguments.
        lr: the learning rate.
        max_epochs: the number of epochs.
        batch_size: examples per batch.
        validation_fraction: the fraction of examples held out for validation.
        patience: epochs without a lower validation loss before early stopping.
        random_state: the seed of the initial weights, shuffling and dropout.

    Attributes:
        model_: the trained module.
        history_: the records of the training.
        n_features_in_: the number of inputs.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:  # noqa: N803
        """Train from scratch and return the estimator.

        Args:
            X: inputs (N, n_features), or (N, ...) for a model that takes them.
            y: targets (N,) or (N, k).
            sample_weight: the weight of each example in the loss (N,), at least 0; default: equal.

        Raises:
            ValueError: for input that scikit-learn refuses.
            ConfigError: for a config that cannot be built.
        """
        inputs, y = validate_data(self, X, y, dtype=_DTYPES, allow_nd=True, multi_output=True, y_numeric=True)
        self._is_flat = y.ndim == 1
        targets = y.astype(inputs.dtype).reshape(len(y), -1)
        self._num_targets = targets.shape[1]
        self._train(inputs, targets, None, "MSELoss", sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the predictions, (N,) or (N, k) like the targets."""
        check_is_fitted(self)
        outputs = self._outputs(X, self._num_targets)
        return outputs[:, 0] if self._is_flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
