"""Models as scikit-learn estimators."""

try:
    import sklearn  # noqa: F401 - the library of the same name
except ModuleNotFoundError as error:
    message = "minigrad.sklearn needs scikit-learn: pip install scikit-learn"
    raise ModuleNotFoundError(message, name="sklearn") from error

from minigrad.sklearn.estimators import Classifier, Regressor

__all__ = ["Classifier", "Regressor"]
