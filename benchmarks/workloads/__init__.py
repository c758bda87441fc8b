"""All workloads, by name."""

from benchmarks.workload import Workload
from benchmarks.workloads import chain, checkpoint, conv2d, mnist_16, mnist_mlp, scalar, trainer

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        mnist_16.workload,
        mnist_mlp.workload,
        conv2d.workload,
        *scalar.workloads,
        *chain.workloads,
        trainer.workload,
        checkpoint.workload,
    )
}
