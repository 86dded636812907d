"""Run claims seed by seed, and report what is recorded."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import recorded_results as results
from .claim import SEEDS, Claim, SeedRecord, false_success, verdict

WIDTH = 26


def run(claim: Claim, folder: Path = results.FOLDER) -> Iterator[str]:
    """Run the seeds that are not recorded yet, record each as it ends, and then report. Yields lines.

    It can be stopped at any time: the next call goes on with the first seed that is missing.
    """
    for seed in SEEDS:
        if seed in results.read(claim, folder):
            continue
        start = time.perf_counter()
        numbers = {name: float(number) for name, number in claim.measure(seed).items()}
        seconds = round(time.perf_counter() - start, 2)
        record = SeedRecord(
            numbers, seconds, results.experiment_of(claim), results.versions(), results.commit()
        )
        results.add(claim, seed, record, folder)
        yield f"seed {seed}: {_numbers(numbers)}  ({'yes' if claim.holds(numbers) else 'no'})"
    yield from report(claim, folder)


def report(claim: Claim, folder: Path = results.FOLDER) -> Iterator[str]:
    """One claim in full: the published figure and its conditions, ours seed by seed, and the verdict."""
    records = results.read(claim, folder)
    yield f"{claim.name}: {claim.statement}"
    for label, text in (
        ("published", claim.published),
        ("measured here", claim.here),
        ("a seed agrees if", claim.decides),
        ("where it misleads", claim.misleads),
    ):
        yield f"  {label:<17} {text}"
    for seed, record in sorted(records.items()):
        holds = "yes" if claim.holds(record.numbers) else "no"
        yield f"  seed {seed:<12} {holds:<4} {_numbers(record.numbers)}"
    yield f"  {'verdict':<17} {verdict(claim, records)}"
    if any(record.experiment != results.experiment_of(claim) for record in records.values()):
        yield "  (The experiment's code was changed after some of these seeds were recorded.)"


def table(claims: Sequence[Claim], folder: Path = results.FOLDER) -> Iterator[str]:
    """All claims and their verdicts, and what luck alone would give."""
    for claim in claims:
        yield f"{claim.name:<{WIDTH}} {verdict(claim, results.read(claim, folder))}"
        yield f"{'':<{WIDTH}} {claim.statement}"
    directions = sum(not claim.exact for claim in claims)
    if directions:
        yield (
            f"If there were nothing in any of the {directions} claims that are decided by direction, "
            f"at least one would come out as true with a chance of {false_success(directions):.0%}."
        )


def _numbers(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())
