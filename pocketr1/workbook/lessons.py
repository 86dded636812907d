"""A lesson's text, `lessons/NN_name.py`, as a list of cells that know their lines.

The format is jupytext's py:percent. A code cell has a key, an exercise cell has an exercise and holds its
steps as comments, and a markdown cell may be for teachers only:

    # %% [markdown] tags=["teacher"]
    # %% key="by-hand"
    # %% key="train" exempt="trained floats differ between CPUs"
    # %% exercise="attention.scores"
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

import jupytext

from .course import Course, CourseError, Lesson

# Comments stay comments: jupytext would otherwise take "# copy the mask" for a shell command.
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
HEADER = re.compile(r"#\s*%%")
KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
KNOWN_METADATA = {"markdown": {"tags"}, "code": {"key", "exempt"}, "exercise": {"exercise"}}
NBVAL_MARKER = re.compile(r"#\s*(NBVAL_|PYTEST_VALIDATE_)")


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson's source.

    Attributes:
        kind: "markdown", "code" or "exercise".
        source: the text; of an exercise, its steps, as comment lines.
        line: the line of its `# %%`, counted from 1.
        key: the key of a code cell.
        exempt: why the output of a code cell cannot be compared.
        exercise: the exercise, such as "attention.scores".
        teacher: whether the cell is for teachers only. Such cells are left out of what learners get.
    """

    kind: str
    source: str
    line: int
    key: str | None = None
    exempt: str | None = None
    exercise: str | None = None
    teacher: bool = False


@dataclass(frozen=True)
class LessonSource:
    """A lesson with its cells. `path` is relative to the course's root, for messages and metadata."""

    lesson: Lesson
    path: str
    cells: tuple[Cell, ...]


def lesson_path(lesson: Lesson) -> str:
    """Where the source of `lesson` is, relative to the course's root."""
    return f"lessons/{lesson.id}.py"


def check_lesson_files(course: Course) -> None:
    """Refuse a lesson file that course.toml does not list as ready, and a ready lesson without a file.

    Raises:
        CourseError: naming the file, or course.toml.
    """
    files = {path.stem for path in (course.root / "lessons").glob("*.py")}
    listed = {lesson.id: lesson for lesson in course.lessons}
    for name in sorted(files):
        if name not in listed:
            raise CourseError("is not listed in lessons/course.toml", f"lessons/{name}.py", 1)
        if not listed[name].ready:
            raise CourseError(
                "is 'planned' in lessons/course.toml; make its status 'ready'", f"lessons/{name}.py", 1
            )
    for lesson in course.ready:
        if lesson.id not in files:
            raise CourseError(
                "is 'ready' in lessons/course.toml, but there is no such file", lesson_path(lesson)
            )


def read_lesson(course: Course, lesson: Lesson) -> LessonSource:
    """Read the source of `lesson` and check everything that the file alone and course.toml can tell.

    Raises:
        CourseError: with file and line.
    """
    path = lesson_path(lesson)
    text = (course.root / path).read_text(encoding="utf-8")
    source = LessonSource(lesson, path, parse_cells(text, path))
    _check_keys(source)
    _check_exercises(course, source)
    return source


def parse_cells(text: str, path: str) -> tuple[Cell, ...]:
    """Split a py:percent text into cells.

    Raises:
        CourseError: at a cell without a key, with unknown metadata, code that does not parse, or code in an
            exercise.
    """
    notebook = jupytext.reads(text, fmt=PERCENT)
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, 1) if HEADER.match(line)]
    if len(starts) != len(notebook.cells):
        raise CourseError(
            f"has {len(starts)} lines that begin with '# %%' but {len(notebook.cells)} cells: "
            "every cell needs such a line, and no text may contain one",
            path,
            starts[0] if starts else 1,
        )
    return tuple(_cell(found, line, path) for found, line in zip(notebook.cells, starts, strict=True))


