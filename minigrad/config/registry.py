"""Registry of the classes that a config may name.

The classes are those of registered modules and those in folders of the user's own files.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

from minigrad.config.annotations import with_article
from minigrad.config.code import declared_classes, identical_file, models_from
from minigrad.config.diagnostics import ConfigError, Diagnostic, Source, Span
from minigrad.suggest import did_you_mean


class UnknownNameError(LookupError):
    """An unknown name of a class, with the remedy."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Registry:
    """Classes by name and kind.

    A class needs no registration: it is known as a subclass of a kind.

    Args:
        kinds: the base classes that annotations name, by their names in messages.
        modules: modules whose public subclasses of a kind may be named.
    """

    def __init__(self, kinds: Mapping[str, type], modules: Iterable[ModuleType] = ()) -> None:
        self.kinds = dict(kinds)
        self._classes: dict[str, list[type]] = {}
        self._abstract: dict[str, type] = {}
        self._files: dict[str, list[Path]] = {}
        self._bases: dict[str, list[str]] = {}
        self._hints: list[str] = []
        self._folders: list[Path] = []
        self._packages: dict[Path, str] = {}
        self._code: Path | None = None
        self._withheld: dict[str, tuple[Path, list[Path]]] = {}
        self.hidden: dict[str, tuple[Path, Path]] = {}
        """The hidden classes, by name: the file that takes precedence, and the hidden file in a lower folder."""
        for module in modules:
            self.add_module(module)

    def add_module(self, module: ModuleType) -> None:
        """Add the public classes of a module.

        Imported classes count, too, as in a package's `__init__`.
        """
        for name, cls in vars(module).items():
            if not isinstance(cls, type) or name != cls.__name__ or name.startswith("_"):
                continue
            if self.kind_of(cls) and not self.is_kind(cls) and not inspect.isabstract(cls):
                known = self._classes.setdefault(name, [])
                if cls not in known:
                    known.append(cls)
            elif inspect.isabstract(cls) and self.kind_of(cls):
                self._abstract[name] = cls

    def add_package(self, name: str) -> None:
        """Import a module by its dotted name; add its classes.

        Raises:
            ConfigError: if the import fails.
        """
        try:
            self.add_module(importlib.import_module(name))
        except (Exception, SystemExit) as error:
            place = Span(Source(f"--import {name}", ""))
            raise ConfigError([Diagnostic(place, f"{name} cannot be imported", _reason(error))]) from error

    def add_folder(self, folder: Path, lower: bool = False, package: str = "") -> None:
        """Add the classes of a folder's Python files.

        A file is run only when one of its classes is needed.

        Args:
            folder: the folder of the files; ignored if it was added before.
            lower: whether known classes take precedence over classes of this folder with the same name.
            package: the package of the modules, if the folder is not the user's: `minigrad`.
        """
        if folder.resolve() in self._folders:
            return
        self._folders.append(folder.resolve())
        self._packages[folder] = f"{package}." if package else ""
        known = {name: _file_of(classes[0]) for name, classes in self._classes.items()} if lower else {}
        known |= {name: paths[0] for name, paths in self._files.items()} if lower else {}
        known |= {name: path for name, (path, _) in self._withheld.items()}
        for path in sorted(folder.glob("*.py")):
            self._add_file(path, known)

    def add_code(self, code: Path, folders: Sequence[Path], trusted: bool) -> None:
        """Add the classes in the code of a run.

        If an identical file exists elsewhere, that file is used.

        Args:
            code: the folder of the run that has copies of the files.
            folders: the folders to search for identical files, in order. Their other classes are not added.
            trusted: whether to run a file that is in none of the folders; if not, its classes raise an error.
        """
        self._code = code
        for path in sorted(code.glob("*.py")):
            if (same := identical_file(path, folders)) is not None or trusted:
                self._add_file(same or path, {})
                continue
            others = [folder / path.name for folder in folders if (folder / path.name).is_file()]
            self._withheld |= dict.fromkeys(self._declared(path), (path, others))

    def add_hint(self, hint: str) -> None:
        """Add a line to the error for unknown classes."""
        self._hints.append(hint)

    def _declared(self, path: Path) -> dict[str, list[str]]:
        try:
            return declared_classes(path)
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            self.add_hint(f"{path.name} is left out: {_reason(error)}")
            return {}

    def _add_file(self, path: Path, known: Mapping[str, Path]) -> None:
        for name, bases in self._declared(path).items():
            if name in known:
                self.hidden[name] = (known[name], path)
                continue
            self._files.setdefault(name, []).append(path)
            self._bases.setdefault(name, []).extend(bases)

    def find(self, name: str, base: type) -> type:
        """Return the class of this name that is a `base`.

        Raises:
            UnknownNameError: if there is none, if there are two, or if the file that declares it cannot be imported.
        """
        if name == base.__name__ and not self.is_kind(base):
            return base
        if name in self._withheld:
            raise _untrusted(name, *self._withheld[name])
        there = {_file_of(cls): cls for cls in self._classes.get(name, [])}
        for path in self._files.get(name, []):
            there.setdefault(path, self._load(path, name))
        found = {path: cls for path, cls in there.items() if self._is_allowed(cls, base)}
        if len(found) > 1:
            files = " and in ".join(map(str, found))
            raise UnknownNameError(f"there are {len(found)} classes {name}", f"in {files}: rename one of them")
        for cls in found.values():
            return cls
        known = did_you_mean(name, self.names(base))
        for path, cls in there.items():
            kind = self.kind_of(cls)
            remedy = known if kind else f"declare it in {path} as class {name}({base.__name__})"
            actual, expected = with_article(kind or "class"), with_article(base.__name__)
            raise UnknownNameError(f"{name} is {actual}, but {expected} is expected", remedy)
        raise UnknownNameError(f"there is no {base.__name__} '{name}'", "\n".join([known, *self._hints]))

    def names(self, base: type) -> list[str]:
        """Return the sorted names that may be a `base`.

        For a file that was not imported, the declared bases are trusted.
        """
        own = [] if self.is_kind(base) else [base.__name__]
        loaded = [n for n, classes in self._classes.items() if any(self._is_allowed(cls, base) for cls in classes)]
        likely = [name for name in self._files if self._may_be(name, base)]
        return sorted({*own, *loaded, *likely})

    def has(self, name: str, base: type) -> bool:
        """Whether a name may be a `base`."""
        try:
            return self.find(name, base) is not None
        except UnknownNameError:
            return False

    def knows(self, name: str) -> bool:
        """Whether a name is a class of any kind."""
        return name in self._classes or name in self._files or name in self._withheld

    def classes(self, base: type) -> dict[str, type]:
        """Return every class that may be a `base`, by name.

        All files are imported; those that fail are left out.
        """
        return {name: self.find(name, base) for name in self.names(base) if self.has(name, base)}

    def is_kind(self, cls: type) -> bool:
        """Whether a class is a kind: configs choose a subclass."""
        return cls in self.kinds.values()

    def kind_of(self, cls: type) -> str:
        """Return the name of a class's narrowest kind, or ""."""
        kinds = [name for name, kind in self.kinds.items() if issubclass(cls, kind)]
        return max(kinds, key=lambda name: len(self.kinds[name].__mro__), default="")

    def _is_allowed(self, cls: type, base: type) -> bool:
        """Whether a class may be a `base` and has the same kind: a Loss is a Module, but not a part of a model."""
        return issubclass(cls, base) and not (self.is_kind(base) and self.kinds[self.kind_of(cls)] is not base)

    def _may_be(self, name: str, base: type) -> bool:
        """Whether a file's class may be a `base`, by its bases' names."""
        ancestors = [name]
        for ancestor in ancestors:
            for parent in self._bases[ancestor]:
                if parent in self._bases:
                    ancestors += [parent] if parent not in ancestors else []
                elif parent in self._classes:
                    if any(self._is_allowed(cls, base) for cls in self._classes[parent]):
                        return True
                elif parent in self._abstract:
                    if self._is_allowed(self._abstract[parent], base):
                        return True
                elif parent == base.__name__ or parent not in self.kinds:
                    return True
        return False

    def _load(self, path: Path, name: str) -> type:
        # files of the same name in different folders are different modules
        module_name = f"{self._packages.get(path.parent, '')}{path.parent.name}.{path.stem}"
        module = sys.modules.get(module_name)
        if module is None or getattr(module, "__file__", None) != str(path.resolve()):
            spec = importlib.util.spec_from_file_location(module_name, path.resolve())
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            try:
                with models_from(path.parent) if path.parent == self._code else nullcontext():
                    spec.loader.exec_module(module)
            except (Exception, SystemExit) as error:
                del sys.modules[module_name]
                message = f"'{name}' is declared in {path}, which cannot be imported"
                raise UnknownNameError(message, _reason(error)) from error
        cls = getattr(module, name, None)
        if not isinstance(cls, type):
            message = f"'{name}' is declared in {path}, but is not a class after the import"
            raise UnknownNameError(message, "do not assign to its name")
        return cls


def _untrusted(name: str, path: Path, others: Sequence[Path]) -> UnknownNameError:
    """Return the error for a class in untrusted code of a run."""
    message = f"'{name}' is code that came with this run, in {path}"
    if others:
        message += f", and {others[0]} differs from it"
    return UnknownNameError(message, "read it first; then --trust (trust=True in Python) allows minigrad to run it")


def _file_of(cls: type) -> Path:
    module = sys.modules.get(cls.__module__)
    return Path(getattr(module, "__file__", None) or cls.__module__)


def _reason(error: BaseException) -> str:
    """Return an error in a user's code as one line, with its place in that code rather than in the import system."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{f.filename}:{f.lineno}: " for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    return f"{''.join(at[-1:])}{type(error).__name__}: {error}"
