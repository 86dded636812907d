"""The learner's desk: copies of the notebooks in `work/`, brought up to date without losing what they wrote.

A copy counts as changed when the text of its cells is another than the one that was copied. Outputs, metadata
and empty cells do not count: JupyterLab saves those by itself. `work/notebooks.json` remembers, for each
copy, a digest of the text that was copied. Without it every copy that differs counts as changed, so losing it
loses nothing.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .course import Course, CourseError, Lesson, read_course
from .files import ROOT, work_folder, write_atomically

RECORD = "notebooks.json"


def prepare(root: Path = ROOT, work: Path | None = None) -> list[str]:
    """Copy the course's notebooks into `work`, and bring the copies up to date.

    Returns sentences for the learner. Most often there are none.

    A missing copy is made, also one that was deleted. A copy that the learner did not change is replaced,
    silently. One that they changed is never touched: when the course has a newer text, it is put beside the
    copy, once. A copy that cannot be read is set aside under another name, and a fresh one is made.

    Raises:
        CourseError: if the course itself cannot be read, or has not been built.
        OSError: if the work folder cannot be written to.
    """
    course = read_course(root)
    desk = _Desk(work or work_folder(root))
    for lesson in course.ready:
        desk.bring_up_to_date(lesson, _built(course, lesson))
    desk.remember()
    return desk.messages


def reset(name: str, root: Path = ROOT, work: Path | None = None) -> str:
    """Put a lesson's notebook back as the course has it, and keep the old one under `work/backups/`.

    Where the learner had changed nothing, nothing is kept: the same text need not be there twice. `name` is
    the lesson's number or id. Answers that were accepted, and progress, stay as they are.

    Returns:
        A sentence for the learner.

    Raises:
        CourseError: if there is no such lesson, or it is planned only.
        OSError: if the work folder cannot be written to.
    """
    course = read_course(root)
    lesson = course.ready_lesson(name)
    desk = _Desk(work or work_folder(root))
    message = desk.restore(lesson, _built(course, lesson))
    desk.remember()
    return message


def sources_digest(text: str) -> str:
    """A digest of what a person wrote in the notebook `text`: kind and text of its cells, in order.

    Raises:
        ValueError: if `text` is not a notebook.
    """
    return hashlib.sha256(json.dumps(_sources(text)).encode()).hexdigest()


def _sources(text: str) -> list[tuple[str, str]]:
    try:
        cells = json.loads(text)["cells"]
        found = [(str(cell["cell_type"]), _joined(cell["source"])) for cell in cells]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("not a notebook") from error
    return [(kind, source) for kind, source in found if source]


def _joined(source: str | Sequence[str]) -> str:
    return (source if isinstance(source, str) else "".join(source)).strip()


def _built(course: Course, lesson: Lesson) -> str:
    path = f"notebooks/{lesson.id}.ipynb"
    try:
        text = (course.root / path).read_text(encoding="utf-8")
        sources_digest(text)
    except (OSError, ValueError):
        raise CourseError(f"cannot be read. Run: python start.py build {lesson.number}", path) from None
    return text


class _Desk:
    """One work folder: which text each copy was made from, and what to tell the learner."""

    def __init__(self, work: Path):
        self.work = work
        self.messages: list[str] = []
        self.copied = _read_record(work / RECORD)
        self.before = dict(self.copied)

    def bring_up_to_date(self, lesson: Lesson, text: str) -> None:
        path = self.work / f"{lesson.id}.ipynb"
        newest = sources_digest(text)
        found = self._digest_of(path)
        if found is None:
            self._set_aside_if_there(path)
            self._copy(path, text)
        elif found == newest:
            self.copied[path.name] = newest
        elif found == self.copied.get(path.name):
            self._copy(path, text)
        elif self.copied.get(path.name) != newest:
            beside = self._put_beside(path, text)
            self.copied[path.name] = newest
            self.messages.append(
                f"{path.name}: the course has a newer version. Yours has changes of your own and was not "
                f"touched. The newer one is beside it: {beside.name}."
            )

    def restore(self, lesson: Lesson, text: str) -> str:
        path = self.work / f"{lesson.id}.ipynb"
        if not path.exists():
            self._copy(path, text)
            return f"{path.name} is as new. There was none before."
        found = self._digest_of(path)
        if found is not None and found in (sources_digest(text), self.copied.get(path.name)):
            self._copy(path, text)
            return f"{path.name} is as new. You had changed nothing in it, so no copy is kept."
        backup = self._keep(path, self.work / "backups", "")
        self._copy(path, text)
        return f"{path.name} is as new. Yours is kept as {backup.relative_to(self.work).as_posix()}."

    def remember(self) -> None:
        """Write down what was copied, after the copies: after a crash in between, the next start compares."""
        if self.copied != self.before:
            text = json.dumps(self.copied, indent=1, sort_keys=True) + "\n"
            write_atomically(self.work / RECORD, text)

    def _copy(self, path: Path, text: str) -> None:
        write_atomically(path, text)
        self.copied[path.name] = sources_digest(text)

    def _put_beside(self, path: Path, text: str) -> Path:
        """Write the newer version beside a changed copy, under a name that no work of the learner has."""
        newest = sources_digest(text)
        number = 1
        while True:
            beside = path.with_name(f"{path.stem}-updated{'' if number == 1 else f'-{number}'}.ipynb")
            found = self._digest_of(beside)
            if found == newest:
                return beside
            if not beside.exists() or (found is not None and found == self.copied.get(beside.name)):
                self._copy(beside, text)
                return beside
            number += 1

    def _set_aside_if_there(self, path: Path) -> None:
        if path.exists():
            kept = self._keep(path, self.work, "-unreadable")
            self.messages.append(
                f"{path.name} could not be read. It is kept as {kept.name}; a fresh one is in place."
            )

    def _keep(self, path: Path, folder: Path, word: str) -> Path:
        """Move `path` to a name that says when, and that nothing else has."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{path.stem}{word}-{time.strftime('%Y-%m-%d-%H%M%S')}"
        kept, number = folder / f"{stem}{path.suffix}", 2
        while kept.exists():
            kept, number = folder / f"{stem}-{number}{path.suffix}", number + 1
        return path.rename(kept)

    def _digest_of(self, path: Path) -> str | None:
        """The digest of a file's cells; None if there is no such file or it is no notebook."""
        try:
            return sources_digest(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
