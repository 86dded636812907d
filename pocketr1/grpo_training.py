"""A trainer for GRPO and its variants, whose log answers the question "is my GRPO broken?".

The loss of GRPO is no measure of progress: on-policy it is about zero whatever happens. What to watch instead
is in `GrpoRecord`: rewards by kind, the share of groups that teach nothing, entropy, lengths of right and of
wrong answers, how far the policy moved (ratio, clip, KL), and the gradient's norm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .generation import Sampling, Writer
from .grpo import GRPO, Variant, group_advantages, groups_with_contrast, grpo_loss, k3, ratio
from .model import LanguageModel
from .rewards import ACCURACY, Rewards
from .rollouts import Rollouts, joined, policy_logprobs, roll_out
from .training import make_optimizer, update
from .worlds import Problem

MAX_DRAWS = 8
"""So many times a step draws problems at most, where it looks for groups with contrast."""

MICRO_BATCH = 32
"""So many completions at most go through the model at once in an update."""


@dataclass(frozen=True)
class GrpoPlan:
    """How many steps of how many problems, how large the groups, and how the policy is updated.

    `updates`: into how many mini-batches the completions of a step are cut, one optimizer step each (R1-Zero:
    16). With one, the ratio is 1 and the clip never acts.
    """

    steps: int
    problems: int = 32
    group_size: int = 8
    learning_rate: float = 3e-4
    updates: int = 1
    clip_gradient: float = 1.0
    max_new: int = 64
    temperature: float = 1.0
    variant: Variant = GRPO


@dataclass(frozen=True)
class GrpoRecord:
    """One step, measured on all its rollouts before the update, but for the lines from `kl` on: those are
    measured during it.

    `reward`: the mean of the whole reward; `parts`: of each kind. `accuracy` and `worked`: shares of
    completions. `silent_groups`: the share of groups whose rewards are all equal, which give no gradient.
    `entropy`: of the policy, a token, estimated from what was sampled (nats). Lengths in tokens, 0 where
    there is no such answer. `kl`: k3 to the reference policy, a token (0 without one). `ratio_mean`,
    `ratio_max`, `clipped`: pi / pi_old of the tokens in the update and the share where the clip took the
    gradient away. `loss` and `gradient_norm`: means over the updates that were made (0 without one).
    `tokens_sampled`: how
    many tokens the model read and wrote for the rollouts; `tokens_trained`: how many of them the update went
    over.
    """

    step: int
    reward: float
    parts: dict[str, float]
    accuracy: float
    worked: float
    silent_groups: float
    entropy: float
    length: float
    length_right: float
    length_wrong: float
    kl: float
    ratio_mean: float
    ratio_max: float
    clipped: float
    loss: float
    gradient_norm: float
    tokens_sampled: int
    tokens_trained: int


@dataclass
class _Portion:
    """What was measured on one micro-batch: tokens, its part of the loss, how far the policy had moved."""

    tokens: int
    loss: float
    ratios: Tensor
    clipped: Tensor
    kl: Tensor


@dataclass
class _Update:
    """One optimizer step: its micro-batches, and the norm of its gradient."""

    portions: list[_Portion]
    norm: float


def itself(model: LanguageModel) -> Writer:
    """The model as it is, as the writer of its own rollouts."""
    return model


def train_grpo(
    model: LanguageModel,
    problems_at: Callable[[int], Sequence[Problem]],
    plan: GrpoPlan,
    rewards: Rewards = ACCURACY,
    reference: LanguageModel | None = None,
    seed: int = 0,
    writer_of: Callable[[LanguageModel], Writer] = itself,
) -> Iterator[GrpoRecord]:
    """Train `model` in place by rewards alone; yields one record a step.

    `problems_at(i)` gives `plan.problems` problems; it is called with 0, 1, 2, ... (more often than there are
    steps when dynamic sampling draws again). `reference` is needed where the variant has a KL term.
    `writer_of(model)` is what writes the rollouts, made anew before each step: the model itself, or a faster
    stand-in such as `FastWriter`, which runs code of its own. Experts that have a bias are balanced
    by it; a balancing loss is not added here, only in `training.train`.
    """
    if plan.variant.beta and reference is None:
        raise ValueError("a KL term (beta > 0) needs a reference policy")
    optimizer = make_optimizer(model, plan.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    drawn = 0
    for step in range(plan.steps):
        sampled, drawn = _draw(writer_of(model), problems_at, plan, rewards, generator, drawn)
        rollouts = _to_learn_from(sampled, plan)
        advantages = _advantages(rollouts, plan)
        updates = [
            _update_on(model, optimizer, rollouts, advantages, rows, plan, reference, step)
            for rows in _mini_batches(len(advantages), plan, generator)
        ]
        yield _record(step, sampled, plan.group_size, [made for made in updates if made is not None])


def _draw(
    writer: Writer,
    problems_at: Callable[[int], Sequence[Problem]],
    plan: GrpoPlan,
    rewards: Rewards,
    generator: torch.Generator,
    drawn: int,
) -> tuple[Rollouts, int]:
    """All that is sampled for one step, and how often problems were drawn by then.

    Dynamic sampling goes on drawing until as many groups have contrast as a batch has problems, at most
    `MAX_DRAWS` times: then the batch stays smaller. Source: DAPO (arXiv 2503.14476), section 3.2.
    """
    sampling = Sampling(plan.max_new, plan.temperature)
    parts: list[Rollouts] = []
    missing = plan.problems
    for _ in range(MAX_DRAWS if plan.variant.dynamic_sampling else 1):
        asked = problems_at(drawn + len(parts))
        parts.append(roll_out(writer, asked, plan.group_size, rewards, sampling, generator))
        missing -= int(groups_with_contrast(parts[-1].rewards, plan.group_size).sum())
        if missing <= 0:
            break
    return joined(parts), drawn + len(parts)


def _to_learn_from(sampled: Rollouts, plan: GrpoPlan) -> Rollouts:
    """What the update goes over: everything, or, with dynamic sampling, the first groups with contrast (if
    there is any: the others give no gradient)."""
    contrast = _in_contrast(sampled, plan)
    if not plan.variant.dynamic_sampling or not contrast.any():
        return sampled
    return sampled.rows(contrast.nonzero().flatten()[: plan.problems * plan.group_size])


def _advantages(rollouts: Rollouts, plan: GrpoPlan) -> Tensor:
    """The group advantages, with exact zeros where all rewards of a group are equal.

    Eight rewards of 1.3 have a mean that is one rounding away from 1.3, and a standard deviation of as much,
    or of 0. The division makes an advantage of -0.1 of it.
    """
    advantages = group_advantages(rollouts.rewards, plan.group_size, plan.variant.divide_by_std)
    return torch.where(_in_contrast(rollouts, plan), advantages, 0.0)


def _in_contrast(rollouts: Rollouts, plan: GrpoPlan) -> Tensor:
    """Which completions are in a group whose rewards differ: bool [batch]."""
    return groups_with_contrast(rollouts.rewards, plan.group_size).repeat_interleave(plan.group_size)


def _mini_batches(rows: int, plan: GrpoPlan, generator: torch.Generator) -> Iterator[Tensor]:
    """The rows of each optimizer step; shuffled where there are several."""
    order = torch.randperm(rows, generator=generator) if plan.updates > 1 else torch.arange(rows)
    yield from order.tensor_split(plan.updates)


def _update_on(
    model: LanguageModel,
    optimizer: torch.optim.Optimizer,
    rollouts: Rollouts,
    advantages: Tensor,
    rows: Tensor,
    plan: GrpoPlan,
    reference: LanguageModel | None,
    step: int,
) -> _Update | None:
    """One optimizer step on some of the completions. None where there is nothing to learn from them.

    A row without advantage has no gradient (unless a KL term pulls at it), so the model is not run on it; it
    still counts in the mean.
    """
    useful = rows if plan.variant.beta else rows[advantages[rows] != 0]
    if len(useful) == 0:
        return None
    whole = _denominator(rollouts.mask[rows], plan.variant, plan.max_new)
    portions: list[_Portion] = []

    def losses() -> Iterator[Tensor]:
        for chosen in _micro_batches(rollouts, useful):
            loss, portion = _loss_of(model, rollouts.rows(chosen), advantages[chosen], plan, reference, whole)
            portions.append(portion)
            yield loss

    norm = update(model, optimizer, losses(), plan.clip_gradient, step)
    return _Update(portions, norm)


def _micro_batches(rollouts: Rollouts, rows: Tensor) -> tuple[Tensor, ...]:
    """The rows of one optimizer step in small portions, the short completions first: then few cells of each
    portion's rectangle are padding, and the memory is that of one portion."""
    return rows[rollouts.lengths[rows].argsort(stable=True)].split(MICRO_BATCH)


