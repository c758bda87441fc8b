"""Mutation testing of a part of the code: `python -m benchmarks.mutants engine`.

Cosmic Ray changes one place of the code at a time (an operator, a number, a condition, a loop, an exception, a whole
statement), in a copy of this checkout. A mutant is killed if a test fails. Places are sampled, each with one of its
mutations, so that an operator with twelve replacements counts no more than a statement.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import math
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import unified_diff
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import cosmic_ray.plugins
import parso
import pytest
import yaml
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import use_mutation
from cosmic_ray.operators.operator import Operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

Z = 1.96
"""The standard deviations of a 95 % confidence interval."""

EQUIVALENT = Path("benchmarks", "equivalent_mutants.yaml")
"""Equivalent mutants, which no test can kill, with the reasons."""

PRELOADED = ("numpy", "yaml", "tqdm", "hypothesis", "torch", "torch.testing._internal.common_optimizers")
"""Packages that tests import, imported once before the processes of the mutants are forked."""


class Part(NamedTuple):
    """Code, as patterns of files, and the tests that should detect errors in it, the fastest first."""

    code: tuple[str, ...]
    tests: str


PARTS = {
    "engine": Part(
        ("minigrad/engine/*.py",),
        "tests/engine tests/ops/test_in_place.py tests/ops/test_row_gradient.py tests/devices/test_tensor.py "
        "--ignore tests/engine/test_layouts.py",
    ),
    "optim": Part(("minigrad/optim/*.py",), "tests/optim --ignore tests/optim/test_parity_of_the_database.py"),
    "config": Part(
        ("minigrad/config/check.py", "minigrad/config/calls.py", "minigrad/config/annotations.py"),
        "tests/config --ignore tests/config/test_hostile.py --ignore tests/config/test_edges.py",
    ),
    "checkpoint": Part(
        ("minigrad/runs/checkpoint.py", "minigrad/runs/state.py", "minigrad/formats/atomic.py"),
        "tests/runs/test_state.py tests/runs/test_checkpoint.py tests/formats/test_atomic.py "
        "tests/devices/test_runs.py",
    ),
}


class DeleteStatement(Operator):
    """An operator, missing in Cosmic Ray, that replaces a statement by `pass`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield all statements except docstrings, imports, declarations without a value, and `pass`."""
        if node.type == "simple_stmt":
            first = node.children[0]
            is_declaration = (
                first.type == "expr_stmt"
                and first.children[-1].type == "annassign"
                and "=" not in {getattr(child, "value", None) for child in first.children[-1].children}
            )
            does_nothing = (
                first.type in ("string", "import_name", "import_from") or getattr(first, "value", "") == "pass"
            )
            if not is_declaration and not does_nothing:
                yield first.start_pos, first.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the line with `pass` in place of its first statement."""
        instead = parso.parse("pass").get_first_leaf()
        instead.prefix = node.get_first_leaf().prefix
        instead.parent = node
        node.children[0] = instead
        return node

    @classmethod
    def examples(cls) -> Sequence[Any]:
        """Return none."""
        return ()


def places(path: Path) -> Iterator[list[MutationSpec]]:
    """Yield the mutants of each place in a file, except in code for type checkers."""
    for_checkers = _for_checkers(path)
    found: dict[tuple[Any, ...], list[MutationSpec]] = {}
    nodes = list(ast_nodes(get_ast_from_path(path)))
    for name in cosmic_ray.plugins.operator_names():
        kind = cosmic_ray.plugins.get_operator(name)
        if kind.arguments():
            continue  # it needs names of variables as arguments
        spans = (span for node in nodes for span in kind().mutation_positions(node))
        for occurrence, (start, end) in enumerate(spans):
            if not any(first <= start < last for first, last in for_checkers):
                mutant = MutationSpec(
                    module_path=path, operator_name=name, occurrence=occurrence, start_pos=start, end_pos=end
                )
                found.setdefault((start, end, name.split("_")[0]), []).append(mutant)
    yield from found.values()


