"""Draw the README's picture, docs/what_you_do.svg, from the package itself: `python docs/make_picture.py`.

The wrong answer is examined, and the training is run: neither the message nor the curve is invented. The file
is plain SVG with rounded coordinates, so that the same package gives the same bytes.
"""

import math
import textwrap
from html import escape
from pathlib import Path

import torch
from torch import Tensor

from pocketr1.welcome import learn_sums
from pocketr1.workbook import examine

PICTURE = Path(__file__).with_name("what_you_do.svg")
STEPS = 600
WIDTH, HEIGHT, PANEL, GAP = 960, 264, 304, 24
INK, SOFT, BLUE, VERMILLION = "#1F2328", "#59636E", "#0072B2", "#B34700"

CODE = """\
def scores(query, key):
    d = query.shape[-1]
    return query @ key.mT / d"""


def scores(query: Tensor, key: Tensor) -> Tensor:
    """The wrong answer of the picture: the square root is missing."""
    return query @ key.mT / query.shape[-1]


def picture() -> str:
    """The whole SVG, as text."""
    panels = [
        _panel(0, "1  You write a few lines", _code()),
        _panel(1, "2  The check names the mistake", _diagnosis()),
        _panel(2, "3  You watch the idea at work", _curve([record.right for record in learn_sums(STEPS)])),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif">'
    )
    return "\n".join(
        [head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FFFFFF"/>', *panels, "</svg>", ""]
    )


def _panel(number: int, title: str, inside: list[str]) -> str:
    x = number * (PANEL + GAP)
    size = f'width="{PANEL - 2}" height="{HEIGHT - 43}"'
    frame = f'<rect x="1" y="41" {size} rx="6" fill="#F6F8FA" stroke="#D1D9E0"/>'
    heading = _text(2, 26, title, size=17, weight="bold")
    return "\n".join([f'<g transform="translate({x},0)">', frame, heading, *inside, "</g>"])


def _text(
    x: int, y: int, words: str, size: int = 14, colour: str = INK, weight: str = "normal", mono: bool = False
) -> str:
    family = (
        ' font-family="Menlo, Consolas, DejaVu Sans Mono, monospace" xml:space="preserve"' if mono else ""
    )
    style = f'font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {style}{family}>{escape(words)}</text>'


def _code() -> list[str]:
    lines = [_text(16, 80 + 24 * row, line, mono=True) for row, line in enumerate(CODE.splitlines())]
    return [*lines, _text(16, 188, "check(scores)", mono=True, colour=BLUE)]


def _diagnosis() -> list[str]:
    first, *details = examine("attention.scores", scores).message.splitlines()
    first = first.split(" (")[0]  # brackets say what else comes to the same: that is for the learner
    lines = textwrap.wrap(first, width=38)
    words = [_text(16, 72 + 22 * row, line, size=15, colour=VERMILLION) for row, line in enumerate(lines)]
    below = 72 + 22 * len(lines) + 4
    parts = [part for line in details for part in textwrap.wrap(line.strip(), width=38)]
    shown = [_text(16, below + 18 * row, part, size=12, mono=True) for row, part in enumerate(parts)]
    return words + shown


def _curve(right: list[float]) -> list[str]:
    left, top, width, height = 44, 84, 240, 120
    every = math.ceil(len(right) / 60)
    points = " ".join(
        f"{left + round(width * step / len(right))},{top + round(height * (1 - share))}"
        for step, share in list(enumerate(right))[::every]
    )
    return [
        _text(16, 66, "right guesses at 100 sums, no answer ever shown", size=12, colour=SOFT),
        f'<path d="M{left},{top} V{top + height} H{left + width}" fill="none" stroke="{SOFT}"/>',
        f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="3"/>',
        _text(6, top + 5, "100 %", size=11, colour=SOFT),
        _text(20, top + height + 4, "0 %", size=11, colour=SOFT),
        _text(left, top + height + 20, f"{len(right)} steps of training", size=12, colour=SOFT),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