def _cell(found: Any, line: int, path: str) -> Cell:
    kind = "exercise" if "exercise" in found.metadata else found.cell_type
    if kind not in KNOWN_METADATA:
        raise CourseError(f"has a {kind} cell; a lesson is made of markdown and code", path, line)
    # jupytext's own note of how many blank lines follow a cell.
    metadata = {key: value for key, value in found.metadata.items() if key != "lines_to_next_cell"}
    for name in metadata:
        if name not in KNOWN_METADATA[kind]:
            known = ", ".join(sorted(KNOWN_METADATA[kind]))
            raise CourseError(f"{kind} cell with unknown metadata {name!r}; it can have: {known}", path, line)
    source = found.source.strip("\n")
    if kind == "markdown":
        return Cell(kind, source, line, teacher=_is_for_teachers(metadata, path, line))
    if kind == "exercise":
        _check_steps(source, path, line)
        return Cell(kind, source, line, exercise=_text(metadata, "exercise", path, line))
    _check_code(source, path, line)
    key = _text(metadata, "key", path, line)
    if not KEY.fullmatch(key):
        raise CourseError(
            f"key {key!r} should be words of small letters and digits, joined by '-'", path, line
        )
    exempt = _text(metadata, "exempt", path, line) if "exempt" in metadata else None
    return Cell(kind, source, line, key=key, exempt=exempt)


def _is_for_teachers(metadata: dict[str, Any], path: str, line: int) -> bool:
    tags = metadata.get("tags", [])
    if tags not in ([], ["teacher"]):
        raise CourseError(f'tags={tags!r}: the one tag there is, is ["teacher"]', path, line)
    return bool(tags)


def _text(metadata: dict[str, Any], name: str, path: str, line: int) -> str:
    value = metadata.get(name)
    if value is None:
        raise CourseError(f'code cell without {name}="..."', path, line)
    if not isinstance(value, str) or not value.strip():
        raise CourseError(f"{name}={value!r} should be a text between quotation marks", path, line)
    return value


def _check_steps(source: str, path: str, line: int) -> None:
    rows = source.splitlines()
    for offset, row in enumerate(rows, 1):
        if row.strip() and not row.startswith("#"):
            raise CourseError(
                "an exercise cell holds its steps as comments, no code: the code comes from pocketr1/",
                path,
                line + offset,
            )
    if not any(row.strip("# ") for row in rows):
        raise CourseError("an exercise cell needs its steps, as comment lines", path, line)


def _check_code(source: str, path: str, line: int) -> None:
    if not source.strip():
        raise CourseError("code cell without code", path, line)
    for offset, row in enumerate(source.splitlines(), 1):
        if NBVAL_MARKER.search(row):
            raise CourseError('write exempt="the reason" instead of a marker for nbval', path, line + offset)
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise CourseError(
            f"{error.msg}: {(error.text or '').strip()}", path, line + (error.lineno or 1)
        ) from None


def _check_keys(source: LessonSource) -> None:
    """Keys and the names of exercises become cell ids, so no two may be the same."""
    seen: dict[str, int] = {}
    for cell in source.cells:
        key = cell.exercise.split(".")[-1] if cell.exercise else cell.key
        if key is None:
            continue
        if key in seen:
            raise CourseError(f"key {key!r} was used before, at line {seen[key]}", source.path, cell.line)
        seen[key] = cell.line


def _check_exercises(course: Course, source: LessonSource) -> None:
    """The exercises of the file are those that course.toml lists under this lesson, in the same order."""
    expected = [entry.name for entry in source.lesson.exercises]
    elsewhere = {entry.name: course.lesson_of(entry).id for entry in course.exercises}
    found = []
    for cell in source.cells:
        if cell.exercise is None:
            continue
        if cell.exercise not in elsewhere:
            message = f"exercise {cell.exercise!r} is not in lessons/course.toml"
            raise CourseError(message, source.path, cell.line)
        if cell.exercise not in expected:
            other = elsewhere[cell.exercise]
            message = f"lessons/course.toml lists exercise {cell.exercise!r} under lesson {other!r}"
            raise CourseError(message, source.path, cell.line)
        found.append(cell)
    missing = [name for name in expected if name not in [cell.exercise for cell in found]]
    if missing:
        message = f"has no cell for the exercise {missing[0]!r}, which lessons/course.toml lists here"
        raise CourseError(message, source.path, len(source.cells) and source.cells[-1].line)
    for cell, name in zip(found, expected, strict=True):
        if cell.exercise != name:
            message = (
                f"exercise {cell.exercise!r} comes where lessons/course.toml has {name!r}: use one order"
            )
            raise CourseError(message, source.path, cell.line)
