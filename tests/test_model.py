import math

import pytest
import torch

from pocketr1.attention import MultiHeadAttention
from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.model import LanguageModel, initialise
from pocketr1.transformer import next_token_loss

CONFIG = ModelConfig(vocab=13, dim=16, layers=2, attention=Heads(4, 2, 4), feed_forward=Dense(24))


def tokens(*shape, seed=0):
    return torch.randint(13, shape, generator=torch.Generator().manual_seed(seed))


def test_the_seed_decides_the_weights():
    one, same, other = (LanguageModel(CONFIG, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_initialising_leaves_vectors_alone():
    layer = MultiHeadAttention(4, 2)
    before = layer.query.bias.clone()
    initialise(layer, 0)
    assert torch.equal(layer.query.bias, before)
    assert layer.query.weight.abs().max() < 0.1


def test_the_first_loss_is_the_logarithm_of_the_vocabulary():
    batch = tokens(4, 20)
    loss = next_token_loss(LanguageModel(CONFIG)(batch), batch, torch.ones_like(batch, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log(13), abs=0.02)


def test_no_token_looks_ahead():
    model, text = LanguageModel(CONFIG), tokens(1, 8)
    changed = text.clone()
    changed[0, 5] = (changed[0, 5] + 1) % 13
    before, after = model(text), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_padding_changes_nothing():
    model, text = LanguageModel(CONFIG), tokens(1, 6)
    padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), text], dim=1)
    padded_logits = model(padded, torch.tensor([3]))
    torch.testing.assert_close(padded_logits[:, 3:], model(text), rtol=0, atol=1e-6)
    assert torch.isfinite(padded_logits).all()


def test_every_row_has_a_padding_of_its_own():
    """As many rows as heads, so that one taken for the other would go unnoticed by shapes."""
    model, text = LanguageModel(CONFIG), tokens(4, 6)
    padding = torch.tensor([0, 3, 1, 2])
    padded = torch.zeros(4, 9, dtype=torch.long)
    for row, columns in enumerate(padding.tolist()):
        padded[row, columns : columns + 6] = text[row]
    for row, columns in enumerate(padding.tolist()):
        alone, together = model(text[row : row + 1]), model(padded, padding)
        torch.testing.assert_close(together[row, columns : columns + 6], alone[0], rtol=0, atol=1e-6)


def test_what_the_head_reads_is_normed():
    """With a norm between them, the size of what the blocks leave does not matter."""
    model, text = LanguageModel(CONFIG), tokens(1, 6)
    before = model(text)
    with torch.no_grad():
        model.embedding.weight *= 1000  # far larger than what the blocks add to it
        once = model(text)
        model.embedding.weight *= 10
    torch.testing.assert_close(model(text), once, rtol=0, atol=1e-3)
    assert not torch.allclose(before, once, atol=1e-3)


def test_it_learns_to_count():
    model = LanguageModel(CONFIG)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    text = (torch.arange(20) % 5).repeat(4, 1)
    mask = torch.ones_like(text, dtype=torch.bool)
    for _ in range(150):
        optimizer.zero_grad()
        loss = next_token_loss(model(text), text, mask)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < 0.1
