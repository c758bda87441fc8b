from __future__ import annotations

import string

import pytest

from minigrad.suggest import did_you_mean, nearest

NAMES = [
    *("in_features", "out_features", "bias", "lr", "betas", "eps", "weight_decay", "momentum", "dampening", "nesterov"),
    *("step_size", "gamma", "total_steps", "warmup_steps", "min_lr", "batch_size", "shuffle", "drop_last"),
    *("max_epochs", "grad_clip", "early_stopping", "checkpoint", "monitor", "patience"),
]
CLASSES = [
    *("Linear", "ReLU", "LeakyReLU", "Sigmoid", "Tanh", "GELU", "Softmax", "Dropout", "Flatten", "Sequential"),
    *("ModuleList", "ModuleDict", "MLP"),
]


def typos(word: str) -> set[str]:
    """Every word that is one edit away: a letter left out, added, changed, or swapped with the next."""
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    letters = string.ascii_letters + "_"
    return {
        *(a + b[1:] for a, b in splits if b),
        *(a + c + b for a, b in splits for c in letters),
        *(a + c + b[1:] for a, b in splits if b for c in letters),
        *(a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1),
    } - {word, ""}


@pytest.mark.parametrize("names", [NAMES, CLASSES])
def test_a_word_with_one_typo_is_recognised_in_95_of_100_cases(names: list[str]) -> None:
    cases = [(typo, name) for name in names for typo in sorted(typos(name))[::29] if typo not in names]
    right = sum(nearest(typo, names) == name for typo, name in cases)
    assert right >= 0.95 * len(cases)


@pytest.mark.parametrize(
    ("foreign", "here"),
    [("learning_rate", "lr"), ("epochs", "max_epochs"), ("wd", "weight_decay"), ("output_dim", "out_features")],
)
def test_words_of_other_frameworks_suggest_the_word_of_this_one(foreign: str, here: str) -> None:
    assert nearest(foreign, NAMES) == here


def test_a_foreign_word_is_no_suggestion_where_its_translation_is_unknown() -> None:
    assert nearest("learning_rate", ["shuffle", "drop_last"]) is None


def test_a_word_like_none_suggests_none() -> None:
    assert nearest("zzzzzz", NAMES) is None


def test_case_hardly_counts() -> None:
    assert nearest("relu", CLASSES) == "ReLU"
    assert nearest("sequential", CLASSES) == "Sequential"
    assert nearest("sdg", ["Adam", "SGD"]) == "SGD"


def test_a_hint_names_the_likely_word_and_all_that_there_are() -> None:
    assert did_you_mean("lrr", ["lr", "eps"], "AdamW takes") == "did you mean 'lr'?  AdamW takes: lr, eps"


def test_a_hint_shows_only_the_first_of_very_many() -> None:
    assert did_you_mean("zzz", [f"n{i}" for i in range(50)]).endswith("n23, ... (50 in all)")


def test_a_very_long_word_is_no_trouble() -> None:
    assert nearest("x" * 100_000, NAMES) is None
