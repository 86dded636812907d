import pytest
import torch

from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.generation import Sampling, choose, generate, pad_left
from pocketr1.model import LanguageModel
from pocketr1.policy_gradient import token_logprobs
from pocketr1.sampling import sample_inverse_cdf

LATENT = Latent(heads=4, latent_dim=8, query_dim=8, content_dim=4, rope_dim=4, value_dim=4)
MIXED = Experts(6, 2, 8, shared=1, dense_layers=1, dense_width=24, balance="bias")
CONFIGS = {
    "grouped": ModelConfig(vocab=13, dim=16, layers=2, attention=Heads(4, 2, 4), feed_forward=Dense(24)),
    "latent": ModelConfig(vocab=13, dim=16, layers=2, attention=LATENT, feed_forward=MIXED),
    "hash": ModelConfig(13, 16, 1, Heads(2, 2, 8), Experts(4, 2, 8, router="hash")),
}
PROMPTS = [[2, 3, 4], [5], [6, 7, 8, 9, 10], [2, 3, 4]]
NEVER = (-1,)


@pytest.fixture(scope="module", params=CONFIGS)
def model(request):
    model = LanguageModel(CONFIGS[request.param], seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(8)  # far from uniform, so that tokens depend on the text
    return model


def test_what_top_p_leaves_out_is_never_chosen_and_log_probabilities_are_from_before():
    logits = torch.tensor([0.2, 0.5, 0.3]).log().expand(100, -1)
    chosen, logprobs = choose(logits, torch.linspace(0, 0.99, 100), Sampling(1, mass=0.6))
    assert set(chosen.tolist()) == {1, 2}
    torch.testing.assert_close(logprobs.exp(), torch.tensor([0.2, 0.5, 0.3])[chosen])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def written_without_a_cache(model, prompt, uniforms, sampling):
    """One row, the whole model over the whole text for every token."""
    text, logprobs = list(prompt), []
    for uniform in uniforms:
        logits = model(torch.tensor([text]))[:, -1]
        token, logprob = choose(logits, uniform.reshape(1), sampling)
        text.append(int(token))
        logprobs.append(float(logprob))
        if int(token) in sampling.stop:
            break
    return text[len(prompt) :], logprobs


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("mass", [0.8, 1.0])
@pytest.mark.parametrize("stop", [(1,), (1, 4, 6), NEVER])
def test_a_batch_with_a_cache_equals_single_rows_without(model, temperature, mass, stop):
    sampling = Sampling(12, temperature, mass, stop)
    completions = generate(model, PROMPTS, sampling, generator())
    uniforms = torch.rand(len(PROMPTS), 12, generator=generator())
    for row, prompt in enumerate(PROMPTS):
        with torch.no_grad():
            expected, logprobs = written_without_a_cache(model, prompt, uniforms[row], sampling)
        length = int(completions.lengths[row])
        assert completions.tokens[row, :length].tolist() == expected
        torch.testing.assert_close(
            completions.logprobs[row, :length], torch.tensor(logprobs), rtol=0, atol=1e-5
        )
        assert completions.tokens[row, length:].eq(0).all()
        assert completions.logprobs[row, length:].eq(0).all()
        assert completions.ended[row] == (expected[-1] in stop)


def test_logprobs_are_those_the_policy_gradient_takes(model):
    sampling = Sampling(8, temperature=0.7, stop=NEVER)
    completions = generate(model, PROMPTS, sampling, generator())
    prompts, padding = pad_left(PROMPTS)
    logits = model(torch.cat([prompts, completions.tokens], dim=1), padding)
    expected = token_logprobs(logits, completions.tokens, temperature=0.7)
    torch.testing.assert_close(completions.logprobs, expected.detach(), rtol=0, atol=1e-5)


def test_cutting_the_batch_into_parts_changes_nothing(model):
    sampling = Sampling(10)
    whole = generate(model, PROMPTS, sampling, generator(5))
    shared = generator(5)
    parts = [generate(model, PROMPTS[:1], sampling, shared), generate(model, PROMPTS[1:], sampling, shared)]
    for part, rows in zip(parts, (slice(0, 1), slice(1, 4)), strict=True):
        width = part.tokens.shape[1]
        assert torch.equal(part.tokens, whole.tokens[rows, :width])
        assert torch.equal(part.lengths, whole.lengths[rows])


def test_the_seed_decides(model):
    one, same, other = (generate(model, PROMPTS, Sampling(10), generator(s)).tokens for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    before = torch.get_rng_state()
    generate(model, PROMPTS, Sampling(3), generator())
    assert torch.equal(before, torch.get_rng_state())


def test_finished_rows_cost_nothing(model, monkeypatch):
    rows = []
    run = model.run
    monkeypatch.setattr(model, "run", lambda tokens, *rest: rows.append(len(tokens)) or run(tokens, *rest))
    completions = generate(model, PROMPTS * 4, Sampling(12, stop=(1, 2, 3, 4, 5)), generator())
    alive = [int((completions.lengths > step).sum()) for step in range(len(rows))]
    assert rows == alive
    assert len(rows) == completions.lengths.max()


def test_pad_left():
    tokens, padding = pad_left([[2, 3], [4]])
    assert tokens.tolist() == [[2, 3], [0, 4]]
    assert padding.tolist() == [0, 1]


def test_an_empty_prompt_is_refused(model):
    with pytest.raises(ValueError, match="one token at least"):
        generate(model, [[2], []], Sampling(3), generator())


@pytest.mark.parametrize(("prompts", "most"), [([], 3), ([[2]], 0)])
def test_nothing_to_write_is_refused(model, prompts, most):
    with pytest.raises(ValueError, match="one prompt and one new token"):
        generate(model, prompts, Sampling(most), generator())


def test_the_result_can_be_used_with_gradients(model):
    completions = generate(model, PROMPTS, Sampling(3), generator())
    weight = torch.ones(1, requires_grad=True)
    (weight * completions.logprobs).sum().backward()
    assert weight.grad is not None


def test_choose_samples_from_the_tempered_policy():
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    token, logprob = choose(logits, torch.tensor([0.5]), Sampling(1, temperature=2.0))
    probabilities = (logits / 2).softmax(-1)
    assert token.item() == sample_inverse_cdf(probabilities, torch.tensor([0.5])).item()
    torch.testing.assert_close(logprob.exp(), probabilities[:, token.item()])
