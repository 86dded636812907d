import itertools
import math
from dataclasses import replace

import pytest
import torch

from pocketr1 import grpo_training
from pocketr1.configuration import Dense, Experts, Heads, ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.generation import Sampling
from pocketr1.grpo import DAPO, DR_GRPO, Variant, group_advantages, groups_with_contrast, grpo_loss
from pocketr1.grpo_training import MAX_DRAWS, GrpoPlan, train_grpo
from pocketr1.model import LanguageModel
from pocketr1.rewards import Score
from pocketr1.rollouts import policy_logprobs, roll_out
from pocketr1.worlds import VOCABULARY, problems

CONFIG = ModelConfig(
    vocab=len(VOCABULARY), dim=16, layers=1, attention=Heads(2, 2, 8), feed_forward=Dense(32)
)
PLAN = GrpoPlan(steps=2, problems=4, group_size=4, max_new=6, learning_rate=1e-2)


def short(problem, reading):
    """A reward that anything can earn: half the completions or so answer within six words."""
    return Score(float(reading.why == "there is no <answer>"))


EASY = {"easy": (1.0, short)}
FIRST = {problem.prompt for problem in problems("run", 1, 2, seed=0)}
HALF_OF_THEM = {
    "half": (1.0, lambda problem, reading: short(problem, reading) if problem.prompt in FIRST else Score(0.0))
}


def problems_at(step):
    return problems("run", 1, PLAN.problems, seed=step)


def run(plan=PLAN, rewards=EASY, seed=0, **more):
    model = LanguageModel(CONFIG)
    return model, list(train_grpo(model, problems_at, plan, rewards, seed=seed, **more))


