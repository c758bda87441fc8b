"""All workloads, by name."""

from benchmarks.workload import Workload
from benchmarks.workloads import (
    attention,
    chain,
    checkpoint,
    conv2d,
    generation,
    gpt,
    mnist_16,
    mnist_mlp,
    scalar,
    trainer,
)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        mnist_16.workload,
        mnist_mlp.workload,
        *gpt.workloads,
        attention.workload,
        generation.workload,
        conv2d.workload,
        *scalar.workloads,
        *chain.workloads,
        *trainer.workloads,
        checkpoint.workload,
    )
}
