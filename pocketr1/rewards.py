"""Rewards that a program can check. Each says why a completion failed, so that a surprising figure can be
looked into.

A reward looks at a problem and at a completion as it was read (worlds.reading): what it answers, whether it
kept to the format, in which language it thinks. Rewards are added, each with a weight, as in DeepSeek-R1
(arXiv 2501.12948, sections 2.2 and 2.3.2): right answer, format, language. None looks at how an answer was
reached.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .worlds import Problem, Reading, judge

RIGHT = "right"


@dataclass(frozen=True)
class Score:
    """What one reward gives, from 0 to 1, and why it is not 1 (an empty string where it is)."""

    value: float
    why: str = ""


Reward = Callable[[Problem, Reading], Score]
Rewards = Mapping[str, tuple[float, Reward]]
"""Rewards by name, each with its weight."""


def correctness(problem: Problem, reading: Reading) -> Score:
    """1 for exactly one closed answer that is right, or a program that passes every test; otherwise 0."""
    if reading.answer is None:
        return Score(0.0, reading.why or "there is no answer")
    why = judge(problem, reading.answer)
    return Score(1.0) if why is None else Score(0.0, why)


def tidiness(problem: Problem, reading: Reading) -> Score:
    """1 for <think> ... </think> <answer> ... </answer> and nothing beside it; otherwise 0.

    Empty thinking is tidy: whether to think is left to the policy.
    """
    return (
        Score(1.0) if reading.tidy else Score(0.0, "thinking and answer are not each in their tags")
    )


def language_consistency(problem: Problem, reading: Reading) -> Score:
    """The share of language words in the thinking that are in the language of the question.

    Thinking without such words earns nothing: silence is not consistency.
    """
    words = sum(reading.words.values())
    if not words:
        return Score(0.0, "there are no language words to judge")
    share = reading.consistency(problem.language)
    return Score(
        share, "" if share == 1 else f"{1 - share:.0%} of its language words are not {problem.language}"
    )


def flawed_correctness(problem: Problem, reading: Reading) -> Score:
    """A verifier with a hole: it compares the digits of an answer without their order.

    For a program that only moves digits around, copying the digits of the question is paid in full. It is
    here to be exploited, and to be mended.
    """
    if reading.answer is None:
        return Score(0.0, reading.why or "there is no answer")
    same = sorted(reading.answer) == sorted(problem.answer)
    return Score(1.0) if same else Score(0.0, "the digits are not the right ones")


def random_reward(seed: int, probability: float = 0.5) -> Reward:
    """A control: pays 1 with a fixed probability, whatever was written. Its expected gradient is zero."""
    generator = random.Random(seed)

    def draw(problem: Problem, reading: Reading) -> Score:
        return Score(1.0) if generator.random() < probability else Score(0.0, "the coin said no")

    return draw


def total_reward(values: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """One number from several rewards for one completion: their weighted sum.

    `values` from 0 to 1 and `weights`, both by the names of the rewards. A sum, not a product: an answer in
    the wrong language still earns what is due to its rightness. Right (weight 1) but untidy (weight 0.1): 1.

    Source: DeepSeek-R1 (arXiv 2501.12948v1), section 2.3.2, which sums accuracy and language.
    """
    return sum(weights[name] * value for name, value in values.items())


def total(rewards: Rewards, problem: Problem, reading: Reading) -> tuple[float, dict[str, Score]]:
    """The weighted sum of all rewards, and each of them by its name."""
    parts = {name: reward(problem, reading) for name, (_, reward) in rewards.items()}
    values = {name: score.value for name, score in parts.items()}
    return total_reward(values, {name: weight for name, (weight, _) in rewards.items()}), parts


ACCURACY: Rewards = {RIGHT: (1.0, correctness)}
ACCURACY_AND_FORMAT: Rewards = {RIGHT: (1.0, correctness), "tidy": (0.1, tidiness)}
ACCURACY_FORMAT_AND_LANGUAGE: Rewards = {**ACCURACY_AND_FORMAT, "language": (0.2, language_consistency)}
"""The smaller weights together are worth less than a right answer."""
