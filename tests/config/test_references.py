from __future__ import annotations

from collections.abc import Callable

import pytest

from minigrad.config import Plan

Text = Callable[..., str]
Planner = Callable[..., Plan]

REFERRING = """\
name: referring
seed: 7
data: Text
model:
  GPT: {vocab_size: "${data.vocab_size}", n_embd: 16, head: {Linear: ["${model.n_embd}", "${seed}"]}}
loss: CrossEntropyLoss
optimizer: AdamW
"""


def test_a_reference_to_a_property_is_filled_in_when_the_data_is_built(plan: Planner, built: list[str]) -> None:
    planned = plan(REFERRING)
    assert built == []
    assert planned.build().model.vocab_size == 65
    assert built[0] == "Text"


def test_a_reference_to_an_argument_is_its_value(plan: Planner) -> None:
    assert plan(REFERRING).build().model.head.arguments == (16, 7, True)


def test_a_reference_follows_overrides(plan: Planner) -> None:
    assert plan(REFERRING, "model.n_embd=99").build().model.head.arguments == (99, 7, True)


def test_an_argument_that_is_set_answers_before_the_property_of_the_same_name(plan: Planner) -> None:
    assert plan(REFERRING, "data.vocab_size=256")["model.vocab_size"] == 256


def test_a_reference_may_lead_to_a_reference(plan: Planner, config: str) -> None:
    text = config.replace("[64, 10]", '["${data.num_features}", 10]').replace(
        "ReLU", 'Linear: ["${model.0.in_features}", 1]'
    )
    assert plan(text).build().model.layers[1].arguments == (64, 1, True)


def test_an_integer_referred_to_as_a_number_becomes_one(plan: Planner, config: str) -> None:
    value = plan(config.replace("lr: 3e-3", 'lr: "${seed}"'), "seed=2").build().optimizer([]).lr
    assert (value, type(value)) == (2.0, float)


def test_a_reference_to_an_object_is_that_object(plan: Planner) -> None:
    text = REFERRING.replace(
        'head: {Linear: ["${model.n_embd}", "${seed}"]}', "head: {Sequential: [ReLU, '${model.head.0}']}"
    )
    first, second = plan(text).build().model.head.layers
    assert first is second


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "${data.num_feature}",
            "mine.yaml:5:16: error: there is no 'data.num_feature' to refer to\n"
            "    5 |     - Linear: ['${data.num_feature}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^^^^^^\n"
            "  did you mean 'num_features'?  data has: root, num_features, labels",
        ),
        (
            "${dat.num_features}",
            "mine.yaml:5:16: error: there is no 'dat.num_features' to refer to\n"
            "    5 |     - Linear: ['${dat.num_features}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^^^^^^\n"
            "  did you mean 'data'?  a config has: "
            "name, data, model, loss, optimizer, seed, loader, metrics, trainer, root",
        ),
        (
            "${data.labels}",
            "mine.yaml:5:16: error: 'in_features' of Linear must be an integer, "
            "and data.labels is a list, each item a text\n"
            "    5 |     - Linear: ['${data.labels}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^",
        ),
        (
            "${name}",
            "mine.yaml:5:16: error: 'in_features' of Linear must be an integer, and name is 'digits'\n"
            "    5 |     - Linear: ['${name}', 10]\n"
            "      |                ^^^^^^^^^",
        ),
        (
            "${data}",
            "mine.yaml:5:16: error: 'in_features' of Linear must be an integer, and data is a Digits\n"
            "    5 |     - Linear: ['${data}', 10]\n"
            "      |                ^^^^^^^^^",
        ),
        (
            "${model.0.in_features}",
            "mine.yaml:5:16: error: these references form a cycle\n"
            "    5 |     - Linear: ['${model.0.in_features}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "  model.0.in_features -> model.0.in_features",
        ),
        (
            "${optimizer.step}",
            "mine.yaml:5:16: error: there is no 'optimizer.step' to refer to\n"
            "    5 |     - Linear: ['${optimizer.step}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^^^^\n"
            "  optimizer has: lr, betas, eps, weight_decay\n"
            "  optimizer is created during the run: only its arguments can be referred to",
        ),
        (
            "${model.7.p}",
            "mine.yaml:5:16: error: there is no 'model.7.p' to refer to\n"
            "    5 |     - Linear: ['${model.7.p}', 10]\n"
            "      |                ^^^^^^^^^^^^^^\n"
            "  model has 2 items, numbered from 0",
        ),
        (
            "n${seed}",
            "mine.yaml:5:16: error: 'n${seed}' is not a reference\n"
            "    5 |     - Linear: ['n${seed}', 10]\n"
            "      |                ^^^^^^^^^^\n"
            "  a reference must be the whole value: ${path.to.value}",
        ),
        (
            "${env:HOME}",
            "mine.yaml:5:16: error: a config may not read the environment variable HOME\n"
            "    5 |     - Linear: ['${env:HOME}', 10]\n"
            "      |                ^^^^^^^^^^^^^\n"
            "  it may read only variables named MINIGRAD_...",
        ),
        (
            "${env:MINIGRAD_NOT_SET}",
            "mine.yaml:5:16: error: the environment variable MINIGRAD_NOT_SET is not set\n"
            "    5 |     - Linear: ['${env:MINIGRAD_NOT_SET}', 10]\n"
            "      |                ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "  set it, as in: MINIGRAD_NOT_SET=... minigrad train ...",
        ),
    ],
)
def test_a_wrong_reference_is_shown_with_what_there_is(error: Text, wrong: str, said: str) -> None:
    assert error("[64, 10]", f"['{wrong}', 10]") == said


