"""What a learner has done: one small file in their work folder. It survives crashes and two kernels at once.

`progress.json` is read and written whole. A write happens under a lock and replaces the file in one step. A
file that cannot be read is set aside, never deleted; one that a newer version of the course wrote is left
alone. Nothing here stops a lesson, and nothing here imports PyTorch.
"""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from .course import Course, ExerciseEntry, Lesson, read_course
from .files import work_folder, write_atomically

Result = TypeVar("Result")

FORMAT = 1
LOCK_SECONDS = 10
MARKS = {"right": "✓", "not yet": "✗", "not attempted": "○"}

EXAMINED_AGAIN = " The next begin(...) examines the answers in answers/ again."
"""What a complaint about a damaged file ends with, until that has happened."""


@dataclass
class Record:
    """One exercise. Times are in UTC, as ISO 8601 writes them.

    status: the best that was reached; what was right once stays right. attempts: checks of something begun.
    first, solved: the times of the first check and of the first right one. digest: of the answer's file that
    is in use. yours: whether the library runs on it. on_purpose: it is what keep(...) was given, which nobody
    asked whether it is right; it has a file of its own, and the right answer keeps the other.
    """

    status: str = "not attempted"
    attempts: int = 0
    first: str | None = None
    solved: str | None = None
    digest: str | None = None
    yours: bool = False
    on_purpose: bool = False


@dataclass
class Book:
    """Everything that is kept, and two things about the file itself.

    complaint: what the learner should know about the file. writable: False where it must be left alone.
    """

    records: dict[str, Record] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    reference_only: bool = False
    complaint: str | None = None
    writable: bool = True

    def record(self, name: str) -> Record:
        """The record of an exercise, made if there is none."""
        return self.records.setdefault(name, Record())

    def status(self, name: str) -> str:
        """The status of an exercise."""
        return self.records[name].status if name in self.records else "not attempted"

    def is_yours(self, name: str) -> bool:
        """Whether the library runs on the learner's own answer."""
        return not self.reference_only and name in self.records and self.records[name].yours