def _loss_of(
    model: LanguageModel,
    batch: Rollouts,
    advantages: Tensor,
    plan: GrpoPlan,
    reference: LanguageModel | None,
    whole: float,
) -> tuple[Tensor, _Portion]:
    """A micro-batch's part of the loss, where the loss of all divides by `whole`, and its figures."""
    variant = plan.variant
    logprobs = policy_logprobs(model, batch, plan.temperature)
    with torch.no_grad():
        base = policy_logprobs(reference, batch, plan.temperature) if reference is not None else None
    loss = grpo_loss(logprobs, batch.logprobs, advantages, batch.mask, variant, base)
    loss = loss * (_denominator(batch.mask, variant) / whole)
    return loss, _measure(loss.item(), logprobs.detach(), batch, advantages, variant, base)


def _denominator(mask: Tensor, variant: Variant, width: int | None = None) -> float:
    """By what the variant's mean divides: completions, tokens, or completions x width (of the mask, if not
    given)."""
    rows = len(mask)
    sizes = {"sequence": rows, "token": mask.sum().item(), "constant": rows * (width or mask.shape[1])}
    return float(sizes[variant.normaliser])


def _measure(
    loss: float,
    logprobs: Tensor,
    batch: Rollouts,
    advantages: Tensor,
    variant: Variant,
    base: Tensor | None,
) -> _Portion:
    ratios = ratio(logprobs, batch.logprobs)
    up = (ratios > 1 + variant.clip_high) & (advantages > 0).unsqueeze(1)
    down = (ratios < 1 - variant.clip_low) & (advantages < 0).unsqueeze(1)
    kl = k3(logprobs, base) if base is not None else torch.zeros_like(logprobs)
    return _Portion(batch.tokens, loss, ratios[batch.mask], (up | down)[batch.mask], kl[batch.mask])


