"""Figures: one style, colours that everybody can tell apart, and a sentence for whoever cannot see the
picture.

Every figure of a lesson goes through `show(fig, alt=...)`. The sentence is printed under the picture, because
JupyterLab drops the alternative text that a notebook stores. It says what a blind reader needs: what is
drawn, and what it shows. Being text, it is also what a test of the notebook can compare; pixels are never
compared.

The colours are those of Okabe and Ito (2008, "Color universal design"). Colour never stands alone: a line
also has its own dashes and marker, a cell its number, and a hidden cell is hatched.

Importing this module sets Matplotlib's defaults to the course's style, so that a learner's own figures match.
"""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from cycler import cycler
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Rectangle
from PIL import Image


class Palette(NamedTuple):
    """The eight colours of Okabe and Ito, as hexadecimal strings, and a grey for what stands back."""

    blue: str = "#0072B2"
    vermillion: str = "#D55E00"
    green: str = "#009E73"
    purple: str = "#CC79A7"
    orange: str = "#E69F00"
    sky: str = "#56B4E9"
    yellow: str = "#F0E442"
    black: str = "#000000"
    grey: str = "#767676"


colours = Palette()

# One look for each line of a chart: colour, dashes and marker change together.
LOOKS = (
    (colours.blue, "-", "o"),
    (colours.vermillion, "--", "s"),
    (colours.green, "-.", "^"),
    (colours.purple, ":", "D"),
    (colours.orange, "-", "v"),
    (colours.sky, "--", "P"),
    (colours.black, "-.", "X"),
)

PIXELS_PER_INCH = 96  # what a browser takes an inch to be
SHARPNESS = 2  # pixels drawn for each pixel shown, for sharp text on dense screens

STYLE = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titlepad": 9,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.0,
    "legend.frameon": False,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "axes.prop_cycle": cycler(
        color=[look[0] for look in LOOKS],
        linestyle=[look[1] for look in LOOKS],
        marker=[look[2] for look in LOOKS],
    ),
}
matplotlib.rcParams.update(STYLE)  # type: ignore[arg-type]  # its stubs list every name

# White is zero, blue is positive, vermillion is negative. Lightness alone already orders each half.
SIGNED = LinearSegmentedColormap.from_list("signed", [colours.vermillion, "#FFFFFF", colours.blue])


