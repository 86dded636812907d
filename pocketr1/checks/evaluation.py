"""Checks of the exercises that measure a model which samples its answers.

The inputs isolate one mechanism at a time: shares that all differ say which samples went into a mean, a mode
that never occurs shows a division by zero, a tie shows who wins it, and two possible answers show whether a
guesser remembers what was guessed before.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from ..evaluation import Decomposition
from .specification import Case, Check, Mistake


def _flags(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.bool)


# decompose

FIELDS = ("works", "right_when_working", "right_when_direct")
Counts = tuple[int, int, int, int]
"""How many samples are worked and right, worked and wrong, direct and right, direct and wrong."""


def _described(candidate: Callable[..., Any], right: Tensor, worked: Tensor) -> Any:
    """The three numbers by name; anything else as it came."""
    found = candidate(right, worked)
    if not all(hasattr(found, name) for name in FIELDS):
        return found
    return {name: getattr(found, name) for name in FIELDS}


def _counted(right: Tensor, worked: Tensor) -> Counts:
    pairs = list(zip(right.tolist(), worked.tolist(), strict=True))
    return (
        pairs.count((True, True)),
        pairs.count((False, True)),
        pairs.count((True, False)),
        pairs.count((False, False)),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _apart(**changes: Callable[[Counts], float]) -> Callable[[Tensor, Tensor], dict[str, float]]:
    """The three numbers from the four counts; some of them made in another way."""

    def take(right: Tensor, worked: Tensor) -> dict[str, float]:
        counts = (ww, wf, dr, df) = _counted(right, worked)
        proper = {
            "works": _share(ww + wf, sum(counts)),
            "right_when_working": _share(ww, ww + wf),
            "right_when_direct": _share(dr, dr + df),
        }
        return proper | {name: change(counts) for name, change in changes.items()}

    return take


def _none_is_nan(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


DECOMPOSE = Check(
    expected=_apart(),
    call=_described,
    gradients=False,
    cases=(
        Case(
            "three worked samples, two of them right, and a direct one that is right",
            lambda: (_flags(1, 1, 0, 1), _flags(1, 1, 1, 0)),
        ),
        Case(
            "one worked sample, which is right, and three direct ones that are wrong",
            lambda: (_flags(0, 1, 0, 0), _flags(0, 1, 0, 0)),
        ),
        Case(
            "four worked samples and six direct ones",
            lambda: (_flags(1, 0, 1, 0, 0, 1, 0, 1, 0, 0), _flags(1, 0, 1, 0, 0, 1, 1, 0, 0, 0)),
        ),
        Case("no worked sample", lambda: (_flags(1, 0, 0), _flags(0, 0, 0))),
        Case("worked samples alone", lambda: (_flags(1, 0, 1, 1), _flags(1, 1, 1, 1))),
        Case(
            "a thousand samples",
            lambda: (
                torch.rand(1000, generator=torch.Generator().manual_seed(0)) < 0.3,
                torch.rand(1000, generator=torch.Generator().manual_seed(1)) < 0.6,
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "divided_by_all",
            "right answers of a mode are divided by all samples; divide by the samples of that mode, since"
            " the question is how well it does *when* it does so",
            _apart(
                right_when_working=lambda c: _share(c[0], sum(c)),
                right_when_direct=lambda c: _share(c[2], sum(c)),
            ),
        ),
        Mistake(
            "other_way_round",
            "this is how many of the *right* answers were worked, or direct; the question is how many of the"
            " worked, or direct, answers are right",
            _apart(
                right_when_working=lambda c: _share(c[0], c[0] + c[2]),
                right_when_direct=lambda c: _share(c[2], c[0] + c[2]),
            ),
        ),
        Mistake(
            "modes_swapped",
            "worked and direct have changed places in the two accuracies",
            _apart(
                right_when_working=lambda c: _share(c[2], c[2] + c[3]),
                right_when_direct=lambda c: _share(c[0], c[0] + c[1]),
            ),
        ),
        Mistake(
            "works_is_direct",
            "`works` is the share of direct samples; it should be that of worked ones",
            _apart(works=lambda c: _share(c[2] + c[3], sum(c))),
        ),
        Mistake(
            "works_is_right",
            "`works` is the share of right samples; it should be that of worked ones, right or wrong",
            _apart(works=lambda c: _share(c[0] + c[2], sum(c))),
        ),
        Mistake(
            "works_and_right",
            "`works` is the share of samples that are worked *and* right; count the wrong ones too",
            _apart(works=lambda c: _share(c[0], sum(c))),
        ),
        Mistake(
            "whole_pass_at_1",
            "both accuracies are that of all samples; take the mean of `right` over one mode at a time",
            _apart(
                right_when_working=lambda c: _share(c[0] + c[2], sum(c)),
                right_when_direct=lambda c: _share(c[0] + c[2], sum(c)),
            ),
        ),
        Mistake(
            "mean_of_none",
            "a mode that never occurs has no mean: 0 divided by 0 is NaN; give 0 for it",
            _apart(
                right_when_working=lambda c: _none_is_nan(c[0], c[0] + c[1]),
                right_when_direct=lambda c: _none_is_nan(c[2], c[2] + c[3]),
            ),
        ),
        Mistake(
            "counts",
            "these are counts; divide them, to get shares",
            _apart(
                works=lambda c: c[0] + c[1],
                right_when_working=lambda c: c[0],
                right_when_direct=lambda c: c[2],
            ),
        ),
        Mistake(
            "three_numbers",
            "these are numbers without names; return `Decomposition(works, right_when_working,"
            " right_when_direct)`",
            lambda right, worked: tuple(_apart()(right, worked).values()),
        ),
    ),
    why="The two accuracies, weighted by how often each mode occurs, add up to pass@1. So a change of pass@1"
    " can be led back to one of three causes.",
)


# split_gain


def _parts(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    """By choosing: the model after with the skill before; by skill: from there to the model after."""
    halfway = Decomposition(after.works, before.right_when_working, before.right_when_direct)
    return halfway.pass_at_1 - before.pass_at_1, after.pass_at_1 - halfway.pass_at_1


def _skill_first(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    halfway = Decomposition(before.works, after.right_when_working, after.right_when_direct)
    return after.pass_at_1 - halfway.pass_at_1, halfway.pass_at_1 - before.pass_at_1


def _of_gain(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    choosing, skill = _parts(before, after)
    gain = choosing + skill
    return choosing / gain, skill / gain


def _mean_of_both(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    pairs = zip(_parts(before, after), _skill_first(before, after), strict=True)
    return tuple((one + other) / 2 for one, other in pairs)  # type: ignore[return-value]


def _direct_forgotten(before: Decomposition, after: Decomposition) -> tuple[float, float]:
    choosing = (after.works - before.works) * before.right_when_working
    return choosing, after.pass_at_1 - before.pass_at_1 - choosing


SPLIT_GAIN = Check(
    expected=_parts,
    gradients=False,
    cases=(
        Case(
            "a model that works more often, and is as good as before",
            lambda: (Decomposition(0.25, 0.4, 0.1), Decomposition(1.0, 0.4, 0.1)),
        ),
        Case(
            "a model that works as often as before, and is better when it does",
            lambda: (Decomposition(0.5, 0.4, 0.1), Decomposition(0.5, 0.8, 0.1)),
        ),
        Case(
            "the example of the docstring",
            lambda: (Decomposition(0.25, 0.4, 0.0), Decomposition(1.0, 0.7, 0.0)),
        ),
        Case(
            "three numbers that all change",
            lambda: (Decomposition(0.2, 0.5, 0.1), Decomposition(0.9, 0.8, 0.3)),
        ),
        Case(
            "a model that works less often, and gets worse",
            lambda: (Decomposition(0.7, 0.6, 0.25), Decomposition(0.3, 0.5, 0.2)),
        ),
        Case(
            "a model that is better when it is direct",
            lambda: (Decomposition(0.1, 0.2, 0.6), Decomposition(0.8, 0.35, 0.7)),
        ),
    ),
    mistakes=(
        Mistake(
            "skill_first",
            "what working more often brings is counted at the skill *after*; that is another convention, and"
            " a fair one, but here it is counted at the skill before",
            _skill_first,
        ),
        Mistake(
            "mean_of_both_orders",
            "this is the mean of two orders, choosing first and skill first; that is another convention, and"
            " a fair one, but here choosing comes first",
            _mean_of_both,
        ),
        Mistake(
            "direct_forgotten",
            "an answer that is now worked would have been direct before, and some of those were right: what"
            " choosing brings is the *difference* of the two accuracies",
            _direct_forgotten,
        ),
        Mistake(
            "level_and_not_gain",
            "the first number is a level, pass@1 of the model in between; choosing is what it gains over the"
            " one before",
            lambda before, after: (
                _parts(before, after)[0] + before.pass_at_1,
                _parts(before, after)[1],
            ),
        ),
        Mistake(
            "does_not_add_up",
            "the two parts do not add up to the gain: better skill counts in as many answers as are worked"
            " *after*, not before",
            lambda before, after: (_parts(before, after)[0], _skill_first(before, after)[1]),
        ),
        Mistake(
            "better_direct_answers_forgotten",
            "the skill counts worked answers alone; direct ones may have become better or worse as well",
            lambda before, after: (
                _parts(before, after)[0],
                after.works * (after.right_when_working - before.right_when_working),
            ),
        ),
        Mistake(
            "swapped",
            "the two parts have changed places: choosing comes first",
            lambda before, after: _parts(before, after)[::-1],
        ),
        Mistake(
            "after_less_before",
            "both signs are wrong: a gain is after less before",
            lambda before, after: tuple(-part for part in _parts(before, after)),
        ),
        Mistake(
            "shares_of_the_gain",
            "these are shares of the gain; return the parts themselves, which add up to the gain",
            _of_gain,
        ),
        Mistake(
            "not_weighted",
            "these are the changes of the share of worked answers and of their accuracy; weigh them, so that"
            " they add up to what pass@1 gained",
            lambda before, after: (
                after.works - before.works,
                after.right_when_working - before.right_when_working,
            ),
        ),
        Mistake(
            "whole_gain_twice",
            "the second part is the whole gain; take what choosing brought away from it",
            lambda before, after: (_parts(before, after)[0], after.pass_at_1 - before.pass_at_1),
        ),
    ),
    why="Between the two models stands one that was never trained: it works as often as the one after, with"
    " the skill of the one before. From before to it is choosing, and from it to after is skill.",
)


# majority_vote

Answers = Sequence[Hashable | None]


def _elected(candidate: Callable[[Answers], Any], answers: Answers) -> Any:
    """Who won; None, for nobody, in words."""
    found = candidate(answers)
    return "nobody" if found is None else found


def _tally(answers: Answers) -> list[tuple[Any, int]]:
    """Each answer and its votes, in the order in which they were first given."""
    votes: list[tuple[Any, int]] = []
    for answer in answers:
        if answer is not None and answer not in [other for other, _ in votes]:
            votes.append((answer, sum(other == answer for other in answers)))
    return votes


def _winner(answers: Answers) -> Any:
    best: Any = ("nobody", 0)
    for answer, count in _tally(answers):
        if count > best[1]:
            best = (answer, count)
    return best[0]


def _none_votes_too(answers: Answers) -> Any:
    return _winner(["nobody" if answer is None else answer for answer in answers])


def _none_votes_too_and_crashes(answers: Answers) -> Any:
    if not answers:
        raise IndexError("list index out of range")
    return _none_votes_too(answers)


def _absolute(answers: Answers) -> Any:
    votes = dict(_tally(answers))
    return next((answer for answer, count in votes.items() if 2 * count > sum(votes.values())), "nobody")


def _of_ties(pick: Callable[[list[Any]], Any]) -> Callable[[Answers], Any]:
    """The majority vote in which `pick` chooses among those with most votes."""

    def vote(answers: Answers) -> Any:
        votes = _tally(answers)
        most = max((count for _, count in votes), default=0)
        tied = [answer for answer, count in votes if count == most]
        return pick(tied) if tied else "nobody"

    return vote


def _crashes_without_votes(answers: Answers) -> Any:
    if not _tally(answers):
        raise IndexError("list index out of range")
    return _winner(answers)


MAJORITY_VOTE = Check(
    expected=_winner,
    call=_elected,
    gradients=False,
    cases=(
        Case("two votes of three for one answer", lambda: ([4517, 4517, 2663],)),
        Case("the most frequent answer given last", lambda: ([2663, 4517, 4517],)),
        Case("three votes of seven for one answer", lambda: ([1, 2, 5, 3, 5, 4, 5],)),
        Case("three answers that could not be read, and one that could", lambda: ([None, None, None, 7],)),
        Case("a tie of the first and the last", lambda: ([9, 5, 5, 9],)),
        Case("a tie in which the smaller was given first", lambda: ([5, 9, 9, 5],)),
        Case("a tie in which neither came first", lambda: ([3, 8, 2, 2, 8, 2, 8],)),
        Case(
            "answers that are tuples of words, as they are read",
            lambda: ([("4", "5"), None, ("4", "6"), ("4", "6")],),
        ),
        Case("an answer of 0, which `if` takes for False", lambda: ([7, 0, 0],)),
        Case("nothing that could be read", lambda: ([None, None],)),
        Case("no answers", lambda: ([],)),
    ),
    mistakes=(
        Mistake(
            "none_votes_too",
            "an answer that could not be read, None, has a vote; it should have none",
            _none_votes_too,
        ),
        Mistake(
            "none_votes_too_and_crashes",
            "an answer that could not be read, None, has a vote; it should have none. And where nothing could"
            " be read there is no first place of the list; return None then",
            _none_votes_too_and_crashes,
        ),
        Mistake(
            "zero_has_no_vote",
            "an answer of 0, or an empty one, has no vote: `if answer` takes it for False. Ask `answer is not"
            " None`",
            lambda answers: _winner([answer for answer in answers if answer]),
        ),
        Mistake(
            "first_answer",
            "this is the first answer that could be read; take the most frequent one",
            lambda answers: next((answer for answer in answers if answer is not None), "nobody"),
        ),
        Mistake(
            "last_answer",
            "this is the last answer that could be read; take the most frequent one",
            lambda answers: next((answer for answer in reversed(answers) if answer is not None), "nobody"),
        ),
        Mistake(
            "needs_more_than_half",
            "an answer wins only with more than half of the votes; it is enough that no other has more",
            _absolute,
        ),
        Mistake(
            "last_wins_ties",
            "in a tie the answer wins that was given first *last*; the first given should win",
            _of_ties(lambda tied: tied[-1]),
        ),
        Mistake(
            "smallest_wins_ties",
            "in a tie the smallest answer wins; the first given should win. Does a set forget the order?",
            _of_ties(min),
        ),
        Mistake(
            "largest_wins_ties",
            "in a tie the largest answer wins; the first given should win. Does a set or a sort forget the"
            " order?",
            _of_ties(max),
        ),
        Mistake(
            "nobody_wins_ties",
            "in a tie nobody wins; the first given should win",
            _of_ties(lambda tied: tied[0] if len(tied) == 1 else "nobody"),
        ),
        Mistake(
            "votes_of_winner",
            "this is how many votes the winner has; return the answer itself",
            lambda answers: max((count for _, count in _tally(answers)), default=0),
        ),
        Mistake(
            "answer_and_votes",
            "this is the answer with its votes; return the answer alone",
            lambda answers: max(_tally(answers), key=lambda pair: pair[1], default="nobody"),
        ),
        Mistake(
            "crashes_without_votes",
            "where nothing could be read there is no first place of the list; return None then",
            _crashes_without_votes,
        ),
    ),
    why="Wrong answers go wrong in many ways, right ones agree. So the most frequent answer is right more"
    " often than a single one, unless the model prefers a wrong one.",
)


# chance_pass_at_k


def _hit_by_hit(values: int, k: int) -> float:
    """The first guess hits, or the second after a miss, or the third after two."""
    return sum((1 / values) * ((values - 1) / values) ** misses for misses in range(k))


CHANCE_PASS_AT_K = Check(
    expected=_hit_by_hit,
    gradients=False,
    cases=(
        Case("one guess among two answers", lambda: (2, 1)),
        Case("two guesses among two answers", lambda: (2, 2)),
        Case("three guesses among four answers", lambda: (4, 3)),
        Case("12 guesses among ten answers", lambda: (10, 12)),
        Case("64 guesses among ten answers", lambda: (10, 64)),
        Case("one answer that is possible", lambda: (1, 3)),
        Case("64 guesses among 10,000 answers", lambda: (10_000, 64)),
    ),
    mistakes=(
        Mistake(
            "added_up",
            "the chances of all guesses are added up, which can come to more than 1: with two answers, two"
            " guesses hit with a chance of 0.75",
            lambda values, k: k / values,
        ),
        Mistake(
            "added_up_to_one",
            "this is for a guesser who never repeats a guess; here a later guess may be an earlier one again",
            lambda values, k: min(1.0, k / values),
        ),
        Mistake(
            "always_missed",
            "this is the chance that every guess misses; take it from 1",
            lambda values, k: ((values - 1) / values) ** k,
        ),
        Mistake(
            "all_hit",
            "this is the chance that *every* guess hits; one is enough",
            lambda values, k: (1 / values) ** k,
        ),
        Mistake(
            "not_all_hit",
            "this is the chance that not every guess hits; work with the chance that every guess *misses*",
            lambda values, k: 1 - (1 / values) ** k,
        ),
        Mistake("one_guess", "this is the chance of a single guess", lambda values, k: 1 / values),
        Mistake(
            "values_and_k_swapped",
            "`values` and `k` have changed places",
            lambda values, k: _hit_by_hit(k, values),
        ),
        Mistake(
            "exponential",
            "this is an approximation for many answers; with few, it is off",
            lambda values, k: 1 - 2.718281828459045 ** (-k / values),
        ),
    ),
    why="The guesses are independent, so the chances of a *miss* are multiplied. What is left to 1 is the"
    " chance of a hit.",
)


# pass_at_k

NOT_POSSIBLE = "ValueError"


def _value_error_as_text(candidate: Callable[..., Any], correct: Sequence[int], samples: int, k: int) -> Any:
    """What the candidate returns, or the error's name if it refuses with a ValueError."""
    try:
        return candidate(correct, samples, k)
    except ValueError:
        return NOT_POSSIBLE


