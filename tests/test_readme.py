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
