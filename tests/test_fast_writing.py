import dataclasses

import pytest
import torch

from pocketr1 import fast_writing
from pocketr1.cache import cached_step
from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.generation import Sampling, generate
from pocketr1.model import LanguageModel

LATENT = Latent(heads=3, latent_dim=8, query_dim=6, content_dim=4, rope_dim=2, value_dim=5)
MIXED = Experts(6, 2, 8, shared=2, scale=2.5, dense_layers=1, dense_width=12, balance="bias")
ATTENTIONS = {
    "multi-head": Heads(4, 4, 6),
    "grouped": Heads(4, 2, 6),
    "latent": LATENT,
    "latent, queries direct": dataclasses.replace(LATENT, query_dim=None),
}
FEED_FORWARDS = {
    "dense": Dense(24),
    "sigmoid": MIXED,
    "groups": dataclasses.replace(MIXED, groups=3, kept_groups=2),
    "softmax, none shared": Experts(4, 2, 8, router="softmax"),
    "hash": Experts(4, 2, 8, router="hash"),
}


def model_of(attention, feed_forward):
    """A model whose weights are large enough for everything to matter, gains, eps and bias included."""
    model = LanguageModel(ModelConfig(13, 16, 2, attention, feed_forward, eps=1e-3), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(10)
            else:
                parameter.uniform_(0.5, 1.5, generator=generator)
        for name, buffer in model.named_buffers():
            if name.endswith("bias"):
                buffer.uniform_(-0.3, 0.3, generator=generator)
    return model


def all_steps(writer, tokens, padding):
    cache = writer.room(len(tokens), tokens.shape[1])
    with torch.no_grad():
        logits = [cached_step(writer, tokens[:, :4], cache, padding)]
        logits += [cached_step(writer, tokens[:, [t]], cache, padding) for t in range(4, tokens.shape[1])]
    return torch.stack(logits)


@pytest.mark.parametrize("padding", [None, torch.tensor([0, 3, 1])])
@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("feed_forward", FEED_FORWARDS)
@pytest.mark.parametrize("few", [0, 1000])
def test_every_step_has_the_models_logits(attention, feed_forward, padding, few, monkeypatch):
    """Within 1e-5 of the largest logit, with all experts at once and with experts sorted."""
    monkeypatch.setattr(fast_writing, "FEW_TOKENS", few)
    model = model_of(ATTENTIONS[attention], FEED_FORWARDS[feed_forward])
    tokens = torch.randint(1, 13, (3, 8), generator=torch.Generator().manual_seed(0))
    expected = all_steps(model, tokens, padding)
    found = all_steps(FastWriter(model), tokens, padding)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("attention", ["grouped", "latent"])
def test_it_writes_the_same_tokens(attention):
    model = model_of(ATTENTIONS[attention], MIXED)
    prompts = [
        [2, 3, 4],
        [5],
        [6, 7, 8, 9, 10],
    ] * 14  # more rows at first than experts are computed at once for
    sampling = Sampling(12, temperature=0.8, mass=0.95, stop=(1, 2))
    expected = generate(model, prompts, sampling, torch.Generator().manual_seed(0))
    found = generate(FastWriter(model), prompts, sampling, torch.Generator().manual_seed(0))
    assert torch.equal(found.tokens, expected.tokens)
    assert torch.equal(found.lengths, expected.lengths)
    torch.testing.assert_close(found.logprobs, expected.logprobs, rtol=0, atol=1e-4)
    assert found.lengths.min() < found.lengths.max()


def test_what_it_writes_can_be_used_with_gradients():
    model = model_of(ATTENTIONS["latent"], MIXED)
    written = generate(FastWriter(model), [[2, 3]], Sampling(3), torch.Generator().manual_seed(0))
    weight = torch.ones(1, requires_grad=True)
    (weight * written.logprobs).sum().backward()
    assert weight.grad is not None


def test_it_leaves_the_model_as_it_was():
    model = model_of(ATTENTIONS["latent"], MIXED)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    generate(FastWriter(model), [[2, 3]], Sampling(3), torch.Generator().manual_seed(0))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(block.feed_forward.counts.sum() == 0 for block in model.blocks[1:])


def test_a_longer_text_gets_more_rotations():
    writer = FastWriter(model_of(ATTENTIONS["grouped"], Dense(24)))
    writer.room(1, 4)
    tokens = torch.randint(1, 13, (1, 9), generator=torch.Generator().manual_seed(0))
    assert all_steps(writer, tokens, None).shape == (6, 1, 13)
    writer.room(1, 2)
    assert len(writer.turns) == 9


def test_it_needs_a_cache():
    with pytest.raises(AssertionError, match="needs a cache"):
        FastWriter(model_of(ATTENTIONS["grouped"], Dense(24))).run(
            torch.ones(1, 1).long(), torch.zeros(1), None
        )
