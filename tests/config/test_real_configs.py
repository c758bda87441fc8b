"""The language with the classes that it is made for: the configs that ship, and the page that explains it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from minigrad.config import ConfigError, Plan, Registry, json_schema, load_plan
from minigrad.config.diagnostics import Diagnostics
from minigrad.config.nodes import data
from minigrad.config.reader import read, read_file
from minigrad.training.experiment import Experiment, known_classes

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
SCHEMA = ROOT / "configs" / "minigrad.schema.json"
PAGE = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def classes() -> Registry:
    return known_classes(ROOT)


def plan(path: Path, classes: Registry, *overrides: str) -> Plan:
    return load_plan(path, Experiment, classes, overrides)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_resolves_to_a_config_that_means_the_same(path: Path, classes: Registry, here: Path) -> None:
    resolved = plan(path, classes).to_yaml()
    Path("resolved.yaml").write_text(resolved)
    assert plan(Path("resolved.yaml"), classes).to_yaml() == resolved


def test_the_schema_that_ships_is_that_of_the_classes_that_ship(classes: Registry) -> None:
    shipped = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert shipped == json_schema(Experiment, classes), (
        "what a config can say has changed; renew the schema with: minigrad schema > configs/minigrad.schema.json"
    )


def test_shipped_configs_lead_editors_to_the_schema_and_are_valid_by_it() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the schema is tested against the reference validator")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for path in CONFIGS:
        source = read_file(path, Diagnostics())
        assert source.lines[0] == f"# yaml-language-server: $schema={SCHEMA.name}"
        jsonschema.Draft7Validator(schema).validate(data(read(source, source.text, Diagnostics())))


def test_the_examples_of_the_page_are_configs(classes: Registry, here: Path) -> None:
    digits, dropout, references, wrong = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    Path("digits.yaml").write_text(digits)
    assert plan(Path("digits.yaml"), classes)["model.0.out_features"] == 128
    Path("mine.yaml").write_text(dropout)
    merged = plan(Path("mine.yaml"), classes)
    assert (merged["optimizer.lr"], merged["optimizer.weight_decay"], merged["model.2.p"]) == (0.001, 0.01, 0.2)
    Path("mine.yaml").write_text(references)
    built = plan(Path("mine.yaml"), classes).build()
    assert [p.data.shape for p in built.model.parameters()] == [(32, 64), (32,), (10, 32), (10,)]
    Path("mine.yaml").write_text(wrong)
    with pytest.raises(ConfigError) as caught:
        plan(Path("mine.yaml"), classes)
    [shown] = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert re.sub(r"known are: .*", "known are: ...", str(caught.value)) == shown


def test_the_command_of_the_page_means_what_it_says(classes: Registry, here: Path) -> None:
    Path("digits.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    [command] = re.findall(r"minigrad train digits\.yaml (optimizer.*)\n", PAGE)
    overrides = [quoted or bare for quoted, bare in re.findall(r"'(.*?)'|(\S+)", command)]
    planned = plan(Path("digits.yaml"), classes, *overrides)
    assert planned["trainer.max_epochs"] == 5
    assert planned["model.0.bias"] is False
    assert planned["data.flatten"] is True


def test_the_class_of_the_page_is_known_by_its_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    Path("models").mkdir()
    Path("models/scaled.py").write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0])
    Path("digits.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    layers = "model={Sequential: [ScaledResidual: {Linear: [64, 64]}, ScaledResidual: [{Linear: [64, 64]}, 0.5]]}"
    model = plan(Path("digits.yaml"), known_classes(here), layers).build().model
    assert [layer.scale for layer in model] == [1.0, 0.5]
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_mapping_of_names_may_have_one_that_begins_as_a_class_does(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "name: x\ndata: {Table: {path: x.csv, target: y, missing: {Age: median}, dates: {Table: '%d.%m.%Y'}}}\n"
        "model: {Linear: [1, 1]}\nloss: MSELoss\noptimizer: SGD\n"
    )
    plan = load_plan(path, Experiment, known_classes())
    assert (plan["data.missing"], plan["data.dates"]) == ({"Age": "median"}, {"Table": "%d.%m.%Y"})
