# %% [markdown]
# You read, run cells, and write small pieces of code that the course checks. To run a cell, press Shift and
# Enter. Begin with the next one. It loads the course, and says whose code the lesson runs on.
#
# > **The way:** predictions → a look ahead → the story → your machine → a first training →
# > your first exercise → where next

# %% key="setup"
import torch
from torch import Tensor

from pocketr1.replay import questions, recording
from pocketr1.welcome import learn_sums
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, steps, watch
from pocketr1.workbook.figures import canvas
from pocketr1.workbook.first_steps import what_check_says
from pocketr1.workbook.machine import report, requirements
from pocketr1.workbook.replaying import draw_replay
from pocketr1.workbook.story import draw_costs, draw_timeline
from pocketr1.workbook.ways import ways
from pocketr1.workbook.widgets import Choice

begin("00_welcome", globals())

# %% [markdown]
# ## First, two predictions
#
# Write down what you think now. A wrong prediction teaches more than a right one, as long as it is written
# down. Put your own words in the place of the dots, and run the cell. The lesson gives them back to you.
#
# 1. What did it cost to train DeepSeek-R1?

# %% key="predict-cost"
predict("cost", "...")

# %% [markdown]
# 2. A program guesses the sum of two digits. There are 100 such sums and 19 possible answers, so it is
#    right about 5 times in 100. Nobody ever shows it an answer. After each guess it hears one word, *right*
#    or *wrong*. How often will it be right after some seconds of this?

