import random
from itertools import cycle, islice

import pytest
import torch

from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.fine_tuning import BATCH_TOKENS, BLOCK, as_batch, batches, fine_tune, in_batches, sft_mask
from pocketr1.model import LanguageModel
from pocketr1.training import Plan
from pocketr1.worlds import VOCABULARY, WEB, corpus

CONFIG = ModelConfig(len(VOCABULARY), dim=16, layers=1, attention=Heads(2, 2, 8), feed_forward=Dense(32))
DOCUMENTS = corpus(WEB, 200, seed=3)


def test_completion_and_end_token_count_question_and_padding_do_not():
    tokens = torch.tensor([[7, 8, 5, 6, 1, 0], [7, 8, 9, 5, 4, 1]])
    mask = sft_mask(tokens, torch.tensor([2, 3]))
    assert mask.tolist() == [
        [False, False, True, True, True, False],
        [False, False, False, True, True, True],
    ]


def test_a_batch_counts_what_each_document_answers():
    tokens, mask = as_batch(DOCUMENTS[:5])
    for row, counted, document in zip(tokens, mask, DOCUMENTS[:5], strict=True):
        assert VOCABULARY.decode(row[counted].tolist()).split() == [*document.completion, "<end>"]


def test_batches_hold_all_documents_once_and_about_the_same_number_of_tokens_to_predict():
    documents = iter(corpus(WEB, 2000, seed=4))
    made = in_batches(documents, count=6, generator=random.Random(0), size=200)
    rest = list(documents)
    held = [document for batch in made for document in batch]
    assert sorted(map(str, held + rest)) == sorted(map(str, corpus(WEB, 2000, seed=4)))
    sizes = [sum(len(document.completion) + 1 for document in batch) for batch in made]
    assert len(made) == 6
    assert all(abs(size - 200) < 60 for size in sizes)


def test_documents_of_a_batch_are_of_like_length_and_batches_are_not_in_order():
    made = in_batches(cycle(DOCUMENTS), count=8, generator=random.Random(0), size=200)
    lengths = [[len(document.tokens) for document in batch] for batch in made]
    spread = [max(batch) - min(batch) for batch in lengths]
    assert sum(spread) / len(spread) < 12  # over all documents it is 50
    assert [min(batch) for batch in lengths] != sorted(min(batch) for batch in lengths)


def test_a_step_has_the_same_batch_whenever_it_is_asked_for():
    def drawn(step, generator):
        return iter(lambda: generator.choice(DOCUMENTS), None)

    at, again, other = batches(drawn, 1), batches(drawn, 1), batches(drawn, 2)
    late = BLOCK + 3
    first = at(late)[0]
    at(0)
    assert torch.equal(first, at(late)[0])
    assert torch.equal(first, again(late)[0])
    assert not any(torch.equal(at(step)[0], other(step)[0]) for step in range(3))
    assert not torch.equal(at(0)[0], at(BLOCK)[0])


def test_the_block_s_first_step_is_told():
    told = []

    def drawn(step, generator):
        told.append(step)
        return cycle(DOCUMENTS)

    at = batches(drawn, 1)
    for step in (0, 1, BLOCK, BLOCK + 1):
        at(step)
    assert told == [0, BLOCK]


def test_fine_tuning_learns_its_documents_and_repeats_itself():
    plan = Plan(steps=25, learning_rate=1e-2, warmup=5)
    models = [LanguageModel(CONFIG) for _ in range(2)]
    losses = [[record.loss for record in fine_tune(model, DOCUMENTS[:4], plan, seed=1)] for model in models]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0] - 1


def test_the_loss_is_the_one_that_was_asked_for():
    asked = []

    def loss(model, tokens, mask):
        asked.append(tokens.shape)
        return model(tokens).square().mean()

    records = list(fine_tune(LanguageModel(CONFIG), DOCUMENTS, Plan(steps=2, warmup=1), 0, loss))
    assert len(asked) == 2
    assert all(record.loss < 0.1 for record in records)  # next tokens would cost 3.7


def test_a_record_counts_the_tokens_without_padding():
    (record,) = fine_tune(LanguageModel(CONFIG), DOCUMENTS, Plan(steps=1, warmup=1))
    assert BATCH_TOKENS < record.tokens < 5 * BATCH_TOKENS


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="no document"):
        next(fine_tune(LanguageModel(CONFIG), [], Plan(steps=1)))


def test_the_stream_is_not_drawn_further_than_needed():
    documents = iter(DOCUMENTS)
    in_batches(documents, count=1, generator=random.Random(0), size=50)
    assert len(list(islice(documents, 200))) > 180