def weights(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def test_a_reward_that_can_be_earned_goes_up():
    _, records = run(replace(PLAN, steps=25, problems=8))
    start, end = records[0].reward, sum(record.reward for record in records[-3:]) / 3
    assert end > start + 0.3


def test_training_repeats_itself_bit_for_bit_and_so_does_the_fast_writer():
    (one, first), (two, second), (three, _) = run(), run(), run(writer_of=FastWriter)
    assert first == second
    assert torch.equal(weights(one), weights(two))
    assert torch.allclose(weights(one), weights(three), atol=1e-5)


def test_the_bias_of_experts_moves_in_reinforcement_learning_too():
    experts = Experts(4, 1, 8, balance="bias", bias_speed=0.25)
    model = LanguageModel(replace(CONFIG, feed_forward=experts))
    list(train_grpo(model, problems_at, replace(PLAN, steps=1), EASY))
    assert model.blocks[0].feed_forward.bias.abs().max() == 0.25


def test_without_contrast_nothing_moves_and_the_record_says_so():
    model, records = run(rewards={"none": (1.0, lambda problem, reading: Score(0.0))})
    assert torch.equal(weights(model), weights(LanguageModel(CONFIG)))
    assert [record.silent_groups for record in records] == [1.0, 1.0]
    assert [record.gradient_norm for record in records] == [0.0, 0.0]


@pytest.mark.parametrize("reward", [0.1, 0.3, 1.2, 1.3])
def test_rewards_that_are_all_the_same_teach_nothing_whatever_they_are(reward):
    """In groups of eight the rounded mean of some of these is not the reward itself."""
    paid = {"always": (reward, lambda problem, reading: Score(1.0))}
    model, records = run(replace(PLAN, group_size=8), rewards=paid)
    assert torch.equal(weights(model), weights(LanguageModel(CONFIG)))
    assert [record.tokens_trained for record in records] == [0, 0]


def test_there_are_as_many_updates_as_were_asked_for():
    plan = replace(PLAN, updates=6)
    portions = list(grpo_training._mini_batches(16, plan, torch.Generator().manual_seed(0)))
    assert sorted(len(rows) for rows in portions) == [2, 2, 3, 3, 3, 3]
    assert sorted(torch.cat(portions).tolist()) == list(range(16))


def test_with_one_update_the_ratio_is_one_and_the_clip_never_acts():
    _, records = run()
    assert all(record.ratio_max == pytest.approx(1, abs=1e-4) for record in records)
    assert all(record.clipped == 0 for record in records)


def test_with_several_updates_the_policy_moves_away_and_the_clip_acts():
    _, records = run(replace(PLAN, updates=8, steps=4, problems=8, learning_rate=3e-2))
    assert max(record.ratio_max for record in records) > 1.2
    assert max(record.clipped for record in records) > 0


def test_a_kl_term_needs_a_reference_and_holds_the_policy_near_it():
    with pytest.raises(ValueError, match="reference"):
        run(replace(PLAN, variant=Variant(beta=1.0)))
    plan = replace(PLAN, steps=8, problems=8)
    moved = []
    for beta in (1e-6, 3.0):
        _, records = run(replace(plan, variant=Variant(beta=beta)), reference=LanguageModel(CONFIG))
        moved.append(records[-1].kl)
    assert 0 < moved[1] < moved[0]


@pytest.mark.parametrize("variant", [DR_GRPO, DAPO])
def test_the_variants_train_too(variant):
    _, records = run(replace(PLAN, variant=variant))
    assert all(math.isfinite(record.gradient_norm) for record in records)
    assert records[0].gradient_norm > 0


@pytest.mark.parametrize("variant", [Variant(), Variant(normaliser="token")])
def test_rows_that_teach_nothing_are_skipped_and_still_count_in_the_mean(variant):
    model = LanguageModel(CONFIG)
    sampling, generator = Sampling(PLAN.max_new), torch.Generator().manual_seed(0)
    rollouts = roll_out(model, problems_at(0), PLAN.group_size, HALF_OF_THEM, sampling, generator)
    advantages = group_advantages(rollouts.rewards, PLAN.group_size)
    assert 0 < (advantages == 0).sum() < len(advantages)
    logprobs = policy_logprobs(model, rollouts)
    grpo_loss(logprobs, rollouts.logprobs, advantages, rollouts.mask, variant).backward()
    norm = torch.cat([p.grad.reshape(-1) for p in model.parameters()]).norm().item()
    _, records = run(replace(PLAN, variant=variant, steps=1), rewards=HALF_OF_THEM)
    assert records[0].gradient_norm == pytest.approx(norm, rel=1e-3)
    assert records[0].tokens_trained < records[0].tokens_sampled


def test_the_update_has_the_temperature_of_the_samples():
    _, records = run(replace(PLAN, temperature=2.0))
    assert all(record.ratio_max == pytest.approx(1, abs=1e-4) for record in records)


@pytest.mark.parametrize("variant", [Variant(), DR_GRPO, Variant(normaliser="token"), Variant(beta=0.5)])
def test_micro_batches_change_the_memory_and_not_the_update(variant, monkeypatch):
    plan = replace(PLAN, variant=variant, updates=2, max_new=9)
    made = {}
    for rows in (1, 3, 100):
        monkeypatch.setattr(grpo_training, "MICRO_BATCH", rows)
        model, records = run(plan, reference=LanguageModel(CONFIG))
        made[rows] = weights(model), records
    whole, records = made.pop(100)
    for moved, theirs in made.values():
        assert torch.allclose(moved, whole, atol=2e-4)
        assert [record.tokens_trained for record in theirs] == [record.tokens_trained for record in records]
        for name in ("kl", "ratio_mean", "ratio_max", "clipped", "loss", "gradient_norm"):
            ours, other = ([getattr(r, name) for r in many] for many in (records, theirs))
            assert other == pytest.approx(ours, rel=1e-3, abs=1e-5)


def test_no_more_than_a_micro_batch_goes_through_the_model_at_once_in_an_update(monkeypatch):
    monkeypatch.setattr(grpo_training, "MICRO_BATCH", 3)
    shapes, real = [], grpo_training.policy_logprobs

    def watched(model, batch, *more):
        shapes.append((len(batch.problems), batch.mask.shape[1]))
        return real(model, batch, *more)

    monkeypatch.setattr(grpo_training, "policy_logprobs", watched)
    run(replace(PLAN, steps=1))
    assert max(rows for rows, _ in shapes) == 3
    assert len(shapes) > 1
    assert [width for _, width in shapes] == sorted(width for _, width in shapes)


def test_completions_that_are_only_an_end_token_do_no_harm():
    model = LanguageModel(CONFIG)
    with torch.no_grad():
        model.head.weight.zero_()
        model.norm.gain.zero_()  # all logits are zero, whatever is read: then let <end> win by far
    model.head.weight.data[VOCABULARY.end] = 0.0

    def always_end(module, inputs, output):
        return output + 50 * torch.nn.functional.one_hot(torch.tensor(VOCABULARY.end), len(VOCABULARY))

    model.head.register_forward_hook(always_end)
    records = records = list(train_grpo(model, problems_at, PLAN, EASY))
    assert all(math.isfinite(value) for value in (records[-1].entropy, records[-1].gradient_norm))
    assert records[-1].length == 1
    assert torch.isfinite(weights(model)).all()


def rewards_by_level(levels):
    """Half of a group's answers are paid, in turn, to problems of these levels, and none to others."""
    turn = itertools.cycle([1.0, 0.0])
    return {"half": (1.0, lambda problem, reading: Score(next(turn) if problem.level in levels else 0.0))}


def some_with_contrast(drawn):
    """Draw by draw 1, 0, 2, 1, 0, 2, ... problems of level 2, and else of level 1: four together."""
    hard = (1, 0, 2)[drawn % 3]
    return problems("run", 2, hard, seed=drawn) + problems("run", 1, 4 - hard, seed=drawn)


def dynamic(problems_at, rewards, steps=2):
    plan = replace(PLAN, variant=DAPO, steps=steps)
    model, asked = LanguageModel(CONFIG), []

    def noted(drawn):
        asked.append(drawn)
        return problems_at(drawn)

    return model, list(train_grpo(model, noted, plan, rewards)), asked


def test_dynamic_sampling_draws_until_the_batch_is_full_of_groups_with_contrast(monkeypatch):
    learnt_from = []
    real = grpo_training.group_advantages

    def watched(rewards, *more):
        learnt_from.append(rewards)
        return real(rewards, *more)

    monkeypatch.setattr(grpo_training, "group_advantages", watched)
    _, records, asked = dynamic(some_with_contrast, rewards_by_level({2}))
    assert asked == [0, 1, 2, 3, 4, 5, 6, 7, 8]  # four groups: after 1 + 0 + 2 + 1, then 0 + 2 + 1 + 0 + 2
    assert [len(rewards) for rewards in learnt_from] == [16, 16]  # the fifth group of the second step is left
    assert all(groups_with_contrast(rewards, 4).all() for rewards in learnt_from)
    assert [record.silent_groups for record in records] == [1 - 4 / 16, 1 - 5 / 20]


def test_dynamic_sampling_gives_up_after_a_bounded_number_of_draws():
    model, records, asked = dynamic(some_with_contrast, rewards_by_level(set()), steps=1)
    assert asked == list(range(MAX_DRAWS))
    assert torch.equal(weights(model), weights(LanguageModel(CONFIG)))
    assert records[0].silent_groups == 1.0
    assert records[0].tokens_trained == 0
    _, records, asked = dynamic(lambda drawn: some_with_contrast(min(drawn, 1)), rewards_by_level({2}), 1)
    assert asked == list(range(MAX_DRAWS))  # one group with contrast in all: it is learnt from
    assert records[0].tokens_trained > 0


def test_all_that_was_sampled_is_counted():
    _, records, asked = dynamic(some_with_contrast, rewards_by_level(set()), steps=1)
    words = sum(4 * len(problem.prompt) for drawn in asked for problem in some_with_contrast(drawn))
    completions = records[0].length * 16 * MAX_DRAWS
    assert records[0].tokens_sampled == pytest.approx(words + completions)


def test_the_loss_of_the_record_is_about_zero_on_policy_and_learning_goes_on():
    _, records = run()
    assert all(abs(record.loss) < 1e-5 < record.gradient_norm for record in records)
