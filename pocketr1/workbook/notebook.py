"""What a lesson says: `begin`, `check`, `predict` and the like. Each prints a sentence or a table, and
returns no more than a lesson needs.
"""

import ast
import difflib
import linecache
import os
import sys
from types import FrameType
from typing import Any

import torch

from . import library, mine
from .catalogue import Exercise, course, exercises, find_exercise
from .course import Lesson
from .examination import RIGHT, examine
from .journal import Book, read_book, table, update
from .scaffold import read_source
from .wording import wrapped

FEW_STEPS = "POCKETR1_FEW_STEPS"
"""The environment variable that cuts trainings short. Only the test of unsolved notebooks sets it."""

FEW = 5

_lesson: Lesson | None = None


def begin(lesson_id: str, namespace: dict[str, Any]) -> None:
    """Set a lesson up: one thread, the learner's library, a scaffold for each of its exercises, and the verbs
    that hints and messages tell the learner to type.
    """
    global _lesson
    _lesson = course().lesson(lesson_id)
    torch.set_num_threads(1)
    for entry in _lesson.exercises:
        exercise = find_exercise(entry.name)
        if exercise is not None and exercise.function not in namespace:
            namespace[exercise.function] = exercise.stub
    for verb in (check, solution, keep, lend, use_reference):
        namespace.setdefault(verb.__name__, verb)
    said = library.open_library()
    mine.refresh(namespace)
    head = f"Lesson {_lesson.number}, {_lesson.title}. {library.whose(_lesson, read_book())}"
    print(wrapped("\n".join([head.rstrip(), *said])))


def check(answer: Any) -> None:
    """Examine an answer and print what was found. A right one is kept, and `mine` runs on it from here on."""
    frame = _caller()
    exercise, answer = _meant(answer, frame, "check")
    if exercise is None:
        return
    verdict = library.hand_in(exercise, answer, examine(exercise.name, answer))
    if verdict.status == RIGHT:
        mine.refresh(frame.f_globals)
    print(wrapped(verdict.message))


def solution(name: str) -> None:
    """Print the course's own answer to an exercise."""
    exercise = _named(name)
    if exercise is not None:
        print(read_source(exercise.entry).text)


def keep(answer: Any) -> None:
    """Put this answer into `mine` whatever the verdict: a slow one, or a wrong one to see what it does."""
    frame = _caller()
    exercise, answer = _meant(answer, frame, "keep")
    if exercise is not None:
        print(wrapped(library.keep_anyway(exercise, answer)))
        mine.refresh(frame.f_globals)


def lend(name: str) -> None:
    """Take the reference for this exercise into `mine` again. Your answer stays in its file."""
    exercise = _named(name)
    if exercise is not None:
        print(library.lend_again(exercise))
        mine.refresh(_caller().f_globals)


def use_reference(on: bool = True) -> None:
    """Run all lessons on the course's own code alone, or, with False, on your answers again."""
    if not isinstance(on, bool):
        print("Type use_reference(True) for the course's own code, use_reference(False) for yours.")
        return
    print(library.reference_only(on))
    mine.refresh(_caller().f_globals)


def progress() -> None:
    """Print what is done, lesson by lesson."""
    print(table())


def predict(key: str, text: str | float) -> None:
    """Keep a prediction, to be held against what happens. `key` names it within the lesson."""
    said = " ".join(str(text).split())
    if not said.strip("."):
        print(
            "No prediction yet. Type a guess between the quotes: a wrong one teaches as much as a right one."
        )
        return

    def change(book: Book) -> None:
        book.predictions[_prediction_key(key)] = said

    book = update(change)
    print(book.complaint or "Kept. We come back to it.")


def recall(key: str) -> None:
    """Print the prediction that was kept under this key."""
    said = read_book().predictions.get(_prediction_key(key))
    print(f"You predicted: {said}" if said else "You made no prediction here. What would it have been?")


def steps(number: int) -> int:
    """How many steps to train: `number`, or a few when the environment variable POCKETR1_FEW_STEPS is set."""
    return min(number, FEW) if os.environ.get(FEW_STEPS) else number


def _prediction_key(key: str) -> str:
    return f"{_lesson.id}/{key}" if _lesson else key


def _caller() -> FrameType:
    """The frame of the notebook cell that called us."""
    frame = sys._getframe(1)
    while frame.f_globals is globals() and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _named(name: Any) -> Exercise | None:
    """The exercise of this name; a sentence, if there is none."""
    wanted = name if isinstance(name, str) else getattr(name, "__name__", str(name))
    exercise = find_exercise(wanted)
    if exercise is None:
        close = difflib.get_close_matches(wanted, [exercise.function for exercise in exercises()], n=1)
        print(f"There is no exercise called `{wanted}`." + (f" Did you mean {close[0]}?" if close else ""))
    return exercise


def _meant(answer: Any, frame: FrameType, verb: str) -> tuple[Exercise | None, Any]:
    """The exercise that is meant, and the answer to it.

    What is written between the brackets counts first, so that check(scores) is about `scores` whatever that
    has become.
    """
    written = _written(frame, verb)
    if isinstance(answer, str) and find_exercise(answer) and written is None:
        written, answer = answer, frame.f_globals.get(find_exercise(answer).function)  # type: ignore[union-attr]
    called = getattr(answer, "__name__", None)
    for name in (written, called):
        exercise = find_exercise(name) if isinstance(name, str) else None
        if exercise is not None:
            return exercise, answer
    for exercise in exercises():
        if answer is not None and frame.f_globals.get(exercise.function) is answer:
            return exercise, answer
    print(wrapped(_unknown(written or called or type(answer).__name__, verb)))
    return None, answer


def _written(frame: FrameType, verb: str) -> str | None:
    """The name between the brackets of check(...), read from the cell's own text."""
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == verb
            and node.args
        ):
            argument = node.args[0]
            here = node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno)
            if here and isinstance(argument, ast.Name | ast.Attribute):
                return argument.id if isinstance(argument, ast.Name) else argument.attr
    return None


def _unknown(name: str, verb: str = "check") -> str:
    """What to write instead of a name that is no exercise's."""
    here = [entry.function for entry in _lesson.exercises] if _lesson else [e.function for e in exercises()]
    close = difflib.get_close_matches(name, [exercise.function for exercise in exercises()], n=1)
    example = close[0] if close else (here or ["scores"])[0]
    return (
        f"There is no exercise called `{name}`. Hand in the function under the exercise's own name, without "
        f"brackets after it: {verb}({example})." + (f" This lesson has {', '.join(here)}." if here else "")
    )
