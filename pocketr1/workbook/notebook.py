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

from . import last_runs, library, mine
from .catalogue import Exercise, course, exercises, find_exercise, prediction_keys
from .course import Lesson
from .examination import NOT_ATTEMPTED, RIGHT, examine
from .journal import Book, read_book, table, update
from .scaffold import read_source
from .waiting import patience
from .wording import ended, wrapped

FEW_STEPS = "POCKETR1_FEW_STEPS"
"""The environment variable that cuts trainings short. Only the test of unsolved notebooks sets it."""

FEW = 5

_MISSING = object()
"""In the place of an argument that was left out."""

_lesson: Lesson | None = None


def begin(lesson_id: str, namespace: dict[str, Any]) -> None:
    """Set a lesson up: one thread, the learner's library, a scaffold for each of its exercises, and the verbs
    that hints and messages tell the learner to type.
    """
    global _lesson
    _lesson = course().lesson(lesson_id)
    torch.set_num_threads(1)
    last_runs.listen()
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


def check(answer: Any = _MISSING) -> None:
    """Examine an answer and print what was found. A right one is kept, and `mine` runs on it from here on."""
    if answer is _MISSING:
        print(wrapped(_which("check")))
        return
    frame = _caller()
    exercise, answer = _meant(answer, frame, "check")
    if exercise is None:
        return
    with patience(f"Still running `{exercise.function}` on the check's cases ..."):
        verdict = library.hand_in(exercise, answer, examine(exercise.name, answer))
    if verdict.status == RIGHT:
        mine.refresh(frame.f_globals)
    failure = last_runs.failure_of(exercise, answer)
    if failure:
        print(wrapped(_about_failed_run(exercise, failure, verdict.status)))
    print(wrapped(verdict.message))


def _about_failed_run(exercise: Exercise, failure: str, status: str) -> str:
    """What to know before a verdict on something older than what stands in the cell."""
    version = "the scaffold" if status == NOT_ATTEMPTED else "the version before it"
    failed = f"The last run of the cell of `{exercise.function}` failed: {ended(failure)}"
    return f"{failed} This is about {version}."


def solution(name: Any = _MISSING) -> None:
    """Print the course's own answer to an exercise."""
    if name is _MISSING:
        print(wrapped(_which("solution")))
        return
    exercise = _named(name)
    if exercise is not None:
        print(read_source(exercise.entry).text)


def keep(answer: Any = _MISSING) -> None:
    """Put this answer into `mine` whatever the verdict: a slow one, or a wrong one to see what it does."""
    if answer is _MISSING:
        print(wrapped(_which("keep")))
        return
    frame = _caller()
    exercise, answer = _meant(answer, frame, "keep")
    if exercise is not None:
        print(wrapped(library.keep_anyway(exercise, answer)))
        mine.refresh(frame.f_globals)


def lend(name: Any = _MISSING, on: bool = True) -> None:
    """Take the course's own piece into `mine` for this exercise, or, with False, your answer again."""
    if name is _MISSING:
        print(wrapped(_which("lend")))
        return
    exercise = _named(name)
    if exercise is not None:
        print(wrapped(library.lend_again(exercise) if on else library.take_back(exercise)))
        mine.refresh(_caller().f_globals)


def use_reference(on: bool = True) -> None:
    """Run all lessons on the course's own code alone, or, with False, on your answers again."""
    if not isinstance(on, bool):
        print("Type use_reference(True) for the course's own code, use_reference(False) for your answers.")
        return
    print(wrapped(library.reference_only(on)))
    mine.refresh(_caller().f_globals)


def progress() -> None:
    """Print what is done, lesson by lesson."""
    print(table())


def predict(key: str = "", text: Any = _MISSING) -> None:
    """Keep a prediction, to be held against what happens. `key` names it within the lesson."""
    unknown = _unknown_prediction(key)
    if unknown:
        print(wrapped(unknown))
        return
    if text is _MISSING:
        print(f'No prediction yet. Type a guess too: predict("{key}", "my guess").')
        return
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


def recall(key: str = "") -> None:
    """Print the prediction that was kept under this key."""
    unknown = _unknown_prediction(key)
    if unknown:
        print(wrapped(unknown))
        return
    said = read_book().predictions.get(_prediction_key(key))
    print(f"You predicted: {said}" if said else "You made no prediction here. What would it have been?")


def steps(number: int) -> int:
    """How many steps to train: `number`, or a few when the environment variable POCKETR1_FEW_STEPS is set."""
    return min(number, FEW) if os.environ.get(FEW_STEPS) else number


def _unknown_prediction(key: str) -> str | None:
    """A sentence, if the lesson asks for no prediction of this name, and so would never show it again."""
    known = prediction_keys(_lesson) if _lesson else []
    if not known or key in known:
        return None
    listed = ", ".join(f'"{name}"' for name in known)
    if not key:
        return f"Which prediction? This lesson has {listed}."
    return f'There is no prediction called "{key}" in this lesson. It has {listed}. Nothing is kept.'


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
    argument = _argument(frame, verb)
    if isinstance(argument, ast.Call) and find_exercise(_name_of(argument.func) or ""):
        print(wrapped(_not_its_result(str(_name_of(argument.func)), verb)))
        return None, answer
    kind = find_exercise(type(answer).__name__)
    if kind is not None and type(answer).__name__ == kind.function:
        print(wrapped(_not_its_result(kind.function, verb)))
        return None, answer
    written = _name_of(argument)
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


def _which(verb: str) -> str:
    """What to write between brackets that were left empty."""
    here = [entry.function for entry in _lesson.exercises] if _lesson else []
    name = (here or ["scores"])[0]
    example = f'{verb}("{name}")' if verb in ("lend", "solution") else f"{verb}({name})"
    return f"Which one? Give {verb} an exercise: {example}." + (
        f" This lesson has {', '.join(here)}." if here else ""
    )


def _not_its_result(name: str, verb: str) -> str:
    """What to write where a function was called, or an object made, between the brackets."""
    exercise = find_exercise(name)
    assert exercise is not None
    name, is_class = exercise.function, isinstance(exercise.reference, type)
    kind, given = ("class", "an object of it") if is_class else ("function", "its result")
    return f"This is {given}. Give {verb} the {kind} itself, without brackets after its name: {verb}({name})."


def _name_of(argument: ast.expr | None) -> str | None:
    """The name that is written: `scores`, also of `attention.scores`."""
    if isinstance(argument, ast.Name):
        return argument.id
    return argument.attr if isinstance(argument, ast.Attribute) else None


def _argument(frame: FrameType, verb: str) -> ast.expr | None:
    """What stands between the brackets of check(...), read from the cell's own text."""
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
            and node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno)
        ):
            return node.args[0]
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
