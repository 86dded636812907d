"""An exercise that no lesson has, and a notebook without Jupyter, for tests of the checks."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pocketr1.checks.specification import Case, Check, Mistake
from pocketr1.workbook.catalogue import Exercise
from pocketr1.workbook.course import ExerciseEntry


def centre(x: Tensor, scale: float = 1.0) -> Tensor:
    """Each row less its mean, times `scale`."""
    return scale * (x - x.mean(dim=-1, keepdim=True))


def centre_stub(x: Tensor, scale: float = 1.0) -> Tensor:
    """Each row less its mean, times `scale`."""
    raise NotImplementedError("centre is yours to write")


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


CENTRE = Check(
    expected=lambda x, scale=1.0: scale * (x - x.sum(-1, keepdim=True) / x.shape[-1]),
    cases=(
        Case("one row", lambda: (torch.tensor([[1.0, 2.0, 6.0]]),)),
        Case("two rows", lambda: (_normal(2, 5), 2.0)),
        Case("a stack", lambda: (_normal(2, 3, 4), -1.5)),
    ),
    mistakes=(
        Mistake("over_all", "one mean is taken of all rows", lambda x, scale=1.0: scale * (x - x.mean())),
        Mistake(
            "mean_detached",
            "no gradient flows through the mean",
            lambda x, scale=1.0: scale * (x - x.detach().mean(-1, keepdim=True)),
        ),
        Mistake(
            "scale_lost",
            "the scale is lost",
            lambda x, scale=1.0: x - x.mean(-1, keepdim=True),
        ),
    ),
    why="A row less its mean sums to zero.",
)


@dataclass(frozen=True)
class MadeUp(Exercise):
    """An exercise with everything given."""

    stub: Callable[..., Any]  # type: ignore[assignment]
    reference: Callable[..., Any]  # type: ignore[assignment]
    check: Check  # type: ignore[assignment]


def made_up(function: str, stub: Any, reference: Any, check: Check) -> MadeUp:
    return MadeUp(ExerciseEntry(f"made_up.{function}", 1, "core", 1), "99", stub, reference, check)


@dataclass
class Notebook:
    """Cells that run one after the other in one namespace, with their text where tracebacks look for it."""

    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def cell(self, text: str) -> None:
        filename = f"<cell {next(_NUMBERS)}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        exec(compile(text, filename, "exec", dont_inherit=True), self.namespace)

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]


_NUMBERS = itertools.count()
