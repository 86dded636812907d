"""How much slower than the reference an answer is, measured so that a busy machine does not count."""

import time
from collections.abc import Callable
from typing import Any

import torch

from ..checks.specification import Case
from .limits import OutOfTime, run_limited

SLOWER, SLOWER_BY_SECONDS = 10, 0.002
"""A right answer is slow if a call takes this many times as long as the reference's, and this much longer."""

REPEATS = 5


def times_as_long(candidate: Callable[..., Any], reference: Callable[..., Any], case: Case) -> float | None:
    """How many times as long the candidate takes, to one digit; None unless it is much slower."""
    try:
        ours, theirs = seconds(reference, case), run_limited(lambda: seconds(candidate, case))
    except (Exception, OutOfTime):  # it was right on this case, with gradients; that is enough
        return None
    if theirs < SLOWER * ours or theirs - ours < SLOWER_BY_SECONDS:
        return None
    return float(f"{theirs / ours:.0e}")


def seconds(function: Callable[..., Any], case: Case) -> float:
    """The shortest of a few runs: whatever else the machine does can only make a run longer."""
    best = float("inf")
    with torch.no_grad():
        for _ in range(REPEATS):
            arguments = case.arguments()
            started = time.perf_counter()
            function(*arguments)
            best = min(best, time.perf_counter() - started)
            if best > 1:
                break
    return best
