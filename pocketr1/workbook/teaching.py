"""What a teacher needs to know of a lesson, as plain text: `python start.py teach 02`.

The cells tagged `teacher` in `lessons/*.py` are in no notebook. Here they are, each under the heading that it
belongs to, with the minutes of the lesson and of its exercises. They are read without jupytext, so that a
teacher needs no more packages than a learner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .course import Course, Lesson, read_course
from .files import ROOT

CELL = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
HEADING = re.compile(r"^# ##+ (.*)$", re.MULTILINE)
TEACHERS = 'tags=["teacher"]'
CODE = re.compile(r"(`[^`]*`)")
SIGNS = {
    r"\\sqrt\{(\w+)\}": r"√\1",
    r"\$([^$]+)\$": r"\1",
    r"\*\*For teachers\.\*\* ": "",
    r"\*{1,2}": "",
}


@dataclass(frozen=True)
class Note:
    """A cell for teachers: the heading that it stands under, and its text."""

    heading: str
    text: str


def guide(name: str, root: Path = ROOT) -> str:
    """The guide to the lesson called `name` ("02", or "02_attention").

    Raises:
        CourseError: if there is no such lesson, or it is planned. OSError: if it cannot be read.
    """
    course = read_course(root)
    lesson = course.ready_lesson(name)
    source = (root / "lessons" / f"{lesson.id}.py").read_text(encoding="utf-8")
    blocks = [f"== {note.heading} ==\n\n{plain(note.text)}" for note in notes(source)]
    return "\n\n".join([_head(course, lesson), *(blocks or ["There are no cells for teachers in it yet."])])


def notes(source: str) -> Iterator[Note]:
    """The cells for teachers of a lesson's source, in order."""
    heading = "At the beginning"
    _, *parts = CELL.split(source)
    for options, text in zip(parts[::2], parts[1::2], strict=True):
        if TEACHERS in options:
            yield Note(
                heading,
                "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.strip().splitlines()),
            )
        elif "[markdown]" in options and (found := HEADING.findall(text)):
            heading = found[-1]


def plain(text: str) -> str:
    """Markdown as plain text: no stars, no dollars, and roots as a terminal can show them."""
    parts = CODE.split(text)
    for place in range(0, len(parts), 2):  # code, between the backticks, stays as it is
        for pattern, replacement in SIGNS.items():
            parts[place] = re.sub(pattern, replacement, parts[place])
    return "".join(parts)


def _head(course: Course, lesson: Lesson) -> str:
    needs = ", ".join(course.lesson(need).number for need in lesson.needs) or "nothing"
    core = sum(entry.minutes for entry in lesson.exercises if entry.core)
    extra = sum(entry.minutes for entry in lesson.exercises if not entry.core)
    rows = [
        f"    {entry.function:<25} {entry.importance:<5} {entry.minutes:3} min, difficulty {entry.difficulty}"
        for entry in lesson.exercises
    ]
    alone = [f"With the core exercises alone: {lesson.minutes - extra} minutes. The notes below count all."]
    lines = [
        f"{lesson.number}  {lesson.title}: {lesson.minutes} minutes with all exercises",
        *(alone if extra else []),
        lesson.question,
        f"It builds on: {needs}.",
        "",
        f"Exercises: core {core} minutes, extra {extra} minutes. Answers: solutions/{lesson.id}.ipynb",
        *rows,
    ]
    return "\n".join(lines)
