# %% [markdown]
# In lesson 09 rewards alone turned a base model into one that works things out: R1-Zero. DeepSeek did not stop
# there. R1-Zero's answers were hard to read, and they mixed languages. So R1 was made in another way: four
# stages, two of them fine-tunings and two of them reinforcement learning (RL).
#
# You run all four, in small. Before each stage you write down what it will change. A table grows row by row,
# beside the one that DeepSeek published. At the end there is a model, made by you, and a question: does what it
# learned on arithmetic help it with programs?
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → **stop line** → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# The lesson has **two sittings**, of about 45 and 50 minutes. All training together takes about a minute and a
# half of one core.

# %% key="setup"
import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pocketr1.claims import CLAIMS
from pocketr1.claims.claim import verdict
from pocketr1.claims.recorded_results import read as recorded_seeds
from pocketr1.configuration import PADDING
from pocketr1.evaluation import Decomposition
from pocketr1.rewards import Score
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.diagrams import draw_languages, draw_stages
from pocketr1.workbook.figures import canvas, colours, draw_seeds
from pocketr1.workbook.own_models import keep_model, load_model
from pocketr1.workbook.widgets import Choice, Slider
from pocketr1.worlds import LANGUAGES, VOCABULARY, Document, Problem, Reading, judge, problems, read

begin("10_r1_pipeline", globals())

# %% [markdown]
# ## What was wrong
#
# > **The way:** **what was wrong** → one number → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* read some answers of R1-Zero. *Why:* rewards changed what was rewarded. What nobody
# rewarded may have gone anywhere.
#
# The world has two little languages. A question begins with `find` in English and with `quaere` in Latin. A
# step is opened by `then` or by `deinde`, and a step is taken back with `wait` or `mane`. That is all in which
# they differ.
#
# R1-Zero was paid for right answers, and a little for keeping its thinking in its tags. What will you dislike
# when you read its answers? Write what you expect, in place of the dots.

# %% key="predict-zero"
predict("zero", "...")

# %% key="models"
from mine import fast_writing, generation, report_card

base, zero = load_model("base"), load_model("r1-zero")

def written(model, problem, seed=None, writer=fast_writing.FastWriter):
    """One answer, word by word: the likeliest words, or, with a seed, drawn at temperature 1."""
    prompts, random = [VOCABULARY.encode(problem.prompt)], torch.Generator().manual_seed(seed or 0)
    sampling = generation.Sampling(report_card.LONGEST, temperature=0.0 if seed is None else 1.0)
    rows = generation.generate(writer(model), prompts, sampling, random)
    return VOCABULARY.decode(rows.tokens[0, : rows.lengths[0]].tolist())

# %% key="answers" exempt="what a trained model writes may differ between processors"
asked = [problems("run", 3, 2, seed=2, split="test", language=name)[0] for name in LANGUAGES]
for problem in asked:
    print(*problem.prompt)
    for seed in (1, 2, 3):
        print("    ", written(zero, problem, seed))

# %% [markdown]
# Does the language of the question matter to it? And do the answers keep to one language?
#
# In this lesson `FastWriter` writes all the answers. It is the course's own decoder: the same model, its
# matrices rearranged. So that you need not take that on trust, here the same questions go through your own
# transformer, which is slower.

# %% key="same-words"
same = [written(zero, each, writer=lambda model: model) == written(zero, each) for each in asked]
print("your own transformer writes the same words:", same)

# %% [markdown]
# Now in numbers. `measure` lets a model answer 120 test problems, 12 of each of ten kinds, four times each. A kind
# is a skill (`calc`, `run` or `write`) at one level of difficulty.
#
# *right* is pass@1 with its 95 % interval over problems, *if working* the share of right answers among those
# that work step by step, *tokens* the mean length, *tidy* the share whose thinking is in its tags, *language*
# the share of language words that are in the question's language, in worked answers.
#
# Look at the intervals before you compare two rows: differences of less than 0.1 may well be chance.

# %% key="measure"
results, table = {}, {}

def measure(name, model):
    results[name] = report_card.evaluate(fast_writing.FastWriter(model), count=12, samples=4)
    table[name] = report_card.together(results[name])

def print_table():
    print(f"{'':20}{'right':20}{'if working':12}{'tokens':>6}{'tidy':>8}{'language':>10}")
    for row, r in table.items():
        print(f"{row:20}{r.pass_at_1!s:20}{r.parts.right_when_working:10.2f}", end="")
        print(f"{r.length:8.0f}{r.tidy:8.2f}{r.consistency:10.2f}")

# %% key="first-rows" exempt="figures of trained models"
measure("base", base)
measure("R1-Zero", zero)
print_table()

# %% key="zero-held-against"
recall("zero")

# %% [markdown]
# R1-Zero is right far more often than the base. And its *language*? It fell a little when this lesson was written.
# It might as well have risen: nothing pulled it either way. The base read many documents whose steps are in the
# other language than their question, or change it half-way. A right answer in mixed languages was paid in full.
#
# That is what DeepSeek reports of the large R1-Zero too: "poor readability, and language mixing". Readability
# means more there than here, such as an answer that is set apart so that a reader finds it. In our world the
# thinking is an operation and a few digits a step, so it can always be read. Of the two faults we can show the
# second.
#
# *Source: DeepSeek-R1, arXiv 2501.12948v1, abstract and section 2.3.*

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: what was wrong 9, one number 13, four stages 8, cold start 11,
# reasoning RL 5. Second sitting: second fine-tuning 15, final RL 4, side by side 5, what carries over 15, more
# than one seed 4, the end 6. That is 95 in all. The core exercises (`total_reward`, `stage_starts`,
# `rejection_sample`) with their sections, and the training, take about 70 minutes: leave out the other three
# exercises and *What carries over*.
#
# What people say first: "it will be wrong a lot". It is not. Ask the room: who would have to notice mixed
# languages, so that training mends it? (A reward, or an example. Nothing else reaches the weights.)

# %% [markdown]
# ## One number
#
# > **The way:** what was wrong → **one number** → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* a reward for keeping to the question's language, and one number out of three rewards. *Why:*
# GRPO wants one number for each answer.
#
# **By hand.** The question is in English, and the thinking has three steps, opened by `then`, `deinde`, `then`.
# Two of three language words are English: 2/3. In a Latin question the same thinking earns 1/3. Digits and
# operations belong to no language, and the question is not the model's.
#
# And an answer without any step? It has no language word. Is that consistent? Decide before you read on.
#
# If it were paid in full, *not thinking* would be the safest way to earn this reward. So it earns nothing.