def test_a_circle_over_two_values_is_shown(errors: Text, config: str) -> None:
    text = config.replace("[64, 10]", "['${model.1.p}', 10]").replace("ReLU", "Dropout: '${model.0.in_features}'")
    assert "these references form a cycle" in errors(text)
    assert "model.1.p -> model.0.in_features -> model.1.p" in errors(text)


def test_a_circle_over_a_property_is_shown(errors: Text) -> None:
    text = REFERRING.replace("data: Text", "data: {Text: {vocab_size: '${model.vocab_size}'}}")
    assert "data.vocab_size -> model.vocab_size" in errors(text) or "model.vocab_size -> data.vocab_size" in errors(
        text
    )


def test_a_part_cannot_refer_to_the_whole(errors: Text) -> None:
    said = errors(REFERRING.replace('head: {Linear: ["${model.n_embd}", "${seed}"]}', "head: '${model}'"))
    assert "mine.yaml:5:61: error: these references form a cycle" in said


def test_references_follow_each_other_at_most_sixteen_times(plan: Planner, errors: Text, config: str) -> None:
    def chain(length: int) -> str:
        links = "".join(f"    - Dropout: '${{model.{i + 1}.p}}'\n" for i in range(length))
        return config.replace("    - Linear: [64, 10]\n    - ReLU\n", links + "    - Dropout: 0.25\n")

    assert plan(chain(16)).build().model.layers[0].p == 0.25
    assert "more than 16 references follow each other" in errors(chain(200))
    assert "more than 16 references follow each other" in errors(chain(1500))


def test_the_environment_is_read_where_it_is_open(plan: Planner, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_LR", "1e-2")
    monkeypatch.setenv("MINIGRAD_NAME", "123")
    text = config.replace("3e-3", '"${env:MINIGRAD_LR}"').replace("name: digits", "name: ${env:MINIGRAD_NAME}")
    planned = plan(text)
    assert (planned["optimizer.lr"], planned["name"]) == (0.01, "123")


def test_a_wrong_value_from_the_environment_names_the_variable(error: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_LR", "fast")
    assert error("3e-3", '"${env:MINIGRAD_LR}"').startswith(
        "mine.yaml:9:15: error: 'lr' of AdamW must be a number, and MINIGRAD_LR is 'fast'\n"
    )


def test_a_misspelt_class_is_one_mistake_though_others_refer_to_it(errors: Text) -> None:
    said = errors(REFERRING.replace("data: Text", "data: Txt"))
    assert said.endswith("1 error; nothing was run")
    assert "there is no Dataset 'Txt'" in said
