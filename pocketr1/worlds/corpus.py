"""The documents that the base model reads: a problem and its answer, direct or worked step by step.

    direct  <answer> 4 5 1 7 </answer>
    worked  <think> 4 8 2 1 then rev 1 2 8 4 then add3 4 5 1 7 </think> <answer> 4 5 1 7 </answer>

Worked text starts by copying the list. From there on, where nothing goes wrong, each list stands six
words after the list it is made from, and so does the answer. A small model learns such a fixed distance
in a minute; where the distance changed with the level, it learned nothing in ten times as long.

A worked document may go wrong, as text in the world does: a slip is one wrong digit, on which the rest is
built; a slip that is noticed is taken back (`then rev 1 2 9 4 wait rev 1 2 8 4`); a step may be done
without being written down; the language may change half-way; the tags around the thinking may be missing.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

from ..programs import Digits, run_operation
from .problems import TRAINED_LEVELS, Problem, Split, as_words, stream_of_problems
from .vocabulary import ANSWER, END, END_ANSWER, END_THINK, LANGUAGES, THINK, VOCABULARY

Style = Literal["direct", "worked"]


def _check_probability(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is a probability from 0 to 1, not {value}")


@dataclass(frozen=True)
class Document:
    """A problem with one completion; `completion` is without the end word."""

    problem: Problem
    completion: tuple[str, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        return (*self.problem.prompt, *self.completion, END)

    @cached_property
    def tokens(self) -> list[int]:
        return VOCABULARY.encode(self.words)

    @property
    def prompt_length(self) -> int:
        """How many of the tokens are the question: they are read, and not to be predicted."""
        return len(self.problem.prompt)


@dataclass(frozen=True)
class Habits:
    """How often a worked document goes its own way; each is a probability."""

    slips: float = 0.0  # a step: one digit is wrong
    checks: float = 0.0  # a slip: it is noticed and taken back
    skips: float = 0.0  # a step but the last: it is not written down
    mixing: float = 0.0  # a step: the language changes
    untidy: float = 0.0  # a document: no tags around the thinking

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_probability(field.name, getattr(self, field.name))


FAULTLESS = Habits()


def document(
    problem: Problem, style: Style, language: str, generator: random.Random, habits: Habits = FAULTLESS
) -> Document:
    """Write one document about a problem; `language` is that of the worked steps, not of the question.

    Raises ValueError for a style or language that there is not.
    """
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of the languages {', '.join(LANGUAGES)}")
    if style == "direct":
        return Document(problem, (ANSWER, *problem.answer, END_ANSWER))
    if style != "worked":
        raise ValueError(f"a document is 'direct' or 'worked', not {style!r}")
    thinking, result = work(problem, language, generator, habits)
    if generator.random() >= habits.untidy:
        thinking = (THINK, *thinking, END_THINK)
    answer = problem.answer if problem.skill == "write" else as_words(result)
    return Document(problem, (*thinking, ANSWER, *answer, END_ANSWER))


def work(
    problem: Problem, language: str, generator: random.Random, habits: Habits
) -> tuple[tuple[str, ...], Digits]:
    """The worked steps, and the list in which they end."""
    spoken = LANGUAGES[language]
    state = problem.given
    words = [*as_words(state)]
    for place, operation in enumerate(problem.steps, start=1):
        state = run_operation(operation, state)
        if place < problem.level and generator.random() < habits.skips:
            continue
        if generator.random() < habits.mixing:
            spoken = LANGUAGES[other_language(spoken.name)]
        words += [spoken.then, operation]
        if generator.random() < habits.slips:
            wrong = slip(state, generator)
            words += as_words(wrong)
            if generator.random() >= habits.checks:
                state = wrong
                continue
            words += [spoken.wait, operation]
        words += as_words(state)
    return tuple(words), state


def slip(digits: Digits, generator: random.Random) -> Digits:
    """The same list with one digit wrong."""
    place = generator.randrange(len(digits))
    digit = (digits[place] + generator.randrange(1, 10)) % 10
    return (*digits[:place], digit, *digits[place + 1 :])


def other_language(language: str) -> str:
    return next(name for name in LANGUAGES if name != language)


@dataclass(frozen=True)
class Recipe:
    """What a corpus is made of: the share of each skill and level, and of each way of writing.

    `worked` is the share of documents that work step by step, `translated` the share of those that work
    in the other language than the question's.
    """

    parts: Mapping[tuple[str, int], float]
    worked: float
    translated: float = 0.0
    habits: Habits = FAULTLESS

    def __post_init__(self) -> None:
        _check_probability("worked", self.worked)
        _check_probability("translated", self.translated)
        if not self.parts or min(self.parts.values()) < 0 or sum(self.parts.values()) <= 0:
            raise ValueError("a recipe needs parts with shares that are not negative, and not all zero")


SHARES: Mapping[tuple[str, int], float] = {
    **{("calc", level): 0.2 for level in TRAINED_LEVELS["calc"]},
    **{("run", level): 0.5 for level in TRAINED_LEVELS["run"]},
    ("write", 1): 2.5,
    ("write", 2): 0.5,
}
"""How often the base corpus shows each skill and level. `calc` is learned fastest and `write` slowest."""

USUAL = Habits(slips=0.03, checks=0.5, skips=0.05, mixing=0.05, untidy=0.1)
TEXTBOOK = Recipe(SHARES, worked=1.0, translated=0.3, habits=USUAL)
"""What the base model reads first: everything is worked."""
WEB = Recipe(SHARES, worked=0.25, translated=0.3, habits=USUAL)
"""What it reads after that, and longest: mostly answers without a reason."""


def corpus(recipe: Recipe, count: int, seed: int, split: Split = "train") -> list[Document]:
    """`count` documents: the same ones for the same recipe and seed."""
    stream = stream_of_documents(recipe, random.Random(f"corpus {seed} {split}"), split)
    return [next(stream) for _ in range(count)]


def stream_of_documents(recipe: Recipe, generator: random.Random, split: Split) -> Iterator[Document]:
    """Documents without end; see corpus()."""
    sources = [stream_of_problems(skill, level, generator, split) for skill, level in recipe.parts]
    shares = list(recipe.parts.values())
    while True:
        (source,) = generator.choices(sources, shares)
        problem = next(source)
        style: Style = "worked" if generator.random() < recipe.worked else "direct"
        translated = generator.random() < recipe.translated
        language = other_language(problem.language) if translated else problem.language
        yield document(problem, style, language, generator, recipe.habits)
