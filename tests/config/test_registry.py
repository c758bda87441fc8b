from __future__ import annotations

import sys
import types
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from minigrad.config import ConfigError, Registry
from minigrad.config.registry import UnknownNameError


class Module:
    pass


class Loss(Module):
    pass


class Linear(Module):
    pass


class MSELoss(Loss):
    pass


class Scored(Module, ABC):
    @abstractmethod
    def score(self) -> float: ...


class Trainer:
    pass


class Callback:
    pass


@pytest.fixture
def registry() -> Registry:
    zoo = types.ModuleType("zoo")
    vars(zoo).update(Linear=Linear, MSELoss=MSELoss, Module=Module, Alias=Linear, Trainer=Trainer, _Hidden=Linear)
    vars(zoo).update(Scored=Scored)
    return Registry({"Module": Module, "Loss": Loss}, [zoo])


@pytest.fixture
def models(here: Path) -> Iterator[Path]:
    """A folder for files of one's own, whose modules are forgotten afterwards."""
    Path("models").mkdir()
    before = set(sys.modules)
    yield Path("models")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, name: str, base: str = "Module", more: str = "") -> None:
    path.write_text(f"from {__name__} import Loss, Module\n{more}\nclass {name}({base}):\n    pass\n")


def refusal(registry: Registry, name: str, base: type) -> str:
    with pytest.raises(UnknownNameError) as caught:
        registry.find(name, base)
    return f"{caught.value.message}\n{caught.value.hint}".rstrip()


def test_a_subclass_of_a_kind_is_known_by_its_name_alone(registry: Registry) -> None:
    assert registry.find("Linear", Module) is Linear
    assert registry.find("MSELoss", Loss) is MSELoss


def test_kinds_other_names_and_other_classes_are_not_for_configs(registry: Registry) -> None:
    assert registry.names(Module) == ["Linear"]
    assert registry.classes(Loss) == {"MSELoss": MSELoss}


def test_where_one_class_alone_can_stand_it_needs_no_registry(registry: Registry) -> None:
    assert registry.find("Trainer", Trainer) is Trainer


def test_an_unknown_name_brings_the_nearest_and_all_that_are_known(registry: Registry) -> None:
    assert refusal(registry, "Liner", Module) == "there is no Module 'Liner'\ndid you mean 'Linear'?  known are: Linear"


def test_a_class_of_another_kind_is_called_what_it_is(registry: Registry) -> None:
    assert refusal(registry, "Linear", Loss) == "Linear is a Module, but a Loss is expected\nknown are: MSELoss"
    assert refusal(registry, "MSELoss", Module).startswith("MSELoss is a Loss, but a Module is expected")


def test_the_classes_of_a_folder_are_known_without_running_its_files(registry: Registry, models: Path) -> None:
    write(models / "net.py", "Net", more="open('ran', 'w').close()")
    registry.add_folder(models)
    assert "Net" in registry.names(Module)
    assert not Path("ran").exists()
    assert registry.find("Net", Module).__name__ == "Net"
    assert Path("ran").exists()


@pytest.mark.parametrize(
    ("base", "is_module", "is_loss"),
    [
        ("Module", True, False),
        ("nn.Module", True, False),
        ("Loss", False, True),
        ("Linear", True, False),
        ("MSELoss", False, True),
        ("Scored", True, False),
        ("Inner", True, False),
        ("object", True, True),
        ("elsewhere.Unknown", True, True),
        ("", False, False),
        ("Net", False, False),
    ],
)
def test_a_file_is_taken_at_its_word_about_what_its_classes_are(
    registry: Registry, models: Path, base: str, is_module: bool, is_loss: bool
) -> None:
    (models / "net.py").write_text(f"class Inner(Module):\n    pass\nclass Net({base}):\n    pass\n")
    registry.add_folder(models)
    assert ("Net" in registry.names(Module), "Net" in registry.names(Loss)) == (is_module, is_loss)