def _hit(right: int, samples: int, k: int) -> float:
    """The share of all sets of k samples that hold a right one, the first `right` samples being right."""
    sets = list(combinations(range(samples), k))
    return sum(any(sample < right for sample in chosen) for chosen in sets) / len(sets)


def _per_problem(estimate: Callable[[int, int, int], float]) -> Callable[[Sequence[int], int, int], Any]:
    """The mean over problems of an estimate from (right, samples, k); ValueError where k is not possible."""

    def pass_at_k(correct: Sequence[int], samples: int, k: int) -> Any:
        if not 1 <= k <= samples:
            return NOT_POSSIBLE
        return sum(estimate(right, samples, k) for right in correct) / len(correct)

    return pass_at_k


def _pooled(correct: Sequence[int], samples: int, k: int) -> Any:
    if not 1 <= k <= samples:
        return NOT_POSSIBLE
    right, everything = sum(correct), samples * len(correct)
    return 1 - math.comb(everything - right, k) / math.comb(everything, k)


def _shares_missed(correct: Sequence[int], samples: int, k: int) -> list[float]:
    """What `math.comb` makes of it; it divides by zero where there are fewer samples than tries."""
    return [math.comb(samples - right, k) / math.comb(samples, k) for right in correct]


def _asserted(correct: Sequence[int], samples: int, k: int) -> Any:
    if not 1 <= k <= samples:
        raise AssertionError
    return _per_problem(_hit)(correct, samples, k)