# %% key="language-by-hand"
thinking = "<think> 4 8 2 1 then rev 1 2 8 4 deinde add3 4 5 1 7 then rot 5 1 7 4 </think>"
print(read(thinking + " <answer> 5 1 7 4 </answer>").words)
print(read("<answer> 5 1 7 4 </answer>").words)

# %% exercise="rewards.language_consistency"
# 1. How many language words are there, of all languages together?
# 2. None: a Score of 0, and why.
# 3. Otherwise a Score of the share that is in the problem's language. Say why, where it is not 1.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `reading.words` is a dictionary: `sum(reading.words.values())` is how many there are. Which key is the right
# one? The problem knows.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `reading.words[problem.language]` are the words in the question's language. There is a method
# `reading.consistency`, which the table uses. It counts silence as consistent, so it will not do here as it is.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `share = reading.words[problem.language] / words`, after `if not words: return Score(0.0, "...")`. In full:
# `solution("language_consistency")`.
#
# </details>

# %% key="language-paid"
from mine import rewards

for problem in asked:
    for text in (thinking + " <answer> 5 1 7 4 </answer>", "<answer> 5 1 7 4 </answer>"):
        score = rewards.language_consistency(problem, read(text))
        print(f"asked in {problem.language:8} {score.value:.2f}   {score.why}")

# %% [markdown]
# Now one number. Each reward has a weight, and the weighted values are *added*:
#
# $$r = 1 · \text{right} + 0.1 · \text{tidy} + 0.2 · \text{language}$$
#
# **By hand.** Right, tidy, and two thirds in the question's language: 1 + 0.1 + 0.133 = 1.233. Wrong, tidy and
# all in one language: 0.3. Could a wrong answer ever earn more than a right one? With these weights it cannot.
#
# In training, the language is paid only where there is an answer at all (`rewards.if_answered`). Otherwise 72 times
# `then`, without an end, would earn 0.2.

# %% exercise="rewards.total_reward"
# 1. For each reward, by its name: the weight times the value.
# 2. Add them up.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Go through the names of one dictionary, and look each of them up in the other.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `values.items()` gives names with values. Do not rely on both dictionaries having the same order.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `return sum(weights[name] * value for name, value in values.items())`. In full: `solution("total_reward")`.
#
# </details>

# %% key="total-by-hand"
from mine import rewards

weights = {name: weight for name, (weight, _) in rewards.ACCURACY_FORMAT_AND_LANGUAGE.items()}
print("weights:", weights)
for right, language in ((1, 2 / 3), (0, 1), (1, 0)):
    values = {"right": right, "tidy": 1, "language": language}
    print(f"right {right}, tidy 1, language {language:.2f}: {rewards.total_reward(values, weights):.3f}")

# %% [markdown]
# Six answers to one question, and what each earns. **Move the weights**, which are in hundredths: 20 is 0.2. With
# the keyboard: Tab goes from one control to the next, the arrow keys move it.
#
# - Language 20, tidy 10: two pairs of answers are paid alike. Would you call them equally good?
# - How large must the language weight be for a *wrong* answer in good English to earn more than a *right* one
#   in Latin? What would a model learn from that?
# - Language 0: whom does nobody correct? (This is R1-Zero.)

# %% key="six-answers"
english = problems("run", 2, 1, seed=4, language="english")[0]
steps_of = [f"then {step} 0 0 0 0" for step in english.steps]
latin_steps = [step.replace("then", "deinde") for step in steps_of]
right, wrong = " ".join(english.answer), "0 0 0 0"
kinds = {
    "right, English": (True, steps_of, right),
    "right, mixed": (True, [steps_of[0], latin_steps[1]], right),
    "right, Latin": (True, latin_steps, right),
    "right, no thinking": (True, [], right),
    "right, no tags": (False, steps_of, right),
    "wrong, English": (True, steps_of, wrong),
}

def reading_of(tags, thought, answer):
    inside = " ".join(thought)
    return read((f"<think> {inside} </think>" if tags else inside) + f" <answer> {answer} </answer>")

# %% key="explore-weights"
def paid(language, tidy):
    fig, [ax] = canvas(width=8.4, height=3)
    chosen, sums = {"right": 1.0, "tidy": tidy / 100, "language": language / 100}, {}
    for row, (kind, parts) in enumerate(kinds.items()):
        scores = rewards.total(rewards.ACCURACY_FORMAT_AND_LANGUAGE, english, reading_of(*parts))[1]
        values, left = {name: score.value for name, score in scores.items()}, 0.0
        sums[kind] = rewards.total_reward(values, chosen)
        for (name, value), shade, hatch in zip(values.items(), colours[:3], ("", "//", ".."), strict=True):
            look = {"color": shade, "hatch": hatch, "edgecolor": "white", "height": 0.65}
            ax.barh(row, chosen[name] * value, left=left, label=name if row == 0 else None, **look)
            left += chosen[name] * value
        ax.text(left + 0.02, row, f"{sums[kind]:.2f}", va="center", fontsize=9.5)
    ax.set_yticks(range(len(kinds)), list(kinds))
    ax.set(ylim=(5.6, -0.6), xlim=(0, 1.35 + sum(chosen.values()) - 1), xlabel="reward")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    said = ", ".join(f"{kind} {total:.2f}" for kind, total in sums.items())
    worse = sums["wrong, English"] > sums["right, Latin"]
    return fig, f"Rewards: {said}. A wrong answer can earn more than a right one: {'yes' if worse else 'no'}."

explore(paid, language=Slider("language", 0, 150, 20), tidy=Slider("tidy", 0, 50, 10))

# %% [markdown]
# **A question on the way.** Why a sum, and not a product, right times language?
#
# <details><summary>(a) It is easier to compute.</summary>
#
# Both are one line.
#
# </details>
# <details><summary>(b) With a product, an answer in the wrong language earns nothing, however right it is.</summary>
#
# Right. And a wrong answer would earn nothing for its language. At the start of training, when few answers are
# right, the sum still says something about all the others.
#
# </details>
# <details><summary>(c) A product is never above 1.</summary>
#
# GRPO subtracts the mean of a group and divides by its spread: the scale does not matter to it.
#
# </details>
#
# What did the language reward cost DeepSeek? They compared a 7-billion model trained with and without it: with
# it, consistency stayed stable; mathematics came out equal, and code slightly lower. They took it because
# people like to read the result.
#
# *Sources. The sum: arXiv 2501.12948v1, section 2.3.2. The comparison: version 2, supplement B.6, not read in
# the primary text but in a copy.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `total_reward`: they multiply; they forget the weights; they rely on both
# dictionaries having the same order; they divide by the number of rewards.
#
# Ask the room: how large may the weight of the language be? (Smaller than what a right answer earns more than a wrong
# one. From there on, a wrong answer in good English is paid as well as a right one in Latin.)

