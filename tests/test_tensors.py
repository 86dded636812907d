"""The warm-up's functions: their docstrings' examples, gradients, and what must not depend on what."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.tensors import (
    by_prompt,
    chosen_logprobs,
    differences,
    distance_to_teacher,
    mean_of_real,
    uniform_draws,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def test_the_examples_of_the_docstrings_are_true():
    assert differences(torch.tensor([5, 7]), torch.tensor([1, 2, 3])).tolist() == [[4, 3, 2], [6, 5, 4]]
    logits = torch.tensor([[[0.0, math.log(3)]]])
    assert chosen_logprobs(logits, torch.tensor([[1]])).item() == pytest.approx(-0.288, abs=5e-4)
    values, mask = torch.tensor([[4.0, 2, 9]]), torch.tensor([[True, True, False]])
    assert mean_of_real(values, mask).tolist() == [3]
    rows = torch.tensor([[11], [21], [12], [22], [13], [23]])  # prompt a is 1, prompt b is 2
    assert by_prompt(rows, 2).squeeze(-1).tolist() == [[11, 12, 13], [21, 22, 23]]
    assert distance_to_teacher(torch.tensor([1.0, 3]), torch.tensor([3.0, 3])).item() == 2


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 3), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_every_pair_has_its_difference(batch, rows, columns):
    left, right = normal(batch, rows), normal(batch, columns, seed=1)
    table = differences(left, right)
    assert table.shape == (batch, rows, columns)
    assert torch.equal(differences(right, left), -table.mT)


def test_the_chances_of_all_tokens_sum_to_one_and_an_unlikely_one_has_a_gradient():
    logits = normal(2, 3, 4)
    chances = sum(chosen_logprobs(logits, torch.full((2, 3), token)).exp() for token in range(4))
    torch.testing.assert_close(chances, torch.ones(2, 3))
    far = torch.tensor([[[0.0, -200.0]]], requires_grad=True)
    chosen_logprobs(far, torch.tensor([[1]])).sum().backward()
    assert far.grad.tolist() == [[[-1, 1]]]


def test_padding_changes_neither_the_mean_nor_any_gradient():
    values = torch.tensor([[4.0, 2, 9], [1, 5, 7]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    mean_of_real(values, mask).sum().backward()
    assert values.grad.tolist() == [[0.5, 0.5, 0], [1, 0, 0]]
    with torch.no_grad():
        changed = torch.where(mask, values, torch.nan)
        assert torch.equal(mean_of_real(changed, mask), mean_of_real(values, mask))


def test_rows_that_do_not_fill_whole_rounds_are_refused():
    with pytest.raises(Exception, match="round prompt"):
        by_prompt(torch.zeros(5, 2), 2)


def test_only_the_student_is_moved():
    student, teacher = normal(2, 3), normal(2, 3, seed=1)
    distance_to_teacher(student, teacher).backward()
    torch.testing.assert_close(student.grad, 2 * (student - teacher).detach() / 6)
    assert teacher.grad is None


def test_draws_depend_on_the_seed_alone_and_disturb_nobody():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draws = uniform_draws(50, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(uniform_draws(50, seed=3), draws)
    assert not torch.equal(uniform_draws(50, seed=4), draws)
    assert draws.dtype == torch.float32 and bool(((draws >= 0) & (draws < 1)).all())
