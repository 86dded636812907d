"""The broken trainers: their logs are what such trainers write, and each fault shows on its own gauge."""

import pytest

from pocketr1 import dashboards, grpo, shipped
from pocketr1.checks.dashboards import BEHIND, WOULD_SHOW
from pocketr1.worlds import problems

LOGS = dashboards.recorded()
HEALTHY = LOGS[dashboards.HEALTHY]
TRAINERS = {dashboards.HEALTHY: dashboards.HEALTHY, **dashboards.diagnoses()}


def base():
    return shipped.load(dashboards.BASE)


def late(log, name):
    return sum(log[name][-10:]) / 10


def test_there_is_a_whole_log_of_each_trainer():
    assert list(LOGS) == list(TRAINERS)
    for log in LOGS.values():
        assert list(log) == ["step", *dashboards.SHOWN]
        assert {len(values) for values in log.values()} == {dashboards.PLAN.steps}


def test_the_check_knows_the_same_faults():
    assert dashboards.diagnoses() == BEHIND
    assert set(dashboards.FAULTS) == set(WOULD_SHOW)
    assert all(len(says) <= 60 for says in WOULD_SHOW.values())  # a message shows no more of a text


@pytest.mark.parametrize("letter", LOGS)
def test_the_first_step_comes_out_as_it_was_recorded(letter):
    (record,) = dashboards.train(base(), TRAINERS[letter], steps=1)
    for name in ("reward", "accuracy", "silent_groups", "length_right", "length_wrong", "entropy"):
        assert getattr(record, name) == pytest.approx(LOGS[letter][name][0], abs=0.02, rel=0.02), name
    assert record.gradient_norm == pytest.approx(LOGS[letter]["gradient_norm"][0], rel=0.05, abs=1e-6)


def test_the_healthy_trainer_learns_with_a_loss_of_about_zero():
    assert HEALTHY["accuracy"][0] < 0.3 < 0.65 < late(HEALTHY, "accuracy")
    assert HEALTHY["reward"] == HEALTHY["accuracy"]
    assert max(abs(loss) for loss in HEALTHY["loss"]) < 0.02


def test_cut_off_answers_end_at_one_length():
    log = LOGS["A"]
    assert late(log, "length_right") == pytest.approx(late(log, "length_wrong"), abs=1)
    assert max(log["length_right"] + log["length_wrong"]) <= 26
    assert late(log, "accuracy") < 0.5


def test_without_a_gradient_nothing_moves_though_groups_have_contrast():
    log = LOGS["B"]
    assert set(log["gradient_norm"]) == {0.0}
    assert sum(log["silent_groups"]) / len(log["silent_groups"]) < 0.5
    assert set(log["ratio_max"]) == {1.0}


def test_a_fooled_verifier_pays_ever_more_for_what_is_never_right():
    log = LOGS["C"]
    assert max(log["accuracy"]) > 0.7
    assert late(log, "reward") > 0.8 > 0.1 > late(log, "accuracy")
    (problem,) = problems("calc", 2, 1, seed=0)
    assert dashboards.as_far_as_it_goes(problem, problem.answer)
    assert dashboards.as_far_as_it_goes(problem, problem.answer[:1])
    assert dashboards.as_far_as_it_goes(problem, ())
    assert not dashboards.as_far_as_it_goes(problem, ("x", *problem.answer[1:]))


def test_a_high_learning_rate_keeps_the_clip_busy_and_breaks_the_policy():
    log = LOGS["D"]
    busy = [share for share, silent in zip(log["clipped"], log["silent_groups"], strict=True) if silent < 1]
    assert log["clipped"][0] > 2 * HEALTHY["clipped"][0]
    assert sum(busy[2:]) / len(busy[2:]) > 5 * late(HEALTHY, "clipped")
    assert late(log, "accuracy") < 0.05


def test_a_strong_pull_shows_in_loss_and_gradient_and_the_policy_stands_still():
    log = LOGS["E"]
    assert min(log["loss"]) > 0.02
    assert late(log, "gradient_norm") > 3 * late(HEALTHY, "gradient_norm")
    assert late(log, "entropy") > 5 * late(HEALTHY, "entropy")
    assert abs(late(log, "accuracy") - log["accuracy"][0]) < 0.1


def test_the_ratio_is_mended_again_after_a_trainer_without_gradient():
    before = grpo.ratio
    list(dashboards.train(base(), "no gradient", steps=1))
    assert grpo.ratio is before


def test_recording_writes_all_logs(monkeypatch, tmp_path):
    real = dashboards.train
    monkeypatch.setattr(dashboards, "train", lambda model, fault: real(model, "healthy", steps=1))
    monkeypatch.setattr(dashboards, "_path", lambda: tmp_path / "dashboards.json")
    dashboards.record()
    logs = dashboards.recorded()
    assert list(logs) == list(TRAINERS)
    assert logs["A"]["reward"] == HEALTHY["reward"][:1]
