import math

import pytest
import torch

from pocketr1.grpo import (
    DAPO,
    DR_GRPO,
    GRPO,
    Variant,
    aggregate,
    clipped_objective,
    group_advantages,
    groups_with_contrast,
    grpo_loss,
    k3,
    ratio,
)


def test_advantages_by_hand():
    got = group_advantages(torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]), 4)
    root3 = math.sqrt(3)
    assert got.tolist() == pytest.approx([1, -1, -1, 1, root3, -1 / root3, -1 / root3, -1 / root3], abs=1e-4)


def test_each_group_is_compared_with_itself_and_equal_rewards_give_zero():
    got = group_advantages(torch.tensor([5.0, 5.0, 0.0, 1.0]), 2)
    assert got[:2].tolist() == [0.0, 0.0]
    assert got[2:].tolist() == pytest.approx([-1, 1], abs=1e-4)


def test_without_the_std_the_advantages_keep_the_size_of_the_rewards():
    assert group_advantages(torch.tensor([1.0, 0.0]), 2, divide_by_std=False).tolist() == [0.5, -0.5]


def test_advantages_carry_no_gradient():
    rewards = torch.tensor([1.0, 0.0], requires_grad=True)
    assert not group_advantages(rewards, 2).requires_grad


def test_ratio_is_new_over_old_with_a_gradient_through_the_new_only():
    new = torch.log(torch.tensor([[0.6]])).requires_grad_()
    old = torch.log(torch.tensor([[0.3]])).requires_grad_()
    got = ratio(new, old)
    assert got.item() == pytest.approx(2.0)
    got.backward()
    assert new.grad.item() == pytest.approx(2.0)
    assert old.grad is None


@pytest.mark.parametrize(
    ("rho", "advantage", "value", "moves"),
    [(1.5, 1.0, 1.2, False), (0.5, 1.0, 0.5, True), (1.5, -1.0, -1.5, True), (0.5, -1.0, -0.8, False)],
)
def test_the_clip_case_by_case(rho, advantage, value, moves):
    ratios = torch.tensor([[rho]], requires_grad=True)
    got = clipped_objective(ratios, torch.tensor([advantage]))
    assert got.item() == pytest.approx(value)
    got.backward()
    assert (ratios.grad.item() != 0) == moves


def test_clip_higher_leaves_more_room_above():
    assert clipped_objective(torch.tensor([[1.5]]), torch.tensor([1.0]), 0.2, 0.28).item() == pytest.approx(
        1.28
    )


def small_policies():
    generator = torch.Generator().manual_seed(3)
    logits, reference = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), reference


def test_k3_is_never_negative_and_is_the_divergence_on_average():
    logits, reference = small_policies()
    policy, other = logits.log_softmax(-1), reference.log_softmax(-1)
    each = k3(policy, other)
    assert (each >= 0).all()
    exact = (policy.exp() * (policy - other)).sum()
    assert (policy.exp() * each).sum().item() == pytest.approx(exact.item())


def test_the_gradient_of_k3_as_a_loss_is_that_of_the_other_divergence():
    logits, reference = small_policies()
    policy, other = logits.log_softmax(-1), reference.log_softmax(-1)
    on_policy = (policy.exp().detach() * k3(policy, other)).sum()
    (used,) = torch.autograd.grad(on_policy, logits, retain_graph=True)
    (forward,) = torch.autograd.grad((other.exp() * (other - policy)).sum(), logits, retain_graph=True)
    (reverse,) = torch.autograd.grad((policy.exp() * (policy - other)).sum(), logits)
    assert torch.allclose(used, forward)
    assert not torch.allclose(used, reverse, atol=1e-3)


def test_aggregation_by_sequence_by_token_and_by_a_constant():
    values = torch.ones(2, 9)
    values[1] = 4.0
    mask = torch.zeros(2, 9, dtype=torch.bool)
    mask[0, :1], mask[1, :] = True, True
    assert aggregate(values, mask, "sequence").item() == 2.5
    assert aggregate(values, mask, "token").item() == pytest.approx(37 / 10)
    assert aggregate(values, mask, "constant").item() == pytest.approx(37 / 18)


@pytest.mark.parametrize("normaliser", ["sequence", "token", "constant"])
def test_nothing_to_aggregate_is_zero_and_padding_never_counts(normaliser):
    values = torch.full((2, 3), float("nan"), requires_grad=True)
    total = aggregate(values, torch.zeros(2, 3, dtype=torch.bool), normaliser)
    assert total.item() == 0.0
    total.backward()
    assert values.grad.tolist() == [[0.0] * 3] * 2


def on_policy_loss(variant, lengths=(1, 9)):
    generator = torch.Generator().manual_seed(0)
    logprobs = -torch.rand(2, 9, generator=generator)
    logprobs.requires_grad_()
    mask = torch.arange(9) < torch.tensor(lengths).unsqueeze(1)
    advantages = group_advantages(torch.tensor([1.0, 0.0]), 2, variant.divide_by_std)
    loss = grpo_loss(logprobs, logprobs.detach(), advantages, mask, variant)
    (gradient,) = torch.autograd.grad(loss, logprobs)
    return loss.item(), gradient


def test_the_loss_on_policy_is_zero_for_sequence_means_and_its_gradient_is_not():
    loss, gradient = on_policy_loss(GRPO)
    assert loss == pytest.approx(0, abs=1e-6)
    assert gradient.abs().sum() > 0.5


def test_the_loss_on_policy_is_minus_the_length_weighted_advantage_for_token_means():
    loss, _ = on_policy_loss(DAPO)
    assert loss == pytest.approx(-(1 * 1 - 9 * 1) / 10, abs=1e-4)


def test_sequence_means_weigh_a_token_of_a_long_wrong_answer_less_and_dr_grpo_does_not():
    _, by_sequence = on_policy_loss(GRPO)
    _, by_constant = on_policy_loss(DR_GRPO)
    assert by_sequence[1, 0].abs() < by_sequence[0, 0].abs() / 5
    assert by_constant[1, 0].abs() == pytest.approx(by_constant[0, 0].abs().item())


def test_a_kl_term_needs_a_reference_and_pulls_towards_it():
    with pytest.raises(ValueError, match="reference"):
        grpo_loss(
            torch.zeros(1, 1),
            torch.zeros(1, 1),
            torch.ones(1),
            torch.ones(1, 1, dtype=torch.bool),
            Variant(beta=0.1),
        )
    new = torch.log(torch.tensor([[0.5]])).requires_grad_()
    reference = torch.log(torch.tensor([[0.25]]))
    mask = torch.ones(1, 1, dtype=torch.bool)
    loss = grpo_loss(new, new.detach(), torch.zeros(1), mask, Variant(beta=0.1), reference)
    loss.backward()
    assert loss.item() == pytest.approx(0.1 * (0.5 - math.log(0.5) - 1))
    assert new.grad.item() > 0  # descending lowers the probability towards the reference's


def test_groups_without_contrast_are_found():
    assert groups_with_contrast(torch.tensor([1.0, 1.0, 0.0, 1.0]), 2).tolist() == [False, True]
