"""REINFORCE on a language model: the policy answers, a program checks, and what was paid becomes likelier.

It is the loop of every method that learns from rewards, in its plainest form: one update for each batch of
answers, one baseline for the whole batch. Nobody shows the model a right answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from .generation import Sampling, Writer
from .model import LanguageModel
from .policy_gradient import reinforce_loss, subtract_baseline
from .rewards import Rewards
from .rollouts import policy_logprobs, roll_out
from .training import make_optimizer, update
from .worlds import Problem


@dataclass(frozen=True)
class ReinforcePlan:
    """How many steps, how many answers to each problem, and how fast the policy moves."""

    steps: int
    samples: int = 8
    learning_rate: float = 2e-3
    clip_gradient: float = 1.0
    max_new: int = 64


@dataclass(frozen=True)
class ReinforceRecord:
    """One step, measured on its answers before the update.

    `paid`: the mean reward. `right`: the share of right answers, whatever was paid. `worked`: the share that
    works step by step. `length`: tokens, the mean. `gradient_norm`: the size of the gradient.
    """

    step: int
    paid: float
    right: float
    worked: float
    length: float
    gradient_norm: float


def train_reinforce(
    model: LanguageModel,
    problems_at: Callable[[int], Sequence[Problem]],
    rewards: Rewards,
    plan: ReinforcePlan,
    seed: int,
    writer_of: Callable[[LanguageModel], Writer],
) -> Iterator[ReinforceRecord]:
    """Train `model` in place by rewards alone; yields one record a step.

    `problems_at(step)` gives the problems of a step. `writer_of(model)` is what writes the answers: the model
    itself, or a `FastWriter` of it.
    """
    optimizer = make_optimizer(model, plan.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    for step in range(plan.steps):
        sampling = Sampling(plan.max_new)
        batch = roll_out(writer_of(model), problems_at(step), plan.samples, rewards, sampling, generator)
        advantages = subtract_baseline(batch.rewards)
        loss = reinforce_loss(policy_logprobs(model, batch), advantages, batch.mask)
        norm = update(model, optimizer, [loss], plan.clip_gradient, step)
        yield ReinforceRecord(
            step,
            batch.rewards.mean().item(),
            batch.right.float().mean().item(),
            batch.worked.float().mean().item(),
            batch.lengths.float().mean().item(),
            norm,
        )
