import torch

from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.generation import Sampling
from pocketr1.model import LanguageModel
from pocketr1.rewards import ACCURACY
from pocketr1.rollouts import policy_logprobs, roll_out
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


def test_no_rows_are_no_rows():
    assert len(rolled().rows(torch.tensor([], dtype=torch.long)).problems) == 0


def test_the_fast_writer_writes_the_same_and_the_seed_decides():
    model = LanguageModel(CONFIG)
    one, two, other = rolled(model), rolled(FastWriter(model)), rolled(model, seed=2)
    assert torch.equal(one.completions, two.completions)
    assert not torch.equal(one.completions, other.completions)
