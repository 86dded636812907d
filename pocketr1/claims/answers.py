"""What a model answers to test problems, answer by answer: one set of answers serves several claims."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..evaluation import Decomposition, decompose, pass_at_k
from ..fast_writing import FastWriter
from ..generation import Sampling
from ..model import LanguageModel
from ..report_card import LONGEST, Part
from ..rewards import ACCURACY
from ..rollouts import Rollouts, roll_out
from ..worlds import problems

KEPT = ("right", "worked", "lengths", "language")
"""The fields of `Answers` that are tensors."""


@dataclass(frozen=True)
class Answers:
    """What a model answered to the test problems of some parts: all tensors are [problems, samples].

    `right`, `worked`: was it right, was it worked out step by step? `lengths`: in tokens, the end token
    included. `language`: the share of its language words that are in the question's language. The problems
    of a part stand together, in the order of `parts`.
    """

    parts: Sequence[Part]
    right: Tensor
    worked: Tensor
    lengths: Tensor
    language: Tensor

    def of(self, parts: Sequence[Part]) -> "Answers":
        """The answers to the problems of these parts alone."""
        each = len(self.right) // len(self.parts)
        rows = torch.cat([self.parts.index(part) * each + torch.arange(each) for part in parts])
        kept = (tensor[rows] for tensor in (self.right, self.worked, self.lengths, self.language))
        return Answers(parts, *kept)

    @property
    def pass_at_1(self) -> float:
        return self.right.double().mean().item()

    def pass_at(self, k: int) -> float:
        """pass@k; k may not be larger than the number of samples."""
        return pass_at_k(self.right.sum(dim=1).tolist(), self.right.shape[1], k)

    @property
    def apart(self) -> Decomposition:
        """pass@1 taken apart: how often the model works, and how well it does then."""
        return decompose(self.right.flatten(), self.worked.flatten())

    def length(self, of: Tensor) -> float:
        """The mean length of some answers, `of` bool [problems, samples]; 0 if there are none."""
        lengths = self.lengths[of].double()
        return lengths.mean().item() if len(lengths) else 0.0

    @property
    def consistency(self) -> float:
        """The mean share of the question's language, over worked answers; 1 if there are none."""
        worked = self.language[self.worked].double()
        return worked.mean().item() if len(worked) else 1.0

    def numbers(self, arm: str) -> dict[str, float]:
        """pass@1 of an arm, what stands behind it, and how long its answers are."""
        apart = self.apart
        return {
            f"pass@1, {arm}": self.pass_at_1,
            f"works, {arm}": apart.works,
            f"right if working, {arm}": apart.right_when_working,
            f"right if direct, {arm}": apart.right_when_direct,
            f"tokens, {arm}": self.length(self.lengths > 0),
            f"tokens if working, {arm}": self.length(self.worked),
        }


def answer(model: LanguageModel, parts: Sequence[Part], count: int, samples: int, seed: int) -> Answers:
    """Let a model answer `count` test problems of each part, `samples` times each, at temperature 1."""
    writer, generator = FastWriter(model), torch.Generator().manual_seed(seed)
    columns: dict[str, list[Tensor]] = {key: [] for key in KEPT}
    for part in parts:
        asked = problems(*part, count, seed, "test")
        rollouts = roll_out(writer, asked, samples, ACCURACY, Sampling(LONGEST), generator)
        for key, values in _of_each_answer(rollouts).items():
            columns[key].append(values.view(count, samples))
    return Answers(parts, *(torch.cat(columns[key]) for key in KEPT))


def _of_each_answer(rollouts: Rollouts) -> dict[str, Tensor]:
    pairs = zip(rollouts.problems, rollouts.readings, strict=True)
    return {
        "right": rollouts.right,
        "worked": rollouts.worked,
        "lengths": rollouts.lengths,
        "language": torch.tensor([reading.consistency(problem.language) for problem, reading in pairs]),
    }