def _misses_summed(correct: Sequence[int], samples: int, k: int) -> Any:
    return 1 - sum(_shares_missed(correct, samples, k)) if 1 <= k <= samples else NOT_POSSIBLE


def _put_back_for_any_k(correct: Sequence[int], samples: int, k: int) -> float:
    return sum(1 - (1 - right / samples) ** k for right in correct) / len(correct)


def _summed(correct: Sequence[int], samples: int, k: int) -> Any:
    mean = _per_problem(_hit)(correct, samples, k)
    return mean if mean == NOT_POSSIBLE else mean * len(correct)


def _any_k(correct: Sequence[int], samples: int, k: int) -> Any:
    """Multiplies the chances of one miss after the other, for any k."""
    if 1 <= k <= samples:
        return _per_problem(_hit)(correct, samples, k)
    misses = [
        math.prod(1 - right / (samples - i) if samples - i > 0 else 0.0 for i in range(k))
        for right in correct
    ]
    return 1 - sum(misses) / len(misses)


PASS_AT_K = Check(
    expected=_per_problem(_hit),
    call=_value_error_as_text,
    gradients=False,
    cases=(
        Case("one right among two samples, and one try", lambda: ([1], 2, 1)),
        Case("one right among four samples, and two tries", lambda: ([1], 4, 2)),
        Case("two right among four samples, and two tries", lambda: ([2], 4, 2)),
        Case("none right", lambda: ([0], 4, 2)),
        Case("fewer wrong samples than tries", lambda: ([3], 4, 2)),
        Case("as many tries as samples", lambda: ([1], 4, 4)),
        Case("all right", lambda: ([4], 4, 4)),
        Case("two problems, an easy one and a hard one", lambda: ([4, 0], 4, 2)),
        Case("four problems, with five samples and three tries", lambda: ([0, 1, 2, 5], 5, 3)),
        Case("more tries than samples", lambda: ([1], 4, 5)),
        Case("no try at all", lambda: ([1], 4, 0)),
    ),
    mistakes=(
        Mistake(
            "put_back",
            "this is 1 - (1 - c/n)^k, as if a sample could be drawn twice; it comes out too low. Count the"
            " sets of k different samples",
            _per_problem(lambda right, samples, k: 1 - (1 - right / samples) ** k),
        ),
        Mistake(
            "pooled",
            "the samples of all problems are thrown into one pot; take each problem by itself, then the mean",
            _pooled,
        ),
        Mistake(
            "missed",
            "this is the chance that no try is right; take it from 1",
            _per_problem(lambda right, samples, k: 1 - _hit(right, samples, k)),
        ),
        Mistake(
            "all_tries_right",
            "this is the chance that all k tries are right; one is enough",
            _per_problem(lambda right, samples, k: math.comb(right, k) / math.comb(samples, k)),
        ),
        Mistake(
            "one_try",
            "this is the chance of one try, whatever k is",
            _per_problem(lambda right, samples, k: right / samples),
        ),
        Mistake(
            "any_right",
            "a problem counts in full as soon as one of all its samples is right; only k of them are tried",
            _per_problem(lambda right, samples, k: float(right > 0)),
        ),
        Mistake(
            "nothing_where_all_hit",
            "with fewer wrong samples than tries, every set holds a right one: that is 1, and not 0",
            _per_problem(lambda right, samples, k: 0.0 if samples - right < k else _hit(right, samples, k)),
        ),
        Mistake(
            "summed",
            "the problems are summed; take their mean",
            _summed,
        ),
        Mistake(
            "misses_summed",
            "the misses of all problems are summed; take their mean before you take it from 1",
            _misses_summed,
        ),
        Mistake(
            "put_back_for_any_k",
            "this is 1 - (1 - c/n)^k, as if a sample could be drawn twice; it comes out too low. Count the"
            " sets of k different samples. And raise ValueError unless 1 <= k <= samples",
            _put_back_for_any_k,
        ),
        Mistake(
            "asserted",
            "a k that is not possible stops it with an AssertionError; a ValueError is asked for: `raise"
            " ValueError(...)`",
            _asserted,
        ),
        Mistake(
            "not_refused",
            "a k that is not possible is not refused, so that 0 is divided by; raise ValueError unless"
            " 1 <= k <= samples",
            lambda correct, samples, k: 1 - sum(_shares_missed(correct, samples, k)) / len(correct),
        ),
        Mistake(
            "any_k",
            "a k that is not possible gets a number; raise ValueError unless 1 <= k <= samples",
            _any_k,
        ),
    ),
    why="All sets of k samples are counted, without drawing any: of the sets that one could try, this share"
    " holds a right one.",
)

CHECKS = {
    "decompose": DECOMPOSE,
    "split_gain": SPLIT_GAIN,
    "majority_vote": MAJORITY_VOTE,
    "chance_pass_at_k": CHANCE_PASS_AT_K,
    "pass_at_k": PASS_AT_K,
}
