import random
from dataclasses import replace

import pytest

from pocketr1 import pretraining
from pocketr1.pretraining import STUDENT, TEACHER, new_model, pretrain
from pocketr1.training import Plan


def test_a_new_model_starts_with_the_sizes_it_says():
    model = new_model(TEACHER, seed=0)
    stds = {
        name: parameter.std().item() for name, parameter in model.named_parameters() if parameter.ndim > 1
    }
    assert stds["embedding.weight"] == pytest.approx(0.5, rel=0.05)
    assert stds["head.weight"] == pytest.approx(96**-0.5 / 2, rel=0.05)
    assert stds["blocks.1.attention.query.weight"] == pytest.approx(96**-0.5, rel=0.05)
    for closing in ("attention.output", "feed_forward.down"):
        assert stds[f"blocks.1.{closing}.weight"] == pytest.approx((96 * 6) ** -0.5, rel=0.05)


def test_gains_stay_at_one_and_seeds_differ():
    one, other = new_model(STUDENT, 0), new_model(STUDENT, 1)
    assert (one.norm.gain == 1).all()
    assert not (one.head.weight == other.head.weight).any()


def test_the_textbook_comes_first_and_everything_in_it_is_worked(monkeypatch):
    asked = []

    def documents_of(recipe, generator, split):
        asked.append((recipe, split))
        return iter(lambda: asked[-1], None)

    def batches(documents, seed):
        for step in (0, 64, 128):
            next(documents(step, random.Random(0)))
        return lambda step: pytest.fail("no batch is needed here")

    monkeypatch.setattr(pretraining, "stream_of_documents", documents_of)
    monkeypatch.setattr(pretraining, "batches", batches)
    with pytest.raises(pytest.fail.Exception):
        next(pretrain(new_model(STUDENT, 0), Plan(steps=300), 0))
    assert asked == [
        (pretraining.TEXTBOOK, "train"),
        (pretraining.TEXTBOOK, "train"),
        (pretraining.WEB, "train"),
    ]


def test_pretraining_learns_and_seeds_change_what_it_reads():
    small = replace(STUDENT, dim=16, layers=1)
    plan = Plan(steps=12, learning_rate=1e-2, warmup=2)
    losses = [[record.loss for record in pretrain(new_model(small, 0), plan, seed)] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][-1] < losses[0][0] - 0.5
