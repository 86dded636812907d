"""Whose code ran: which pieces of the learner's library some work called, and who wrote each.

A piece is what an exercise asks for. What counts is that it was called, not that it was imported.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .catalogue import Exercise, exercises
from .figures import colours
from .journal import read_book
from .mine import NAME


@dataclass(frozen=True)
class Used:
    """A piece that was called: its exercise's name, "attention.scores", its lesson, "02", and whose it is."""

    name: str
    lesson: str
    yours: bool


def pieces_called(work: Callable[[], object]) -> list[Used]:
    """Do the work, and note which pieces of `mine` it calls; in the order of the course.

    The work must call `mine`, not the course's own package. It is slower than usual while it is watched.
    """
    owners = {code: exercise for exercise in exercises() for code in _codes(exercise)}
    called: set[str] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code in owners:
            called.add(owners[frame.f_code].name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    book = read_book()
    return [
        Used(exercise.name, exercise.lesson, book.is_yours(exercise.name))
        for exercise in exercises()
        if exercise.name in called
    ]


def _codes(exercise: Exercise) -> Iterator[CodeType]:
    """The code of an exercise's piece in `mine`: of a class, that of each of its methods."""
    piece = getattr(importlib.import_module(f"{NAME}.{exercise.module}"), exercise.function)
    for function in vars(piece).values() if inspect.isclass(piece) else [piece]:
        code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
        if code is not None:
            yield code


def draw_pieces(ax: Axes, used: list[Used]) -> None:
    """One box a piece, one row a lesson. Yours are filled and named in bold; those on loan are hatched."""
    lessons = list(dict.fromkeys(piece.lesson for piece in used))
    rows = {lesson: [piece for piece in used if piece.lesson == lesson] for lesson in lessons}
    for row, lesson in enumerate(lessons):
        for place, piece in enumerate(rows[lesson]):
            look: dict[str, Any] = {"facecolor": "#D6E8F4", "edgecolor": colours.blue, "linewidth": 1.5}
            if not piece.yours:
                look = {"facecolor": "white", "edgecolor": "#B8B8B8", "linewidth": 0.8, "hatch": "////"}
            ax.add_patch(Rectangle((place + 0.03, row + 0.1), 0.94, 0.8, **look))
            weight = "bold" if piece.yours else "normal"
            plate = {"boxstyle": "round,pad=0.1", "facecolor": look["facecolor"], "edgecolor": "none"}
            name = piece.name.partition(".")[2].replace("_", "\n", 1)
            ax.text(
                place + 0.5,
                row + 0.5,
                name,
                ha="center",
                va="center",
                fontsize=8.5,
                weight=weight,
                bbox=plate,
            )
    ax.set(xlim=(0, max(map(len, rows.values()), default=1)), ylim=(len(lessons), 0))
    ax.set_yticks([row + 0.5 for row in range(len(lessons))], [f"lesson {lesson}" for lesson in lessons])
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
