"""Rollouts: the policy answers each problem several times, and the answers are read and rewarded.

One group is the completions of one problem. All tensors keep groups together: the first `group_size` rows
belong to the first problem, and so on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from .generation import Completions, Sampling, Writer, generate, pad_left
from .model import LanguageModel
from .policy_gradient import completion_mask, token_logprobs
from .rewards import Rewards, Score, correctness, total
from .worlds import VOCABULARY, Problem, Reading, read


@dataclass(frozen=True)
class Rollouts:
    """Completions with all that is known of them; tensors have one row a completion, `new` columns where two.

    `prompts` [batch, prompt] padded on the left by `padding` [batch]; `completions` [batch, new]; `mask` bool
    [batch, new], True at sampled tokens; `logprobs` [batch, new] of the policy that sampled; `rewards`
    [batch].
    """

    problems: list[Problem]
    readings: list[Reading]
    scores: list[dict[str, Score]]
    prompts: Tensor
    padding: Tensor
    completions: Tensor
    mask: Tensor
    logprobs: Tensor
    rewards: Tensor

    @property
    def lengths(self) -> Tensor:
        """How many tokens each completion has, the end token included: [batch]."""
        return self.mask.sum(dim=1)

    @property
    def right(self) -> Tensor:
        """Which completions answer rightly, whatever was rewarded: bool [batch]."""
        pairs = zip(self.problems, self.readings, strict=True)
        return torch.tensor([correctness(problem, reading).value == 1 for problem, reading in pairs])

    @property
    def worked(self) -> Tensor:
        """Which completions work step by step: bool [batch]."""
        return torch.tensor([reading.worked for reading in self.readings])

    @property
    def tokens(self) -> int:
        """How many tokens prompts and completions have together, without padding."""
        prompts = self.prompts.shape[1] - self.padding
        return int((prompts + self.lengths).sum())

    def rows(self, chosen: Tensor) -> "Rollouts":
        """Some of the completions, by row number [n], with no more columns than they need."""
        numbers = chosen.tolist()
        width = int(self.lengths[chosen].max()) if numbers else 0
        spare = int(self.padding[chosen].min()) if numbers else 0
        return Rollouts(
            [self.problems[i] for i in numbers],
            [self.readings[i] for i in numbers],
            [self.scores[i] for i in numbers],
            self.prompts[chosen, spare:],
            self.padding[chosen] - spare,
            self.completions[chosen, :width],
            self.mask[chosen, :width],
            self.logprobs[chosen, :width],
            self.rewards[chosen],
        )


def roll_out(
    writer: Writer,
    problems: Sequence[Problem],
    group_size: int,
    rewards: Rewards,
    sampling: Sampling,
    generator: torch.Generator,
) -> Rollouts:
    """Let the writer, a model or a faster stand-in, answer each problem `group_size` times; reward every
    answer.
    """
    repeated = [problem for problem in problems for _ in range(group_size)]
    prompts = [VOCABULARY.encode(problem.prompt) for problem in repeated]
    written = generate(writer, prompts, sampling, generator)
    readings = read_completions(written)
    graded = [total(rewards, problem, reading) for problem, reading in zip(repeated, readings, strict=True)]
    padded, padding = pad_left(prompts)
    return Rollouts(
        repeated,
        readings,
        [parts for _, parts in graded],
        padded,
        padding,
        written.tokens,
        completion_mask(written.lengths, written.tokens.shape[1]),
        written.logprobs,
        torch.tensor([value for value, _ in graded], dtype=torch.float32),
    )


def joined(parts: Sequence[Rollouts]) -> Rollouts:
    """Several rollouts as one, in their order, with as many columns as the widest has."""
    if len(parts) == 1:
        return parts[0]
    before = max(part.prompts.shape[1] for part in parts)
    after = max(part.mask.shape[1] for part in parts)

    def wide(tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([pad(tensor, (0, after - tensor.shape[1])) for tensor in tensors])

    return Rollouts(
        [problem for part in parts for problem in part.problems],
        [reading for part in parts for reading in part.readings],
        [score for part in parts for score in part.scores],
        torch.cat([pad(part.prompts, (before - part.prompts.shape[1], 0)) for part in parts]),
        torch.cat([part.padding + before - part.prompts.shape[1] for part in parts]),
        wide([part.completions for part in parts]),
        wide([part.mask for part in parts]),
        wide([part.logprobs for part in parts]),
        torch.cat([part.rewards for part in parts]),
    )


def read_completions(written: Completions) -> list[Reading]:
    """What each completion says; one that was cut off before its end token has no answer."""
    rows = zip(written.tokens.tolist(), written.lengths.tolist(), written.ended.tolist(), strict=True)
    return [read([VOCABULARY.words[i] for i in tokens[:length]], ended) for tokens, length, ended in rows]


def policy_logprobs(model: LanguageModel, rollouts: Rollouts, temperature: float = 1.0) -> Tensor:
    """What the model now thinks of the completions: the log-probability of each token, [batch, new]."""
    tokens = torch.cat([rollouts.prompts, rollouts.completions], dim=1)
    return token_logprobs(model(tokens, rollouts.padding), rollouts.completions, temperature)
