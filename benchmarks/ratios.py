"""How anything is timed here: CPU seconds, one thread, the rivals in turn within one process.

Absolute times on a laptop drift by a third. Rivals that take turns drift together, so their ratio does not.
"""

import time
from collections.abc import Callable, Mapping

import torch

torch.set_num_threads(1)

SIZE = 512


def best_seconds(rivals: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """The least CPU seconds of each rival over so many rounds; in each round all of them run, one by one.

    Everybody runs once before, unmeasured. The least is taken because whatever disturbs a run only adds.
    """
    for run in rivals.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: min(taken) for name, taken in times.items()}


def matrix_product() -> Callable[[], object]:
    """A product of two large matrices: what this machine does at its best."""
    matrix = torch.randn(SIZE, SIZE)
    return lambda: matrix @ matrix


def roofline(seconds: float) -> float:
    """Floating-point operations a second, from the seconds of one `matrix_product`."""
    return 2 * SIZE**3 / seconds
