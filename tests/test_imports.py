"""The imports between the modules of minigrad: none leads upwards, and none in a circle."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    (
        "allocator",
        "arguments",
        "cores",
        "devices",
        "facts",
        "names",
        "nests",
        "notebook",
        "paths",
        "places",
        "streams",
        "suggest",
        "unfit",
        "version",
    ),
    ("constructors", "startup", "threads"),
    ("scalar", "engine", "config"),
    # func is made of the engine alone, and nothing of it is an operation; observers watch operations from outside;
    # losses and metrics share targets, models and data the form of inputs
    ("func", "inputs", "observers", "ops", "targets"),
    ("nn", "optim", "data", "metrics"),
    ("parallel",),
    ("formats",),
    ("runs",),
    ("drawing", "explain"),
    ("training",),
    ("inference",),
    ("plots",),
    ("sklearn",),
    ("cli",),
    ("__main__",),
    ("",),  # minigrad/__init__.py, which gives out the names of all others
    ("train",),
)
"""The packages of minigrad, and train.py, from the lowest layer up. Those of one layer do not import each other."""

BY_NAME = {
    "minigrad.cli.main": "a command is imported when it is used; the texts of the table are the imports",
    "minigrad": "the names from upper layers are imported when they are first used",
    "minigrad.config.registry": "the classes of users are imported from the packages and files that they name",
}
"""The modules that may import what a text names, and why."""


class Import(NamedTuple):
    """Names that one module imports from another, and the line. A program is another process: it closes no cycle."""

    importer: str
    line: int
    names: str
    imported: str
    is_program: bool = False


class Tree:
    """The modules below a folder, and what they import, in functions and for types alone too."""

    def __init__(self, root: Path) -> None:
        files = [*sorted((root / "minigrad").rglob("*.py")), *root.glob("train.py")]
        files = [file for file in files if "templates" not in file.parts]  # which are copied to users, not imported
        self.files = {_name(file.relative_to(root)): file.relative_to(root).as_posix() for file in files}
        self.trees = {name: ast.parse((root / file).read_text(encoding="utf-8")) for name, file in self.files.items()}
        self.imports = [each for name in self.files for each in self._imports(name)]

    def faults(self) -> list[str]:
        """Sentences about what is wrong: none for a sound tree."""
        known = [package for layer in LAYERS for package in layer]
        strays = [file for name, file in self.files.items() if _package(name) not in known]
        return [*(f"{file}: its package is in no layer" for file in strays), *self._hidden(), *self._upward()] + [
            "a cycle: " + ", and ".join(map(self._told, cycle)) for cycle in self._cycles()
        ]

    def _imports(self, name: str) -> Iterator[Import]:
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if module := self._module(alias.name):
                        yield Import(name, node.lineno, alias.name, module)
            elif isinstance(node, ast.ImportFrom):
                source = self._source(name, node)
                targets: dict[str, list[str]] = {}
                for alias in node.names:
                    targets.setdefault(self._module(f"{source}.{alias.name}"), []).append(alias.name)
                yield from (Import(name, node.lineno, ", ".join(n), module) for module, n in targets.items() if module)
        for text, line, is_program in _texts(self.trees[name]):
            module = self._module(text) if re.fullmatch(r"minigrad(\.\w+)+", text) else ""
            if module not in ("", "minigrad"):
                yield Import(name, line, repr(text), module, is_program)

    def _source(self, name: str, node: ast.ImportFrom) -> str:
        """The module that a `from` names, also as `..nn`."""
        is_package = self.files[name].endswith("__init__.py")
        parts = name.split(".")
        above = parts[: len(parts) - node.level + is_package] if node.level else []
        return ".".join([*above, *filter(None, [node.module])])

    def _module(self, path: str) -> str:
        """The module of this tree that a dotted path leads to, or from which it takes a name; "" for any other."""
        while path not in self.files and path:
            path = path.rpartition(".")[0]
        return path

    def _hidden(self) -> Iterator[str]:
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                by_name = any(re.match(r"importlib(?!\.(metadata|resources))\b", each) for each in imported)
                if name not in BY_NAME and (by_name or (isinstance(node, ast.Name) and node.id == "__import__")):
                    yield f"{self.files[name]}:{node.lineno} can import by name, which hides what it imports"
            for text, line, _ in _texts(tree):
                if re.search(r"^\s*(from|import)\s+minigrad\b", text, re.MULTILINE):
                    yield f"{self.files[name]}:{line} hides an import in a text: {text.strip()!r}"

    def _upward(self) -> Iterator[str]:
        height = {package: i for i, layer in enumerate(LAYERS) for package in layer}
        for each in self.imports:
            here, there = _package(each.importer), _package(each.imported)
            if here != there and here in height and height.get(there, -1) >= height[here]:
                where = "a higher layer" if height[there] > height[here] else "the same layer"
                yield f"{self._told(each)}, which is in {where}"

    def _cycles(self) -> Iterator[list[Import]]:
        """Cycles that have no import in common, until there are no others."""
        edges = {(i.importer, i.imported): i for i in self.imports if i.importer != i.imported and not i.is_program}
        while True:
            graph: dict[str, list[str]] = {}
            for importer, imported in edges:
                graph.setdefault(importer, []).append(imported)
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                circle = error.args[1][::-1]  # graphlib names the imported module first
                yield [edges.pop(edge) for edge in pairwise(circle)]
            else:
                return

    def _told(self, each: Import) -> str:
        return f"{self.files[each.importer]}:{each.line} imports {each.names} from {self.files[each.imported]}"


def _name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _package(name: str) -> str:
    """`nn` for minigrad.nn and all below it, "" for minigrad itself, and `train`."""
    return name if name == "train" else f"{name}.".split(".")[1]


def _texts(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """The texts of a module that are no docstrings, their lines, and whether they name a program, behind `-m`."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    programs = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.List, ast.Tuple)):
            pairs = pairwise(node.elts)
            programs |= {id(b) for a, b in pairs if isinstance(a, ast.Constant) and a.value == "-m"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value, node.lineno, id(node) in programs


def test_no_import_leads_upwards_or_in_a_circle():
    faults = Tree(ROOT).faults()
    assert not faults, "\n".join(faults)


def test_the_modules_that_may_import_by_name_do():
    for name in BY_NAME:
        assert "importlib" in (ROOT / Tree(ROOT).files[name]).read_text(encoding="utf-8")


@pytest.fixture
def faults(tmp_path):
    """The faults of a made-up tree, given as the text of each file."""

    def faults(**files):
        for name, text in files.items():
            file = tmp_path / "minigrad" / f"{name.replace('_', '/', 1)}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            (file.parent / "__init__.py").touch()
            file.write_text(text)
        (tmp_path / "minigrad" / "__init__.py").touch()
        return Tree(tmp_path).faults()

    return faults


def test_a_tree_whose_imports_all_lead_down_is_sound(faults):
    tree = {
        "nn_linear": "from minigrad import ops\nfrom minigrad.nn.module import Module\nimport numpy",
        "nn_module": "from ..engine import tensor\nfrom minigrad.engine.tensor import Tensor",
        "ops_add": "from minigrad.engine.tensor import Tensor",
        "engine_tensor": "",
    }
    assert faults(**tree) == []


@pytest.mark.parametrize(
    "text",
    [
        "from minigrad.training.loop import Training",
        "from minigrad.training import loop",
        "from minigrad.training.loop import *",
        "import minigrad.training.loop",
        "import minigrad.training.loop as loop",
        "from ..training.loop import Training",
        "def f():\n    from minigrad.training.loop import Training",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from minigrad.training.loop import Training",
        "try:\n    from minigrad.training.loop import Training\nexcept ImportError:\n    pass",
        "import sys\nloop = sys.modules['minigrad.training.loop']",
        "x: 'minigrad.training.loop.Training'",
        "command = ['python', '-m', 'minigrad.training.loop']",
    ],
)
def test_an_import_of_a_higher_layer_is_refused_in_every_form(faults, text):
    (fault,) = faults(nn_linear=text, training_loop="")
    assert re.fullmatch(
        r"minigrad/nn/linear\.py:\d imports .*(loop|Training|\*).* from minigrad/training/loop\.py, "
        r"which is in a higher layer",
        fault,
    )


def test_packages_of_one_layer_do_not_import_each_other(faults):
    assert faults(nn_linear="from minigrad.optim.sgd import SGD, Adam", optim_sgd="") == [
        "minigrad/nn/linear.py:1 imports SGD, Adam from minigrad/optim/sgd.py, which is in the same layer"
    ]


@pytest.mark.parametrize("text", ["from minigrad import Tensor", "import minigrad", "from .. import Tensor"])
def test_a_name_that_minigrad_gives_out_is_refused_inside_of_it(faults, text):
    (fault,) = faults(nn_linear=text)
    assert re.fullmatch(r"minigrad/nn/linear\.py:1 imports .* from minigrad/__init__\.py, .* a higher layer", fault)


@pytest.mark.parametrize(
    "back",
    [
        "from minigrad.nn.linear import Linear",
        "def f():\n    from minigrad.nn.linear import Linear",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .linear import Linear",
    ],
)
def test_a_cycle_is_refused_with_its_files_and_the_names(faults, back):
    (fault,) = faults(
        nn_linear="from minigrad.nn.module import Module",
        nn_module="from minigrad.nn.hooks import Hook",
        nn_hooks=back,
    )
    for part in (
        "minigrad/nn/linear.py:1 imports Module from minigrad/nn/module.py",
        "minigrad/nn/module.py:1 imports Hook from minigrad/nn/hooks.py",
        "imports Linear from minigrad/nn/linear.py",
    ):
        assert part in fault


def test_all_cycles_are_told_at_once(faults):
    told = faults(
        nn_a="from minigrad.nn.b import B",
        nn_b="from minigrad.nn.a import A",
        optim_a="from minigrad.optim.b import B",
        optim_b="from minigrad.optim.a import A",
    )
    assert len(told) == 2
    assert all(fault.startswith("a cycle: ") for fault in told)


def test_a_package_whose_part_imports_it_is_a_cycle(faults):
    (fault,) = faults(nn_linear="from minigrad.nn import Module", nn___init__="import minigrad.nn.linear")
    assert "minigrad/nn/linear.py:1 imports Module from minigrad/nn/__init__.py" in fault


def test_a_program_that_imports_what_starts_it_is_no_cycle(faults):
    command = "command = ['python', '-m', 'minigrad.cli.child']"
    assert faults(cli_main=command, cli_child="from minigrad.cli.main import main") == []


@pytest.mark.parametrize(
    "text",
    [
        "import importlib",
        "import importlib.util",
        "from importlib import import_module as load",
        "ops = __import__('minigrad.ops').ops",
    ],
)
def test_an_import_by_name_is_refused(faults, text):
    assert "minigrad/nn/linear.py:1 can import by name, which hides what it imports" in faults(nn_linear=text)


def test_source_text_that_imports_is_refused_but_a_docstring_may_show_it(faults):
    text = '"""Layers.\n\n    from minigrad import nn\n"""\nRUN = "import sys\\nfrom minigrad.cli import main"\n'
    assert faults(nn_linear=text) == [
        "minigrad/nn/linear.py:5 hides an import in a text: 'import sys\\nfrom minigrad.cli import main'"
    ]


def test_a_package_that_no_layer_has_is_refused(faults):
    assert "minigrad/tools/x.py: its package is in no layer" in faults(tools_x="")
