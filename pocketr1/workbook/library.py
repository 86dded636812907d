"""What happens around a check: the attempt is recorded, a right answer is kept, and `mine` is made anew.

Two files can hold an answer to an exercise: answers/<name>.py, which only a check writes, with an answer that
was right; and answers/unchecked/<name>.py, which only keep(...) writes. So no trial costs a right answer.

Answers, progress and `mine` change together, under the lock of `progress.json`, so that two kernels cannot
undo each other's work.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .answers import (
    Answer,
    CannotStandAloneError,
    answer_path,
    borrowed,
    clash,
    digest,
    imports_library,
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
from .journal import EXAMINED_AGAIN, Book, now, read_book, update
from .mine import NAME, Part, build, import_error
from .wording import ended, sentence

KEPT = "Your answer is kept, and `mine` runs on it from here on."
STILL_KEPT = "`mine` goes on with the answer of yours that is kept."
ALONE = "`mine` runs on the course's own code alone, as you asked; use_reference(False) ends that."
ON_LOAN = "`mine` goes on with the loan."


def open_library() -> list[str]:
    """Make `mine` ready at the start of a lesson. Answers that were edited since are examined again.

    Returns what the learner should know, one sentence each.
    """
    book = read_book()
    said = [book.complaint.removesuffix(EXAMINED_AGAIN)] if book.complaint else []
    edited = [exercise for exercise in exercises() if _edited(exercise, book)]
    against = {exercise.name: _against(exercise, book) for exercise in edited}

    def change(book: Book) -> None:
        edits = [_note_edit(exercise, book, against[exercise.name]) for exercise in edited]
        broken = _rebuild(book, suspects=edited)
        said.extend([*_about_edits(edits, book), *broken])

    after = update(change)
    if after.complaint and after.complaint not in said:
        said.append(after.complaint)
    return said


def hand_in(exercise: Exercise, candidate: Any, verdict: Verdict) -> Verdict:
    """Record a check, and keep the answer if it is right.

    Returns the verdict to show: an answer that needs another cell is not right yet. A right answer that the
    library cannot take does not replace one that it can.
    """
    if verdict.status == NOT_ATTEMPTED:
        return with_notes(verdict, _what_runs(exercise, read_book()))
    if str(getattr(candidate, "__module__", "")).split(".")[0] in ("pocketr1", NAME):
        return borrowed(exercise)
    answer: Answer | None = None
    if verdict.status == RIGHT:
        alone, answer = on_its_own(exercise, candidate)
        if answer is None:
            verdict = alone
    unfit = verdict.kept_back or (_kept_back(exercise, answer) if answer else None)
    notes = [] if unfit == verdict.kept_back else [sentence(f"`mine` does not take it: {unfit}")]
    has_another = unfit is not None and (_runs_on_its_file(exercise, read_book()) or _can_serve(exercise))

    def change(book: Book) -> None:
        record = book.record(exercise.name)
        record.attempts += 1
        record.first = record.first or now()
        if answer is None:
            record.status = RIGHT if record.status == RIGHT else verdict.status
            return
        record.status, record.solved = RIGHT, record.solved or now()
        if unfit is None:
            notes.extend(told.removesuffix(ON_LOAN).strip() for told in _take(exercise, answer, book))
        elif not has_another:
            notes.extend(_put_away(exercise, answer, book))

    book = update(change)
    if book.complaint:
        notes.append(book.complaint)
    elif answer is None:
        notes.extend(_what_runs(exercise, book))
    else:
        notes.extend(_what_became_of(exercise, answer, book, unfit))
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
        said.extend(_take(exercise, answer, book, unchecked=digest(answer.cell) != _digest(exercise)))

    book = update(change)
    said += [book.complaint] if book.complaint else []
    if said:
        return " ".join([*said, *_what_runs(exercise, book)])
    return _kept_by_wish(exercise, book)


def _kept_by_wish(exercise: Exercise, book: Book) -> str:
    """What keep(...) did, and the way back."""
    name = exercise.function
    own = f'lend("{name}") takes the course\'s own'
    if book.reference_only:
        return f"Kept. {ALONE}"
    if not book.records[exercise.name].on_purpose:
        return f"`mine` runs on your `{name}`, which was right. The way back: {own}."
    done = f"Kept as it is, unchecked: `mine` runs on this `{name}`."
    if _digest(exercise) is None:
        return f"{done} The way back: {own}."
    right = f'lend("{name}", False) takes your right answer again, from {_file(exercise)}'
    return f"{done} The way back: {right}; {own}."


def lend_again(exercise: Exercise) -> str:
    """Let `mine` run on the course's own piece; the answer stays in its file. Returns a sentence."""
    said: list[str] = []

    def change(book: Book) -> None:
        record = book.record(exercise.name)
        record.yours, record.on_purpose, record.digest = False, False, _digest(exercise)
        said.extend(_rebuild(book))

    book = update(change)
    done = f"`mine` runs on the course's own `{exercise.function}`. {_way_back(exercise)}"
    return book.complaint or " ".join(said) or done.strip()


