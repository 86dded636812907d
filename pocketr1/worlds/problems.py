"""Problems of three skills, whose answers a program can check.

    calc   work out a chain of sums     find calc add3 tot : 4 8 2 1 ?
    run    say what a program does      find run rev add3 swap : 4 8 2 1 ?
    write  write a program that passes  find write 4 8 2 1 > 4 5 1 7 , 0 3 3 9 > 2 6 6 3 ?

The level is the number of steps, and the one dial of difficulty. No step of `calc` and `run` loses
anything, so a random list gives each of the 10,000 answers equally often. Whether a problem is there to
train or to test is decided by a hash of its text without its language: no problem is ever on both sides.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import product
from typing import Literal

from ..programs import Digits, ProgramError, run_program
from .vocabulary import ARITHMETIC, DIGITS, LANGUAGES, REARRANGING, SKILLS

Split = Literal["train", "test"]

TRAINED_LEVELS = {"calc": range(1, 6), "run": range(1, 6), "write": range(1, 3)}
"""The levels that the base corpus shows."""
HARDER_LEVELS = {"calc": range(6, 8), "run": range(6, 8), "write": range(3, 4)}
"""Levels above those, to see what carries over."""

OPERATIONS = {"calc": ARITHMETIC, "run": ARITHMETIC + REARRANGING, "write": ARITHMETIC + REARRANGING}
"""What the problems of each skill are made of."""

LIST_LENGTH = 4
TEST_COUNT = 2
TEST_SHARE = 0.1


@dataclass(frozen=True)
class Test:
    """What a written program is held to: from the first list it must make the second."""

    __test__ = False  # pytest: this is not a class of tests

    given: Digits
    wanted: Digits


@dataclass(frozen=True)
class Problem:
    """A question, its answer, and one way there: `steps`, worked one after the other from the list `given`.

    For `write`, `answer` is one program that passes; others may pass as well, and judge() accepts them.
    """

    skill: str
    level: int
    language: str
    body: tuple[str, ...]
    answer: tuple[str, ...]
    given: Digits
    steps: tuple[str, ...]
    tests: tuple[Test, ...] = ()

    @cached_property
    def prompt(self) -> tuple[str, ...]:
        """The words of the question."""
        return (LANGUAGES[self.language].ask, self.skill, *self.body, "?")

    @cached_property
    def split(self) -> Split:
        """The side on which the problem stands, whatever the seed and the language."""
        text = " ".join((self.skill, *self.body)).encode()
        share = int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / 2**64
        return "test" if share < TEST_SHARE else "train"


def problems(
    skill: str, level: int, count: int, seed: int, split: Split = "train", language: str | None = None
) -> list[Problem]:
    """`count` problems of one skill and level: the same ones for the same seed. Without a language, a coin
    chooses it for each.

    Raises ValueError for a skill, level, split or language that there is not.
    """
    stream = stream_of_problems(
        skill, level, random.Random(f"{skill} {level} {seed} {split}"), split, language
    )
    return [next(stream) for _ in range(count)]


def stream_of_problems(
    skill: str, level: int, generator: random.Random, split: Split = "train", language: str | None = None
) -> Iterator[Problem]:
    """Problems without end; see problems()."""
    if skill not in SKILLS:
        raise ValueError(f"{skill!r} is not one of the skills {', '.join(SKILLS)}")
    if level < 1:
        raise ValueError(f"a level is 1 or more, not {level}")
    if split not in ("train", "test"):
        raise ValueError(f"the split is 'train' or 'test', not {split!r}")
    if language is not None and language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of the languages {', '.join(LANGUAGES)}")
    return _stream(skill, level, generator, split, language)


def _stream(
    skill: str, level: int, generator: random.Random, split: Split, language: str | None
) -> Iterator[Problem]:
    make = make_program_to_write if skill == "write" else make_chain
    while True:
        problem = make(skill, level, language or generator.choice(tuple(LANGUAGES)), generator)
        if problem.split == split:
            yield problem


def make_chain(skill: str, level: int, language: str, generator: random.Random) -> Problem:
    """A list and the operations to carry out on it."""
    given = random_digits(generator)
    steps = random_steps(skill, level, generator)
    answer = as_words(run_program(steps, given))
    return Problem(skill, level, language, (*steps, ":", *as_words(given)), answer, given, steps)


def make_program_to_write(skill: str, level: int, language: str, generator: random.Random) -> Problem:
    """Pairs of lists, and the program that leads from the first of each pair to the second."""
    steps = random_steps(skill, level, generator)
    lists = [random_digits(generator) for _ in range(TEST_COUNT)]
    tests = tuple(Test(given, run_program(steps, given)) for given in lists)
    pairs = [(*as_words(test.given), ">", *as_words(test.wanted)) for test in tests]
    body = tuple(word for pair in pairs for word in (",", *pair))[1:]
    return Problem(skill, level, language, body, steps, lists[0], steps, tests)


def random_digits(generator: random.Random) -> Digits:
    return tuple(generator.randrange(10) for _ in range(LIST_LENGTH))


def random_steps(skill: str, count: int, generator: random.Random) -> tuple[str, ...]:
    """Operations, no two neighbours of one kind: add1 add2 would be one step written as two."""
    steps: list[str] = []
    while len(steps) < count:
        step = generator.choice(OPERATIONS[skill])
        if not steps or kind(steps[-1]) != kind(step):
            steps.append(step)
    return tuple(steps)


def kind(operation: str) -> str:
    """The name of an operation without its number."""
    return operation.rstrip("0123456789")


def as_words(digits: Sequence[int]) -> tuple[str, ...]:
    return tuple(DIGITS[digit] for digit in digits)


def judge(problem: Problem, answer: Sequence[str]) -> str | None:
    """None when the answer is right, otherwise what is wrong with it, in words."""
    if problem.skill != "write":
        return None if tuple(answer) == problem.answer else "these are not the right digits"
    if not answer:
        return "the program is empty"
    for number, test in enumerate(problem.tests, start=1):
        try:
            made = run_program(answer, test.given)
        except ProgramError as reason:
            return str(reason)
        if made != test.wanted:
            return f"the program fails test {number}"
    return None


def chance(problem: Problem, tries: int = 1) -> float:
    """How likely a guesser is right at least once: 1 - (1 - 1/M)^tries.

    For `calc` and `run`, M is the number of lists of four digits. A guesser of programs knows the level,
    so 1/M is the share of that level's programs that pass.
    """
    if problem.skill == "write":
        programs = all_programs(problem.level)
        luck = sum(judge(problem, program) is None for program in programs) / len(programs)
    else:
        luck = 10.0**-LIST_LENGTH
    return 1 - (1 - luck) ** tries


@lru_cache
def all_programs(level: int) -> tuple[tuple[str, ...], ...]:
    """Every program that a `write` problem of this level may ask for."""
    return tuple(
        steps
        for steps in product(OPERATIONS["write"], repeat=level)
        if all(kind(left) != kind(right) for left, right in zip(steps, steps[1:], strict=False))
    )