# %% [markdown]
# ## Four stages
#
# > **The way:** what was wrong → one number → **four stages** → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* see how the stages hang together. *Why:* it is easy to take them for one chain. They are not.
#
# 1. **Cold start.** Fine-tuning on a few thousand long worked answers that are pleasant to read.
# 2. **Reasoning RL.** GRPO on mathematics, code, science and logic, with the language reward.
# 3. **Second fine-tuning.** Stage 2's model answers many problems. What is right and readable is kept: about
#    600,000 documents. Some 200,000 others come to them: writing, questions of fact. A model is fine-tuned on
#    all of these.
# 4. **Final RL.** On all kinds of requests.
#
# *Which* model is fine-tuned in stage 3? Think of what passes from stage 2 to stage 3: is it weights, or is it
# something else?

# %% exercise="pipeline.stage_starts"
# 1. A dictionary with the four stages as keys.
# 2. For each, the name of the model that it starts from.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Cold start: nothing has been trained yet but the base. R1-Zero is a branch of its own. Two of the stages are
# fine-tunings, two are RL. Each RL goes on from a fine-tuning.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# What stage 2 hands on are *documents*. Whoever has the documents does not need the model that wrote them. The
# paper says of stage 3: "we fine-tune DeepSeek-V3-Base".
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Two values are "base". `solution("stage_starts")` shows all four.
#
# </details>

# %% key="stages-figure"
from mine import pipeline

starts = {**pipeline.stage_starts(), "R1-Zero (RL)": "base"}
order = ["R1-Zero (RL)", "cold start", "reasoning RL", "second fine-tuning", "final RL"]
fig, [ax] = canvas(width=9.4, height=3)
draw_stages(ax, {stage: starts[stage] for stage in order}, {"second fine-tuning": "reasoning RL"})
show(fig, alt="""Where each stage starts. """ + "; ".join(f"{stage}: from {starts[stage]}" for stage in order)
    + ". From reasoning RL to the second fine-tuning go documents, not a model.")

# %% [markdown]
# The models after each stage have names in DeepSeek's paper: Dev1, Dev2, Dev3, and R1. Here is some of what was
# measured. AIME and CNMO are contests of mathematics (one try: pass@1, averaged over many). IF-Eval asks whether
# a model follows instructions.
#
# | model | after | AIME 2024 | CNMO 2024 | IF-Eval |
# |---|---|---|---|---|
# | R1-Zero | RL from the base | 77.9 | 88.1 | 46.6 |
# | Dev1 | cold start | 59.0 | 58.0 | 71.7 |
# | Dev2 | reasoning RL | 74.0 | 73.9 | 72.0 |
# | Dev3 | second fine-tuning | 78.1 | 77.3 | 78.1 |
# | R1 | final RL | 79.8 | 78.8 | 83.3 |
#
# So R1 is not better than R1-Zero at everything: on CNMO it stays 9 points behind. Most of what it gained in
# following instructions came with the cold start, before any RL.
#
# **Read with care.** From R1-Zero to Dev1 it goes down by 19 points, and one often reads of a "dip" after the
# cold start. But Dev1 is not R1-Zero trained further. It starts from the base, and it is one short fine-tuning
# away from it. Nothing dipped within one run.
#
# *Source: version 2 of the R1 paper, table 3, which is table 2 in Nature 645:633 (2025); not read in the primary
# text but in a copy. Version 1 has 71.0 for R1-Zero on AIME. Models of 671 billion parameters.*

# %% [markdown] tags=["teacher"]
# **For teachers.** Draw the chain on the board first, as everybody expects it, and let the room find what is
# wrong. The check names eleven ways to connect the stages.
#
# Ask the room: why would one throw away a model that has just been trained? We know of no comparison in the
# paper. (Some reasons one may think of: stage 2's model has seen nothing but reasoning and may have forgotten
# other things; RL narrows what a model writes; documents can be filtered, and weights cannot.)

# %% [markdown]
# ## Cold start
#
# > **The way:** what was wrong → one number → four stages → **cold start** → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* fine-tune the base on 300 worked answers without a fault, in the question's language. *Why:*
# RL can only pay for what it sees. A model that already writes readable steps is a better start.
#
# Such fine-tuning on chosen documents is called *supervised fine-tuning*, **SFT** for short. It is the next-token
# training of lesson 03, with one difference: the question is read and not learned. Which tokens count is said by
# a mask, True at the *tokens* that are to be predicted.
#
# **By hand.** A question of 2 tokens, an answer of 2, the end token (number 1), one padding (number 0):
#
# | token | 7 | 8 | 5 | 6 | 1 | 0 |
# |---|---|---|---|---|---|---|
# | what it is | question | question | answer | answer | end | padding |
# | counts | no | no | yes | yes | **yes** | no |
#
# What would happen if the end did not count?

# %% exercise="fine_tuning.sft_mask"
# 1. The places of a row: 0, 1, 2, ...
# 2. At or after the row's own prompt length: no longer the question.
# 3. Both that and no padding.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.arange(tokens.shape[1])` are the places. Comparing [seq] with [batch] needs another axis:
# `prompt_lengths.unsqueeze(1)` is [batch, 1].
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Two boolean tensors are joined with `&`, each comparison in brackets. Padding is token `PADDING`, which is 0.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `(places >= prompt_lengths.unsqueeze(1)) & (tokens != PADDING)`. In full: `solution("sft_mask")`.
#
# </details>

# %% key="masked-words"
from mine import fine_tuning, pipeline

documents = pipeline.faultless_documents(pipeline.REASONING, 300, seed=0)
tokens, mask = fine_tuning.as_batch(documents[:3])
for row, counts in zip(tokens.tolist(), mask.tolist(), strict=True):
    words = [VOCABULARY.words[token] for token in row]
    print("read:   ", *[word for word, yes in zip(words, counts, strict=True) if not yes and word != "<pad>"])
    print("learned:", *[word for word, yes in zip(words, counts, strict=True) if yes], "\n")

# %% [markdown]
# If the end token did not count, the model would learn to answer, and not to stop.
#
# **Predict the row** of the model after the cold start: right (base and R1-Zero are in the table above), tokens,
# language. The published Dev1 was 19 points below R1-Zero. Write three numbers, and why.

# %% key="predict-cold"
predict("cold start", "...")

# %% key="start"
models = {"base": base, "R1-Zero": zero}

def start_of(stage):
    """A copy of the model that the stage starts from: your `stage_starts` says which."""
    return copy.deepcopy(models[pipeline.stage_starts()[stage]])

