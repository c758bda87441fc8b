import os
import platform
import subprocess
import sys

import pytest

ROUND = """
import resource
import numpy as np
import minigrad
def faults(n):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n):
        np.ones(2**20, np.float32).sum()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(20))
"""

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")


def faults(**environment):
    """The page faults of 20 arrays of 1,024 pages, each freed before the next."""
    inherited = {name: value for name, value in os.environ.items() if name != "MINIGRAD_KEEP_MEMORY"}
    done = subprocess.run(
        [sys.executable, "-c", ROUND], capture_output=True, text=True, check=True, env={**inherited, **environment}
    )
    return int(done.stdout)


@on_glibc
def test_a_new_array_in_the_place_of_a_freed_one_costs_no_page_faults_once_minigrad_is_imported():
    assert faults() < 20


@on_glibc
def test_a_variable_of_the_environment_leaves_freed_memory_to_the_system():
    # 64 KiB is where glibc maps each block by itself, whatever it has learned of earlier ones. A fault brings in one
    # page of 4 KiB or, where the system has huge pages, 512 of them: 20,480 faults or some 60, never less than one an
    # array
    assert faults(MINIGRAD_KEEP_MEMORY="0", MALLOC_MMAP_THRESHOLD_="65536") >= 20
