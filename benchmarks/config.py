"""Benchmark of configs: time of deep and mutated ones, and suggestions for typos."""

from __future__ import annotations

import string
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shutil import copytree
from time import perf_counter

from benchmarks.mutation import mutate, random_edits
from benchmarks.runner import ROOT
from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.config.diagnostics import Diagnostics, Source
from minigrad.config.nodes import Key, MappingNode, Node, ScalarNode, SequenceNode
from minigrad.config.reader import read
from minigrad.training import Experiment
from minigrad.training.experiment import known_classes

LAYERS = 200


@dataclass
class ConfigFigures:
    """The measurements.

    Attributes:
        deep: seconds of each round to read, check and build a config of `LAYERS` layers; the first round is cold.
        typos: the number of names in shipped configs that were misspelled by one edit, and refused.
        missed: the typos for which the correct name was not suggested, each with the suggestion.
        mutated: seconds to read and check each mutated config.
        plans: the number of mutated configs that were still valid.
        faults: exceptions other than errors with a place.
    """

    deep: list[float] = field(default_factory=list)
    typos: int = 0
    missed: list[str] = field(default_factory=list)
    mutated: list[float] = field(default_factory=list)
    plans: int = 0
    faults: list[str] = field(default_factory=list)


def measure_configs(rounds: int = 11, typos: int = 30, mutations: int = 10_000) -> ConfigFigures:
    """Measure `rounds` deep configs, `typos` of every name of all shipped configs, and `mutations` of these."""
    figures = ConfigFigures()
    with tempfile.TemporaryDirectory() as folder:
        copytree(ROOT / "configs", folder, dirs_exist_ok=True)  # one may be the base of another
        texts = [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.yaml"))]
        file = Path(folder, "mine.yaml")
        _measure_depth(figures, file, rounds)
        registry = known_classes(ROOT)
        draw = Random(0)
        for text in texts:
            for name in names(read(source := Source("", text), text, Diagnostics())):
                for _ in range(typos):
                    _misspell(figures, registry, file, source, name, draw)
        for i in range(mutations):
            _mutate(figures, registry, file, mutate(texts[i % len(texts)], random_edits(draw)))
    return figures


def names(node: Node) -> Iterator[Key]:
    """Yield every key and class name of a config, with its place."""
    match node:
        case MappingNode(entries=entries):
            for key, value in entries.items():
                yield key
                yield from names(value)
        case SequenceNode(items=items):
            for item in items:
                yield from names(item)
        case ScalarNode(value=str(text)) if text[:1].isupper():
            yield Key(text, node.place)


def typo(word: str, draw: Random) -> str:
    """Return the word with one letter changed, added, left out or swapped with the next."""
    i, letter = draw.randrange(len(word)), draw.choice(string.ascii_letters + "_")
    swapped = word[:i] + word[i : i + 2][::-1] + word[i + 2 :]
    return draw.choice(
        [word[:i] + letter + word[i + 1 :], word[:i] + letter + word[i:], word[:i] + word[i + 1 :], swapped]
    )


def _measure_depth(figures: ConfigFigures, file: Path, rounds: int) -> None:
    layers = "    - Linear: [64, 64]\n    - ReLU\n" * (LAYERS // 2)
    file.write_text(
        f"name: deep\ndata: Digits\nmodel:\n  Sequential:\n{layers}loss: CrossEntropyLoss\noptimizer: AdamW\n"
    )
    for _ in range(rounds):
        start = perf_counter()
        _plan(known_classes(ROOT), file).build()
        figures.deep.append(perf_counter() - start)


def _misspell(figures: ConfigFigures, registry: Registry, file: Path, source: Source, name: Key, draw: Random) -> None:
    lines, place = source.text.split("\n"), name.place
    line, start = lines[place.line - 1], place.column - 1
    wrong = typo(name, draw)
    lines[place.line - 1] = line[:start] + wrong + line[start + len(name) :]
    file.write_text("\n".join(lines), encoding="utf-8")
    try:
        _plan(registry, file)
    except ConfigError as error:
        figures.typos += 1
        if f"did you mean '{name}'?" not in str(error):
            figures.missed.append(f"{name} as {wrong}: {error.problems[0].hint.partition('  ')[0]}")


def _mutate(figures: ConfigFigures, registry: Registry, file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    start = perf_counter()
    try:
        _plan(registry, file)
        figures.plans += 1
    except ConfigError as error:
        if not all(problem.place.line for problem in error.problems):
            figures.faults.append(f"an error without a place: {error}")
    except Exception as error:
        figures.faults.append(repr(error))
    figures.mutated.append(perf_counter() - start)


def _plan(registry: Registry, file: Path) -> Plan:
    return load_plan(file, Experiment, registry)