# %% key="cold-start" exempt="trained floats differ in the last digits between processors"
from mine import training

models["cold start"] = start_of("cold start")
plan = training.Plan(steps(30), learning_rate=1e-3, warmup=10)
history = watch(
    pipeline.cold_start(models["cold start"], seed=0, plan=plan),
    steps=plan.steps,
    curves=["loss"],
    alt="The loss on the faultless documents, over the steps of the cold start.",
)

# %% key="row-cold" exempt="figures of trained models"
measure("cold start", models["cold start"])
print_table()

# %% key="cold-held-against"
recall("cold start")

# %% [markdown]
# The language is where it should be, at once. And the accuracy? While this lesson was written, it jumped up from
# the base and came near R1-Zero's, some points below it: **a dip of the published size was missing.** (Our R1-Zero
# had its full length, this cold start 30 of 80 steps. With all 80 it is above: see *Side by side*.) What the recorded
# seeds say comes at the end.
#
# Why? Two guesses. Our documents have no fault, and the right way of working is all they show: one way, always
# the same. And the base can do all of it already: worked documents were in what it read. It is enough to *choose*
# that way. (With fewer documents it was still far above the base: see `docs/story.md`.) DeepSeek's cold start taught
# thousands of different, long texts for people to read, to a model that was to solve contest problems. That may
# well cost something at first.

# %% [markdown]
# ## Reasoning RL
#
# > **The way:** what was wrong → one number → four stages → cold start → **reasoning RL** → stop line → second
# > fine-tuning → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* GRPO from there, on `calc` and `run`, with your sum of three rewards. *Why:* imitation has
# shown the way; rewards say how well it is gone.
#
# **Predict the row:** right, tokens, language. It is a short run: 14 steps of 16 problems, 8 answers each.

# %% key="predict-reasoning"
predict("reasoning RL", "...")

# %% key="watching"
from mine import grpo_training

rl_plan = grpo_training.GrpoPlan(steps(14), problems=16, learning_rate=5e-4, max_new=report_card.LONGEST)

@dataclass
class Look:
    step: int
    right: float
    language: float  # the mean of the language reward

def looks(records):
    for record in records:
        yield Look(record.step, record.accuracy, record.parts["language"])

CURVES = {"right": "share of right answers", "language": "language reward"}

# %% key="reasoning-rl" exempt="trained floats differ in the last digits between processors"
models["reasoning RL"] = start_of("reasoning RL")
history = watch(
    looks(pipeline.reasoning_rl(models["reasoning RL"], seed=0, plan=rl_plan)),
    steps=rl_plan.steps,
    curves=CURVES,
    alt="Right answers and the language reward, on the training problems of each step of the reasoning RL.",
)

# %% key="row-reasoning" exempt="figures of trained models"
measure("reasoning RL", models["reasoning RL"])
print_table()

# %% key="reasoning-held-against"
recall("reasoning RL")

# %% [markdown]
# A short run moves little, and the intervals of the two rows may overlap. The long one, 40 steps of 32 problems,
# is in a figure further down. (Why is the language reward, in the curve, lower at first than the language in the
# table? An answer without thinking earns nothing for its language, and the table leaves such answers out.)
#
# What to look at is the last column: with a reward for language, and from a start that has it, RL does not lose
# it. R1-Zero's RL had no such reward, and no such start. From this row alone you cannot say which of the two
# mattered.
#
# ---
#
# **Stop line.** This is the end of the first sitting. When you come back, click into the next cell, and choose
# *Run → Run All Above Selected Cell*: that takes about a minute, and the two trained models are there again.
#
# ---

# %% [markdown]
# ## Second fine-tuning
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → stop line → **second
# > fine-tuning** → final RL → side by side → what carries over → more than one seed
#
# *What we do now:* let stage 2's model answer, keep what is worth learning, and fine-tune the *base* on it.
# *Why:* the verifier makes a training set out of what a model writes. Nobody has to write it.
#
# **By hand.** Two problems, A and B, and a cap of 2. The model wrote, in this order:
#
# | answer | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | to problem | A | A | A | B | A | B |
# | | right | right, the same words as 1 | right | wrong | right | right |
# | kept | yes | no | yes | no | no | yes |
#
# The second is a repeat, and does not count against the cap. The fifth is right, and comes after two others of
# A. Problems that are there to *test* are never kept, right or not.

# %% exercise="pipeline.rejection_sample"
# 1. Go through the documents in their order; the same document twice counts once.
# 2. Read the answer. Is there one, and does `judge` find nothing wrong with it?
# 3. Is the problem one to train on?
# 4. Are there fewer than `cap` kept documents of that problem? Keep this one, and count it.

# %% [markdown]
# <details><summary>A hint</summary>
#
# A list for the kept ones, and a `Counter` that knows how many there are of each problem. Problems and documents
# can be compared, and can be keys of a dictionary.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `judge` returns None for a right answer and a *text* for a wrong one: `judge(...) is None`. Ask it only if
# there is an answer. `dict.fromkeys(documents)` has each document once, in order.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `right = answer is not None and judge(problem, answer) is None`, then `if right and problem.split == "train"
# and answered[problem] < cap:`. In full: `solution("rejection_sample")`.
#
# </details>

# %% key="write" exempt="what a trained model writes may differ between processors"
from mine import pipeline

asking = pipeline.SamplingPlan(batches=6, problems=64, samples=2)

def answers_of(model):
    several = pipeline.answers(model, pipeline.REASONING, asking, seed=0)
    return [each for rollouts in several for each in pipeline.as_documents(rollouts)]

by_stage_2 = answers_of(models["reasoning RL"])
print(f"{len(by_stage_2)} finished answers to {asking.batches * asking.problems} problems")
for cap in (1, 2):
    print(f"kept with a cap of {cap}: {len(pipeline.rejection_sample(by_stage_2, cap))}")

# %% [markdown]
# Most of these answers are right. Why are so many left out? Look at what your function does: after RL the model
# often writes the *same* answer twice, word for word.
#
# Could one have saved oneself the first two stages, and taken R1-Zero's answers? The next cell puts the answers
# of both through the sieve. **Readable** means: tidy, and in the question's language. Whose answers will lose
# more, and where?

# %% key="sieve" exempt="what a trained model writes may differ between processors"
def is_right(problem, said):
    answer = read(said).answer
    return answer is not None and judge(problem, answer) is None

def sieved(documents):
    kept = pipeline.rejection_sample(documents, cap=2)
    right = sum(is_right(each.problem, each.completion) for each in documents)
    return {
        "finished": len(documents),
        "right": right,
        "right, none twice": len(kept),
        "and readable": sum(map(pipeline.readable, kept)),
    }

