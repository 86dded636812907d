"""How good is a model that samples its answers? pass@1, pass@k, majority vote, and how sure we may be.

A model that samples gives another answer each time, so one try tells little. Every figure here is taken over
several samples a problem and then averaged over problems: the problem, not the sample, is the unit.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


def pass_at_k(correct: Sequence[int], samples: int, k: int) -> float:
    """The chance that at least one of `k` samples is right, estimated without bias, as a mean over problems.

    `correct[i]` of the `samples` samples of problem i were right. For one problem with c right answers among
    n samples, the estimate is the share of all sets of k samples that hold a right one.

    With 4 samples of which 1 is right, two tries find it in 3 of the 6 possible pairs: pass@2 = 0.5.

    Raises ValueError unless 1 <= k <= samples.
    Source: Chen et al. 2021 (arXiv 2107.03374), equation 1.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"k must be between 1 and the {samples} samples of a problem, not {k}")
    # comb(n, k) is 0 where n < k: with too few wrong samples to fill a set of k, every set holds a right one.
    missed = [math.comb(samples - right, k) / math.comb(samples, k) for right in correct]
    return 1 - sum(missed) / len(missed)


def chance_pass_at_k(values: int, k: int) -> float:
    """pass@k of blind guessing: the chance that at least one of `k` guesses is right.

    There are `values` possible answers, all equally likely. A guesser remembers nothing: a later guess may
    repeat an earlier one. With two answers, two guesses hit with a chance of 0.75, not of 1.
    """
    return 1 - (1 - 1 / values) ** k


def majority_vote(answers: Sequence[Hashable | None]) -> Hashable | None:
    """The answer given most often; None (no answer could be read) has no vote; the first given wins a tie.

    Three votes of ten are enough if every other answer has fewer. Where there is no vote, the result is None.

    Published as cons@k, "consensus": DeepSeek-R1's paper (arXiv 2501.12948, section 3) uses 64 samples.
    """
    votes = Counter(answer for answer in answers if answer is not None)
    return votes.most_common(1)[0][0] if votes else None


@dataclass(frozen=True)
class Estimate:
    """A mean over problems with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def estimate(per_problem: Sequence[float], kinds: int = 1, seed: int = 0, resamples: int = 1000) -> Estimate:
    """The mean over problems and its 95 % bootstrap interval: problems are drawn again, with replacement.

    Samples of one problem are not independent of each other, problems are; so problems are what is redrawn.
    `kinds`: the problems are of so many kinds, as many of each, one kind after the other. Each problem is
    redrawn among its own kind: another test would have other problems, and the same kinds. (A stratified
    bootstrap.)

    Where all values are the same, the interval has no width: nothing was seen to vary. Of 16 problems that
    are all right one may only say that more than about 0.83 of all such are (a 95 % bound).
    """
    values = torch.tensor(per_problem, dtype=torch.float64)
    if values.numel() == 0:
        raise ValueError("there is nothing to average: no problem was evaluated")
    if values.numel() % kinds:
        raise ValueError(f"{values.numel()} problems cannot be as many of each of {kinds} kinds")
    means = _resampled_means(values.view(kinds, -1), seed, resamples)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Estimate(values.mean().item(), low, high)


def _resampled_means(values: Tensor, seed: int, resamples: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    kinds, each = values.shape
    drawn = torch.randint(each, (resamples, kinds, each), generator=generator)
    return values[torch.arange(kinds).unsqueeze(1), drawn].mean(dim=(1, 2))


@dataclass(frozen=True)
class Decomposition:
    """pass@1 taken apart: pass@1 = works x right_when_working + (1 - works) x right_when_direct.

    `works` is the share of samples that work step by step. A mean over no samples is given as 0: nothing is
    known of it, and in `pass_at_1` the weight in front of it is 0.
    """

    works: float
    right_when_working: float
    right_when_direct: float

    @property
    def pass_at_1(self) -> float:
        return self.works * self.right_when_working + (1 - self.works) * self.right_when_direct


def decompose(right: Tensor, worked: Tensor) -> Decomposition:
    """Take pass@1 apart into how often the model works step by step, and how well it does when it does.

    `right` and `worked` are boolean, [samples]: was the answer right, and was it worked out step by step?
    If 3 of 4 samples are worked and 2 of those 3 are right, works = 0.75 and right_when_working = 0.667.
    Where no sample is worked, or every one is, the mean over no samples is 0.
    """
    right, worked = right.double(), worked.bool()
    works = worked.double().mean().item()
    when_working = right[worked].mean().item() if worked.any() else 0.0
    when_direct = right[~worked].mean().item() if (~worked).any() else 0.0
    return Decomposition(works, when_working, when_direct)


def split_gain(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    """What pass@1 gained, in two parts that add up to it: by choosing, and by skill.

    By choosing: what would have been gained by a model that works as often as the one after, and in either
    mode is right as often as the one *before*. By skill: what is gained on top of that. (A mode that the
    model before never used counts as never right, for want of samples.)

    Work in a quarter before and always after, right in 0.4 of worked answers before and 0.7 after, and never
    right without: 0.1 becomes 0.7, and of this 0.3 is by choosing and 0.3 by skill.
    """
    choosing = (after.works - before.works) * (before.right_when_working - before.right_when_direct)
    return choosing, after.pass_at_1 - before.pass_at_1 - choosing
