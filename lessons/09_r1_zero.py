# %% [markdown]
# In lesson 08 you wrote GRPO. Now it does what it was made for. Take a model that has only learned to go on
# with text. Give it problems whose answers a program can check, and pay it for right answers. Show it no worked
# example. This is how DeepSeek made R1-Zero, and its answers grew from hundreds of tokens to thousands.
#
# You do the same in about half a minute, on code that you wrote. The larger part of this lesson asks what
# happened. Did the model learn to think? Or did it learn to *choose* thinking, which it could do before? You
# take the success apart, and you hold it against a coin.
#
# > **The way:** the base → who can learn → training → reading → **stop line** → lengths → taken apart → a coin
# > → many tries → a vote → more than one seed → the real one
#
# The lesson has **two sittings**, of about 35 and 65 minutes. In the first the model learns. In the second you
# ask what it learned.

# %% key="setup"
import copy
import random
from collections import Counter
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from pocketr1.claims import CLAIMS
from pocketr1.claims.claim import verdict
from pocketr1.claims.recorded_results import read
from pocketr1.evaluation import Decomposition
from pocketr1.rewards import Reward, Score
from pocketr1.workbook import (
    begin,
    check,
    explore,
    keep_model,
    load_model,
    predict,
    progress,
    recall,
    show,
    solution,
    steps,
    watch,
)
from pocketr1.workbook.figures import canvas, colours, draw_curves, draw_seeds
from pocketr1.workbook.replaying import draw_answer, draw_lengths, summary
from pocketr1.workbook.widgets import Choice
from pocketr1.worlds import Problem, Reading

begin("09_r1_zero", globals())

# %% [markdown]
# ## First, a prediction
#
# The problems are those of the lessons before: run a small program on four digits, as in `find run mul7 add3
# tot : 8 7 6 9 ?`. A right answer earns 1. The right tags, `<think> </think> <answer> </answer>`, earn 0.1,
# even if nothing stands between the first two. How long an answer is, and what is in its thinking, earns nothing.
#
# The base answers from the hip in three cases of four, in 7 tokens. After 20 steps of GRPO: how many of its
# answers will be right, and how long will they be on average? Write both numbers, and why, in place of the
# dots.

