"""Checks of the GRPO exercises.

The inputs isolate one mechanism at a time: two groups with different means show who is compared with whom, a
group of equal rewards shows what it is divided by, single tokens on either side of the clip show value and
gradient of each of its four cases, and completions of lengths 1 and 9 show by what a mean divides.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..grpo import DAPO, DR_GRPO, GRPO, Variant
from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _logprobs(*shape: int, seed: int = 0) -> Tensor:
    """Log-probabilities such as a policy gives to what was sampled: mostly near zero, some far below."""
    return -_normal(*shape, seed=seed).square()


def _lengths(*lengths: int, width: int | None = None) -> Tensor:
    """A mask of completions that have these lengths."""
    return torch.arange(width or max(lengths)) < torch.tensor(lengths).unsqueeze(1)


# group_advantages

Compared = Callable[[Tensor], Tensor]


def _advantages(
    center: Compared = lambda groups: groups.mean(dim=1, keepdim=True),
    spread: Compared = lambda groups: groups.var(dim=1, keepdim=True, correction=0).sqrt() + 1e-6,
    always: bool = False,
    never: bool = False,
) -> Callable[..., Tensor]:
    """Advantages with another center or spread, or with the division always, or never."""

    def advantages(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
        groups = rewards.detach().unflatten(0, (-1, group_size))
        distance = groups - center(groups)
        if always or (divide_by_std and not never):
            distance = distance / spread(groups)
        return distance.flatten()

    return advantages


def _interleaved(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    groups = rewards.detach().reshape(group_size, -1).T
    apart = _advantages()(groups.flatten(), group_size, divide_by_std)
    return apart.reshape(groups.shape).T.flatten()


def _whole_batch(rewards: Tensor, group_size: int, divide_by_std: bool = True) -> Tensor:
    return _advantages()(rewards, len(rewards), divide_by_std)


def _rewards_case(
    name: str, rewards: list[float], group_size: int, divide_by_std: bool | None = None
) -> Case:
    """Rewards in groups; without the last argument, the default is used."""
    rest = () if divide_by_std is None else (divide_by_std,)
    return Case(name, lambda: (torch.tensor(rewards, dtype=torch.float32), group_size, *rest))


GROUP_ADVANTAGES = Check(
    expected=_advantages(),
    call=lambda candidate, rewards, *rest: candidate(rewards.detach(), *rest),
    gradients=False,
    cases=(
        _rewards_case("one group, rewards 1, 0, 0, 1", [1, 0, 0, 1], 4),
        _rewards_case("one group, rewards 1, 0, 0, 0", [1, 0, 0, 0], 4),
        _rewards_case("two groups, an easy and a hard problem", [1, 1, 1, 0, 1, 0, 0, 0], 4),
        _rewards_case("a group in which all rewards are equal", [1, 1, 1, 0, 1, 0], 3),
        _rewards_case("rewards that are not only 0 and 1", [1.1, 0.1, 0.0, 1.3, 1.0, 0.2], 3),
        _rewards_case("groups of one", [1, 0, 1], 1),
        _rewards_case("the division left out", [1, 1, 1, 0, 1, 0, 0, 0], 4, False),
        _rewards_case("four groups of two", [3, 1, 0, 2, 5, 5, 0, 1], 2, True),
    ),
    mistakes=(
        Mistake(
            "whole_batch",
            "each reward is compared with the whole batch; compare it with the other answers to the same"
            " problem, or easy problems get all the praise",
            _whole_batch,
        ),
        Mistake(
            "whole_batch_sample_std",
            "each reward is compared with the whole batch, and divided by the sample's standard deviation;"
            " compare it with the other answers to the same problem: give each group a row first",
            lambda rewards, group_size, divide_by_std=True: (
                (rewards - rewards.mean()) / (rewards.std() + 1e-6 if divide_by_std else 1.0)
            ),
        ),
        Mistake(
            "interleaved",
            "the groups are read crosswise: the first `group_size` rewards belong to the first problem, the"
            " next ones to the second. So the groups are the rows of `reshape(-1, group_size)`",
            _interleaved,
        ),
        Mistake(
            "down_the_columns",
            "mean and standard deviation are taken down the columns, over one answer of each group; a group"
            " is a row: `dim=1`",
            _advantages(
                center=lambda groups: groups.mean(dim=0, keepdim=True),
                spread=lambda groups: groups.var(dim=0, keepdim=True, correction=0).sqrt() + 1e-6,
            ),
        ),
        Mistake(
            "axis_lost",
            "the means have lost an axis, so that they do not meet their own groups: `keepdim=True` keeps"
            " them a column",
            _advantages(
                center=lambda groups: groups.mean(dim=1),
                spread=lambda groups: groups.var(dim=1, correction=0).sqrt() + 1e-6,
            ),
        ),
        Mistake(
            "no_epsilon",
            "a group of equal rewards gives NaN, for zero is divided by zero; add 1e-6 to the standard"
            " deviation",
            _advantages(spread=lambda groups: groups.std(dim=1, keepdim=True, correction=0)),
        ),
        Mistake(
            "large_epsilon",
            "what is added to the standard deviation is too large, and moves ordinary advantages; take 1e-6",
            _advantages(spread=lambda groups: groups.std(dim=1, keepdim=True, correction=0) + 1e-4),
        ),
        Mistake(
            "sample_std",
            "this is the sample's standard deviation, which divides by n - 1; the course divides by n:"
            " `correction=0`. Other code may do otherwise, and its advantages are smaller by a factor",
            _advantages(spread=lambda groups: groups.std(dim=1, keepdim=True) + 1e-6),
        ),
        Mistake(
            "no_std",
            "the mean is taken away, and nothing is divided; that is Dr. GRPO, and asked for only where"
            " `divide_by_std` is False",
            _advantages(never=True),
        ),
        Mistake(
            "always_divided",
            "it is divided by the standard deviation also where `divide_by_std` is False",
            _advantages(always=True),
        ),
        Mistake(
            "variance",
            "it is divided by the variance; its root, the standard deviation, has the unit of the rewards",
            _advantages(spread=lambda groups: groups.var(dim=1, keepdim=True, correction=0) + 1e-6),
        ),
        Mistake(
            "std_of_batch",
            "the mean is the group's own, and the standard deviation is that of the whole batch; take both"
            " from the group",
            _advantages(spread=lambda groups: groups.std(correction=0) + 1e-6),
        ),
        Mistake(
            "mean_of_batch",
            "the standard deviation is the group's own, and the mean is that of the whole batch; take both"
            " from the group",
            _advantages(center=lambda groups: groups.mean()),
        ),
        Mistake(
            "mean_left",
            "the mean is not taken away, so that right answers are praised and wrong ones are not blamed",
            _advantages(center=lambda groups: torch.zeros_like(groups)),
        ),
        Mistake(
            "leave_one_out",
            "the mean is that of the *other* answers, as in lesson 07; GRPO's has the answer itself in it,"
            " which makes the advantage smaller by a factor of (G - 1) / G",
            _advantages(
                center=lambda groups: (groups.sum(dim=1, keepdim=True) - groups) / max(groups.shape[1] - 1, 1)
            ),
        ),
        Mistake(
            "median",
            "the median is taken away; GRPO takes the mean",
            _advantages(center=lambda groups: groups.quantile(0.5, dim=1, keepdim=True)),
        ),
        Mistake(
            "best_taken_away",
            "the best reward of the group is taken away, so that no answer is ever praised; take the mean",
            _advantages(center=lambda groups: groups.amax(dim=1, keepdim=True)),
        ),
        Mistake(
            "sign",
            "the sign is wrong: what did better than its group must come out positive",
            lambda rewards, group_size, divide_by_std=True: (
                -_advantages()(rewards, group_size, divide_by_std)
            ),
        ),
        Mistake(
            "rows_kept",
            "each group is a row here; return one row for all completions, [batch], in the order in which the"
            " rewards came",
            lambda rewards, group_size, divide_by_std=True: _advantages()(
                rewards, group_size, divide_by_std
            ).reshape(-1, group_size),
        ),
    ),
    why="The group says what could be expected of this problem. So no network has to be trained to predict"
    " it, and a group in which all did alike asks for no change.",
)


# ratio


def _ratio(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
    return torch.exp(logprobs.double() - old_logprobs.detach().double()).to(logprobs.dtype)


RATIO = Check(
    expected=_ratio,
    cases=(
        Case(
            "one token, from 0.3 to 0.6", lambda: (torch.tensor([[0.6]]).log(), torch.tensor([[0.3]]).log())
        ),
        Case(
            "one token, from 0.8 to 0.2",
            lambda: (torch.tensor([[0.2]]).log(), torch.tensor([[0.8]]).log()),
        ),
        Case("a policy that has not moved", lambda: (_logprobs(2, 3), _logprobs(2, 3))),
        Case("two completions of five tokens", lambda: (_logprobs(2, 5), _logprobs(2, 5, seed=1))),
        Case(
            "tokens that were very unlikely",
            lambda: (torch.tensor([[-120.0, -130.0]]), torch.tensor([[-119.0, -130.7]])),
        ),
    ),
    mistakes=(
        Mistake(
            "no_exp",
            "this is the difference of the logarithms, and its exponential is the ratio",
            lambda new, old: new - old.detach(),
        ),
        Mistake(
            "swapped",
            "new and old have changed places: it is the new probability divided by the old one",
            lambda new, old: torch.exp(old.detach() - new),
        ),
        Mistake(
            "old_attached",
            "the values are right, and a gradient runs into the old policy as well; it is a fixed number:"
            " detach it. With one policy on both sides, the two gradients would cancel to zero",
            lambda new, old: torch.exp(new - old),
        ),
        Mistake(
            "new_detached",
            "the values are right, and the current policy is detached, so that it cannot learn; the *old*"
            " log-probabilities are the given numbers: detach those",
            lambda new, old: torch.exp(new.detach() - old),
        ),
        Mistake(
            "quotient_of_logs",
            "the logarithms are divided by one another; logarithms are subtracted, and then comes exp",
            lambda new, old: new / old.detach(),
        ),
        Mistake(
            "of_sequence",
            "the tokens are added up first, so that each completion has one ratio; here each token has its"
            " own. With 30 tokens, such a ratio leaves the clip's range at once",
            lambda new, old: torch.exp((new - old.detach()).sum(dim=1, keepdim=True)).expand_as(new),
        ),
        Mistake(
            "mean_of_sequence",
            "the tokens are averaged first; that is the ratio of a later method, GSPO. Here each token has"
            " its own",
            lambda new, old: torch.exp((new - old.detach()).mean(dim=1, keepdim=True)).expand_as(new),
        ),
        Mistake(
            "underflow",
            "right for ordinary tokens; of a very unlikely one the probability rounds to zero, and zero is"
            " divided by zero. Subtract the logarithms first",
            lambda new, old: new.exp() / old.detach().exp(),
        ),
        Mistake(
            "log_of_ratio_twice",
            "the exponential is taken twice: once is enough to turn logarithms into probabilities",
            lambda new, old: torch.exp(new.exp() - old.detach().exp()),
        ),
    ),
    why="exp(log a - log b) is a / b. Its gradient is the ratio times that of log pi: at ratio 1, exactly the"
    " gradient of lesson 07.",
)


# clipped_objective

Clipped = Callable[[Tensor, Tensor, float, float], Tensor]


def _clipped(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    """By cases: the plain product, but where the ratio has gone too far in the advantage's own direction."""
    each = advantages.detach().unsqueeze(1).expand_as(ratios)
    too_high = (each > 0) & (ratios > 1 + high)
    too_low = (each < 0) & (ratios < 1 - low)
    bounds = torch.where(too_high, 1 + high, 1 - low) * each
    return torch.where(too_high | too_low, bounds, ratios * each)


