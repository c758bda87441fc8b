"""Networks as estimators of scikit-learn."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from minigrad import nn
from minigrad.config import ConfigError
from minigrad.sklearn import Classifier, Regressor

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)

LAYERS = "Sequential: [{Linear: ['${data.num_features}', 8]}, Tanh, {Linear: [8, '${data.num_classes}']}]"
CONFIG = f"""
name: flowers
data: {{Table: {{path: not there.csv, target: kind}}}}
loader: {{batch_size: 16}}
model: {{{LAYERS}}}
loss: CrossEntropyLoss
optimizer: {{SGD: {{lr: 0.1, momentum: 0.9}}}}
trainer: {{max_epochs: 20}}
"""


def layers():
    return [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 3)]


MODELS = {
    "nothing": lambda: None,
    "a module": lambda: nn.Sequential(*layers()),
    "layers": layers,
    "a model in YAML": lambda: LAYERS,
    "a config in YAML": lambda: CONFIG,
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([Classifier(max_epochs=60), Regressor(max_epochs=60)])
def test_scikit_learn_finds_its_contract_kept(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_any_form_of_a_model_learns_is_cloned_and_pickled(model):
    fitted = Classifier(model(), max_epochs=30, lr=0.02, random_state=0).fit(X, Y)
    assert fitted.score(X, Y) > 0.95
    answers = fitted.predict_proba(X)
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(X), answers)
    assert not again.model_.training
    anew = clone(again)
    with pytest.raises(NotFittedError):
        anew.predict(X)
    assert np.array_equal(anew.fit(X, Y).predict_proba(X), answers)


def test_classes_are_called_as_they_were_given():
    names = np.array(["setosa", "versicolor", "virginica"])
    fitted = Classifier(max_epochs=20, lr=0.02, random_state=0).fit(X, names[Y])
    assert fitted.classes_.tolist() == names.tolist()
    assert set(fitted.predict(X)) == set(names)


def test_it_is_part_of_pipelines_searches_and_cross_validation():
    pipeline = make_pipeline(StandardScaler(), Classifier(max_epochs=15, random_state=0))
    search = GridSearchCV(pipeline, {"classifier__lr": [1e-5, 2e-2], "classifier__model": [None, LAYERS]}, cv=2)
    assert search.fit(X, Y).best_params_["classifier__lr"] == 2e-2
    assert cross_val_score(search.best_estimator_, X, Y, cv=3).mean() > 0.85


def test_amounts_of_one_or_several_columns_keep_their_shape():
    rows, amounts = load_diabetes(return_X_y=True)
    model = make_pipeline(StandardScaler(), Regressor(max_epochs=20, random_state=0))
    whole = TransformedTargetRegressor(model, transformer=StandardScaler()).fit(rows, amounts)
    assert whole.predict(rows).shape == amounts.shape
    assert whole.score(rows, amounts) > 0.4
    both = np.stack([amounts, -amounts], axis=1) / 100
    assert Regressor([nn.Linear(10, 2)], max_epochs=1).fit(rows, both).predict(rows).shape == both.shape


def test_a_module_is_copied_and_begins_with_its_weights():
    module = nn.Sequential(nn.Linear(4, 3))
    before = module[0].weight.data.copy()
    fitted = Classifier(module, max_epochs=1, lr=1e-12).fit(X, Y)
    np.testing.assert_allclose(fitted.model_[0].weight.data, before, atol=1e-6)
    Classifier(module, max_epochs=2).fit(X, Y)
    assert np.array_equal(module[0].weight.data, before)


def test_the_best_weights_for_what_is_held_out_are_kept():
    fitted = Classifier(max_epochs=200, lr=0.05, validation_fraction=0.2, patience=3, random_state=0).fit(X, Y)
    losses = [record["val/loss"] for record in fitted.history_ if "val/loss" in record]
    assert len(losses) < 200
    assert np.argmin(losses) == len(losses) - 4


def test_a_config_from_a_file_is_trained_on_what_fit_is_given(tmp_path):
    path = tmp_path / "flowers.yaml"
    path.write_text(CONFIG)
    assert Classifier(path, random_state=0).fit(X, Y).score(X, Y) > 0.9
    assert Classifier(str(path), max_epochs=1, random_state=0).fit(X, Y).history_[-1]["epoch"] == 1


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        ([nn.Linear(4, 2)], ValueError, "2"),
        ("Lineer: [4, 3]", ConfigError, "did you mean 'Linear'?"),
        ([nn.Linear, 3], TypeError, "a model is a Module, a list of layers, or a config as text or file, got list of"),
        (3, TypeError, "got int"),
    ],
)
def test_a_model_that_does_not_fit_is_named(model, error, said):
    with pytest.raises(error, match=said):
        Classifier(model, max_epochs=1).fit(X, Y).predict(X)


def test_its_absence_is_one_sentence(tmp_path):
    (tmp_path / "sklearn.py").write_text("raise ModuleNotFoundError('no', name='sklearn')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import minigrad.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("minigrad.sklearn needs scikit-learn: pip install scikit-learn")


def test_examples_count_by_their_weight():
    weights = np.where(Y == 2, 0, 1)
    fitted = Classifier(max_epochs=20, lr=0.02, random_state=0).fit(X, Y, sample_weight=weights)
    assert 2 not in fitted.predict(X)
    with pytest.raises(ValueError, match="Negative values"):
        Classifier().fit(X, Y, sample_weight=-np.ones(len(Y)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_the_inputs(dtype):
    fitted = Classifier(max_epochs=1).fit(X.astype(dtype), Y)
    assert {parameter.dtype for parameter in fitted.model_.parameters()} == {np.dtype(dtype)}
    assert next(pickle.loads(pickle.dumps(fitted)).model_.parameters()).dtype == dtype
