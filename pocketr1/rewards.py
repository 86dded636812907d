"""Rewards that a program can check. Each says why a completion failed, so that a surprising figure can be
looked into.

A reward looks at a problem and at a completion as it was read (worlds.reading): what it answers, whether it
kept to the format, in which language it thinks. Rewards for a right answer, for the format and for the
language are added, as in DeepSeek-R1 (arXiv 2501.12948, sections 2.2 and 2.3.2). How much each weighs is our
own choice. None looks at how an answer was reached.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .programs import ProgramError, run_program
from .worlds import Problem, Reading, judge
from .worlds.vocabulary import ANSWER, END, END_ANSWER

RIGHT = "right"


@dataclass(frozen=True)
class Score:
    """What one reward gives, from 0 to 1, and why it is not 1 (an empty string where it is)."""

    value: float
    why: str = ""


Reward = Callable[[Problem, Reading], Score]
Rewards = Mapping[str, tuple[float, Reward]]
"""Rewards by name, each with its weight."""
Verifier = Callable[[Problem, tuple[str, ...]], bool]
"""Says whether an answer, as its words, is right."""


def exact_reward(completion: tuple[str, ...], wanted: tuple[str, ...]) -> float:
    """What an answer in digits is paid: 1.0 if it is exactly the wanted one, otherwise 0.0.

    `completion` are the words that a model wrote; if it came to an end, the last of them is "<end>". `wanted`
    are the words of the right answer. Thinking may come first, and is not judged. From the first "<answer>"
    on, nothing is forgiven: the answer must be closed by "</answer>", and "<end>" must follow at once. A
    second answer, another digit, one too few or one too many: 0.0. Whatever the words are, no error is
    raised.
    """
    said = completion[completion.index(ANSWER) :] if ANSWER in completion else ()
    return 1.0 if said == (ANSWER, *wanted, END_ANSWER, END) else 0.0


def flawed_verifier(problem: Problem, answer: tuple[str, ...]) -> bool:
    """A verifier with a hole: it compares the words of an answer without their order.

    Where a program only moves digits around, a copy of the question's digits passes. It is here to be
    exploited, and to be mended.
    """
    return sorted(answer) == sorted(problem.answer)


def mend_verifier(problem: Problem, answer: tuple[str, ...]) -> bool:
    """Whether an answer is right, for every skill. Every right answer passes, and no wrong one.

    `answer` are the words between the tags. For `calc` and `run` they must be those of `problem.answer`, in
    their order. For `write` they are a program, and `problem.answer` is only one of many that do: right is a
    program of one word or more that makes `test.wanted` of `test.given` for every `test` in `problem.tests`.
    A program that raises ProgramError is wrong.
    """
    if problem.skill != "write":
        return answer == problem.answer
    try:
        passed = [run_program(answer, test.given) == test.wanted for test in problem.tests]
    except ProgramError:
        return False
    return len(answer) > 0 and all(passed)


def paid_by(verifier: Verifier) -> Reward:
    """The reward that pays 1 for an answer that the verifier accepts, otherwise 0."""

    def pay(problem: Problem, reading: Reading) -> Score:
        paid = reading.answer is not None and verifier(problem, reading.answer)
        return Score(1.0) if paid else Score(0.0, why_unpaid(problem, reading))

    return pay


def correctness(problem: Problem, reading: Reading) -> Score:
    """1 for exactly one closed answer that is right, or a program that passes every test; otherwise 0."""
    if problem.skill == "write":
        return paid_by(mend_verifier)(problem, reading)
    paid = exact_reward(reading.completion, problem.answer)
    return Score(1.0) if paid else Score(0.0, why_unpaid(problem, reading))


def why_unpaid(problem: Problem, reading: Reading) -> str:
    """Why there is nothing for a completion, in words."""
    if reading.answer is None:
        return reading.why or "there is no answer"
    return judge(problem, reading.answer) or "the verifier does not accept it"


def tidiness(problem: Problem, reading: Reading) -> Score:
    """1 for <think> ... </think> <answer> ... </answer> and nothing beside it; otherwise 0.

    Empty thinking is tidy: whether to think is left to the policy.
    """
    return Score(1.0) if reading.tidy else Score(0.0, "thinking and answer are not each in their tags")


def language_consistency(problem: Problem, reading: Reading) -> Score:
    """The share of language words in the thinking that are in the language of the question.

    `reading.words` counts them by language: {"english": 3, "latin": 1}; `problem.language` is that of the
    question. Thinking without such words earns nothing: silence is not consistency.

    Returns a Score: the value, from 0 to 1, and, where it is not 1, a few words that say why.
    Source: DeepSeek-R1 (arXiv 2501.12948v1), section 2.3.2.
    """
    words = sum(reading.words.values())
    if not words:
        return Score(0.0, "there are no language words to judge")
    share = reading.consistency(problem.language)
    return Score(
        share, "" if share == 1 else f"{1 - share:.0%} of its language words are not {problem.language}"
    )


def if_answered(reward: Reward) -> Reward:
    """The same reward, for completions that come to an answer; nothing for others.

    Thinking in the right language that never ends is not worth paying for.
    """

    def pay(problem: Problem, reading: Reading) -> Score:
        if reading.answer is None:
            return Score(0.0, why_unpaid(problem, reading))
        return reward(problem, reading)

    return pay


def random_reward(seed: int, probability: float = 0.5) -> Reward:
    """A control: a reward that pays 1 with a fixed probability, whatever was written, and otherwise 0.

    Returns a function of a problem and a reading that throws a new coin at every call and returns a `Score`.
    The same seed gives the same throws in the same order, whatever else draws random numbers. On average the
    gradient of such a reward is zero.
    """
    generator = random.Random(seed)

    def draw(problem: Problem, reading: Reading) -> Score:
        return Score(1.0) if generator.random() < probability else Score(0.0, "the coin said no")

    return draw


def total_reward(values: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """One number from several rewards for one completion: their weighted sum.

    `values` from 0 to 1 and `weights`, both by the names of the rewards, which need not stand in the same
    order. A sum, not a product: an answer in the wrong language still earns what is due to its rightness.
    Right (weight 1) but untidy (weight 0.1): 1.

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
ACCURACY_FORMAT_AND_LANGUAGE: Rewards = {
    **ACCURACY_AND_FORMAT,
    "language": (0.2, if_answered(language_consistency)),
}
"""The smaller weights together are worth less than a right answer."""
