import platform
import subprocess
import sys

import pytest

ROUND = """
import resource, sys
import numpy as np
from minigrad.parallel import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def faults(n):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n):
        np.ones(2**20, np.float32).sum()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep freed memory")
def test_a_new_array_in_the_place_of_a_freed_one_costs_no_page_faults():
    def faults(how):
        done = subprocess.run([sys.executable, "-c", ROUND, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("keep") < 20  # of some 20 x 1,024 pages