def _objective(rule: Clipped) -> Callable[..., Tensor]:
    """An objective from a rule for advantages that have an axis for tokens already."""
    return lambda ratios, advantages, low=0.2, high=0.2: rule(
        ratios, advantages.detach().unsqueeze(1), low, high
    )


def _across_tokens(ratios: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    """What broadcasting does without a second axis: where it fails, so does this."""
    each = advantages.detach()
    return torch.minimum(ratios * each, ratios.clamp(1 - low, 1 + high) * each)


def _one_token(ratio: float, advantage: float, *bounds: float) -> Case:
    named = f", low {bounds[0]:g} and high {bounds[1]:g}" if bounds else ""
    return Case(
        f"one token, ratio {ratio:g}, advantage {advantage:+g}{named}",
        lambda: (torch.tensor([[ratio]]), torch.tensor([advantage]), *bounds),
    )


CLIPPED_OBJECTIVE = Check(
    expected=_clipped,
    call=lambda candidate, ratios, advantages, *bounds: candidate(ratios, advantages.detach(), *bounds),
    cases=(
        _one_token(1.1, 1.0),
        _one_token(1.5, 1.0),
        _one_token(0.5, 1.0),
        _one_token(1.5, -1.0),
        _one_token(0.5, -1.0),
        _one_token(3.0, 0.5),
        _one_token(1.5, 1.0, 0.1, 0.28),
        _one_token(0.5, -2.0, 0.1, 0.28),
        Case(
            "two completions of three tokens",
            lambda: (torch.tensor([[0.5, 1.1, 1.5], [0.9, 1.4, 0.3]]), torch.tensor([1.5, -0.7])),
        ),
        Case(
            "three completions of three tokens",
            lambda: (
                torch.tensor([[0.5, 1.1, 1.5], [0.9, 1.4, 0.3], [1.3, 1.0, 0.7]]),
                torch.tensor([1.5, -0.7, 0.0]),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "larger",
            "the larger of the two is taken; take the smaller one, so that what has gone too far is not paid"
            " for going further",
            _objective(lambda rho, a, low, high: torch.maximum(rho * a, rho.clamp(1 - low, 1 + high) * a)),
        ),
        Mistake(
            "clip_alone",
            "only the clipped ratio is used; a token that has gone the wrong way (ratio 0.5 with advantage"
            " +1, or 1.5 with -1) then has no gradient, and could not be taken back",
            _objective(lambda rho, a, low, high: rho.clamp(1 - low, 1 + high) * a),
        ),
        Mistake(
            "not_clipped",
            "nothing is clipped: this is ratio times advantage",
            _objective(lambda rho, a, low, high: rho * a),
        ),
        Mistake(
            "advantage_clipped",
            "the advantages are clipped; it is the ratio that must stay near 1",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, rho * a.clamp(1 - low, 1 + high))),
        ),
        Mistake(
            "product_clipped",
            "ratio times advantage is clipped; clip the ratio, and multiply then",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, (rho * a).clamp(1 - low, 1 + high))),
        ),
        Mistake(
            "smaller_ratio_first",
            "the smaller of the two ratios is taken, and then multiplied; with a negative advantage that is"
            " the larger product. Multiply both, and take the smaller product",
            _objective(lambda rho, a, low, high: torch.minimum(rho, rho.clamp(1 - low, 1 + high)) * a),
        ),
        Mistake(
            "sign",
            "the sign is wrong: this is what is to be raised. The loss turns it round, later",
            _objective(lambda rho, a, low, high: -torch.minimum(rho * a, rho.clamp(1 - low, 1 + high) * a)),
        ),
        Mistake(
            "bounds_swapped",
            "`low` and `high` have changed places: the ratio stays between 1 - low and 1 + high",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, rho.clamp(1 - high, 1 + low) * a)),
        ),
        Mistake(
            "one_bound_for_both",
            "both ends use `low`; the upper one is 1 + high",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, rho.clamp(1 - low, 1 + low) * a)),
        ),
        Mistake(
            "bounds_fixed",
            "the bounds are always 0.8 and 1.2; use `low` and `high`",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, rho.clamp(0.8, 1.2) * a)),
        ),
        Mistake(
            "around_zero",
            "the ratio is held near 0; a policy that has not moved has ratio 1, so the bounds are 1 - low and"
            " 1 + high",
            _objective(lambda rho, a, low, high: torch.minimum(rho * a, rho.clamp(-low, high) * a)),
        ),
        Mistake(
            "reciprocal_bound",
            "the lower bound is 1 / (1 + high); the paper's is 1 - low",
            _objective(
                lambda rho, a, low, high: torch.minimum(rho * a, rho.clamp(1 / (1 + high), 1 + high) * a)
            ),
        ),
        Mistake(
            "across_tokens",
            "the advantages run along the tokens; there is one for each completion, so they need a second"
            " axis: `advantages.unsqueeze(1)`",
            _across_tokens,
        ),
    ),
    why="The smaller of the two is a promise that cannot be overdrawn: past the edge, moving on in the good"
    " direction earns nothing, and moving back always has its gradient.",
)