def take_back(exercise: Exercise) -> str:
    """Let `mine` run on the learner's answer again: the right one, or else the one that was kept unchecked.

    Returns a sentence.
    """
    unchecked = _digest(exercise) is None
    kept = _digest(exercise, unchecked)
    if kept is None:
        return f"There is no answer of yours to `{exercise.function}` yet."
    because = "" if unchecked else _again(exercise).because
    if because:
        return f"`mine` does not take your answer in {_file(exercise)}: {ended(because)}"
    said: list[str] = []

    def change(book: Book) -> None:
        record = book.record(exercise.name)
        record.yours, record.on_purpose, record.digest = True, unchecked, kept
        said.extend(_rebuild(book))

    book = update(change)
    said += [book.complaint] if book.complaint else []
    said += [ALONE] if book.reference_only else []
    aside = ", which is unchecked" if unchecked else ""
    return " ".join(said) or f"`mine` runs on your `{exercise.function}` again{aside}."


def reference_only(on: bool) -> str:
    """Let all of `mine` be on loan, or no more. Returns a sentence."""
    said: list[str] = []

    def change(book: Book) -> None:
        book.reference_only = on
        said.extend(_rebuild(book))

    book = update(change)
    done = (
        "`mine` runs on the course's own code alone. use_reference(False) takes your answers again."
        if on
        else "`mine` runs on your answers, where you have some."
    )
    return book.complaint or " ".join(said) or done


def whose(lesson: Lesson, book: Book) -> str:
    """How many of the pieces that a lesson runs on are the learner's: the sentence at its head."""
    pieces = [exercise.name for exercise in exercises() if exercise.module in lesson.runs_on]
    if not pieces:
        return ""
    yours = sum(book.is_yours(name) for name in pieces)
    on_purpose = sum(book.is_yours(name) and book.records[name].on_purpose for name in pieces)
    if len(pieces) == 1:
        aside = " (kept unchecked)" if on_purpose else ""
        return f"The one piece this lesson runs on is {'yours' if yours else 'on loan'}{aside}."
    verb = "is" if yours == 1 else "are"
    aside = f" ({on_purpose} kept unchecked)" if on_purpose else ""
    loan = len(pieces) - yours
    modules = [f"`{module}`" for module in dict.fromkeys(name.partition(".")[0] for name in pieces)]
    listed = " and ".join([", ".join(modules[:-1]), modules[-1]] if len(modules) > 1 else modules)
    head = f"Of the {len(pieces)} pieces this lesson runs on (in {listed})"
    return f"{head}, {yours} {verb} yours{aside} and {loan} on loan."


def _rebuild(book: Book, suspects: Sequence[Exercise] = ()) -> list[str]:
    """Make `mine` anew from the answers that are kept; what went wrong, one sentence each.

    Whatever is in those files, `mine` can be imported afterwards: an answer that it cannot run with is lent.
    Of two that cannot stand side by side, it is the suspect.
    """
    said = _build(book)
    if _library_error(book) is None:
        return said
    yours = [exercise for exercise in exercises() if book.is_yours(exercise.name)]
    for exercise in yours:
        book.records[exercise.name].yours = False
    _build(book)
    # The course's own code may be what does not load. Then no answer is to blame.
    if import_error(one_by_one=False) is not None:
        for exercise in yours:
            book.records[exercise.name].yours = True
        return [*said, *_build(book)]
    for exercise in sorted(yours, key=lambda exercise: exercise in suspects):
        book.records[exercise.name].yours = True
        _build(book)
        error = _library_error(book)
        if error is not None:
            book.records[exercise.name].yours = False
            said.append(f"`mine` cannot run with your `{exercise.function}`: {ended(error)} {ON_LOAN}")
    return [*said, *_build(book)]


def _build(book: Book) -> list[str]:
    parts: dict[str, list[Part]] = defaultdict(list)
    for exercise in exercises():
        piece = _kept_piece(exercise, book)
        parts[exercise.module].append(Part(exercise.function, exercise.lesson, piece))
    complaint = build(parts)
    return [complaint] if complaint else []


