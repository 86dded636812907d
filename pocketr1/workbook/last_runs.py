"""How the last run of each exercise's cell ended.

When a cell fails, the name in it keeps what it meant before: `check(scores)` would speak about an older
version than the one that is seen on the page. IPython tells us of every cell that has been run; without
IPython nothing is known, and nothing is said.
"""

import re
from dataclasses import dataclass
from typing import Any

from .catalogue import Exercise, exercises
from .cells import cell_of
from .wording import error_line


@dataclass(frozen=True)
class Failure:
    """A run that failed. cell: the text. began: whether any of it ran. says: the error, in words."""

    cell: str
    began: bool
    says: str


_failures: dict[str, Failure] = {}


def listen() -> None:
    """Hear of every cell from now on. A second call changes nothing."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", note)


def note(result: Any) -> None:
    """Note how a cell's run ended, if it is an exercise's cell. `result` is IPython's ExecutionResult."""
    cell, error = result.info.raw_cell or "", result.error_before_exec or result.error_in_exec
    for exercise in exercises():
        if _is_cell_of(exercise, cell, getattr(result.info, "cell_id", None)):
            _failures.pop(exercise.name, None)
            if error is not None:
                _failures[exercise.name] = Failure(cell, result.error_before_exec is None, _in_words(error))


def failure_of(exercise: Exercise, candidate: Any) -> str | None:
    """The error of the last run of the exercise's cell, if that run did not define `candidate`."""
    failure = _failures.get(exercise.name)
    if failure is None:
        return None
    made_by = (cell_of(candidate, exercise.function) or "").strip()
    return None if failure.began and made_by and made_by in failure.cell else failure.says


def _is_cell_of(exercise: Exercise, cell: str, cell_id: str | None) -> bool:
    """Whether it is the cell that the lesson has for the exercise, or another one that defines it."""
    if cell_id == f"{exercise.lesson}-{exercise.function}":
        return True
    begins = rf"^(?:(?:(?:async +)?def|class) +{exercise.function}\b|{exercise.function} *=[^=])"
    return re.search(begins, cell, re.MULTILINE) is not None


def _in_words(error: BaseException) -> str:
    if not isinstance(error, SyntaxError):
        return error_line(error)
    return f"{type(error).__name__}: {error.msg}" + (f" (line {error.lineno})" if error.lineno else "")
