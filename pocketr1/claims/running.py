"""Run claims seed by seed, and report what is recorded."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import recorded_results as results
from .claim import SEEDS, Claim, SeedRecord, false_success, verdict

WIDTH = 26


def run(claims: Sequence[Claim], folder: Path = results.FOLDER) -> Iterator[str]:
    """Run the seeds that are not recorded yet, record each as it ends, and then report. Yields lines.

    Seed by seed, and claim by claim in each: claims that share a training have it once. It can be stopped at
    any time: the next call goes on with the first seed that is missing.
    """
    for seed in SEEDS:
        for claim in claims:
            if seed not in results.read(claim, folder):
                yield _run_seed(claim, seed, folder)
    for claim in claims:
        yield from report(claim, folder)


def _run_seed(claim: Claim, seed: int, folder: Path) -> str:
    """Run and record one seed of a claim. Returns what there is to say of it."""
    start = time.perf_counter()
    numbers = {name: float(number) for name, number in claim.measure(seed).items()}
    seconds = round(time.perf_counter() - start, 2)
    record = SeedRecord(numbers, seconds, results.experiment_of(claim), results.versions(), results.commit())
    results.add(claim, seed, record, folder)
    return f"{claim.name}, seed {seed}: {_numbers(numbers)}  ({'yes' if claim.holds(numbers) else 'no'})"


def report(claim: Claim, folder: Path = results.FOLDER) -> Iterator[str]:
    """One claim in full: the published figure and its conditions, ours seed by seed, and the verdict."""
    records = results.read(claim, folder)
    yield f"{claim.name}: {claim.statement}"
    for label, text in claim.texts():
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
    yield from luck(claims)


def luck(claims: Sequence[Claim]) -> Iterator[str]:
    """How easily one of the claims would come out as true by chance: a line, or none if all are exact."""
    directions = sum(not claim.exact for claim in claims)
    if directions:
        yield (
            f"If there were nothing in any of the {directions} claims that are decided by direction, and "
            "they were independent of each other, at least one would come out as true with a chance of at "
            f"most {false_success(directions):.0%}."
        )


def _numbers(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())
