"""Which classes a config may name: those of modules that are told, and those of a folder of a person's own files."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from minigrad.config.annotations import a
from minigrad.config.problems import ConfigError, Place, Problem, Source
from minigrad.config.suggest import did_you_mean


class UnknownNameError(LookupError):
    """A name that stands for no class of the kind that is asked for: what is wrong, and the remedy."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Registry:
    """Finds classes by name and kind. A class is known because it is a subclass of a kind: nothing registers it.

    Args:
        kinds: the base classes that annotations ask for, by the name that people know them by.
        modules: modules whose public subclasses of a kind may be named.
    """

    def __init__(self, kinds: Mapping[str, type], modules: Iterable[ModuleType] = ()) -> None:
        self.kinds = dict(kinds)
        self._classes: dict[str, list[type]] = {}
        self._files: dict[str, list[Path]] = {}
        self._bases: dict[str, list[str]] = {}
        self._unreadable: list[str] = []
        for module in modules:
            self.add_module(module)

    def add_module(self, module: ModuleType) -> None:
        """Makes the public classes of a module known; those that it imports count too, as in a package's `__init__`."""
        for name, cls in vars(module).items():
            if isinstance(cls, type) and name == cls.__name__ and not name.startswith("_") and self._is_buildable(cls):
                known = self._classes.setdefault(name, [])
                if cls not in known:
                    known.append(cls)

    def add_package(self, name: str) -> None:
        """Imports a module by its dotted name and makes its classes known. Raises: ConfigError if that fails."""
        try:
            self.add_module(importlib.import_module(name))
        except (Exception, SystemExit) as error:
            place = Place(Source(f"--import {name}", ""))
            raise ConfigError([Problem(place, f"{name} cannot be imported", _reason(error))]) from error

    def add_folder(self, folder: Path) -> None:
        """Makes the classes of a folder's Python files known. They run only when asked for a name."""
        for path in sorted(folder.glob("*.py")):
            try:
                tree = ast.parse(path.read_bytes(), str(path))
            except (OSError, SyntaxError, ValueError, RecursionError) as error:
                self._unreadable.append(f"{path.name} is left out: {_reason(error)}")
                continue
            for statement in tree.body:
                if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                    self._files.setdefault(statement.name, []).append(path)
                    bases = [ast.unparse(base).rpartition(".")[2] for base in statement.bases]
                    self._bases.setdefault(statement.name, []).extend(bases)

    def find(self, name: str, base: type) -> type:
        """The class of this name that is a `base`.

        Raises: UnknownNameError if there is none, if there are two, or if the file that declares it cannot be imported.
        """
        if name == base.__name__ and not self.is_kind(base):
            return base
        declared = {_file_of(cls): cls for cls in self._classes.get(name, [])}
        for path in self._files.get(name, []):
            declared.setdefault(path, self._load(path, name))
        found = {path: cls for path, cls in declared.items() if self._may_stand(cls, base)}
        if len(found) > 1:
            files = " and in ".join(map(str, found))
            raise UnknownNameError(f"there are {len(found)} classes {name}", f"in {files}: rename one of them")
        for cls in found.values():
            return cls
        known = did_you_mean(name, self.names(base))
        for path, cls in declared.items():
            kind = self.kind_of(cls)
            remedy = known if kind else f"declare it in {path} as class {name}({base.__name__})"
            raise UnknownNameError(f"{name} is {a(kind or 'class')}, and here belongs {a(base.__name__)}", remedy)
        raise UnknownNameError(f"there is no {base.__name__} '{name}'", "\n".join([known, *self._unreadable]))

    def names(self, base: type) -> list[str]:
        """The names that may stand for a `base`, in order; a file that is not imported is taken at its word."""
        own = [] if self.is_kind(base) else [base.__name__]
        loaded = [n for n, classes in self._classes.items() if any(self._may_stand(cls, base) for cls in classes)]
        likely = [name for name in self._files if self._may_become(name, base)]
        return sorted({*own, *loaded, *likely})

    def has(self, name: str, base: type) -> bool:
        """Whether a name stands for a `base`."""
        try:
            return self.find(name, base) is not None
        except UnknownNameError:
            return False

    def knows(self, name: str) -> bool:
        """Whether a name is that of a class, of whatever kind."""
        return name in self._classes or name in self._files

    def classes(self, base: type) -> dict[str, type]:
        """Every class that may stand for a `base`, by name. This imports all files, and leaves out those that fail."""
        return {name: self.find(name, base) for name in self.names(base) if self.has(name, base)}

    def is_kind(self, cls: type) -> bool:
        """Whether a class is a kind, for which a config must choose a subclass."""
        return cls in self.kinds.values()

    def kind_of(self, cls: type) -> str:
        """The name of the narrowest kind of a class, or an empty text."""
        kinds = [name for name, kind in self.kinds.items() if issubclass(cls, kind)]
        return max(kinds, key=lambda name: len(self.kinds[name].__mro__), default="")

    def _may_stand(self, cls: type, base: type) -> bool:
        """Whether a class is a `base`. A kind means its own: a Loss is a Module, but no part of a model."""
        return issubclass(cls, base) and not (self.is_kind(base) and self.kinds[self.kind_of(cls)] is not base)

    def _may_become(self, name: str, base: type) -> bool:
        """Whether a class of a file may turn out to be a `base`, by the names of the classes that it is made from."""
        ancestors = [name]
        for ancestor in ancestors:
            for parent in self._bases[ancestor]:
                if parent in self._bases:
                    ancestors += [parent] if parent not in ancestors else []
                elif parent in self._classes:
                    if any(self._may_stand(cls, base) for cls in self._classes[parent]):
                        return True
                elif parent == base.__name__ or parent not in self.kinds:
                    return True
        return False

    def _is_buildable(self, cls: type) -> bool:
        return bool(self.kind_of(cls)) and not self.is_kind(cls) and not inspect.isabstract(cls)

    def _load(self, path: Path, name: str) -> type:
        module_name = f"{path.parent.name}.{path.stem}"
        module = sys.modules.get(module_name)
        if module is None or getattr(module, "__file__", None) != str(path.resolve()):
            spec = importlib.util.spec_from_file_location(module_name, path.resolve())
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            try:
                spec.loader.exec_module(module)
            except (Exception, SystemExit) as error:
                del sys.modules[module_name]
                message = f"'{name}' is declared in {path}, which cannot be imported"
                raise UnknownNameError(message, _reason(error)) from error
        cls = getattr(module, name, None)
        if not isinstance(cls, type):
            message = f"'{name}' is declared in {path}, but is no class once that is imported"
            raise UnknownNameError(message, "do not assign to its name")
        return cls


def _file_of(cls: type) -> Path:
    module = sys.modules.get(cls.__module__)
    return Path(getattr(module, "__file__", None) or cls.__module__)


def _reason(error: BaseException) -> str:
    """An error of someone's code in a line: where it is (but for the machinery of imports), and what."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{f.filename}:{f.lineno}: " for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    return f"{''.join(at[-1:])}{type(error).__name__}: {error}"
