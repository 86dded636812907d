import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.sampling import sample_inverse_cdf, softmax_with_temperature, top_p


def test_temperature_by_hand():
    logits = torch.tensor([0.0, math.log(2)])
    torch.testing.assert_close(softmax_with_temperature(logits, 1.0), torch.tensor([1 / 3, 2 / 3]))
    torch.testing.assert_close(softmax_with_temperature(logits, 0.5), torch.tensor([0.2, 0.8]))


def test_temperature_zero_is_greedy_and_takes_the_first_of_equals():
    logits = torch.tensor([[1.0, 3.0, 3.0], [5.0, 0.0, 0.0]])
    assert softmax_with_temperature(logits, 0).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_top_p_by_hand():
    probabilities = torch.tensor([[0.2, 0.5, 0.3]])
    torch.testing.assert_close(top_p(probabilities, 0.6), torch.tensor([[0, 0.625, 0.375]]))
    assert top_p(probabilities, 0.4).tolist() == [[0, 1, 0]]


def test_top_p_keeps_the_token_that_reaches_the_mass_and_no_more():
    assert top_p(torch.tensor([[0.25, 0.5, 0.25]]), 0.5).tolist() == [[0, 1, 0]]
    assert (top_p(torch.tensor([[0.25, 0.25, 0.25, 0.25]]), 0.5) > 0).tolist() == [[True, True, False, False]]


def test_inverse_cdf_by_hand():
    probabilities = torch.tensor([0.2, 0.0, 0.8]).repeat(4, 1)
    assert sample_inverse_cdf(probabilities, torch.tensor([0.1, 0.2, 0.9, 0.0])).tolist() == [0, 2, 2, 0]


def test_zero_never_draws_an_impossible_first_token():
    assert sample_inverse_cdf(torch.tensor([[0.0, 1.0]]), torch.tensor([0.0])).tolist() == [1]


def test_rounding_at_the_end_of_the_row():
    nearly_one = 1 - 2**-24
    short = torch.tensor([[0.5, 0.4999, 0.0]])  # sums to less than the uniform number
    assert sample_inverse_cdf(short, torch.tensor([nearly_one])).tolist() == [1]


@given(seed=st.integers(0, 10_000), vocab=st.integers(1, 60), uniform=st.floats(0, 1 - 2**-24, width=32))
@settings(max_examples=200, deadline=None)
def test_only_possible_tokens_are_drawn(seed, vocab, uniform):
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(1, vocab, generator=generator) * (
        torch.rand(1, vocab, generator=generator) < 0.5
    )
    if probabilities.sum() == 0:
        probabilities[0, -1] = 1.0
    probabilities /= probabilities.sum()
    token = int(sample_inverse_cdf(probabilities, torch.tensor([uniform])))
    assert 0 <= token < vocab
    assert probabilities[0, token] > 0


def test_frequencies_are_the_probabilities():
    probabilities = torch.tensor([0.1, 0.6, 0.0, 0.3])
    uniforms = (torch.arange(1000) + 0.5) / 1000
    counts = sample_inverse_cdf(probabilities.expand(1000, 4), uniforms).bincount(minlength=4)
    assert counts.tolist() == [100, 600, 0, 300]


@pytest.mark.parametrize("mass", [0.3, 0.9, 1.0])
def test_top_p_sums_to_one_in_the_old_order(mass):
    probabilities = torch.randn(5, 9, generator=torch.Generator().manual_seed(0)).softmax(-1)
    kept = top_p(probabilities, mass)
    torch.testing.assert_close(kept.sum(-1), torch.ones(5))
    smallest_kept = torch.where(kept > 0, probabilities, 1.0).amin(-1)
    largest_left = torch.where(kept > 0, 0.0, probabilities).amax(-1)
    assert (smallest_kept >= largest_left).all()