# %% key="predict-sums"
predict("sums", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Timing: predictions 3 minutes, the look ahead 2, the story 15, machine and training 3, the
# exercise 6, the end 1. Take both predictions by a show of hands, and write the counts on the board: you need them again at
# the end. Do not correct anything yet. If the room installs while you talk, tell the story first, from the
# solved notebook: it needs no kernel.

# %% [markdown]
# ## A look ahead
#
# > **The way:** predictions → **a look ahead** → the story → your machine → a first training → your first
# > exercise → where next
#
# Before the story, here is what the course leads to. A small model has read documents, and can go on with text.
# Then it is given questions. It is paid 1 when its answer is right, and a tenth for keeping to a form. Nobody
# shows it how to find an answer.
#
# A question looks like this: `find run mul7 add3 tot : 8 7 6 9 ?` It is a program of three steps for four
# digits. *mul7* multiplies each digit by 7, *add3* adds 3 to each, *tot* makes running totals; of every number
# only the last digit is kept. You need not work it out. Move **step** from 0 to 60, and read what the model
# answers as it learns. A mark beside a line says whether it was done rightly. On the right: how long its answers
# to other questions are, in *tokens*, here words. (With the keyboard: Tab, then the arrow keys.)

# %% key="replay"
recorded, names = recording(), [" ".join(question.prompt[:-6]) for question in questions()]

def look_at(question, step):
    return draw_replay(recorded, names.index(question), int(step))

steps_kept = tuple(str(look.step) for look in recorded.looks)
explore(look_at, question=Choice("question", tuple(names), names[1]), step=Choice("step", steps_kept, "0"))

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see step 0: four digits at once, and wrong. At
# step 20 it writes `then mul7 6 9 2 1 then add3 9 2 5 4 then tot 9 1 6 0`: it works, and slips in one digit (7 · 9
# = 63). At step 60: `then mul7 6 9 2 3 then add3 9 2 5 6 then tot 9 1 6 2`, which is right. Of all its answers to
# test problems, 0.10 are right at step 0, 0.43 at step 20 and 0.83 at step 60.
#
# This is R1-Zero in small, recorded from a run of some minutes. In lesson 09 you run it yourself, on code that
# you wrote. There you also ask what it proves: worked answers were in what the model had read, so it may have
# *chosen* them rather than invented them.

# %% [markdown]
# ## The story, told straight
#
# **Words that you do not know.** Names of methods come up here before they are explained: GRPO, small experts,
# latent attention. You need not know them yet. The course builds them one by one.
#
# **How to read the figures.** Each figure has its source beside it. We read the paper or the code
# ourselves, unless it says one of these: *reported* means that the press said so. *Second-hand* means that
# we read a transcript or an abstract, not the paper itself. *Recalled* means from memory, and not checked.
# *Our arithmetic* means computed from such figures.
#
# ### What happened in January 2025
#
# On 20 January 2025 DeepSeek, a company in Hangzhou, China, put a language model on the internet. It is
# called R1. Anyone may download its *weights*, the numbers that the model is made of, and use, change and
# sell them: the licence is MIT. A paper said how it was made (arXiv 2501.12948).
#
# R1 is a *reasoning model*: it writes out its working before it answers, often in thousands of *tokens*
# (pieces of words). The paper compares it with o1-1217, a reasoning model of OpenAI whose weights are not
# public, and with DeepSeek's own V3. V3 is the same base model, V3-Base, with ordinary *post-training*, which
# makes an assistant of a model that can only go on with text. Part of it was on answers of an earlier R1 model
# (V3's README). So V3 is no control that never met R1.
#
# | test | V3 | R1 | o1-1217 |
# |---|---|---|---|
# | AIME 2024, a mathematics contest, % right | 39.2 | 79.8 | 79.2 |
# | MATH-500, % right | 90.2 | 97.3 | 96.4 |
# | GPQA Diamond, science, % right | 59.1 | 71.5 | 75.7 |
# | Codeforces, contest programming, rating | 1134 | 2029 | 2061 |
# | C-SimpleQA, facts asked in Chinese, % right | 68.0 | 63.7 | none given |
#
# *Conditions: R1's paper, version 1, Table 4. For R1, each question is tried several times and the share of
# right tries is averaged. An answer has at most 32,768 tokens. They are drawn with temperature 0.6 and top-p
# 0.95, two dials of lesson 03. V3's figures equal those of its own README, made with answers of at most 8K
# tokens (V3's README, second-hand). Codeforces is a rating, as in chess, and not a share. The figures for o1
# come from OpenAI's own reports (recalled).*
#
# So R1 was level with o1 in mathematics, just behind it in contest programming, and behind it in science.
# On facts asked in Chinese it did worse than V3 in R1's table.
#
# A second model came with it, **R1-Zero**. It began as V3-Base, which had only learned to go on with
# text. Then it was given problems whose answers a program can check. A right answer earned a reward,
# and so did the required format. In this stage nobody showed it how to solve anything. On AIME 2024 it went
# from 15.6 % to 71.0 % right (version 1, Table 2; the version in Nature says 77.9 %, second-hand). This is
# the idea at the heart of the course.

# %% key="timeline"
fig, [ax] = canvas(width=8.2, height=3.9)
draw_timeline(ax)
show(
    fig,
    alt="A time line. US export rules come in October 2022 and October 2023. Papers on small "
    "experts, GRPO and latent attention follow in 2024, V3 in December 2024, R1 on 20 January "
    "2025. Nvidia's share price falls a week later. The Nature paper comes in September 2025, with "
    "R1's hours, second-hand. Events known by their month stand in its middle.",
)

# %% [markdown]
# *Where only the month of an event is known, its mark stands in the middle of that month: the day is
# approximate.*
#
# ### Who built it
#
# High-Flyer is a *quantitative hedge fund*: it trades by computer. Liang Wenfeng co-founded it in Hangzhou
# in 2015 or 2016. In April 2023 it announced a research lab, which became the company DeepSeek a few months
# later. High-Flyer pays for it. In January 2025 it managed about 8 billion dollars, and before the export
# rules it had bought about 10,000 A100 chips. All of this is reported, and reports differ on the years.
#
# R1 did not come out of nowhere. The parts had been published one by one: small experts in January 2024,
# GRPO (the way R1 learns from rewards) in February, latent attention in May, V3 in December. The course takes
# each of them in its turn.
#
# ### Chips, and what the limits forced
#
# On 7 October 2022 the United States made a licence necessary to sell A100 and H100 chips to China. The
# rule looked at how fast a chip computes and how fast chips talk to each other. Nvidia answered with the
# A800 and the H800, which talk more slowly. On 17 October 2023 these needed a licence too (all reported).
# Until then an H800 was legal to buy. V3 was trained on H800s, and so was R1 (R1: second-hand).
#
# An H800 computes like an H100, but sends less between chips (reported). V3's report counts on 160 GB/s
# between the chips of one machine and 50 GB/s between machines. Its design saves traffic and arithmetic:
#
# - Of its 671 billion parameters only 37 billion work on any one token: 5.5 % (our arithmetic).
# - A token is sent to at most four machines.
# - 20 of the 132 processors of each chip do nothing but move data.
# - Most products are computed with numbers of 8 bits. In tests on two smaller models the loss stayed within
#   0.25 % of that with 16 bits.
#
# *The two speeds and this list are from V3's report, arXiv 2412.19437, sections 3 and 4.* How much of this
# the limits forced, nobody outside can say. Slow links are a reason to send less. A mixture of experts saves
# arithmetic, and latent attention saves memory, on any chip.
#
# ### What open weights set off
#
# R1 came with six smaller models, of 1.5 to 70 billion parameters, which had learned from R1's answers. That
# is called *distillation*. DeepSeek released them itself. Soon others could test what the paper said:
#
# - **OpenR1** trained a 7-billion model on 350,000 checked answers of R1. It matches DeepSeek's own model
#   of that size (its README).
# - **TinyZero** repeated the idea of R1-Zero on small models: 0.5 billion parameters fail at it, 3 billion
#   succeed (its README).
# - A paper known as **Dr. GRPO** found that GRPO is too mild on long wrong answers (arXiv 2503.20783).
# - A paper known as **Limit of RLVR** asked whether learning from checked answers teaches anything new, or
#   mostly makes the model choose what it could do before (arXiv 2504.13837). This is still disputed. Lesson
#   09 measures it, in small.
#
# Open weights are not open source: the training data and the training code were not released.
#
# ### The market
#
# On Monday 27 January 2025 Nvidia's shares fell from 142.62 to 118.42 dollars, by 17 %. That took 589 to
# 593 billion dollars off the company's value, the largest loss of any company in one day until then. The
# Nasdaq index fell by 3 %. DeepSeek's app stood first in Apple's store in the United States. All of this is
# reported.
#
# One reading: if good models need fewer chips, fewer chips will be sold. Another: if good models get
# cheaper, more people will use them, and more chips will be sold. A price does not say why it moved.
#
# ### What it cost
#
# The figure of *six million dollars* went round the world. Here is what it counts.

# %% key="costs"
fig, [ax] = canvas(width=8.2, height=3.2)
draw_costs(ax)
show(
    fig,
    alt="Bars of cost in million dollars, at 2 dollars for an hour of one H800. V3's final run is "
    "5.576. R1 on top of V3 is 0.294. Below the dollar axis stand three boxes with a question mark, "
    "for what is in neither figure and was not published: earlier research and trial runs; failed "
    "runs and pilots; people, purchased data and buildings.",
)

# %% [markdown]
# - **V3's final run: 5.576 million dollars.** That is 2,664 + 119 + 5 = 2,788 thousand H800 hours at an
#   assumed rent of 2 dollars an hour (V3's report, Table 1). The report itself says what is left out:
#   earlier research, and trial runs on architectures, algorithms and data. Being a rent, it holds no
#   purchase of chips and no salaries (our reading).
# - **R1, on top of V3: 0.294 million dollars.** That is 101 + 5 + 41 = 147 thousand hours, on 512 chips
#   (version 2, Table 7, second-hand). It was published only in September 2025. It leaves out the training
#   of V3's base, and pilots on A100 chips with a model of about 30 billion parameters (second-hand), and
#   failed runs (our reading).
# - **Both together: 5.87 million dollars** (our arithmetic), for two final runs, not for the research that
#   led to them.
# - **The hardware** is another matter. A firm of analysts, SemiAnalysis, put it at more than 500 million dollars,
#   and all investments at about 1.6 billion (reported, and estimates). Such machines serve all of a
#   company's work, so this is no cost of R1 either (our reading).
#
# **Check yourself.** Which of these is inside the 5.576 million? Open the one that you choose.
#
# <details><summary>(a) the researchers' pay</summary>
#
# No. The figure is a rent for chips. Nobody's pay is in it.
#
# </details>
# <details><summary>(b) trial runs</summary>
#
# No. V3's report leaves them out, and says so.
#
# </details>
# <details><summary>(c) V3's post-training</summary>
#
# Yes. It is the last of the three terms: 5 thousand hours, 0.01 million dollars.
#
# </details>
# <details><summary>(d) R1</summary>
#
# No. R1's own hours are not in it. (An earlier R1 model helped to write V3's post-training data.)
#
# </details>
#
# ### A question left open: did the export rules fail?
#
# People who know the matter disagree. Here are both sides. We take neither.
#
# **They failed.** A model level with o1 in mathematics was made in spite of them. Scarcity rewarded
# economy, and the economical methods are now public, so that anyone can use them. A ban also gives a
# country a reason to build its own chips.
#
# **They worked, or it is too early to tell.** V3 and R1 ran on H800s, legal to buy until October 2023. So
# R1 shows a gap in the rule of 2022, not what the rule of 2023 does. Chips last for years, so a limit acts
# late. And much of what the cost figure leaves out, trial runs above all, needs chips as well.
#
# To settle it one would need the same years without the rules. Nobody has them. The two sides also mean
# different things by success: to stop, or to slow.

# %% [markdown] tags=["teacher"]
# **For teachers.** This is where a room starts to argue. Give it three minutes and one rule: say what
# evidence would change your mind. The papers name H800s, and A100s for pilots (R1: second-hand).

# %% [markdown]
# ### Often heard, and what the sources say
#
# | often heard | what the sources say |
# |---|---|
# | R1 cost 6 million dollars. | V3's final run did, at 2 dollars an hour. R1's own stage was not published until September 2025. |
# | DeepSeek invented the mixture of experts. | It is older. DeepSeek split it more finely, for V3, R1's base. |
# | R1 was trained by RLHF, learning from what people prefer. | It was rewarded mostly by rules that a program can check. A reward for preference enters only in the last stage. It had stages with worked examples, too: see the next row. |
# | R1 learned to reason without any worked examples. | That is R1-Zero. R1 used thousands of worked examples first, and about 800,000 samples later. |
# | Others made the small R1 models. | DeepSeek released the six distilled models itself. |
# | R1 is open source. | It has open weights. Data and training code are not public. |
# | R1 matched GPT-4. | It was level with o1-1217, a reasoning model, in mathematics, and just behind it in contest programming. |
#
# ### What it means if you build things
#
# - **Can a program check the answers of your task?** Then reward may be all the teaching it needs, if your
#   model is sometimes right by itself.
# - **Is your model small? Let it learn from a large one first.** On AIME 2024 a 32-billion model reached
#   72.6 % by learning from R1's answers, and 47.0 % by more than 10,000 steps of learning from rewards
#   (version 1, Table 6; the two did not cost the same).
# - **Read the licence of the model that you really use.** R1 is MIT. Its distilled students stand on Qwen
#   (Apache-2.0) or Llama (Meta's own licence).
# - **Ask three things of a cost.** Which run? At what price an hour? What is left out?
# - **Ask three things of a score.** Which version? How many tries? How long could the answer be?
#
# ### Which lesson rebuilds which claim
#
# | published claim | its figure and condition | lesson |
# |---|---|---|
# | Attention lets each word take from the words that matter | no figure: you hold it against PyTorch's own | [02 Attention](02_attention.ipynb) |
# | Latent attention makes the memory of a text small | 93.3 % smaller in V2 than in DeepSeek-67B, not by latent attention alone (arXiv 2405.04434) | [04 The cache, and latent attention](04_latent_attention.ipynb) |
# | A model can be large and use little of itself | V3 uses 37 of 671 billion parameters on a token | [05 Mixture of experts: routing](05_moe_routing.ipynb) |
# | All experts can be kept busy without a cost in quality | 1 billion parameters: the model wavers between 9.50 tokens on average, 9.56 the older way; the fullest expert is 4 % above the mean load, where it was 72 % above (100 billion tokens; arXiv 2408.15664, second-hand) | [06 DeepSeekMoE](06_deepseek_moe.ipynb) |
# | An answer that a program checks is enough to learn from | no neural network judges R1-Zero's answers | [07 Rewards and policy gradients](07_policy_gradients.ipynb) |
# | Answers can be judged against each other, without a second network | MATH 46.8 to 51.7 %, with a learned reward (arXiv 2402.03300, second-hand) | [08 GRPO](08_grpo.ipynb) |
# | Reward alone brings out long working | R1-Zero: from hundreds to thousands of tokens (version 1, Figure 3); AIME from 15.6 to 71.0 % (Table 2). One jump comes where the longest answer allowed was doubled (second-hand) | [09 R1-Zero](09_r1_zero.ipynb) |
# | Each stage towards R1 changes something | AIME: R1-Zero 77.9; three drafts of R1, the first and the third begun anew from V3-Base, 59.0, 74.0, 78.1; R1 79.8 % (version 2, Table 3, second-hand) | [10 The R1 pipeline](10_r1_pipeline.ipynb) |
# | A small model learns more from a large one than alone | 32 billion, AIME: 72.6 against 47.0 %, computing not matched | [11 Distillation](11_distillation.ipynb) |
# | Open weights can be changed and run by anyone | 720 GB squeezed into 131 GB (Unsloth's blog, second-hand) | 12 Open weights (planned) |
# | Numbers of 8 bits are enough for most of the training | the loss stays within 0.25 % of that with 16 bits | 13 Efficiency (planned) |
# | V3's final run cost 5.576 million dollars | at 2 dollars an hour | 14 What it cost (planned) |
#
# A figure without a source has its source in the story above. [01 Warm-up](01_warmup.ipynb) and [03 The
# transformer](03_transformer.ipynb) lay the ground. On toy data a claim may come true or not. Either is
# reported.

# %% [markdown]
# ## Is my machine ready?
#
# > **The way:** predictions → a look ahead → the story → **your machine** → a first training →
# > your first exercise → where next
#
# The next cell looks at this machine. A *NO* comes with what to do about it.

# %% key="machine"
print(report(requirements()))

# %% [markdown]
# ## A first training
#
# > **The way:** predictions → a look ahead → the story → your machine → **a first training** →
# > your first exercise → where next
#
# Here is the smallest thing that learns as R1-Zero does. It holds a table: one row for each of the 100
# sums, one column for each of the 19 answers. In every step it guesses 16 times at each sum. A program says
# right or wrong. Then guesses that did better than the average of their 16 become likelier, and the others
# rarer.
#
# It takes some seconds, and longer on a busy machine. The curve grows while you watch.

# %% key="train" exempt="the curve's last digits depend on the processor"
history = watch(
    learn_sums(steps(1500)),
    steps=steps(1500),
    curves={"right": "share of right guesses"},
    alt="The share of right guesses, step by step. It is low at first, then rises steeply, then "
    "stays flat near one.",
)

# %% key="trained"
print("right at the start, less than 0.10:", history["right"][0] < 0.10)
print("right at the end, more than 0.95: ", history["right"][-1] > 0.95)
recall("sums")

# %% [markdown]
# Was your prediction near? Nobody showed the program an answer. In the end it is right nearly every time.
#
# **What changes at 671 billion parameters.** The table becomes a network that writes its answer word by
# word, with its working. The rule stays: try many times, check, make likelier what did better than its group.
#
# **Where this toy misleads.** Luck does much of the work here.
#
# - With 19 answers and 16 tries, 58 groups in 100 hold a right try at the very start: 1 -
#   (18/19)<sup>16</sup> = 0.58. A group that is all wrong teaches nothing: no guess did better than the others.
# - On a hard problem luck hardly ever finds the answer. R1-Zero could start because its base was right now and
#   then by itself: 15.6 % on AIME.
# - This table remembers 100 sums. It cannot add two numbers that it has not seen.

# %% [markdown]
# ## How an exercise works
#
# > **The way:** predictions → a look ahead → the story → your machine → a first training →
# > **your first exercise** → where next
#
# An exercise is a function with a name, such as `shares`. Its body is yours to write. Below it stands a cell
# `check(shares)`, which says one of three things. Here they are, before you write anything yourself.
#
# **If you have not begun:**

# %% key="verdict-untouched"
what_check_says("shares", "nothing written yet")

# %% [markdown]
# That costs nothing. Every lesson runs to its end with nothing solved.
#
# **If there is a mistake:** it is named where it can be, with the smallest case that fails.

# %% key="verdict-wrong"
def one_of_many(amounts):
    return amounts / amounts.shape[-1]

what_check_says("shares", one_of_many)

# %% [markdown]
# **If it is right:** your answer is kept, and from then on the course runs on it.

# %% key="verdict-right"
what_check_says("shares", "the course's own answer")

# %% [markdown]
# Stuck? Under each check are three hints, from a small one to the way to the solution.
#
# ## Your first exercise
#
# V3's final run took 2,664 thousand hours for pre-training, 119 to learn to read longer texts, and 5 for
# post-training. R1 took 101 for R1-Zero, 5 for making data, and 41 for R1 itself (second-hand). Which stage
# is the dear one? To compare the two rows, turn hours into *shares*: parts of one.
#
# By hand: the row (2, 6) has the total 8. Its shares are 2/8 and 6/8, that is 0.25 and 0.75, and they sum to one.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they divide by the number of parts, or they lose the axis, so that
# `[2, 3]` meets `[2]` and PyTorch complains. Ask the room: with three rows of three parts, would PyTorch
# complain too? (No: `[3, 3]` and `[3]` line up, and each column is divided by a wrong total, in silence.)

# %% key="hours"
hours = torch.tensor([[2664.0, 119.0, 5.0], [101.0, 5.0, 41.0]])
print("two rows, three parts:", tuple(hours.shape))
print("totals of the rows:", hours.sum(dim=-1).tolist())

# %% exercise="welcome.shares"
# Sum each row along the last axis, and keep that axis, so that the totals are [..., 1].
# Divide the amounts by the totals.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Each row has its own total. In the shape `[..., parts]` a row is what lies along the last axis, which
# PyTorch calls `dim=-1`.
#
# </details>
#
# <details><summary>A bigger hint</summary>
#
# `amounts.sum(dim=-1)` loses the last axis: two rows of three give two totals, of shape `[2]`. To divide
# `[2, 3]` by them they must be `[2, 1]`. `sum` has an argument that keeps the axis.
#
# </details>
#
# <details><summary>The way to the solution</summary>
#
# Run `solution("shares")` in a new cell. Look at what `sum` is given beside the axis: that one word keeps
# the shape. Then delete the cell, and write the line from memory.
#
# </details>
#
# ### Your code becomes part of the course
#
# `mine` is a package made of your accepted answers. What you have not written yet is lent to it. The next
# cell runs on your `shares`, if the check said *right*.

# %% key="use-it"
from mine import welcome

stages = [["pre-training", "longer texts", "post-training"], ["R1-Zero", "data", "R1"]]
for parts, row in zip(stages, welcome.shares(hours).tolist(), strict=True):
    print(", ".join(f"{part} {share:.1%}" for part, share in zip(parts, row, strict=True)))

# %% [markdown]
# Two words for later. `keep(shares)` puts your version into `mine` even if the check does not call it right:
# it may be slow, or wrong on purpose. `lend("shares")` takes the course's own for a while, and
# `lend("shares", False)` takes yours again. Nothing of yours is lost by either.
#
# V3's final run is nearly all pre-training. Of R1's own hours two thirds went into R1-Zero. You will meet
# shares again: attention weights are shares of one (lesson 02), and so are the weights of experts and the
# probabilities of the next word.
#
# ## Where to go from here
#
# > **The way:** predictions → a look ahead → the story → your machine → a first training →
# > your first exercise → **where next**
#
# Progress is kept in your work folder. Tomorrow, run the cells from the top again: what was right stays right.

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()

# %% [markdown]
# In a second terminal, in the course's folder, `python start.py progress` prints this table too. `python start.py
# reset 00` gives you this notebook afresh, and keeps a copy of yours.
#
# How much time have you got?

# %% key="ways" exempt="it names the lessons of the course, also those that are added later"
print(ways())

# %% [markdown]
# *Core* exercises carry a path. *Extra* ones are for whoever has time. After lesson 03 there are two branches:
# 07 to 11 learn from rewards, 04 to 06 save computing. You can go either way.

# %% [markdown]
# ## What did you predict?

# %% key="recall-cost"
recall("cost")

# %% [markdown]
# A good answer has a run, a price and a list of what is left out. For example: *V3's final run was 5.576
# million dollars of rent at 2 dollars an hour, and R1's stage 0.294 million on top. Research, failed runs,
# people and chips are not in it, and their cost is not known.*
#
# ## Three questions
#
# **1.** A headline says: "DeepSeek trained R1 for 6 million dollars." Mend it in one sentence.
#
# <details><summary>Answer</summary>
#
# "The final training run of V3, whose base model R1 was made from, took 5.576 million dollars' worth of chip
# hours at 2 dollars an hour, research not counted." R1's own stage came on top, with 147 thousand hours.
#
# </details>

# %% [markdown]
# **2.** In the training above, all 16 guesses at one sum are wrong. What does that sum learn in this step?
# What would it need?
#
# <details><summary>Answer</summary>
#
# Nothing. Each guess did as well as the average of its group, so none becomes likelier. It needs a right
# guess now and then: more tries, an easier problem, or a better start. R1-Zero's start was a base model
# that had read 14.8 trillion tokens.
#
# </details>

# %% [markdown]
# **3.** "R1-Zero learned to reason without ever seeing a worked solution." What is right, and what is not?
#
# <details><summary>Answer</summary>
#
# In its reinforcement learning it was shown none. But its base model, V3-Base, had been trained on 14.8
# trillion tokens of text, and what was in them was not released. V3-Base was found to reflect on its own
# answers before any such training (arXiv 2503.20783, section 2.3). So whether the training made the
# reasoning or chose it is disputed.
#
# </details>
#
# ## Where to read more
#
# - **R1**: arXiv 2501.12948. Version 1, section 2, is short and clear. Version 2 and Nature 645:633 (2025)
#   have settings and hours.
# - **V3**: arXiv 2412.19437. Section 1 for the cost table, section 3 for the chips.
# - **GRPO**: DeepSeekMath, arXiv 2402.03300.
# - **Doubts**: Dr. GRPO, arXiv 2503.20783. Limit of RLVR, arXiv 2504.13837.
# - **The export rules**, two views: Gregory C. Allen, *DeepSeek, Huawei, Export Controls, and the
#   Future of the U.S.-China AI Race*, CSIS, March 2025. Dean W. Ball, *What DeepSeek r1 Means, and What It
#   Doesn't*, Lawfare, January 2025. (We read excerpts of both.)
# - **Words and symbols**: `lessons/glossary.md`, in the course's folder on disk. JupyterLab shows your work
#   folder alone, so open the file with any editor.
#
# **Next:** [02 Attention](02_attention.ipynb). How does a word know which other words matter? If you are not
# sure of your PyTorch, warm up first: [01 Warm-up: shapes and gradients](01_warmup.ipynb), 30 minutes.
