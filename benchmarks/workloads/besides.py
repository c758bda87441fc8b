"""Additional rows of the panel: text generation, prediction of one row and of a file, loading of batches."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

import numpy as np

from benchmarks.workload import Array, Trial, Workload
from benchmarks.workloads import gpt
from benchmarks.workloads.library import Library, Minigrad, Torch, on_libraries
from benchmarks.workloads.panel import first_weights, panel_name

WRITTEN, PROMPT = 48, 16

LIBRARIES = {"torch": Torch, "bare": Minigrad}

Answering = tuple[tuple[int, ...], Array]


def _write(library: Library, task: Any) -> Trial:
    """Greedy generation, with a cache if the library has one for the model, else without."""
    model, _ = gpt.network.module(library, task.sizes)
    model = library.convert(model, str(next(iter(task.weights.values())).dtype)).eval()
    model.load_state_dict({name: library.tensor(weight) for name, weight in task.weights.items()})
    prompt = task.batches[0][0][:1, : min(PROMPT, task.sizes.block_size // 2)]
    written = min(WRITTEN, task.sizes.block_size - prompt.shape[1])

    def step() -> float:
        if not isinstance(library, Torch):
            return float(list(model.generate(prompt[0], written, top_k=1))[-1]) + 1
        tokens = library.tensor(prompt)
        with library.no_grad():
            for _ in range(written):
                following = model(tokens)[:, -1:].argmax(-1)
                tokens = library.functions.cat([tokens, following], 1)
        return float(tokens[0, -1]) + 1

    def state() -> list[Array]:
        with library.no_grad():
            return [np.asarray(model(library.tensor(prompt)).detach())]

    return Trial(step, state)


def _classifier(library: Library, sizes: tuple[int, ...], dtype: str) -> Any:
    nn = library.nn
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = library.convert(nn.Sequential(*layers[:-1]), dtype)
    weights = first_weights({name: tuple(p.shape) for name, p in model.named_parameters()}, dtype)
    model.load_state_dict({name: library.tensor(weight) for name, weight in weights.items()})
    return model.eval()


def _answer_one(library: Library, problem: Answering) -> Trial:
    """The prediction of one row, from array to array."""
    sizes, rows = problem
    model = _classifier(library, sizes, str(rows.dtype))

    def step() -> Any:
        with library.no_grad():
            return model(library.tensor(rows)).detach()[0, 0]

    def state() -> list[Array]:
        with library.no_grad():
            return [np.asarray(model(library.tensor(rows)).detach())]

    return Trial(step, state)


def _one_row(dtype: str, smoke: bool) -> Answering:
    sizes = (20, 8, 3) if smoke else (784, 256, 128, 10)
    return sizes, np.random.default_rng(0).standard_normal((1, sizes[0])).astype(dtype)


def _predict_file(library: Library, problem: Answering) -> Trial:
    """The prediction of a CSV file, from the disk to the class of each row; for PyTorch, pandas reads the file."""
    sizes, rows = problem
    model = _classifier(library, sizes, str(rows.dtype))
    header = ",".join(f"column {i}" for i in range(rows.shape[1]))

    def answers(path: Path) -> Any:
        if isinstance(library, Torch):
            import pandas

            numbers = pandas.read_csv(path).to_numpy(rows.dtype)
        else:
            from minigrad.data.inputs import read_numbers

            numbers = read_numbers(path).astype(rows.dtype, copy=False)
        with library.no_grad():
            return np.asarray(model(library.tensor(numbers)).detach())

    folder = mkdtemp()
    path = Path(folder, "rows.csv")
    np.savetxt(path, rows, fmt="%.6g", delimiter=",", header=header, comments="")

    def step() -> float:
        return float(answers(path).argmax(1).sum()) + 1

    finalize(step, rmtree, folder)
    return Trial(step, lambda: [answers(path)])


def _file_rows(dtype: str, smoke: bool) -> Answering:
    sizes = (5, 8, 3) if smoke else (20, 64, 3)
    return sizes, np.random.default_rng(0).standard_normal((10 if smoke else 10_000, sizes[0])).astype(dtype)


def _load(library: Library, problem: tuple[Array, Array]) -> Trial:
    """An epoch of shuffled batches, without training."""
    inputs, targets = problem
    size = min(128, len(inputs))
    loader: Any
    if isinstance(library, Torch):
        from torch.utils.data import DataLoader, TensorDataset

        loader = DataLoader(TensorDataset(library.tensor(inputs), library.tensor(targets)), size, shuffle=True)
    else:
        from minigrad.data import DataLoader as Loader
        from minigrad.data import Examples

        loader = Loader(Examples(inputs, targets), size)

    def step() -> float:
        return float(sum(len(y) for _, y in loader))

    def state() -> list[Array]:
        return [np.sum([np.asarray(x).sum(0, dtype=np.float64) for x, _ in loader], axis=0)]

    return Trial(step, state)


def _images(dtype: str, smoke: bool) -> tuple[Array, Array]:
    random, shape = np.random.default_rng(0), (50, 7) if smoke else (60_000, 784)
    return random.random(shape, np.float32), random.integers(0, 10, shape[0])


BESIDES: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            panel_name(25, "writing"),
            f"a GPT 4×128 writes {WRITTEN} tokens, with caches (PyTorch: without)",
            lambda dtype, smoke: gpt.task(gpt.TINY if smoke else gpt.SMALL, dtype),
            on_libraries(_write, LIBRARIES),
        ),
        Workload(
            panel_name(26, "one_row"), "784-256-128-10 answers one row", _one_row, on_libraries(_answer_one, LIBRARIES)
        ),
        Workload(
            panel_name(27, "csv"),
            "a CSV file of 10,000 rows is predicted",
            _file_rows,
            on_libraries(_predict_file, LIBRARIES),
        ),
        Workload(
            panel_name(28, "loader"),
            "the loader alone: an epoch of 60,000 × 784",
            _images,
            on_libraries(_load, LIBRARIES),
        ),
    )
}
"""The rows by name; the step of the last one is an epoch."""
