"""The 24 rows of the panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.workload import Array, Trial, Workload
from benchmarks.workloads import conv2d, gpt, mnist_16, mnist_mlp, panel_jax
from benchmarks.workloads.descent import SGD
from benchmarks.workloads.library import PYTORCH, Library, Minigrad, Stepping, on_libraries
from benchmarks.workloads.panel import LIBRARIES, Row, panel_name, stepping
from benchmarks.workloads.panel_networks import (
    attention,
    autoencoder,
    cnn,
    conv1d,
    encoder,
    labels,
    letters,
    mlp,
    numbers,
    recurrent,
    residual,
    separable,
    texts,
    vocabulary,
    word_batches,
    words,
)

ROWS = (
    Row(
        5,
        "attention",
        "attention 8×128×256, 8 heads",
        attention(256, 8),
        numbers((8, 128, 256), (8, 128, 256), (2, 6, 8), (2, 6, 8)),
    ),
    Row(
        6,
        "cross_attention",
        "cross-attention 8×(64 on 256)×128",
        attention(128, 8, keys=256),
        numbers((8, 320, 128), (8, 64, 128), (2, 10, 8), (2, 2, 8)),
    ),
    Row(
        7,
        "causal",
        "causal self-attention 2×1024×128",
        attention(128, 4, is_causal=True),
        numbers((2, 1024, 128), (2, 1024, 128), (2, 6, 8), (2, 6, 8)),
    ),
    Row(
        8,
        "encoder",
        "TransformerEncoderLayer 16×64×128",
        encoder,
        numbers((16, 64, 128), (16, 64, 128), (2, 6, 8), (2, 6, 8)),
    ),
    Row(9, "lstm", "LSTM 64→128, 32 steps, batch 32", recurrent("LSTM", 64, 128), labels((32, 32, 64), 10, (3, 4, 5))),
    Row(10, "gru", "GRU 64→128, 32 steps, batch 32", recurrent("GRU", 64, 128), labels((32, 32, 64), 10, (3, 4, 5))),
    Row(
        11,
        "bilstm",
        "bidirectional 2-layer LSTM 32→64, dropout 0.2",
        recurrent("LSTM", 32, 64, num_layers=2, bidirectional=True, dropout=0.2),
        labels((16, 50, 32), 10, (3, 4, 5)),
        is_random=True,
    ),
    Row(12, "char_rnn", "char-RNN: LSTM 128, 65 symbols, 64 steps, batch 16", letters, texts, in_trainer=False),
    Row(13, "cnn", "CNN 3→16→32, BatchNorm, MaxPool, 32×32, batch 64", cnn, labels((64, 3, 32, 32), 10, (3, 3, 8, 8))),
    Row(
        14,
        "residual",
        "residual net of 8 convolutions, 16 channels, 28×28, batch 32",
        residual,
        labels((32, 16, 28, 28), 10, (2, 16, 6, 6)),
    ),
    Row(
        15,
        "separable",
        "depthwise 5×5 and pointwise, 32 channels, 28×28, batch 32",
        separable,
        labels((32, 32, 28, 28), 10, (2, 32, 6, 6)),
    ),
    Row(
        16,
        "autoencoder",
        "autoencoder 1→16→1, ConvTranspose2d, 28×28, batch 64",
        autoencoder,
        numbers((64, 1, 28, 28), (64, 1, 28, 28), (2, 1, 6, 6), (2, 1, 6, 6)),
    ),
    Row(
        17,
        "conv1d",
        "Conv1d 16→32→32, kernel 5, 1,000 long, batch 16",
        conv1d,
        labels((16, 16, 1000), 10, (2, 16, 12)),
    ),
    Row(19, "embedding", "Embedding 50,000×64, mean of 16, Linear, batch 32, SGD", words, word_batches, SGD(0.1)),
    Row(
        20,
        "vocabulary",
        "cross-entropy over 50,257 classes, 128 wide, batch 64",
        vocabulary,
        labels((64, 128), 50, (3, 128)),
    ),
    Row(
        21,
        "wide_mlp",
        "MLP 1024-1024-1024-10, batch 256",
        mlp(1024, 1024, 1024, 10),
        labels((256, 1024), 10, (3, 1024)),
    ),
    Row(
        23,
        "batch_of_one",
        "MLP 64-64-1 at batch 1, SGD",
        mlp(64, 64, 1, loss="MSELoss"),
        numbers((1, 64), (1, 1), (1, 64), (1, 1)),
        SGD(0.01),
    ),
    Row(
        24,
        "float64",
        "regression in float64, 20-100-100-1, batch 64",
        mlp(20, 100, 100, 1, loss="MSELoss"),
        numbers((64, 20), (64, 1), (3, 20), (3, 1)),
        dtype="float64",
        in_trainer=False,
    ),
)
"""Training loops without another workload. The trainer supports only float32 and one target per example."""


def _chain(library: Library, problem: Array) -> Trial:
    """Return a trial of only elementwise operations, without an optimizer."""
    functions = library.functions
    x = library.tensor(problem)
    x.requires_grad = True
    if isinstance(library, Stepping):
        import minigrad

        learn: Any = minigrad.compile(lambda: (functions.tanh(x * 2 + 1) * functions.sigmoid(x)).sum())
    else:
        objective = library.compile(lambda: (functions.tanh(x * 2 + 1) * functions.sigmoid(x)).sum())

        def learn() -> Any:
            total = objective()
            total.backward()
            return total.detach()

    def step() -> Any:
        x.grad = None
        return learn()

    return Trial(step, lambda: [np.asarray(x.grad)])


def _chain_problem(dtype: str, smoke: bool) -> Array:
    return np.random.default_rng(0).standard_normal(100 if smoke else 10**6).astype(dtype)


def _shared(number: int, name: str, workload: Workload, network: Any) -> Workload:
    """Return another workload under its name in the panel."""
    return replace(workload, name=panel_name(number, name), peers=stepping(workload.peers, network), goals={})


_CONVOLUTION = {"torch": PYTORCH["torch"], "bare": Minigrad, "torch_compiled": PYTORCH["torch_compiled"]}

PANEL: dict[str, Workload] = {
    workload.name: workload
    for workload in sorted(
        (
            _shared(1, "mnist_16", mnist_16.workload, mnist_16.network),
            _shared(2, "mnist_mlp", mnist_mlp.workload, mnist_mlp.network),
            _shared(3, "gpt_4x128", gpt.workloads[0], gpt.network),
            _shared(4, "gpt_6x384", gpt.workloads[1], gpt.network),
            *(row.workload() for row in ROWS),
            Workload(
                panel_name(18, "conv2d"),
                conv2d.workload.title,
                conv2d.workload.problem,
                {
                    "numpy": conv2d.workload.peers["numpy"],
                    **on_libraries(conv2d.trial, _CONVOLUTION),
                    "step": conv2d.workload.peers["minigrad"],
                    "jax": panel_jax.convolution,
                },
            ),
            Workload(
                panel_name(22, "chain"),
                "chain (tanh(2x + 1) · sigmoid(x)).sum(), 10⁶",
                _chain_problem,
                {
                    **on_libraries(_chain, {peer: LIBRARIES[peer] for peer in LIBRARIES if peer != "torch_fused"}),
                    "jax": panel_jax.chain,
                },
            ),
        ),
        key=lambda workload: workload.name,
    )
}
"""The rows by name, in order."""
