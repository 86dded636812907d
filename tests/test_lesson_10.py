"""Lesson 10 draws figures of the full-length stages: they are those of docs/story.md."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = {"R1-Zero": "r1-zero", "final RL": "r1"}


def test_the_full_length_stages_have_the_figures_of_the_story():
    lesson = (ROOT / "lessons" / "10_r1_pipeline.py").read_text(encoding="utf-8")
    story = (ROOT / "docs" / "story.md").read_text(encoding="utf-8")
    drawn = re.findall(r'"([^"]+)": \((0\.\d\d), ([01]\.\d\d)\)', lesson)
    assert len(drawn) == 5
    for stage, right, language in drawn:
        row = next(line for line in story.splitlines() if line.startswith(f"| {_file(stage)} |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert (cells[1].split()[0], cells[6]) == (right, language), stage


def _file(stage):
    return ROWS.get(stage, stage.lower().replace(" ", "-"))
