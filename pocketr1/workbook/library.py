"""What happens around a check: the attempt is recorded, a right answer is kept, and `mine` is made anew.

Answers, progress and `mine` change together, under the lock of `progress.json`, so that two kernels cannot
undo each other's work.
"""

import importlib
from collections import defaultdict
from typing import Any

from .answers import (
    Answer,
    CannotStandAloneError,
    answer_path,
    borrowed,
    clash,
    digest,
    leans_on_reference,
    on_its_own,
    read_answer,
    revived,
    stand_alone,
    tried,
)
from .catalogue import Exercise, exercises
from .cells import Piece, borrows
from .course import Lesson
from .examination import NOT_ATTEMPTED, RIGHT, Verdict, with_notes
from .files import write_atomically
from .handing_in import not_callable, untouched
from .journal import Book, now, read_book, update
from .mine import NAME, Part, build, forget_imported
from .wording import ended, error_line, sentence

KEPT = "Your answer is kept, and `mine` runs on it from here on."
STILL_KEPT = "`mine` goes on with the answer of yours that is kept."


def open_library() -> list[str]:
    """Make `mine` ready at the start of a lesson. Answers that were edited since are examined again.

    Returns what the learner should know, one sentence each.
    """
    book = read_book()
    said = [book.complaint] if book.complaint else []
    edited = [exercise for exercise in exercises() if _edited(exercise, book)]
    against = {exercise.name: _again(exercise) for exercise in edited}

    def change(book: Book) -> None:
        for exercise in edited:
            said.append(_note_edit(exercise, book, against[exercise.name]))
        said.extend(_rebuild(book))

    after = update(change)
    if after.complaint and after.complaint not in said:
        said.append(after.complaint)
    return said


def hand_in(exercise: Exercise, candidate: Any, verdict: Verdict) -> Verdict:
    """Record a check, and keep the answer if it is right.

    Returns the verdict to show: an answer that needs another cell is not right yet.
    """
    if verdict.status == NOT_ATTEMPTED:
        return with_notes(verdict, [STILL_KEPT] if read_book().is_yours(exercise.name) else [])
    if str(getattr(candidate, "__module__", "")).split(".")[0] in ("pocketr1", NAME):
        return borrowed(exercise)
    answer: Answer | None = None
    if verdict.status == RIGHT:
        alone, answer = on_its_own(exercise, candidate)
        if answer is None:
            verdict = alone
    kept_back = verdict.kept_back or (_kept_back(exercise, answer) if answer else None)
    notes = [] if kept_back == verdict.kept_back else [sentence(f"`mine` goes on with the loan: {kept_back}")]

    def change(book: Book) -> None:
        record = book.record(exercise.name)
        record.attempts += 1
        record.first = record.first or now()
        if answer is None:
            record.status = RIGHT if record.status == RIGHT else verdict.status
            return
        record.status, record.solved, record.on_purpose = RIGHT, record.solved or now(), False
        notes.extend(_store(exercise, answer, book, yours=kept_back is None))

    book = update(change)
    if book.complaint:
        notes.append(book.complaint)
    elif answer is not None and book.is_yours(exercise.name):
        notes.append(KEPT)
    elif answer is not None and book.reference_only:
        notes.append("Your answer is kept. `mine` runs on the reference alone, as you asked.")
    elif answer is None and book.is_yours(exercise.name):
        notes.append(STILL_KEPT)
    return with_notes(verdict, notes)


def keep_anyway(exercise: Exercise, candidate: Any) -> str:
    """Put an answer into `mine` whatever the verdict on it. Returns a sentence."""
    unfit = not_callable(exercise, candidate)
    if unfit or untouched(exercise, candidate):
        return f"Not kept: {ended(unfit or f'`{exercise.function}` is not written yet')}"
    try:
        answer = stand_alone(exercise, candidate)
        revived(exercise, answer.piece)
    except CannotStandAloneError as error:
        return f"Not kept: {ended(str(error))}"
    if borrows(answer.piece.text, exercise.function):
        return f"Not kept: it is the library's own `{exercise.function}`, which would then call itself."
    if leans_on_reference(answer):
        return "Not kept: it imports `pocketr1`. Take what you need from `mine`."
    said: list[str] = []

    def change(book: Book) -> None:
        book.record(exercise.name).on_purpose = True
        said.extend(_store(exercise, answer, book, yours=True))

    book = update(change)
    said += [book.complaint] if book.complaint else []
    name = exercise.function
    done = f'Kept as it is: `mine` runs on your `{name}`. lend("{name}") takes the reference again.'
    return " ".join(said) or done


def lend_again(exercise: Exercise) -> str:
    """Let `mine` run on the reference for this exercise; the answer stays in its file. Returns a sentence."""
    said: list[str] = []

    def change(book: Book) -> None:
        record = book.record(exercise.name)
        record.yours = record.on_purpose = False
        said.extend(_rebuild(book))

    book = update(change)
    return book.complaint or " ".join(said) or f"`mine` runs on the reference's `{exercise.function}`."


