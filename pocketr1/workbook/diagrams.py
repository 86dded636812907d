"""Diagrams of what lessons 03 to 05 build: a block, turned pairs, a number that lands on a token, latent
attention, experts at work.

They take an empty axis of `figures.canvas` and draw on it. All follow the rules of `figures`: colour never
stands alone, and every number that a picture shows is written in it or in its sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
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


def draw_load_over_steps(ax: Axes, steps: Sequence[int], shares: Any, title: str = "") -> None:
    """Who got how much of the tokens while a router learned: one band for each expert, from the fullest up.

    `shares` [steps, experts], each row summing to 1. The bands are ordered by the last step. Those that end
    with 0.04 or more have their expert's number at the right; a dashed line says where each band would end if
    all were equally wide.
    """
    table = numbers(shares)
    order = table[-1].argsort()[::-1]
    tops = table[:, order].cumsum(axis=1)
    bottom = table[:, 0] * 0
    for place, number in enumerate(order):
        shade = PALE[place % len(PALE)]
        ax.fill_between(steps, bottom, tops[:, place], facecolor=shade, edgecolor="#555555", linewidth=0.6)
        if table[-1, number] >= 0.04:
            middle = (bottom[-1] + tops[-1, place]) / 2
            ax.text(steps[-1], middle, f"  {number}: {table[-1, number]:.2f}", va="center", fontsize=9)
        bottom = tops[:, place]
    for place in range(1, len(order)):
        ax.axhline(place / len(order), color=colours.grey, lw=0.6, ls=":", marker="")
    last = max(steps[-1], steps[0] + 1)
    ax.set(xlim=(steps[0], last), ylim=(0, 1), xlabel="step", ylabel="share of all visits", title=title)
    ax.grid(False)


def draw_flow(
    ax: Axes, words: Sequence[str], weights: Any, chosen: Any, experts: int, title: str = ""
) -> None:
    """Tokens on their way to their experts: a line for each visit, the wider the larger its weight.

    `weights` and `chosen` [tokens, active], the likeliest expert first: its line is solid, the others are
    dashed. Below each expert a bar shows how many visits it gets, with the count; the dotted line is an even
    load. An expert that nobody visits is hatched.
    """
    table, places = numbers(weights), numbers(chosen).astype(int)
    load = [int((places == number).sum()) for number in range(experts)]
    even = places.size / experts
    for slot in reversed(range(places.shape[1])):
        ends = (places[:, slot] + 0.5) / experts
        ways = [[((n + 0.5) / len(words), 0.97), (end, 0.06)] for n, end in enumerate(ends)]
        widths = 0.3 + 2.6 * table[:, slot]
        colour, dashes = (colours.blue, "-") if slot == 0 else (colours.orange, "--")
        lines = LineCollection(ways, linewidths=widths, colors=colour, linestyles=dashes, alpha=0.75)
        lines.set_in_layout(False)
        ax.add_collection(lines)
    for token, word in enumerate(words):
        ax.text((token + 0.5) / len(words), 1.0, word, rotation=90, ha="center", va="bottom", fontsize=9)
    tallest = 0.75 / max(max(load), 2 * even)
    for number, count in enumerate(load):
        left, height = (number + 0.12) / experts, max(count * tallest, 0.02)
        shade, hatch = (colours.sky, "") if count else ("white", "////")
        ax.add_patch(
            Rectangle((left, 0), 0.76 / experts, -height, facecolor=shade, edgecolor="black", hatch=hatch)
        )
        ax.text((number + 0.5) / experts, 0.0, str(number), ha="center", va="bottom", fontsize=9)
        plate = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        below = -height - 0.035
        ax.text((number + 0.5) / experts, below, str(count), ha="center", va="top", fontsize=9, bbox=plate)
    ax.axhline(-even * tallest, color=colours.vermillion, ls=":", lw=1.5, marker="")
    ax.text(1.0, -even * tallest, f" even: {even:.1f}", va="center", fontsize=9, color=colours.vermillion)
    ax.set(xlim=(0, 1), ylim=(-0.9, 1.35), title=title)
    ax.axis("off")


def draw_latent(ax: Axes) -> None:
    """Latent attention at DeepSeek-V3's sizes: what a token leaves in the cache, and what is made of it."""
    ax.set(xlim=(0, 14), ylim=(-0.7, 4.1), aspect="equal")
    ax.axis("off")
    kept = FancyBboxPatch(
        (4.3, -0.1), 3.1, 3.5, boxstyle="round,pad=0.05", facecolor="white", edgecolor="black", linestyle="--"
    )
    ax.add_patch(kept)
    ax.text(5.85, 3.6, "the cache: 576 numbers", ha="center", fontsize=10.5, fontweight="bold")
    _box(ax, 0.2, 1.3, 2.4, 0.9, "a token\n7,168 numbers", PALE[5])
    _box(ax, 4.6, 2.1, 2.5, 0.9, "latent\n512 numbers", PALE[0])
    _box(ax, 4.6, 0.2, 2.5, 0.9, "turned key\n64 numbers", PALE[4])
    for height, says in ((2.9, "128 keys, of 128 numbers each"), (1.75, "128 values, of 128 numbers each")):
        _box(ax, 9.5, height, 4.3, 0.75, says, PALE[2])
    _box(ax, 9.5, 0.27, 4.3, 0.75, "one key for all 128 heads", PALE[4])
    _arrow(ax, (2.7, 1.95), (4.5, 2.5))
    _arrow(ax, (2.7, 1.55), (4.5, 0.75))
    _arrow(ax, (7.2, 2.65), (9.4, 3.25))
    _arrow(ax, (7.2, 2.45), (9.4, 2.1))
    _arrow(ax, (7.2, 0.65), (9.4, 0.65))
    ax.text(
        11.65, 1.32, "made when needed, never kept", ha="center", va="center", fontsize=9.5, style="italic"
    )
    ax.text(
        11.65, -0.15, "knows where the token stands", ha="center", va="center", fontsize=9.5, style="italic"
    )
    ax.text(3.3, 2.5, "down", ha="center", fontsize=9.5)
    ax.text(8.25, 3.2, "up", ha="center", fontsize=9.5)
    ax.text(3.3, 0.72, "turn", ha="center", fontsize=9.5)