def test_a_file_runs_once_however_often_it_is_asked(registry: Registry, models: Path) -> None:
    write(models / "net.py", "Net", more="with open('ran', 'a') as file:\n    file.write('x')")
    registry.add_folder(models)
    assert registry.find("Net", Module) is registry.find("Net", Module)
    assert Path("ran").read_text() == "x"


def test_a_file_that_cannot_be_imported_is_reported_when_its_name_is_asked_for(
    registry: Registry, models: Path
) -> None:
    write(models / "broken.py", "Net", more="import no_such_package")
    registry.add_folder(models)
    assert registry.find("Linear", Module) is Linear
    said = refusal(registry, "Net", Module)
    assert said.startswith("'Net' is declared in models/broken.py, which cannot be imported\n")
    assert said.endswith("broken.py:2: ModuleNotFoundError: No module named 'no_such_package'")


def test_a_file_that_ends_the_process_is_only_a_file_that_fails(registry: Registry, models: Path) -> None:
    write(models / "broken.py", "Net", more="raise SystemExit(3)")
    registry.add_folder(models)
    assert "SystemExit: 3" in refusal(registry, "Net", Module)


def test_a_file_that_is_not_python_is_mentioned_where_a_name_is_missing(registry: Registry, models: Path) -> None:
    (models / "broken.py").write_text("class Net(Module:\n")
    registry.add_folder(models)
    said = refusal(registry, "Net", Module)
    assert said.startswith("there is no Module 'Net'")
    assert "broken.py is left out: models/broken.py:1: SyntaxError" in said


def test_two_classes_of_one_name_are_refused_with_both_files(registry: Registry, models: Path) -> None:
    write(models / "a.py", "Net")
    write(models / "b.py", "Net")
    registry.add_folder(models)
    assert refusal(registry, "Net", Module) == (
        "there are 2 classes Net\nin models/a.py and in models/b.py: rename one of them"
    )


def test_a_class_of_ones_own_may_not_take_a_known_name(registry: Registry, models: Path) -> None:
    write(models / "a.py", "Linear")
    registry.add_folder(models)
    assert refusal(registry, "Linear", Module).startswith("there are 2 classes Linear")


def test_one_name_may_stand_for_two_kinds(registry: Registry, models: Path) -> None:
    write(models / "a.py", "Net")
    write(models / "b.py", "Net", base="Loss")
    registry.add_folder(models)
    assert registry.find("Net", Module) is not registry.find("Net", Loss)


def test_a_class_of_no_kind_is_told_what_to_become(registry: Registry, models: Path) -> None:
    write(models / "a.py", "Net", base="object")
    registry.add_folder(models)
    assert refusal(registry, "Net", Module) == (
        "Net is a class, but a Module is expected\ndeclare it in models/a.py as class Net(Module)"
    )


def test_a_name_that_is_no_class_once_imported_is_refused(registry: Registry, models: Path) -> None:
    (models / "a.py").write_text("class Net:\n    pass\nNet = 3\n")
    registry.add_folder(models)
    assert "is not a class after the import" in refusal(registry, "Net", Module)


def test_listing_all_classes_imports_files_and_leaves_out_those_that_fail(registry: Registry, models: Path) -> None:
    write(models / "a.py", "Net")
    write(models / "b.py", "Other", more="1 / 0")
    registry.add_folder(models)
    assert list(registry.classes(Module)) == ["Linear", "Net"]


def test_a_package_is_imported_by_its_name(registry: Registry, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(models / "my_package.py", "Net")
    monkeypatch.syspath_prepend(models)
    registry.add_package("my_package")
    assert registry.find("Net", Module).__module__ == "my_package"


def test_a_package_that_cannot_be_imported_is_an_error_with_the_reason(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        registry.add_package("no_such_package")
    assert str(caught.value) == (
        "--import no_such_package: error: no_such_package cannot be imported\n"
        "  ModuleNotFoundError: No module named 'no_such_package'\n"
        "1 error; nothing was run"
    )


def test_the_same_class_seen_twice_is_one(registry: Registry) -> None:
    again = types.ModuleType("again")
    vars(again).update(Linear=Linear)
    registry.add_module(again)
    assert registry.find("Linear", Module) is Linear
