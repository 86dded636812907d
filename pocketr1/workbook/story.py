"""The story of R1 as data, and its two pictures: a time line, and what the published costs cover.

Every date and figure has its source beside it. `reported` marks what was read in the press and not in a
primary text; the time line says so. "Second-hand" is a table of a paper that was read in a transcript.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, date2num

from .figures import colours

RULE, RELEASE, MARKET = "export rule", "DeepSeek", "market"

MARKS = {RULE: (colours.vermillion, "s"), RELEASE: (colours.blue, "o"), MARKET: (colours.green, "^")}


@dataclass(frozen=True)
class Event:
    """One dated event. Where only the month is known, `day` is its middle. `kind` is one of the above."""

    day: date
    what: str
    kind: str
    source: str
    reported: bool = False


EVENTS = (
    Event(date(2022, 10, 7), "US: A100 and H100 need a licence", RULE, "the rule as the press told it", True),
    Event(date(2023, 4, 15), "DeepSeek's lab is announced", RELEASE, "press", True),
    Event(date(2023, 10, 17), "US: A800 and H800 too", RULE, "the rule as the press told it", True),
    Event(date(2024, 1, 15), "DeepSeekMoE: many small experts", RELEASE, "arXiv 2401.06066"),
    Event(date(2024, 2, 15), "DeepSeekMath: GRPO", RELEASE, "arXiv 2402.03300"),
    Event(date(2024, 5, 15), "V2: latent attention", RELEASE, "arXiv 2405.04434"),
    Event(date(2024, 12, 15), "V3 and its base model", RELEASE, "arXiv 2412.19437"),
    Event(date(2025, 1, 20), "R1 and R1-Zero", RELEASE, "arXiv 2501.12948, version 1"),
    Event(date(2025, 1, 27), "Nvidia's share price falls 17 %", MARKET, "press", True),
    Event(date(2025, 9, 15), "Nature paper, with R1's hours (second-hand)", RELEASE, "Nature 645:633"),
)


@dataclass(frozen=True)
class Stage:
    """A stage of training, in thousands of hours of one H800."""

    name: str
    thousand_hours: float


V3_STAGES = (Stage("pre-training", 2664), Stage("longer context", 119), Stage("post-training", 5))
"""DeepSeek-V3's final run: arXiv 2412.19437, Table 1."""

R1_STAGES = (Stage("R1-Zero", 101), Stage("data for fine-tuning", 5), Stage("R1", 41))
"""What R1 took on top of V3's base model: arXiv 2501.12948, version 2, Table 7, second-hand."""

DOLLARS_AN_HOUR = 2.0
"""The rent of one H800 that both tables assume."""

LEFT_OUT = ("earlier research, trial runs", "failed runs, pilots", "people, purchased data, buildings")


def million_dollars(stages: tuple[Stage, ...]) -> float:
    """The rent of all stages together, in millions of dollars."""
    return sum(stage.thousand_hours for stage in stages) * DOLLARS_AN_HOUR / 1000


def draw_timeline(ax: Axes) -> None:
    """One row for each event, the first at the top. The mark stands at its date; its look says its kind."""
    for row, event in enumerate(reversed(EVENTS)):
        colour, marker = MARKS[event.kind]
        day = date2num(event.day)
        ax.plot(day, row, marker, color=colour, markersize=8)
        label = f"{event.what} (reported)" if event.reported else event.what
        late = event.day >= date(2024, 2, 1)  # late events have room on the left only
        side, room = ("right", -9) if late else ("left", 9)
        ax.annotate(
            label, (day, row), (room, 0), textcoords="offset points", ha=side, va="center", fontsize=9.5
        )
    for kind, (colour, marker) in MARKS.items():
        ax.plot([], [], marker, color=colour, markersize=8, label=kind)
    ax.legend(loc="lower left")
    ax.set(
        yticks=[], ylim=(-0.7, len(EVENTS) - 0.3), title="From the first export rule to the paper in Nature"
    )
    ax.xaxis.set_major_locator(MonthLocator(bymonth=(1, 7)))
    ax.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
    ax.spines["left"].set_visible(False)
    ax.grid(axis="y", visible=False)


def draw_costs(ax: Axes) -> None:
    """What the published figures cover, to scale; below the axis, what they leave out, with no length."""
    for height, stages, colour, source in (
        (5.0, V3_STAGES, colours.blue, "V3's report, Table 1"),
        (4.1, R1_STAGES, colours.green, "R1's paper, version 2, Table 7, second-hand"),
    ):
        width = million_dollars(stages)
        ax.barh(height, width, color=colour, height=0.6)
        ax.text(width + 0.1, height, f"{width:.3f} ({source})", va="center", fontsize=9.5)
    ax.text(0, 1.75, "In neither figure, and not published:", va="center", color=colours.vermillion)
    box = {"boxstyle": "square,pad=0.3", "facecolor": "#EFEFEF", "edgecolor": "#9A9A9A"}
    for height, what in zip((1.0, 0.3, -0.4), LEFT_OUT, strict=True):
        ax.text(0.12, height, "?", ha="center", va="center", fontsize=9.5, bbox=box)
        ax.text(0.4, height, what, va="center", fontsize=9.5)
    ax.set_yticks([5.0, 4.1], ["V3, final run", "R1, on top of V3"])
    ax.set(
        xlim=(0, 9),
        ylim=(-0.8, 5.5),
        xlabel="million dollars, at 2 dollars for an hour of one H800",
        title="What the figures cover",
    )
    # The dollar axis ends the upper part: what stands below it is not measured in dollars.
    ax.spines["bottom"].set_position(("data", 3.6))
    ax.spines["left"].set_bounds(3.6, 5.5)
    ax.grid(visible=False)