left = {"R1-Zero": sieved(answers_of(zero)), "reasoning RL": sieved(by_stage_2)}

# %% key="sieve-figure" exempt="what a trained model writes may differ between processors"
fig, [ax] = canvas(width=7.8, height=3.2)
for place, (name, counts) in enumerate(left.items()):
    rows = [row + 0.38 * place for row in range(len(counts))]
    look = {"color": (colours.vermillion, colours.blue)[place], "hatch": ("//", "")[place], "edgecolor": "white"}
    ax.barh(rows, list(counts.values()), height=0.36, label=name, **look)
    for row, count in zip(rows, counts.values(), strict=True):
        ax.text(count + 6, row, str(count), va="center", fontsize=9.5)
ax.set_yticks([row + 0.19 for row in range(4)], list(left["R1-Zero"]))
ax.set(ylim=(3.8, -0.4), xlim=(0, 900), xlabel="answers")
ax.legend(loc="lower right")
said = "; ".join(f"{name}: " + ", ".join(f"{key} {n}" for key, n in each.items()) for name, each in left.items())
show(fig, alt=f"How many answers are left after each sieve. {said}.")

# %% [markdown]
# R1-Zero's right answers differ more from one another, for they differ in their language. The last sieve takes
# many of these away. **That is what the first two stages are used for**: not for their model, which goes no
# further, but for the documents that it writes.
#
# Were they needed? Read the last two bars with care. R1-Zero does leave readable answers, only fewer: with more
# questions it would fill the same set, and no stage before it would have been trained. Whether a base learns as
# well from that set we did not try. And nothing in the paper compares the two.
#
# The cap does little here. Of two answers to a problem, a cap of 2 can leave out none; and even a cap of 1 leaves
# out few, since a problem has hardly more than one right answer in its own language. It is there for worlds with
# many. (It is ours: the paper says only that several answers were drawn for each question, and the right ones
# kept.) And no sieve brings back what was never solved. A problem without a right answer leaves nothing. Whoever
# filters by a verifier learns from what can be done already.
#
# The training set: right, readable answers of stage 2's model, two to a problem at most, and a third as many
# documents of the skill that was left out so far: `write`, where a program is to be found that does what the
# given lists show. In R1 these were 600,000 and 200,000.
#
# **Predict the row.** The base starts anew. It never sees a reward.

# %% key="predict-second"
predict("second fine-tuning", "...")

# %% key="second-fine-tuning" exempt="trained floats differ in the last digits between processors"
second_set = pipeline.second_set(by_stage_2, seed=0)
print(Counter(each.problem.skill for each in second_set))
models["second fine-tuning"] = start_of("second fine-tuning")
plan = training.Plan(steps(120), learning_rate=3e-3, warmup=10)
history = watch(
    pipeline.second_fine_tuning(models["second fine-tuning"], second_set, seed=0, plan=plan),
    steps=plan.steps,
    curves=["loss"],
    alt="The loss on the kept documents, over the steps of the second fine-tuning.",
)

# %% key="row-second" exempt="figures of trained models"
measure("second fine-tuning", models["second fine-tuning"])
print_table()

# %% key="second-held-against"
recall("second fine-tuning")

# %% [markdown]
# Hold this row against the cold start's. Both are fine-tunings of the same base, without any reward. One
# difference is who wrote the documents on `calc` and `run`: a rule that makes no mistakes, or a model and a
# verifier. **A verifier can take the place of a faultless author.** For contest mathematics nobody has a rule that
# writes good solutions.
#
# It is no clean comparison. The second training is also longer, its rate is higher, and it has documents of
# `write`. And the model that wrote for it had itself learned from the faultless author, in the cold start.
#
# **A question on the way.** A document may be kept though a step in it is wrong, and the answer right by luck.
# How likely is that here, and in general?
#
# <details><summary>(a) It cannot happen: the verifier looks.</summary>
#
# It looks at the answer alone, as R1's rules did.
#
# </details>
# <details><summary>(b) Rare here; it depends on how easily a wrong way ends at a right answer.</summary>
#
# Right. Here no operation loses anything: from two different lists it never makes the same one. So one slip that
# the next steps build on *always* ends at a wrong answer, and only a second slip can undo it. In a test with four
# choices, one blind guess in four would be kept, whatever was written before it.
#
# </details>
# <details><summary>(c) Often: most kept documents have a wrong step.</summary>
#
# Then most of them would have a wrong answer, and would not have been kept: each step is built on the one before.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** The commonest slip in `rejection_sample` is `if judge(...)`: it keeps the wrong answers and
# drops the right ones. The check says so. The next: a cap that counts what was not kept.
#
# `write` is in the second set, and its share of right answers *fell* in this stage when this lesson was written.
# We did not find out why. A summary table hides that: see *Side by side*, where it is printed by skill.
#
# Ask the room: what would happen if test problems were kept? (The table would measure memory.)

# %% [markdown]
# ## Final RL
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → **final RL** → side by side → what carries over → more than one seed
#
# *What we do now:* GRPO once more, on all three skills. *Why:* the last stage is for everything that the model
# is to do. R1's had 1,700 steps, and in the last 400 a reward model for what people prefer. We have none.
#
# **Predict the last row.**

# %% key="predict-final"
predict("final RL", "...")

# %% key="final-rl" exempt="trained floats differ in the last digits between processors"
models["final RL"] = start_of("final RL")
history = watch(
    looks(pipeline.final_rl(models["final RL"], seed=0, plan=rl_plan)),
    steps=rl_plan.steps,
    curves=CURVES,
    alt="Right answers and the language reward, on the training problems of each step of the final RL.",
)

# %% key="row-final" exempt="figures of trained models"
measure("final RL", models["final RL"])
print_table()

# %% key="final-held-against"
recall("final RL")

# %% [markdown]
# In 14 steps hardly anything moved when this was written. At full length, 40 steps of 32 problems, it went from 0.82
# to 0.85, and nearly all of that is `write`. This is your R1. Lesson 11 lets it teach a smaller model.

# %% key="keep"
keep_model("r1", models["final RL"])

# %% [markdown]
# *Source of the final RL: version 2 of the R1 paper, section 3.2.2, not read in the primary text but in a copy.
# It says that more steps with the preference reward risk reward hacking.*

# %% [markdown]
# ## Side by side
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → **side by side** → what carries over → more than one seed
#
# *What we do now:* your rows, the same stages at full length, and the published ones. *Why:* a picture says
# sooner where they agree and where not.
#
# At full length there were 60 steps for R1-Zero and 40 in each RL, with 32 problems a step, and 80 and 300 steps of
# fine-tuning. The figures are those of `docs/story.md`. It is one seed too, and the one on which all settings were
# chosen. (The R1-Zero that comes with the course *is* that of full length: there the two points differ because
# they were measured on other answers.)

