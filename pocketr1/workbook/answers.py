"""From a right answer in a notebook to a file that stands on its own.

An answer is kept as `work/answers/<module>.<function>.py`: the whole cell as it was typed. Before that, the
part that matters is tried in the place where it will run, the module of the library, without the rest of the
notebook.
"""

import hashlib
import importlib
import inspect
import linecache
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .catalogue import Exercise, find_exercise
from .cells import Piece, borrows, cell_of, free_names, imports_reference, piece_of, within_package
from .examination import RIGHT, Verdict, examine, not_yet
from .files import work_folder
from .mine import NAME
from .wording import error_line

BORROWED = "borrowed"

WELL_KNOWN = (
    "math",
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "einops",
    "numpy",
    "random",
    "itertools",
    "functools",
    "collections",
    "typing",
    "dataclasses",
)


@dataclass(frozen=True)
class Answer:
    """An answer that stands on its own. cell: what is stored. piece: the part that goes into the library."""

    cell: str
    piece: Piece


class CannotStandAloneError(Exception):
    """The answer leans on something outside its cell; the message says on what, and what to do."""


def answer_path(exercise: Exercise, unchecked: bool = False) -> Path:
    """Where the right answer to an exercise is kept, or the one that was kept unchecked."""
    folder = work_folder() / "answers"
    return (folder / "unchecked" if unchecked else folder) / f"{exercise.name}.py"


def digest(cell: str) -> str:
    """What tells one stored answer from another."""
    return hashlib.sha256(cell.encode()).hexdigest()


def stand_alone(exercise: Exercise, candidate: Any) -> Answer:
    """The candidate's cell, with the import lines that it took from other cells written at its head.

    Raises:
        CannotStandAloneError: if it is not in a cell, or leans on another cell for more than imports.
    """
    cell = cell_of(candidate, exercise.function)
    if cell is None:
        raise CannotStandAloneError(
            "its cell cannot be found: write it into the exercise's cell, and run that"
        )
    piece = _piece(exercise, cell)
    elsewhere = getattr(inspect.unwrap(candidate), "__globals__", None) or _globals_of(candidate)
    imports = [
        _import_line(name, elsewhere[name], exercise)
        for name in sorted(free_names(piece.text) - set(_given(exercise)))
        if name in elsewhere and name != exercise.function
    ]
    if imports:
        cell = "\n".join(imports) + "\n\n" + cell
    return Answer(cell, _piece(exercise, cell))


def read_answer(exercise: Exercise, unchecked: bool = False) -> Answer:
    """The stored answer, or the one that was kept unchecked.

    Raises:
        OSError: if there is none. CannotStandAloneError: if somebody edited it, and it is no answer any more.
    """
    cell = answer_path(exercise, unchecked).read_text(encoding="utf-8")
    return Answer(cell, _piece(exercise, cell))


def revived(exercise: Exercise, piece: Piece) -> Any:
    """The answer as a function or class, made in a copy of the reference module's namespace.

    Raises:
        CannotStandAloneError: if its lines stop with an error.
    """
    text = within_package(piece.text)
    filename = f"<your answer {exercise.name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace = _given(exercise)
    del namespace[exercise.function]
    try:
        exec(compile(text, filename, "exec", dont_inherit=True), namespace)
        return namespace[exercise.function]
    except Exception as error:
        raise CannotStandAloneError(f"without the other cells, it stops with {error_line(error)}") from None


def tried(exercise: Exercise, answer: Answer) -> Verdict:
    """The verdict on an answer where it will run: in its module, away from the notebook."""
    if borrows(answer.piece.text, exercise.function):
        return borrowed(exercise)
    try:
        return examine(exercise.name, revived(exercise, answer.piece))
    except CannotStandAloneError as error:
        return not_yet("needs_helper", str(error))


