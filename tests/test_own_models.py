"""Models that one lesson leaves behind for the next: the learner's own first, the course's otherwise."""

import pytest
import torch

from pocketr1 import checkpoints, shipped
from pocketr1.workbook import begin, keep_model, load_model


@pytest.fixture(autouse=True)
def library(work, capsys):
    begin("00_welcome", {})
    capsys.readouterr()


def test_without_one_of_their_own_a_learner_gets_the_courses_model_in_their_own_classes(capsys):
    model = load_model("small-base")
    assert capsys.readouterr().out == "small-base: the one that comes with the course.\n"
    assert type(model).__module__ == "mine.model"
    assert checkpoints.digest(model.state_dict()) == checkpoints.digest(
        shipped.load("small-base").state_dict()
    )


def test_a_model_that_was_kept_is_the_next_lessons(work, capsys):
    model = load_model("small-base")
    with torch.no_grad():
        next(model.parameters()).add_(1)
    keep_model("small-base", model)
    said = capsys.readouterr().out
    assert "Kept: models/small-base.safetensors in your work folder." in said and str(work) not in said
    again = load_model("small-base")
    assert "small-base: your own." in capsys.readouterr().out
    assert checkpoints.digest(again.state_dict()) == checkpoints.digest(model.state_dict())


def test_a_damaged_model_of_ones_own_is_named_and_left_alone(work, capsys):
    keep_model("r1", load_model("small-base"))
    path = work / "models" / "r1.safetensors"
    damaged = path.read_bytes()[:-1] + b"x"
    path.write_bytes(damaged)
    capsys.readouterr()
    assert load_model("r1").config.dim == 96
    said = " ".join(capsys.readouterr().out.split())
    assert "Your own r1 cannot be used" in said and "is damaged" in said and "comes with the course" in said
    assert path.read_bytes() == damaged and str(work) not in said


def test_a_folder_that_cannot_be_written_to_costs_a_sentence(work, capsys):
    model = load_model("small-base")
    (work / "models").write_text("a file where a folder should be")
    capsys.readouterr()
    keep_model("student", model)
    assert "The model student is not kept" in capsys.readouterr().out


def test_a_name_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="there is no model"):
        load_model("r2")