def _library_error(book: Book) -> str | None:
    """The error that stops an import of the library, if an answer makes one."""
    pieces = [piece for exercise in exercises() if (piece := _kept_piece(exercise, book)) is not None]
    return import_error(any(map(imports_library, pieces))) if pieces else None


def _kept_piece(exercise: Exercise, book: Book) -> Piece | None:
    """The piece of the learner's that `mine` runs on; None if it is on loan."""
    if not book.is_yours(exercise.name):
        return None
    try:
        return read_answer(exercise, book.records[exercise.name].on_purpose).piece
    except (OSError, UnicodeDecodeError, CannotStandAloneError):
        return None


def _take(exercise: Exercise, answer: Answer, book: Book, unchecked: bool = False) -> list[str]:
    """Let `mine` run on an answer; what went wrong, one sentence each.

    If `mine` cannot run with it, everything is as it was before, if there was an answer.
    """
    record = book.record(exercise.name)
    before, text = replace(record), _text(exercise, unchecked)
    said = _write(exercise, answer.cell, book, unchecked)
    if said or not book.writable:
        return said
    record.yours, record.on_purpose = True, unchecked
    said = _rebuild(book, suspects=[exercise])
    if record.yours or not (before.yours or text):
        return said
    if text:
        _write(exercise, text, book, unchecked)
    record.yours, record.on_purpose, record.digest = before.yours, before.on_purpose, before.digest
    return [*(told.removesuffix(ON_LOAN).strip() for told in said), *_rebuild(book)]


def _put_away(exercise: Exercise, answer: Answer, book: Book) -> list[str]:
    """Keep the text of a right answer that `mine` does not take; what went wrong, one sentence each.

    An answer that was kept unchecked goes on running.
    """
    record = book.record(exercise.name)
    in_use = replace(record)
    said = _write(exercise, answer.cell, book)
    if record.on_purpose and record.yours:
        record.digest = in_use.digest
        return said
    record.yours = record.on_purpose = False
    return [*said, *_rebuild(book)]


def _write(exercise: Exercise, cell: str, book: Book, unchecked: bool = False) -> list[str]:
    """Write an answer's file; what went wrong, one sentence each."""
    if not book.writable:
        return []
    try:
        write_atomically(answer_path(exercise, unchecked), cell)
    except OSError as error:
        return [f"Your answer could not be kept ({error.strerror})."]
    book.record(exercise.name).digest = digest(cell)
    return []


def _what_runs(exercise: Exercise, book: Book) -> list[str]:
    """On which answer of the learner's `mine` runs, while the one that was checked is not right."""
    if not book.is_yours(exercise.name):
        return []
    if not book.records[exercise.name].on_purpose:
        return [STILL_KEPT]
    return [f"`mine` goes on with the `{exercise.function}` that you gave to keep(...)."]


def _what_became_of(exercise: Exercise, answer: Answer, book: Book, unfit: str | None) -> list[str]:
    """Whether a right answer is kept, and on what `mine` runs."""
    stored = _digest(exercise)
    if stored is None:
        return []  # it could not be written, and a sentence has said so
    kept, yours = digest(answer.cell) == stored, book.is_yours(exercise.name)
    if book.reference_only:
        return [f"Your answer is kept. {ALONE}" if kept else f"Your earlier answer stays kept. {ALONE}"]
    if not yours:
        return [f"It is kept. {ON_LOAN}" if kept else f"Your earlier answer stays. {_way_back(exercise)}"]
    if book.records[exercise.name].on_purpose:
        # An answer that says what is to be changed in it needs no second way out.
        return [*_what_runs(exercise, book), *([] if unfit else [_way_back(exercise)])]
    if kept:
        return ["`mine` runs on it all the same, as you asked."] if unfit else [KEPT]
    return ["Your earlier answer stays, which is right too: `mine` goes on with that one."]


def _way_back(exercise: Exercise) -> str:
    """How `mine` comes to run on the learner's answer again, if there is one."""
    name = exercise.function
    if _digest(exercise):
        return f'lend("{name}", False) takes your right answer again, from {_file(exercise)}.'
    if _digest(exercise, unchecked=True):
        return f'lend("{name}", False) takes yours again, from {_file(exercise, unchecked=True)}.'
    return ""


def _file(exercise: Exercise, unchecked: bool = False) -> str:
    return ("answers/unchecked/" if unchecked else "answers/") + f"{exercise.name}.py"