# k3


def _k3(logprobs: Tensor, reference_logprobs: Tensor) -> Tensor:
    log_r = reference_logprobs.detach() - logprobs
    return torch.expm1(log_r) - log_r


def _estimate(rule: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """An estimate from log r and from r = pi_ref / pi."""
    return lambda new, reference: rule(reference.detach() - new, torch.exp(reference.detach() - new))


def _token(now: float, reference: float) -> Case:
    return Case(
        f"one token, {now:g} now and {reference:g} in the reference",
        lambda: (torch.tensor([[now]]).log(), torch.tensor([[reference]]).log()),
    )


K3 = Check(
    expected=_k3,
    call=lambda candidate, new, reference: candidate(new, reference.detach()),
    cases=(
        _token(0.25, 0.5),
        _token(0.5, 0.25),
        Case("a policy that is its reference", lambda: (_logprobs(2, 5), _logprobs(2, 5))),
        Case("two completions of five tokens", lambda: (_logprobs(2, 5), _logprobs(2, 5, seed=1))),
    ),
    mistakes=(
        Mistake(
            "upside_down",
            "r is upside down: it is the reference's probability divided by the policy's",
            _estimate(lambda log_r, r: 1 / r + log_r - 1),
        ),
        Mistake(
            "k1",
            "this is -log r, which is right on average too, and negative for many a token; add r - 1",
            _estimate(lambda log_r, r: -log_r),
        ),
        Mistake(
            "k1_negative",
            "this is log r alone: the sign is wrong, and r - 1 is missing",
            _estimate(lambda log_r, r: log_r),
        ),
        Mistake(
            "k2",
            "this is half of log r squared (k2): never negative, but its mean is not the divergence",
            _estimate(lambda log_r, r: 0.5 * log_r.square()),
        ),
        Mistake(
            "one_lost",
            "the 1 is not taken away: where both policies agree, there must be 0",
            _estimate(lambda log_r, r: r - log_r),
        ),
        Mistake(
            "log_added",
            "log r is added; it is taken away",
            _estimate(lambda log_r, r: r + log_r - 1),
        ),
        Mistake(
            "log_lost",
            "this is r - 1, whose mean is zero whatever the policies are; log r is missing",
            _estimate(lambda log_r, r: r - 1),
        ),
        Mistake(
            "no_exp",
            "log r stands where r should be: take the exponential of the difference",
            _estimate(lambda log_r, r: log_r - r.log() - 1 + 0 * r),
        ),
        Mistake(
            "no_exp_twice",
            "r is the difference of the logarithms; take its exponential first. The difference itself may be"
            " negative, and then has no logarithm",
            _estimate(lambda log_r, r: log_r - log_r.log() - 1),
        ),
        Mistake(
            "quotient_of_logs",
            "r is one logarithm divided by the other; it is the quotient of the probabilities, the"
            " exponential of a difference of logarithms",
            lambda new, reference: reference.detach() / new - (reference.detach() / new).log() - 1,
        ),
        Mistake(
            "weighted_by_policy",
            "each token is weighed by its probability; tokens that the policy has drawn come as often as it"
            " likes them, so no weight is needed",
            lambda new, reference: new.exp() * _k3(new, reference),
        ),
        Mistake(
            "absolute",
            "this is the absolute value of log r: never negative, but its mean is not the divergence",
            _estimate(lambda log_r, r: log_r.abs()),
        ),
        Mistake(
            "weighted_by_r",
            "this is r log r - r + 1, with r where 1/r would belong: take r - log r - 1",
            _estimate(lambda log_r, r: r * log_r - r + 1),
        ),
        Mistake(
            "sign",
            "the sign is wrong: it must never be negative",
            _estimate(lambda log_r, r: 1 + log_r - r),
        ),
    ),
    why="The line r - 1 touches the curve of log r at r = 1 and lies above it elsewhere: so k3 is never below"
    " zero. And the mean of r - 1, over tokens of the policy, is zero: so it does not move the average.",
)


# aggregate


def _aggregate(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
    """Row by row, in plain Python."""
    rows = [row[kept] for row, kept in zip(values, mask, strict=True)]
    sums = [row.sum() for row in rows]
    if normaliser == "sequence":
        shares = [total / max(len(row), 1) for total, row in zip(sums, rows, strict=True)]
        return torch.stack(shares).sum() / len(rows)
    by = mask.numel() if normaliser == "constant" else max(int(mask.sum()), 1)
    return torch.stack(sums).sum() / by


def _with(**rules: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The right numbers, with another rule for some of the normalisers."""

    def aggregate(values: Tensor, mask: Tensor, normaliser: str = "sequence") -> Tensor:
        rule = rules.get(normaliser, partial(_aggregate, normaliser=normaliser))
        return rule(values, mask)

    return aggregate


def _kept(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, 0.0)


def _one_and_nine() -> tuple[Tensor, Tensor]:
    return torch.tensor([[1.0] * 9, [4.0] * 9]), _lengths(1, 9)


def _aggregated(name: str, values: Tensor, mask: Tensor, *normaliser: str) -> Case:
    return Case(name, lambda: (values.clone(), mask.clone(), *normaliser))


AGGREGATE = Check(
    expected=_aggregate,
    cases=(
        _aggregated("two completions, equally long", torch.tensor([[1.0, 2.0], [3.0, 6.0]]), _lengths(2, 2)),
        _aggregated("lengths 1 and 9", *_one_and_nine()),
        _aggregated("lengths 1 and 9, by token", *_one_and_nine(), "token"),
        _aggregated("lengths 1 and 9, by a constant", *_one_and_nine(), "constant"),
        _aggregated("lengths 2, 5 and 3, by sequence", _normal(3, 6), _lengths(2, 5, 3, width=6), "sequence"),
        _aggregated("lengths 2, 5 and 3, by token", _normal(3, 6), _lengths(2, 5, 3, width=6), "token"),
        _aggregated(
            "lengths 2, 5 and 3, by a constant", _normal(3, 6), _lengths(2, 5, 3, width=6), "constant"
        ),
        _aggregated("a completion without a token", _normal(3, 4, seed=1), _lengths(2, 0, 4)),
        _aggregated("no token at all", _normal(2, 4, seed=1), _lengths(0, 0, width=4), "token"),
        _aggregated("counted tokens at the right", _normal(2, 5, seed=2), _lengths(2, 4, width=5).flip(1)),
    ),
    mistakes=(
        Mistake(
            "padding_counted",
            "tokens that were never sampled count too; use the mask",
            lambda values, mask, normaliser="sequence": _aggregate(values, torch.ones_like(mask), normaliser),
        ),
        Mistake(
            "padding_in_denominator",
            "the sums are right, and they are divided by the width, padding included; by sequence, divide"
            " each by its own number of tokens",
            _with(sequence=lambda values, mask: _kept(values, mask).mean()),
        ),
        Mistake(
            "token_for_sequence",
            'for "sequence", all tokens are averaged together, so that long completions count more; average'
            " each completion first",
            _with(sequence=partial(_aggregate, normaliser="token")),
        ),
        Mistake(
            "sequence_for_token",
            'for "token", each completion is averaged first; divide the sum over all tokens by their number',
            _with(token=partial(_aggregate, normaliser="sequence")),
        ),
        Mistake(
            "always_sequence",
            "the normaliser makes no difference: each completion is averaged, and then these means",
            lambda values, mask, normaliser="sequence": _aggregate(values, mask),
        ),
        Mistake(
            "always_token",
            "the normaliser makes no difference: all tokens are averaged together",
            lambda values, mask, normaliser="sequence": _aggregate(values, mask, "token"),
        ),
        Mistake(
            "always_constant",
            "the normaliser makes no difference: everything is divided by all places, padding included",
            lambda values, mask, normaliser="sequence": _aggregate(values, mask, "constant"),
        ),
        Mistake(
            "mean_of_masked",
            "the normaliser makes no difference: all tokens are averaged together; and where there is none,"
            " that gives NaN",
            lambda values, mask, normaliser="sequence": values.masked_select(mask).mean(),
        ),
        Mistake(
            "nan_on_empty",
            "a completion without a token gives NaN, for zero is divided by zero; let it count as zero:"
            " divide by at least 1",
            _with(
                sequence=lambda values, mask: (_kept(values, mask).sum(dim=1) / mask.sum(dim=1)).mean(),
                token=lambda values, mask: _kept(values, mask).sum() / mask.sum(),
            ),
        ),
        Mistake(
            "empty_left_out",
            "a completion without a token is left out of the mean; it counts as zero",
            _with(
                sequence=lambda values, mask: (
                    _aggregate(values[mask.any(dim=1)], mask[mask.any(dim=1)])
                    if mask.any()
                    else values.sum() * 0
                )
            ),
        ),
        Mistake(
            "summed_over_sequences",
            "each completion's mean is right, and then they are added up; take their mean, so that the loss"
            " does not grow with the batch",
            _with(sequence=lambda values, mask: len(values) * _aggregate(values, mask)),
        ),
        Mistake(
            "sums_of_sequences",
            "each completion's sum is taken, not its mean: divide by its own number of tokens",
            _with(sequence=lambda values, mask: _kept(values, mask).sum(dim=1).mean()),
        ),
        Mistake(
            "constant_by_completions",
            'for "constant", the sum is divided by the number of completions alone; divide by completions'
            " times width",
            _with(constant=lambda values, mask: _kept(values, mask).sum() / len(values)),
        ),
        Mistake(
            "constant_by_width",
            'for "constant", the sum is divided by the width alone, so that the loss grows with the batch;'
            " divide by completions times width",
            _with(constant=lambda values, mask: _kept(values, mask).sum() / mask.shape[1]),
        ),
        Mistake(
            "constant_by_tokens",
            'for "constant", the sum is divided by the number of sampled tokens, which depends on lengths;'
            " divide by completions times width",
            _with(constant=partial(_aggregate, normaliser="token")),
        ),
        Mistake(
            "first_columns",
            "as many tokens are counted as the mask has, but always the first ones; the mask may have them"
            " anywhere",
            lambda values, mask, normaliser="sequence": _aggregate(
                values, mask.sort(dim=1, descending=True).values, normaliser
            ),
        ),
    ),
    why="By what one divides decides how much a token counts: in a mean of means, a token of a long answer"
    " counts less than one of a short answer.",
)


# grpo_loss


def _loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    variant: Variant = GRPO,
    reference_logprobs: Tensor | None = None,
    *,
    ratios: Callable[[Tensor, Tensor], Tensor] = _ratio,
    objective: Callable[..., Tensor] = _clipped,
    join: Callable[[Tensor, Tensor, float], Tensor] = lambda gain, penalty, beta: -gain + beta * penalty,
    penalty: Callable[[Tensor, Tensor], Tensor] = _k3,
    together: Callable[..., Tensor] = _aggregate,
) -> Tensor:
    """The loss, with any of its parts made in another way."""
    gain = objective(ratios(logprobs, old_logprobs), advantages, variant.clip_low, variant.clip_high)
    pull = torch.zeros_like(gain)
    if reference_logprobs is not None and variant.beta:
        pull = penalty(logprobs, reference_logprobs)
    return together(join(gain, pull, variant.beta), mask, variant.normaliser)


def _given_loss(candidate: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """Old and reference log-probabilities and advantages are given numbers: no gradient is asked of them."""
    logprobs, *given = arguments
    return candidate(logprobs, *(thing.detach() if isinstance(thing, Tensor) else thing for thing in given))


def _batch(*more: Any, moved: float = 0.9) -> Callable[[], tuple[Any, ...]]:
    """Three completions of different lengths by a policy that has moved since it sampled them."""

    def arguments() -> tuple[Any, ...]:
        logprobs = _logprobs(3, 5)
        old = logprobs + _normal(3, 5, seed=1, size=moved)
        return logprobs, old, torch.tensor([1.2, -0.9, -0.3]), _lengths(2, 5, 3), *more

    return arguments


def _reference() -> Tensor:
    return _logprobs(3, 5) + _normal(3, 5, seed=2, size=0.5)


def _swapped_bounds(logprobs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, *more: Any) -> Tensor:
    variant = more[0] if more else GRPO
    turned = replace(variant, clip_low=variant.clip_high, clip_high=variant.clip_low)
    return _loss(logprobs, old, advantages, mask, turned, *more[1:])


def _changed_variant(**fields: Any) -> Callable[..., Tensor]:
    def loss(logprobs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, *more: Any) -> Tensor:
        variant = replace(more[0] if more else GRPO, **fields)
        return _loss(logprobs, old, advantages, mask, variant, *more[1:])

    return loss


GRPO_LOSS = Check(
    expected=_loss,
    call=_given_loss,
    cases=(
        Case("a policy that has not moved", _batch(moved=0.0)),
        Case("a policy that has moved", _batch()),
        Case("Dr. GRPO's normaliser", _batch(DR_GRPO)),
        Case("DAPO's normaliser and its higher upper bound", _batch(DAPO)),
        Case("a narrow clip below and a wide one above", _batch(Variant(clip_low=0.05, clip_high=0.5))),
        Case(
            "a pull of 0.1 towards a reference policy",
            lambda: (*_batch(Variant(beta=0.1), moved=0.0)(), _reference()),
        ),
        Case(
            "a pull of 0.5, and a policy that has moved", lambda: (*_batch(Variant(beta=0.5))(), _reference())
        ),
        Case("a reference policy that is not used, beta 0", lambda: (*_batch(GRPO)(), _reference())),
    ),
    mistakes=(
        Mistake(
            "sign",
            "the sign is wrong: an optimiser makes the loss small, and the objective is to be large. Put a"
            " minus before the objective",
            partial(_loss, join=lambda gain, penalty, beta: gain + beta * penalty),
        ),
        Mistake(
            "all_signs",
            "the objective as it is to be raised; a loss is minus that",
            partial(_loss, join=lambda gain, penalty, beta: gain - beta * penalty),
        ),
        Mistake(
            "penalty_rewarded",
            "the distance from the reference lowers the loss, so it would be sought: add beta times k3 to the"
            " loss",
            partial(_loss, join=lambda gain, penalty, beta: -gain - beta * penalty),
        ),
        Mistake(
            "no_penalty",
            "there is no pull towards the reference policy; add beta times k3",
            partial(_loss, join=lambda gain, penalty, beta: -gain),
        ),
        Mistake(
            "beta_lost",
            "k3 is added without its weight; multiply it by `variant.beta`",
            partial(_loss, join=lambda gain, penalty, beta: -gain + (penalty if beta else 0 * penalty)),
        ),
        Mistake(
            "penalty_to_old",
            "k3 is taken between the policy and the one that sampled; take the reference policy",
            lambda logprobs, old, advantages, mask, variant=GRPO, reference=None: _loss(
                logprobs, old, advantages, mask, variant, old if variant.beta else None
            ),
        ),
        Mistake(
            "reference_first",
            "policy and reference have changed places in k3: the policy's log-probabilities come first",
            partial(_loss, penalty=lambda new, reference: _k3(reference.detach(), new)),
        ),
        Mistake(
            "ratio_to_reference",
            "the ratio is taken to the reference policy; it is taken to the old policy, which sampled",
            lambda logprobs, old, advantages, mask, variant=GRPO, reference=None: _loss(
                logprobs, old if reference is None else reference, advantages, mask, variant, reference
            ),
        ),
        Mistake(
            "ratio_swapped",
            "old and new policy have changed places in the ratio",
            partial(_loss, ratios=lambda new, old: torch.exp(old.detach() - new)),
        ),
        Mistake(
            "not_clipped",
            "nothing is clipped: use `clipped_objective`",
            partial(_loss, objective=lambda rho, a, low, high: rho * a.detach().unsqueeze(1)),
        ),
        Mistake(
            "bounds_fixed",
            "the clip does not use the variant's bounds: hand on `variant.clip_low` and `variant.clip_high`",
            _changed_variant(clip_low=0.2, clip_high=0.2),
        ),
        Mistake("bounds_swapped", "the clip's two bounds have changed places", _swapped_bounds),
        Mistake(
            "normaliser_lost",
            "the normaliser is not used: hand `variant.normaliser` on to `aggregate`",
            _changed_variant(normaliser="sequence"),
        ),
        Mistake(
            "variant_unused",
            "the variant makes no difference: hand on its bounds and its normaliser, and add k3 where it has"
            " a beta",
            _changed_variant(clip_low=0.2, clip_high=0.2, normaliser="sequence", beta=0.0),
        ),
        Mistake(
            "padding_counted",
            "tokens that were never sampled count too: hand the mask on to `aggregate`",
            lambda logprobs, old, advantages, mask, *more: _loss(
                logprobs, old, advantages, torch.ones_like(mask), *more
            ),
        ),
        Mistake(
            "reinforce",
            "the log-probabilities are multiplied by the advantages, as in lesson 07; GRPO multiplies the"
            " ratio",
            partial(
                _loss,
                ratios=lambda new, old: new,
                objective=lambda rho, a, low, high: rho * a.detach().unsqueeze(1),
            ),
        ),
        Mistake(
            "penalty_in_objective",
            "k3 is multiplied by the advantage as well; it is added once the clipped objective is made",
            lambda logprobs, old, advantages, mask, variant=GRPO, reference=None: _loss(
                logprobs,
                old,
                advantages,
                mask,
                variant,
                reference,
                join=lambda gain, penalty, beta: -gain + beta * penalty * advantages.detach().unsqueeze(1),
            ),
        ),
    ),
    why="Each part has its office: the advantage says what is good, the ratio how far it has moved, the clip"
    " how far it may, k3 how far from home it is, and the mean how much a token counts.",
)

# groups_with_contrast


def _contrast(
    teaches: Callable[[Tensor], Tensor] = lambda groups: (groups != groups[:, :1]).any(dim=1),
    into_groups: Callable[[Tensor, int], Tensor] = lambda rewards, size: rewards.unflatten(0, (-1, size)),
) -> Callable[[Tensor, int], Tensor]:
    """Which groups teach something, by another rule or with groups cut in another way."""
    return lambda rewards, group_size: teaches(into_groups(rewards, group_size))


def _all_different(groups: Tensor) -> Tensor:
    return torch.tensor([len(set(group)) == len(group) for group in groups.tolist()])


GROUPS_WITH_CONTRAST = Check(
    expected=_contrast(),
    gradients=False,
    cases=(
        Case("one group, with one right answer", lambda: (torch.tensor([0.0, 0, 1, 0]), 4)),
        Case("one group that is all wrong", lambda: (torch.zeros(4), 4)),
        Case("one group that is all right", lambda: (torch.ones(4), 4)),
        Case("the example of the docstring", lambda: (torch.tensor([1.0, 1, 1, 0]), 2)),
        Case(
            "three groups: all wrong, mixed, all right",
            lambda: (torch.tensor([0.0, 0, 0, 0, 1, 0, 1, 1, 1]), 3),
        ),
        Case("groups that differ from one another alone", lambda: (torch.tensor([0.0, 0, 1, 1, 2, 2]), 2)),
        Case("eight equal rewards whose mean is rounded", lambda: (torch.full((8,), 0.1), 8)),
        Case(
            "rewards for the format: all wrong, and not all tidy",
            lambda: (torch.tensor([0.1, 0.0, 0.1, 0.1, 1.1, 1.1, 1.1, 1.1]), 4),
        ),
        Case(
            "one group that is all right, and not all tidy", lambda: (torch.tensor([1.1, 1.1, 1.0, 1.1]), 4)
        ),
        Case(
            "24 groups of 8",
            lambda: ((torch.rand(192, generator=torch.Generator().manual_seed(0)) < 0.12).float(), 8),
        ),
    ),
    mistakes=(
        Mistake(
            "any_right",
            "these are the groups with a reward that is not 0; where all are equally right, nothing is better"
            " than anything else either",
            _contrast(lambda groups: (groups != 0).any(dim=1)),
        ),
        Mistake(
            "any_wrong",
            "these are the groups with a reward that is not the full 1; where all are equally wrong, nothing"
            " is better than anything else",
            _contrast(lambda groups: (groups < 1).any(dim=1)),
        ),
        Mistake(
            "no_contrast",
            "these are the groups in which all rewards are equal; True is for the others",
            _contrast(lambda groups: (groups == groups[:, :1]).all(dim=1)),
        ),
        Mistake(
            "interleaved",
            "every group is made of completions of different prompts: rows of one prompt stand together, and"
            " not every so many rows apart",
            _contrast(into_groups=lambda rewards, size: rewards.unflatten(0, (size, -1)).T),
        ),
        Mistake(
            "each_completion",
            "this has one value for each completion; return one for each group",
            lambda rewards, group_size: _contrast()(rewards, group_size).repeat_interleave(group_size),
        ),
        Mistake(
            "rounded_spread",
            "a spread that should be 0 is not always: the mean of equal rewards is rounded, and a distance of"
            " 0.00000001 remains; compare the rewards with one another",
            _contrast(lambda groups: groups.std(dim=1, correction=0) > 0),
        ),
        Mistake(
            "zeros_and_ones_alone",
            "the sum is held against 0 and the size of the group, which finds contrast only if every reward"
            " is 0 or 1. Rewards may be tenths; compare them with one another",
            _contrast(lambda groups: (groups.sum(dim=1) > 0) & (groups.sum(dim=1) < groups.shape[1])),
        ),
        Mistake(
            "counts_right_alone",
            "rewards are cut to 0 and 1 first, so that a tenth for the format is lost; compare them as they"
            " are",
            _contrast(lambda groups: (groups.int() != groups.int()[:, :1]).any(dim=1)),
        ),
        Mistake(
            "all_different",
            "these are the groups in which no two rewards are equal; one that differs is enough",
            _contrast(_all_different),
        ),
        Mistake(
            "first_and_last",
            "only the first and the last reward of a group are compared; any two may differ",
            _contrast(lambda groups: groups[:, 0] != groups[:, -1]),
        ),
        Mistake(
            "whole_batch",
            "each group is compared with the mean of the whole batch; compare the rewards of a group with one"
            " another",
            _contrast(lambda groups: (groups != groups.mean()).any(dim=1)),
        ),
        Mistake(
            "share",
            "this is the share of groups with contrast; return True or False for each group",
            lambda rewards, group_size: _contrast()(rewards, group_size).double().mean(),
        ),
        Mistake(
            "spread_itself",
            "this is how far apart the rewards of a group are; ask whether that is more than 0",
            _contrast(lambda groups: groups.amax(dim=1) - groups.amin(dim=1)),
        ),
    ),
    why="An advantage is a distance from the group's mean. Where all rewards are equal, all distances are 0,"
    " and so is the gradient: such a group costs its answers and teaches nothing.",
)


CHECKS = {
    "group_advantages": GROUP_ADVANTAGES,
    "ratio": RATIO,
    "clipped_objective": CLIPPED_OBJECTIVE,
    "k3": K3,
    "aggregate": AGGREGATE,
    "grpo_loss": GRPO_LOSS,
    "groups_with_contrast": GROUPS_WITH_CONTRAST,
}
