"""Running somebody else's function safely: a limit on its time, and everything it may have touched put back.

The limit works on every system, in every thread: a watchdog raises `OutOfTime` inside the examined thread,
between two steps of its Python code, again and again until it gives in. Code that never comes back to Python
(a single endless call into a C library) is not reached; the learner's own interrupt is all that helps there.
"""

import builtins
import contextlib
import ctypes
import io
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np
import torch

Result = TypeVar("Result")

CPU_SECONDS = 10.0
"""The time that one answer may compute, over all cases. Other kernels on a busy machine do not eat it up."""

WALL_SECONDS = 60.0
"""The time that may pass in all, for code that waits and computes nothing."""

POLL_SECONDS = 0.005


class OutOfTime(BaseException):
    """The time is over. Not an Exception, so that a learner's `except Exception` does not swallow it."""


def run_limited(function: Callable[[], Result]) -> Result:
    """Call `function` and return what it returns. Whatever it raises is passed on.

    Raises:
        OutOfTime: if it took longer than CPU_SECONDS of computing, or WALL_SECONDS in all.
    """
    watchdog = _Watchdog()
    try:
        try:
            watchdog.start()
            return function()
        finally:
            watchdog.stop()
    except OutOfTime:
        watchdog.stop()  # the exception may have arrived at the very start of the stop above
        raise


class _Watchdog:
    """Raises `OutOfTime` in the thread that made it, from the limit on until it is stopped.

    No locks: an exception that arrives between taking a lock and entering its block would leave it locked for
    ever. Instead the examined thread waits until the watchdog has left its loop, and swallows the rest.
    """

    def __init__(self) -> None:
        self.examined = threading.get_ident()
        self.running = False
        self.stopping = False

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        while True:
            try:
                self.stopping = True
                while self.running:
                    time.sleep(0.001)
                for _ in range(3):
                    time.sleep(0)  # whatever is still pending arrives here
                return
            except OutOfTime:
                continue

    def _watch(self) -> None:
        self.running = True
        started, computed = time.monotonic(), time.process_time()
        while not self.stopping:
            time.sleep(POLL_SECONDS)
            late = time.process_time() - computed > CPU_SECONDS or time.monotonic() - started > WALL_SECONDS
            if late and not self.stopping:
                # It arrives when that thread next runs Python code.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.examined), ctypes.py_object(OutOfTime)
                )
        self.running = False


@dataclass
class Overheard:
    """What was said while a block ran: what it printed, and the warnings."""

    printed: str
    warned: list[warnings.WarningMessage]


@contextlib.contextmanager
def preserved() -> Iterator[Overheard]:
    """Run a block in a standard state (one thread, float32, gradients on), and put everything back after it.

    Everything is: the random state of PyTorch, NumPy and Python, grad mode, default dtype, number of threads,
    deterministic algorithms, NumPy's error handling, warnings, the standard streams, and `input`, which is
    refused inside the block.
    """
    overheard = Overheard("", [])
    said = io.StringIO()
    with contextlib.ExitStack() as stack:
        _put_back_afterwards(stack)
        stack.enter_context(np.errstate(all="ignore"))
        warned = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float32)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        sys.stdout = sys.stderr = said
        builtins.input = _no_input
        try:
            yield overheard
        finally:
            overheard.printed = said.getvalue()
            overheard.warned = list(warned)


def _put_back_afterwards(stack: contextlib.ExitStack) -> None:
    """Note what the block may change, and have the stack restore it, the last first."""
    restore: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (torch.set_rng_state, (torch.get_rng_state(),)),
        (np.random.set_state, (np.random.get_state(),)),
        (random.setstate, (random.getstate(),)),
        (torch.set_grad_enabled, (torch.is_grad_enabled(),)),
        (torch.set_default_dtype, (torch.get_default_dtype(),)),
        (torch.set_num_threads, (torch.get_num_threads(),)),
        (torch.autograd.set_detect_anomaly, (torch.is_anomaly_enabled(),)),
        (_set_deterministic, _deterministic()),
        (setattr, (sys, "stdout", sys.stdout)),
        (setattr, (sys, "stderr", sys.stderr)),
        (setattr, (builtins, "input", builtins.input)),
    ]
    for function, arguments in restore:
        stack.callback(function, *arguments)


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(on: bool, warn_only: bool) -> None:
    """Put the switch back if it was moved. To set it is slow: PyTorch imports its compiler for that."""
    if _deterministic() != (on, warn_only):
        torch.use_deterministic_algorithms(on, warn_only=warn_only)


def _no_input(*_: object) -> NoReturn:
    raise RuntimeError("input() cannot ask anybody while your answer is checked")
