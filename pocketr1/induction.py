"""Induction heads: the smallest circuit that reads a pattern off its own context and goes on with it.

A random sequence of tokens is said twice. Nothing predicts its first half; the second half can be copied.
Someone who sees token B, finds the earlier B, and says what came after it, needs two steps: every token must
first learn who came *before* it (a previous-token head, in one layer), and then B looks for the token whose
predecessor was B (the induction head, in a later layer). So one layer of attention should not be enough
(Elhage et al. 2021, "A mathematical framework for transformer circuits"; Olsson et al. 2022, "In-context
learning and induction heads").

There is a shortcut: if every sequence had the same period, one layer with learned positions could copy from
`period - 1` tokens back, by position alone. So the period changes from one training step to the next, and one
period is never trained on and kept for the test: a model that has memorised positions fails there, and one
that reads the context does not. One layer still learns something: position 5 lies in a second half only if
the period is 5, the shortest, so some places of the shortest and the longest periods give the period away.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import MultiHeadAttention, causal_mask

VOCAB = 26  # as many tokens as letters, so that a figure can label them
TRAINED_PERIODS = (5, 6, 7, 9, 10, 11, 12)
NEW_PERIOD = 8  # in the middle of the others, and never trained on
RECORD_EVERY = 10


class AttentionOnlyModel(nn.Module):
    """A language model of attention layers alone: no normalisation, and no feed-forward layers.

    Tokens and learned positions are embedded and added; each layer adds what its attention found; a linear
    map turns the sum into logits. `context` is the longest sequence it can read.
    """

    def __init__(self, vocab: int, dim: int, heads: int, layers: int, context: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab, dim)
        self.position = nn.Embedding(context, dim)
        self.layers = nn.ModuleList(MultiHeadAttention(dim, heads) for _ in range(layers))
        self.unembed = nn.Linear(dim, vocab, bias=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits for the next token, and where each layer looked.

        `tokens` [batch, seq] give (logits [batch, seq, vocab], a list of [batch, heads, seq, seq], one a
        layer). The logits at position t speak of the token at t + 1.
        """
        seq = tokens.shape[1]
        mask = causal_mask(seq, seq)
        x = self.token(tokens) + self.position.weight[:seq]
        weights = []
        for layer in self.layers:
            found, layer_weights = layer(x, mask)
            x = x + found
            weights.append(layer_weights)
        return self.unembed(x), weights


def induction_score(weights: Tensor, period: int) -> Tensor:
    """How much of its attention each head gives to the token after the earlier copy of the present one.

    `weights` [..., queries, keys] are those of causal attention over a sequence that repeats itself after
    `period` tokens, with as many keys as queries and more than `period` of them. The token at position t was
    seen before at t - period, so what comes next was seen at t - period + 1. The score is the mean of the
    weights from t to there, over all t from `period` on: before that there is no earlier copy. Returns [...],
    numbers between 0 and 1, one a head.

    Period 2, four tokens A B A B: the mean of the weight from position 2 to 1 and of that from position 3 to
    2.
    Source: Olsson et al. 2022, "In-context learning and induction heads", prefix matching score. A deviation:
    theirs sums over all earlier copies of the token, ours takes the last one. In a text that is said twice
    they are the same.
    """
    return weights.diagonal(offset=1 - period, dim1=-2, dim2=-1)[..., 1:].mean(dim=-1)


def repeated_tokens(generator: torch.Generator, batch: int, period: int, vocab: int) -> Tensor:
    """Sequences of `period` different random tokens, said twice: [batch, 2 * period].

    The tokens of one saying are all different, so the one that follows is never in doubt. `period` is at most
    `vocab`, otherwise ValueError.
    """
    if period > vocab:
        raise ValueError(f"there are only {vocab} different tokens, not {period}")
    once = torch.rand(batch, vocab, generator=generator).argsort(dim=-1)[:, :period]
    return torch.cat([once, once], dim=1)


def copying_loss(logits: Tensor, tokens: Tensor, period: int) -> Tensor:
    """Mean cross-entropy, in nats, of the tokens that can be copied: the second half but for its first token.

    `logits` [batch, seq, vocab] and `tokens` [batch, seq] of `repeated_tokens`. That first token cannot be
    known: nothing yet says that the sequence begins again.
    """
    return functional.cross_entropy(logits[:, period:-1].flatten(0, 1), tokens[:, period + 1 :].flatten())


def copying_accuracy(logits: Tensor, tokens: Tensor, period: int) -> float:
    """The share of the tokens that can be copied, as in `copying_loss`, whose logit is the highest."""
    return (logits[:, period:-1].argmax(dim=-1) == tokens[:, period + 1 :]).float().mean().item()


def copying_model(layers: int, seed: int) -> AttentionOnlyModel:
    """An untrained model for the copying task, two heads a layer. The same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentionOnlyModel(VOCAB, dim=64, heads=2, layers=layers, context=2 * max(TRAINED_PERIODS))


@dataclass(frozen=True)
class CopyingStep:
    """What was measured before update `step`.

    loss: on the step's own training batch, in nats. accuracy: at `NEW_PERIOD`, which is never trained on.
    """

    step: int
    loss: float
    accuracy: float


def train_copying(model: AttentionOnlyModel, steps: int, seed: int) -> Iterator[CopyingStep]:
    """Train `model` in place to copy. Yields a record before the first update, and before every tenth later.

    A training step takes 32 sequences of one period, drawn from `TRAINED_PERIODS`, and learns from what can
    be copied alone. The accuracy is measured on 64 fixed sequences of `NEW_PERIOD`. 400 steps of two layers
    take some 6 seconds on one core.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    test = repeated_tokens(generator, 64, NEW_PERIOD, VOCAB)
    for step in range(steps):
        period = TRAINED_PERIODS[int(torch.randint(len(TRAINED_PERIODS), (1,), generator=generator))]
        tokens = repeated_tokens(generator, 32, period, VOCAB)
        loss = copying_loss(model(tokens)[0], tokens, period)
        if step % RECORD_EVERY == 0:
            with torch.no_grad():
                accuracy = copying_accuracy(model(test)[0], test, NEW_PERIOD)
            yield CopyingStep(step, loss.item(), accuracy)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
