from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from minigrad.config.code import declared_classes


class Finalized:
    """Runs Python when it is collected, which lets another thread go on wherever that happens."""

    def __del__(self) -> None:
        sum(range(50))


def test_threads_read_the_classes_of_files_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text("\n".join(f"class Layer{number}(nn.Module):\n    size = [1, (2, 3)]\n" for number in range(40)))

    def read(_: int) -> list[str]:
        cycle: list[object] = [Finalized()]
        cycle.append(cycle)
        return list(declared_classes(path))

    switches = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(read, range(200)))
    finally:
        sys.setswitchinterval(switches)
    assert answers == [[f"Layer{number}" for number in range(40)]] * 200
