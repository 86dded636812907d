# %% [markdown]
# This lesson is a test that nobody fails. It has six small exercises of one or two lines. Each is something
# that later lessons do without a word. A cell then tells you which of the six sections below to read.
#
# - **All six right?** Go on to lesson 02. You have spent 13 minutes, ten of them on the exercises.
# - **Some not?** Read the sections that the cell names, and leave out the others. Each takes three minutes.
#
# > **The way:** six exercises → what to read → 1 broadcasting → 2 log-probabilities → 3 masks → 4 einops →
# > 5 detach → 6 seeds
#
# Why these six? They go wrong *in silence*. The code runs, and the result is a wrong number.
#
# Press Shift and Enter to run a cell. Begin with the next one.

# %% key="setup"
import math

import torch
from einops import rearrange, reduce
from torch import Tensor
from torch.nn import functional

from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution
from pocketr1.workbook.figures import canvas, colours, draw_curves, draw_matrix, in_words
from pocketr1.workbook.journal import read_book
from pocketr1.workbook.shapes import draw_line_up, line_up_in_words, read_shape
from pocketr1.workbook.widgets import Words

begin("01_warmup", globals())

# %% [markdown]
# ## First, a prediction
#
# A model predicts five numbers, in a tensor of shape `[5]`. The true values come from a table, with shape
# `[5, 1]`. All five predictions are exactly right: 1, 2, 3, 4, 5. Somebody computes the error:
#
# ```python
# (predicted - true).square().mean()
# ```
#
# Is it 0? An error message? Another number? Write what you think in place of the dots.

