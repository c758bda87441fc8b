"""Configs in the habits of other tools, and errors that come up late: what to write instead, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.config.signature import signature_of
from minigrad.data import Dataset
from minigrad.nn import Loss
from minigrad.suggest import READERS, nearest
from minigrad.training import Trainer
from minigrad.training.experiment import Experiment, known_classes

Error = Callable[[str, str], str]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("model: [Linear: [64, 10], ReLU]", "layers one after the other are a Sequential: write {Sequential: [...]}"),
        ("model: {class_path: nn.MLP, init_args: {sizes: [2, 2]}}", "MLP: {sizes: ...}"),
        ("model: {class_path: GPT, init_args: {vocab_size: 2, n_embd: 2}}", "GPT: {vocab_size: ..., n_embd: ...}"),
        ("model: {type: Linear, args: [2, 2]}", "Linear: {args: ...}"),
    ],
)  # fmt: skip
def test_a_model_is_a_class_with_its_arguments(error: Error, config: str, written: str, said: str) -> None:
    right = config[config.index("model:") : config.index("\nloss:")]
    assert said in error(right, written)


def test_a_number_goes_to_the_argument_that_it_can_be(errors: Callable[..., str], config: str) -> None:
    said = errors(config, "trainer.early_stopping=3")
    assert "error: 'early_stopping' of Trainer must be an EarlyStopping, not the number 3\n" in said
    assert "write {patience: 3}" in said


def test_a_text_goes_to_the_first_argument(plan: Callable[..., Plan], config: str) -> None:
    assert plan(config, "trainer.early_stopping=val/accuracy")["trainer.early_stopping.monitor"] == "val/accuracy"


@pytest.fixture(scope="module")
def everything() -> Registry:
    """The classes that ship with minigrad."""
    return known_classes()


@pytest.mark.parametrize("suffix", READERS)
def test_a_file_is_answered_with_the_class_that_reads_it(here: Any, everything: Registry, suffix: str) -> None:
    (here / "mine.yaml").write_text(f"name: x\ndata: some/mine{suffix}\nmodel: MLP\nloss: L1Loss\noptimizer: SGD\n")
    with pytest.raises(ConfigError) as refused:
        load_plan("mine.yaml", Experiment, everything)
    said = str(refused.value)
    assert f"mine.yaml:2:7: error: 'data' must be a Dataset, and 'some/mine{suffix}' is a file" in said
    assert f"write the class that reads it: {READERS[suffix]}: {{path: some/mine{suffix}, ...}}" in said
    assert READERS[suffix] in everything.names(Dataset)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("cross_entropy", "CrossEntropyLoss"),
        ("binary_cross_entropy", "BCELoss"),
        ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss"),
        ("mse_loss", "MSELoss"),
        ("l1_loss", "L1Loss"),
        ("smooth_l1_loss", "SmoothL1Loss"),
        ("huber_loss", "HuberLoss"),
        ("nll_loss", "NLLLoss"),
        ("gaussian_nll_loss", "GaussianNLLLoss"),
        ("poisson_nll_loss", "PoissonNLLLoss"),
        ("kl_div", "KLDivLoss"),
        ("triplet_margin_loss", "TripletMarginLoss"),
        ("soft_margin_loss", "SoftMarginLoss"),
        ("margin_ranking_loss", "MarginRankingLoss"),
        ("hinge_embedding_loss", "HingeEmbeddingLoss"),
        ("cosine_embedding_loss", "CosineEmbeddingLoss"),
    ],
)
def test_a_loss_by_the_name_of_pytorchs_function_is_recognised(everything: Registry, function: str, name: str) -> None:
    functional = pytest.importorskip("torch").nn.functional
    assert callable(getattr(functional, function))
    assert nearest(function, everything.names(Loss)) == name


def test_a_default_that_fails_is_reported_at_the_config(
    plan: Callable[..., Plan], config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("no")

    checked = plan(config)
    monkeypatch.setattr(checked["loader"], "__init__", refuse)
    with pytest.raises(ConfigError, match=r"^mine\.yaml:1:1: error: DataLoader: no\n"):
        checked.build().loader([])


def test_a_reference_to_what_cannot_be_told_is_reported_where_it_stands(
    plan: Callable[..., Plan], config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> int:
        raise ValueError("not known")

    checked = plan(config.replace("[64, 10]", "['${data.num_features}', 10]"))
    monkeypatch.setattr(checked["data"], "num_features", property(refuse))
    with pytest.raises(ConfigError) as refused:
        checked.build()
    assert str(refused.value).startswith("mine.yaml:5:16: error: 'in_features' of Linear: not known\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("EarlyStopping", "write trainer: {early_stopping: {monitor: val/loss, patience: 3}}, which is not a Callback"),
        ("ModelCheckpoint", "write trainer: {checkpoint: {monitor: val/loss}}, which is not a Callback"),
    ],
)
def test_a_callback_of_other_tools_is_answered_with_the_key_that_does_it(
    here: Any, everything: Registry, name: str, said: str
) -> None:
    text = "name: x\ndata: Moons\nmodel: {Linear: [2, 2]}\nloss: CrossEntropyLoss\noptimizer: SGD\n"
    (here / "mine.yaml").write_text(f"{text}callbacks: [{{{name}: {{patience: 3}}}}]\n")
    with pytest.raises(ConfigError) as refused:
        load_plan("mine.yaml", Experiment, everything)
    assert f"mine.yaml:6:14: error: there is no Callback '{name}'" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("accumulate_grad_batches", "accumulate"),
        ("gradient_accumulation_steps", "accumulate"),
        ("evaluation_strategy", "val_every"),
        ("logging_steps", "log_every"),
        ("accelerator", "device"),
        ("max_iter", "max_epochs"),
    ],
)
def test_words_of_other_trainers_are_understood(word: str, meant: str) -> None:
    assert nearest(word, signature_of(Trainer).parameters) == meant


def test_true_in_place_of_settings_is_answered_with_the_settings(errors: Callable[..., str], config: str) -> None:
    said = errors(config, "trainer.early_stopping=true")
    assert "'early_stopping' of Trainer must be an EarlyStopping, not true" in said
    assert "EarlyStopping(monitor: str" in said
