"""Lesson 01's drawing: how two shapes line up when PyTorch combines tensors element by element.

Shapes are written under one another, flushed right. Where one of two lengths is 1, or where an axis is
missing, that side is repeated; where both are longer than 1 they must be equal. This is broadcasting, as
NumPy and PyTorch define it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .figures import colours

MOST_AXES, LONGEST = 5, 99


@dataclass(frozen=True)
class Axis:
    """One axis of both tensors: its length on the left and on the right, None where it is missing."""

    left: int | None
    right: int | None

    @property
    def lengths(self) -> tuple[int, int]:
        """Both lengths. A missing axis counts as one of length 1."""
        return self.left or 1, self.right or 1

    @property
    def fits(self) -> bool:
        """Whether the two can be combined along this axis."""
        return self.lengths[0] == self.lengths[1] or 1 in self.lengths

    @property
    def words(self) -> str:
        """What happens along this axis: "3 and 3 are equal", "the 1 on the left is repeated 4 times"."""
        left, right = self.lengths
        if left == right:
            return f"{left} and {right} are equal"
        if not self.fits:
            return f"{left} and {right} do not fit"
        side, times = ("left", right) if left == 1 else ("right", left)
        missing = (self.left if side == "left" else self.right) is None
        return f"the {'missing axis' if missing else '1'} on the {side} is repeated {times} times"


def read_shape(text: str) -> tuple[int, ...]:
    """A shape from what somebody typed, such as "3, 1", "[3 1]" or nothing at all for a single number.

    Raises ValueError with a sentence that says what to type.
    """
    words = text.translate(str.maketrans(",()[]x", "      ")).split()
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= LONGEST for word in words):
        raise ValueError(f"'{text}' is not a shape. Type whole numbers from 1 to {LONGEST}, such as 3, 1.")
    if len(words) > MOST_AXES:
        raise ValueError(f"'{text}' has {len(words)} axes. Here is room for {MOST_AXES}.")
    return tuple(int(word) for word in words)


def line_up(left: Sequence[int], right: Sequence[int]) -> list[Axis]:
    """The axes of both shapes side by side, the last ones together. The first axis comes first."""
    return [Axis(*pair) for pair in zip_longest(reversed(left), reversed(right))][::-1]


def result_of(axes: Sequence[Axis]) -> tuple[int, ...] | None:
    """The shape of the result; None if an axis does not fit."""
    return tuple(max(axis.lengths) for axis in axes) if all(axis.fits for axis in axes) else None


def line_up_in_words(left: Sequence[int], right: Sequence[int]) -> str:
    """The drawing's twin: what happens at each axis, from the last to the first, and the result."""
    axes = line_up(left, right)
    result = result_of(axes)
    places = [f"Axis {-place}: {axis.words}." for place, axis in enumerate(reversed(axes), 1)]
    end = "PyTorch raises an error." if result is None else f"The result is {list(result)}."
    return " ".join([f"{list(left)} and {list(right)}.", *places, end])


def draw_line_up(ax: Axes, left: Sequence[int], right: Sequence[int], title: str = "") -> None:
    """Both shapes under one another, flushed right, and the shape of the result below them.

    A box with a number is an axis; a dashed one is missing and counts as 1. What is repeated is orange and
    says how often. An axis that does not fit is marked with a cross.
    """
    axes = line_up(left, right)
    for place, axis in enumerate(axes):
        for row, (length, other) in enumerate(((axis.left, axis.right), (axis.right, axis.left))):
            _draw_length(ax, place, row, length, other or 1)
        fits = axis.fits
        shown = str(max(axis.lengths)) if fits else "✗"
        _box(ax, place, 2.25, "#CFE3F1" if fits else "#F6D5C4", "-")
        ax.text(place, 2.25, shown, ha="center", va="center", fontsize=13, fontweight="bold")
        ax.text(place, 2.93, f"axis {place - len(axes)}".replace("-", "−"), ha="center", fontsize=8.5)
    result = result_of(axes)
    names = ("left", "right", "result" if result is not None else "error")
    for height, name in zip((0, 1, 2.25), names, strict=True):
        ax.text(-0.65, height, name, ha="right", va="center")
    if not axes:
        ax.text(0, 1, "no axes: single numbers", ha="left", va="center")
    ax.set(xlim=(-1.7, max(len(axes), 2) - 0.3), ylim=(3.05, -0.55), aspect="equal", title=title)
    ax.set_anchor("N")
    ax.axis("off")


def _draw_length(ax: Axes, place: int, row: int, length: int | None, other: int) -> None:
    repeated = (length or 1) == 1 and other > 1
    _box(ax, place, row, "#FBE9C6" if repeated else "white", "--" if length is None else "-")
    number = "" if length is None else str(length)
    ax.text(place, row - (0.1 if repeated else 0), number, ha="center", va="center", fontsize=13)
    if repeated:
        ax.text(place, row + 0.27, f"× {other}", ha="center", va="center", fontsize=9)


def _box(ax: Axes, place: float, row: float, shade: str, line: str) -> None:
    corner = (place - 0.44, row - 0.44)
    ax.add_patch(Rectangle(corner, 0.88, 0.88, facecolor=shade, edgecolor=colours.grey, linestyle=line))