# %% key="side-by-side" exempt="figures of trained models"
STORY = {"R1-Zero": (0.75, 0.59), "cold start": (0.81, 0.99), "reasoning RL": (0.84, 1.00)}
STORY |= {"second fine-tuning": (0.82, 1.00), "final RL": (0.85, 1.00)}
AIME = (77.9, 59.0, 74.0, 78.1, 79.8)
stages, places = list(STORY), range(5)
fig, axes = canvas(columns=3, width=10.4, height=3.4)
for ax, place, name in zip(axes, (0, 1), ("right", "language"), strict=False):
    now = [(table[stage].pass_at_1.mean, table[stage].consistency)[place] for stage in stages]
    ax.plot(places, [STORY[stage][place] for stage in stages], color=colours.grey, ls="--", label="full length")
    ax.plot(places, now, color=colours.blue, ls="-", marker="s", label="your run")
    ax.set(ylim=(0, 1.05), title=f"here: {name}")
axes[2].plot(places, AIME, color=colours.vermillion, ls="-", marker="D")
axes[2].set(ylim=(0, 105), title="DeepSeek: AIME 2024, pass@1")
for ax in axes:
    ax.set_xticks(places, ["R1-Zero", "cold\nstart", "RL", "second\ntuning", "final\nRL"], fontsize=8)
axes[0].legend(loc="lower right")
said = ", ".join(f"{stage} {table[stage].pass_at_1.mean:.2f}" for stage in stages)
show(fig, alt=f"""Three charts over R1-Zero and the four stages. Right answers here, your run: {said}; at full
    length the same stages have 0.75, 0.81, 0.84, 0.82, 0.85. The share of the question's language jumps up with
    the cold start and stays near 1. DeepSeek's AIME figures: 77.9, then down to 59.0, and 74.0, 78.1, 79.8.""")

# %% [markdown]
# Where they agree: the language is mended by the cold start, and stays. (Of R1-Zero DeepSeek gives no figure of
# that kind.) Where they do not: the second point. DeepSeek's is 19 points below the first; at full length ours
# is above it, and in the short run, when this was written, 7 points below: there 30 steps of cold start were held
# against an R1-Zero of full length.
#
# One number for ten kinds of problem hides things. Here is pass@1 by skill. Look at `write`, which the first two
# stages never train, and the second fine-tuning does. Is it better after that than in the base, from which that
# stage starts? It was worse when this lesson was written, and we did not find out why.

# %% key="by-skill" exempt="figures of trained models"
for name, by_part in results.items():
    skills = {}
    for skill in ("calc", "run", "write"):
        some = {part: result for part, result in by_part.items() if part[0] == skill}
        skills[skill] = f"{report_card.together(some).pass_at_1.mean:.2f}"
    print(f"{name:20}", skills)

# %% [markdown]
# A last look at what numbers leave out. **The same question, after each stage.** Choose a stage and a question;
# odd numbers are asked in English, even ones in Latin. The likeliest words are shown, a line for each step.

# %% key="stage-answers" exempt="what a trained model writes may differ between processors"
shelf = [
    problems(skill, level, 9, seed=11, split="test", language=name)[level]
    for skill, level in (("calc", 3), ("run", 3), ("run", 4), ("run", 5))
    for name in LANGUAGES
]
replies = {name: [written(model, each) for each in shelf] for name, model in models.items()}
for name, texts in replies.items():
    print(f"{name:20} {sum(map(is_right, shelf, texts))} of these {len(shelf)} right")

# %% key="explore-stages" exempt="what a trained model writes may differ between processors"
def after(stage, question):
    problem, text = shelf[question - 1], replies[stage][question - 1]
    openers = {word: name == problem.language for name, it in LANGUAGES.items() for word in (it.then, it.wait)}
    fig, [ax] = canvas(width=7.6, height=2.5)
    draw_languages(ax, text.split(), openers, width=7.6)
    good = "right" if is_right(problem, text) else "wrong"
    ax.set_title(f"{' '.join(problem.prompt)}      ({good})", loc="left", family="monospace", fontsize=10)
    return fig, f"After {stage}. {' '.join(problem.prompt)} — {text} This is {good}."

explore(after, stage=Choice("stage", tuple(models), "R1-Zero"), question=Slider("question", 1, 8, 4))

# %% [markdown]
# Eight questions are for reading, not for ranking: the order of the stages by these eight may be another than in the
# table above. Ours was: R1-Zero 8, final RL 5.
#
# *You read this without a kernel, for example on GitHub?* Then you see R1-Zero's answer to a Latin question.

# %% [markdown]
# ## What carries over
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → **what carries over** → more than one seed
#
# *What we do now:* train the base by RL on `calc` alone, and test it on `run`. *Why:* R1 was trained on
# mathematics and code. People hope that it became better at *reasoning*, and so at everything else. Does
# something carry over to a skill that was not trained?
#
# `calc` and `run` share their arithmetic. `run` has three more operations, which move digits: `rev`, `rot`,
# `swap`. No `run` problem is in the training.
#
# Suppose `run` gets better. Before anyone says "reasoning carries over", two other explanations have to go:
#
# - *Any* training by rewards would have done it. So there is a **control arm**: as many steps on `write`, where
#   a program is to be found and no answer in digits is paid. (It is a near control, not an empty one: worked
#   answers of `write` carry a list along too.)
# - Nothing was learned but a **habit**. The model works step by step more often, at the skill that it had.
#
# **Predict:** base, RL on `calc`, RL on `write`: what share of `run` is right? How much of the gain is skill?

# %% key="predict-transfer"
predict("transfer", "...")

# %% [markdown]
# **By hand.** On `run` the base has 0.1. The control never works, and is right in 0.2; if it worked, it would be
# right in 0.3. The trained model always works, and is right in 0.5.
#
# - Any training: 0.2 - 0.1 = **0.1**.
# - Habit: were the control to work as often as the trained model, always, it would have 0.3. That is **0.1** more.
# - Skill: from 0.3 to 0.5, **0.2**. Together 0.4, which is 0.5 - 0.1.

# %% exercise="report_card.transfer"
# 1. What the control gains over the base.
# 2. What the control would have with the trained model's habit: its own shares of right answers, weighed by
#    how often the trained model works. The gain from the control to that is habit.
# 3. What is left up to the trained model is skill.

