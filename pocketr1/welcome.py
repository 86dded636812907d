"""The first lesson's code: shares that sum to one, and a short training that learns from rewards alone.

`shares` is the first exercise. Shares come back in every lesson: attention weights, routing weights and the
probabilities of the next token are all shares of one.

`learn_sums` is the idea of R1-Zero in its smallest form: try, let a program check the answer, make the
rewarded tries likelier. Nobody shows it an answer. All else is different: there is no language model here,
only a table, and a sum of two digits has nineteen possible answers, so that luck finds the right one soon.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .sampling import sample_inverse_cdf

DIGITS = 10
ANSWERS = 2 * DIGITS - 1  # the sum of two digits is 0, 1, ..., or 18


def shares(amounts: Tensor) -> Tensor:
    """Each amount as a share of the total of its own row.

    `amounts` [..., parts] are positive floats in one unit, such as hours. A row is what lies
    along the last axis. Returns the shares [..., parts]. They have no unit, and each row of
    them sums to one.

    The row (2, 6) becomes (0.25, 0.75). A second row (40, 60) below it becomes (0.4, 0.6).
    """
    return amounts / amounts.sum(dim=-1, keepdim=True)


@dataclass(frozen=True)
class SumsStep:
    """One step of `learn_sums`: its number, and the share of its tries that were right, before the update."""

    step: int
    right: float


def learn_sums(steps: int, tries: int = 16, learning_rate: float = 0.1, seed: int = 0) -> Iterator[SumsStep]:
    """Learn the 100 sums of two digits from rewards alone: 1 for a right answer, 0 for a wrong one. Yields
    each step.

    The policy is a table of logits, one row for each question, one column for each answer, all zero at the
    start: it guesses. In each step every question is tried `tries` times. A try's advantage is its reward
    less the mean reward of the same question's tries. REINFORCE makes the tries with a positive advantage
    likelier. Where all tries of a question are wrong, or all are right, every advantage is zero: that
    question teaches nothing in that step.

    Source: Williams 1992 (REINFORCE). The mean of the group as a baseline is GRPO's (arXiv 2402.03300),
    without its division by the standard deviation.
    """
    generator = torch.Generator().manual_seed(seed)
    digits = torch.arange(DIGITS)
    truth = (digits.unsqueeze(1) + digits).reshape(-1, 1)
    logits = torch.zeros(len(truth), ANSWERS, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=learning_rate)
    for step in range(steps):
        likely = logits.detach().softmax(dim=-1).repeat_interleave(tries, dim=0)
        answers = sample_inverse_cdf(likely, torch.rand(len(likely), generator=generator)).reshape(-1, tries)
        rewards = (answers == truth).float()
        yield SumsStep(step, rewards.mean().item())
        advantages = rewards - rewards.mean(dim=-1, keepdim=True)
        chosen = logits.log_softmax(dim=-1).gather(-1, answers)
        loss = (
            -(advantages * chosen).mean(dim=-1).sum()
        )  # each question has its own row, so each takes a whole step
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
