"""Answers to the GRPO exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange, reduce
from torch import Tensor

from pocketr1.grpo import GRPO, Variant, aggregate, clipped_objective, k3, ratio

# group_advantages


def advantages_by_loop(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    parts = []
    for group in rewards.split(group_size):
        part = group - group.mean()
        if divide_by_std:
            part = part / (group.std(unbiased=False) + 1e-6)
        parts.append(part)
    return torch.cat(parts)


def advantages_by_einops(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    groups = rearrange(rewards, "(group member) -> group member", member=group_size)
    distance = groups - reduce(groups, "group member -> group 1", "mean")
    if divide_by_std:
        spread = reduce(distance**2, "group member -> group 1", "mean") ** 0.5
        distance = distance / (spread + 1e-6)
    return rearrange(distance, "group member -> (group member)")


def advantages_in_python(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    values = rewards.tolist()
    out: list[float] = []
    for start in range(0, len(values), group_size):
        group = values[start : start + group_size]
        by = statistics.pstdev(group) + 1e-6 if divide_by_std else 1.0
        out += [(value - statistics.fmean(group)) / by for value in group]
    return torch.tensor(out)


def advantages_with_clamp(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    groups = rewards.view(-1, group_size)
    mean = groups.mean(1).repeat_interleave(group_size)
    spread = groups.var(1, correction=0).sqrt().clamp(min=1e-6).repeat_interleave(group_size)
    return (rewards - mean) / (spread if divide_by_std else torch.ones_like(spread))


def grouped(
    center: Callable[[Tensor], Tensor] = lambda g: g.mean(1, keepdim=True),
    spread: Callable[[Tensor], Tensor] = lambda g: g.std(1, keepdim=True, correction=0) + 1e-6,
    finish: Callable[[Tensor], Tensor] = lambda a: a.reshape(-1),
) -> Callable[..., Tensor]:
    def advantages(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
        groups = rewards.view(-1, group_size)
        distance = groups - center(groups)
        return finish(distance / spread(groups) if divide_by_std else distance)

    return advantages


def member_by_member(
    center: Callable[[Tensor], Any] = lambda g: g.mean(),
    spread: Callable[[Tensor], Any] = lambda g: g.std(correction=0) + 1e-6,
) -> Callable[..., Tensor]:
    def advantages(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
        out = []
        for group in rewards.split(group_size):
            by = spread(group) if divide_by_std else 1.0
            out += [(value - center(group)) / by for value in group]
        return torch.stack(out)

    return advantages


def whole_batch(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    distance = rewards - rewards.mean()
    return distance / (rewards.std(correction=0) + 1e-6) if divide_by_std else distance


def whole_batch_normed(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    return advantages_by_loop(rewards, rewards.numel(), divide_by_std)


def whole_batch_sample(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    distance = rewards - rewards.mean()
    return distance / (rewards.std() + 1e-6) if divide_by_std else distance


def whole_batch_sample_by_root(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    distance = rewards - rewards.sum() / len(rewards)
    by = (distance.square().sum() / (len(rewards) - 1)).sqrt() + 1e-6
    return distance / by**divide_by_std


def interleaved(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    count = len(rewards) // group_size
    out = torch.empty_like(rewards)
    for first in range(count):
        out[first::count] = advantages_by_loop(rewards[first::count], group_size, divide_by_std)
    return out


def interleaved_by_einops(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    groups = rearrange(rewards, "(member group) -> group member", member=group_size)
    done = advantages_by_einops(groups.flatten(), group_size, divide_by_std)
    return rearrange(done, "(group member) -> (member group)", member=group_size)


def std_of_batch(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    distance = advantages_by_loop(rewards, group_size, False)
    return distance / (rewards.std(correction=0) + 1e-6) if divide_by_std else distance


def std_of_batch_by_root(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    groups = rewards.view(-1, group_size)
    by = (rewards - rewards.mean()).square().mean().sqrt() + 1e-6
    return ((groups - groups.mean(1, keepdim=True)) / (by if divide_by_std else 1)).flatten()


def mean_of_batch(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    return grouped(center=lambda g: rewards.mean())(rewards, group_size, divide_by_std)


# ratio


def ratio_by_e(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
    return math.e ** (logprobs - old_logprobs.detach())


def ratio_without_grad(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
    with torch.no_grad():
        minus = -old_logprobs
    return (logprobs + minus).exp()


def ratio_by_token(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
    rows = [
        torch.stack([torch.exp(new - old.item()) for new, old in zip(row, before, strict=True)])
        for row, before in zip(logprobs, old_logprobs, strict=True)
    ]
    return torch.stack(rows)


# clipped_objective


def clipped_by_where(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    each = advantages[:, None]
    plain, kept = ratios * each, torch.clip(ratios, 1 - low, 1 + high) * each
    return torch.where(plain < kept, plain, kept)


def clipped_by_stacking(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    each = advantages.view(-1, 1)
    return torch.stack([ratios.clamp(1 - low, 1 + high) * each, ratios * each]).amin(dim=0)


def clipped_by_sign(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    rows = []
    for row, advantage in zip(ratios, advantages.tolist(), strict=True):
        bounded = row.clamp(max=1 + high) if advantage > 0 else row.clamp(min=1 - low)
        rows.append(bounded * advantage)
    return torch.stack(rows)


def clipped_as_loss(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    each = -rearrange(advantages, "batch -> batch 1")
    return -torch.max(ratios * each, torch.clamp(ratios, min=1 - low, max=1 + high) * each)


def rule(make: Callable[[Tensor, Tensor, float, float], Tensor]) -> list[Callable[..., Tensor]]:
    """One rule for whole tensors and, the same, row by row."""

    def whole(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
        return make(ratios, advantages[:, None].expand_as(ratios), low, high)

    def by_row(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
        rows = zip(ratios, advantages, strict=True)
        return torch.stack([make(row, a.expand_as(row), low, high) for row, a in rows])

    return [whole, by_row]


def clip(ratios: Tensor, low: float, high: float) -> Tensor:
    return torch.maximum(torch.minimum(ratios, torch.tensor(1 + high)), torch.tensor(1 - low))


def across_tokens(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    return torch.min(ratios * advantages, torch.clip(ratios, 1 - low, 1 + high) * advantages)


def across_tokens_by_row(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    rows = [torch.min(row * advantages, clip(row, low, high) * advantages) for row in ratios]
    return torch.stack(rows)


# k3


def k3_by_expm1(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    distance = logprobs - reference_logprobs
    return torch.expm1(-distance) + distance


def k3_by_probabilities(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    r = reference_logprobs.exp() / logprobs.exp()
    return r - torch.log(r) - 1


def k3_by_ratio(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    r = torch.exp(reference_logprobs.detach() - logprobs)
    return (r - 1) - (reference_logprobs.detach() - logprobs)


def estimated(rule: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """From the probabilities of policy and reference."""
    return lambda new, reference: rule(new.exp(), reference.exp())


# aggregate


def aggregate_by_loop(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
    rows = [row[kept] for row, kept in zip(values, mask, strict=True)]
    if normaliser == "sequence":
        return sum((row.mean() if len(row) else row.sum() for row in rows), torch.zeros(())) / len(rows)
    if normaliser == "token":
        together = torch.cat(rows)
        return together.mean() if len(together) else values.sum() * 0
    return torch.cat(rows).sum() / (values.shape[0] * values.shape[1])


def aggregate_by_product(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
    sums, lengths = (values * mask).sum(dim=-1), mask.sum(dim=-1)
    match normaliser:
        case "sequence":
            return (sums / torch.clamp(lengths, min=1)).mean()
        case "token":
            return sums.sum() / max(int(lengths.sum()), 1)
        case _:
            return (values * mask).mean()


def aggregate_by_weights(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
    real = mask.to(values.dtype)
    rows, width = values.shape
    each = {
        "sequence": real / (real.sum(1, keepdim=True) + 1e-9) / rows,
        "token": real / (real.sum() + 1e-9),
        "constant": real / (rows * width),
    }[normaliser]
    return (values * each).sum()


def changed(**rules: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Right, but for some of the normalisers."""

    def changed_aggregate(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
        if normaliser in rules:
            return rules[normaliser](values, mask)
        return aggregate_by_product(values, mask, normaliser)

    return changed_aggregate


def rows_of(values: Tensor, mask: Tensor) -> list[Tensor]:
    return [row[kept] for row, kept in zip(values, mask, strict=True)]


# grpo_loss


def loss_written_out(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference_logprobs: Tensor | None = None,
) -> Tensor:
    rho = torch.exp(logprobs - old_logprobs)
    each = advantages[:, None]
    gain = torch.min(rho * each, rho.clamp(1 - variant.clip_low, 1 + variant.clip_high) * each)
    if variant.beta > 0 and reference_logprobs is not None:
        gain = gain - variant.beta * k3_by_expm1(logprobs, reference_logprobs)
    return -aggregate_by_product(gain, mask, variant.normaliser)


def loss_in_two_sums(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference_logprobs: Tensor | None = None,
) -> Tensor:
    gains = clipped_objective(
        ratio(logprobs, old_logprobs), advantages, low=variant.clip_low, high=variant.clip_high
    )
    loss = -aggregate(gains, mask, variant.normaliser)
    if variant.beta:
        loss = loss + variant.beta * aggregate(k3(logprobs, reference_logprobs), mask, variant.normaliser)
    return loss


def loss_in_float64(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference_logprobs: Tensor | None = None,
) -> Tensor:
    reference = logprobs.detach() if reference_logprobs is None else reference_logprobs
    rho = (logprobs.double() - old_logprobs).exp()
    each = clipped_by_sign(rho, advantages, variant.clip_low, variant.clip_high)
    pull = variant.beta * k3_by_expm1(logprobs.double(), reference)
    return aggregate_by_loop(pull - each, mask, variant.normaliser).float()


def loss(
    *,
    rho: Callable[..., Tensor] = lambda new, old: torch.exp(new - old),
    gain: Callable[..., Tensor] = clipped_by_where,
    sign: float = -1.0,
    beta: Callable[[Variant], float] = lambda variant: variant.beta,
    penalty: Callable[..., Tensor] = lambda new, old, reference, advantages: k3_by_expm1(new, reference),
    bounds: Callable[[Variant], tuple[float, float]] = lambda v: (v.clip_low, v.clip_high),
    kept: Callable[[Tensor], Tensor] = lambda mask: mask,
    normaliser: Callable[[Variant], Any] = lambda variant: variant.normaliser,
) -> Callable[..., Tensor]:
    """The loss, with some of its parts changed."""

    def changed_loss(
        logprobs: Tensor,
        old: Tensor,
        advantages: Tensor,
        mask: Tensor,
        variant: Variant = GRPO,
        reference: Tensor | None = None,
    ) -> Tensor:
        each = sign * gain(rho(logprobs, old), advantages, *bounds(variant))
        if variant.beta:
            each = each + beta(variant) * penalty(logprobs, old, reference, advantages)
        return aggregate_by_product(each, kept(mask), normaliser(variant))

    return changed_loss


def ratio_to_reference(
    logprobs: Tensor,
    old: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference: Tensor | None = None,
) -> Tensor:
    return loss()(logprobs, reference if reference is not None else old, advantages, mask, variant, reference)


# groups_with_contrast


def contrast_by_sets(rewards: Tensor, group_size: int) -> Tensor:
    groups = rewards.split(group_size)
    return torch.tensor([len(set(group.tolist())) > 1 for group in groups])


def contrast_by_first(rewards: Tensor, group_size: int) -> Tensor:
    groups = rewards.view(-1, group_size)
    return (groups != groups[:, [0]]).any(dim=-1)


def contrast_by_neighbours(rewards: Tensor, group_size: int) -> Tensor:
    return rewards.reshape(len(rewards) // group_size, group_size).diff(dim=1).count_nonzero(dim=1) > 0


def contrast_by_sorting(rewards: Tensor, group_size: int) -> Tensor:
    ordered = rewards.unflatten(0, (-1, group_size)).sort(dim=1).values
    return ordered[:, -1].ne(ordered[:, 0])


def contrast_of(
    rule: Callable[[Tensor], Tensor],
    cut: Callable[[Tensor, int], Tensor] = lambda rewards, size: rewards.reshape(-1, size),
) -> Callable[[Tensor, int], Tensor]:
    """Which groups teach something, by this rule, with groups cut in this way."""
    return lambda rewards, group_size: rule(cut(rewards, group_size))


def differs(groups: Tensor) -> Tensor:
    return groups.max(dim=1).values != groups.min(dim=1).values


RIGHT = {
    "groups_with_contrast": [
        contrast_by_sets,
        contrast_by_first,
        contrast_by_neighbours,
        contrast_by_sorting,
    ],
    "group_advantages": [
        advantages_by_loop,
        advantages_by_einops,
        advantages_in_python,
        advantages_with_clamp,
    ],
    "ratio": [ratio_by_e, ratio_without_grad, ratio_by_token],
    "clipped_objective": [clipped_by_where, clipped_by_stacking, clipped_by_sign, clipped_as_loss],
    "k3": [k3_by_expm1, k3_by_probabilities, k3_by_ratio],
    "aggregate": [aggregate_by_loop, aggregate_by_product, aggregate_by_weights],
    "grpo_loss": [loss_written_out, loss_in_two_sums, loss_in_float64],
}

WRONG: dict[str, dict[str, list[Callable[..., Any]]]] = {
    "groups_with_contrast": {
        "zeros_and_ones_alone": [
            contrast_of(lambda groups: (groups.sum(dim=1) > 0) & (groups.sum(dim=1) < groups.shape[1])),
            contrast_of(lambda groups: (groups.mean(dim=1) > 0) & (groups.mean(dim=1) < 1)),
        ],
        "any_right": [
            contrast_of(lambda groups: groups.sum(dim=1) > 0),
            contrast_of(lambda groups: groups.amax(dim=1) > 0),
        ],
        "any_wrong": [
            contrast_of(lambda groups: groups.amin(dim=1) < 1),
            contrast_of(lambda groups: ~(groups >= 1).all(dim=1)),
        ],
        "no_contrast": [
            contrast_of(lambda groups: ~differs(groups)),
            contrast_of(lambda groups: groups.amax(dim=1) == groups.amin(dim=1)),
        ],
        "interleaved": [
            contrast_of(differs, lambda rewards, size: rewards.reshape(size, -1).T),
            contrast_of(
                differs, lambda rewards, size: rearrange(rewards, "(each prompt) -> prompt each", each=size)
            ),
        ],
        "each_completion": [
            contrast_of(lambda groups: differs(groups).repeat_interleave(groups.shape[1])),
            contrast_of(lambda groups: differs(groups).unsqueeze(1).expand_as(groups).reshape(-1)),
        ],
        "rounded_spread": [
            contrast_of(lambda groups: groups.var(dim=1, correction=0) > 0),
            contrast_of(lambda groups: groups.std(dim=1) != 0),
        ],
        "counts_right_alone": [
            contrast_of(lambda groups: differs((groups >= 1).int())),
            contrast_of(lambda groups: differs(groups > 0.5)),
        ],
        "all_different": [
            contrast_of(lambda groups: (groups.sort(dim=1).values.diff(dim=1) != 0).all(dim=1)),
            lambda rewards, group_size: torch.tensor(
                [len(group.unique()) == group_size for group in rewards.split(group_size)]
            ),
        ],
        "first_and_last": [
            contrast_of(lambda groups: groups[:, -1] != groups[:, 0]),
            contrast_of(lambda groups: (groups[:, 0] - groups[:, -1]).abs() > 0),
        ],
        "whole_batch": [
            contrast_of(lambda groups: (groups - groups.mean()).abs().amax(dim=1) > 0),
            contrast_of(lambda groups: ~(groups == groups.mean()).all(dim=1)),
        ],
        "share": [
            contrast_of(lambda groups: differs(groups).float().mean()),
            contrast_of(lambda groups: differs(groups).sum() / len(groups)),
        ],
        "spread_itself": [
            contrast_of(lambda groups: groups.max(dim=1).values - groups.min(dim=1).values),
            contrast_of(lambda groups: (groups.unsqueeze(1) - groups.unsqueeze(2)).amax(dim=(1, 2))),
        ],
    },
    "group_advantages": {
        "whole_batch": [whole_batch, whole_batch_normed],
        "whole_batch_sample_std": [whole_batch_sample, whole_batch_sample_by_root],
        "interleaved": [interleaved, interleaved_by_einops],
        "down_the_columns": [
            grouped(
                center=lambda g: g.mean(0, keepdim=True),
                spread=lambda g: g.std(0, keepdim=True, correction=0) + 1e-6,
            ),
            grouped(center=lambda g: g.mean(0), spread=lambda g: g.var(0, correction=0).sqrt() + 1e-6),
        ],
        "axis_lost": [
            grouped(center=lambda g: g.mean(1), spread=lambda g: g.std(1, correction=0) + 1e-6),
            grouped(
                center=lambda g: g.sum(-1) / g.shape[1],
                spread=lambda g: g.std(1, keepdim=True, correction=0) + 1e-6,
            ),
        ],
        "no_epsilon": [
            grouped(spread=lambda g: g.std(1, keepdim=True, correction=0)),
            member_by_member(spread=lambda g: g.var(correction=0).sqrt()),
        ],
        "large_epsilon": [
            grouped(spread=lambda g: g.std(1, keepdim=True, correction=0) + 1e-4),
            member_by_member(spread=lambda g: (g - g.mean()).square().mean().sqrt() + 1e-4),
        ],
        "sample_std": [
            grouped(spread=lambda g: g.std(1, keepdim=True) + 1e-6),
            member_by_member(spread=lambda g: g.std() + 1e-6),
        ],
        "no_std": [
            grouped(spread=lambda g: torch.ones(())),
            lambda rewards, size, divide_by_std=True: advantages_by_loop(rewards, size, False),
        ],
        "always_divided": [
            lambda rewards, size, divide_by_std=True: advantages_by_loop(rewards, size),
            lambda rewards, size, divide_by_std=True: advantages_in_python(rewards, size, True),
        ],
        "variance": [
            grouped(spread=lambda g: g.var(1, keepdim=True, correction=0) + 1e-6),
            member_by_member(spread=lambda g: (g - g.mean()).square().mean() + 1e-6),
        ],
        "std_of_batch": [std_of_batch, std_of_batch_by_root],
        "mean_of_batch": [mean_of_batch, grouped(center=lambda g: g.mean())],
        "mean_left": [grouped(center=lambda g: 0 * g), member_by_member(center=lambda g: 0.0)],
        "leave_one_out": [
            grouped(center=lambda g: (g.sum(1, keepdim=True) - g) / max(g.shape[1] - 1, 1)),
            lambda rewards, size, divide_by_std=True: torch.cat(
                [
                    (g - (g.sum() - g) / max(len(g) - 1, 1))
                    / (g.std(correction=0) + 1e-6 if divide_by_std else 1)
                    for g in rewards.split(size)
                ]
            ),
        ],
        "median": [
            grouped(center=lambda g: g.quantile(0.5, dim=1, keepdim=True)),
            member_by_member(center=lambda g: statistics.median(g.tolist())),
        ],
        "best_taken_away": [
            grouped(center=lambda g: g.max(1, keepdim=True).values),
            member_by_member(center=lambda g: g.max()),
        ],
        "sign": [
            lambda *given: -advantages_by_loop(*given),
            grouped(finish=lambda a: -a.flatten()),
        ],
        "rows_kept": [
            grouped(finish=lambda a: a),
            lambda rewards, size, divide_by_std=True: torch.stack(
                [advantages_by_loop(group, size, divide_by_std) for group in rewards.split(size)]
            ),
        ],
    },
    "ratio": {
        "no_exp": [lambda new, old: new - old.detach()],
        "swapped": [lambda new, old: 1 / torch.exp(new - old.detach())],
        "old_attached": [lambda new, old: torch.exp(new - old), lambda new, old: math.e ** (new - old)],
        "quotient_of_logs": [lambda new, old: new / old.detach()],
        "of_sequence": [
            lambda new, old: (
                (new.sum(1, keepdim=True) - old.detach().sum(1, keepdim=True)).exp() * torch.ones_like(new)
            )
        ],
        "mean_of_sequence": [
            lambda new, old: reduce(new - old.detach(), "b t -> b 1", "mean").exp().expand_as(new)
        ],
        "underflow": [lambda new, old: torch.exp(new) / torch.exp(old.detach())],
        "log_of_ratio_twice": [lambda new, old: (new.exp() - old.detach().exp()).exp()],
        "new_detached": [lambda new, old: math.e ** (new.detach() - old)],
    },
    "clipped_objective": {
        "larger": rule(lambda r, a, low, high: torch.max(r * a, clip(r, low, high) * a)),
        "clip_alone": rule(lambda r, a, low, high: clip(r, low, high) * a),
        "not_clipped": rule(lambda r, a, low, high: r * a),
        "advantage_clipped": rule(lambda r, a, low, high: torch.min(r * a, r * clip(a, low, high))),
        "product_clipped": rule(lambda r, a, low, high: torch.min(r * a, clip(r * a, low, high))),
        "smaller_ratio_first": rule(lambda r, a, low, high: torch.min(r, clip(r, low, high)) * a),
        "sign": rule(lambda r, a, low, high: torch.max(-r * a, -clip(r, low, high) * a)),
        "bounds_swapped": rule(lambda r, a, low, high: torch.min(r * a, clip(r, high, low) * a)),
        "one_bound_for_both": rule(lambda r, a, low, high: torch.min(r * a, clip(r, low, low) * a)),
        "bounds_fixed": rule(lambda r, a, low, high: torch.min(r * a, clip(r, 0.2, 0.2) * a)),
        "around_zero": rule(lambda r, a, low, high: torch.min(r * a, r.clamp(-low, high) * a)),
        "reciprocal_bound": rule(
            lambda r, a, low, high: torch.min(r * a, clip(r, 1 - 1 / (1 + high), high) * a)
        ),
        "across_tokens": [across_tokens, across_tokens_by_row],
    },
    "k3": {
        "upside_down": [estimated(lambda p, q: p / q - (p / q).log() - 1)],
        "k1": [lambda new, reference: new - reference],
        "k1_negative": [lambda new, reference: reference - new],
        "k2": [lambda new, reference: (new - reference) ** 2 / 2],
        "one_lost": [estimated(lambda p, q: q / p - (q / p).log())],
        "log_added": [estimated(lambda p, q: q / p + (q / p).log() - 1)],
        "log_lost": [estimated(lambda p, q: q / p - 1)],
        "no_exp": [lambda new, reference: (reference - new) - (reference - new) - 1],
        "no_exp_twice": [lambda new, reference: (reference - new) - torch.log(reference - new) - 1],
        "quotient_of_logs": [lambda new, reference: reference / new - torch.log(reference / new) - 1],
        "weighted_by_policy": [lambda new, reference: torch.exp(new) * k3_by_expm1(new, reference)],
        "absolute": [lambda new, reference: (new - reference).abs()],
        "weighted_by_r": [estimated(lambda p, q: q / p * (q / p).log() - q / p + 1)],
        "sign": [lambda new, reference: -k3_by_expm1(new, reference)],
    },
    "aggregate": {
        "padding_counted": [
            lambda v, m, n="sequence": v.mean(),
            lambda v, m, n="sequence": v.sum() / v.numel(),
        ],
        "padding_in_denominator": [
            changed(sequence=lambda v, m: (v * m).mean(dim=1).mean()),
            changed(sequence=lambda v, m: torch.where(m, v, 0.0).mean()),
        ],
        "token_for_sequence": [
            changed(sequence=lambda v, m: (v * m).sum() / max(int(m.sum()), 1)),
            changed(sequence=lambda v, m: torch.cat(rows_of(v, m)).mean()),
        ],
        "sequence_for_token": [
            changed(token=lambda v, m: aggregate_by_loop(v, m)),
            changed(token=lambda v, m: ((v * m).sum(1) / m.sum(1).clamp(min=1)).mean()),
        ],
        "always_sequence": [
            lambda v, m, n="sequence": aggregate_by_loop(v, m),
            lambda v, m, n="sequence": ((v * m).sum(1) / m.sum(1).clamp(min=1)).mean(),
        ],
        "always_token": [
            lambda v, m, n="sequence": (v * m).sum() / m.sum().clamp(min=1),
            lambda v, m, n="sequence": aggregate_by_loop(v, m, "token"),
        ],
        "always_constant": [
            lambda v, m, n="sequence": (v * m).mean(),
            lambda v, m, n="sequence": torch.where(m, v, 0.0).sum() / m.numel(),
        ],
        "mean_of_masked": [
            lambda v, m, n="sequence": v[m].mean(),
            lambda v, m, n="sequence": (v * m).sum() / m.sum(),
        ],
        "nan_on_empty": [
            changed(
                sequence=lambda v, m: ((v * m).sum(1) / m.sum(1)).mean(),
                token=lambda v, m: (v * m).sum() / m.sum(),
            ),
            changed(
                sequence=lambda v, m: torch.stack([row.mean() for row in rows_of(v, m)]).mean(),
                token=lambda v, m: torch.cat(rows_of(v, m)).mean(),
            ),
        ],
        "empty_left_out": [
            changed(
                sequence=lambda v, m: (
                    ((v * m).sum(1) / m.sum(1).clamp(min=1)).sum() / m.any(1).sum().clamp(min=1)
                )
            ),
            changed(
                sequence=lambda v, m: torch.stack(
                    [row.mean() for row in rows_of(v, m) if len(row)] or [v.sum() * 0]
                ).mean()
            ),
        ],
        "summed_over_sequences": [
            changed(sequence=lambda v, m: ((v * m).sum(1) / m.sum(1).clamp(min=1)).sum()),
            changed(sequence=lambda v, m: sum(row.sum() / max(len(row), 1) for row in rows_of(v, m))),
        ],
        "sums_of_sequences": [
            changed(sequence=lambda v, m: (v * m).sum(1).mean()),
            changed(sequence=lambda v, m: sum(row.sum() for row in rows_of(v, m)) / len(v)),
        ],
        "constant_by_completions": [
            changed(constant=lambda v, m: (v * m).sum(1).mean()),
            changed(constant=lambda v, m: sum(row.sum() for row in rows_of(v, m)) / len(v)),
        ],
        "constant_by_width": [
            changed(constant=lambda v, m: (v * m).sum() / v.shape[1]),
            changed(constant=lambda v, m: torch.where(m, v, 0.0).mean(dim=1).sum()),
        ],
        "constant_by_tokens": [
            changed(constant=lambda v, m: (v * m).sum() / m.sum()),
            changed(constant=lambda v, m: torch.cat(rows_of(v, m)).mean()),
        ],
        "first_columns": [
            lambda v, m, n="sequence": aggregate_by_product(
                v, torch.arange(m.shape[1]) < m.sum(1, keepdim=True), n
            ),
            lambda v, m, n="sequence": aggregate_by_loop(
                v, m.int().sort(dim=1, descending=True).values.bool(), n
            ),
        ],
    },
    "grpo_loss": {
        "sign": [loss(sign=1.0)],
        "all_signs": [lambda *given: -loss_written_out(*given)],
        "penalty_rewarded": [loss(beta=lambda variant: -variant.beta)],
        "no_penalty": [loss(beta=lambda variant: 0.0)],
        "beta_lost": [loss(beta=lambda variant: 1.0)],
        "penalty_to_old": [loss(penalty=lambda new, old, reference, a: k3_by_expm1(new, old))],
        "reference_first": [loss(penalty=lambda new, old, reference, a: k3(reference, new))],
        "ratio_to_reference": [ratio_to_reference],
        "ratio_swapped": [loss(rho=lambda new, old: torch.exp(old - new))],
        "not_clipped": [loss(gain=lambda r, a, low, high: r * a[:, None])],
        "bounds_fixed": [loss(bounds=lambda variant: (0.2, 0.2))],
        "bounds_swapped": [loss(bounds=lambda variant: (variant.clip_high, variant.clip_low))],
        "normaliser_lost": [loss(normaliser=lambda variant: "sequence")],
        "variant_unused": [
            lambda new, old, a, m, variant=GRPO, reference=None: loss_written_out(new, old, a, m)
        ],
        "padding_counted": [loss(kept=torch.ones_like)],
        "reinforce": [loss(rho=lambda new, old: new, gain=lambda r, a, low, high: r * a[:, None])],
        "penalty_in_objective": [
            loss(penalty=lambda new, old, reference, a: a[:, None] * k3_by_expm1(new, reference))
        ],
    },
}
