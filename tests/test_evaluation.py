from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pocketr1.evaluation import (
    Decomposition,
    chance_pass_at_k,
    decompose,
    estimate,
    majority_vote,
    pass_at_k,
    split_gain,
)


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_sets_of_k_samples_that_hold_a_right_one(samples, data):
    k = data.draw(st.integers(1, samples))
    right = data.draw(st.integers(0, samples))
    outcomes = [True] * right + [False] * (samples - right)
    sets = list(combinations(outcomes, k))
    share = sum(any(chosen) for chosen in sets) / len(sets)
    assert pass_at_k([right], samples, k) == pytest.approx(share)


def test_pass_at_k_averages_over_problems_and_does_not_pool_them():
    assert pass_at_k([4, 0], samples=4, k=4) == 0.5  # pooled, 4 of 8 samples would give nearly 1


def test_pass_at_1_is_the_mean_share_of_right_samples():
    assert pass_at_k([1, 3], samples=4, k=1) == pytest.approx(0.5)


@pytest.mark.parametrize("k", [0, 5, -1])
def test_pass_at_k_refuses_a_k_that_cannot_be_drawn(k):
    with pytest.raises(ValueError, match="between 1 and the 4 samples"):
        pass_at_k([1], samples=4, k=k)


def test_guessing_among_ten_answers_is_almost_sure_of_a_hit_in_64_tries():
    assert chance_pass_at_k(10, 64) == pytest.approx(0.9988, abs=1e-4)
    assert chance_pass_at_k(10_000, 64) == pytest.approx(0.0064, abs=1e-4)


def test_majority_vote_ignores_unreadable_answers_and_lets_the_first_win_a_tie():
    assert majority_vote([None, None, None, "7"]) == "7"
    assert majority_vote(["5", "7", "7", "5"]) == "5"
    assert majority_vote([None]) is None


def test_an_estimate_holds_its_mean_and_narrows_with_more_problems():
    few, many = estimate([0.0, 1.0] * 10), estimate([0.0, 1.0] * 1000)
    assert few.mean == many.mean == 0.5
    assert few.low < 0.5 < few.high
    assert (many.high - many.low) < (few.high - few.low) / 5
    assert str(estimate([1.0, 1.0])) == "1.00 [1.00, 1.00]"


def test_an_estimate_s_interval_is_that_of_95_percent():
    """For many problems the bootstrap agrees with the normal distribution: 1.96 standard errors each way."""
    found = estimate([0.0, 1.0] * 200)
    error = 0.5 / 400**0.5
    assert found.high - 0.5 == pytest.approx(1.96 * error, rel=0.15)
    assert 0.5 - found.low == pytest.approx(1.96 * error, rel=0.15)


def test_how_far_kinds_lie_apart_does_not_widen_the_interval():
    """Two kinds, one easy and one hard, and in each half of the problems are 0.1 easier than the others."""
    found = estimate([0.1, 0.2] * 50 + [0.8, 0.9] * 50, kinds=2)
    assert found.mean == pytest.approx(0.5)
    assert found.high - 0.5 == pytest.approx(1.96 * 0.05 / 200**0.5, rel=0.15)
    assert estimate([0.0] * 8 + [1.0] * 8, kinds=2).low == 0.5
    assert estimate([0.0] * 8 + [1.0] * 8).low < 0.4


def test_an_estimate_of_nothing_or_of_uneven_kinds_is_refused():
    with pytest.raises(ValueError, match="no problem"):
        estimate([])
    with pytest.raises(ValueError, match="3 problems cannot be as many of each of 2 kinds"):
        estimate([0.0, 0.5, 1.0], kinds=2)


def test_decomposition_adds_up_to_pass_at_1():
    right = torch.tensor([True, True, False, True])
    worked = torch.tensor([True, True, True, False])
    parts = decompose(right, worked)
    assert (parts.works, parts.right_when_direct) == (0.75, 1.0)
    assert parts.right_when_working == pytest.approx(2 / 3)
    assert parts.pass_at_1 == pytest.approx(0.75)


@pytest.mark.parametrize("worked", [True, False])
def test_decomposition_survives_a_mode_that_never_occurs(worked):
    parts = decompose(torch.tensor([True, False]), torch.tensor([worked, worked]))
    assert parts.pass_at_1 == pytest.approx(0.5)


def test_a_gain_is_choosing_and_skill():
    before, after = Decomposition(0.25, 0.4, 0.0), Decomposition(1.0, 0.7, 0.0)
    assert split_gain(before, after) == pytest.approx((0.3, 0.3))


def test_the_two_parts_of_a_gain_add_up_and_what_did_not_change_gives_nothing():
    before, after = Decomposition(0.3, 0.5, 0.2), Decomposition(0.8, 0.6, 0.1)
    assert sum(split_gain(before, after)) == pytest.approx(after.pass_at_1 - before.pass_at_1)
    assert split_gain(before, Decomposition(0.3, 0.9, 0.1))[0] == 0
    assert split_gain(before, Decomposition(0.9, 0.5, 0.2))[1] == pytest.approx(0)