# %% key="predict-silent"
predict("silent", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes: opening and prediction 2, the six exercises 10, what to read 1, the sections 3
# each: 31 if somebody needs all of them, 13 if nobody does. In a short course send this lesson out the day
# before, and begin with lesson 02. Take the prediction by a show of hands: most say 0 or an error message.
#
# Do not help during the ten minutes. A wrong answer here costs nothing, and tells each person what to read.

# %% [markdown]
# ## Six exercises
#
# > **The way:** **six exercises** → what to read → 1 broadcasting → 2 log-probabilities → 3 masks → 4 einops
# > → 5 detach → 6 seeds
#
# *What we do now:* six functions, ten minutes. *Why:* to find out what you can skip. Stuck for more than two
# minutes? Leave it, and take the next. What you have not written is on loan, so nothing is blocked.
#
# **Shapes** stand in square brackets, with names: `[batch, seq]` is a table of texts and their tokens.
# `...` stands for any axes in front. A *token* is a piece of text, such as a word.
#
# ### Every one with every other
#
# Lesson 02 compares the position of every word with that of every other. Here it is with plain numbers.

# %% exercise="tensors.differences"
# 1. Make a column of `left`: a new axis, the last.
# 2. Make a row of `right`: a new axis, the last but one.
# 3. Subtract.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x.unsqueeze(-1)` gives `x` one more axis, the last, of length 1. Section 1 below shows what happens then.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `left.unsqueeze(-1)` is `[..., rows, 1]`, and `right.unsqueeze(-2)` is `[..., 1, columns]`. Count axes from
# the end, with negative numbers: then axes in front do no harm.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("differences")` in a new cell. Look at which of the two gets its new axis where. Then
# delete that cell, and write it from memory.
#
# </details>
#
# ### What did the model think of the chosen token?
#
# A language model gives each token of its vocabulary a number, its **logit**. **Softmax** turns the logits
# of one place into probabilities. Training looks at the logarithm of one of them, that of the token which was
# really chosen. Lessons 03, 07, 08 and 11 do this in every step.

# %% exercise="tensors.chosen_logprobs"
# 1. Logits become log-probabilities, along the axis of the vocabulary.
# 2. At each place, pick the one that belongs to the chosen token.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `log_softmax` does the first step, and `gather` the second. Both need to know the axis. See section 2.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `table.gather(-1, index)` wants an index with as many axes as the table. `chosen.unsqueeze(-1)` is
# `[batch, seq, 1]`. The result has that shape too: take its last axis away with `squeeze(-1)`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("chosen_logprobs")`. Look at what the index of `gather` has that `chosen` has not, and
# where it goes again. Two common slips: `softmax` and then `log` (minus infinity for an unlikely token),
# and another axis than the last.
#
# </details>
#
# ### Only what is real
#
# Texts differ in length, and a tensor is a rectangle. So short texts are filled up with **padding**. A
# **mask** says which tokens are real. Every loss in this course has to leave the padding out.

# %% exercise="tensors.mean_of_real"
# 1. Add up each text's values, the real ones only.
# 2. Divide by how many are real, in that text.

# %% [markdown]
# <details><summary>A hint</summary>
#
# The mask is needed twice. True counts as 1 in a sum, and False as 0. See section 3.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `torch.where(mask, values, 0)` has zeros in the place of padding. `mask.sum(dim=-1)` counts the real tokens
# of each text.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("mean_of_real")`. Look at the denominator. The common slip is `.mean(dim=-1)`: it divides
# by the full length.
#
# </details>
#
# ### Answers to one prompt, together
#
# In lesson 08 a model answers each prompt several times, and GRPO compares the answers to the same prompt.
# Say they were written in rounds: all prompts once, then all prompts again. They have to be sorted.

# %% exercise="tensors.by_prompt"
# 1. Split the first axis in two. Which of the two changes faster from row to row, the round or the prompt?
# 2. Move the axes: prompts first, then rounds. The tokens of an answer stay last.

# %% [markdown]
# <details><summary>A hint</summary>
#
# The first rows are all of the first round. So the prompt changes with every row, and the round only after
# `prompts` rows. `rearrange` of einops splits and moves in one go. See section 4.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# In einops, brackets hold axes that lie in one: `(round prompt)`, the one that changes faster last. Tell it
# one of the lengths: `prompt=prompts`. Without einops: `reshape(-1, prompts, seq)`, then `transpose(0, 1)`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("by_prompt")`. Look at the order of the two names in the brackets. The common slip is
# `answers.reshape(prompts, -1, seq)`: right shape, wrong groups.
#
# </details>
#
# ### The teacher stands still
#
# In distillation (lesson 11) a student moves towards a teacher, and never the other way. A loss does not know
# that by itself: it pulls at both ends. The same cut is needed for rewards and old policies (07, 08).

# %% exercise="tensors.distance_to_teacher"
# 1. Cut the teacher off from the gradient. Its numbers stay as they are.
# 2. The mean of the squared differences.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x.detach()` has the same numbers as `x`, and no history: no gradient goes back through it. See section 5.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Detach the side that shall *not* move. If you detach the result, nobody learns anything.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("distance_to_teacher")`. Look at where exactly `detach` stands.
#
# </details>
#
# ### The same chance, twice
#
# A model draws its words by chance. To find a mistake in a training you must be able to run it again with the
# *same* chance. Every random number of this course comes from a generator with a seed.

# %% exercise="tensors.uniform_draws"
# 1. Make a new generator, and set it to the seed.
# 2. Draw `count` numbers from it, and from nowhere else.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.Generator()` is a source of random numbers of your own, and `torch.rand` takes one by the name
# `generator`. See section 6.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `torch.Generator().manual_seed(seed)` makes one, sets it and returns it. `torch.manual_seed(seed)` is
# something else: it sets the source that all other code draws from.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("uniform_draws")`. Look at how the generator is made: nothing outside the function changes.
#
# </details>

# %% [markdown]
# ## What to read
#
# > **The way:** six exercises → **what to read** → 1 broadcasting → 2 log-probabilities → 3 masks → 4 einops
# > → 5 detach → 6 seeds
#
# The next cell looks at your progress. Run it again whenever you like.

# %% key="what-to-read"
sections = {
    "differences": "1 Broadcasting",
    "chosen_logprobs": "2 Log-probabilities, and gather",
    "mean_of_real": "3 Masks",
    "by_prompt": "4 Einops",
    "distance_to_teacher": "5 Detach",
    "uniform_draws": "6 Seeds",
}
book = read_book()
to_read = [title for name, title in sections.items() if book.status(f"tensors.{name}") != "right"]
print("Read these:" if to_read else "All six are right. Go on to lesson 02.", *to_read, sep="\n  ")

# %% [markdown]
# **All six are right?** Go on to [lesson 02](02_attention.ipynb). If you are curious about your prediction,
# look at section 1 first.
#
# **Not all?** Each section has an example small enough for your head, and ends where its exercise begins.
# Go back up, mend your answer, and check it again.

# %% [markdown]
# ## 1 Broadcasting
#
# > **The way:** six exercises → what to read → **1 broadcasting** → 2 log-probabilities → 3 masks → 4 einops
# > → 5 detach → 6 seeds
#
# *What we do now:* see how two tensors of different shapes are combined. *Why:* to get all pairs without a
# loop, and to notice when it happens unasked.
#
# By hand: take 1, 2 and 3 away from 5, then from 7. You get the rows (4, 3, 2) and (6, 5, 4). To make PyTorch
# do this, the 5 and the 7 become a column, and 1, 2, 3 become a row.

# %% key="column-and-row"
left, right = torch.tensor([5.0, 7]), torch.tensor([1.0, 2, 3])
column, row = left.unsqueeze(-1), right.unsqueeze(-2)
print("column:", list(column.shape), column.tolist())
print("row:   ", list(row.shape), row.tolist())

# %% [markdown]
# The rule has three parts.
#
# 1. Write the shapes under one another, **flushed right**: last axis under last axis.
# 2. A length of **1, or a missing axis, is repeated** until it has the other's length.
# 3. Two lengths that are then not equal are an error.

# %% key="line-up"
fig, axes = canvas(columns=4, width=9.4, height=2.7)
draw_line_up(axes[0], column.shape, row.shape, "the shapes")
titles = ["column, repeated", "row, repeated", "column − row"]
for ax, title, table in zip(axes[1:], titles, [*torch.broadcast_tensors(column, row), column - row], strict=True):
    draw_matrix(ax, table, ["5", "7"], ["1", "2", "3"], title)
show(fig, alt="""How [2, 1] and [1, 3] line up: along the last axis the 1 on the left is repeated 3
    times, along the first axis the 1 on the right is repeated 2 times, and the result is [2, 3]. Beside it
    the column of 5 and 7, repeated; the row of 1, 2 and 3, repeated; and their difference, with the rows
    4, 3, 2 and 6, 5, 4.""")

# %% [markdown]
# Now the prediction. The shapes are `[5]` and `[5, 1]`.

# %% key="silent"
predicted, true = torch.arange(1.0, 6), torch.arange(1.0, 6).unsqueeze(-1)
print(in_words(line_up_in_words(predicted.shape, true.shape)))
print("mean of the squares:", (predicted - true).square().mean().item())
recall("silent")

# %% [markdown]
# No error, and not 0. Every prediction was compared with every true value: 25 pairs where 5 were meant. A
# training on this loss runs, and learns to predict the average. The mend is to give both the same shape, such
# as `true.squeeze(-1)`.
#
# **A question on the way.** `x` is `[batch, seq]`. Which line takes its own largest number away from each row?
#
# <details><summary>(a) <code>x - x.amax(dim=-1)</code></summary>
#
# No. The largest numbers are `[batch]`, and line up with `seq`, the last axis. For most sizes that is an
# error. If `batch` and `seq` happen to be equal, each *column* loses a wrong number, in silence.
#
# </details>
# <details><summary>(b) <code>x - x.amax(dim=-1, keepdim=True)</code></summary>
#
# Right. `keepdim` leaves the axis there with length 1: `[batch, 1]`. That is repeated along each row.
#
# </details>
# <details><summary>(c) <code>x - x.amax()</code></summary>
#
# No. This is one number, the largest of all rows. It fits every shape, so it never complains.
#
# </details>
#
# Try shapes of your own. Type one, such as `8, 1, 6`, and press Enter. Tab goes from one line to the other.
# Can you find two shapes whose result is larger than both, and has more axes than one of them?

# %% key="explore"
def look(left, right):
    shapes = read_shape(left), read_shape(right)
    fig, [ax] = canvas(width=4.8, height=3)
    draw_line_up(ax, *shapes)
    return fig, line_up_in_words(*shapes)

explore(look, left=Words("left", "5"), right=Words("right", "5, 1"))

# %% [markdown]
# *You read this without a kernel?* Then here are a few pairs in words.

# %% key="pairs"
for pair in [((8, 1, 6), (7, 6)), ((2, 3), (2, 4)), ((2, 3), (2, 1)), ((4,), ())]:
    print(in_words(line_up_in_words(*pair)))

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they line shapes up from the left. Let the room guess `[2, 3]` with
# `[2]` before you type it. (An error: 3 stands over 2.) Ask: in which lesson of a machine learning course have
# you met a loss that fell and a model that learned nothing?

# %% [markdown]
# ## 2 Log-probabilities, and gather
#
# > **The way:** six exercises → what to read → 1 broadcasting → **2 log-probabilities** → 3 masks → 4 einops
# > → 5 detach → 6 seeds
#
# *What we do now:* from logits to the log-probability of one token. *Why:* it is the number that nearly every
# loss in this course is made of.
#
# By hand: three tokens have the logits $0$, $\ln 2$ and $\ln 5$. Raise $e$ to each: 1, 2, 5, together 8. So
# the probabilities are 1/8, 2/8 and 5/8. At a second place the logits are $\ln 6$, $0$, $0$: what are the
# probabilities there?

# %% key="log-softmax"
logits = torch.tensor([[0, math.log(2), math.log(5)], [math.log(6), 0, 0]])
table, places, tokens = logits.log_softmax(dim=-1), ["place 0", "place 1"], ["cat", "moon", "tree"]
fig, [left, right] = canvas(columns=2, width=7.6, height=2.2)
draw_matrix(left, table.exp(), places, tokens, "probabilities", decimals=3)
draw_matrix(right, table, places, tokens, "their logarithms", decimals=2)
for cell, same in zip(right.patches, left.patches, strict=True):
    cell.set_facecolor(same.get_facecolor())  # the same colours: the darker, the likelier
show(fig, alt="""Two tables of two places and three tokens. Probabilities: 0.125, 0.250, 0.625 at place 0
    and 0.750, 0.125, 0.125 at place 1. Their logarithms: -2.08, -1.39, -0.47 and -0.29, -2.08, -2.08.
    In both tables the likelier token is the darker one.""")

# %% [markdown]
# Each *row* of probabilities sums to 1, so the softmax runs along the last axis. Now say that *tree* was
# chosen at place 0 (token 2), and *moon* at place 1 (token 1). `gather` reads one number from each row. Its
# index needs as many axes as the table, so it is a column. Which two numbers of the table will it read?

# %% key="gather"
chosen = torch.tensor([2, 1])
picked = table.gather(-1, chosen.unsqueeze(-1))
print("index", list(chosen.unsqueeze(-1).shape), "gives", list(picked.shape))
print("without its last axis:", [f"{number:.2f}" for number in picked.squeeze(-1)])

# %% [markdown]
# Why `log_softmax`, and not `softmax` and then `log`? A probability of $e^{-200}$ is too small for a 32-bit
# number, and becomes 0. The logarithm of 0 is minus infinity. `log_softmax` never makes the probability:
#
# $$\log \text{softmax}(l)_i = l_i - \log \sum_j e^{\,l_j}$$

# %% key="underflow"
far = torch.tensor([0.0, -200.0])
print("softmax, then log:", far.softmax(dim=-1).log().tolist())
print("log_softmax:      ", far.log_softmax(dim=-1).tolist())

# %% [markdown]
# ## 3 Masks
#
# > **The way:** six exercises → what to read → 1 broadcasting → 2 log-probabilities → **3 masks** → 4 einops
# > → 5 detach → 6 seeds
#
# *What we do now:* a mean that ignores padding. *Why:* with padding in it, short texts count for less than
# long ones.
#
# By hand: the first text has the values 4 and 2, and two places of padding. Its mean is 3. What does
# `.mean()` say?

# %% key="masked-mean"
values = torch.tensor([[4.0, 2, 0, 0], [1, 1, 1, 5]])
mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
fig, [left, right] = canvas(columns=2, width=7.6, height=2.2)
draw_matrix(left, values, ["text 0", "text 1"], ["0", "1", "2", "3"], "values")
draw_matrix(right, mask, ["text 0", "text 1"], ["0", "1", "2", "3"], "mask: is it real?")
show(fig, alt="""Two tables of two texts with four places each. Values: 4, 2, 0, 0 and 1, 1, 1, 5. Mask:
    yes, yes, no, no and four times yes.""")

# %% key="two-denominators"
total, real = torch.where(mask, values, 0).sum(dim=-1), mask.sum(dim=-1)
print("sums of real values:", total.tolist())
print("divided by length:  ", (total / values.shape[-1]).tolist())
print("divided by real:    ", (total / real).tolist())

# %% [markdown]
# The padding holds zeros here, so the sum is right without a mask. The denominator is not. That is why this
# slip is so easy to miss.
#
# `values * mask` does the same as `torch.where(mask, values, 0)`, as long as the padding holds ordinary
# numbers. If it holds `nan` or infinity, only `where` helps: 0 times `nan` is `nan`.

# %% [markdown]
# ## 4 Einops
#
# > **The way:** six exercises → what to read → 1 broadcasting → 2 log-probabilities → 3 masks → **4 einops**
# > → 5 detach → 6 seeds
#
# *What we do now:* split an axis, move the parts, and name them. *Why:* `reshape` gives any shape that you
# ask for, and never asks whether the right numbers stand together.
#
# By hand: two prompts were answered in three rounds. Each row has a number of two digits: prompt 2, round 3
# is 23. In the order in which they were written: 11, 21, 12, 22, 13, 23. We want one line for each prompt.

# %% key="reshape-or-rearrange"
rows = torch.tensor([11, 21, 12, 22, 13, 23])
fig, [left, right] = canvas(columns=2, width=7.6, height=2.4)
prompts, rounds = ["prompt 1", "prompt 2"], ["round 1", "round 2", "round 3"]
draw_matrix(left, rows.reshape(2, 3), prompts, rounds, "reshape(2, 3)")
sorted_rows = rearrange(rows, "(round prompt) -> prompt round", prompt=2)
draw_matrix(right, sorted_rows, prompts, rounds, "rearrange")
shades = {1: (colours.sky, 0.4), 2: (colours.orange, 0.4)}  # one colour for each prompt, the first digit
for ax, table in [(left, rows.reshape(2, 3)), (right, sorted_rows)]:
    for cell, number in zip(ax.patches, table.flatten().tolist(), strict=True):
        cell.set_facecolor(shades[number // 10])
show(fig, alt="""Two tables with a line for each prompt. reshape: 11, 21, 12 and 22, 13, 23, so both lines
    mix the prompts. rearrange: 11, 12, 13 and 21, 22, 23, each line one prompt. The colour shows the prompt: blue
    for the first, orange for the second.""")

# %% [markdown]
# Both have the right shape. Only one is right. Read the pattern aloud: *the rows are (round, prompt), the
# prompt changing faster; make of them a table, prompt by round*. In brackets, the axis that changes faster
# stands last.
#
# `reduce` is its sister. An axis that is named on the left and missing on the right is summed, averaged, or
# whatever you say. Here are rewards, 1 for a right answer, in the same order as the rows.

# %% key="reduce"
rewards = torch.tensor([1.0, 0, 1, 0, 0, 0])
means = reduce(rewards, "(round prompt) -> prompt", "mean", prompt=2)
print("share of right answers:", [f"{mean:.2f}" for mean in means])

# %% [markdown]
# Rewards 1, 1, 0 for the first prompt, and 0, 0, 0 for the second. Einops also guards the shape: if the rows
# do not fill whole rounds, it stops, and quotes the pattern.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they take `reshape` for a way to move axes. It never moves a
# number; it only cuts the same row of numbers into other pieces. Ask the room: when *is* `reshape(2, 3)`
# right? (When the answers to one prompt were written one after another: then the pattern is (prompt round).
# Lesson 08 stores them like that.)

# %% [markdown]
# ## 5 Detach
#
# > **The way:** six exercises → what to read → 1 broadcasting → 2 log-probabilities → 3 masks → 4 einops →
# > **5 detach** → 6 seeds
#
# *What we do now:* cut the gradient on one side. *Why:* the value of a loss does not show which side is
# learning. Only the gradient does.
#
# By hand: the student says 1, the teacher 4. The loss $(s - t)^2$ is 9. Its slope for the student is
# $2(s - t) = -6$, and for the teacher $+6$. Training goes downhill, so it would pull both to the middle.

# %% key="four-gradients"
student, teacher = [torch.tensor(number, requires_grad=True) for number in (1.0, 4.0)]

def slopes(loss):
    found = torch.autograd.grad(loss, (student, teacher), allow_unused=True)
    return f"loss {loss.item():.0f}, slopes {[0 if slope is None else int(slope) for slope in found]}"

print("nothing detached:", slopes((student - teacher) ** 2))
print("teacher detached:", slopes((student - teacher.detach()) ** 2))
print("student detached:", slopes((student.detach() - teacher) ** 2))

# %% [markdown]
# The same loss three times, and three different trainings. Let us run two of them for 30 steps. The second
# uses `distance_to_teacher` from your library `mine`: your own, if the check said *right*.

# %% key="two-trainings"
from mine import tensors


def train(loss):
    numbers = torch.tensor([1.0, 4.0], requires_grad=True)  # student, teacher
    path = []
    for _ in range(30):
        path.append(numbers.tolist())
        (slope,) = torch.autograd.grad(loss(numbers[0], numbers[1]), numbers)
        numbers = (numbers - 0.1 * slope).detach().requires_grad_()
    return path

# %% key="detach-figure"
fig, axes = canvas(columns=2, width=8.4)
losses = {"nothing detached": functional.mse_loss, "teacher detached": tensors.distance_to_teacher}
for ax, (title, loss) in zip(axes, losses.items(), strict=True):
    lines = dict(zip(["student", "teacher"], zip(*train(loss), strict=True), strict=True))
    draw_curves(ax, range(30), lines, across="step", up="what it says", title=title)
    ax.set_ylim(0, 5)
show(fig, alt="""Two charts over 30 steps; the student begins at 1, the teacher at 4. Nothing detached: both
    move, and meet at 2.5. Teacher detached: the teacher stays at 4, and the student comes to it.""")

# %% [markdown]
# **A question on the way.** Somebody detaches both sides. What does `loss.backward()` do?
#
# <details><summary>(a) It runs, and all gradients are 0.</summary>
#
# A gradient of 0 needs a way back from the loss to the student, along which 0 arrives. Here there is no way
# back at all. Try the others.
#
# </details>
# <details><summary>(b) It raises an error.</summary>
#
# Right. The loss does not depend on anything that wants a gradient, and PyTorch says so. This is the kind
# mistake: it is loud. The wrong side detached is silent.
#
# </details>
# <details><summary>(c) The same as with the teacher detached.</summary>
#
# No. There the student keeps its history, and learns. The value of the loss is the same in all cases, which
# is why one has to look at gradients.
#
# </details>

# %% [markdown]
# ## 6 Seeds
#
# > **The way:** six exercises → what to read → 1 broadcasting → 2 log-probabilities → 3 masks → 4 einops →
# > 5 detach → **6 seeds**
#
# *What we do now:* draw the same numbers twice. *Why:* if a run cannot be repeated, nobody can say whether a
# change helped or whether chance did.
#
# PyTorch has one source of random numbers that all code shares. You can set it to a seed. But then one draw
# anywhere, for the first weights of a layer or to shuffle data, moves all that come after it.

# %% key="shared-source"
torch.manual_seed(0)
first = torch.rand(3)
torch.manual_seed(0)
torch.rand(1)  # somebody else draws one number
print("the same numbers, from the shared source:", torch.equal(first, torch.rand(3)))

# %% [markdown]
# A generator of your own is a separate stream. Others cannot move it, and it does not move theirs.

# %% key="own-generator"
from mine import tensors

first = tensors.uniform_draws(3, seed=0)
torch.rand(1)  # somebody else draws one number
print("the same numbers, from a generator of our own:", torch.equal(first, tensors.uniform_draws(3, seed=0)))
print("the same numbers, from another seed:          ", torch.equal(first, tensors.uniform_draws(3, seed=1)))

# %% [markdown]
# ## Where the toy misleads
#
# - **Here you see every number.** In a training a wrong axis shows as a loss that falls more slowly than it
#   might, and often as nothing at all. So the checks of this course look at shapes that differ, and at
#   gradients.
# - **A seed is not a promise for ever.** PyTorch does not guarantee equal results for other versions, other
#   systems, or on a GPU. This course pins its versions, and compares rounded numbers.
# - **`detach` is not always right.** Sometimes a gradient *shall* flow through both sides, as when two parts
#   of one model learn to agree. It is a decision, and formulas often leave it out. Then the text of a paper,
#   or its code, has to say which.
#
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | 3 tokens to choose from | 129,280 | 03 |
# | logits that fit on a page | one answer of 32,768 tokens: 4.2 billion logits, 17 GB in 32 bits | 03 |
# | 2 prompts, 3 rounds | R1-Zero: 32 questions, 16 answers to each, in one step (second-hand) | 08, 09 |
# | one teacher of one number | 800,000 samples, made with R1's help, to learn from | 11 |
#
# The rules stay the same.
#
# *Sources. The vocabulary: `config_671B.json` in the DeepSeek-V3 repository. The longest answer: DeepSeek-R1,
# arXiv 2501.12948, version 1, section 3. The logits are our arithmetic. Questions and answers: version 2,
# section 2.1, read in a transcript. The 800,000 samples: version 1, section 2.4.*

# %% [markdown]
# ## Three questions
#
# **1.** What is the shape of the sum of a `[4, 1, 3]` and a `[2, 3]` tensor?
#
# <details><summary>Answer</summary>
#
# `[4, 2, 3]`. From the right: 3 and 3 are equal; 1 is repeated 2 times; the missing axis is repeated 4 times.
#
# </details>

# %% [markdown]
# **2.** Two texts have 1 and 9 real tokens. Each token of the first has the loss 1, each of the second 0. What
# is the mean of the two texts' means? What is the mean over all ten tokens?
#
# <details><summary>Answer</summary>
#
# 0.5 and 0.1. Both are honest means, and they weigh a token differently. Which one GRPO should take is
# disputed, and changes what a model learns about length: lesson 08.
#
# </details>

# %% [markdown]
# **3.** Somebody calls `uniform_draws(32, seed=0)` in each step of a training. What is wrong?
#
# <details><summary>Answer</summary>
#
# Every step gets the same 32 numbers. The run can be repeated, but its steps are not independent. Make one
# generator before the loop, and draw from it in each step.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $l$ | `logits` | $z$, $l$, "logits" |
# | $\log \pi(y_t)$ | `chosen_logprobs(logits, chosen)` | $\log \pi_\theta(o_t \mid q, o_{<t})$ in DeepSeekMath, arXiv 2402.03300 |
# | $\text{sg}(x)$ | `x.detach()` | stop-gradient, sg[·] |
#
# | word | meaning |
# |---|---|
# | broadcasting | repeating axes of length 1 until two shapes agree |
# | logit | a number before the softmax |
# | log-probability | the logarithm of a probability; 0 if it is certain, far below 0 if it is unlikely |
# | padding | filling that makes all texts of a batch equally long |
# | mask | a table of yes and no; here, which tokens are real |
# | gradient | how a loss changes with each number that it depends on |
# | detach | keep the numbers, cut the gradient |
# | seed | the number that a random generator starts from |

# %% [markdown]
# ## Where to read more
#
# - PyTorch's documentation: *Broadcasting semantics*, *Autograd mechanics*, and *Reproducibility*.
# - Harris and others 2020, *Array programming with NumPy*, Nature 585, 357-362: broadcasting in a few words.
# - Rogozhnikov 2022, *Einops: clear and reliable tensor manipulations with Einstein-like notation*, ICLR.
# - Blanchard, Higham and Higham 2021, *Accurately computing the log-sum-exp and softmax functions*, IMA
#   Journal of Numerical Analysis 41.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
