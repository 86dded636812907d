"""What a training came to, for people: one table of all models, and a card for each.

*Works* is the share of answers that work step by step; *if working* and *if direct* are the shares that are
right of those that do and of those that do not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from .model import LanguageModel
from .report_card import Part, Result, together


@dataclass
class Bill:
    """What a stage cost: floating-point operations, and seconds of one processor.

    `teacher`: for what was written to be learned from, by a teacher or by an earlier model.
    """

    training: int = 0
    rollouts: int = 0
    teacher: int = 0
    seconds: float = 0.0

    @property
    def operations(self) -> int:
        return self.training + self.rollouts + self.teacher


@dataclass
class Chapter:
    """A finished stage: its name, what its model can do, part by part, and what it cost."""

    name: str
    results: dict[Part, Result]
    bill: Bill


COLUMNS = ("pass@1 [95 %]", "chance", "works", "if working", "if direct", "tokens", "tidy", "language")


def row(result: Result) -> list[str]:
    """One evaluation as the cells of `COLUMNS`."""
    parts = result.parts
    shares = (parts.works, parts.right_when_working, parts.right_when_direct)
    return [
        str(result.pass_at_1),
        f"{result.chance:.3f}",
        *(f"{share:.2f}" for share in shares),
        f"{result.length:.0f}",
        f"{result.tidy:.2f}",
        f"{result.consistency:.2f}",
    ]


def table(chapters: list[Chapter]) -> Iterator[str]:
    """All models on all parts together, what they cost, and then pass@1 part by part: lines of text."""
    heads = ["model", *COLUMNS, "10^9 operations", "seconds"]
    cells = [
        [
            chapter.name,
            *row(together(chapter.results)),
            f"{chapter.bill.operations / 1e9:.0f}",
            f"{chapter.bill.seconds:.0f}",
        ]
        for chapter in chapters
    ]
    yield from aligned([heads, *cells])
    yield ""
    yield "pass@1 by skill and level:"
    names = [f"{skill} {level}" for skill, level in chapters[0].results]
    shares = [
        [chapter.name, *(f"{result.pass_at_1.mean:.2f}" for result in chapter.results.values())]
        for chapter in chapters
    ]
    chances = ["chance", *(f"{result.chance:.2f}" for result in chapters[0].results.values())]
    yield from aligned([["model", *names], *shares, chances])


def tries(name: str, curves: Mapping[str, Mapping[int, float]]) -> Iterator[str]:
    """pass@k of a model, a line each for all of its answers, for its direct ones, and for blind guessing."""
    ks = next(iter(curves.values()))
    yield f"pass@k of {name}:"
    shares = [[what, *(f"{share:.3f}" for share in curve.values())] for what, curve in curves.items()]
    yield from aligned([["k", *(str(k) for k in ks)], *shares])


def aligned(rows: list[list[str]]) -> Iterator[str]:
    """Cells in columns as wide as their widest."""
    widths = [max(len(line[place]) for line in rows) for place in range(len(rows[0]))]
    for line in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def markdown(rows: list[list[str]]) -> str:
    """Cells as a table in Markdown; the first row is its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True)
class Made:
    """Where a model comes from. `says`: what it was trained on; `starts`: the stage before it, if any."""

    name: str
    says: str
    starts: str | None
    seed: int
    digest: str


def card(made: Made, model: LanguageModel, chapter: Chapter) -> str:
    """A model's card, in Markdown: what it is, how it was made, what it can do, and what it cannot."""
    results = list(chapter.results.items())
    cells = [[f"{skill} {level}", *row(result)] for (skill, level), result in results]
    everything = ["all", *row(together(chapter.results))]
    return CARD.format(
        **asdict(made),
        start=f"`{made.starts}`" if made.starts else "random numbers",
        shape=shape_of(model),
        cost=cost_of(chapter.bill),
        count=len(results[0][1].per_problem),
        samples=results[0][1].samples,
        table=markdown([["problems", *COLUMNS], *cells, everything]),
    )


def shape_of(model: LanguageModel) -> str:
    """A model's size and parts in words."""
    config, size = model.config, sum(parameter.numel() for parameter in model.parameters())
    kinds = (
        f"attention: {type(config.attention).__name__}; feed-forward: {type(config.feed_forward).__name__}"
    )
    return (
        f"{size:,} parameters: {config.layers} layers of width {config.dim} ({kinds}), {config.vocab} words"
    )


def cost_of(bill: Bill) -> str:
    """What a stage cost in words."""
    return (
        f"{bill.operations / 1e9:,.0f} x 10^9 floating-point operations "
        f"(training {bill.training / 1e9:,.0f}, rollouts {bill.rollouts / 1e9:,.0f}, "
        f"writing documents {bill.teacher / 1e9:,.0f}), in {bill.seconds:.0f} seconds of one core"
    )


CARD = """# {name}

A toy language model of {shape}. It knows one small world of arithmetic and list programs, and nothing else.

- **Trained on** {says}.
- **Starts from** {start}.
- **Made by** `python -m pocketr1 train --seed {seed}`. All settings were chosen on seeds from 100 up.
- **Cost** {cost}.
- **SHA-256 of the weights** `{digest}`

## What it can do

{count} test problems of each kind, {samples} samples of each at temperature 1. No training problem is among
them, by construction. *Works*: the share of answers that work step by step. *Tokens*: the mean length of an
answer. *Tidy*: the share that keeps to the format. *Language*: the share of language words that are in the
question's language, in worked answers.

{table}

## Limits

This is one seed in a small world. It shows a mechanism, and says nothing about large models. Worked
answers were in the base's corpus: reinforcement chooses them, and makes them better, and hardly invents
them. Levels above those in the table were never trained; expect chance there. A "language" is three
made-up words. Writing programs of two steps was not learned: blind guessing does as well. DeepSeek-R1 has
latent attention and experts; the models of this course are dense. One with both was not as far after
equal time: see `docs/worlds_tried.md`.
"""
