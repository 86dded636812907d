from dataclasses import replace

import torch

from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.model import LanguageModel
from pocketr1.reinforce import ReinforcePlan, train_reinforce
from pocketr1.rewards import Score, correctness
from pocketr1.worlds import VOCABULARY, problems

CONFIG = ModelConfig(
    vocab=len(VOCABULARY), dim=16, layers=1, attention=Heads(2, 2, 8), feed_forward=Dense(32)
)
PLAN = ReinforcePlan(steps=2, samples=4, max_new=6, learning_rate=1e-2)


def easy(problem, reading):
    """A reward that anything can earn: half the completions or so answer within six words."""
    return Score(float(reading.why == "there is no <answer>"))


def problems_at(step):
    return problems("run", 1, 4, seed=step)


def run(plan=PLAN, paid=easy, writer_of=FastWriter, seed=0, problems_at=problems_at):
    model = LanguageModel(CONFIG)
    records = train_reinforce(model, problems_at, {"paid": (1.0, paid)}, plan, seed, writer_of)
    return model, list(records)


def weights(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def test_what_is_paid_becomes_commoner_and_what_is_right_is_counted_apart():
    _, records = run(replace(PLAN, steps=30, samples=8))
    assert records[-1].paid > records[0].paid + 0.25
    assert [record.step for record in records] == list(range(30))
    assert all(record.right == 0 for record in records)


def test_training_repeats_itself_and_moves_the_model():
    (one, first), (two, second) = run(), run()
    assert first == second
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(LanguageModel(CONFIG)))


def test_the_model_itself_can_write():
    (one, _), (two, _) = run(), run(writer_of=lambda model: model)
    assert torch.allclose(weights(one), weights(two), atol=1e-5)


def test_where_nobody_is_paid_nothing_moves():
    model, records = run(paid=correctness)
    assert all(record.paid == 0 and record.gradient_norm == 0 for record in records)
    assert torch.equal(weights(model), weights(LanguageModel(CONFIG)))


def test_where_everybody_is_paid_alike_nothing_moves():
    model, records = run(paid=lambda problem, reading: Score(1.0))
    assert all(record.paid == 1 and record.gradient_norm == 0 for record in records)
    assert torch.equal(weights(model), weights(LanguageModel(CONFIG)))


def test_each_step_has_its_own_problems_and_each_seed_its_own_answers():
    asked = []
    run(problems_at=lambda step: asked.append(step) or problems_at(step))
    assert asked == [0, 1]
    (one, _), (two, _) = run(seed=0), run(seed=1)
    assert not torch.equal(weights(one), weights(two))
