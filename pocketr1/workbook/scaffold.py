"""From the source of an exercise to its scaffold: what a learner is given to start from.

An exercise is a function or class of a teaching module. Its text is cut out of the module's file, so that
comments and decorators stay. The scaffold of a function is its signature, its docstring and the steps that
the lesson writes. Of a class, everything stays but the bodies of the methods other than `__init__`.

Nothing here imports the teaching modules, but for `make_stub`, which needs the names that an annotation may
mention.
"""

import __future__

import ast
import importlib
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .course import CourseError, ExerciseEntry
from .files import ROOT

INDENT = "    "

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class ExerciseSource:
    """The reference answer to an exercise, as text.

    Attributes:
        name: the function's or class's name.
        text: the whole source, decorators and comments included.
        path: the module's file, relative to the course's root.
        line: where it starts there, counted from 1.
    """

    name: str
    text: str
    path: str
    line: int


def read_source(entry: ExerciseEntry, root: Path = ROOT) -> ExerciseSource:
    """Cut the reference answer to `entry` out of `root/pocketr1/<module>.py`.

    Raises:
        CourseError: if there is no such file, or no such function or class at its top level.
    """
    path = f"pocketr1/{entry.module}.py"
    try:
        text = (root / path).read_text(encoding="utf-8")
        tree = ast.parse(text)
    except OSError:
        raise CourseError(
            f"does not exist, but lessons/course.toml has the exercise {entry.name!r}", path
        ) from None
    except SyntaxError as error:
        raise CourseError(f"{error.msg}: {(error.text or '').strip()}", path, error.lineno) from None
    for node in tree.body:
        if isinstance(node, Definition) and node.name == entry.function:
            first = _first_line(node)
            lines = text.splitlines()[first - 1 : node.end_lineno]
            return ExerciseSource(entry.function, "\n".join(lines), path, first)
    raise CourseError(f"has no function or class {entry.function!r} for the exercise {entry.name!r}", path)


def scaffold(source: ExerciseSource, steps: str = "") -> str:
    """What the learner is given: `source` without its answer.

    The `steps`, comment lines, stand where the answer goes: in a class, in the first method that is left to
    write.

    Raises:
        CourseError: if there is nothing to leave out, as in a class without a method besides `__init__`, or
            if a docstring is missing.
    """
    (definition,) = ast.parse(source.text).body
    assert isinstance(definition, Definition)
    blanks = [definition] if isinstance(definition, ast.FunctionDef) else _methods_to_write(definition)
    if not blanks:
        raise CourseError(
            f"class {source.name!r} has no method besides __init__ to write", source.path, source.line
        )
    lines = source.text.splitlines()
    kept: list[str] = []
    position = 0
    for number, function in enumerate(blanks):
        signature_end = _end_of_what_is_given(function, source)
        kept += lines[position:signature_end]
        indent = " " * function.col_offset + INDENT
        if number == 0:
            kept += [f"{indent}{step}".rstrip() for step in steps.splitlines()]
        kept.append(f'{indent}raise NotImplementedError("{unwritten(source.name)}")')
        position = function.end_lineno or signature_end
    return "\n".join(kept + lines[position:])


def unwritten(name: str) -> str:
    """The message of the error that the scaffold of `name` raises. A check knows it again."""
    return f"{name} is yours to write"


def make_stub(entry: ExerciseEntry, root: Path = ROOT) -> Callable[..., Any]:
    """The scaffold of `entry` as a callable: calling it raises NotImplementedError and says whose it is."""
    source = read_source(entry, root)
    text = scaffold(source)
    filename = f"<scaffold of {entry.name}>"
    # A traceback, and inspect.getsource, find the lines here.
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    # Annotations stay text: the names they mention may exist for type checkers alone.
    code = compile(text, filename, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    module = importlib.import_module(f"pocketr1.{entry.module}")
    namespace = dict(vars(module))
    exec(code, namespace)
    stub: Callable[..., Any] = namespace[entry.function]
    return stub


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _methods_to_write(definition: ast.ClassDef) -> list[ast.FunctionDef]:
    return [node for node in definition.body if isinstance(node, ast.FunctionDef) and node.name != "__init__"]


def _end_of_what_is_given(function: ast.FunctionDef, source: ExerciseSource) -> int:
    """How many lines of the source come before the answer: those of the signature and the docstring."""
    line = source.line + function.lineno - 1
    if ast.get_docstring(function) is None:
        raise CourseError(
            f"{function.name!r} needs a docstring: it is what a learner goes by", source.path, line
        )
    end = function.body[0].end_lineno or function.lineno
    if len(function.body) < 2 or function.body[1].lineno <= end:
        raise CourseError(f"{function.name!r} needs its answer below the docstring", source.path, line)
    return end
