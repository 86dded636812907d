"""What importing the library adds to importing torch."""

import subprocess
import sys
from collections.abc import Iterator
from statistics import median

IMPORTS = {
    "torch": "import torch",
    "the library": "import torch, pocketr1.grpo_training, pocketr1.fast_writing, pocketr1.distillation",
}
ROUNDS = 5
LIMIT = 0.2

CHILD = """
import time
start = time.process_time()
{statement}
print(time.process_time() - start)
"""


def measure() -> Iterator[str]:
    """The seconds that our imports add, as the median difference of runs that took turns."""
    added = [_seconds(IMPORTS["the library"]) - _seconds(IMPORTS["torch"]) for _ in range(ROUNDS)]
    yield (
        f"importing training, writing and distillation adds {median(added):.2f} s to importing torch "
        f"(limit {LIMIT} s)"
    )


def _seconds(statement: str) -> float:
    child = [sys.executable, "-c", CHILD.format(statement=statement)]
    return float(subprocess.run(child, capture_output=True, text=True, check=True).stdout)
