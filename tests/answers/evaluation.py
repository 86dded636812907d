"""Answers to the exercises on measuring: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocketr1.evaluation import Decomposition

# decompose


def decompose_by_counting(right: Tensor, worked: Tensor) -> Decomposition:
    total, working = len(worked), int(worked.sum())
    both = int((right & worked).sum())
    direct = int(right.sum()) - both
    return Decomposition(
        working / total,
        both / working if working else 0.0,
        direct / (total - working) if total > working else 0.0,
    )


def decompose_by_lists(right: Tensor, worked: Tensor) -> Decomposition:
    groups: dict[bool, list[bool]] = {True: [], False: []}
    for was_right, was_worked in zip(right.tolist(), worked.tolist(), strict=True):
        groups[was_worked].append(was_right)
    means = {mode: sum(found) / max(len(found), 1) for mode, found in groups.items()}
    return Decomposition(len(groups[True]) / len(worked), means[True], means[False])


def decompose_by_clamping(right: Tensor, worked: Tensor) -> Decomposition:
    def share(of: Tensor) -> Tensor:
        return (right & of).sum() / of.sum().clamp(min=1)

    return Decomposition(worked.float().mean(), share(worked), share(~worked))  # type: ignore[arg-type]


def decompose_by_names(right: Tensor, worked: Tensor) -> Decomposition:
    with_steps, without = right[worked].float(), right[worked.logical_not()].float()
    return Decomposition(
        right_when_direct=0.0 if len(without) == 0 else without.mean().item(),
        right_when_working=0.0 if len(with_steps) == 0 else with_steps.mean().item(),
        works=(worked.count_nonzero() / worked.numel()).item(),
    )


def decompose_in_numpy(right: Tensor, worked: Tensor) -> Decomposition:
    r, w = right.numpy(), worked.numpy()
    return Decomposition(
        np.mean(w), np.mean(r[w]) if w.any() else 0.0, np.mean(r[~w]) if not w.all() else 0.0
    )


def decomposed(
    works: Callable[[Tensor, Tensor], Any] = lambda r, w: w.float().mean().item(),
    working: Callable[[Tensor, Tensor], Any] = lambda r, w: r[w].sum().item() / max(w.sum().item(), 1),
    direct: Callable[[Tensor, Tensor], Any] = lambda r, w: r[~w].sum().item() / max((~w).sum().item(), 1),
) -> Callable[[Tensor, Tensor], Decomposition]:
    """The three numbers, some of them made in another way."""
    return lambda right, worked: Decomposition(
        works(right, worked), working(right, worked), direct(right, worked)
    )


def joint_by_products(right: Tensor, worked: Tensor) -> Decomposition:
    r, w = right.double(), worked.double()
    return Decomposition(w.mean().item(), (r * w).mean().item(), (r * (1 - w)).mean().item())


def of_the_right_ones(right: Tensor, worked: Tensor) -> Decomposition:
    among = worked[right].float()
    return Decomposition(worked.float().mean().item(), among.mean().item(), 1 - among.mean().item())


def of_the_right_ones_by_counts(right: Tensor, worked: Tensor) -> Decomposition:
    both, all_right = (right & worked).sum().item(), right.sum().item()
    return Decomposition(worked.sum().item() / len(worked), both / all_right, (all_right - both) / all_right)


def means_of_nothing(right: Tensor, worked: Tensor) -> Decomposition:
    right = right.double()
    return Decomposition(
        worked.double().mean().item(), right[worked].mean().item(), right[~worked].mean().item()
    )


def means_of_nothing_by_division(right: Tensor, worked: Tensor) -> Decomposition:
    both, direct = (right & worked).sum(), (right & ~worked).sum()
    return Decomposition(
        (worked.sum() / len(worked)).item(),
        (both / worked.sum()).item(),
        (direct / (~worked).sum()).item(),
    )


# split_gain


def split_by_halfway(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    between = Decomposition(after.works, before.right_when_working, before.right_when_direct).pass_at_1
    return between - before.pass_at_1, after.pass_at_1 - between


def split_written_out(before: Decomposition, after: Decomposition) -> list[float]:
    w0, a0, d0 = before.works, before.right_when_working, before.right_when_direct
    w1, a1, d1 = after.works, after.right_when_working, after.right_when_direct
    return [(w1 - w0) * a0 - (w1 - w0) * d0, w1 * (a1 - a0) + (1 - w1) * (d1 - d0)]


def split_by_total(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    more = after.works - before.works
    choosing = more * before.right_when_working - more * before.right_when_direct
    total = sum(
        sign * (part.works * part.right_when_working + (1 - part.works) * part.right_when_direct)
        for sign, part in ((1, after), (-1, before))
    )
    return choosing, total - choosing


Split = Callable[[Decomposition, Decomposition], Any]


def split(
    choosing: Split = lambda b, a: (a.works - b.works) * (b.right_when_working - b.right_when_direct),
) -> Split:
    """The gain, and how much of it is by choosing; the rest is skill."""

    def parts(before: Decomposition, after: Decomposition) -> tuple[float, float]:
        first = choosing(before, after)
        return first, after.pass_at_1 - before.pass_at_1 - first

    return parts


def skill_first_written_out(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    w0, w1 = before.works, after.works
    better = w0 * (after.right_when_working - before.right_when_working)
    better += (1 - w0) * (after.right_when_direct - before.right_when_direct)
    return (w1 - w0) * (after.right_when_working - after.right_when_direct), better


def mean_of_accuracies(before: Decomposition, after: Decomposition) -> float:
    gap = before.right_when_working - before.right_when_direct
    gap_after = after.right_when_working - after.right_when_direct
    return (after.works - before.works) * (gap + gap_after) / 2


def kitagawa(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    share = (before.works + after.works) / 2
    skill = share * (after.right_when_working - before.right_when_working)
    skill += (1 - share) * (after.right_when_direct - before.right_when_direct)
    return mean_of_accuracies(before, after), skill


def skill_at_the_old_share(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    choosing = (after.works - before.works) * (before.right_when_working - before.right_when_direct)
    stays = Decomposition(before.works, after.right_when_working, after.right_when_direct)
    return choosing, stays.pass_at_1 - before.pass_at_1


def skill_at_the_old_share_written_out(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    skill = before.works * (after.right_when_working - before.right_when_working)
    skill += (1 - before.works) * (after.right_when_direct - before.right_when_direct)
    return split()(before, after)[0], skill


def working_alone(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    better = after.works * after.right_when_working - after.works * before.right_when_working
    return split_by_halfway(before, after)[0], better


def working_alone_again(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    return split()(before, after)[0], (after.right_when_working - before.right_when_working) * after.works


# majority_vote


def vote_by_mode(answers: Any) -> Any:
    given = [answer for answer in answers if answer is not None]
    return statistics.mode(given) if given else None


def vote_by_max(answers: Any) -> Any:
    given = [answer for answer in answers if answer is not None]
    return max(given, key=given.count, default=None)


def vote_by_dictionary(answers: Any) -> Any:
    votes: defaultdict[Any, int] = defaultdict(int)
    for answer in answers:
        if answer is not None:
            votes[answer] += 1
    best = None
    for answer, count in votes.items():
        if best is None or count > votes[best]:
            best = answer
    return best


def vote_by_sorting(answers: Any) -> Any:
    votes = Counter(answers)
    votes.pop(None, None)
    ranked = sorted(votes, key=lambda answer: (-votes[answer], list(answers).index(answer)))
    return ranked[0] if ranked else None


def vote(pick: Callable[[list[Any], list[Any]], Any]) -> Callable[[Any], Any]:
    """`pick` chooses from the answers that were given and those with most votes, in their order."""

    def chosen(answers: Any) -> Any:
        given = [answer for answer in answers if answer is not None]
        if not given:
            return None
        most = max(map(given.count, given))
        return pick(given, [answer for answer in dict.fromkeys(given) if given.count(answer) == most])

    return chosen


# chance_pass_at_k


def chance_by_loop(values: int, k: int) -> float:
    missed = 1.0
    for _ in range(k):
        missed *= (values - 1) / values
    return 1.0 - missed


def chance_by_logarithms(values: int, k: int) -> float:
    return -math.expm1(k * math.log1p(-1 / values)) if values > 1 else 1.0


def chance_recursively(values: int, k: int) -> float:
    return 0.0 if k == 0 else 1 / values + (1 - 1 / values) * chance_recursively(values, k - 1)


# pass_at_k


def k_checked(k, samples):
    if k < 1 or k > samples:
        raise ValueError(f"k = {k} is not possible with {samples} samples")


def passed_by_product(correct, samples, k):
    """One miss after the other: (n - c) / n, then (n - c - 1) / (n - 1), and so on."""
    k_checked(k, samples)
    total = 0.0
    for right in correct:
        miss = 1.0
        for i in range(k):
            miss *= max(samples - right - i, 0) / (samples - i)
        total += 1 - miss
    return total / len(correct)


def passed_by_tensors(correct, samples, k):
    """As in the HumanEval repository: the product of 1 - k / i over i from n - c + 1 to n."""
    if not (0 < k <= samples):
        raise ValueError("k")
    rates = []
    for right in correct:
        if samples - right < k:
            rates.append(1.0)
        else:
            factors = 1.0 - k / torch.arange(samples - right + 1, samples + 1).double()
            rates.append(1.0 - factors.prod().item())
    return torch.tensor(rates).double().mean()


def passed_by_factorials(correct, samples, k):
    k_checked(k, samples)

    def sets(size):
        if size < k:
            return 0
        return math.factorial(size) / math.factorial(k) / math.factorial(size - k)

    return 1 - sum(sets(samples - right) for right in correct) / sets(samples) / len(correct)


def each_problem(estimate):
    def passed(correct, samples, k):
        k_checked(k, samples)
        return sum(estimate(right, samples, k) for right in correct) / len(correct)

    return passed


def asserted(correct, n, k):
    assert 1 <= k <= n
    return passed_by_product(correct, n, k)


def pooled_by_product(correct, samples, k):
    k_checked(k, samples)
    return passed_by_product([sum(correct)], samples * len(correct), k)


RIGHT = {
    "pass_at_k": [passed_by_product, passed_by_tensors, passed_by_factorials],
    "decompose": [
        decompose_by_counting,
        decompose_by_lists,
        decompose_by_clamping,
        decompose_by_names,
        decompose_in_numpy,
    ],
    "split_gain": [split_by_halfway, split_written_out, split_by_total, split()],
    "majority_vote": [vote_by_mode, vote_by_max, vote_by_dictionary, vote_by_sorting],
    "chance_pass_at_k": [chance_by_loop, chance_by_logarithms, chance_recursively],
}

WRONG: dict[str, dict[str, list[Callable[..., Any]]]] = {
    "pass_at_k": {
        "put_back": [each_problem(lambda c, n, k: 1 - math.pow((n - c) / n, k))],
        "pooled": [pooled_by_product],
        "missed": [lambda correct, n, k: 1 - passed_by_factorials(correct, n, k)],
        "all_tries_right": [
            each_problem(lambda c, n, k: math.prod(max(c - i, 0) / (n - i) for i in range(k)))
        ],
        "one_try": [lambda correct, n, k: passed_by_product(correct, n, min(k, 1) if k <= n else k)],
        "any_right": [lambda correct, n, k: passed_by_product(correct, n, n if 1 <= k <= n else k)],
        "nothing_where_all_hit": [
            each_problem(lambda c, n, k: passed_by_product([c], n, k) if n - c >= k else 0)
        ],
        "summed": [lambda correct, n, k: sum(passed_by_product([c], n, k) for c in correct)],
        "any_k": [
            lambda correct, n, k: (
                1
                - sum(math.prod(max(n - c - i, 0) / max(n - i, 1) for i in range(k)) for c in correct)
                / len(correct)
            )
        ],
        "not_refused": [
            lambda correct, n, k: (
                1 - sum(math.comb(n - c, k) / math.comb(n, k) for c in correct) / len(correct)
            )
        ],
        "misses_summed": [lambda correct, n, k: 1 - sum(1 - passed_by_product([c], n, k) for c in correct)],
        "put_back_for_any_k": [
            lambda correct, n, k: sum(1 - math.pow((n - c) / n, k) for c in correct) / len(correct)
        ],
        "asserted": [asserted],
    },
    "decompose": {
        "divided_by_all": [
            joint_by_products,
            decomposed(
                working=lambda r, w: (r & w).sum().item() / len(w),
                direct=lambda r, w: (r & ~w).sum().item() / len(w),
            ),
        ],
        "other_way_round": [of_the_right_ones, of_the_right_ones_by_counts],
        "modes_swapped": [
            decomposed(
                working=lambda r, w: r[~w].sum().item() / max((~w).sum().item(), 1),
                direct=lambda r, w: r[w].sum().item() / max(w.sum().item(), 1),
            ),
            lambda right, worked: Decomposition(
                decompose_by_counting(right, worked).works,
                decompose_by_counting(right, ~worked).right_when_working,
                decompose_by_counting(right, ~worked).right_when_direct,
            ),
        ],
        "works_is_direct": [
            decomposed(works=lambda r, w: (~w).float().mean().item()),
            decomposed(works=lambda r, w: 1 - w.float().mean()),
        ],
        "works_is_right": [
            decomposed(works=lambda r, w: r.float().mean().item()),
            decomposed(works=lambda r, w: r.sum() / len(r)),
        ],
        "works_and_right": [
            decomposed(works=lambda r, w: (r & w).float().mean().item()),
            decomposed(works=lambda r, w: r[w].sum() / len(r)),
        ],
        "whole_pass_at_1": [
            decomposed(
                working=lambda r, w: r.double().mean().item(), direct=lambda r, w: r.double().mean().item()
            ),
            decomposed(working=lambda r, w: r.sum() / len(r), direct=lambda r, w: r.sum() / len(r)),
        ],
        "mean_of_none": [means_of_nothing, means_of_nothing_by_division],
        "counts": [
            lambda right, worked: Decomposition(
                worked.sum(), (right & worked).sum(), (right & ~worked).sum()
            ),
            decomposed(
                works=lambda r, w: w.sum().item(),
                working=lambda r, w: r[w].sum().item(),
                direct=lambda r, w: r[~w].sum().item(),
            ),
        ],
        "three_numbers": [
            lambda right, worked: tuple(vars(decompose_by_counting(right, worked)).values()),
            lambda right, worked: [
                worked.float().mean(),
                (right & worked).sum() / worked.sum().clamp(min=1),
                (right & ~worked).sum() / (~worked).sum().clamp(min=1),
            ],
        ],
    },
    "split_gain": {
        "skill_first": [
            skill_first_written_out,
            split(lambda b, a: (a.works - b.works) * (a.right_when_working - a.right_when_direct)),
        ],
        "mean_of_both_orders": [kitagawa, split(mean_of_accuracies)],
        "level_and_not_gain": [
            lambda b, a: (
                a.works * b.right_when_working + (1 - a.works) * b.right_when_direct,
                a.pass_at_1 - a.works * b.right_when_working - (1 - a.works) * b.right_when_direct,
            ),
            lambda b, a: (
                replace(b, works=a.works).pass_at_1,
                a.pass_at_1 - replace(b, works=a.works).pass_at_1,
            ),
        ],
        "direct_forgotten": [
            split(lambda b, a: (a.works - b.works) * b.right_when_working),
            split(lambda b, a: a.works * b.right_when_working - b.works * b.right_when_working),
        ],
        "does_not_add_up": [skill_at_the_old_share, skill_at_the_old_share_written_out],
        "better_direct_answers_forgotten": [working_alone, working_alone_again],
        "swapped": [
            lambda before, after: split_by_halfway(before, after)[::-1],
            lambda before, after: tuple(reversed(split()(before, after))),
        ],
        "after_less_before": [
            lambda before, after: tuple(-part for part in split_by_halfway(before, after)),
            lambda before, after: [-1 * part for part in split()(before, after)],
        ],
        "shares_of_the_gain": [
            lambda before, after: tuple(
                part / (after.pass_at_1 - before.pass_at_1) for part in split_by_halfway(before, after)
            ),
            lambda before, after: [
                part / sum(split_written_out(before, after)) for part in split_written_out(before, after)
            ],
        ],
        "not_weighted": [
            lambda before, after: (
                after.works - before.works,
                after.right_when_working - before.right_when_working,
            ),
            lambda before, after: [
                -(before.works - after.works),
                -(before.right_when_working - after.right_when_working),
            ],
        ],
        "whole_gain_twice": [
            lambda before, after: (split()(before, after)[0], after.pass_at_1 - before.pass_at_1),
            lambda before, after: [split_written_out(before, after)[0], sum(split()(before, after))],
        ],
    },
    "majority_vote": {
        "none_votes_too_and_crashes": [lambda answers: Counter(answers).most_common(1)[0][0]],
        "zero_has_no_vote": [lambda answers: vote_by_max([answer for answer in answers if answer])],
        "none_votes_too": [
            lambda answers: Counter(answers).most_common(1)[0][0] if answers else None,
            lambda answers: max(answers, key=list(answers).count, default=None),
        ],
        "first_answer": [vote(lambda given, tied: given[0])],
        "last_answer": [vote(lambda given, tied: given[-1])],
        "needs_more_than_half": [
            vote(lambda given, tied: tied[0] if 2 * given.count(tied[0]) > len(given) else None)
        ],
        "last_wins_ties": [vote(lambda given, tied: tied[-1])],
        "smallest_wins_ties": [vote(lambda given, tied: min(tied))],
        "largest_wins_ties": [vote(lambda given, tied: max(tied))],
        "nobody_wins_ties": [vote(lambda given, tied: None if len(tied) > 1 else tied[0])],
        "votes_of_winner": [
            lambda answers: (
                Counter(a for a in answers if a is not None).total()
                and Counter(a for a in answers if a is not None).most_common(1)[0][1]
            )
        ],
        "answer_and_votes": [vote(lambda given, tied: (tied[0], given.count(tied[0])))],
        "crashes_without_votes": [
            lambda answers: Counter(a for a in answers if a is not None).most_common(1)[0][0],
            lambda answers: (
                [a for a in answers if a is not None][0]
                if all(a is None for a in answers)
                else vote_by_max(answers)
            ),
        ],
    },
    "chance_pass_at_k": {
        "added_up": [lambda values, k: k * (1 / values), lambda values, k: sum(1 / values for _ in range(k))],
        "added_up_to_one": [lambda values, k: k / values if k < values else 1.0],
        "always_missed": [lambda values, k: (1 - 1 / values) ** k],
        "all_hit": [lambda values, k: 1 / values**k],
        "not_all_hit": [lambda values, k: 1 - 1 / values**k],
        "one_guess": [lambda values, k: 1 - (1 - 1 / values)],
        "values_and_k_swapped": [lambda values, k: 1 - (1 - 1 / k) ** values],
        "exponential": [lambda values, k: 1 - math.exp(-k / values)],
    },
}