def read_book() -> Book:
    """What is kept. Never raises: a damaged file is set aside, and the complaint says so."""
    path = _path()
    try:
        return _decoded(_patiently(lambda: path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Book()
    except OSError as error:
        says = f"{path.name} cannot be read ({error.strerror}). The lesson goes on; nothing is recorded."
        return Book(complaint=says, writable=False)
    except _NewerError:
        says = (
            f"{path.name} was written by a newer version of the course. It is left as it is, and nothing is "
            "recorded until the course is updated."
        )
        return Book(complaint=says, writable=False)
    except (ValueError, TypeError, KeyError, AttributeError):
        return _set_aside(path)


def read_copy(path: Path) -> Book:
    """What is kept in a copy of somebody's progress.json. The file is only read, and stays where it is.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is damaged, or a newer version of the course wrote it.
    """
    try:
        return _decoded(path.read_text(encoding="utf-8"))
    except _NewerError:
        raise ValueError("a newer version of the course wrote it") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it is damaged, or no record of progress") from None


def update(change: Callable[[Book], None]) -> Book:
    """Read the book, let `change` change it, and write it, while no other kernel can.

    Returns the book as it is now. Where it could not be written, nothing is raised: its complaint says so.
    """
    path = _path()
    problem: Exception | None = None
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(path.with_name(".progress.lock"), timeout=LOCK_SECONDS))
        except (OSError, NotImplementedError, Timeout) as error:
            problem = error
        book = read_book()
        change(book)
        if book.writable and problem is None:
            try:
                _patiently(lambda: write_atomically(path, _encoded(book)))
            except OSError as error:
                problem = error
    if problem is not None:
        why = getattr(problem, "strerror", None) or type(problem).__name__
        book.complaint = f"Progress could not be saved in {path.parent.name}/ ({why}). The lesson goes on."
    return book


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def table() -> str:
    """All lessons that are ready, with the state of each exercise, and what is wrong with the file, if
    anything is.

    No dates and no times: equal work, equal text.
    """
    book = read_book()
    return "\n\n".join([table_of(read_course(), book), *([book.complaint] if book.complaint else [])])


def table_of(course: Course, book: Book) -> str:
    """The table for one course and one book."""
    blocks = [_lesson_table(lesson, book) for lesson in course.ready if lesson.exercises]
    entries = [entry for lesson in course.ready for entry in lesson.exercises]
    core = [entry for entry in entries if entry.core]
    total = f"In all: {_count(entries, book)} right; of the core exercises, {_count(core, book)}."
    return "\n\n".join([*blocks, total, *_legend(entries, book)])


def _legend(entries: Sequence[ExerciseEntry], book: Book) -> list[str]:
    """What the words in the column beside the importance mean: of those that are there, a line each."""
    there = {(_whose(entry.name, book), book.status(entry.name) == "right") for entry in entries}
    words = {whose for whose, _ in there}
    lines = []
    if "yours" in words:
        lines.append("yours      `mine` runs on your answer.")
    if "on loan" in words:
        lines.append("on loan    `mine` runs on the course's own piece.")
    if ("on loan", True) in there and book.reference_only:
        lines.append("           use_reference(False) takes your right answers again.")
    elif ("on loan", True) in there:
        lines.append(
            "           Right and on loan: `mine` could not take the answer, or you lent the piece again.\n"
            "           check(...) says which, and what to change."
        )
    if "unchecked" in words:
        lines.append(
            "unchecked  `mine` runs on what you gave to keep(...), right or not.\n"
            '           lend("name", False) takes your right answer again, if there is one.'
        )
    return ["\n".join(lines)] if lines else []


def _whose(name: str, book: Book) -> str:
    """On whose piece the library runs."""
    if not book.is_yours(name):
        return "on loan"
    return "unchecked" if book.records[name].on_purpose else "yours"


def _count(entries: Sequence[ExerciseEntry], book: Book) -> str:
    right = sum(book.status(entry.name) == "right" for entry in entries)
    return f"{right} of {len(entries)}"


def _lesson_table(lesson: Lesson, book: Book) -> str:
    head = f"{lesson.number}  {lesson.title}: {_count(lesson.exercises, book)} right"
    width = max(len(entry.function) for entry in lesson.exercises)
    return "\n".join([head, *(_row(entry, book, width) for entry in lesson.exercises)])


def _row(entry: ExerciseEntry, book: Book, width: int) -> str:
    status = book.status(entry.name)
    whose = _whose(entry.name, book)
    attempts = book.records[entry.name].attempts if entry.name in book.records else 0
    checks = f"{attempts} check{'' if attempts == 1 else 's'}" if attempts else ""
    columns = [f"{MARKS[status]} {status:<13}", f"{entry.function:<{width}}", f"{entry.importance:<5}"]
    return "    " + "  ".join([*columns, f"{whose:<9}", checks]).rstrip()


def _patiently(action: Callable[[], Result]) -> Result:
    """Do it, and again a few times if it is not allowed: on Windows, a file that is being read is locked."""
    for _ in range(5):
        try:
            return action()
        except PermissionError:
            time.sleep(0.05)
    return action()


class _NewerError(Exception):
    """The file's format is one that this version does not know."""


def _path() -> Path:
    return work_folder() / "progress.json"


def _decoded(text: str) -> Book:
    kept = json.loads(text)
    if not isinstance(kept["format"], int):
        raise TypeError("the format is not a number")
    if kept["format"] > FORMAT:
        raise _NewerError
    records = {name: Record(**_checked(record)) for name, record in kept["exercises"].items()}
    predictions = {str(key): str(said) for key, said in kept["predictions"].items()}
    return Book(records, predictions, bool(kept["reference_only"]))


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    if record["status"] not in MARKS or not isinstance(record["attempts"], int):
        raise ValueError("not a record")
    return record


def _encoded(book: Book) -> str:
    kept = {
        "format": FORMAT,
        "reference_only": book.reference_only,
        "exercises": {name: asdict(record) for name, record in sorted(book.records.items())},
        "predictions": book.predictions,
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _set_aside(path: Path) -> Book:
    """Give the damaged file another name, and begin a new book."""
    for number in range(1, 1000):
        aside = path.with_name(f"progress.damaged-{number}.json")
        if not aside.exists():
            break
    try:
        path.rename(aside)
    except FileNotFoundError:  # another kernel was quicker
        return Book()
    except OSError:
        return Book(complaint=f"{path.name} is damaged and could not be moved away.", writable=False)
    return Book(complaint=f"{path.name} was damaged, and is set aside as {aside.name}.{EXAMINED_AGAIN}")