def reference_only(on: bool) -> str:
    """Let all of `mine` be on loan, or no more. Returns a sentence."""
    said: list[str] = []

    def change(book: Book) -> None:
        book.reference_only = on
        said.extend(_rebuild(book))

    book = update(change)
    done = (
        "`mine` runs on the reference alone." if on else "`mine` runs on your answers, where you have some."
    )
    return book.complaint or " ".join(said) or done


def whose(lesson: Lesson, book: Book) -> str:
    """How many of the pieces that a lesson runs on are the learner's: the sentence at its head."""
    pieces = [exercise.name for exercise in exercises() if exercise.module in lesson.runs_on]
    if not pieces:
        return ""
    yours = sum(book.is_yours(name) for name in pieces)
    if len(pieces) == 1:
        return f"The one piece this lesson runs on is {'yours' if yours else 'on loan'}."
    verb = "is" if yours == 1 else "are"
    on_purpose = sum(book.is_yours(name) and book.records[name].on_purpose for name in pieces)
    aside = f" ({on_purpose} kept unchecked)" if on_purpose else ""
    loan = len(pieces) - yours
    return f"Of the {len(pieces)} pieces this lesson runs on, {yours} {verb} yours{aside} and {loan} on loan."


def _rebuild(book: Book) -> list[str]:
    """Make `mine` anew from the answers that are kept; what went wrong, one sentence each."""
    parts: dict[str, list[Part]] = defaultdict(list)
    for exercise in exercises():
        piece = _kept_piece(exercise) if book.is_yours(exercise.name) else None
        parts[exercise.module].append(Part(exercise.function, exercise.lesson, piece))
    complaint = build(parts)
    return [complaint] if complaint else []


def _kept_piece(exercise: Exercise) -> Piece | None:
    try:
        return read_answer(exercise).piece
    except (OSError, UnicodeDecodeError, CannotStandAloneError):
        return None


def _store(exercise: Exercise, answer: Answer, book: Book, yours: bool) -> list[str]:
    """Write the answer's file and make `mine` anew; what went wrong, one sentence each."""
    record = book.record(exercise.name)
    if not book.writable:
        return []
    try:
        write_atomically(answer_path(exercise), answer.cell)
    except OSError as error:
        return [f"Your answer could not be kept ({error.strerror})."]
    record.digest, record.yours = digest(answer.cell), yours
    said = _rebuild(book)
    broken = _import_error(exercise) if yours and not book.reference_only else None
    if broken is None:
        return said
    record.yours = False
    return [*said, *_rebuild(book), f"`mine` cannot run with it, and goes on with the loan: {ended(broken)}"]


def _import_error(exercise: Exercise) -> str | None:
    """Import the new module once, so that a lesson never meets a library that does not even load."""
    try:
        importlib.import_module(f"{NAME}.{exercise.module}")
        return None
    except Exception as error:
        return error_line(error)
    finally:
        forget_imported()


def _kept_back(exercise: Exercise, answer: Answer) -> str | None:
    """Why the library cannot hold an answer that is right and stands alone; None if it can."""
    if leans_on_reference(answer):
        return "it imports `pocketr1`, which is the reference. Take what you need from `mine`"
    book = read_book()
    others = {
        other.function: piece
        for other in exercises()
        if other.module == exercise.module and other != exercise and book.is_yours(other.name)
        for piece in [_kept_piece(other)]
        if piece is not None
    }
    return clash(answer.piece, others)


def _file_digest(exercise: Exercise) -> str | None:
    """What tells the stored answer from others; None if there is none."""
    try:
        return digest(answer_path(exercise).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _edited(exercise: Exercise, book: Book) -> bool:
    """Whether the answer's file is not the one that was kept: edited, added, or gone."""
    known = book.records[exercise.name].digest if exercise.name in book.records else None
    return _file_digest(exercise) != known


def _again(exercise: Exercise) -> str:
    """What speaks against an edited answer; an empty text if it is right."""
    try:
        answer = read_answer(exercise)
    except OSError:
        return "its file is gone"
    except UnicodeDecodeError:
        return "its file is no text"
    except CannotStandAloneError as error:
        return str(error)
    verdict = tried(exercise, answer)
    if verdict.status != RIGHT:
        return verdict.message.partition("\n")[0].partition(": ")[2]
    return verdict.kept_back or _kept_back(exercise, answer) or ""


def _note_edit(exercise: Exercise, book: Book, because: str) -> str:
    record = book.record(exercise.name)
    record.digest = _file_digest(exercise)
    name = f"`{exercise.function}`"
    if record.on_purpose and record.digest:
        return f"Your answer to {name} was edited; it is kept unchecked, as you asked."
    record.yours = not because
    if because:
        return f"Your answer to {name} was changed, and `mine` goes on with the loan: {ended(because)}"
    record.status, record.solved = RIGHT, record.solved or now()
    return f"Your answer to {name} was edited since, and is right: `mine` runs on it."
