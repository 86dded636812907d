"""Group relative policy optimisation: the loss, piece by piece, and the variants that were published since.

For each prompt the old policy writes a *group* of completions. A completion's advantage is its reward
compared with its group's, so no critic is needed. The loss raises the probability of what did better than its
group:

    -mean over completions of  mean over tokens of  [ min(rho A, clip(rho, 1 - low, 1 + high) A) - beta k3 ]

Sources: DeepSeekMath (arXiv 2402.03300, equation 3, per token with a 1/length mean), DeepSeek-R1 (arXiv
2501.12948, equations 1-3), Dr. GRPO (arXiv 2503.20783: no division by the group's std, no 1/length), DAPO
(arXiv 2503.14476: one mean over all tokens, a higher upper clip, groups without contrast left out).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Normaliser = Literal["sequence", "token", "constant"]


def group_advantages(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    """How much better each completion did than its own group.

    `rewards` [batch]: the first `group_size` belong to the first prompt, the next to the second, and so on.
    Returns [batch]: reward minus the group's mean, divided by the group's standard deviation (the
    population's: root of the mean squared distance) plus 1e-6, so that a group of equal rewards is not 0/0.
    With `divide_by_std=False` the division is left out: Dr. GRPO.

    (Where rounding moves the mean of equal rewards, such a group is not quite at zero. A trainer leaves it
    out.)

    Rewards 1, 0, 0, 1 in a group of four become 1, -1, -1, 1.
    Source: DeepSeek-R1 (arXiv 2501.12948), equation 3; Dr. GRPO (arXiv 2503.20783), section 3.
    """
    groups = rewards.detach().reshape(-1, group_size)
    advantages = groups - groups.mean(dim=1, keepdim=True)
    if divide_by_std:
        advantages = advantages / (groups.std(dim=1, keepdim=True, correction=0) + 1e-6)
    return advantages.reshape(-1)


def ratio(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
    """How many times likelier each token is now than when it was sampled: pi(token) / pi_old(token).

    Both are log-probabilities of the sampled tokens, [batch, new]. Returns [batch, new], with a gradient
    through the current policy only.
    """
    return torch.exp(logprobs - old_logprobs.detach())


def clipped_objective(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    """The smaller of ratio x advantage and clipped ratio x advantage, token by token: what is to be raised.

    `ratios` [batch, new], `advantages` [batch], one for all tokens of a completion. Returns [batch, new]. The
    clipped ratio lies between 1 - low and 1 + high. Where the clip is the smaller, the token gives no
    gradient.

    Ratio 1.5 with advantage +1 gives 1.2 and no gradient; with advantage -1 it gives -1.5, and a gradient.
    Source: Schulman et al. 2017 (arXiv 1707.06347), equation 7; DAPO's clip-higher: high > low.
    """
    each = advantages.detach().unsqueeze(1)
    return torch.minimum(ratios * each, ratios.clamp(1 - low, 1 + high) * each)


def k3(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    """An estimate of KL(pi || pi_ref), token by token, that is never negative.

    With r = pi_ref(token) / pi(token): r - log r - 1. Both arguments [batch, new]; returns [batch, new].

    Its mean over tokens drawn from pi is the KL divergence. Its *gradient*, when it is used as a loss, is not
    the gradient of that: even on-policy it is that of KL(pi_ref || pi). Source: Schulman 2020, "Approximating
    KL divergence"; DeepSeek-R1 (arXiv 2501.12948), equation 2.
    """
    log_r = reference_logprobs.detach() - logprobs
    return log_r.exp() - log_r - 1


def aggregate(values: Tensor, mask: Tensor, normaliser: Normaliser = "sequence") -> Tensor:
    """One number from per-token values [batch, new], counting only tokens where `mask` [batch, new] is True.

    "sequence": the mean over each completion's tokens, then the mean over completions (GRPO as published);
    "token": the sum over all tokens, divided by their number (DAPO); "constant": the sum over all tokens,
    divided by completions x width (Dr. GRPO: no length in the denominator). A completion without a token
    counts as zero, never as NaN.
    """
    kept = torch.where(mask, values, torch.zeros_like(values))
    if normaliser == "sequence":
        return (kept.sum(dim=1) / mask.sum(dim=1).clamp(min=1)).mean()
    if normaliser == "token":
        return kept.sum() / mask.sum().clamp(min=1)
    return kept.sum() / max(mask.numel(), 1)


@dataclass(frozen=True)
class Variant:
    """Which of the published losses: in what GRPO, Dr. GRPO and DAPO differ, but for how DAPO treats answers
    that are too long.

    There is no KL term unless `beta` is given: DeepSeekMath had 0.04, R1-Zero 0.001.
    """

    divide_by_std: bool = True
    normaliser: Normaliser = "sequence"
    clip_low: float = 0.2
    clip_high: float = 0.2
    beta: float = 0.0
    dynamic_sampling: bool = False


GRPO = Variant()
DR_GRPO = Variant(divide_by_std=False, normaliser="constant")
DAPO = Variant(normaliser="token", clip_high=0.28, dynamic_sampling=True)


def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference_logprobs: Tensor | None = None,
) -> Tensor:
    """The loss of one batch of completions: minus the clipped objective, plus beta times k3, made one number.

    Log-probabilities and mask are [batch, new], advantages [batch]. `variant` has the bounds of the clip,
    `clip_low` and `clip_high`, the `normaliser` for `aggregate`, and `beta`, the weight of k3. Where beta is
    zero, `reference_logprobs` may be None. Returns a scalar.
    Source: DeepSeekMath (arXiv 2402.03300), equation 3.
    """
    each = -clipped_objective(ratio(logprobs, old_logprobs), advantages, variant.clip_low, variant.clip_high)
    if variant.beta:
        if reference_logprobs is None:
            raise ValueError("a KL term (beta > 0) needs the reference policy's log-probabilities")
        each = each + variant.beta * k3(logprobs, reference_logprobs)
    return aggregate(each, mask, variant.normaliser)


def groups_with_contrast(rewards: Tensor, group_size: int) -> Tensor:
    """Which groups teach anything: bool [groups], False where all rewards of a group are the same.

    `rewards` [batch]: the first `group_size` belong to the first prompt, the next to the second, and so on.
    Rewards 1, 1, 1, 0 in groups of two: the first teaches nothing, the second does.
    """
    groups = rewards.reshape(-1, group_size)
    return groups.amax(dim=1) > groups.amin(dim=1)
