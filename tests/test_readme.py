"""The front door tells the truth: the map of lessons is that of course.toml, and what is linked is there."""

import re
from pathlib import Path

import pytest

from pocketr1.workbook.course import Lesson, read_course

ROOT = Path(__file__).resolve().parents[1]
COURSE = read_course(ROOT)
README = (ROOT / "README.md").read_text(encoding="utf-8")
WELCOME = (ROOT / "lessons" / "00_welcome.py").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "lessons/glossary.md"]


def row_of(lesson: Lesson) -> str:
    """A lesson's row in the README's table."""
    name = f"{lesson.number} {lesson.title}"
    link = f"[{name}](solutions/{lesson.id}.ipynb)" if lesson.ready else name
    return f"| {link} | {lesson.question} | {lesson.minutes} | {lesson.status} |"


def test_the_readme_maps_every_lesson_in_order():
    rows = [line for line in README.splitlines() if re.match(r"\| \[?\d\d ", line)]
    assert rows == [row_of(lesson) for lesson in COURSE.lessons]


def test_the_readme_says_what_exists():
    *others, last = [lesson.number for lesson in COURSE.ready]
    assert f"lessons {', '.join(others)} and {last}." in README


def test_the_readme_gives_the_hours_of_the_course():
    path = COURSE.paths[-1]
    hours = f"{round(path.minutes / 60)} hours of lessons, {path.hours} with breaks: three hours a\n  week"
    assert hours in README and path.hours == 10 * 3


def test_the_afternoon_s_clock_adds_up():
    """Each row begins when the one before ends, the whole is the path's hours, and the lessons fit in."""
    path = COURSE.paths[0]
    rows = re.findall(r"^  \| (\d\d):(\d\d) \| (\d+) \| (.*) \|$", README, flags=re.MULTILINE)
    begins = [int(hour) * 60 + int(minute) for hour, minute, _, _ in rows]
    lasts = [int(minutes) for _, _, minutes, _ in rows]
    assert [begin + last for begin, last in zip(begins, lasts, strict=True)][:-1] == begins[1:]
    assert sum(lasts) == path.hours * 60
    assert f"{path.minutes} minutes of lessons, and {path.hours} hours of a room" in README
    for lesson in map(COURSE.lesson, path.lessons):
        planned = sum(
            last for last, row in zip(lasts, rows, strict=True) if f"lesson {lesson.number}" in row[3]
        )
        left_out = sum(entry.minutes for entry in lesson.exercises if entry.name not in path.exercises)
        assert planned >= lesson.minutes - left_out


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_lesson_00_marks_planned_lessons():
    """Its map from claims to lessons: a lesson that exists is linked, one that does not is called planned."""
    cells = re.findall(r"^# \|.*\| (\[?\d\d .*?) \|$", WELCOME, flags=re.MULTILINE)
    assert len(cells) == 12
    for cell in cells:
        lesson = next(lesson for lesson in COURSE.lessons if lesson.number in cell[:3])
        name = f"{lesson.number} {lesson.title}"
        assert cell == (f"[{name}]({lesson.id}.ipynb)" if lesson.ready else f"{name} (planned)")


def test_the_glossary_is_in_order_and_has_no_word_twice():
    text = (ROOT / "lessons" / "glossary.md").read_text(encoding="utf-8").split("## Symbols")[0]
    words = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][1:]
    plain = [re.sub(r"[^a-z0-9 ]", " ", word.lower()).split() for word in words]
    assert plain == sorted(plain)
    assert len({tuple(word) for word in plain}) == len(plain)


def test_the_picture_is_there_and_has_words():
    assert re.search(r"!\[[^\]]{40,}\]\(docs/what_you_do\.svg\)", README)
    assert "not by its square root" in (ROOT / "docs" / "what_you_do.svg").read_text(encoding="utf-8")
