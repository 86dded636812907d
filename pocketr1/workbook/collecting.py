"""The progress of many learners in one table: `python start.py collect FOLDER... [--lesson 02]`.

A record of progress holds no names. A learner is called what their folder is called, or their file: anna for
`anna/work/progress.json`, for `anna/progress.json` and for `anna.json`. Files are only read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .course import Lesson, read_course
from .files import ROOT
from .journal import MARKS, Book, read_copy

FILE = "progress.json"
NOT_PROGRESS = ("notebooks.json", "manifest.json")  # other files of the course that may lie beside it
SOLVED = "solved"  # the folder in work/ where `python start.py show` opens solved notebooks
STUCK_AFTER = 3
"""Tries at one exercise without a right answer. The first two belong to learning."""

AT_MOST = 12
"""Lines about who is stuck. A teacher has two hands."""


def collected(places: Sequence[str], root: Path = ROOT, lesson: str | None = None) -> tuple[str, list[str]]:
    """The table of all learners found in `places`, folders or files, and a sentence for each file that was
    skipped, or place in which nothing was found. With `lesson`, of that lesson alone.

    Raises:
        CourseError: if there is no such lesson, or it is planned.
    """
    course = read_course(root)
    lessons = course.ready if lesson is None else (course.ready_lesson(lesson),)
    books: dict[str, Book] = {}
    problems: list[str] = []
    for place in places:
        found = list(_files(Path(place)))
        if not found:
            problems.append(f"{place}: no {FILE} here, nor in the folders in it.")
        for learner, file in found:
            try:
                books[_unused(learner, books)] = read_copy(file)
            except (OSError, ValueError) as error:
                problems.append(f"{file}: skipped, {getattr(error, 'strerror', None) or error}.")
    return table(lessons, books), problems


def table(lessons: Sequence[Lesson], books: Mapping[str, Book]) -> str:
    """Learners by exercises, the counts of each exercise, who has not begun and who is stuck. Plain text."""
    if not books:
        return "No learner's progress was found."
    blocks = [part(lessons, books) for part in (_learners, _exercises, _not_begun, _stuck)]
    return "\n\n".join(blocks)


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    """The records of progress at `place`, each with its learner's name, in the order of the names."""
    place = place.resolve()
    if place.is_file():
        yield _name(place), place
        return
    files = [*place.glob("*.json"), *place.glob(f"*/{FILE}"), *place.glob(f"*/work/{FILE}")]
    yield from sorted((_name(file), file) for file in files if not _other(file))


def _other(file: Path) -> bool:
    """Whether it is no learner's: another file of the course, or one that `show` made beside it."""
    if file.name == FILE and file.parent.name == SOLVED:
        return True
    return file.name in NOT_PROGRESS or file.name.startswith("progress.damaged")


def _name(file: Path) -> str:
    """The file's own name; for a progress.json that of its folder, or of the folder around `work`."""
    if file.name != FILE:
        return file.stem
    folder = file.parent
    return (folder.parent if folder.name == "work" else folder).name


def _unused(name: str, taken: Mapping[str, Book]) -> str:
    names = [name, *(f"{name} ({number})" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _tries(book: Book, name: str) -> int:
    return book.records[name].attempts if name in book.records else 0


def _learners(lessons: Sequence[Lesson], books: Mapping[str, Book]) -> str:
    """One line for each learner: a mark for each exercise, lesson by lesson."""
    lessons = [lesson for lesson in lessons if lesson.exercises]
    width = max(len(name) for name in [*books, "learner"])
    columns = [max(2, len(lesson.exercises)) for lesson in lessons]
    heads = [f"{lesson.number:<{wide}}" for lesson, wide in zip(lessons, columns, strict=True)]
    many = f"{len(books)} learner{'' if len(books) == 1 else 's'}"
    marks = ", ".join(f"{mark} {status}" for status, mark in MARKS.items())
    lines = [f"{many}. A mark for each exercise, in the order of the next table: {marks}.", ""]
    lines.append("  ".join([f"{'learner':<{width}}", *heads, "right", "tries"]))
    for name, book in books.items():
        cells = [
            f"{''.join(MARKS[book.status(entry.name)] for entry in lesson.exercises):<{wide}}"
            for lesson, wide in zip(lessons, columns, strict=True)
        ]
        right = sum(book.status(entry.name) == "right" for lesson in lessons for entry in lesson.exercises)
        tries = sum(_tries(book, entry.name) for lesson in lessons for entry in lesson.exercises)
        lines.append("  ".join([f"{name:<{width}}", *cells, f"{right:5}", f"{tries:5}"]))
    return "\n".join(lines)


def _exercises(lessons: Sequence[Lesson], books: Mapping[str, Book]) -> str:
    """One line for each exercise: how many learners are where, and how many tries that took."""
    lines = [f"{'exercise':<32}{'right':>7}{'not yet':>9}{'not attempted':>15}{'tries':>7}"]
    for lesson in lessons:
        for entry in lesson.exercises:
            counts = Counter(book.status(entry.name) for book in books.values())
            tries = sum(_tries(book, entry.name) for book in books.values())
            numbers = f"{counts['right']:7}{counts['not yet']:9}{counts['not attempted']:15}{tries:7}"
            lines.append(f"{lesson.number} {entry.function:<29}{numbers}")
    return "\n".join(lines)


def _not_begun(lessons: Sequence[Lesson], books: Mapping[str, Book]) -> str:
    """Who has tried nothing yet. They may be more lost than whoever tries often."""
    names = [entry.name for lesson in lessons for entry in lesson.exercises]
    idle = [learner for learner, book in books.items() if not any(_tries(book, name) for name in names)]
    where = f"in lesson {lessons[0].number}" if len(lessons) == 1 else "in any lesson"
    return f"Not begun {where}: {', '.join(idle) or 'nobody'}."


def _stuck(lessons: Sequence[Lesson], books: Mapping[str, Book]) -> str:
    """Who tried most often without a right answer, the most tries first."""
    found = [
        (_tries(book, entry.name), learner, f"{lesson.number} {entry.function}")
        for learner, book in books.items()
        for lesson in lessons
        for entry in lesson.exercises
        if book.status(entry.name) == "not yet" and _tries(book, entry.name) >= STUCK_AFTER
    ]
    if not found:
        return f"Nobody is stuck: no exercise has {STUCK_AFTER} tries of one learner without a right answer."
    ordered = sorted(found, key=lambda one: (-one[0], one[1], one[2]))
    width = max(len(learner) for _, learner, _ in ordered)
    lines = [f"    {learner:<{width}}  {exercise}  {tries} tries" for tries, learner, exercise in ordered]
    more = [f"    and {len(lines) - AT_MOST} more"] if len(lines) > AT_MOST else []
    return "\n".join(["Who is stuck, the most tries first:", *lines[:AT_MOST], *more])
