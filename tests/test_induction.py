import pytest
import torch

from pocketr1.induction import (
    NEW_PERIOD,
    RECORD_EVERY,
    TRAINED_PERIODS,
    VOCAB,
    AttentionOnlyModel,
    copying_accuracy,
    copying_loss,
    copying_model,
    induction_score,
    repeated_tokens,
    train_copying,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def head_that_looks_back(seq, distance):
    """Causal weights [seq, seq], all on the token `distance` back, or on the first one."""
    weights = torch.zeros(seq, seq)
    for t in range(seq):
        weights[t, max(t - distance, 0)] = 1
    return weights


def test_a_sequence_is_said_twice_with_all_tokens_of_one_saying_different():
    tokens = repeated_tokens(generator(), batch=50, period=7, vocab=10)
    assert tokens.shape == (50, 14)
    assert torch.equal(tokens[:, :7], tokens[:, 7:])
    assert all(len(set(row.tolist())) == 7 for row in tokens)
    assert set(tokens.flatten().tolist()) == set(range(10))


def test_the_same_generator_gives_the_same_sequences_and_another_gives_others():
    one, same, other = (repeated_tokens(generator(seed), 4, 6, 26) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_period_longer_than_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="only 5 different tokens"):
        repeated_tokens(generator(), 1, 6, 5)


@pytest.mark.parametrize("seq", [8, 10, 12])
def test_only_a_look_at_what_came_after_the_earlier_copy_scores(seq):
    period = 4
    score = [induction_score(head_that_looks_back(seq, back), period).item() for back in range(seq)]
    assert score[period - 1] == 1
    assert all(
        value == 0 for back, value in enumerate(score) if back not in (period - 1, *range(seq - 1, seq))
    )


def test_the_score_is_the_mean_over_the_tokens_that_have_an_earlier_copy():
    weights = torch.zeros(6, 6)
    weights[2, 0] = 5  # t = 2 has no earlier copy for period 3
    weights[3, 1], weights[4, 2], weights[5, 3] = 0.9, 0.6, 0.3
    assert induction_score(weights, 3).item() == pytest.approx(0.6)


def test_every_head_and_sequence_has_its_own_score():
    weights = torch.stack([head_that_looks_back(6, 2), head_that_looks_back(6, 3)]).expand(5, 2, 6, 6)
    assert induction_score(weights, 3).tolist() == 5 * [[1, 0]]


def test_an_even_head_scores_one_over_the_number_of_visible_keys():
    weights = torch.ones(6, 6).tril() / torch.arange(1, 7).unsqueeze(1)
    assert induction_score(weights, 3).item() == pytest.approx((1 / 4 + 1 / 5 + 1 / 6) / 3)


def perfect_logits(tokens, vocab):
    """Logits that name the next token, except where it cannot be known."""
    logits = torch.zeros(*tokens.shape, vocab)
    logits[:, :-1].scatter_(-1, tokens[:, 1:].unsqueeze(-1), 50.0)
    return logits


def test_loss_and_accuracy_count_what_can_be_copied_and_nothing_else():
    tokens = repeated_tokens(generator(), 8, 5, 10)
    logits = perfect_logits(tokens, 10)
    logits[:, :5] = torch.randn(
        8, 5, 10, generator=generator()
    )  # the first half, and the token that begins the second
    logits[:, -1] = torch.randn(8, 10, generator=generator())  # what comes after the end
    assert copying_loss(logits, tokens, 5).item() < 1e-6
    assert copying_accuracy(logits, tokens, 5) == 1
    logits[:, 5:-1] = 0
    assert copying_loss(logits, tokens, 5).item() == pytest.approx(torch.tensor(10.0).log().item())
    logits[:, 5] = perfect_logits(tokens, 10)[:, 5]
    assert copying_accuracy(logits[:, :7], tokens[:, :7], 5) == 1


def test_the_model_says_where_every_layer_looked_and_looks_only_back():
    torch.manual_seed(0)
    model = AttentionOnlyModel(vocab=10, dim=8, heads=2, layers=3, context=12)
    tokens = repeated_tokens(generator(), 4, 5, 10)
    logits, weights = model(tokens)
    assert logits.shape == (4, 10, 10)
    assert [layer.shape for layer in weights] == 3 * [(4, 2, 10, 10)]
    assert all((layer.triu(1) == 0).all() for layer in weights)
    changed = tokens.clone()
    changed[:, 6:] = 0
    assert torch.equal(model(changed)[0][:, :6], logits[:, :6])


def test_the_model_knows_positions():
    torch.manual_seed(0)
    model = AttentionOnlyModel(vocab=10, dim=8, heads=2, layers=1, context=12)
    logits, _ = model(torch.zeros(1, 6, dtype=torch.long))
    assert not torch.allclose(logits[:, 0], logits[:, 5])


def test_a_layer_that_finds_nothing_leaves_the_tokens_as_they_were():
    torch.manual_seed(0)
    model = AttentionOnlyModel(vocab=10, dim=8, heads=2, layers=2, context=6)
    for layer in model.layers:
        torch.nn.init.zeros_(layer.output.weight)
        torch.nn.init.zeros_(layer.output.bias)
    tokens = repeated_tokens(generator(), 4, 3, 10)
    torch.testing.assert_close(
        model(tokens)[0], model.unembed(model.token(tokens) + model.position(torch.arange(6)))
    )


def test_a_seed_fixes_model_and_training_and_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    runs = []
    for _ in range(2):
        model = copying_model(layers=1, seed=3)
        runs.append(
            [(record.step, record.loss, record.accuracy) for record in train_copying(model, 21, seed=3)]
        )
    assert torch.equal(torch.get_rng_state(), before)
    assert runs[0] == runs[1]
    assert [step for step, _, _ in runs[0]] == [0, RECORD_EVERY, 2 * RECORD_EVERY]
    assert not torch.equal(copying_model(1, seed=4).token.weight, copying_model(1, seed=3).token.weight)
    other = next(train_copying(copying_model(layers=1, seed=3), 1, seed=4))
    assert other.loss != runs[0][0][1]


def test_the_period_of_the_test_is_never_trained_on():
    assert NEW_PERIOD not in TRAINED_PERIODS
    assert min(TRAINED_PERIODS) < NEW_PERIOD < max(TRAINED_PERIODS)


def trained(layers, steps, seed):
    model = copying_model(layers, seed)
    for _ in train_copying(model, steps, seed):
        pass
    tokens = repeated_tokens(generator(7), 256, NEW_PERIOD, VOCAB)
    with torch.no_grad():
        logits, weights = model(tokens)
    best = max(induction_score(layer, NEW_PERIOD).mean(dim=0).max().item() for layer in weights)
    return copying_accuracy(logits, tokens, NEW_PERIOD), best


def test_two_layers_find_the_induction_head_and_one_layer_does_not():
    accuracy, score = trained(layers=2, steps=250, seed=103)
    assert accuracy > 0.9 and score > 0.7
    accuracy, score = trained(layers=1, steps=250, seed=103)
    assert accuracy < 0.15 and score < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 105))
def test_so_it_is_for_every_seed_and_for_longer_training_of_one_layer(seed):
    accuracy, score = trained(layers=2, steps=400, seed=seed)
    assert accuracy > 0.95 and score > 0.8
    accuracy, score = trained(layers=1, steps=1500, seed=seed)
    assert accuracy < 0.1 and score < 0.3
