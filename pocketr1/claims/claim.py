"""What a claim is, what one seed records, and when a claim counts as come true.

The rule is fixed before anything is run. A claim says in code what decides one seed (`holds`). Seeds 0 to 4
are run once, and recorded as they come out. It is 'same direction in 5 of 5 seeds', or it is 'not reproduced
here'. All else (choosing sizes, learning rates, worlds) is done on seeds from 100 up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

SEEDS = range(5)

Numbers = Mapping[str, float]
"""What one seed measured, by name: of the arm in question and of its control."""


@dataclass(frozen=True)
class Claim:
    """A published claim, and the experiment that tests its direction here.

    `published`: its figure, with conditions and source. `here`: what is measured, and against which control.
    `decides`: `holds` in words. `misleads`: where this toy says less than it seems to. `tried`: what was
    tried on other seeds. `measure(seed)` runs all arms of one seed. `exact`: nothing
    but rounding depends on the seed, so `holds` is an error bound, not a direction.
    """

    name: str
    statement: str
    published: str
    here: str
    decides: str
    misleads: str
    measure: Callable[[int], Numbers]
    holds: Callable[[Numbers], bool]
    exact: bool = False
    tried: str = ""

    def texts(self) -> list[tuple[str, str]]:
        """What a report says of the claim beside its numbers: labels and texts."""
        labelled = [
            ("published", self.published),
            ("measured here", self.here),
            ("a seed agrees if", self.decides),
            ("where it misleads", self.misleads),
            ("also tried", self.tried),
        ]
        return [(label, text) for label, text in labelled if text]


@dataclass(frozen=True)
class SeedRecord:
    """One seed's result: what was measured, how long it took, and of what version of the experiment it is.

    `experiment`: a digest of the source of the claim's module. `versions`: of Python and PyTorch. `commit`:
    of the course, or "unknown".
    """

    numbers: dict[str, float]
    seconds: float
    experiment: str
    versions: dict[str, str]
    commit: str


def sign_test(agreeing: int, seeds: int) -> float:
    """The chance that all of `seeds` coins fall on one given side; 1 unless all agree.

    One-sided, for the only outcome that counts as a success here: 5 of 5 gives 1/32 = 0.03.
    """
    return 0.5**seeds if agreeing == seeds else 1.0


def false_success(claims: int) -> float:
    """The chance that at least one of so many claims succeeds by luck, with nothing in any of them."""
    return 1 - (1 - sign_test(len(SEEDS), len(SEEDS))) ** claims


def verdict(claim: Claim, records: Mapping[int, SeedRecord]) -> str:
    """What the recorded seeds say."""
    agreeing = sum(claim.holds(record.numbers) for record in records.values())
    if len(records) < len(SEEDS):
        return f"not decided: {len(records)} of {len(SEEDS)} seeds recorded" if records else "not run yet"
    if agreeing < len(SEEDS):
        return f"not reproduced here: {agreeing} of {len(SEEDS)} seeds"
    if claim.exact:
        return f"true within its bound in {agreeing} of {len(SEEDS)} seeds"
    luck = sign_test(agreeing, len(SEEDS))
    return f"same direction in {agreeing} of {len(SEEDS)} seeds (one-sided sign test, p = {luck:.2f})"
