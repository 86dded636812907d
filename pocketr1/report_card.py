"""How a model does on the toy world, by skill and by level: pass@1, and what stands behind it.

Behind a pass@1 stand two questions: how often does the model work step by step, and how well does it do when
it does? Length, format and language are measured on the same samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from .evaluation import Decomposition, Estimate, decompose, estimate, pass_at_k
from .generation import Sampling, Writer
from .rewards import ACCURACY
from .rollouts import Rollouts, roll_out
from .worlds import HARDER_LEVELS, TRAINED_LEVELS, chance, problems

Part = tuple[str, int]
"""A skill and a level of the toy world."""

PARTS: tuple[Part, ...] = tuple(
    (skill, level)
    for skill, levels in TRAINED_LEVELS.items()
    for level in levels
    if level > 1 or skill == "write"
)
"""What is trained and tested from the base on. Level 1 of `calc` and `run` needs no steps in between."""

HARDER_PARTS: tuple[Part, ...] = tuple(
    (skill, level) for skill, levels in HARDER_LEVELS.items() for level in levels
)
"""Harder than anything in the corpus."""

LONGEST = 72
"""Five steps take 43 tokens, and each one that is taken back 6 more: nearly all completions fit in."""


@dataclass(frozen=True)
class Result:
    """How a model does on one part of the world.

    `per_problem` holds the share of right samples of each problem, `samples` how many there were of each.
    `length` is in tokens, the end token included; `tidy` the share of completions that keep to the format;
    `consistency` the share of language words that are in the language of the question, over worked
    completions; `chance` what blind guessing reaches at pass@1. `kinds`: of how many parts it is the result
    (see `together`).
    """

    per_problem: tuple[float, ...]
    samples: int
    parts: Decomposition
    length: float
    tidy: float
    consistency: float
    chance: float
    kinds: int = 1

    @property
    def pass_at_1(self) -> Estimate:
        return estimate(self.per_problem, self.kinds)

    def pass_at(self, k: int) -> float:
        """pass@k; k may not be larger than `samples`."""
        return pass_at_k([round(share * self.samples) for share in self.per_problem], self.samples, k)


def evaluate(
    writer: Writer,
    parts: Sequence[Part] = PARTS,
    count: int = 16,
    samples: int = 16,
    seed: int = 7,
    temperature: float = 1.0,
) -> dict[Part, Result]:
    """Let a model answer `count` test problems of each part, `samples` times each: its result, part by part.

    The problems are the same ones for every model, and no training problem is among them.
    """
    generator = torch.Generator().manual_seed(seed)

    def result_of(part: Part) -> Result:
        asked = problems(*part, count, seed, "test")
        return result(
            roll_out(writer, asked, samples, ACCURACY, Sampling(LONGEST, temperature), generator), samples
        )

    return {part: result_of(part) for part in parts}


def many_tries(
    writer: Writer, parts: Sequence[Part] = PARTS, count: int = 16, samples: int = 64, seed: int = 7
) -> dict[str, dict[int, float]]:
    """pass@k at k = 1, 4, 16, ... up to `samples`, over test problems of all parts: of all answers; of the
    direct ones alone, where a worked answer counts as wrong; and of blind guessing, by the same names.

    What is solved in many tries without working may be luck. Beside the other two one sees how much of it is.
    """
    generator = torch.Generator().manual_seed(seed)
    ks = [4**power for power in range(samples.bit_length()) if 4**power <= samples]
    asked = [problem for part in parts for problem in problems(*part, count, seed, "test")]
    hits: dict[str, list[int]] = {"all answers": [], "direct answers": []}
    for problem in asked:  # one at a time: all of them at once would take gigabytes
        answers = roll_out(writer, [problem], samples, ACCURACY, Sampling(LONGEST), generator)
        hits["all answers"].append(int(answers.right.sum()))
        hits["direct answers"].append(int((answers.right & ~answers.worked).sum()))
    curves = {name: {k: pass_at_k(right, samples, k) for k in ks} for name, right in hits.items()}
    return curves | {"guessing": {k: _mean([chance(problem, k) for problem in asked]) for k in ks}}


def result(rollouts: Rollouts, samples: int) -> Result:
    """What rollouts of one part show; the first `samples` rows belong to the first problem, and so on."""
    right, worked = rollouts.right, rollouts.worked
    readings = list(zip(rollouts.problems, rollouts.readings, strict=True))
    consistent = [reading.consistency(problem.language) for problem, reading in readings if reading.worked]
    return Result(
        per_problem=tuple(right.double().view(-1, samples).mean(dim=1).tolist()),
        samples=samples,
        parts=decompose(right, worked),
        length=rollouts.lengths.double().mean().item(),
        tidy=_mean([reading.tidy for _, reading in readings]),
        consistency=_mean(consistent),
        chance=_mean([chance(problem) for problem in rollouts.problems[::samples]]),
    )


def together(results: Mapping[Part, Result]) -> Result:
    """Several parts as one, with as many problems of each: all problems weigh the same."""
    each = list(results.values())
    works = [part.parts.works for part in each]
    return Result(
        per_problem=tuple(share for part in each for share in part.per_problem),
        samples=each[0].samples,
        parts=Decomposition(
            _mean(works),
            _weighted([part.parts.right_when_working for part in each], works),
            _weighted([part.parts.right_when_direct for part in each], [1 - work for work in works]),
        ),
        length=_mean([part.length for part in each]),
        tidy=_mean([part.tidy for part in each]),
        consistency=_weighted([part.consistency for part in each], works),
        chance=_mean([part.chance for part in each]),
        kinds=len(each),
    )


def transfer(base: Decomposition, trained: Decomposition, control: Decomposition) -> dict[str, float]:
    """Where the gain on a skill that was *not* trained comes from: three parts that add up to it.

    All three were measured on that skill: the `base`; the base `trained` on a neighbouring skill; and the
    `control`, the base trained for as long on something else. Each has `works`, `right_when_working`,
    `right_when_direct`, and `pass_at_1`, which is made of these three.

    Returns a dictionary:
    "any training": what the control gains over the base, at pass@1;
    "habit": what the control would gain if it worked step by step as often as the trained model, and were
    right as often as it is, when working and when direct;
    "skill": what is left up to the trained model's pass@1.

    Base 0.1, control 0.2 (always direct), trained 0.5 (always working): if the control is right in 0.3 when
    it works, any training gives 0.1, habit 0.1, skill 0.2.
    """
    of_any = control.pass_at_1 - base.pass_at_1
    with_its_habit = Decomposition(trained.works, control.right_when_working, control.right_when_direct)
    habit = with_its_habit.pass_at_1 - control.pass_at_1
    skill = trained.pass_at_1 - with_its_habit.pass_at_1
    return {"any training": of_any, "habit": habit, "skill": skill}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    pairs = zip(values, weights, strict=True)
    return sum(value * weight for value, weight in pairs) / sum(weights) if sum(weights) else 0.0
