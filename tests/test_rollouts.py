from dataclasses import replace

import torch

from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.generation import Completions, Sampling
from pocketr1.model import LanguageModel
from pocketr1.rewards import ACCURACY
from pocketr1.rollouts import joined, policy_logprobs, read_completions, roll_out
from pocketr1.worlds import VOCABULARY, problems

CONFIG = ModelConfig(
    vocab=len(VOCABULARY), dim=16, layers=1, attention=Heads(2, 2, 8), feed_forward=Dense(32)
)
SAMPLING = Sampling(max_new=12)


def rolled(model=None, group_size=3, seed=1):
    model = model or LanguageModel(CONFIG)
    asked = problems("run", 1, 2, seed=0) + problems("run", 3, 1, seed=0)  # prompts of two lengths
    return roll_out(model, asked, group_size, ACCURACY, SAMPLING, torch.Generator().manual_seed(seed))


def test_groups_stay_together_and_everything_has_a_row():
    rollouts = rolled()
    assert [problem.level for problem in rollouts.problems] == [1] * 6 + [3] * 3
    assert len({id(problem) for problem in rollouts.problems[:3]}) == 1
    assert len(rollouts.readings) == len(rollouts.rewards) == len(rollouts.mask) == 9


def test_the_logprobs_of_the_sampler_are_those_of_the_policy():
    model = LanguageModel(CONFIG)
    rollouts = rolled(model)
    again = policy_logprobs(model, rollouts)
    assert torch.allclose(again[rollouts.mask], rollouts.logprobs[rollouts.mask], atol=1e-5)


def test_some_rows_keep_their_values_with_fewer_columns():
    model = LanguageModel(CONFIG)
    rollouts = rolled(model)
    chosen = torch.tensor([4, 0])  # the short prompts: the padding of the long one can go
    part = rollouts.rows(chosen)
    assert part.padding.min() == 0 < rollouts.padding[chosen].min()
    whole = policy_logprobs(model, rollouts)[chosen][:, : part.mask.shape[1]]
    assert torch.allclose(policy_logprobs(model, part)[part.mask], whole[part.mask], atol=1e-5)
    assert part.problems == [rollouts.problems[4], rollouts.problems[0]]
    assert torch.equal(part.lengths, rollouts.lengths[chosen])


def test_rows_keep_their_rewards_and_what_is_known_of_them():
    rollouts = replace(rolled(), rewards=torch.arange(9.0))
    part = rollouts.rows(torch.tensor([7, 2]))
    assert part.rewards.tolist() == [7.0, 2.0]
    assert part.readings == [rollouts.readings[7], rollouts.readings[2]]
    assert part.scores == [rollouts.scores[7], rollouts.scores[2]]


def test_tokens_are_those_read_and_written_without_padding():
    rollouts = rolled()
    read = sum(len(problem.prompt) for problem in rollouts.problems)
    assert rollouts.padding.sum() > 0
    assert rollouts.tokens == read + int(rollouts.mask.sum())


def test_the_policy_is_that_of_the_temperature_it_was_sampled_at():
    model = LanguageModel(CONFIG)
    rollouts = rolled(model)
    hot, cold = (policy_logprobs(model, rollouts, temperature) for temperature in (2.0, 0.5))
    assert not torch.allclose(hot[rollouts.mask], cold[rollouts.mask], atol=1e-5)


def test_a_completion_that_was_cut_off_has_no_answer():
    words = [VOCABULARY.encode(f"<answer> 1 </answer> {last}") for last in ("<end>", "3")]
    written = Completions(
        torch.tensor(words), torch.zeros(2, 4), torch.tensor([4, 3]), torch.tensor([True, False])
    )
    ended, cut_off = read_completions(written)
    assert ended.answer == ("1",) and cut_off.answer is None
    assert cut_off.why == "it was cut off before its end"


def test_no_rows_are_no_rows():
    assert len(rolled().rows(torch.tensor([], dtype=torch.long)).problems) == 0


def test_the_fast_writer_writes_the_same_and_the_seed_decides():
    model = LanguageModel(CONFIG)
    one, two, other = rolled(model), rolled(FastWriter(model)), rolled(model, seed=2)
    assert torch.equal(one.completions, two.completions)
    assert not torch.equal(one.completions, other.completions)


def test_joined_rollouts_keep_their_rows():
    model = LanguageModel(CONFIG)
    generator = torch.Generator().manual_seed(0)
    short, long = (
        roll_out(model, problems("run", level, 2, seed=0), 3, ACCURACY, Sampling(new), generator)
        for level, new in ((1, 5), (3, 9))
    )
    both = joined([short, long])
    assert both.problems == short.problems + long.problems
    assert both.lengths.tolist() == short.lengths.tolist() + long.lengths.tolist()
    assert both.tokens == short.tokens + long.tokens
    again = policy_logprobs(model, both)
    assert torch.allclose(again[both.mask], both.logprobs[both.mask], atol=1e-5)
    assert joined([short]) is short