def canvas(
    columns: int = 1,
    rows: int = 1,
    width: float = 7.0,
    height: float = 3.2,
    shares: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """An empty figure and its axes, row by row, in one flat list: `fig, [left, right] = canvas(columns=2)`.

    `width` and `height` are those of the whole figure, in inches; `shares` says how the columns share the
    width. The figure is not registered with pyplot: nothing is drawn twice, and nothing has to be closed.
    """
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, list(fig.subplots(rows, columns, squeeze=False, width_ratios=shares).flat)


def show(fig: Figure, alt: str) -> None:
    """Show the figure, and print below it the sentence that says the same in words.

    Raises ValueError if the sentence is missing: a figure without words is lost on a blind reader.
    """
    words = in_words(alt)
    if in_notebook():
        display(*[picture(fig)], raw=True, metadata=picture_metadata(fig, alt))
    print(words)
    forget(fig)


def in_words(alt: str) -> str:
    """The sentence under a figure, in lines that fit a page."""
    sentence = " ".join(alt.split())
    if not sentence:
        raise ValueError("show(fig, alt=...) needs a sentence that says what the figure shows")
    return textwrap.fill(f"In words: {sentence}", width=100)


def in_notebook() -> bool:
    """Whether somebody is there to look: a notebook's kernel or an IPython shell."""
    return InteractiveShell.initialized()


def picture(fig: Figure) -> dict[str, Any]:
    """The figure as a notebook stores it: the pixels, and a text which is the same in every run."""
    width, height = pixels(fig)
    return {"image/png": png(fig), "text/plain": f"<Figure {width}x{height}>"}


def picture_metadata(fig: Figure, alt: str) -> dict[str, Any]:
    """How large to show the pixels, and the alternative text, for front ends that read it."""
    width, height = pixels(fig)
    return {"image/png": {"width": width, "height": height, "alt": " ".join(alt.split())}}


def pixels(fig: Figure) -> tuple[int, int]:
    """Width and height on the page, in CSS pixels."""
    width, height = fig.get_size_inches()
    return round(width * PIXELS_PER_INCH), round(height * PIXELS_PER_INCH)


def png(fig: Figure) -> bytes:
    """The figure's pixels, without version or date: the same drawing gives the same bytes.

    In 255 colours, which nobody can tell from the original here, and a third of the size: notebooks are kept
    in git.
    """
    sharp, small = io.BytesIO(), io.BytesIO()
    plain = {"compress_level": 0}  # this copy is thrown away: to compress it would take half of the time
    fig.savefig(sharp, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, pil_kwargs=plain)
    full = Image.open(sharp).convert("RGB")
    few = full.quantize(255, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def forget(fig: Figure) -> None:
    """Take the figure from pyplot, if it came from there: the end of the cell would show it again."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)


def numbers(values: Any) -> np.ndarray:
    """Lists, arrays and tensors (also those that carry gradients) as an array of float64."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values, dtype=float)


def draw_matrix(
    ax: Axes, values: Any, rows: Sequence[str], columns: Sequence[str], title: str = "", decimals: int = 0
) -> None:
    """A small matrix as a table: each cell has its number, its row and column have names.

    `values` is [rows, columns]. White is 0, blue is positive, vermillion negative. A boolean matrix reads
    "yes" and "no"; a cell of minus infinity is hatched.
    """
    boolean = str(getattr(values, "dtype", "")).endswith("bool")
    table = numbers(values)
    if table.shape != (len(rows), len(columns)):
        raise ValueError(
            f"the matrix is {table.shape}, but has {len(rows)} row and {len(columns)} column names"
        )
    finite = table[np.isfinite(table)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    shades = SIGNED(
        0.5 + 0.36 * table.clip(-largest, largest) / (largest or 1.0)
    )  # pale enough for black digits
    for row, column in np.ndindex(*table.shape):
        number = float(table[row, column])
        hidden = not np.isfinite(number) or (boolean and not number)
        ax.add_patch(_cell(row, column, "#EFEFEF" if hidden else shades[row, column], hatched=hidden))
        text = ("no", "yes")[int(number)] if boolean else _digits(number, decimals)
        ax.text(column, row, text, ha="center", va="center", fontsize=11, bbox=_plate(hidden))
    _as_table(ax, rows, columns, title)


def draw_attention(
    ax: Axes,
    weights: Any,
    queries: Sequence[str],
    keys: Sequence[str] | None = None,
    title: str = "",
    least: float = 0.10,
) -> None:
    """Who looks at whom: one row for each word that looks (query), one column for each word looked at (key).

    `weights` is [queries, keys], each row sums to 1. The darker, the more attention. A weight of exactly 0
    means that the mask hides the word: such cells are hatched. Up to 14 words, weights of `least` and more
    are written out, hidden ones never.
    """
    keys = queries if keys is None else keys
    table = numbers(weights)
    if table.shape != (len(queries), len(keys)):
        raise ValueError(f"the weights are {table.shape}, for {len(queries)} queries and {len(keys)} keys")
    for row, column in np.ndindex(*table.shape):
        weight = table[row, column]
        hidden = weight == 0
        shade = "#EFEFEF" if hidden else SIGNED(0.5 + 0.5 * weight)
        ax.add_patch(_cell(row, column, shade, hatched=hidden))
        if weight >= least and not hidden and len(keys) <= 14:
            ink = "white" if weight > 0.93 else "black"
            label = ax.text(column, row, f"{weight:.2f}", ha="center", va="center", fontsize=8.5, color=ink)
            label.set_in_layout(False)
    _as_table(ax, queries, keys, title)
    if max(len(word) for word in keys) * len(keys) > 30:
        ax.tick_params(axis="x", labelrotation=60)
    ax.set_ylabel("looking (query)")
    ax.set_xlabel("looked at (key)")
    ax.xaxis.set_label_position("top")


def draw_links(ax: Axes, weights: Any, words: Sequence[str], query: int, title: str = "") -> None:
    """One word's attention as arcs over the sentence: the wider the arc, the larger the weight.

    `weights` [keys] is the row of the word number `query`. Weights of 0.05 and more are drawn and written
    out.
    """
    row = numbers(weights)
    if row.shape != (len(words),):
        raise ValueError(f"the weights are {row.shape}, for {len(words)} words")
    seen = [key for key in range(len(words)) if row[key] >= 0.05 and key != query]
    farthest = max((abs(key - query) for key in seen), default=1)
    for key in seen:
        middle, distance = (key + query) / 2, abs(key - query)
        height = 0.9 * distance / farthest
        thickness = 1 + 5 * row[key]
        ax.add_patch(Arc((middle, 0.12), distance, 2 * height, theta2=180, lw=thickness, color=colours.blue))
        ax.text(
            middle, 0.12 + height, f"{row[key]:.2f}", ha="center", va="center", fontsize=9, bbox=_plate(True)
        )
    for place, word in enumerate(words):
        ax.text(place, 0, word, ha="center", va="center", fontweight="bold" if place == query else "normal")
    itself = f"looks\n(itself: {row[query]:.2f})" if row[query] >= 0.05 else "looks"
    ax.text(query, -0.12, itself, ha="center", va="top", fontsize=9, color=colours.vermillion)
    ax.set(xlim=(-0.6, len(words) - 0.4), ylim=(-0.45, 1.15), title=title)
    ax.axis("off")


def draw_curves(
    ax: Axes,
    steps: Sequence[float],
    series: Mapping[str, Sequence[float]],
    across: str,
    up: str,
    title: str = "",
) -> None:
    """One line for each series, over the same steps, told apart by colour, dashes and marker, with a legend.

    `across` and `up` name the two axes, with their units.
    """
    for (name, values), (colour, dashes, marker) in zip(series.items(), LOOKS, strict=False):
        every = max(1, len(steps) // 12)  # a marker here and there: on every step it would hide the line
        ax.plot(steps, values, color=colour, linestyle=dashes, marker=marker, markevery=every, label=name)
    ax.set(xlabel=across, ylabel=up, title=title)
    if len(series) > 1:
        ax.legend()


def draw_seeds(
    ax: Axes,
    recorded: Mapping[str, Sequence[float]],
    live: Mapping[str, float],
    across: str,
    bound: float | None = None,
) -> None:
    """What an experiment measured: one row for each arm, small circles for its recorded seeds, and a diamond
    for the one that ran now.

    `recorded` [arm] are the recorded seeds' numbers, `live` [arm] the one of now, for the arms that ran now.
    `bound`: where the rule that was fixed beforehand draws its line. Logarithmic, if the numbers span more
    than a factor of 1,000.
    """
    everything = [value for values in recorded.values() for value in values] + list(live.values())
    look: dict[str, Any] = {"linestyle": "", "markersize": 7, "markeredgecolor": "black"}
    for row, (arm, values) in enumerate(recorded.items()):
        before = "recorded seeds" if row == 0 else None
        ax.plot(values, [row] * len(values), marker="o", color=colours.sky, label=before, **look)
        if arm in live:
            now = "the seed that ran now" if arm == next(iter(live)) else None
            ax.plot([live[arm]], [row - 0.28], marker="D", color=colours.orange, label=now, **look)
    if bound is not None:
        everything.append(bound)
        ax.axvline(bound, color=colours.black, linestyle="--", linewidth=1.2, label="the bound")
    if max(everything) > 1000 * min(everything) > 0:
        ax.set_xscale("log")
    ax.set_yticks(range(len(recorded)), list(recorded))
    ax.set(ylim=(len(recorded) - 0.4, -0.7), xlabel=across)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.32), ncols=3, fontsize=9)


def _cell(row: int, column: int, shade: Any, hatched: bool) -> Rectangle:
    rectangle = Rectangle(
        (column - 0.5, row - 0.5), 1, 1, facecolor=shade, edgecolor="#B8B8B8", linewidth=0.8
    )
    rectangle.set_in_layout(False)  # it lies inside the axes: measuring a hundred of them would take its time
    if hatched:
        rectangle.set_hatch("////")
    return rectangle


def _plate(wanted: bool) -> dict[str, Any] | None:
    """A light plate behind a number that stands on hatching or on a line."""
    return {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"} if wanted else None


def _digits(number: float, decimals: int) -> str:
    if np.isinf(number):
        return "−∞" if number < 0 else "∞"
    return f"{number:.{decimals}f}".replace("-", "−")


def _as_table(ax: Axes, rows: Sequence[str], columns: Sequence[str], title: str) -> None:
    """Names beside the rows and above the columns, square cells, no frame."""
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), aspect="equal", title=title)
    ax.set_anchor("N")  # tables side by side start at the same height
    ax.tick_params(length=0, bottom=False, labelbottom=False, top=False, labeltop=True)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def contrast(ink: str, paper: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.1, section 1.4.3: text needs 4.5, lines need 3)."""
    first, second = sorted((_luminance(ink), _luminance(paper)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
