"""Diagrams of what the lessons build: a block, turned pairs, a number that lands on a token, experts at work,
latent attention, stages of training, a model's answer.

They take an empty axis of `figures.canvas` and draw on it. All follow the rules of `figures`: colour never
stands alone, and every number that a picture shows is written in it or in its sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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


def draw_stages(ax: Axes, starts: Mapping[str, str], handed: Mapping[str, str]) -> None:
    """Stages of training, each from the model that it starts from; `starts` is in the order of time.

    A solid arrow hands on a model. A dashed one hands on documents: `handed` names, for a stage, the one
    that wrote them. What is no stage itself stands at the left, or below if no other starts from it.
    """
    stages = list(starts)
    roots = list(dict.fromkeys(start for start in starts.values() if start not in starts))
    column = {name: (place + 1.0, 0.0) for place, name in enumerate(stages)}
    column |= {name: (0.0, 1.2 * place) for place, name in enumerate(roots)}
    for stage, start in starts.items():
        (left, low), (right, high) = column[start], column[stage]
        far = right - left > 1.1
        style = {"arrowstyle": "-|>", "color": colours.blue, "lw": 2, "shrinkA": 0, "shrinkB": 0}
        bend = {"connectionstyle": "arc3,rad=-0.32"} if far else {}
        ends = ((left, low + 0.3), (right, high + 0.3)) if far else ((left + 0.4, low), (right - 0.4, high))
        ax.annotate("", ends[1], ends[0], arrowprops=style | bend)
    for stage, writer in handed.items():
        style = {"arrowstyle": "-|>", "color": colours.vermillion, "lw": 2, "linestyle": "--"}
        ends = (column[writer][0], -0.3), (column[stage][0], -0.3)
        ax.annotate("", ends[1], ends[0], arrowprops=style | {"connectionstyle": "arc3,rad=0.45"})
        middle = (ends[0][0] + ends[1][0]) / 2
        ax.text(middle, -0.66, "documents", ha="center", va="top", fontsize=9.5, color=colours.vermillion)
    for name, (left, low) in column.items():
        shade = PALE[5] if name in roots else PALE[2] if "RL" in name else PALE[4]
        _box(ax, left - 0.38, low - 0.28, 0.76, 0.56, name.replace(" ", "\n", 1), shade)
    top = max(1.25, 1.2 * len(roots) - 0.6)
    ax.set(xlim=(-0.5, len(stages) + 0.5), ylim=(-0.95, top))
    ax.axis("off")


def draw_languages(ax: Axes, words: Sequence[str], openers: Mapping[str, bool], width: float) -> None:
    """What a model wrote, a line for each step. `openers` are the words that open a line: True for those of
    the question's language, which are blue; the others are vermillion and marked. `width` is that of the
    figure, in inches.
    """
    lines: list[list[str]] = [[]]
    for word in words:
        if word in openers or word == "<answer>":
            lines.append([])
        lines[-1].append(word)
    for row, line in enumerate(line for line in lines if line):
        head = line[0] if line[0] in openers else ""
        ink = colours.blue if openers.get(head, True) else colours.vermillion
        look: dict[str, Any] = {"family": "monospace", "fontsize": 10.5, "va": "center"}
        ax.text(0, -row, head, color=ink, fontweight="bold", **look)
        ax.text(8 if head else 0, -row, " ".join(line[1:] if head else line), **look)
        if head and not openers[head]:
            ax.text(34, -row, "◀ the other language", color=ink, **look)
    ax.set(xlim=(0, width * 11.4), ylim=(-7.6, 0.8))
    ax.axis("off")


GAUGES = {
    "reward": ("reward", "accuracy"),
    "groups without contrast": ("silent_groups",),
    "entropy, a token": ("entropy",),
    "tokens an answer": ("length_right", "length_wrong"),
    "loss": ("loss",),
    "norm of the gradient": ("gradient_norm",),
    "largest ratio": ("ratio_max",),
    "share of clipped tokens": ("clipped",),
}
"""The gauges of a dashboard, and the numbers that each shows."""
WHILE_UPDATING = ("loss", "gradient_norm", "ratio_max", "clipped")
"""What there is only in steps with an update, that is, where a group has contrast."""


def draw_dashboard(
    axes: Sequence[Axes], log: Mapping[str, Sequence[float]], healthy: Mapping[str, Sequence[float]]
) -> None:
    """Eight gauges of a GRPO training, each over its steps, with a healthy training in grey behind.

    `log` and `healthy` hold numbers by name: "step", and those of `GAUGES`. What a step did not have, such as
    the length of right answers where none was right, is left out. The norm of the gradient is drawn in
    proportion up to 1, and in powers of ten above.
    """
    for ax, (title, names) in zip(axes, GAUGES.items(), strict=True):
        for name in names:
            ax.plot(healthy["step"], _there(healthy, name), color="#B4B4B4", linestyle="-", marker="", lw=3)
        for name, (colour, dashes, _) in zip(names, LOOKS, strict=False):
            label = name.replace("_", " ")
            look: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": ".", "markersize": 4}
            ax.plot(log["step"], _there(log, name), label=label, **look)
        if len(names) > 1:
            ax.legend(fontsize=8, loc="best")
        ax.set_title(title, fontsize=10)
        if title != "loss":
            ax.set_ylim(bottom=0)
    axes[5].set_yscale("symlog", linthresh=1.0)
    for ax in axes[:2]:
        ax.set_ylim(-0.03, 1.05)


def _there(log: Mapping[str, Sequence[float]], name: str) -> list[float]:
    """The numbers of one name, and NaN, which is not drawn, in the steps that had none."""
    if name in WHILE_UPDATING:
        gone = [silent == 1 for silent in log["silent_groups"]]
    else:
        gone = [name.startswith("length") and value == 0 for value in log[name]]
    return [math.nan if missing else value for value, missing in zip(log[name], gone, strict=True)]


def draw_triangle(ax: Axes, paths: Mapping[str, Any], corners: Sequence[str]) -> None:
    """Three probabilities that change, as a path in a triangle: the nearer to a corner, the likelier is what
    stands there.

    Each path is [steps, 3]. All begin at a ring, and each ends at a marker of its own.
    """
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
    outline = places[[0, 1, 2, 0]].T
    ax.plot(*outline, color=colours.grey, linestyle="-", linewidth=1.2, marker="")
    for (name, path), (colour, dashes, marker) in zip(paths.items(), LOOKS, strict=False):
        across, up = (numbers(path) @ places).T
        ax.plot(across, up, color=colour, linestyle=dashes, linewidth=1.6, marker="")
        ax.plot(across[:1], up[:1], color="white", marker="o", markersize=9, markeredgecolor="black")
        ax.plot(across[-1:], up[-1:], color=colour, linestyle=dashes, marker=marker, markersize=9, label=name)
    for (across, up), name, side in zip(places, corners, (-1, -1, 1), strict=True):
        ax.text(across, up + 0.07 * side, name, ha="center", va="center", fontsize=10)
    ax.set(xlim=(-0.15, 1.15), ylim=(-0.16, 1.0), aspect="equal")
    ax.axis("off")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), fontsize=9.5)
