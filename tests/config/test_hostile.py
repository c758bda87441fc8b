"""Configs that nobody meant well: each gives a plan, or errors with places, at once, and does nothing else."""

from __future__ import annotations

import cProfile
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.mutation import HOSTILE, LINES, mutate, random_edits
from minigrad.config import ConfigError, Registry, load_plan

Attempt = Callable[..., None]

MOST_CALLS = 4_000_000
"""Calls of functions for one config, which are counted in place of seconds: about those of one second."""

SEEDS = [
    """\
# An MLP
name: digits
seed: 0
data: Digits
loader: {batch_size: 64}
model:
  Sequential:
    - Linear: ["${data.num_features}", 128]
    - ReLU
    - Dropout: 0.1
    - Branches: {named: {a: {MLP: [[1, 2]]}, b: GELU}, tail: [{GELU: tanh}], scale: 2}
    - Linear: {in_features: 128, out_features: "${model.3.scale}"}
loss: {CrossEntropyLoss: {weight: [1, 2.5], label_smoothing: 1e-1}}
metrics: [Accuracy, {TopK: 3}]
optimizer:
  AdamW: {lr: 3e-3, betas: [0.9, 0.95]}
trainer:
  max_epochs: 30
  early_stopping: {monitor: val/loss, patience: 5}
""",
    """\
base: base.yaml
data: {Text: {path: a.txt}}
model:
  GPT: {vocab_size: "${data.vocab_size}", n_embd: "${seed}", head: {Linear: ["${model.n_embd}", 2]}}
optimizer: {lr: 1.0}
""",
]


def mutations() -> st.SearchStrategy[str]:
    """Configs with some of their lines deleted, repeated, swapped or indented, and values put in from `HOSTILE`."""
    place = st.integers(0, 10_000)
    line = st.tuples(st.sampled_from(LINES), place, place)
    value = st.tuples(st.just("value"), place, st.sampled_from(HOSTILE))
    insert = st.tuples(st.just("insert"), place, st.sampled_from(HOSTILE) | st.text(max_size=5))
    cut = st.tuples(st.just("cut"), place, st.integers(1, 5))
    return st.builds(mutate, st.sampled_from(SEEDS), st.lists(st.one_of(line, value, insert, cut), max_size=5))


class Watch:
    """Python's own account of what a program does: opening files to write, importing, starting, connecting."""

    EVENTS = frozenset(
        [
            *("import", "socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"),
            *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.putenv"),
        ]
    )

    def __init__(self) -> None:
        self.is_on = False
        self.deeds: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and str(arguments[1] or "r")[0] in "wax+"
        if self.is_on and (writes or event in self.EVENTS):
            self.deeds.append(f"{event} {arguments[:2]}")


@pytest.fixture(scope="module")
def watch() -> Watch:
    watch = Watch()
    sys.addaudithook(watch)
    return watch


@pytest.fixture
def attempt(here: Path, registry: Registry, experiment: type, watch: Watch) -> Attempt:
    """Plans a file; fails if that raises anything but errors with places, takes long, or does more than read."""
    Path("base.yaml").write_text("name: base\nloss: MSELoss\noptimizer: {SGD: {lr: 0.1}}\n")

    def plan(overrides: Sequence[str]) -> None:
        load_plan("mine.yaml", experiment, registry, overrides).to_yaml(origins=True)

    def attempt(raw: bytes, *overrides: str) -> None:
        Path("mine.yaml").write_bytes(raw)
        profile = cProfile.Profile()
        watch.is_on = True
        try:
            profile.runcall(plan, overrides)
            problems = []
        except ConfigError as error:
            str(error).encode("utf-8")
            problems = [problem.place for problem in error.problems if problem.place.line < 1]
        finally:
            watch.is_on = False
        assert problems == []
        assert sum(entry.callcount for entry in profile.getstats()) < MOST_CALLS
        assert watch.deeds == []

    return attempt


def hostile(examples: int) -> Any:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@hostile(200)
@given(text=mutations())
def test_a_mutated_config_gives_a_plan_or_errors_with_places(attempt: Attempt, text: str) -> None:
    attempt(text.encode("utf-8", "surrogatepass"))


@hostile(100)
@given(text=mutations(), flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_give_a_plan_or_errors_with_places(
    attempt: Attempt, text: str, flips: list[tuple[int, int]]
) -> None:
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    for where, byte in flips:
        if raw:
            raw[where % len(raw)] = byte
    attempt(bytes(raw))


@hostile(100)
@given(
    path=st.sampled_from(
        ["model", "model.0", "model.9", "data", "optimizer.lr", "seed", "a..b", "", "--", "trainer.x.y.z"]
    ),
    value=st.sampled_from(HOSTILE) | st.text(max_size=10),
)
def test_hostile_overrides_give_a_plan_or_errors_with_places(attempt: Attempt, path: str, value: str) -> None:
    attempt(SEEDS[0].encode(), f"{path}={value}", value)


@pytest.mark.slow
def test_ten_thousand_mutated_configs_give_plans_or_errors_with_places(attempt: Attempt) -> None:
    # the same each time, and without hypothesis, which takes its own time for each
    for seed in range(10_000):
        draw = Random(seed)
        attempt(mutate(draw.choice(SEEDS), random_edits(draw)).encode("utf-8", "surrogatepass"))


def test_what_is_nested_as_deep_as_can_be_is_planned(attempt: Attempt, config: str) -> None:
    nested = "{Sequential: " * 60 + "ReLU" + "}" * 60
    attempt(config.encode(), "model" + ".Sequential" * 63 + "=" + nested)
    attempt(config.encode(), "model" + ".Sequential" * 64 + "=" + nested)
    attempt(config.encode(), "model" + ".Sequential" * 5000 + "=ReLU")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2**19,
        "- " * 2**19,
        "{a: " * 2**17,
        "a: " + "x" * (2**20 - 10),
        "#" * (2**20 - 1),
        "\n" * (2**20 - 1),
        "a: [" + "1," * 400_000,
        "".join(f"k{i}: 1\n" for i in range(4000)),
        "model: {Sequential: [" + "Linearr, " * 5000 + "]}",
        "model: {Sequential: [" + "'${model.x}', " * 5000 + "]}",
        "a: '" + "\\" * 500_000,
        "? " * 200_000,
        "name: " + "9" * 1_000_000,
        "name: " + "1" * 500_000 + "e" + "1" * 500_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_as_large_as_a_file_may_be_is_refused_at_once(attempt: Attempt, text: str) -> None:
    attempt(text.encode()[: 2**20])