def draw_amounts(
    ax: Axes,
    amounts: Sequence[float],
    names: Sequence[str],
    across: str,
    chosen: int | None = None,
    decimals: int = 0,
) -> None:
    """Amounts as bars from the top down, each with its number; the chosen one has another colour and a
    mark."""
    values = numbers(amounts)
    rows = range(len(values))
    looks = [colours.vermillion if row == chosen else colours.sky for row in rows]
    ax.barh(rows, values, color=looks, height=0.7)
    for row, value in enumerate(values):
        mark = " ◀" if row == chosen else ""
        ax.text(value, row, f" {value:,.{decimals}f}{mark}", va="center", fontsize=9.5)
    ax.set_yticks(list(rows), names)
    ax.set(xlim=(0, 1.22 * max(values)), ylim=(len(values) - 0.4, -0.6), xlabel=across)
    ax.grid(False)


def draw_factors(ax: Axes, causes: Sequence[str], factors: Sequence[float], whole: str) -> None:
    """A whole that one factor after the other makes smaller: what each takes away, and what is left.

    Each row has its factor in its name. What a cause takes away is hatched.
    """
    left = 1.0
    rows, says = [(left, 0.0)], [whole]
    for cause, factor in zip(causes, factors, strict=True):
        rows.append((left * factor, left - left * factor))
        says.append(f"× {factor:.3g}  {cause}")
        left *= factor
    for row, (kept, gone) in enumerate(rows):
        ax.barh(row, kept, color=colours.sky, edgecolor="black", height=0.62)
        ax.barh(row, gone, left=kept, color="white", edgecolor="#9A9A9A", hatch="////", height=0.62)
        ax.text(kept + gone + 0.012, row, f"{kept:.1%} left", va="center", fontsize=10)
    ax.set_yticks(range(len(rows)), says)
    ax.set(xlim=(0, 1.18), ylim=(len(rows) - 0.45, -0.55))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    ax.grid(False)
