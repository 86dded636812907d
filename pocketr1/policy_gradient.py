"""Learning from rewards: log-probabilities of what was sampled, REINFORCE, baselines, and a bandit to see it
on.

A policy is a distribution over what to do next: over arms (a bandit) or over tokens (a language model).
Policy gradients make rewarded samples likelier. The gradient of the expected reward is

    grad E[r] = E[ r * grad log pi(sample) ]                     (Williams 1992, REINFORCE)

so a loss of -r * log pi(sample), averaged over samples drawn from pi, has minus that gradient on average.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .sampling import sample_inverse_cdf


def token_logprobs(logits: Tensor, completions: Tensor, temperature: float = 1.0) -> Tensor:
    """The log-probability that the policy gave to each token of each completion.

    `logits` [batch, prompt + new, vocab] are the model's for prompt and completion together, prompts padded
    on the left, so that all completions begin in the same column. `completions` [batch, new] are the sampled
    tokens. Returns [batch, new]. Logits at one position speak of the token at the *next* one. The policy that
    was sampled from is the softmax of logits / temperature, so the same temperature belongs here.

    Tokens after the end of a completion get a value too: leave them out with `completion_mask`.
    """
    new = completions.shape[1]
    predicting = logits[:, -new - 1 : -1] / temperature
    return predicting.log_softmax(dim=-1).gather(-1, completions.unsqueeze(-1)).squeeze(-1)


def completion_mask(lengths: Tensor, width: int) -> Tensor:
    """True at the tokens that were really sampled, the end token included: [batch] lengths -> bool [batch,
    width]."""
    return torch.arange(width, device=lengths.device) < lengths.unsqueeze(1)


def reinforce_loss(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    """REINFORCE's loss: its gradient is minus an estimate of the gradient of the expected reward.

    `logprobs` [batch, new] of the sampled tokens, with gradient; `advantages` [batch], the rewards, perhaps
    less a baseline; `mask` [batch, new], True at sampled tokens. Returns a scalar: the mean over all samples,
    the unrewarded ones included, of minus the advantage times the log-probability of the whole completion
    (the sum over its tokens).

    Source: Williams 1992, "Simple statistical gradient-following algorithms", equation 2.
    """
    whole = (logprobs * mask).sum(dim=1)
    return -(advantages.detach() * whole).mean()


def subtract_baseline(rewards: Tensor) -> Tensor:
    """Rewards [batch] less the mean of the *other* rewards (leave-one-out). Returns [batch], without
    gradient.

    A number that does not depend on the sample itself can be taken from its reward without moving the mean of
    the gradient; it makes the gradient less noisy. With one sample there are no others: the reward stays as
    it is.

    Rewards 1, 0, 0 become 1, -0.5, -0.5.
    Source: Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline for free".
    """
    rewards = rewards.detach()
    others = max(len(rewards) - 1, 1)
    return rewards - (rewards.sum() - rewards) / others


def gradient_variance(
    loss_of_batch: Callable[[int], Tensor], parameter: Tensor, batches: int
) -> tuple[Tensor, float]:
    """Mean and variance of a loss's gradient over many batches, at one fixed policy.

    `loss_of_batch(i)` samples batch i and returns its loss; `parameter` is what the gradient is taken for,
    and is never updated here. Returns the mean gradient (the parameter's shape) and the total variance: the
    mean squared distance of a batch's gradient from that mean.
    """
    gradients = torch.stack([torch.autograd.grad(loss_of_batch(i), parameter)[0] for i in range(batches)])
    mean = gradients.mean(dim=0)
    return mean, (gradients - mean).square().flatten(1).sum(dim=1).mean().item()


@dataclass(frozen=True)
class BanditStep:
    """One update of a bandit's policy: the probabilities before it [arms], the arms pulled and their
    rewards."""

    step: int
    probabilities: Tensor
    arms: Tensor
    rewards: Tensor


def train_bandit(
    payouts: Tensor, steps: int, batch: int, learning_rate: float, baseline: bool, seed: int
) -> Iterator[BanditStep]:
    """REINFORCE on a bandit: arm a pays 1 with probability `payouts[a]`, else 0. Yields a record before each
    update.

    The policy is a softmax over one logit an arm, all equal at the start. The step is plain gradient descent,
    so what is seen is the estimator and nothing else.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = torch.zeros_like(payouts, requires_grad=True)
    for step in range(steps):
        probabilities = logits.softmax(-1)
        arms = sample_inverse_cdf(
            probabilities.detach().expand(batch, -1), torch.rand(batch, generator=generator)
        )
        rewards = (torch.rand(batch, generator=generator) < payouts[arms]).float()
        yield BanditStep(step, probabilities.detach().clone(), arms, rewards)
        advantages = subtract_baseline(rewards) if baseline else rewards
        chosen = logits.log_softmax(-1)[arms].unsqueeze(1)
        loss = reinforce_loss(chosen, advantages, torch.ones_like(chosen, dtype=torch.bool))
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = (logits - learning_rate * gradient).detach().requires_grad_()
