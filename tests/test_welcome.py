"""The first lesson's code: shares, learning from rewards alone, the story's figures, the machine's report."""

from datetime import date

import pytest
import torch

from pocketr1.welcome import learn_sums, shares
from pocketr1.workbook import machine, story
from pocketr1.workbook.figures import canvas
from pocketr1.workbook.first_steps import what_check_says


def test_shares_sum_to_one_row_by_row():
    amounts = torch.tensor([[2.0, 6.0], [40.0, 60.0]])
    assert torch.equal(shares(amounts), torch.tensor([[0.25, 0.75], [0.4, 0.6]]))


def test_shares_do_not_depend_on_the_unit():
    amounts = torch.tensor([2664.0, 119.0, 5.0])
    torch.testing.assert_close(shares(amounts), shares(1000 * amounts))


def test_rewards_alone_teach_the_sums():
    right = [record.right for record in learn_sums(800)]
    assert right[0] < 0.1
    assert right[-1] > 0.95


def test_the_training_is_the_same_every_time():
    assert list(learn_sums(20)) == list(learn_sums(20))
    assert list(learn_sums(20)) != list(learn_sums(20, seed=1))


def test_one_try_has_no_group_and_teaches_nothing():
    right = [record.right for record in learn_sums(200, tries=1, learning_rate=5.0)]
    assert max(right) < 0.25  # 19 answers: chance is 0.05


def test_the_published_sums():
    assert [stage.thousand_hours for stage in story.V3_STAGES] == [2664, 119, 5]
    assert story.million_dollars(story.V3_STAGES) == pytest.approx(5.576)
    assert story.million_dollars(story.R1_STAGES) == pytest.approx(0.294)


def test_events_are_in_order_and_have_a_source():
    days = [event.day for event in story.EVENTS]
    assert days == sorted(days)
    assert all(event.source for event in story.EVENTS)
    assert date(2025, 1, 20) in days


def test_the_drawings_show_every_event_and_both_costs():
    fig, [top, bottom] = canvas(rows=2, height=7)
    story.draw_timeline(top)
    story.draw_costs(bottom)
    labels = " ".join(text.get_text() for text in top.texts)
    assert all(event.what in labels for event in story.EVENTS)
    assert "5.576" in bottom.texts[0].get_text()
    assert "0.294" in bottom.texts[1].get_text()


def test_the_report_says_what_to_do():
    ready = machine.Requirement("memory", True, "close programs")
    missing = machine.Requirement("a folder", False, "see who owns it")
    assert machine.report((ready,)).endswith("Your machine is ready.")
    report = machine.report((ready, missing))
    assert "NO   a folder: see who owns it" in report
    assert "close programs" not in report
    assert not report.endswith("ready.")


def test_the_machine_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETR1_WORK", str(tmp_path / "not made yet"))
    found = {item.what: item.met for item in machine.requirements()}
    assert found["Python 3.11 or newer"]
    assert found["a work folder that can be written to"]
    assert found["the version of PyTorch that was tested"]


def test_a_package_that_is_not_pinned_is_named(tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "learner.lock").write_text("torch==2.13.0\n", encoding="utf-8")
    assert machine.tested_version("torch", tmp_path) == "2.13.0"
    with pytest.raises(KeyError, match="numpy"):
        machine.tested_version("numpy", tmp_path)


def test_what_a_check_says_is_shown_and_not_recorded(capsys, work):
    what_check_says("shares", "nothing written yet")
    what_check_says("shares", lambda amounts: amounts / amounts.shape[-1])
    what_check_says("shares", "the course's own answer")
    said = capsys.readouterr().out
    assert said.index("Not attempted") < said.index("Not yet") < said.index("Right.")
    assert not work.exists()


@pytest.mark.parametrize(("name", "answer"), [("sharse", "nothing written yet"), ("shares", "nothing")])
def test_what_a_check_says_names_what_it_does_not_know(name, answer):
    with pytest.raises(ValueError, match="no exercise|an answer is"):
        what_check_says(name, answer)