# %% [markdown]
# <details><summary>A hint</summary>
#
# pass@1 is works · right_when_working + (1 - works) · right_when_direct. Take `works` from one model and the two
# shares from another.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `Decomposition(trained.works, control.right_when_working, control.right_when_direct).pass_at_1` is the level in
# between. Each of the three parts is a difference of two neighbours of: base, control, in between, trained.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `{"any training": control.pass_at_1 - base.pass_at_1, "habit": between - control.pass_at_1, "skill":
# trained.pass_at_1 - between}`. In full: `solution("transfer")`.
#
# </details>

# %% key="transfer-training" exempt="trained floats differ in the last digits between processors"
from mine import report_card, rewards

BY_SKILL = {skill: [part for part in report_card.PARTS if part[0] == skill] for skill in ("calc", "run", "write")}
short = grpo_training.GrpoPlan(steps(10), problems=16, learning_rate=1e-3, max_new=report_card.LONGEST)
arms = {"base": base, "RL on calc": copy.deepcopy(base), "RL on write": copy.deepcopy(base)}
for skill in ("calc", "write"):
    paying, name = rewards.ACCURACY_AND_FORMAT, f"RL on {skill}"
    history = watch(
        pipeline.reinforce(arms[name], BY_SKILL[skill], short, paying, seed=0),
        steps=short.steps,
        curves={"accuracy": "share of right answers"},
        alt=f"{name}: right answers on its own training problems, over the steps.",
    )

# %% key="transfer-rows" exempt="figures of trained models"
on_run = {}
for name, model in arms.items():
    answered = report_card.evaluate(fast_writing.FastWriter(model), BY_SKILL["run"], count=24, samples=4)
    result = report_card.together(answered)
    on_run[name] = result.parts
    print(f"{name:12} run {result.pass_at_1}, works {result.parts.works:.2f},", end=" ")
    print(f"if working {result.parts.right_when_working:.2f}")
live = report_card.transfer(*[on_run[name] for name in ("base", "RL on calc", "RL on write")])
print({name: round(part, 2) for name, part in live.items()})

# %% key="transfer-held-against"
recall("transfer")

# %% [markdown]
# How sure is that? It is one seed and ten steps. The recorded experiment has 30 steps of 24 problems, and a base
# of its own for each seed.

# %% key="transfer-figure" exempt="figures of trained models"
def parts_of(numbers):
    """The three arms of one recorded seed, as decompositions, taken apart by your `transfer`."""
    keys = ("works", "right if working", "right if direct")
    arms = ("base", "calc alone", "write alone")
    return report_card.transfer(*[Decomposition(*[numbers[f"{key}, {arm}"] for key in keys]) for arm in arms])

transferred = [record.numbers for _, record in sorted(recorded_seeds(CLAIMS["reasoning_transfers"]).items())]
parts = [parts_of(numbers) for numbers in transferred]
fig, [ax] = canvas(width=7.4, height=2.6)
draw_seeds(ax, {name: [each[name] for each in parts] for name in live}, live, "points of pass@1 on run")
ax.axvline(0, color=colours.black, lw=1, ls="-", marker="")
said = "; ".join(", ".join(f"{name} {value:+.2f}" for name, value in each.items()) for each in parts)
now = ", ".join(f"{name} {value:+.2f}" for name, value in live.items())
show(fig, alt=f"""Where the gain on run comes from after RL on calc: what any training gives, habit, skill.
    Recorded: {said}. The seed that ran now: {now}.""")

# %% key="transfer-shares" exempt="more seeds are recorded in time"
for seed, numbers in enumerate(transferred):
    shares = {arm: numbers[f"right if working, {arm}"] for arm in ("base", "calc alone", "write alone")}
    print(f"recorded seed {seed}, run, right if working:", {arm: round(share, 2) for arm, share in shares.items()})

# %% [markdown]
# Read it in this order.
#
# 1. *Any training.* If it is above 0, RL on another task helps with `run` too. Near 0, as in two recorded seeds, it
#    need not mean that nothing happened: the control there works nearly always, and is right less often when it does.
#    Look at *works* in the rows above:
#    does the control work more often than the base? It need not have become better at `write` for that (its
#    curve may show nothing of the kind). Both arms are also paid 0.1 for a tidy answer, and who opens a thinking
#    tag goes on to work.
# 2. *Habit.* What RL on `calc` gives of it beyond the control. Where both arms work nearly always, it is near 0.
# 3. *Skill.* Above 0 means: with equal habits, RL on `calc` is more often right on `run` than RL on `write`.
#
# And now the last lines. Is the control right *less* often than the base, if working? Then a part of what we
# called skill is what RL on `write` has spoiled. Hold RL on `calc` against the base, too, before you call it a
# gain: call `transfer` with the base as its own control. In the recorded seed 0 that leaves 0.25 to habit and 0.16 to
# skill.
#
# **What may be said:** working step by step carries over, in all five recorded seeds. In four of them some of what
# was learned on sums carries over too, to a skill that shares its arithmetic: against the base, skill is above 0. In
# seed 2 it is below: right if working fell from 0.45 to 0.39. That is less than "reasoning carries over". `calc`
# and `run` look alike, more than a contest of mathematics and a bug in a program do.
#
# Of large models both is reported. A model of 7 billion parameters, trained on 5,000 logic puzzles alone, became
# better at contest mathematics. And Tülu 3 found that skills that were trained rise, while the average of others
# need not.
#
# *Sources: Logic-RL, arXiv 2502.14768, and Tülu 3, arXiv 2411.15124; neither read in the primary text.*

# %% [markdown] tags=["teacher"]
# **For teachers.** Without the control arm everybody says "it learned to reason". Show the first two rows, ask
# for a conclusion, write it down, then show the third.
#
# In `transfer` people use the control for nothing, or work out the habit at the base's shares. There is another
# order (skill first, then habit), with slightly other numbers; the check names it.
#
# Ask the room: which control would be even better? (One that spoils nothing: RL with a coin for a reward, or on
# a skill that shares no words.)

# %% [markdown]
# ## More than one seed
#
# > **The way:** what was wrong → one number → four stages → cold start → reasoning RL → stop line → second
# > fine-tuning → final RL → side by side → what carries over → **more than one seed**
#
# *What we do now:* the verdicts of the course's two recorded experiments. *Why:* you have seen one seed of each.
#
# For each claim a rule was written down before the seeds were run. `python start.py claims NAME` prints it in
# full, with what was tried, and where it misleads.

# %% key="verdicts" exempt="more seeds are recorded in time"
for name in ("cold_start_dip", "reasoning_transfers"):
    claim = CLAIMS[name]
    print(f"{claim.statement}\n    decides: {claim.decides}\n    {verdict(claim, recorded_seeds(claim))}\n")

