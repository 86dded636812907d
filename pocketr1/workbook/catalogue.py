"""The exercises that can be done now, each with its scaffold, its reference and its check."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from ..checks.specification import Check
from .course import Course, ExerciseEntry, Lesson, read_course
from .scaffold import make_stub

PREDICTION = re.compile(r"""^(?!\#).*\bpredict\(\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course. `lesson` is the number of its lesson, "02"."""

    entry: ExerciseEntry
    lesson: str

    @property
    def name(self) -> str:
        """The module and the function: "attention.scores"."""
        return self.entry.name

    @property
    def function(self) -> str:
        """The name that a learner writes: "scores"."""
        return self.entry.function

    @property
    def module(self) -> str:
        """The teaching module that holds it: "attention"."""
        return self.entry.module

    @cached_property
    def stub(self) -> Callable[..., Any]:
        """The scaffold, as a function or class that says whose it is to write."""
        return make_stub(self.entry)

    @cached_property
    def reference(self) -> Callable[..., Any]:
        """The course's own answer."""
        module = importlib.import_module(f"pocketr1.{self.module}")
        answer: Callable[..., Any] = getattr(module, self.function)
        return answer

    @cached_property
    def check(self) -> Check:
        """What a right answer must show."""
        checks: dict[str, Check] = importlib.import_module(f"pocketr1.checks.{self.module}").CHECKS
        return checks[self.function]


def exercises() -> list[Exercise]:
    """Every exercise of the lessons that are ready, in the order of the course."""
    return list(_exercises())


def find_exercise(name: str) -> Exercise | None:
    """The exercise called `name` ("attention.scores", or "scores"); None if there is none."""
    return next((exercise for exercise in _exercises() if name in (exercise.name, exercise.function)), None)


def prediction_keys(lesson: Lesson) -> list[str]:
    """The names of the predictions that a lesson asks for, read from its source; none if that is missing."""
    try:
        text = (course().root / "lessons" / f"{lesson.id}.py").read_text(encoding="utf-8")
    except OSError:
        return []
    return PREDICTION.findall(text)


@cache
def course() -> Course:
    """The course, read once."""
    return read_course()


@cache
def _exercises() -> tuple[Exercise, ...]:
    return tuple(Exercise(entry, lesson.number) for lesson in course().ready for entry in lesson.exercises)
