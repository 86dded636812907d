"""The recording of R1-Zero is that of the course's own model, and its pictures say what it holds."""

from pathlib import Path

import pytest

from pocketr1 import checkpoints, pipeline, replay, shipped
from pocketr1.replay import Look, Recording, look_at, questions, recording
from pocketr1.workbook.figures import canvas
from pocketr1.workbook.replaying import draw_lengths, draw_replay, lines_of, summary

ROOT = Path(__file__).resolve().parents[1]


def test_the_recording_ends_in_the_model_that_comes_with_the_course():
    assert recording().sha256 == checkpoints.digest(shipped.load("r1-zero").state_dict())


def test_it_looks_at_the_start_at_the_end_and_between():
    kept = recording()
    steps = pipeline.ZERO_RL.steps
    assert [look.step for look in kept.looks] == list(range(0, steps + 1, replay.EVERY))
    assert len(kept.right) == len(kept.worked) == len(kept.length) == steps
    count = len(pipeline.REASONING) * replay.COUNT * replay.SAMPLES
    assert all(len(look.right) == len(look.worked) == len(look.lengths) == count for look in kept.looks)


@pytest.mark.parametrize(("name", "place"), [("base", 0), ("r1-zero", -1)])
def test_the_models_that_ship_answer_as_they_did_then(name, place):
    kept, now = recording().looks[place], look_at(shipped.load(name), 0)
    for then, again in ((kept.right, now.right), (kept.worked, now.worked), (kept.lengths, now.lengths)):
        assert sum(then) == pytest.approx(sum(again), rel=0.05)  # processors differ in the last digits
    assert len(now.answers) == len(now.hits) == len(questions())


def test_lesson_00_tells_what_was_recorded():
    source = (ROOT / "lessons" / "00_welcome.py").read_text(encoding="utf-8")
    text = " ".join(source.replace("\n#", "").split())
    kept = {look.step: look for look in recording().looks}
    right = {step: f"{sum(kept[step].right) / len(kept[step].right):.2f}" for step in (0, 20, 60)}
    assert f"{right[0]} are right at step 0, {right[20]} at step 20 and {right[60]} at step 60" in text
    for step in (20, 60):
        worked = kept[step].answers[1].partition(" then ")[2].partition(" </think>")[0]
        assert f"`then {worked}`" in text


def test_a_training_is_recorded_every_few_steps(monkeypatch):
    """The loop alone, with a training that does nothing."""
    monkeypatch.setattr(replay, "_train", lambda model: iter([_Step(0.125)] * pipeline.ZERO_RL.steps))
    monkeypatch.setattr(replay, "look_at", lambda model, step: Look(step, [], [], [], [], []))
    made = replay.record(shipped.load("small-base"))
    assert [look.step for look in made.looks] == [look.step for look in recording().looks]
    assert made.right == [0.125] * pipeline.ZERO_RL.steps


class _Step:
    def __init__(self, value: float) -> None:
        self.accuracy = self.worked = self.length = value


@pytest.mark.parametrize("text", ["", "{", "[]", '{"looks": [{}]}'])
def test_a_damaged_recording_is_named(tmp_path, text):
    path = tmp_path / "recording.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="recording.json holds no readable recording"):
        recording(path)


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no readable recording"):
        recording(tmp_path / "nothing.json")


# --- an answer, read step by step: `run mul7 add3 tot : 8 7 6 9`, which is 9 1 6 2 ----------------------

QUESTION = questions()[1]


def remarks(text: str) -> list[str]:
    return [remark for _, remark in lines_of(QUESTION, text)]


def test_a_right_answer_has_a_line_for_each_step():
    worked = "<think> 8 7 6 9 then mul7 6 9 2 3 then add3 9 2 5 6 deinde tot 9 1 6 2 </think> "
    lines = lines_of(QUESTION, f"{worked}<answer> 9 1 6 2 </answer> <end>")
    assert [remark for _, remark in lines] == ["", "✓", "✓", "✓", "✓ right"]
    assert lines[0][0] == "<think> 8 7 6 9" and lines[-1][0] == "<answer> 9 1 6 2 </answer>"


def test_a_slip_is_marked_where_it_is_and_what_follows_is_held_against_it():
    said = remarks("8 7 6 9 then mul7 6 9 2 1 then add3 9 2 5 4 <answer> 9 2 5 4 </answer> <end>")
    assert said == ["", "✗ a slip: 6 9 2 3", "✓", "✗ wrong: 9 1 6 2"]


def test_a_step_that_is_taken_back_is_held_against_the_line_before_it():
    said = remarks("8 7 6 9 then mul7 6 9 2 1 wait mul7 6 9 2 3 then add3 9 2 5 6")
    assert said == ["", "✗ a slip: 6 9 2 3", "✓", "✓"]


def test_what_is_no_step_and_what_is_no_answer_are_said():
    assert remarks("then <answer> 1 </answer> 2") == ["✗ no step", "no answer"]
    assert remarks("then 8 1") == ["✗ no step"]


# --- pictures --------------------------------------------------------------------------------------------


def test_the_bars_of_a_histogram_are_shares_that_add_up_to_one():
    _, [ax] = canvas()
    draw_lengths(ax, [7, 7, 30, 31], [0, 1, 0, 1], [0, 0, 1, 1])
    assert sum(patch.get_height() for patch in ax.patches) == pytest.approx(1)
    assert ax.lines[0].get_xdata()[0] == 18.75


def test_a_look_in_words():
    look = Look(5, [1, 0, 0, 0], [1, 1, 0, 0], [30, 30, 7, 7], [], [])
    assert "of 4 answers to test problems 0.25 are right, 0.50 are worked" in summary(look)
    assert "18 tokens" in summary(look)


def test_the_figure_of_a_step_says_what_was_written_and_whether_it_is_right():
    look = Look(5, [1], [0], [7], ["<answer> 9 1 6 2 </answer> <end>"] * 3, [1, 2, 3])
    fig, said = draw_replay(Recording([look], [], [], [], ""), 1, 5)
    asked = "After 5 steps: find run mul7 add3 tot : 8 7 6 9 ?"
    assert said.startswith(f"{asked} <answer> 9 1 6 2 </answer> (✓ right).")
    assert "Of 8 such tries 2 are right" in said
    assert [text.get_text() for text in fig.axes[0].texts] == ["<answer> 9 1 6 2 </answer>", "✓ right"]