# %% key="predict-length"
predict("length", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening 4, the base 5, who can learn 12, training 7, reading 8.
# Second sitting: lengths 6, taken apart 23, a coin 13, many tries 7, a vote 8, more than one seed 2, the real
# one and the end 5. That is 100 in all. The core exercises alone (`groups_with_contrast`, `decompose`,
# `split_gain`) take about 80.
#
# Collect the predictions on the board: share of right answers, and length. Nearly all rooms get the direction
# of both. Then ask the question of the day: *if answers get longer, does the model think longer?* Leave it open.

# %% [markdown]
# ## The base
#
# > **The way:** **the base** → who can learn → training → reading → stop line → lengths → taken apart → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* meet the model before any reward. *Why:* whatever comes out later has to be held against this.
#
# `load_model` gives the base that comes with the course: 3 layers of width 96. Its corpus was worked
# documents first, and then documents of which a quarter was worked. **Remember this.** It is the most
# important fact of this lesson.

# %% key="base"
from mine import fast_writing, generation, pipeline, replay, report_card, rewards, rollouts, worlds

base = load_model("base")
writer = fast_writing.FastWriter(base)
question = replay.questions()[0]
tries = rollouts.roll_out(
    writer, [question], 8, rewards.ACCURACY, generation.Sampling(72), torch.Generator().manual_seed(7)
)
print(*question.prompt)
for words, right in zip(pipeline.texts(tries), tries.right.tolist(), strict=True):
    print("  right " if right else "  wrong ", *words[:-1])

# %% [markdown]
# Most of these answers come from the hip, and some are worked step by step. *then* opens a step; you will also meet
# *deinde*, which is the same word in the other of the two toy languages. The base mixes them.
#
# `FastWriter` writes with the weights of your model, and with the course's own code, for speed. So we should
# see that it writes the same as *your* attention and *your* block. (At temperature 0, where nothing is drawn.)

# %% key="same-tokens"
prompts = [worlds.VOCABULARY.encode(problem.prompt) for problem in replay.questions()]
greedy = [
    generation.generate(each, prompts, generation.Sampling(72, temperature=0), torch.Generator()).tokens
    for each in (base, writer)
]
print("the same tokens:", torch.equal(*greedy))

# %% [markdown]
# Now the base takes a test: 48 problems, six of each of eight kinds, and 64 answers to each. None of these
# problems is ever trained on. *calc* is arithmetic alone, *run* also moves digits around. The number is how
# many steps a problem has.

# %% key="ask" exempt="answers of a trained model"
asked = [each for part in pipeline.REASONING for each in worlds.problems(*part, 6, seed=7, split="test")]
kinds = [f"{skill} {level}" for skill, level in pipeline.REASONING]

def answers_of(model, samples=64):
    """Answers to all problems; the 64 answers to a problem stand together."""
    hand, draws = fast_writing.FastWriter(model), torch.Generator().manual_seed(0)
    sampling = generation.Sampling(report_card.LONGEST)
    return rollouts.joined([
        rollouts.roll_out(hand, asked[first : first + 6], samples, rewards.ACCURACY, sampling, draws)
        for first in range(0, 48, 6)
    ])

before = answers_of(base)
print("kind     right  worked  tokens")
columns = torch.stack([before.right.double(), before.worked.double(), before.lengths.double()])
for kind, (right, worked, length) in zip(kinds, columns.view(3, 8, -1).mean(dim=2).T.tolist(), strict=True):
    print(f"{kind:8} {right:5.2f}  {worked:6.2f}  {length:6.1f}")

# %% [markdown]
# An answer has 10,000 values that are about equally likely, so guessing plays no part.
#
# ## Who can learn
#
# > **The way:** the base → **who can learn** → training → reading → stop line → lengths → taken apart → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* ask which groups of answers teach anything. *Why:* R1-Zero has no teacher. It can only start from
# what it gets right by itself.
#
# **By hand.** Groups of four answers, paid 1 or 0. Which of them move the model?
#
# | group | rewards | less the mean |
# |---|---|---|
# | A | 0 0 0 0 | 0 0 0 0 |
# | B | 0 1 0 0 | −¼ ¾ −¼ −¼ |
# | C | 1 1 1 1 | 0 0 0 0 |
#
# A is too hard, and C too easy: both are silent. Only B has **contrast**. Write a function that says so.

# %% exercise="grpo.groups_with_contrast"
# 1. Cut the rewards into groups: one row for each prompt.
# 2. For each group: is there any reward that differs from another? One True or False for each.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `rewards.reshape(-1, group_size)` has one row for each group. When are all numbers of a row the same?
#
# </details>
# <details><summary>A bigger hint</summary>
#
# If the largest equals the smallest. A standard deviation above 0 asks nearly the same, but the mean of equal
# decimals is rounded, and then the deviation is not quite 0.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `groups.amax(dim=1) > groups.amin(dim=1)`, with `groups` as in the hint. In full:
# `solution("groups_with_contrast")`.
#
# </details>

# %% key="contrast" exempt="answers of a trained model"
from mine import grpo

paid = {"right": before.rewards}
pairs = zip(before.problems, before.readings, strict=True)
paid["right and tidy"] = torch.tensor([rewards.total(rewards.ACCURACY_AND_FORMAT, *pair)[0] for pair in pairs])
print("share of groups of 8 with contrast\nkind     paid for:", *paid)
shares = [grpo.groups_with_contrast(each, 8).view(8, -1).double().mean(dim=1).tolist() for each in paid.values()]
for kind, *row in zip(kinds, *shares, strict=True):
    print(f"{kind:8}           {row[0]:5.2f}   {row[1]:5.2f}")

# %% [markdown]
# Even the hardest kinds have contrast now and then. That is all that is needed. The tenth for the format gives
# contrast too, but it teaches something else: how to place the tags.
#
# **A question on the way.** A model is right once in 1,000 tries. The groups have 8 answers. What share of its
# groups teaches it something?
#
# <details><summary>(a) About 1 in 1,000.</summary>
#
# That is one answer. A group has eight tries.
#
# </details>
# <details><summary>(b) About 8 in 1,000.</summary>
#
# Right: 1 − 0.999<sup>8</sup> = 0.008. 992 of 1,000 groups are paid for in computing and teach nothing.
# And if the model is *never* right, no number of tries helps.
#
# </details>
# <details><summary>(c) None: a single right answer is drowned by the others.</summary>
#
# In its group it is not drowned at all. Its advantage is √7 = 2.6, the largest that a group of eight allows.
#
# </details>
#
# This is why R1-Zero needs a strong base. DeepSeek-V3-Base solved 15.6 % of AIME 2024 before. Those who
# rebuilt R1-Zero on small models report that 0.5 billion parameters fail and 3 billion succeed. DeepSeek's own
# attempts with a dense model of 7 billion and experts of 16 billion failed.
#
# *Sources. AIME: DeepSeek-R1, arXiv 2501.12948, version 1, table 2. Small models: TinyZero's README. DeepSeek's own
# attempts: version 2, section G.1, second-hand.*

# %% [markdown] tags=["teacher"]
# **For teachers.** The commonest slip in `groups_with_contrast`: `groups.sum(dim=1) > 0`. It counts groups that
# are all right, which are as silent as those that are all wrong. The check names it. Later in a training these are
# the majority: the share of silent groups *rises* when all goes well.
#
# Ask the room: you may choose the problems. Which would you take? (Those that are right about half of the time.
# And tomorrow others.)

# %% [markdown]
# ## Training
#
# > **The way:** the base → who can learn → **training** → reading → stop line → lengths → taken apart → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* 20 steps, each of 20 new problems with 8 answers. *Why:* this is the experiment.
#
# What runs here is `mine`: attention and block, `token_logprobs`, `groups_with_contrast`, `group_advantages`, the
# clipped objective, the mean by sequence, the exact reward. All that you wrote is yours. The rollouts alone are
# written by `FastWriter`.
# Every five steps we note what the model answers to a few test problems.
#
# The seed, 100, is the one on which the course's settings were chosen. So it is no fair sample of seeds. The
# recorded ones, in the second sitting, are.

# %% key="plan"
from mine import grpo_training

SEED = 100
plan = grpo_training.GrpoPlan(
    steps=steps(20), problems=20, group_size=8, learning_rate=2e-3, max_new=report_card.LONGEST
)

def looking(records, model, looks):
    for record in records:
        if (record.step + 1) % 5 == 0:
            looks.append(replay.look_at(model, record.step + 1))
        yield record

# %% key="train" exempt="trained floats differ in the last digits between processors"
learner, looks = copy.deepcopy(base), [replay.look_at(base, 0)]
records = pipeline.reinforce(learner, pipeline.REASONING, plan, rewards.ACCURACY_AND_FORMAT, SEED)
history = watch(
    looking(records, learner, looks),
    steps=plan.steps,
    curves={"accuracy": "right", "worked": "worked", "length": "tokens an answer"},
    alt="Three curves over the steps of training: the share of right answers, the share of worked answers, and"
    " their mean length.",
)

# %% key="length-held-against"
recall("length")

# %% [markdown]
# Look at the order of events: answers become *worked* and *long* first. They become right somewhat later. (Is it
# so in your run too?)
#
# Nothing paid for length, or for what stands between the tags. **But be strict.** The tenth did pay for `<think>`. A
# direct answer of the corpus has no `<think>`, and where there is one, working follows. So part of the push towards
# working may come from the tags. R1-Zero had such a push as well: its prompt asked for thinking between tags, and
# its reward for the format paid for them. To find out, train once more with `rewards.ACCURACY` in place of
# `rewards.ACCURACY_AND_FORMAT`, and compare the curves. We did so once, with the same seed: from step 8 on 0.96 or
# more of the answers were worked, and 0.65 were right over the last five steps. So here the tags were not needed.
#
# You keep this model now. Later lessons go on from it.

# %% key="keep"
keep_model("r1-zero", learner)

# %% [markdown]
# ## Reading
#
# > **The way:** the base → who can learn → training → **reading** → stop line → lengths → taken apart → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* read what it wrote to the same question, before, during and after. *Why:* a curve hides what
# an answer looks like.
#
# Your run has 20 steps. A longer one is stored with the course: 60 steps, 32 problems each, a smaller learning
# rate, and problems of writing programs among them. It is the run that made the course's own `r1-zero`. So the
# two are at different places at the same step. In both, a question gets the same random numbers at every step.
#
# Move **step** from 0 to 20 and 60, and read. A mark beside a line says whether this *step* does what its
# operation should do to the line above it. With the keyboard: Tab goes from one control to the next, the
# arrow keys move it.

# %% key="reading" exempt="answers of a trained model"
recorded = replay.recording()
three = replay.questions()
names = tuple(" ".join(problem.prompt[:-6]) for problem in three)

def read_at(question, step):
    number, texts = names.index(question), []
    fig, axes = canvas(columns=2, width=10.4, height=3.5)
    for ax, name, run in zip(axes, ("your run", "the recorded run"), (looks, recorded.looks), strict=True):
        look = next((look for look in run if look.step == int(step)), None)
        if look is None:
            ax.axis("off")
            ax.set_title(f"{name} ended at step {run[-1].step}", loc="left")
            continue
        title = f"{name}, step {step}: {look.hits[number]} of 8 tries right"
        draw_answer(ax, three[number], look.answers[number], title)
        texts.append(f"{name}, step {step}: {look.answers[number]} ({summary(look)}).")
    return fig, f"{' '.join(three[number].prompt)}\n" + "\n".join(texts)

every_five = tuple(str(step) for step in range(0, 61, 5))
explore(read_at, question=Choice("question", names, names[1]), step=Choice("step", every_five, "20"))

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see one question at step 20. Here is the same
# question in the recorded run:
#
# | step | answer | |
# |---|---|---|
# | 0 | `<answer> 7 1 6 1 </answer>` | wrong, from the hip |
# | 20 | `<think> 8 7 6 9 then mul7 6 9 2 1 then add3 9 2 5 4 then tot 9 1 6 0 </think> <answer> 9 1 6 0 </answer>` | worked, and wrong: 7 · 9 = 63, so the last digit should be 3; all that follows is built on the slip |
# | 60 | `<think> 8 7 6 9 then mul7 6 9 2 3 then add3 9 2 5 6 then tot 9 1 6 2 </think> <answer> 9 1 6 2 </answer>` | worked, and right |
#
# Three kinds of change can be seen when you go through all questions.
#
# - **From the hip to worked.** This comes first, and changes the length.
# - **Fewer slips.** The same length, one digit better.
# - **Nothing left out.** In the recorded run, the question with five steps is answered with four of them for a long
#   time. The corpus sometimes leaves out a step.
#
# Two of these make the answer longer, and one does not.
#
# Before you go, answer without looking: *Which groups are silent? What was paid for, and what was not? What came
# first, working or being right?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers and your model are stored. When you
# come back, run the set-up cell, the code cells of *The base*, and the cell before the training, which holds its
# plan. Then go on here. Whoever did not train takes the course's own model: the next cell does so by itself.
#
# ---

# %% [markdown]
# ## Lengths
#
# > **The way:** the base → who can learn → training → reading → stop line → **lengths** → taken apart → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* look at all lengths, and not only at their mean. *Why:* a mean can double without a single answer
# getting longer.

# %% key="after" exempt="answers of a trained model"
trained = load_model("r1-zero")
after = answers_of(trained)
for name, these in (("before", before), ("after", after)):
    print(f"{name:7} right {these.right.double().mean():.2f},", end=" ")
    print(f"mean length {these.lengths.double().mean():.1f} tokens")

# %% key="lengths-figure" exempt="answers of a trained model"
fig, axes = canvas(columns=2, width=9.4, height=3.4)
for ax, name, these in zip(axes, ("before", "after"), (before, after), strict=True):
    draw_lengths(ax, *(each.tolist() for each in (these.lengths, these.right, these.worked)), title=name)
axes[0].legend()
direct = [1 - these.worked.double().mean() for these in (before, after)]
good = [these.right[these.worked].double().mean() for these in (before, after)]
show(fig, alt=f"""Two histograms of the length of answers. Before: one high bar of direct answers at 7 tokens,
    {direct[0]:.2f} of all, and a low hill of worked ones between 20 and 50 tokens, of which {good[0]:.2f} are
    right. After: direct answers are {direct[1]:.2f} of all; the hill stands where it stood, and {good[1]:.2f} of
    it are right. Before, the mean falls between the two, where there is hardly any answer.""")

# %% [markdown]
# Before, hardly any answer is as long as the mean. There are two kinds, and the mean lies between them. So ask for
# the length of *worked* answers alone, kind by kind:

# %% key="lengths-if-worked" exempt="answers of a trained model"
print("tokens of a worked answer\nkind     before  after")
for place, kind in enumerate(kinds):
    rows = slice(place * 384, (place + 1) * 384)
    means = [these.lengths[rows][these.worked[rows]].double().mean() for these in (before, after)]
    print(f"{kind:8} {means[0]:6.1f} {means[1]:6.1f}")

# %% [markdown]
# **A question on the way.** The mean length has more than doubled. What is the best account of it?
#
# <details><summary>(a) The model thinks longer.</summary>
#
# Hold it against the table: a worked answer to a problem of one kind is about as long as before.
#
# </details>
# <details><summary>(b) The model thinks more *often*.</summary>
#
# Right. Worked answers have become commoner. Each is as long as its problem has steps.
#
# </details>
# <details><summary>(c) Long answers are paid better.</summary>
#
# Nothing pays for length. Long answers are *right* more often, and that is paid.
#
# </details>
#
# R1-Zero's published curve is a curve of means as well. It goes from hundreds of tokens to thousands. Which of the two
# happened there, a mean cannot say. Nor does every rise come from learning: at step 8,200 both length and accuracy
# jump, and there the longest answer allowed was raised from 32,768 to 65,536 tokens.
#
# *Sources. The curve: DeepSeek-R1, arXiv 2501.12948, version 1, figure 3. The jump: version 2, second-hand.*

# %% [markdown]
# ## Taken apart
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → **taken apart** → a coin →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* split pass@1 into how *often* the model works and how *well* it does then. *Why:* these two can
# rise for different reasons.
#
# Let $w$ be the share of worked answers, $a$ how many of *those* are right, and $d$ how many of the others. Then
#
# $$\text{pass@1} = w \cdot a + (1 - w) \cdot d$$
#
# **By hand.** Of four answers three are worked, and two of those are right. The direct one is right too. So $w$ =
# 3/4, $a$ = 2/3, $d$ = 1, and pass@1 is 3/4 · 2/3 + 1/4 · 1 = 3/4.

# %% exercise="evaluation.decompose"
# 1. The share of worked samples.
# 2. Of the worked samples: the share that is right. Of the others: the share that is right.
# 3. Where there is no sample of a kind: 0.
# 4. Return Decomposition(works, right_when_working, right_when_direct).

# %% [markdown]
# <details><summary>A hint</summary>
#
# `right[worked]` are the entries of `right` at which `worked` is True, and `~worked` is the opposite of `worked`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# PyTorch takes no mean of booleans: `right.double()` makes 1.0 and 0.0 of them. The mean of an empty tensor is
# `nan`. Ask `worked.any()` first.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `right[worked].double().mean().item() if worked.any() else 0.0` is the second number. The third is the same with
# `~worked`. In full: `solution("decompose")`.
#
# </details>

# %% key="apart" exempt="answers of a trained model"
from mine import evaluation

apart = {
    name: evaluation.decompose(these.right, these.worked)
    for name, these in (("before", before), ("after", after))
}
for name, parts in apart.items():
    print(f"{name:7} works {parts.works:.2f}, right if working {parts.right_when_working:.2f},", end=" ")
    print(f"right if direct {parts.right_when_direct:.3f}: pass@1 {parts.pass_at_1:.2f}")

# %% [markdown]
# Look at the line *before*. When the base works, it is right in nearly half of the cases (in our run). When it
# does not, it hardly ever is. But it seldom works.
#
# So imagine a model with the base's skill that *always* works. Nobody has to train it. What would its pass@1 be?
# And how much of the gain does that explain? Write a number from 0 to 1 for the second.

# %% key="predict-always"
predict("always", "...")

# %% [markdown]
# Take the gain apart into two steps. First, work as often as after, with the skill of before: **choosing**. Then,
# from there to the trained model: **skill**.

# %% exercise="evaluation.split_gain"
# 1. Choosing: how much more often the model works, times what working is worth BEFORE, compared with not working.
# 2. Skill: what is left of the whole gain.
# 3. Return the two, choosing first.

# %% [markdown]
# <details><summary>A hint</summary>
#
# A `Decomposition` has `works`, `right_when_working`, `right_when_direct`, and `pass_at_1`, which is computed from the
# three.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# An answer that is worked now would have been direct before, and right with the probability of direct answers. So what
# working is worth is the *difference* of the two accuracies.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `choosing = (after.works - before.works) * (before.right_when_working - before.right_when_direct)`. The rest is
# `after.pass_at_1 - before.pass_at_1 - choosing`. In full: `solution("split_gain")`.
#
# </details>

# %% key="gain" exempt="answers of a trained model"
from mine import evaluation

choosing, skill = evaluation.split_gain(apart["before"], apart["after"])
gain = choosing + skill
print(f"gain {gain:.2f} = choosing {choosing:.2f} + skill {skill:.2f}; choosing is {choosing / gain:.0%} of it")
print(f"the base, if it always worked: {apart['before'].right_when_working:.2f}")

# %% key="gain-figure" exempt="answers of a trained model"
fig, [ax] = canvas(width=7.2, height=3)
start, end = (parts.pass_at_1 for parts in apart.values())
bars = {"before": (0, start), "choosing": (start, choosing), "skill": (start + choosing, skill), "after": (0, end)}
shades = (colours.sky, colours.orange, colours.green, colours.blue)
for place, (bottom, height) in enumerate(bars.values()):
    change = place in (1, 2)
    look = {"color": shades[place], "edgecolor": "black", "hatch": "////" if change else ""}
    ax.bar(place, height, bottom=bottom, **look)
    label = f"{height:+.2f}" if change else f"{height:.2f}"
    ax.text(place, bottom + max(height, 0) + 0.02, label, ha="center")
ax.set_xticks(range(4), list(bars))
ax.set(ylabel="pass@1", ylim=(0, 1))
show(fig, alt=f"""Four bars, as a staircase. Before: {start:.2f}. Choosing, on top of it: {choosing:.2f}. Skill, on
    top of both: {skill:.2f}. After: {end:.2f}.""")

# %% key="always-held-against"
recall("always")

# %% [markdown]
# *"If it always worked"* is arithmetic so far. It takes for granted that the base, made to work, does as well as
# when it chooses to. This can be tested: put `<think>` behind the question, and let the base go on from there. It
# takes no training at all.

# %% key="forced" exempt="answers of a trained model"
def made_to_think(model, samples=16):
    repeated = [problem for problem in asked for _ in range(samples)]
    prompts = [worlds.VOCABULARY.encode([*problem.prompt, "<think>"]) for problem in repeated]
    sampling = generation.Sampling(report_card.LONGEST)
    hand, draws = fast_writing.FastWriter(model), torch.Generator().manual_seed(0)
    readings = rollouts.read_completions(generation.generate(hand, prompts, sampling, draws))
    right = [rewards.correctness(*pair).value == 1 for pair in zip(repeated, readings, strict=True)]
    return torch.tensor(right), torch.tensor([reading.worked for reading in readings])

forced = evaluation.decompose(*made_to_think(base))
print(f"the base after <think>: works {forced.works:.2f}, pass@1 {forced.pass_at_1:.2f}")
print(f"the base by itself: {start:.2f}, the trained model: {end:.2f}")

# %% [markdown]
# (It need not equal the number above: an answer that begins with `<think>` is one in the right tags, and not all of the
# base's worked answers are.) One token, and a good part of the way is done. How good a part depends on your run. In the run of 60 steps that
# comes with the course, choosing explains 45 % of the gain (over all ten kinds of problem), and skill the rest.
# Skill, here, means fewer slips and
# fewer steps left out.
#
# **Careful with this number.** Where the base has the habit already, choosing has nothing to give. Where it hardly ever works,
# choosing gives nearly all. It depends on *our* choice of a corpus in which a quarter is worked. This number cannot
# be carried over to R1-Zero.

# %% [markdown] tags=["teacher"]
# **For teachers.** `decompose`: people divide the right worked answers by *all* answers, or ask how many of the
# right ones were worked. Both are named. `split_gain`: many take skill at the old share, and the two parts do not
# add up. Some take skill first, which is another convention and gives another split: let two people with
# different orders compare. (The difference is the product of both changes: it belongs to both.)
#
# Ask the room: would you call a model that was given `<think>` *trained*? What then did the training do? (Without
# training, no weight changed: so that part of the gain is choosing what the base could do. The rest is skill: fewer
# slips.)

# %% [markdown]
# ## A coin
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → taken apart → **a coin** →
# > many tries → a vote → more than one seed → the real one
#
# *What we do now:* the same training, paid by a coin. *Why:* something always moves when a model is trained. What of it is
# owed to the *reward*?
#
# A coin pays 1 with a probability of ¼, whatever was written. So there are groups with contrast, advantages and
# updates, all as before, and no connection with the problem.

# %% exercise="rewards.random_reward"
# 1. A source of random numbers of its own, from the seed: made once.
# 2. Inside, a function of a problem and a reading: a new throw, and a Score of 1.0 or 0.0.
# 3. Return this function.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `random.Random(seed)` is a source of its own. Its `random()` gives a number from 0 to 1. How often is that below
# ¼?
#
# </details>
# <details><summary>A bigger hint</summary>
#
# A function may be defined inside another one, and it sees the outer one's names. If the source is made inside the
# inner function, every call begins with the same number.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `generator = random.Random(seed)`, then `def draw(problem, reading): return Score(1.0) if generator.random() <
# probability else Score(0.0)`, then `return draw`. In full: `solution("random_reward")`.
#
# </details>

# %% [markdown]
# Before you run it: what will 20 steps of a coin do to right answers and to length?

# %% key="predict-coin"
predict("coin", "...")

# %% key="train-coin" exempt="trained floats differ in the last digits between processors"
from mine import pipeline, rewards

lucky = copy.deepcopy(base)
coin = {"coin": (1.0, rewards.random_reward(SEED, 0.25))}
by_coin = watch(
    pipeline.reinforce(lucky, pipeline.REASONING, plan, coin, SEED),
    steps=plan.steps,
    curves={"accuracy": "right", "worked": "worked", "length": "tokens an answer"},
    alt="The same three curves, paid by a coin.",
    behind={"true reward": history} if "history" in globals() else {},  # if you trained in this sitting
)

# %% key="coin-apart" exempt="answers of a trained model"
tossed = answers_of(lucky, samples=16)
parts = evaluation.decompose(tossed.right, tossed.worked)
print(f"coin    works {parts.works:.2f}, right if working {parts.right_when_working:.2f}:", end=" ")
print(f"pass@1 {parts.pass_at_1:.2f}, {tossed.lengths.double().mean():.1f} tokens")
print(f"base    pass@1 {start:.2f}; true reward {end:.2f}")
recall("coin")

# %% [markdown]
# The coin's gradient is zero *on average*. A single one is not: each step pushes in some direction that means
# nothing, and 20 such steps are a random walk. Its steps are not small: AdamW divides by the gradient's usual size,
# so a gradient of noise alone moves the weights a good way too. A model that can do something has more to lose than
# to win on such a walk. How it went on other seeds, the figure in *More than one seed* shows.
#
# And the length? It may grow or shrink. Look at yours, and hold it against the length of the true reward. In our run
# the coin's answers grew to 54 tokens, longer than the true reward's 35, while none was right and hardly one was
# worked. On the recorded seeds they have 10 to 25. **Length alone proves nothing.**
#
# There is a famous result the other way. With *random* rewards, Qwen2.5-Math-7B gained 21.4 points on MATH-500, where
# true rewards gave 29.1. Does our coin refute it? No. With one update for each batch the ratio is 1 and the clip never
# acts, so nothing here can favour what the model does already. That gain rests on the clip, and on what was in this
# model before. Another group found that the same model completes 54.6 % of these questions when it is shown the first
# 60 % of each: it may know them. On arithmetic made by a program, which it cannot know, only true rewards helped.
#
# *Sources: arXiv 2506.10947 and 2507.10532, both second-hand.*

# %% [markdown] tags=["teacher"]
# **For teachers.** Short of time: let nobody write `random_reward`, and run the cells; it is on loan.
#
# Ask the room: the coin's answers grew longer than the true reward's, in our run. What does a longer answer prove?
# (Alone, nothing: none was right, and hardly one was worked.)

# %% [markdown]
# ## Many tries
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → taken apart → a coin → **many
# > tries** → a vote → more than one seed → the real one
#
# *What we do now:* give the models up to 64 tries at each problem. *Why:* what a model can do *at all* shows at many
# tries. What it does by habit shows at one.
#
# You know pass@k from lesson 07. Beside it belongs what *guessing* would reach. With few possible answers and many
# tries, blind luck is enough.

# %% exercise="evaluation.chance_pass_at_k"
# 1. The chance that one guess misses.
# 2. The chance that all k guesses miss, and from it the chance that at least one hits.

# %% [markdown]
# <details><summary>A hint</summary>
#
# One guess among ten answers misses in 9 cases of 10. Two guesses both miss in 81 cases of 100.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The chances of independent misses are multiplied: the same factor `k` times.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `1 - (1 - 1 / values) ** k`. In full: `solution("chance_pass_at_k")`.
#
# </details>

# %% [markdown]
# The base is right in about one case of nine. Will the two curves cross, so that the base solves more than the
# trained model if both have 64 tries?

# %% key="predict-cross"
predict("cross", "...")

# %% key="curves" exempt="answers of a trained model"
from mine import evaluation

tries = (1, 2, 4, 8, 16, 32, 64)
both = {"base": before, "R1-Zero": after}
right = {name: these.right.view(48, 64).sum(dim=1).tolist() for name, these in both.items()}
curves = {name: [evaluation.pass_at_k(each, 64, k) for k in tries] for name, each in right.items()}
chance = {values: [evaluation.chance_pass_at_k(values, k) for k in tries] for values in (10_000, 10)}
curves |= {"guessing, 10,000 answers": chance[10_000], "guessing, if there were 10": chance[10]}
for name, curve in curves.items():
    print(f"{name:27}", " ".join(f"{each:.2f}" for each in curve))

# %% key="curves-figure" exempt="answers of a trained model"
fig, [ax] = canvas(width=7.4, height=3.6)
draw_curves(ax, tries, curves, across="tries k", up="pass@k")
ax.set(xscale="log", ylim=(0, 1.03))
ax.set_xticks(tries, [str(k) for k in tries])
ax.minorticks_off()
ends = ", ".join(f"{name} {curve[0]:.2f} and {curve[-1]:.2f}" for name, curve in curves.items())
show(fig, alt=f"""pass@k over the number of tries, on a logarithmic axis: the base, R1-Zero, and two lines for blind
    guessing. At 1 try and at 64: {ends}.""")

# %% key="cross-held-against"
recall("cross")

# %% [markdown]
# Two things are to be seen in this picture.
#
# - In our run the gap between the models is wide at one try and gone at many. What R1-Zero solves, the base solves too,
#   if it is asked often. That fits with choosing.
# - The line for ten answers rises to nearly 1 without any ability. In our run it nearly covers the base's, since the base is
#   right about as often as a guesser among ten. pass@k alone cannot tell the two apart. What can is the line for the
#   number of answers that there really are, and the vote, which comes next.
#
# In published work the curves did cross: Qwen2.5-7B went from 10.2 to 28.3 at pass@1 and from 69.1 to 63.9 at pass@256,
# after 450 steps. DeepSeek itself saw early that RL raises the majority vote and not pass@k. There is
# counter-evidence as well: with long training, and tasks of many kinds, RL stayed ahead over a wide range of k.
#
# *Sources: Limit of RLVR, arXiv 2504.13837, version 2, table 3, on Omni-MATH; DeepSeekMath, arXiv 2402.03300, section 5.2.2,
# second-hand; ProRL, arXiv 2505.24864, second-hand.*

# %% [markdown]
# ## A vote
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → taken apart → a coin → many tries
# > → **a vote** → more than one seed → the real one
#
# *What we do now:* let the answers to a problem vote. *Why:* pass@64 needs somebody who knows which of the 64 is right. A
# vote needs nobody.
#
# **By hand.** Five tries: 4517, nothing readable, 2663, 4517, 8051. The winner is 4517, with two votes of four.
#
# R1-Zero's 71.0 % on AIME became 86.7 % by a vote among 64 answers (version 1, table 2).

# %% exercise="evaluation.majority_vote"
# 1. Only answers that are not None count. If there are none, return None.
# 2. Return the answer that is given most often. In a tie: the one that was given first.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `Counter(things)` counts how often each thing occurs. Leave the Nones out before.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `most_common(1)` gives a list with one pair, thing and count, and keeps the order of first appearance in a tie. A
# set forgets this order.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `votes = Counter(answer for answer in answers if answer is not None)`, and `votes.most_common(1)[0][0] if votes else
# None`. In full: `solution("majority_vote")`.
#
# </details>

# %% key="vote" exempt="answers of a trained model"
from mine import evaluation


def voted(these, of=64):
    """How many of the 48 problems a vote among the first `of` answers gets right."""
    given = [reading.answer for reading in these.readings]
    winners = [evaluation.majority_vote(given[n * 64 : n * 64 + of]) for n in range(48)]
    return sum(winner == problem.answer for winner, problem in zip(winners, asked, strict=True)) / 48

for name, these in both.items():
    print(f"{name:8} one try {these.right.double().mean():.2f}, vote of 8 {voted(these, 8):.2f},", end=" ")
    print(f"vote of 64 {voted(these):.2f}, best of 64 {evaluation.pass_at_k(right[name], 64, 64):.2f}")

# %% [markdown]
# Why does a vote help? Here are all answers to one problem. Wrong ones go wrong in many ways, and right ones agree.

# %% key="ballots" exempt="answers of a trained model"
number = min(range(48), key=lambda n: abs(right["base"][n] - 8))  # right in about 8 of 64 tries
for name, these in both.items():
    ballots = Counter(reading.answer for reading in these.readings[number * 64 : number * 64 + 64])
    first = ", ".join(f"{' '.join(answer or ('none',))} ({count})" for answer, count in ballots.most_common(3))
    print(f"{name:8} {len(ballots)} different answers; most given: {first}")
print("right is", *asked[number].answer)

# %% [markdown]
# For the base, a vote is a way to find what it knows: its right answers are few, and yet often the largest party. Look at
# the vote of 64 in both lines. In our run the *untrained* base, with 64 tries and a vote, solves about as many
# problems as the trained model does with as many: another sign that it could do it before. What training changed is
# how far a single try gets.
#
# A vote fails where a *wrong* answer is the favourite. Then more votes make it surer of the wrong one. And 8 votes are
# few where only one answer in nine is right.
#
# **A question on the way.** After training, is the step from one try to a vote of 64 larger or smaller than before?
#
# <details><summary>(a) Larger: it is a better model.</summary>
#
# A vote can only win what single tries lose. A model that is right in 95 of 100 tries has little to win.
#
# </details>
# <details><summary>(b) Smaller: training has done part of what the vote did.</summary>
#
# Right, on our runs. Training makes the favourite answer commoner, and a vote picks the favourite. It is as if training
# had taken over the vote.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** `majority_vote` fails on two things: None as the winner, and ties through `max(set(...), key=...)`, where
# the order is lost. `chance_pass_at_k`: k/N, which can exceed 1.
#
# Ask the room: you are to report one number for a model. pass@1, the vote, or pass@64? What does each need from
# the person who uses the model? (One try: nothing. A vote: 64 times the computing. pass@64: somebody who knows the answer.)

# %% [markdown]
# ## More than one seed
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → taken apart → a coin → many tries →
# > a vote → **more than one seed** → the real one
#
# *What we do now:* look at seeds that ran before. *Why:* a single run can come out either way.
#
# Each recorded seed has a base of its own, trained from random numbers, and 30 steps of GRPO. For each claim a rule was
# written down before. `python start.py claims NAME` prints one in full.

# %% key="verdicts"
about_zero = ("grpo_raises_pass_at_1", "rl_gains_less_at_many_tries", "pass_at_k_curves_cross")
for name in about_zero:
    print(f"{CLAIMS[name].statement}\n    {verdict(CLAIMS[name], read(CLAIMS[name]))}")

# %% key="recorded-figure" exempt="numbers of trained models"
kept = [record.numbers for _, record in sorted(read(CLAIMS["grpo_raises_pass_at_1"]).items())]
arms, ran = ("base", "true reward", "random reward"), (before, after, tossed)
fig, axes = canvas(columns=2, width=9.6, height=3)
for ax, what, of in zip(axes, ("pass@1", "tokens"), ("right", "lengths"), strict=True):
    live = {arm: getattr(these, of).double().mean().item() for arm, these in zip(arms, ran, strict=True)}
    draw_seeds(ax, {arm: [each[f"{what}, {arm}"] for each in kept] for arm in arms}, live, what)
axes[1].set_yticks([])
axes[1].get_legend().remove()
means = "; ".join(f"{arm} {sum(each[f'pass@1, {arm}'] for each in kept) / len(kept):.2f}" for arm in arms)
show(fig, alt=f"""pass@1, and tokens an answer, of three arms: base, true reward and random reward. Circles are recorded
    seeds ({len(kept)} of them), diamonds what ran now. Mean pass@1 of the recorded seeds: {means}.""")

# %% key="gains-figure" exempt="numbers of trained models"
kept = [record.numbers for _, record in sorted(read(CLAIMS["pass_at_k_curves_cross"]).items())]
at = (1, 4, 16, 64)
gains = {f"k = {k}": [each[f"pass@{k}, RL"] - each[f"pass@{k}, base"] for each in kept] for k in at}
live = {f"k = {k}": curves["R1-Zero"][tries.index(k)] - curves["base"][tries.index(k)] for k in at}
fig, [ax] = canvas(width=7, height=3)
draw_seeds(ax, gains, live, "what RL adds to pass@k", bound=0.0)
said = ", ".join(f"{name} {sum(each) / len(each):+.2f}" for name, each in gains.items())
show(fig, alt=f"""What RL adds to pass@k, for k = 1, 4, 16 and 64. Circles are recorded seeds, diamonds what ran now. Left of
    the line at 0 the base is ahead. Means of the recorded seeds: {said}.""")

# %% [markdown]
# Left of the dashed line, the base is ahead: there the curves have crossed. The claim that they cross is the strong one, and the claim that
# the gain shrinks is the weak one. pass@k cannot exceed 1, so the weak one has help: where the base is near 1,
# nothing is left to gain. When the settings were chosen, the curves crossed on one seed and not on another. So read
# the verdict above, and not this lesson's run.

# %% [markdown]
# ## The real one
#
# > **The way:** the base → who can learn → training → reading → stop line → lengths → taken apart → a coin → many tries → a
# > vote → more than one seed → **the real one**
#
# *What we do now:* say what this shows of DeepSeek's R1-Zero, and what not. *Why:* a toy persuades easily.
#
# **Our world contains its conclusion.** Worked answers were in the base's corpus: all of its first part, and a quarter of the
# rest. GRPO had only to find what was there. Whether the real R1-Zero *chose* its reasoning from what V3-Base had read, or
# *created* it, is disputed, and a toy cannot settle it.
#
# | | speaks for choosing | speaks for more |
# |---|---|---|
# | what was there | V3-Base reflects on its own answers before any RL, and that is not tied to being right (Dr. GRPO, section 2.3) | answers grew from hundreds to thousands of tokens, over 10,400 steps (figure 3; the steps: version 2) |
# | many tries | curves cross (Limit of RLVR) | with long and varied training RL stays ahead (ProRL, second-hand) |
# | words like *wait* | reflection is there before | such words became 5 to 7 times as common, and *wait* jumped after step 8,000 (version 2, second-hand) |
#
# **What this lesson does show.** That a reward which sees the answer and its tags can change *how* the answer is reached, with no
# example. That a coin in its place does not do it. That the gain can be taken apart. That a mean length says less than it
# seems to. These are mechanisms. How much each of them weighs in a large model, a small one does not say.
#
# ### Where the toy misleads
#
# - **A quarter of the corpus is worked.** This number decides how much of the gain is choosing. We chose it.
# - **Working means carrying out the steps of the question.** There is little to discover. A slip may be taken back (*wait*),
#   as in the corpus, and no other way leads to the answer. The length of a right one is nearly given by the question. So
#   we look for no "aha" moment here.
# - **The tags are paid.** See *Training*: the reward for the format pulls towards `<think>`, though one run did without.
# - **20 steps.** The recorded run of 60 was still gaining at its end. What RL does in 10,000 steps is not seen.
# - **Two languages that are alike.** The recorded R1-Zero mixes its two languages: 0.59 of its language words are in the
#   question's. Nothing pays for the others to go. Lesson 10 begins there.
# - **Few problems.** 48 problems, six of a kind. An interval for pass@1 reaches 0.02 to 0.07 to either side, and further for
#   a single kind.
# - **The training problems are endless.** Each step has new ones. R1-Zero's were some 90,000 (version 2, second-hand),
#   each seen nearly four times (our arithmetic).

# %% key="interval" exempt="answers of a trained model"
for name, these in (("before", before), ("after", after)):
    print(name, evaluation.estimate(these.right.view(48, -1).double().mean(dim=1).tolist()))

# %% [markdown]
# *The mean over problems, and where 95 of 100 other sets of 48 problems would put it (by drawing the problems again,
# with replacement). It says nothing of other seeds.*
#
# ### What changes at 671 billion parameters
#
# | here | R1-Zero | lesson |
# |---|---|---|
# | 0.34 million parameters, dense | 671 billion, 37 active on a token | 06 |
# | 20 problems × 8 answers | 32 × 16 | 08 |
# | one update for each batch | 16, with mini-batches cut from 8,192 answers | 08 |
# | 20 steps, half a minute | 10,400 steps, 101 thousand hours of H800 | 14 |
# | learning rate 0.002 | 0.000003 | |
# | no KL term | β = 0.001, the reference renewed every 400 steps | 08 |
# | answers of at most 72 tokens | 32,768, later 65,536 | |
# | reward: right answer, and tags | right answer (mathematics, code, logic), and tags; equal weights | 07 |
# | pass@1 from 0.1 to what you saw | AIME 2024 from 15.6 to 71.0 (version 1), 77.9 (version 2) | |
#
# *Sources. DeepSeek-R1, arXiv 2501.12948: rewards and AIME in version 1, sections 2.2 and tables 1 and 2; the settings from version 2,
# section 2.1, and the hours from its table 7, second-hand.*

# %% [markdown]
# ## Three questions
#
# **1.** Somebody shows you a run in which answers grew from 200 to 900 tokens, and writes: *the model has learned to think for
# longer*. What do you ask for?
#
# <details><summary>Answer</summary>
#
# A histogram of lengths, before and after; the length of answers to *one* kind of problem; how many of the long ones are right; the
# same with a random reward; and whether the longest length allowed was changed.
#
# </details>

# %% [markdown]
# **2.** A base works in half of its answers and is right in 0.8 of these, and in 0.1 of the others. After RL it always works, and is right
# in 0.9. How much of the gain is choosing?
#
# <details><summary>Answer</summary>
#
# Before: 0.5 · 0.8 + 0.5 · 0.1 = 0.45. After: 0.9. Choosing: 0.5 · (0.8 − 0.1) = 0.35. Skill: 0.10. So 78 % is choosing.
#
# </details>

# %% [markdown]
# **3.** You get a base that *never* works step by step. What will R1-Zero's recipe do? What would you do first?
#
# <details><summary>Answer</summary>
#
# There is no worked answer to be paid, so none becomes commoner. Direct answers may become somewhat better. First, show it a few worked
# answers: that is the cold start of lesson 10. Or take a base that has read some.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $w$ | `works` | no common symbol |
# | $a$, $d$ | `right_when_working`, `right_when_direct` | no common symbol |
# | pass@k | `pass_at_k(correct, samples, k)` | pass@k |
# | cons@64 | `majority_vote(answers)` | cons@64, Maj@64 |
#
# | word | meaning |
# |---|---|
# | R1-Zero | reinforcement learning alone, straight from a base model |
# | contrast | a group has it if its rewards are not all equal; without it, it teaches nothing |
# | choosing | the part of a gain that comes from working more often, at the old skill |
# | skill | the rest of the gain: being right more often in the same mode |
# | control arm | the same experiment without what is thought to matter |
# | majority vote | the answer given most often; also cons@k, consensus |

# %% [markdown]
# ## Where to read more
#
# - DeepSeek-AI 2025, *DeepSeek-R1*, arXiv 2501.12948, section 2.2, and Nature 645:633: R1-Zero.
# - Liu and others 2025, *Understanding R1-Zero-like training*, arXiv 2503.20783: what the base did before.
# - Yue and others 2025, *Does reinforcement learning really incentivize reasoning capacity in LLMs beyond the base model?*, arXiv
#   2504.13837: pass@k at many tries.
# - NVIDIA 2025, *ProRL*, arXiv 2505.24864: the counter-evidence.
# - Shao and others 2025, *Spurious rewards*, arXiv 2506.10947: random rewards on Qwen.
# - TinyZero, on GitHub: R1-Zero on small models, to run yourself.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
