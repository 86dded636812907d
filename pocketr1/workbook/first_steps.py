"""What lesson 00 needs to show a check at work, before anybody has written anything."""

from collections.abc import Callable
from typing import Any

from .catalogue import find_exercise
from .examination import examine
from .wording import wrapped

UNWRITTEN = "nothing written yet"
OWN = "the course's own answer"


def what_check_says(name: str, answer: str | Callable[..., Any]) -> None:
    """Print what `check` would say of an answer to the exercise `name`. Nothing is recorded.

    `answer` is a function, or the words "nothing written yet" or "the course's own answer".

    Raises:
        ValueError: if there is no such exercise, or the words are others.
    """
    exercise = find_exercise(name)
    if exercise is None:
        raise ValueError(f"there is no exercise {name!r}")
    if isinstance(answer, str):
        if answer not in (UNWRITTEN, OWN):
            raise ValueError(f"an answer is a function, or {UNWRITTEN!r}, or {OWN!r}")
        answer = exercise.stub if answer == UNWRITTEN else exercise.reference
    print(wrapped(examine(exercise.name, answer).message))