def _runs_on_its_file(exercise: Exercise, book: Book) -> bool:
    """Whether `mine` runs on the right answer that is kept."""
    record = book.records.get(exercise.name)
    return record is not None and record.yours and not record.on_purpose


def _can_serve(exercise: Exercise) -> bool:
    """Whether the right answer that is kept is one that `mine` takes."""
    return _digest(exercise) is not None and not _again(exercise).because


def _kept_back(exercise: Exercise, answer: Answer) -> str | None:
    """Why the library cannot hold an answer that is right and stands alone; None if it can."""
    if leans_on_reference(answer):
        return "it imports `pocketr1`, the course's own code. Take what you need from `mine`"
    book = read_book()
    others = {
        other.function: piece
        for other in exercises()
        if other.module == exercise.module and other != exercise
        for piece in [_kept_piece(other, book)]
        if piece is not None
    }
    return clash(answer.piece, others)


def _text(exercise: Exercise, unchecked: bool = False) -> str | None:
    """The text of an answer's file; None if there is none."""
    try:
        return answer_path(exercise, unchecked).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _digest(exercise: Exercise, unchecked: bool = False) -> str | None:
    """What tells the stored answer from others; None if there is none."""
    text = _text(exercise, unchecked)
    return None if text is None else digest(text)


def _on_purpose(exercise: Exercise, book: Book) -> bool:
    return exercise.name in book.records and book.records[exercise.name].on_purpose


def _edited(exercise: Exercise, book: Book) -> bool:
    """Whether the answer's file in use is not the one that was kept: edited, added, or gone."""
    known = book.records[exercise.name].digest if exercise.name in book.records else None
    return _digest(exercise, _on_purpose(exercise, book)) != known


@dataclass(frozen=True)
class _Finding:
    """What an answer's file was found to hold. because: why `mine` does not take it, or an empty text."""

    because: str
    right: bool = False


def _against(exercise: Exercise, book: Book) -> _Finding:
    """What speaks against an answer whose file was edited; nothing, if it is kept unchecked."""
    if not _on_purpose(exercise, book):
        return _again(exercise)
    return _Finding("" if _digest(exercise, unchecked=True) else "its file is gone")


def _again(exercise: Exercise) -> _Finding:
    """Examine the answer in its file once more."""
    try:
        answer = read_answer(exercise)
    except OSError:
        return _Finding("its file is gone")
    except UnicodeDecodeError:
        return _Finding("its file is no text")
    except CannotStandAloneError as error:
        return _Finding(str(error))
    verdict = tried(exercise, answer)
    if verdict.status != RIGHT:
        return _Finding(verdict.message.partition("\n")[0].partition(": ")[2])
    return _Finding(verdict.kept_back or _kept_back(exercise, answer) or "", right=True)


@dataclass(frozen=True)
class _Edit:
    """An answer's file that is not the one that was kept. because: why `mine` does not take it, or nothing.

    found: there was no record of it, as after the loss of the record.
    """

    exercise: Exercise
    because: str
    found: bool


def _note_edit(exercise: Exercise, book: Book, finding: _Finding) -> _Edit:
    """Write into the record what the answer's file holds now."""
    record = book.record(exercise.name)
    edit = _Edit(exercise, finding.because, found=record.digest is None)
    record.yours = not finding.because
    record.on_purpose = record.on_purpose and record.yours
    record.digest = _digest(exercise, record.on_purpose)
    if finding.right:
        record.status, record.solved = RIGHT, record.solved or now()
    return edit


def _about_edits(edits: Sequence[_Edit], book: Book) -> list[str]:
    """What the learner should know of them, one sentence each; of those without a record, one for all."""
    said = []
    found = [edit.exercise.function for edit in edits if edit.found and book.is_yours(edit.exercise.name)]
    if found:
        names = ", ".join(f"`{name}`" for name in found)
        be = "is" if len(found) == 1 else "are"
        said.append(f"The record is made anew from your files in answers/: {names} {be} right, and yours.")
    for edit in edits:
        name = f"`{edit.exercise.function}`"
        if edit.because:
            head = (
                f"{_file(edit.exercise)} is not taken" if edit.found else f"Your answer to {name} was changed"
            )
            said.append(f"{head}, and `mine` goes on with the loan: {ended(edit.because)}")
        elif _on_purpose(edit.exercise, book):
            said.append(f"Your answer to {name} was edited; it is kept unchecked, as you asked.")
        elif not edit.found and book.is_yours(edit.exercise.name):
            said.append(f"Your answer to {name} was edited since, and is right: `mine` runs on it.")
    return said