# %% key="dip-figure" exempt="figures of trained models"
dips = [record.numbers for _, record in sorted(recorded_seeds(CLAIMS["cold_start_dip"]).items())]
names = {"R1-Zero": "R1-Zero", "cold start": "cold start", "RL after it": "reasoning RL"}
reasoning = {
    name: report_card.together({part: results[row][part] for part in pipeline.REASONING})
    for name, row in names.items()
}
fig, axes = canvas(columns=2, width=9.4, height=2.7)
for ax, what in zip(axes, ("pass@1", "language"), strict=True):
    now = {name: r.pass_at_1.mean if what == "pass@1" else r.consistency for name, r in reasoning.items()}
    draw_seeds(ax, {name: [seed[f"{what}, {name}"] for seed in dips] for name in names}, now, what)
    ax.set_xlim(0, 1.03)
axes[1].get_legend().remove()
said = {
    what: "; ".join(", ".join(f"{name} {seed[f'{what}, {name}']:.2f}" for name in names) for seed in dips)
    for what in ("pass@1", "language")
}
show(fig, alt=f"""pass@1 and language on calc and run, of R1-Zero, after the cold start, and after RL on that.
    Recorded seeds, pass@1: {said["pass@1"]}. Language: {said["language"]}.""")

# %% [markdown]
# The published direction was: below R1-Zero after the cold start, then up again. A seed that does not show it counts
# against the claim, and the rule is not changed afterwards. Your diamonds may show it, as ours did (0.86, 0.80,
# 0.85). They do not count: there R1-Zero had 60 steps, and the cold start only 30. In the recorded seeds R1-Zero had
# 30 steps, and the cold start 80.

# %% [markdown]
# ## Where the toy misleads
#
# - **Where the dip is missing**, the reasons belong to our world: see *Cold start*. It says nothing against the
#   published one. And the published one is no dip within one run.
# - **Our world contains its conclusion.** Worked answers, right and in one language, were in the corpus of the
#   base. The stages choose among what is there. Whether R1's stages created anything is another question, and
#   disputed.
# - **A language is three words.** To keep to one costs our model nothing. In a real one, thinking in another
#   language may be easier for some problems.
# - **The cold start's author is a rule.** For contest problems there is none. There, people and R1-Zero's own
#   cleaned-up answers wrote the documents.
# - **Short stages, one seed.** Fourteen steps of RL; R1's last stage alone had 1,700. From the cold start on,
#   neighbouring rows of your table mostly overlap.
# - **One kind of test.** R1's second fine-tuning and final RL were for writing, facts, and following
#   instructions: IF-Eval went from 72.0 (Dev2) to 83.3. Our table cannot show what they were for.
# - **Each stage is a choice.** DeepSeek's table has one run, with no stage left out. So it does not say which of
#   them are needed, and neither does ours.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-R1 | lesson |
# |---|---|---|
# | 300 faultless documents made by a rule | thousands, from prompting, from R1-Zero's cleaned-up answers, edited by people | |
# | 14 steps of 16 problems, 8 answers each | R1-Zero: 10,400 steps of 32 problems, 16 answers each | 09 |
# | some 300 to 400 kept answers and a third as many others | about 600,000 and 200,000, two epochs | |
# | a verifier for everything | rules for reasoning; V3 as a judge for some of the kept answers; a reward model for what people prefer, in the last 400 of 1,700 steps | 07 |
# | thinking can always be read | answers with mixed languages, long paragraphs and code blocks were filtered out | |
# | a minute and a half of one core | R1 without R1-Zero: 41,000 hours of an H800, and 5,000 for the documents | 14 |
#
# *Sources: arXiv 2501.12948v1, section 2.3, for the stages; version 2, sections 2.1 and 3.2.2 and table 7, read
# in a copy, for steps and hours. R1-Zero's figures are set beside ours because we have none for the reasoning
# RL.*

# %% [markdown]
# ## Three questions
#
# **1.** A friend says: "R1 is R1-Zero with fine-tuning on top." What is wrong with that?
#
# <details><summary>Answer</summary>
#
# R1's weights do not come from R1-Zero's. R1 is the base, fine-tuned on documents and then trained by RL.
# R1-Zero's part is that some of its answers, cleaned up, were among the documents of the cold start.
#
# </details>

# %% [markdown]
# **2.** You pay 2 for language and 1 for a right answer. After training, language is perfect, and accuracy has
# fallen to the base's. Is GRPO broken?
#
# <details><summary>Answer</summary>
#
# It did what it was paid for. In a group, answers now differ most in their language, so the advantage is mostly
# about that. Once all are consistent, this part no longer tells them apart, and accuracy is paid again: with
# more steps it may recover. But on the way the model may have learned to write one safe word and stop thinking.
#
# </details>

# %% [markdown]
# **3.** After RL on arithmetic a model is better at programs, by 10 points. What would you ask first?
#
# <details><summary>Answer</summary>
#
# What did a control arm gain, trained as long on something else? Were programs, or their words, in the training?
# Does the model work things out more often, or is it right more often when it does? And over how many seeds?
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the paper |
# |---|---|---|
# | $r$ | `total_reward` | the final reward, a sum |
# | | `cap` | not named |
# | Dev1, Dev2, Dev3 | "cold start", "reasoning RL", "second fine-tuning" | R1 Dev1 to Dev3 (Nature) |
#
# | word | meaning |
# |---|---|
# | supervised fine-tuning (SFT) | next-token training on chosen documents, of which only the answers count |
# | cold start | a short fine-tuning on worked examples before RL |
# | language consistency | the share of language words that are in the language of the question |
# | rejection sampling | here: let a model answer often, and keep only what a verifier accepts |
# | cap | so many documents of one problem are kept at most |
# | transfer | becoming better at what was not trained |
# | control arm | the same training without the thing that one asks about |

# %% [markdown]
# ## Where to read more
#
# - DeepSeek-AI 2025, *DeepSeek-R1: incentivizing reasoning capability in LLMs via reinforcement learning*, arXiv
#   2501.12948: section 2.3 of version 1 is this lesson. Version 2, and Nature 645:633, have the table of stages.
# - Zelikman and others 2022, *STaR: bootstrapping reasoning with reasoning*, arXiv 2203.14465: keep the right
#   answers of a model, fine-tune the *base* on them, again and again.
# - Lambert and others 2024, *Tülu 3*, arXiv 2411.15124: another recipe in stages, with all its data.
# - Xie and others 2025, *Logic-RL*, arXiv 2502.14768: what carries over from logic puzzles.
# - `docs/story.md` of this course: the same stages at full length.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