def _record(step: int, rollouts: Rollouts, group_size: int, updates: list[_Update]) -> GrpoRecord:
    right, lengths = rollouts.right, rollouts.lengths.float()
    portions = [portion for made in updates for portion in made.portions]
    return GrpoRecord(
        step=step,
        reward=rollouts.rewards.mean().item(),
        parts={name: _mean([score[name].value for score in rollouts.scores]) for name in rollouts.scores[0]},
        accuracy=right.float().mean().item(),
        worked=rollouts.worked.float().mean().item(),
        silent_groups=1 - groups_with_contrast(rollouts.rewards, group_size).float().mean().item(),
        entropy=-rollouts.logprobs[rollouts.mask].mean().item(),
        length=lengths.mean().item(),
        length_right=_mean(lengths[right].tolist()),
        length_wrong=_mean(lengths[~right].tolist()),
        kl=_mean([value for portion in portions for value in portion.kl.tolist()]),
        ratio_mean=_mean([value for portion in portions for value in portion.ratios.tolist()], empty=1.0),
        ratio_max=max((portion.ratios.max().item() for portion in portions), default=1.0),
        clipped=_mean([value for portion in portions for value in portion.clipped.tolist()]),
        loss=_mean([sum(portion.loss for portion in made.portions) for made in updates]),
        gradient_norm=_mean([made.norm for made in updates]),
        tokens_sampled=rollouts.tokens,
        tokens_trained=sum(portion.tokens for portion in portions),
    )


def _mean(values: Sequence[float], empty: float = 0.0) -> float:
    return sum(values) / len(values) if values else empty
