import pytest
import torch

from pocketr1.policy_gradient import (
    completion_mask,
    gradient_variance,
    reinforce_loss,
    subtract_baseline,
    token_logprobs,
    train_bandit,
)


def logits_for(batch=2, prompt=3, new=4, vocab=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, prompt + new, vocab, generator=generator)


def test_token_logprobs_reads_the_position_before_each_token():
    logits = logits_for()
    completions = torch.tensor([[0, 1, 2, 3], [4, 3, 2, 1]])
    got = token_logprobs(logits, completions)
    for row in range(2):
        for i in range(4):
            expected = logits[row, 3 + i - 1].log_softmax(-1)[completions[row, i]]
            assert got[row, i] == pytest.approx(expected.item(), abs=1e-6)


def test_token_logprobs_are_those_of_the_tempered_policy():
    logits, completions = logits_for(), torch.zeros(2, 4, dtype=torch.long)
    assert torch.allclose(token_logprobs(logits, completions, 2.0), token_logprobs(logits / 2, completions))
    assert not torch.allclose(token_logprobs(logits, completions, 2.0), token_logprobs(logits, completions))


def test_completion_mask_counts_the_end_token_and_nothing_after():
    mask = completion_mask(torch.tensor([1, 3, 0]), 3)
    assert mask.tolist() == [[True, False, False], [True, True, True], [False, False, False]]


def test_reinforce_has_the_exact_gradient_of_the_expected_reward_on_three_arms():
    logits = torch.tensor([0.3, -0.2, 0.5], requires_grad=True)
    rewards = torch.tensor([1.0, 0.0, 0.25])
    policy = logits.softmax(-1)
    chosen = logits.log_softmax(-1).unsqueeze(1)
    weighted = 3 * policy.detach() * rewards  # three samples, one an arm, weighted by how often each is drawn
    loss = reinforce_loss(chosen, weighted, torch.ones(3, 1, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = policy * (rewards - (policy * rewards).sum())
    assert torch.allclose(-gradient, expected, atol=1e-6)


def test_reinforce_sums_a_completion_and_averages_over_all_samples():
    logprobs = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]], requires_grad=True)
    mask = torch.tensor([[True, True], [True, False]])
    loss = reinforce_loss(logprobs, torch.tensor([1.0, 0.0]), mask)
    assert loss.item() == 1.5  # 3 for the first, 0 for the second, over two samples
    loss.backward()
    assert logprobs.grad.tolist() == [[-0.5, -0.5], [0.0, 0.0]]


def test_reinforce_leaves_out_what_was_not_sampled_and_never_moves_the_advantages():
    logprobs = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]], requires_grad=True)
    advantages = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = reinforce_loss(logprobs, advantages, torch.tensor([[True, True], [True, False]]))
    assert loss.item() == 4.5  # 1 x 3 for the first, 2 x 3 for the second, over two samples
    loss.backward()
    assert logprobs.grad.tolist() == [[-0.5, -0.5], [-1.0, 0.0]]
    assert advantages.grad is None


def test_the_variance_of_a_gradient_is_that_of_all_its_numbers_together():
    parameter = torch.zeros(2, 2, requires_grad=True)
    gradients = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[3.0, 2.0], [3.0, 0.0]]])
    mean, variance = gradient_variance(lambda i: (parameter * gradients[i]).sum(), parameter, 2)
    assert mean.tolist() == [[2.0, 2.0], [3.0, 2.0]]
    assert variance == 5.0  # 1 + 0 + 0 + 4 from the mean, in both batches


def test_the_baseline_is_the_mean_of_the_others_and_carries_no_gradient():
    rewards = torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
    advantages = subtract_baseline(rewards)
    assert advantages.tolist() == [1.0, -0.5, -0.5]
    assert not advantages.requires_grad
    assert subtract_baseline(torch.tensor([3.0])).tolist() == [3.0]


def bandit_loss(logits, rewards, baseline):
    def loss(i):
        generator = torch.Generator().manual_seed(i)
        arms = torch.randint(3, (8,), generator=generator)  # the policy below is uniform
        got = rewards[arms]
        chosen = logits.log_softmax(-1)[arms].unsqueeze(1)
        advantages = subtract_baseline(got) if baseline else got
        return reinforce_loss(chosen, advantages, torch.ones(8, 1, dtype=torch.bool))

    return loss


def test_a_baseline_leaves_the_mean_gradient_and_lowers_its_variance():
    logits = torch.zeros(3, requires_grad=True)
    rewards = torch.tensor([1.0, 1.2, 1.4])
    plain_mean, plain = gradient_variance(bandit_loss(logits, rewards, baseline=False), logits, 3000)
    mean, less = gradient_variance(bandit_loss(logits, rewards, baseline=True), logits, 3000)
    exact = -(1 / 3) * (rewards - rewards.mean())
    assert torch.allclose(plain_mean, exact, atol=0.02)
    assert torch.allclose(mean, exact, atol=0.02)
    assert less < plain / 10
    assert logits.tolist() == [0.0, 0.0, 0.0]  # measured, not trained


def test_a_bandit_learns_its_best_arm_and_repeats_itself():
    payouts = torch.tensor([0.2, 0.8, 0.5])
    runs = [list(train_bandit(payouts, 200, 16, 0.5, baseline=True, seed=1)) for _ in range(2)]
    assert runs[0][0].probabilities.tolist() == pytest.approx([1 / 3] * 3)
    assert runs[0][-1].probabilities.argmax() == 1
    assert runs[0][-1].probabilities[1] > 0.8
    assert all(torch.equal(a.rewards, b.rewards) for a, b in zip(*runs, strict=True))
