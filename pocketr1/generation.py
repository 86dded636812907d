"""Writing: many completions at once, one token a step, with a cache, a seed and a stop token.

Prompts may have different lengths: they are padded on the left. A row that has written its end token leaves
the batch, so it costs nothing from there on. The uniform numbers for all rows and steps are drawn at the
start, row after row, so cutting a batch into parts (with one generator) changes no row's numbers. Greedy
writing is temperature 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .cache import Writer, cached_step
from .sampling import sample_inverse_cdf, softmax_with_temperature, top_p


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens and when to stop: after a token of `stop`, or after `max_new` tokens."""

    max_new: int
    temperature: float = 1.0
    mass: float = 1.0
    stop: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Completions:
    """What was written to each prompt.

    `tokens` [batch, new], the stop token included, then 0. `logprobs` [batch, new]: the log-probability of
    each token, then 0: the model's own at the sampling temperature, before top-p (at temperature 1 for greedy
    writing). `lengths` [batch]: how many tokens were written, the stop token included. `ended` bool [batch]:
    was the last of them a stop token? new is the longest length.
    """

    tokens: Tensor
    logprobs: Tensor
    lengths: Tensor
    ended: Tensor


def pad_left(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token lists -> tokens [batch, seq], filled up with 0 on the left, and how many zeros [batch]."""
    if not all(len(prompt) for prompt in prompts):
        raise ValueError("a prompt needs one token at least: there is nothing to go on from")
    rows = [torch.tensor(prompt) for prompt in prompts]
    tokens = pad_sequence(rows, batch_first=True, padding_side="left")
    return tokens, tokens.shape[1] - torch.tensor([len(row) for row in rows])


def choose(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """The next token of each row and its log-probability, [batch] each.

    `logits` [batch, vocab]; `uniforms` [batch] in [0, 1), as for `sample_inverse_cdf`.
    """
    probabilities = softmax_with_temperature(logits, sampling.temperature)
    if sampling.mass < 1:
        probabilities = top_p(probabilities, sampling.mass)
    tokens = sample_inverse_cdf(probabilities, uniforms)
    logprobs = (logits / (sampling.temperature or 1.0)).log_softmax(dim=-1)
    return tokens, logprobs.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def generate(
    model: Writer, prompts: Sequence[Sequence[int]], sampling: Sampling, generator: torch.Generator
) -> Completions:
    """Write one completion to each prompt (repeat a prompt to get several).

    `prompts`: lists of token ids, one at least, none empty. The same generator state gives the same tokens.
    Raises ValueError where there is no prompt, an empty one, or no token to be written.
    """
    if not prompts or sampling.max_new < 1:
        raise ValueError("there is nothing to write: it takes one prompt and one new token at least")
    batch, stop = len(prompts), torch.tensor(sampling.stop)
    uniforms = torch.rand(batch, sampling.max_new, generator=generator)
    new, columns = pad_left(prompts)
    padding = columns if columns.any() else None
    cache = model.room(batch, new.shape[1] + sampling.max_new)
    rows = torch.arange(batch)  # the prompt to which each row of the shrinking batch belongs
    written = []
    for step in range(sampling.max_new):
        logits = cached_step(model, new, cache, padding)
        chosen, logprobs = choose(logits, uniforms[:, step], sampling)
        written.append((rows, chosen, logprobs))
        finished = torch.isin(chosen, stop)
        if finished.all():
            break
        if finished.any():
            order = cache.drop(finished)
            rows, uniforms, chosen = rows[order], uniforms[order], chosen[order]
            padding = None if padding is None else padding[order]
        new = chosen.unsqueeze(1)
    return _collect(written, batch, stop)


def _collect(written: list[tuple[Tensor, Tensor, Tensor]], batch: int, stop: Tensor) -> Completions:
    """Put what was written step by step (rows, tokens, log-probabilities) back into the order of prompts."""
    steps = torch.arange(len(written)).repeat_interleave(torch.tensor([len(rows) for rows, _, _ in written]))
    rows, chosen, chosen_logprobs = (torch.cat(parts) for parts in zip(*written, strict=True))
    tokens = torch.zeros(batch, len(written), dtype=torch.long)
    logprobs = torch.zeros(batch, len(written))
    tokens[rows, steps], logprobs[rows, steps] = chosen, chosen_logprobs
    lengths = rows.bincount(minlength=batch)
    ended = torch.isin(tokens[torch.arange(batch), lengths - 1], stop)
    return Completions(tokens, logprobs, lengths, ended)