def on_its_own(exercise: Exercise, candidate: Any) -> tuple[Verdict, Answer | None]:
    """Whether a right answer stays right without the rest of the notebook, and then the answer to keep."""
    try:
        answer = stand_alone(exercise, candidate)
    except CannotStandAloneError as error:
        return not_yet("needs_helper", f"your function is right, but {error}"), None
    verdict = tried(exercise, answer)
    if verdict.mistake == BORROWED:
        return verdict, None
    if verdict.status != RIGHT:
        first = verdict.message.partition("\n")[0].partition(": ")[2]
        says = "your function is right here, but not without the other cells. Put what it needs into this one"
        return not_yet("needs_helper", says, [f"On its own: {first}"]), None
    return verdict, answer


def borrowed(exercise: Exercise) -> Verdict:
    """The verdict on an answer that is the library's own, or calls it: there it would call itself."""
    return not_yet(BORROWED, f"this is the library's own `{exercise.function}`. Write it yourself")


def imports_library(piece: Piece) -> bool:
    """Whether an answer imports a module of the library: two modules may then import one another."""
    return within_package(piece.text) != piece.text


def clash(piece: Piece, others: Mapping[str, Piece]) -> str | None:
    """A sentence, if a helper of the answer means something else in another answer of the same module.

    `others` are the pieces of the other accepted answers: their helpers share one namespace with this one's.
    """
    for other, theirs in others.items():
        for name, text in piece.names.items():
            if theirs.names.get(name, text) != text:
                return f"your answer to `{other}` has another `{name}`: give one of the two a name of its own"
    return None


def leans_on_reference(answer: Answer) -> bool:
    """Whether the answer takes something from `pocketr1`, which the library must not."""
    return imports_reference(answer.piece.text)


def _piece(exercise: Exercise, cell: str) -> Piece:
    try:
        return piece_of(cell, exercise.function, _given(exercise))
    except SyntaxError as error:
        raise CannotStandAloneError(f"line {error.lineno} is not Python: {error.msg}") from None
    except KeyError:
        raise CannotStandAloneError(
            f"its cell does not define `{exercise.function}`: give it that name where you define it"
        ) from None


def _given(exercise: Exercise) -> dict[str, Any]:
    return dict(vars(importlib.import_module(f"pocketr1.{exercise.module}")))


def _globals_of(candidate: Any) -> dict[str, Any]:
    """The names around a class, or around something without code of its own."""
    for member in vars(candidate).values() if inspect.isclass(candidate) else ():
        if inspect.isfunction(member) and member.__module__ == candidate.__module__:
            return member.__globals__
    return vars(sys.modules["__main__"])


def _import_line(name: str, value: Any, exercise: Exercise) -> str:
    """The line that brings `name` into the cell.

    Raises:
        CannotStandAloneError: if it was made in another cell.
    """
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    own = find_exercise(name)
    if isinstance(home, str) and home.split(".")[0] in (NAME, "pocketr1"):
        home = NAME + home.removeprefix(home.split(".")[0])
    elif own is not None and own.function == name:
        return f"from {NAME}.{own.module} import {name}"
    if isinstance(value, ModuleType):
        return _module_line(str(home), name)
    original = getattr(value, "__name__", name)
    for module in (home, *WELL_KNOWN):
        if isinstance(module, str) and module not in ("__main__", "builtins"):
            for called in (original, name):
                if module.split(".")[0] == NAME or _holds(module, called, value):
                    return f"from {module} import {called}" + ("" if called == name else f" as {name}")
    raise CannotStandAloneError(f"`{name}` comes from another cell. Put `{name}` into this cell too")


def _module_line(home: str, name: str) -> str:
    parent, _, last = home.rpartition(".")
    if parent:
        return f"from {parent} import {last}" + ("" if last == name else f" as {name}")
    return f"import {home}" + ("" if home == name else f" as {name}")


def _holds(module: str, name: str, value: Any) -> bool:
    """Whether a module that is imported already holds this very object under this name."""
    return module in sys.modules and getattr(sys.modules[module], str(name), None) is value
