"""R1-Zero while it learns, in pictures: an answer read step by step, and how long answers are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..programs import ProgramError, run_program
from ..replay import TRIES, Look, Recording, questions
from ..report_card import LONGEST
from ..worlds import LANGUAGES, Problem, judge, read
from ..worlds.vocabulary import ANSWER, END
from .figures import canvas, colours

THEN, WAIT = ({getattr(known, word) for known in LANGUAGES.values()} for word in ("then", "wait"))
MODES = {
    "direct": ("white", "////"),
    "worked, wrong": (colours.orange, ""),
    "worked, right": (colours.blue, ""),
}
"""The look of each kind of answer in a histogram."""

WIDTH = 3
"""Tokens in one bar of a histogram."""


def lines_of(problem: Problem, text: str) -> list[tuple[str, str]]:
    """An answer to a question of `calc` or `run`, a line for each step, and what is to be said of it.

    A step is right if it makes of the list before it what its operation makes: a step after a slip can be
    right.
    """
    groups: list[list[str]] = [[]]
    for word in text.split():
        if word in THEN | WAIT | {ANSWER}:
            groups.append([])
        if word != END:
            groups[-1].append(word)
    lines, lists = [], [problem.given]
    for group in groups:
        remark = ""
        if group and group[0] in THEN | WAIT:
            before = lists[-2] if group[0] in WAIT and len(lists) > 1 else lists[-1]
            lists = lists[:-1] if group[0] in WAIT and len(lists) > 1 else lists
            made = _digits(group[2:])
            lists.append(made)
            remark = _about(group[1:2], before, made)
        elif group and group[0] == ANSWER:
            said = read(text).answer
            remark = "no answer" if said is None else _verdict(problem, said)
        lines.append((" ".join(group), remark))
    return [line for line in lines if line[0]]


def _digits(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(word) for word in words if word.isdigit())


def _about(operation: Sequence[str], before: tuple[int, ...], made: tuple[int, ...]) -> str:
    try:
        wanted = run_program(operation, before)
    except ProgramError:
        wanted = ()
    if not operation or not wanted:
        return "✗ no step"
    return "✓" if made == wanted else f"✗ a slip: {' '.join(map(str, wanted))}"


def _verdict(problem: Problem, said: tuple[str, ...]) -> str:
    return "✓ right" if judge(problem, said) is None else f"✗ wrong: {' '.join(problem.answer)}"


def draw_answer(ax: Axes, problem: Problem, text: str, title: str) -> None:
    """One answer, a line for each step, with a remark beside it."""
    for row, (line, remark) in enumerate(lines_of(problem, text)):
        ax.text(0, -row, line, family="monospace", fontsize=10, va="top")
        shade = colours.vermillion if remark.startswith("✗") else colours.blue
        ax.text(0.58, -row, remark, fontsize=10, va="top", color=shade)
    ax.set(xlim=(0, 1), ylim=(-8.4, 0.4))
    ax.set_title(title, loc="left")
    ax.axis("off")


def draw_lengths(
    ax: Axes, lengths: Sequence[int], right: Sequence[int], worked: Sequence[int], title: str = ""
) -> None:
    """How long answers are, as shares of all answers: direct ones, and worked ones, wrong and right."""
    answers = list(zip(lengths, right, worked, strict=True))
    kinds = (
        [length for length, _, work in answers if not work],
        [length for length, good, work in answers if work and not good],
        [length for length, good, work in answers if work and good],
    )
    edges = range(0, LONGEST + WIDTH + 1, WIDTH)
    ax.hist(
        kinds,
        bins=list(edges),
        weights=[[1 / len(answers)] * len(kind) for kind in kinds],
        stacked=True,
        color=[look[0] for look in MODES.values()],
        edgecolor="black",
        linewidth=0.6,
        hatch=[look[1] for look in MODES.values()],
        label=list(MODES),
    )
    mean = sum(lengths) / len(lengths)
    ax.axvline(mean, color=colours.black, ls="--", lw=1.4, marker="", label="mean of all")
    ax.set(xlabel="tokens", ylabel="share of answers", ylim=(0, 0.8), xlim=(0, 60), title=title)


def summary(look: Look) -> str:
    """What a look shows, in words."""
    count = len(look.right)
    shares = (sum(flags) / count for flags in (look.right, look.worked))
    right, worked = (f"{share:.2f}" for share in shares)
    return (
        f"of {count} answers to test problems {right} are right, {worked} are worked, and their mean length"
        f" is {sum(look.lengths) / count:.0f} tokens"
    )


def draw_replay(recorded: Recording, number: int, step: int) -> tuple[Figure, str]:
    """What the recorded run wrote to question `number` after so many steps, and the lengths of its answers
    then; with the same in words. `step` is one that was recorded."""
    look = next(look for look in recorded.looks if look.step == step)
    problem, text = questions()[number], look.answers[number]
    fig, [left, right] = canvas(columns=2, width=9.4, height=3.6, shares=(1.25, 1))
    draw_answer(left, problem, text, f"Step {step}:  {' '.join(problem.prompt)}")
    draw_lengths(right, look.lengths, look.right, look.worked, "all answers to test problems")
    right.legend(fontsize=9, loc="upper right")
    said = f"After {step} steps: {' '.join(problem.prompt)} {text.removesuffix(END).strip()} "
    said += f"({lines_of(problem, text)[-1][1]}). Of {TRIES} such tries {look.hits[number]} are right;"
    return fig, f"{said} {summary(look)}."