def _for_checkers(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the spans of annotations, which are not evaluated, and of code under TYPE_CHECKING."""
    spans = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        parts: list[Any] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            parts.append(node)
        for part in parts:
            if isinstance(part, ast.stmt | ast.expr):
                spans.append(((part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)))
    return spans


def draw(part: Part, count: int, seed: int) -> tuple[list[WorkItem], int]:
    """Return mutants of `count` places sampled by `seed`, and the number of all places.

    A larger sample with the same seed begins with the same places.
    """
    paths = sorted(path for pattern in part.code for path in Path().glob(pattern))
    everywhere = [place for path in paths for place in places(path)]
    dice = random.Random(seed)
    dice.shuffle(everywhere)
    chosen = [WorkItem.single(f"{at:04}", dice.choice(place)) for at, place in enumerate(everywhere)]
    return chosen[:count], len(chosen)


def interval(killed: int, of: int) -> tuple[float, float]:
    """Return the bounds of Wilson's confidence interval (1927) of a proportion."""
    share, square = killed / of, Z * Z / of
    half = Z * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return (share + square / 2 - half) / (1 + square), (share + square / 2 + half) / (1 + square)


def passes(tests: str, limit: float | None) -> bool:
    """Whether tests pass in a separate process within a time limit."""
    process = get_context("fork").Process(target=_test, args=(tests, limit is None))
    process.start()
    process.join(limit)
    if process.exitcode is None:
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
    return process.exitcode == 0


def _test(tests: str, is_cached: bool) -> None:
    os.setpgrp()
    if not is_cached:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    # bytecode of mutants must not be cached: a mutant may have the size and time of the original file
    sys.dont_write_bytecode = not is_cached
    options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not slow and not mpi"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the plugins are already loaded
    os._exit(pytest.main([*options, *tests.split()]))


def changes_nothing(path: Path, after: str, difference: Sequence[str]) -> str:
    """Return why a mutant does not count (invalid Python, or known to be equivalent), or ""."""
    try:
        compile(after, path, "exec")
    except SyntaxError:  # such as % in place of the stars of **keywords
        return "it is not valid Python"
    known = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")).get(path.as_posix(), {})
    changed = " ".join(line[1:].strip() for line in difference if line[0] == "-" and not line.startswith("---"))
    made = " ".join(line[1:].strip() for line in difference if line[0] == "+" and not line.startswith("+++"))
    return known.get(f"{changed} -> {made}", "")


def run(tests: str, database: WorkDB, items: Sequence[WorkItem]) -> None:
    """Test mutants in the current folder, and print the outcome of each."""
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    start = monotonic()
    if not passes(tests, None):
        raise SystemExit("the tests fail before anything is changed")
    limit = 5 * (monotonic() - start) + 10
    for item in items:
        [where] = item.mutations
        operator = cosmic_ray.plugins.get_operator(where.operator_name)()
        with use_mutation(where.module_path, operator, where.occurrence) as (before, after):
            difference = list(unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm=""))
            if nothing := changes_nothing(where.module_path, after, difference):
                print(f"{item.job_id} {where.module_path}:{where.start_pos[0]} changes nothing: {nothing}", flush=True)
                database.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED, output=nothing))
                continue
            outcome = TestOutcome.SURVIVED if passes(tests, limit) else TestOutcome.KILLED
        database.set_result(item.job_id, WorkResult(WorkerOutcome.NORMAL, test_outcome=outcome))
        print(f"{item.job_id} {where.module_path}:{where.start_pos[0]} {where.operator_name}: {outcome.value}")
        if outcome == TestOutcome.SURVIVED:
            print(*difference, sep="\n")
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the score of a part; return 0 if it reaches --floor, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("part", choices=PARTS, help="the part of the code to mutate")
    parser.add_argument("--sample", type=int, default=150, help="number of places to mutate (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample (default: %(default)s)")
    parser.add_argument("--session", type=Path, help="file of results; a second call continues an unfinished session")
    parser.add_argument("--again", action="store_true", help="test the survivors again, after tests were added")
    parser.add_argument("--floor", type=float, default=95, help="percent that must be killed (default: %(default)s)")
    options = parser.parse_args(arguments)
    cosmic_ray.plugins.OPERATOR_PROVIDERS["minigrad"] = {"DeleteStatement": DeleteStatement}

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "minigrad")
        shutil.copytree(Path.cwd(), copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache", "runs.*"))
        session = (options.session or Path(folder, "session.sqlite")).absolute()
        os.chdir(copy)
        os.environ.update(PYTHONPATH=str(copy), OMP_NUM_THREADS="1")
        sys.path.insert(0, str(copy))
        items, there = draw(PARTS[options.part], options.sample, options.seed)
        with use_db(session) as database:
            drawn = {item.job_id: item for item in items}
            known = {item.job_id: item for item in database.work_items}
            if any(drawn.get(job) != item for job, item in known.items()):
                parser.error(f"{session} has a larger sample, another seed, or an older version of the code")
            database.add_work_items(item for job, item in drawn.items() if job not in known)
            settled = {job for job, result in database.results if result.is_killed or not options.again}
            run(PARTS[options.part].tests, database, [item for item in items if item.job_id not in settled])
            tested = [result for _, result in database.results if result.worker_outcome == WorkerOutcome.NORMAL]
            killed, of, skipped = sum(result.is_killed for result in tested), len(tested), len(items) - len(tested)
    low, high = interval(killed, of)
    print(f"| {options.part} | {there} | {of} | {skipped} | {killed} | {killed / of:.1%} | {low:.0%} to {high:.0%} |")
    return 0 if 100 * killed / of >= options.floor else 1


if __name__ == "__main__":
    sys.exit(main())
