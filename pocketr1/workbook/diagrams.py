"""Diagrams of what lesson 03 builds: a block, turned pairs, and a uniform number that lands on a token.

They take an empty axis of `figures.canvas` and draw on it. All follow the rules of `figures`: colour never
stands alone, and every number that a picture shows is written in it or in its sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from .figures import LOOKS, colours, numbers

PALE = ("#D6E8F4", "#FBE3D3", "#D5EFE6", "#F6E4EE", "#FBEFD0", "#DFF1FB")
"""Light tints of the palette's first colours: black text stands on them."""


def draw_block(ax: Axes) -> None:
    """A pre-norm block: x runs through on a straight line, and two parts read from it and add to it."""
    ax.set(xlim=(0, 12), ylim=(-0.8, 2.6), aspect="equal")
    ax.axis("off")
    _arrow(ax, (0.3, 0), (11.7, 0), width=3)
    ax.text(0.1, 0.25, "x", fontsize=13, fontweight="bold")
    ax.text(11.3, 0.25, "x", fontsize=13, fontweight="bold")
    for start, name, says in (
        (0.9, "attention", "other tokens are read here"),
        (6.4, "feed-forward", "each token by itself"),
    ):
        _branch(ax, start, name, says)
    ax.text(6.0, -0.45, "the residual stream: only sums, no norm", ha="center", va="top", fontsize=9.5)


def _branch(ax: Axes, start: float, name: str, says: str) -> None:
    end = start + 4.6
    ax.plot([start, start], [0, 1.6], color=colours.blue, linestyle="-", marker="")
    _arrow(ax, (start, 1.6), (start + 0.45, 1.6))
    _box(ax, start + 0.5, 1.2, 1.1, 0.8, "norm", PALE[2])
    _arrow(ax, (start + 1.6, 1.6), (start + 2.05, 1.6))
    _box(ax, start + 2.1, 1.2, 2.0, 0.8, name, PALE[0] if name == "attention" else PALE[1])
    ax.plot([start + 4.1, end], [1.6, 1.6], color=colours.blue, linestyle="-", marker="")
    _arrow(ax, (end, 1.6), (end, 0.32))
    ax.add_patch(Circle((end, 0), 0.3, facecolor="white", edgecolor="black", zorder=3))
    ax.text(end, -0.02, "+", ha="center", va="center", fontsize=15, zorder=4)
    ax.text(start + 3.1, 2.2, says, ha="center", fontsize=9.5, style="italic")


def _box(ax: Axes, left: float, bottom: float, width: float, height: float, text: str, shade: str) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (left, bottom), width, height, boxstyle="round,pad=0.02", facecolor=shade, edgecolor="black"
        )
    )
    ax.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=10.5)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], width: float = 2) -> None:
    style = {"arrowstyle": "-|>", "color": colours.blue, "lw": width, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


def draw_turns(ax: Axes, turns: Any, names: Sequence[str], title: str = "") -> None:
    """Turns as the hands of a clock: complex numbers of length one, or pairs of numbers [hands, 2], with a
    name at each tip."""
    hands = [complex(turn) for turn in turns]
    ax.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor="#B8B8B8"))
    for place, (hand, name) in enumerate(zip(hands, names, strict=True)):
        colour = LOOKS[place % len(LOOKS)][0]
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (hand.real, hand.imag), (0, 0), arrowprops=style)
        ax.text(1.2 * hand.real, 1.2 * hand.imag, name, ha="center", va="center", fontsize=10)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal", title=title)
    ax.axis("off")


def draw_shares(
    ax: Axes, shares: Sequence[float], names: Sequence[str], chosen: int | None = None, title: str = ""
) -> None:
    """Shares as bars from the top down, each with its number; the chosen one has another colour, and an
    arrow."""
    values = numbers(shares)
    rows = range(len(values))
    looks = [colours.vermillion if row == chosen else colours.sky for row in rows]
    ax.barh(rows, values, color=looks, height=0.7)
    for row, value in enumerate(values):
        mark = "  ← drawn" if row == chosen else ""
        ax.text(value + 0.015, row, f"{value:.2f}{mark}", va="center", fontsize=9.5)
    ax.set_yticks(list(rows), names)
    ax.set(xlim=(0, 1.3), ylim=(len(values) - 0.4, -0.6), xlabel="probability", title=title)
    ax.set_xticks([0, 0.5, 1])
    ax.grid(False)


def draw_stretches(
    ax: Axes, shares: Sequence[float], names: Sequence[str], uniform: float, title: str = ""
) -> None:
    """The shares side by side on a line from 0 to 1, and a uniform number that lands on one of them.

    Stretches wide enough are named.
    """
    left = 0.0
    for place, (share, name) in enumerate(zip(numbers(shares), names, strict=True)):
        hatch = "//" if left <= uniform < left + share else ""
        ax.add_patch(
            Rectangle((left, 0), share, 1, facecolor=PALE[place % len(PALE)], edgecolor="black", hatch=hatch)
        )
        if share * 60 > len(name):
            plate = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            ax.text(left + share / 2, 0.5, name, ha="center", va="center", fontsize=10, bbox=plate)
        left += share
    style = {"arrowstyle": "-|>", "color": colours.vermillion, "lw": 2}
    ax.annotate(f"{uniform:.2f}", (uniform, 1.0), (uniform, 1.9), ha="center", arrowprops=style)
    ax.set(xlim=(-0.01, max(1.0, math.fsum(numbers(shares))) + 0.01), ylim=(0, 2.2), title=title)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(False)
