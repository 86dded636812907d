import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from pocketr1.checkpoints import CheckpointError
from pocketr1.configuration import Dense, Experts, Heads, ModelConfig
from pocketr1.model import LanguageModel
from pocketr1.training import Diverged, Plan, learning_rate_at, make_optimizer, train, update, with_progress

CONFIG = ModelConfig(vocab=7, dim=16, layers=1, attention=Heads(2, 2, 8), feed_forward=Dense(32))
PLAN = Plan(steps=12, learning_rate=1e-2, warmup=3)


def batch_at(step):
    """Tokens that count upwards: the next one is always the one before it plus one."""
    generator = torch.Generator().manual_seed(step)
    start = torch.randint(7, (8, 1), generator=generator)
    tokens = (start + torch.arange(6)) % 7
    return tokens, torch.ones_like(tokens, dtype=torch.bool)


def same_weights(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_learning_rate_warms_up_peaks_and_falls_to_its_final_share():
    plan = Plan(steps=100, learning_rate=1.0, warmup=10, final_share=0.1)
    rates = [learning_rate_at(step, plan) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert learning_rate_at(55, plan) == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_training_learns_and_starts_near_the_surprise_of_a_blind_guess():
    model = LanguageModel(CONFIG)
    records = list(train(model, batch_at, replace(PLAN, steps=60)))
    assert records[0].loss == pytest.approx(math.log(7), abs=0.05)
    assert records[-1].loss < 0.2
    assert [record.step for record in records] == list(range(60))


def test_training_repeats_itself_bit_for_bit():
    models = [LanguageModel(CONFIG) for _ in range(2)]
    losses = [[record.loss for record in train(model, batch_at, PLAN)] for model in models]
    assert losses[0] == losses[1]
    assert same_weights(*models)


def test_a_stage_goes_on_from_its_last_checkpoint_as_if_nothing_had_happened(tmp_path):
    whole, broken = LanguageModel(CONFIG), LanguageModel(CONFIG)
    uninterrupted = list(train(whole, batch_at, PLAN))
    list(
        islice(train(broken, batch_at, PLAN, tmp_path / "stage", save_every=4), 7)
    )  # stops after step 7 of 12
    resumed = LanguageModel(CONFIG, seed=9)
    rest = list(train(resumed, batch_at, PLAN, tmp_path / "stage", save_every=4))
    assert rest == uninterrupted[4:]
    assert same_weights(whole, resumed)
    again = LanguageModel(CONFIG, seed=9)
    assert list(train(again, batch_at, PLAN, tmp_path / "stage")) == []  # the stage is complete
    assert same_weights(whole, again)


def test_a_checkpoint_of_another_plan_is_refused(tmp_path):
    list(train(LanguageModel(CONFIG), batch_at, PLAN, tmp_path / "stage"))
    with pytest.raises(CheckpointError, match="belongs to another plan"):
        next(train(LanguageModel(CONFIG), batch_at, replace(PLAN, learning_rate=1.0), tmp_path / "stage"))


def test_a_loss_that_is_not_a_number_stops_with_what_to_try():
    model = LanguageModel(CONFIG)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    loss = model(torch.zeros(1, 2, dtype=torch.long)).sum() * float("nan")
    with pytest.raises(Diverged, match="step 3.*smaller learning rate"):
        update(model, make_optimizer(model, 0.1), [loss], 1.0, step=3)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_gradients_are_clipped_to_a_norm_and_the_norm_before_is_told():
    model = torch.nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    start = model.weight.item()
    norm = update(model, optimizer, [5 * model.weight.sum()], clip=0.5, step=0)
    assert norm == pytest.approx(5)
    assert start - model.weight.item() == pytest.approx(0.5, abs=1e-4)


def test_losses_add_up_and_each_is_made_when_the_gradient_of_the_one_before_is_there():
    model = torch.nn.Linear(1, 1, bias=False)
    seen = []

    def losses():
        for factor in (2.0, 3.0):
            seen.append(None if model.weight.grad is None else model.weight.grad.item())
            yield factor * model.weight.sum()

    assert update(model, torch.optim.SGD(model.parameters(), lr=1.0), losses(), clip=9.0, step=0) == 5
    assert seen == [None, 2.0]


def test_only_matrices_decay():
    matrices, vectors = make_optimizer(LanguageModel(CONFIG), 0.1, weight_decay=0.3).param_groups
    assert {p.ndim for p in matrices["params"]} == {2}
    assert {p.ndim for p in vectors["params"]} == {1}
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.3, 0.0)


def test_the_progress_bar_keeps_quiet_in_continuous_integration(monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    assert list(with_progress(range(3), 3, "counting")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def with_experts(**balance):
    return LanguageModel(replace(CONFIG, feed_forward=Experts(experts=4, active=1, width=8, **balance)))


def test_the_balancing_loss_is_learnt_from_and_not_recorded():
    plain, balanced = (with_experts(balance="batch", alpha=alpha) for alpha in (0.0, 1.0))
    first, other = (next(train(model, batch_at, PLAN)) for model in (plain, balanced))
    assert first.loss == other.loss
    assert first.gradient_norm != other.gradient_norm
    routers = [model.blocks[0].feed_forward.router for model in (plain, balanced)]
    assert not torch.equal(*routers)


def test_training_moves_the_balancing_bias_after_every_step():
    model = with_experts(balance="bias", bias_speed=0.25)
    records = train(model, batch_at, PLAN)
    next(records)
    moved = model.blocks[0].feed_forward.bias.clone()
    assert moved.any()
    assert set(moved.abs().tolist()) <= {0.0, 0.25}
    next(records)
    assert not torch.equal(model.blocks[0].feed_forward.bias, moved)
