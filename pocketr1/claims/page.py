"""All claims on one page, in Markdown: docs/claims.md. `python -m pocketr1 claims page` writes it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..workbook.files import ROOT, write_atomically
from . import recorded_results as results
from .claim import SEEDS, Claim, SeedRecord, verdict
from .running import luck

PAGE = ROOT / "docs" / "claims.md"
HEAD = """# Published claims, tested here

Each claim below was published about large models, and is tested here on toys: one claim takes minutes of a
laptop, the whole page some hours. A toy can show the *direction* of an effect, never its size. What decides a
seed was fixed before seeds 0 to 4 were run. A claim counts as come true only if all five seeds agree.

Seeds are run once. There is one exception: the nine claims about reinforcement learning and distillation
were run a second time, with nothing changed in what decides, after a fault had been found in the trainer: it
learned from what rounding leaves of equal rewards. Each verdict was the same, but for the shorter wrong
answers of Dr. GRPO: 2 of 5 seeds agreed in the first run, 4 of 5 in the second. Neither is enough.

`python start.py claims run NAME` runs the seeds that are missing, `python start.py claims NAME` prints one
claim. This page is written by `python start.py claims page`, and not by hand.
"""


def write(claims: Sequence[Claim], path: Path = PAGE, folder: Path = results.FOLDER) -> None:
    """Write the page anew from the recorded results."""
    write_atomically(path, page(claims, folder))


def page(claims: Sequence[Claim], folder: Path = results.FOLDER) -> str:
    """The whole page: a table of all verdicts, and each claim in full."""
    return "\n".join([HEAD, *_overview(claims, folder), *_sections(claims, folder)])


def _overview(claims: Sequence[Claim], folder: Path) -> Iterator[str]:
    yield from _table(
        ["claim", "verdict here"],
        [
            [f"[{claim.statement}](#{claim.name})", verdict(claim, results.read(claim, folder))]
            for claim in claims
        ],
    )
    yield from luck(claims)
    yield ""


def _sections(claims: Sequence[Claim], folder: Path) -> Iterator[str]:
    for claim in claims:
        records = results.read(claim, folder)
        yield f"## {claim.name}\n\n{claim.statement}\n"
        yield from (f"- **{label}**: {text}" for label, text in claim.texts())
        yield f"- **verdict**: {verdict(claim, records)}\n"
        if records:
            yield from _seeds(claim, records)


def _seeds(claim: Claim, records: Mapping[int, SeedRecord]) -> Iterator[str]:
    """One row for each thing that was measured, one column for each seed."""
    seeds = [seed for seed in SEEDS if seed in records]
    names = records[seeds[0]].numbers
    rows = [[name, *(f"{records[seed].numbers[name]:.4g}" for seed in seeds)] for name in names]
    commits = ["recorded at", *(f"`{records[seed].commit}`" for seed in seeds)]
    agrees = ["**agrees**", *("yes" if claim.holds(records[seed].numbers) else "no" for seed in seeds)]
    yield from _table(["", *(f"seed {seed}" for seed in seeds)], [*rows, agrees, commits])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from ("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
    yield ""
