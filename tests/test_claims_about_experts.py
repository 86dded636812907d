"""The measuring code of the claims about mixtures of experts, at sizes that take no time."""

from dataclasses import replace

import pytest
import torch

from pocketr1.claims import balancing, experts
from pocketr1.claims.small_models import (
    SMALL,
    Measured,
    Size,
    as_batch,
    batches,
    measure,
    mixtures,
    trained,
    unseen,
)
from pocketr1.configuration import Dense, Experts, Heads, ModelConfig
from pocketr1.sizes import count_params
from pocketr1.transformer import next_token_loss
from pocketr1.worlds import TEXTBOOK, VOCABULARY, corpus

TINY = Size(dim=16, layers=2, heads=2, steps=3, documents=4, warmup=2, measured=70)
SHAPE = Experts(experts=8, active=2, width=4, shared=1, balance="bias", bias_speed=0.1)


def test_bits_by_hand():
    """Token 0, of skill 0, visits expert 0. Token 1 visits expert 0 for skill 0, and expert 1 for skill 1."""
    visits = torch.zeros(1, 2, 2, 2, dtype=torch.long)
    visits[0, 0, 0, 0], visits[0, 1, 0, 0], visits[0, 1, 1, 1] = 4, 2, 2
    result = Measured(0.0, visits)
    assert result.bits_about_skill == pytest.approx(0.8112781)
    assert result.bits_about_token == pytest.approx(0.3112781)
    assert result.bits_about_skill_beyond_token == pytest.approx(0.5)
    assert result.max_vio == pytest.approx(0.5)


def test_figures_are_means_over_layers():
    visits = torch.zeros(2, 1, 2, 2, dtype=torch.long)
    visits[0, 0] = torch.tensor([[5, 0], [0, 5]])
    visits[1, 0] = torch.tensor([[10, 10], [0, 0]])
    result = Measured(0.0, visits)
    assert result.bits_about_skill == pytest.approx(0.5)
    assert result.max_vio == pytest.approx(0.5)


def test_only_completions_are_predicted():
    documents = corpus(TEXTBOOK, 3, seed=100)
    tokens, mask = as_batch(documents)
    for row, document in enumerate(documents):
        completion = VOCABULARY.encode([*document.completion, "<end>"])
        assert tokens[row][mask[row]].tolist() == completion


def test_all_arms_of_a_seed_see_the_same_documents_and_seeds_differ():
    first, again, other = (batches(seed, TINY)(2)[0] for seed in (100, 100, 101))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    assert len(first) == TINY.documents


def test_an_arm_is_trained_once_and_always_alike():
    model = trained(SHAPE, 100, TINY)
    assert trained(SHAPE, 100, TINY) is model
    trained.cache_clear()
    again = trained(SHAPE, 100, TINY)
    assert again is not model
    for one, other in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert any(layer.bias.any() for layer in mixtures(model))


def test_a_measured_loss_is_the_mean_over_all_predicted_tokens():
    model = trained(SHAPE, 100, TINY)
    result = measure(model, 100, TINY)
    tokens, mask = as_batch(unseen(100, TINY))
    with torch.no_grad():
        expected = next_token_loss(model(tokens), tokens, mask)
    assert result.loss == pytest.approx(float(expected), rel=1e-5)
    real = int((tokens != VOCABULARY.pad).sum())
    assert result.visits.sum(dim=(1, 2, 3)).tolist() == [real * SHAPE.active] * TINY.layers
    in_all = result.visits[0].sum(dim=(1, 2))
    assert torch.equal(in_all, tokens[tokens != 0].bincount(minlength=len(VOCABULARY)) * SHAPE.active)


def test_measuring_changes_nothing():
    model = trained(SHAPE, 100, TINY)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert measure(model, 100, TINY).visits.equal(measure(model, 100, TINY).visits)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(not layer._forward_hooks and not layer.counts.any() for layer in mixtures(model))


def test_a_dense_model_has_a_loss_and_no_visits():
    result = measure(trained(Dense(8), 100, TINY), 100, TINY)
    assert result.loss > 0
    assert len(result.visits) == 0


def test_all_arms_do_the_same_work_with_the_same_parameters_but_for_routers():
    def counts(shape):
        config = ModelConfig(len(VOCABULARY), SMALL.dim, SMALL.layers, Heads(4, 4, 12), shape)
        routers = SMALL.layers * SMALL.dim * getattr(shape, "experts", 0)
        return tuple(count - routers for count in count_params(config))

    fine, coarse, dense = counts(experts.FINE), counts(experts.COARSE), counts(experts.DENSE)
    assert fine == coarse
    assert fine[1] == dense[1]
    assert counts(replace(experts.BY_HASH, router="sigmoid")) == fine
    assert len({counts(shape) for shape in (balancing.MIXTURE, *balancing.BY_BIAS.values())}) == 1


def test_without_its_shared_expert_a_token_visits_one_routed_expert_more():
    model = trained(SHAPE, 100, TINY)
    changed = experts.without_shared(model)
    assert all(layer.shared is not None for layer in mixtures(model))
    for layer, was in zip(mixtures(changed), mixtures(model), strict=True):
        assert layer.shared is None
        logits = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
        assert torch.equal(layer.route(logits)[1][:, :2], was.route(logits)[1])
        assert layer.route(logits)[1].shape == (5, 3)


def test_without_the_best_the_next_ones_are_chosen():
    model = trained(SHAPE, 100, TINY)
    layer, was = mixtures(experts.without_best(model))[0], mixtures(model)[0]
    logits = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    weights, chosen = layer.route(logits)
    selecting = logits.sigmoid() + was.bias
    assert torch.equal(chosen, selecting.argsort(dim=-1, descending=True)[:, 1:3])
    scores = logits.sigmoid().gather(-1, chosen)
    torch.testing.assert_close(weights, scores / scores.sum(-1, keepdim=True))
    assert torch.equal(was.route(logits)[1][:, 1], chosen[:, 0])


def test_a_hash_router_tells_all_about_the_token_and_nothing_beyond():
    shape = Experts(experts=8, active=2, width=4, router="hash")
    result = measure(trained(shape, 100, TINY), 100, TINY)
    assert result.bits_about_token > 1
    assert result.bits_about_skill_beyond_token == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "measuring",
    [
        balancing.bias_against_auxiliary,
        balancing.batch_against_sequence,
        experts.kinds_of_feed_forward,
        experts.disabled_experts,
        experts.learnt_against_hashed,
    ],
)
def test_every_experiment_runs_and_its_claims_can_be_decided(measuring):
    from pocketr1.claims import CLAIMS

    numbers = measuring(100, replace(TINY, measured=8))
    assert all(torch.tensor(value).isfinite() for value in numbers.values())
    decided = [claim.holds(numbers) for claim in CLAIMS.values() if claim.measure is measuring]
    assert decided
    assert all(isinstance(each, bool) for each in decided)
