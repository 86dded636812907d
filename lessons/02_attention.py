# %% [markdown]
# Read two phrases: *the river bank*, and *the savings bank*. You knew at once which bank was meant, and you
# knew it from one other word. The word *the* told you nothing.
#
# A language model begins with one list of numbers for *bank*, the same in both phrases. Something has to
# carry the right information from *river* to *bank*, and to leave *the* alone. That something is
# **attention**. In the models of this course it is the only part that moves information from one word to
# another. All other parts work on each word by itself.
#
# You will build it from the inside out. Then a small model, made of your code, will learn a task in a few
# seconds, and you will open it and find out how.
#
# > **The way:** by hand → scores → softmax → mask → attend → heads → the layer → a model that copies
#
# The lesson has **two sittings** of about 40 minutes. In the first you write attention itself. Then there
# is a stop line. In the second you build the layer, and a model learns to copy.
#
# You have not done lesson 00? You may skip it. Run the set-up cell below, and begin: what you have not
# written is on loan from the course.
#
# *Word* and *token*: a model reads **tokens**. Here every token is a whole word. Real models also use
# pieces of words.
#
# Press Shift and Enter to run a cell. Run the next one first: it loads what the lesson needs, and says
# whose code it runs on.

# %% key="setup"
import copy
import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.figures import canvas, draw_attention, draw_curves, draw_links, draw_matrix
from pocketr1.workbook.widgets import Slider, Words

begin("02_attention", globals())

# %% [markdown]
# ## First, a prediction
#
# At the end we train a model to copy. It reads words in random order, and then the same words once more:
#
# > moon cat tree old house **moon cat tree old house**
#
# Nobody can guess the first half. The second half can be copied from the first: after *moon* came *cat*.
# The length of the half changes all the time, so counting words back does not help.
#
# The model is made of attention alone. It can have one layer of attention, or two, where the second layer
# works on what the first one found. Can **one** layer learn to copy? Can **two**? Write what you think, and
# why, in place of the dots. A wrong prediction teaches more than none.

# %% key="predict-layers"
predict("layers", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening and prediction 3, by hand 6, scores and the root 10,
# softmax 6, mask 9, attend 7. Second sitting: heads 8, the layer 8, copying and the induction head 13, the
# end 5. That is 75 in all. The afternoon path has the three core exercises alone, and takes about 50: what
# nobody wrote is on loan.
#
# Take the prediction by a show of hands, and write the counts on the board. Expect many to say that one
# layer is enough. Do not answer yet.

# %% [markdown]
# ## By hand: three words
#
# > **The way:** **by hand** → scores → softmax → mask → attend → heads → the layer → a model that copies
#
# *What we do now:* all of attention, with three words and numbers small enough for your head. *Why:*
# everything after this is the same four steps with more numbers.
#
# Picture a room in which each word does three things.
#
# - It **asks**: what do I want to know? This is its **query**.
# - It wears a **label**: what have I got to offer? This is its **key**.
# - It **carries** what it will hand over if somebody chooses it. This is its **value**.
#
# Queries and keys are lists of numbers, one number for each topic. Here there are four topics, and we made
# the numbers up. A real model learns them, and nobody tells it what the topics are.

# %% key="ask-and-offer"
words, topics = ["the", "river", "bank"], ["water", "money", "article", "thing"]
asks = torch.tensor([[0.0, 0, 0, 2], [0, 0, 2, 0], [2, 2, 0, 0]])
offers = torch.tensor([[0.0, 0, 2, 0], [2, 0, 0, 2], [0, 0, 0, 2]])
fig, [left, right] = canvas(columns=2, width=8, height=2.9)
draw_matrix(left, asks, words, topics, "queries: what each word asks for")
draw_matrix(right, offers, words, topics, "keys: what each word offers")
show(fig, alt="""Two tables. Queries: 'the' asks for a thing, 'river' for an article, 'bank' for
    water and for money. Keys: 'the' offers an article, 'river' offers water and a thing, 'bank'
    offers a thing.""")

# %% [markdown]
# **Step 1, compare.** *bank* asks for water and for money. How well does *river* fit? Multiply topic by
# topic, and add: $2·2 + 2·0 + 0·0 + 0·2 = 4$. This is a **dot product**. Do the other two in your head
# before you run the cell.

# %% key="dot-product"
for word, offer in zip(words, offers, strict=True):
    products = [f"{ask:.0f}·{has:.0f}" for ask, has in zip(asks[2], offer, strict=True)]
    print(f"bank asks {word:5}  {' + '.join(products)} = {asks[2] @ offer:.0f}")

# %% [markdown]
# In one go for all words: `asks @ offers.T`, a matrix product. `.T` turns the keys on their side. Each row
# is a word that asks, each column a word that is asked.
#
# **Step 2, scale.** Divide by the square root of the number of topics, $\sqrt{4} = 2$. The reason comes in
# the next section.

# %% key="scores-by-hand"
matches = asks @ offers.T
fig, [left, right] = canvas(columns=2, width=7, height=3)
draw_matrix(left, matches, words, words, "step 1: dot products")
draw_matrix(right, matches / 2, words, words, "step 2: divided by 2")
show(fig, alt="""Two tables of three by three. Dot products: 'the' has 4 with 'river' and with
    'bank'; 'river' has 4 with 'the'; 'bank' has 4 with 'river'; all others are 0. Divided by 2,
    each 4 becomes a 2.""")

# %% [markdown]
# **Step 3, share out.** Each word has one unit of attention to give. How much goes to whom? Raise $e$ to
# each score, then divide by the total of the row. This is called **softmax**, and the results are the
# **weights**.
#
# You need two numbers: $e^0 = 1$ and $e^2 ≈ 7.4$. For *bank* the row is 1, 7.4, 1, with the total 9.4. So
# *river* gets $7.4 / 9.4 ≈ 0.79$, and the other two get $1 / 9.4 ≈ 0.11$ each.

# %% key="weights-by-hand"
powers = (matches / 2).exp()
weights = powers / powers.sum(dim=-1, keepdim=True)
fig, [left, right] = canvas(columns=2, width=8.4, height=3.4)
draw_attention(left, weights, words, title="step 3: the weights", least=0)
draw_links(right, weights[2], words, query=2, title="the row of 'bank', drawn over the words")
show(fig, alt="""The weights, one row for each word that looks. 'the' gives 0.06 to itself, 0.47
    to 'river' and 0.47 to 'bank'. 'river' gives 0.79 to 'the' and 0.11 to each of the others.
    'bank' gives 0.79 to 'river' and 0.11 to each of the others.""")

# %% [markdown]
# **Step 4, mix.** Each word hands over its value, as much of it as the weight says. Say that *bank* alone
# means water as much as money: its value is (5, 5). *river* carries (10, 0), and *the* carries nothing.
#
# For *bank*: water is $0.79·10 + 0.11·5 ≈ 8.4$, and money is $0.11·5 ≈ 0.5$.

# %% key="mix-by-hand"
carries = torch.tensor([[0.0, 0], [10, 0], [5, 5]])
mixed = weights @ carries
print(f"bank alone:          water {carries[2, 0]:.1f}, money {carries[2, 1]:.1f}")
print(f"bank beside 'river': water {mixed[2, 0]:.1f}, money {mixed[2, 1]:.1f}")

# %% [markdown]
# *bank* now means the side of a river. That is all there is to attention. With the queries in a matrix $Q$,
# the keys in $K$, the values in $V$, and the number of topics called $d$, the four steps are one line
# (Vaswani et al. 2017, equation 1):
#
# $$\text{attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$

# %% [markdown]
# ## Scores, and why the square root
#
# > **The way:** by hand → **scores** → softmax → mask → attend → heads → the layer → a model that copies
#
# *What we do now:* write steps 1 and 2 as a function that works for any number of words. Then we measure
# what the square root is for. *Why:* the division looks like a detail, and it is not.
#
# Your function gets tensors with axes in front, such as one for the sentences of a batch. So `.T` is not
# enough: turn the last two axes, and only those.

# %% exercise="attention.scores"
# 1. Turn the last two axes of the keys: [..., keys, dim] becomes [..., dim, keys].
# 2. Multiply the queries with that: `@` multiplies the last two axes, and lines up the axes in front.
# 3. Divide by the square root of dim, the length of one query. Read it off the shape.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x.transpose(a, b)` swaps two axes, and negative numbers count from the end. The length of a query is the
# last entry of `query.shape`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `key.transpose(-2, -1)` has the shape [..., dim, keys]. The square root of a plain number is
# `math.sqrt(...)`. Two common slips: to divide by `dim` itself, and to take the number of keys
# (`key.shape[-2]`) for the length of a query.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("scores")` in a new cell. Look at which axes are turned, and from which of the two the root
# takes its number. Then delete the cell, and write it from memory.
#
# </details>

# %% [markdown]
# From here on the lesson runs on **your** functions. They are in a library called `mine`. What you have not
# written yet is on loan from the course, so nothing is blocked.

# %% key="scores-again"
from mine import attention

print(attention.scores(asks, offers))
print("the same as by hand:", torch.equal(attention.scores(asks, offers), matches / 2))

# %% [markdown]
# Now the square root. A dot product adds up $d$ products. If the numbers in query and key are independent,
# with mean 0 and variance 1, the sum has the variance $d$. So its typical size is $\sqrt{d}$: with 1,024
# topics, about 32. Softmax of such numbers gives nearly everything to one word.
#
# Do not take this on trust: measure it, with random queries and 16 random keys.

# %% key="random-scores"
def random_scores(dim, divide):
    random = torch.Generator().manual_seed(0)
    query, key = [torch.randn(500, rows, dim, generator=random) for rows in (1, 16)]
    return attention.scores(query, key) * (1 if divide else math.sqrt(dim))

for dim in (4, 64, 1024):
    plain, divided = random_scores(dim, divide=False), random_scores(dim, divide=True)
    print(f"d = {dim:4}: typical size {plain.std():4.1f}, divided {divided.std():.1f}")

# %% [markdown]
# What does the softmax make of them? We look at two numbers.
#
# - **Over how many words is the attention spread?** This is $e$ to the power of the **entropy** of the
#   weights: 16 if all weights are equal, 1 if one word has everything.
# - **How large is the gradient that goes back through the softmax** to the scores? The gradient is what
#   training follows. Where it is nearly 0, nothing is learned. We take the median of 500 rows.

# %% [markdown]
# (The next cell measures both. Read what it prints; how it measures need not be understood now.)

# %% key="measure"
def measure(logits):
    logits = logits.detach().requires_grad_()
    weights = logits.softmax(dim=-1)
    (weights * torch.linspace(-1, 1, 16)).sum().backward()  # stands for any loss
    entropy = -torch.special.xlogy(weights, weights).sum(dim=-1).mean()
    return entropy.exp().item(), logits.grad.norm(dim=-1).median().item()

spread, gradient = measure(random_scores(1024, divide=False))
print(f"d = 1024, not divided: attention is spread over {spread:.1f} of 16 words")

# %% key="root-figure"
dims = [1, 4, 16, 64, 256, 1024]
with_root, without = [[measure(random_scores(d, divide)) for d in dims] for divide in (True, False)]
fig, axes = canvas(columns=2, width=8.4)
for part, up in enumerate(["words looked at", "gradient of a typical row"]):
    both = {"divided by √d": with_root, "not divided": without}
    lines = {name: [pair[part] for pair in pairs] for name, pairs in both.items()}
    draw_curves(axes[part], dims, lines, across="d, numbers in a query", up=up)
    axes[part].set_xscale("log", base=2)
    axes[part].set_ylim(bottom=0)
show(fig, alt="""Two charts over d from 1 to 1024. Divided by the square root of d, attention
    stays spread over about 11 of 16 words and the gradient stays near 0.18. Not divided,
    attention shrinks to 1.1 words and the gradient to almost nothing.""")

# %% [markdown]
# Divided by $\sqrt{d}$, both stay where they are, however wide the model. Not divided, at large $d$, the
# softmax becomes a hard choice made by chance, and in a typical row the gradient that could correct it is
# gone. At small $d$ nothing is gained: at $d = 4$ the undivided gradient is even the larger one, since
# scores of size 2 choose more clearly, and not yet all or nothing. This is the reason that Vaswani et al.
# give (section 3.2.1). They call it a suspicion. You have measured it for random queries and keys, as at the
# start of training.
#
# **A question on the way.** Somebody divides by $d$ instead of $\sqrt{d}$. What happens at the start of
# training, with $d = 1024$?
#
# <details><summary>(a) Nothing: a model can learn larger queries to make up for it.</summary>
#
# It could, in the end: a constant factor can be learned away. But the question is about the start. The
# scores are then 32 times smaller than intended, and something else is true at once. Try the others.
#
# </details>
# <details><summary>(b) Every word looks at all words almost equally.</summary>
#
# Right. The scores have the size $1/\sqrt{d} ≈ 0.03$, and softmax of nearly equal numbers is nearly
# uniform. Each word receives the average of all. The model has to grow its queries and keys before it can
# choose.
#
# </details>
# <details><summary>(c) The weights no longer sum to 1.</summary>
#
# No. Softmax divides each row by its own total, so they sum to 1 whatever the scores are. The scale changes
# *how sharply* the unit of attention is shared out.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong here: they divide by $d$, or by the square root of the number of
# keys, or write `d ** 1 / 2`, or they use `.T`, which turns *all* axes around. The check says which.
#
# An expert may object: the gradient with respect to the *query* also carries a factor of the keys, whose
# norm grows like $\sqrt{d}$. True, and the figure shows only the part that goes through the softmax. Let the
# expert measure it: ask for the gradient of the query in `random_scores`, and take the median of the rows, as
# `measure` does. A few rows keep a gradient at any $d$, so a mean would hide what happens to the others.
#
# Ask the room: what would you have to assume about queries and keys for the variance to be $d$? Does a
# trained model still fulfil it? (Independent entries, mean 0, variance 1. It does not have to.)

# %% [markdown]
# ## Softmax
#
# > **The way:** by hand → scores → **softmax** → mask → attend → heads → the layer → a model that copies
#
# *What we do now:* write step 3 so that it survives large numbers. *Why:* $e^{89}$ is already too large for
# a 32-bit number. It becomes infinity, and infinity divided by infinity is not a number (`nan`). One `nan`
# in one row ruins a whole training.
#
# The way out: add one number to a whole row, and its softmax stays the same, since top and bottom of the
# fraction change by the same factor. So take away the largest score of the row first. Then the largest
# power is $e^0 = 1$.
#
# The inputs of a softmax are called **logits**.

# %% exercise="attention.softmax"
# 1. Take the largest logit of each row away from the row. A row lies along the last axis.
# 2. Raise e to what is left.
# 3. Divide each row by its own total.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `amax` gives the largest number along an axis. The result has to keep that axis, with length 1, so that it
# lines up with the logits again.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `logits.amax(dim=-1, keepdim=True)` is the largest logit of each row. The largest number of the *whole*
# tensor would not do: a row that lies far below it would become all zeros, and 0/0 is `nan`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("softmax")`. Look for `keepdim=True`: it is needed twice. The first time the row loses its
# largest number, the second time it is divided.
#
# </details>

# %% key="large-logits"
from mine import attention

large = torch.tensor([1000.0, 1000 + math.log(3)])
print("without care:", large.exp() / large.exp().sum())
print("softmax:     ", attention.softmax(large))
print("rows sum to one:", torch.allclose(attention.softmax(matches).sum(dim=-1), torch.ones(3)))

# %% [markdown]
# ## The causal mask
#
# > **The way:** by hand → scores → softmax → **mask** → attend → heads → the layer → a model that copies
#
# *What we do now:* hide the future. *Why:* a language model learns by predicting the next word, at every
# position of a text at once. If a position could look one word ahead, it would read the answer instead of
# predicting it.
#
# A **mask** is a table of yes and no: may this query look at this key? In a **causal** mask every word may
# look at itself and at what came before.
#
# There is one more case. When a model writes, it has read a long text, and asks about the newest words
# only. Then there are fewer queries than keys, and the queries are the *last* words. The last query may
# look at all keys.

# %% exercise="attention.causal_mask"
# 1. The position of each key: 0, 1, 2, ..., keys - 1.
# 2. The position of each query. The queries are the last ones, so where does the first of them stand?
# 3. Compare all with all: a query may look at a key whose position is not larger than its own.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.arange(start, end)` gives whole numbers from `start` up to, but not including, `end`. With two
# queries and four keys, the queries stand at positions 2 and 3.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The queries' positions are `torch.arange(keys - queries, keys)`. To compare all with all, make one of them
# a column, with `unsqueeze(1)`, and leave the other a row: `[queries, 1]` compared with `[keys]` gives
# `[queries, keys]`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("causal_mask")`. Look at which of the two positions becomes a column. There is another way,
# too: a table full of True, cut off with `.tril(diagonal=...)`. By how much must the diagonal move?
#
# </details>

# %% key="mask-figure"
from mine import attention

fig, [left, right] = canvas(columns=2, width=8, height=3)
draw_matrix(left, attention.causal_mask(3, 3), words, words, "three words read at once")
four = ["the", "old", "river", "bank"]
draw_matrix(right, attention.causal_mask(2, 4), four[2:], four, "four words, the last two ask")
show(fig, alt="""Two tables of yes and no. Three words: the first may look at itself, the second
    at two words, the third at all three. Four words of which the last two ask: the third word
    may look at three words, the fourth at all four.""")

# %% [markdown]
# How does a *no* become a weight of 0? Put minus infinity in the place of the score, **before** the
# softmax: $e^{-\infty} = 0$, and the rest of the row still sums to one.

# %% key="hide"
hidden = attention.scores(asks, offers).masked_fill(~attention.causal_mask(3, 3), -math.inf)
fig, [left, right] = canvas(columns=2, width=7.4, height=3.3)
draw_matrix(left, hidden, words, words, "scores, the future hidden")
draw_attention(right, attention.softmax(hidden), words, title="weights")
show(fig, alt="""Scores and weights of the three words, with the future at minus infinity. 'the'
    can only look at itself, with weight 1. 'river' gives 0.88 to 'the' and 0.12 to itself.
    'bank' is as before: 0.79 to 'river', 0.11 to each other.""")

# %% [markdown]
# The first word has nowhere to look but at itself: its weight is 1, whatever the scores are.
#
# **A question on the way.** Somebody takes the softmax first, and then sets the hidden weights to 0. What
# is wrong?
#
# <details><summary>(a) Nothing: the hidden words get weight 0 both ways.</summary>
#
# They do. But look at the words that are *not* hidden. Their weights were computed with the hidden words in
# the total of the row.
#
# </details>
# <details><summary>(b) The rows no longer sum to one.</summary>
#
# Right. What the hidden words had is lost, so early words, which have the most hidden, get shorter outputs
# than late ones. The size of an output would tell how much future there is. (Dividing each row by its new
# total mends it, but for one case: if a hidden score is so much larger that the others underflow to 0.)
#
# </details>
# <details><summary>(c) Minus infinity would turn into nan.</summary>
#
# In this person's version there is no minus infinity. And in ours, $e^{-\infty}$ is exactly 0. A `nan`
# appears only in a row where *everything* is hidden; a causal row never is, since each word may look at
# itself.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** The usual errors with masks: True and False the other way round (PyTorch's own two
# attention functions disagree about it!), the diagonal hidden (row 0 becomes `nan`), and a mask that starts
# at the top left when there are fewer queries than keys. The check names each.
#
# Ask the room: we train on every position at once. How many predictions does one text of 1,000 tokens give?
# (999. Without the mask, none of them would be honest.)

# %% [markdown]
# ## Attend
#
# > **The way:** by hand → scores → softmax → mask → **attend** → heads → the layer → a model that copies
#
# *What we do now:* put the three functions together, and add step 4. Then we hold the result against
# PyTorch's own. *Why:* to know that it is right, and not only that it runs.
#
# You skipped `scores` or `softmax`? Then call `attention.scores` and `attention.softmax`: your library has
# both in any case.

# %% exercise="attention.attend"
# 1. The scores of the queries and keys.
# 2. If there is a mask: minus infinity wherever it says no. It is True where a query MAY look.
# 3. Softmax gives the weights.
# 4. The output: each query's weighted sum of the values. Return output and weights.

# %% [markdown]
# <details><summary>A hint</summary>
#
# All the pieces exist: `scores`, `softmax`, and a line with `masked_fill`. That line begins the cell of the
# last figure, the one whose left half is called *scores, the future hidden*. Step 4 is one `@`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `logits.masked_fill(where, -math.inf)` returns a copy. It fills where its first argument is True, so it
# has to be `~mask`, *not* the mask. When `mask` is None, leave the logits as they are.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("attend")`. Look at the sign in front of the mask, and at what happens when the mask is
# None.
#
# </details>

# %% [markdown]
# PyTorch has the same function, written for speed: `scaled_dot_product_attention`. We compare the outputs,
# and also the gradients. Two functions can agree in value and still differ in how they learn.

# %% key="same-as-pytorch"
from mine import attention

random = torch.Generator().manual_seed(0)
inputs = [torch.randn(2, 4, 5, 8, generator=random, requires_grad=True) for _ in range(3)]
mask = attention.causal_mask(5, 5)
ours, _ = attention.attend(*inputs, mask)
theirs = functional.scaled_dot_product_attention(*inputs, attn_mask=mask)
print("outputs agree to 0.00001:", torch.allclose(ours, theirs, rtol=0, atol=1e-5))

# %% key="same-gradients"
our_gradients = torch.autograd.grad(ours.square().sum(), inputs)
their_gradients = torch.autograd.grad(theirs.square().sum(), inputs)
for name, our, their in zip(("query", "key", "value"), our_gradients, their_gradients, strict=True):
    agree = torch.allclose(our, their, rtol=0, atol=1e-4)
    print(f"gradients of the {name} agree to 0.0001: {agree}")

# %% [markdown]
# **A question on the way.** Take the three words without a mask, and shuffle them: *bank the river*. Each
# keeps its own query, key and value. What happens to the outputs?
#
# <details><summary>(a) Each word gets the same output as before.</summary>
#
# Right, and it is a problem. A weighted sum does not care about order. To attention without positions, *dog
# bites man* and *man bites dog* are the same three words. So models must add the position to each word.
# Ours will learn a list of numbers for each position.
#
# </details>
# <details><summary>(b) The output of a word changes, because its neighbours do.</summary>
#
# Attention has no neighbours. It compares each word with each other word, and nothing in the comparison
# knows how far apart they are.
#
# </details>
# <details><summary>(c) All outputs become equal.</summary>
#
# That would need equal queries. The words still ask different questions, so they get different answers.
#
# </details>

# %% key="shuffle"
order = torch.tensor([2, 0, 1])
before, _ = attention.attend(asks, offers, carries)
after, _ = attention.attend(asks[order], offers[order], carries[order])
print("shuffled:", [words[place] for place in order])
print("each word has the output it had before:", torch.allclose(after, before[order]))

# %% [markdown]
# Before you go, answer without looking: *What are the four steps? Why the square root? Where does the minus
# infinity go, and when?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers are stored. When you come back,
# run the set-up cell at the top, and go on here: the second sitting needs nothing else from the first.
#
# ---

# %% [markdown]
# ## Many heads
#
# > **The way:** by hand → scores → softmax → mask → attend → **heads** → the layer → a model that copies
#
# *What we do now:* cut each word's numbers into pieces, and let each piece attend by itself. *Why:* one
# softmax makes one choice. *bank* may want to look at *river* for its meaning and at *the* for its grammar.
# With two **heads** it can do both.
#
# The work is in the axes. We write it with **einops**, whose patterns say what happens:
#
# - `"row column -> column row"` swaps two axes;
# - `"row (group item) -> row group item"` cuts one axis into groups of items. You say how many groups:
#   `group=2`.

# %% key="einops"
tokens = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
print("two tokens of four numbers:", tokens.tolist())
cut = rearrange(tokens, "seq (head dim) -> seq head dim", head=2)
print("each cut into two pieces:  ", cut.tolist())
print("sorted by piece:           ", rearrange(cut, "seq head dim -> head seq dim").tolist())

# %% [markdown]
# The last line is what a head needs: *its* piece of *every* token. Then `attend` works on all heads at
# once, since it leaves the axes in front alone.

# %% exercise="attention.split_heads"
# 1. Cut the last axis into `heads` groups of equal size, head 0 first.
# 2. Bring the head's axis in front of seq: [batch, heads, seq, width / heads].

# %% [markdown]
# <details><summary>A hint</summary>
#
# It is the last pattern of the cell above, with one more axis in front, which stays where it is. Give the
# axes their names: `batch seq head dim`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# In `(head dim)` the first name changes slowest: the first piece is head 0. `(dim head)` would deal the
# numbers out like cards. It has the right shape and undoes itself, but with weights from elsewhere each
# head gets the wrong numbers. A `reshape` straight to [batch, heads, seq, dim] has the right shape too, but
# it mixes up tokens.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("split_heads")`. Read the pattern aloud, left side, then right side. Without einops it
# takes two steps: a reshape that cuts the last axis alone, then a swap of two axes.
#
# </details>

# %% [markdown]
# Afterwards the pieces are put side by side again.

# %% exercise="attention.merge_heads"
# 1. Bring the head's axis back behind seq.
# 2. Put the heads' pieces of each token side by side, head 0 first: [batch, seq, heads * dim].

# %% [markdown]
# <details><summary>A hint</summary>
#
# Read the pattern of `split_heads` from right to left.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# einops reads the number of heads off the shape, so no argument is needed. If you prefer PyTorch:
# `transpose` *before* `reshape`. The other way round has the right shape, but mixes tokens.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("merge_heads")`. Look at what stands in the brackets, and in which order.
#
# </details>

# %% key="pieces"
from mine import attention

pieces = attention.split_heads(tokens.unsqueeze(0), heads=2)
for head in range(2):
    print(f"head {head} sees", pieces[0, head].tolist())
print("merged again:", attention.merge_heads(pieces)[0].tolist())

# %% [markdown]
# ## The layer
#
# > **The way:** by hand → scores → softmax → mask → attend → heads → **the layer** → a model that copies
#
# *What we do now:* build what a model is made of, `MultiHeadAttention`. *Why:* so far we made up the
# queries, keys and values. Now they are learned.
#
# Each word comes as a vector of `dim` numbers. Three linear maps make its query, its key and its value. The
# heads attend. A fourth map mixes what the heads found. The maps are given, with their names; `forward` is
# yours. Whatever you skipped, take from the library: `attention.attend`, for example.

# %% exercise="attention.MultiHeadAttention"
# 1. Make query, key and value from x, and split each into self.heads heads.
# 2. Attend, with the mask.
# 3. Merge the heads of the output, and send it through self.output.
# 4. Return that, and the weights.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `self.query(x)` has the shape [batch, seq, dim]. Every function that you need has been written above:
# `split_heads`, `attend`, `merge_heads`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Split first, then attend: if you attend on unsplit vectors, the scores are divided by the root of `dim`
# instead of that of `dim / heads`. A mask [seq, seq] lines up with the weights [batch, heads, seq, seq] by
# itself.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("MultiHeadAttention")`. Look at what is split, and at what is merged: the weights are
# neither.
#
# </details>

# %% [markdown]
# Is it the same layer that others build? PyTorch has one, `nn.MultiheadAttention`. We copy its weights into
# ours and feed both the same numbers. Mind its mask: there, True means *hidden*.

# %% key="copy-weights"
from mine import attention

_ = torch.manual_seed(0)
theirs, ours = nn.MultiheadAttention(16, 4, batch_first=True), attention.MultiHeadAttention(16, 4)
_ = nn.init.normal_(theirs.in_proj_bias)
weights, biases = theirs.in_proj_weight.detach().chunk(3), theirs.in_proj_bias.detach().chunk(3)
for linear, weight, bias in zip((ours.query, ours.key, ours.value), weights, biases, strict=True):
    linear.weight, linear.bias = nn.Parameter(weight), nn.Parameter(bias)
ours.output = theirs.out_proj
print(f"{sum(p.numel() for p in ours.parameters()):,} numbers copied")

# %% key="same-layer"
x, mask = torch.randn(2, 6, 16), attention.causal_mask(6, 6)
our_output, our_weights = ours(x, mask)
their_output, their_weights = theirs(x, x, x, attn_mask=~mask, average_attn_weights=False)
print("outputs agree to 0.00001:", torch.allclose(our_output, their_output, rtol=0, atol=1e-5))
print("weights agree to 0.00001:", torch.allclose(our_weights, their_weights, rtol=0, atol=1e-5))

# %% key="count"
for heads in (1, 4, 16):
    layer = attention.MultiHeadAttention(64, heads)
    size = sum(parameter.numel() for parameter in layer.parameters())
    print(f"{heads:2} heads of {64 // heads:2} numbers: {size:,} parameters")

# %% [markdown]
# More heads cost no parameters: the same maps are cut into more pieces. What each head loses is width. With
# fewer numbers to compare, it can tell fewer things apart.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: the output map is forgotten (the shape is right without it); the
# split comes after the attention; one map is used for query, key and value. At a sequence of length one
# every weight is 1, so only the value and output maps are left: the check begins there.
#
# Ask the room: if all heads see the same words, what keeps them from learning the same thing? (Nothing but
# their random start. Watch for it below: two heads *do* end up doing the same job.)

# %% [markdown]
# ## A model that copies
#
# > **The way:** by hand → scores → softmax → mask → attend → heads → the layer → **a model that copies**
#
# *What we do now:* train two small models made of your layer, one with one layer and one with two. *Why:*
# to test your prediction, and to see heads that nobody designed.
#
# The model has nothing but attention: a list of numbers for each word, plus a list for each position, then
# one or two layers, then a score for each word that might come next. It knows these 26 words:

# %% key="words"
from mine import induction

line = "the a old red big small happy cat dog fox owl man moon sun tree river bank house"
WORDS = f"{line} sees likes eats finds and in by under".split()
random = torch.Generator().manual_seed(3)
for row in induction.repeated_tokens(random, batch=3, period=5, vocab=26):
    said = [WORDS[token] for token in row]
    print(*said[:5], "|", *said[5:])

# %% [markdown]
# The length of the half, the **period**, is drawn anew at each step: 5, 6, 7, 9, 10, 11 or 12. Eight is
# left out on purpose. The **accuracy** in the figure is measured at period 8, on the words that can be
# copied. So it shows whether the model found the pattern, or learned some distances by heart.
#
# First, **one layer**. It takes about five seconds, longer on a busy machine. (`steps(400)` is 400. Only the tests of the course cut
# it short.) The loss will jump about: each step has another period, and some are harder than others.

# %% key="one-layer" exempt="the accuracy comes from trained weights, which differ in the last digits between processors"
one_layer = induction.copying_model(layers=1, seed=0)
one_history = watch(
    induction.train_copying(one_layer, steps(400), seed=0),
    steps=steps(400),
    curves={"loss": "loss", "accuracy": "accuracy at period 8"},
    alt="""One layer: the loss at the trained periods jumps about and falls part of the way.
    The accuracy at period 8 stays near 0.""",
)

# %% [markdown]
# Now **two layers**. All else is the same: the data, the seed, the number of steps. The run with one layer
# stays behind it, in grey.

# %% key="two-layers" exempt="the accuracy comes from trained weights, which differ in the last digits between processors"
two_layers = induction.copying_model(layers=2, seed=0)
two_history = watch(
    induction.train_copying(two_layers, steps(400), seed=0),
    steps=steps(400),
    curves={"loss": "loss", "accuracy": "accuracy at period 8"},
    alt="""Two layers: at first as flat as with one layer. Then the accuracy at period 8 rises
    steeply to almost 1, and the loss falls to almost 0.""",
    behind={"one layer": one_history},
)

# %% key="compare"
print("one layer, right in more than half of the copies: ", one_history["accuracy"][-1] > 0.5)
print("two layers, right in more than 9 of 10 copies:    ", two_history["accuracy"][-1] > 0.9)
recall("layers")

# %% [markdown]
# Hold this against what you wrote. One layer does not find it. Would more steps help? Put 1500 in the place
# of both 400s in its cell, and see: it takes some twenty seconds. For tasks of this kind there is a proof: a
# one-layer transformer would have to be exponentially larger than a two-layer one (Sanford, Hsu and
# Telgarsky 2024).
#
# But its *loss* fell. What did it learn? Look at each period by itself.

# %% key="by-period"
def accuracy(model, period):
    random = torch.Generator().manual_seed(1)
    data = induction.repeated_tokens(random, batch=128, period=period, vocab=26)
    with torch.no_grad():
        return induction.copying_accuracy(model(data)[0], data, period)

periods = [5, 6, 7, 8, 9, 10, 11, 12]
models = {"two layers": two_layers, "one layer": one_layer}
lines = {name: [accuracy(model, p) for p in periods] for name, model in models.items()}
fig, [ax] = canvas(width=6.4, height=3)
draw_curves(ax, periods, lines, across="period (8 was never trained)", up="copies that are right")
ax.set_ylim(0, 1.05)
show(fig, alt="""Share of right copies by period, 5 to 12. Two layers are right almost always,
    at period 8 too. One layer is right between about a third and four fifths of the time at
    the periods it was trained on, and almost never at period 8.""")

# %% [markdown]
# One layer learned distances by heart. To see it, look where its heads look from position 5, in texts whose
# first twelve words are all new. Nothing can be copied there. So the words cannot be the reason.

# %% key="by-heart" exempt="weights of a trained model, which differ in the last digits between processors"
data = induction.repeated_tokens(torch.Generator().manual_seed(1), batch=128, period=12, vocab=26)
with torch.no_grad():
    weights = one_layer(data)[1][0].mean(dim=0)  # of the one layer, the mean of 128 texts
for head in range(2):
    most = weights[head, 5].argmax()
    print(f"head {head + 1} looks from position 5 mostly at position {most}: weight {weights[head, 5, most]:.2f}")

# %% [markdown]
# Position 5 looks at position 1: right for period 5, the only trained period that copies anything there. This
# is knowledge about our training data, and it is worthless at a period it never met. A test on the trained
# periods alone would have called it half a success. This is why a test must hold out more than single
# examples.
#
# Two layers are right at every period. They must have found the pattern itself. How?

# %% [markdown] tags=["teacher"]
# **For teachers.** Draw the two steps on the board *before* the figure of the four heads. Take *moon cat
# tree moon*: position 3 reads "moon". It wants to know: what came after the first "moon"? No single word
# carries that answer in its label. The word "cat" can only offer "I come after moon" once a first layer has
# told it so.
#
# What people get wrong: they think that one layer fails because it is too small. What it lacks is a step: the
# key of "cat" is made before anybody has told "cat" what stands before it. Ask the room: what would the key
# of "cat" have to contain, and who could put it there?

# %% [markdown]
# ## Find the head
#
# *What we do now:* search the two-layer model for the head that copies. *Why:* a model that works is one
# thing. To know *how* it works is another, and here it can be had.
#
# When the model reads the second *moon*, which earlier word would help most? Not the first *moon*, but the
# word **after** it: that is the one to say next. A head that looks there is called an **induction head**
# (Elhage et al. 2021; Olsson et al. 2022).
#
# > position 0 **moon**, 1 **cat**, 2 tree, 3 **moon** ... period 3. From position 3 the head should look at
# > position 1: that is $3 - 3 + 1$.
#
# So each head gets a score: its mean weight from position $t$ to $t - \text{period} + 1$, for all $t$ in
# the second half.

# %% exercise="induction.induction_score"
# 1. From each position t, from `period` on, take the weight on position t - period + 1.
# 2. Average over those positions. Leave the axes in front alone: one number for each head.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Draw the weights [queries, keys] on paper. The places (t, t - period + 1) lie on one slanted line below
# the main diagonal. `diagonal` reads such a line.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `weights.diagonal(offset=k, dim1=-2, dim2=-1)` holds the places (t, t + k), with a negative k below the
# main diagonal. Here t + k must be t - period + 1. The first place on that line has the query
# t = period - 1. That is still the first half: leave it out. A loop over t is fine too.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("induction_score")`. Look at the offset, and at what is left out at the beginning. Two
# common slips: an offset of `-period` (the head would look at the same word), and keeping the first entry.
#
# </details>

# %% key="find-head"
from mine import induction

data = induction.repeated_tokens(torch.Generator().manual_seed(1), batch=128, period=8, vocab=26)
with torch.no_grad():
    weights = two_layers(data)[1]
found = torch.stack([induction.induction_score(each, period=8).mean(dim=0) for each in weights])
fig, [ax] = canvas(width=4, height=2.6)
draw_matrix(ax, found, ["layer 1", "layer 2"], ["head 1", "head 2"], "induction score", decimals=2)
show(fig, alt="""The induction scores of four heads. Both heads of layer 1 have almost 0, both
    heads of layer 2 have more than 0.8.""")

# %% key="found"
print("layer 1: all heads below 0.2:", bool((found[0] < 0.2).all()))
print("layer 2: a head above 0.8:   ", bool((found[1] > 0.8).any()))

# %% [markdown]
# Found. Nobody put it there. Both heads of layer 2 became induction heads.
#
# Now look at what they do with a sentence. `read` turns words into numbers, runs the model, and says so if
# the model has never met a word.

# %% key="read"
def read(sentence):
    words = sentence.lower().split()
    unknown = [word for word in words if word not in WORDS]
    if unknown or not 2 <= len(words) <= 24:
        problem = f"I have never met '{unknown[0]}'." if unknown else f"{len(words)} words."
        raise ValueError(f"{problem} Use 2 to 24 of these words: {', '.join(WORDS)}.")
    with torch.no_grad():
        logits, weights = two_layers(torch.tensor([[WORDS.index(word) for word in words]]))
    return words, weights, WORDS[logits[0, -1].argmax()]

sentence, weights, after = read("old fox sees red moon by river old fox sees")
print("the model goes on with:", after)

# %% [markdown]
# Each picture below is one head. Take a row, such as the last one, *sees*, and read which word it looks at.
# Weights below 0.10 carry no number.

# %% key="four-heads"
fig, axes = canvas(columns=2, rows=2, width=7.8, height=7.8)
for ax, (layer, head) in zip(axes, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
    title = f"layer {layer + 1}, head {head + 1}"
    draw_attention(ax, weights[layer][0, head], sentence, title=title)
show(fig, alt="""The weights of four heads on 'old fox sees red moon by river old fox sees'. In
    layer 1 most words look at the word before them. In layer 2 the words of the second half
    look at the word that followed them before: the second 'old' at 'fox', the second 'fox' at
    'sees', the second 'sees' at 'red'.""")

# %% [markdown]
# Two jobs, one after the other:
#
# 1. **Layer 1 looks one word back.** After it, *red* knows: *before me came sees*. This is a
#    **previous-token head**.
# 2. **Layer 2 asks: who came after a word like me?** The second *sees* finds *red*, because *red* now has
#    *after sees* on its label. The model says *red*.
#
# In this solution the second question needs the first one's answer. It is why one layer of this size does
# not find it here.
#
# Look also at a row of layer 2 in the first half, such as *river*. It looks hard at some word, though there
# is no earlier *river* to find. It has to look somewhere: its weights must sum to one. A large weight alone
# does not mean that something was found.

# %% key="two-steps"
fig, axes = canvas(rows=2, width=8, height=4.6)
last, red = len(sentence) - 1, sentence.index("red")
first, then = [layer[0].mean(dim=0) for layer in weights]  # the mean of the two heads
draw_links(axes[0], first[red], sentence, red, "first, in layer 1: 'red' looks back")
draw_links(axes[1], then[last], sentence, last, "then, in layer 2: the second 'sees' finds 'red'")
show(fig, alt="""Two rows of the same sentence. In layer 1, mean of the heads, 'red' looks at
    the word before it, 'sees'. In layer 2 the last word, the second 'sees', looks back over the
    sentence at 'red', the word that followed the first 'sees'.""")

# %% [markdown]
# A picture is not yet a proof. Heads can look at a word and do nothing with it. The test is to **take the
# head away**: set the part of the output map that reads it to 0, and see whether the model still copies.
#
# Before you run the cell, guess: if one of the two heads of layer 2 is taken away, does it still copy?

# %% key="take-away"
def without(layer, heads):
    model = copy.deepcopy(two_layers)
    for head in heads:
        with torch.no_grad():
            model.layers[layer].output.weight[:, head * 32 : (head + 1) * 32] = 0
    return accuracy(model, period=8)

for layer in (0, 1):
    one_left, none_left = min(without(layer, [0]), without(layer, [1])), without(layer, [0, 1])
    print(f"layer {layer + 1}, one head taken away:   most copies right: {one_left > 0.5}")
    print(f"layer {layer + 1}, both heads taken away: most copies right: {none_left > 0.5}")

# %% [markdown]
# Without one head the model still copies, since the other does the same job. Without both it is lost. So a
# high score *and* a loss when it is taken away: only now do we know that the heads matter. (A zero is itself
# something that the model never met in training. Researchers also put in the head's mean.)

# %% [markdown] tags=["teacher"]
# **For teachers.** If time is short, show the four heads from the solved notebook and leave out taking
# heads away. If there is time, let the room predict first: what happens without *one* induction head?
# Expect many to say that copying stops. The spare head is a good surprise, and it is why reading pictures
# alone misleads.

# %% [markdown]
# ## Your own sentence
#
# *What we do now:* move the controls. Choose a layer, a head, and type a sentence of your own from the 26
# words that the model knows. *Why:* to see when the heads work, and when they have nothing to find.
#
# With the keyboard: Tab goes from one control to the next, the arrow keys move a slider, Enter takes the
# sentence. Try:
#
# - a sentence in which nothing comes twice: what do the heads of layer 2 do?
# - *cat sees dog cat*: the shortest pattern there is;
# - one word that the model does not know.

# %% key="explore"
def look(layer, head, sentence):
    words, weights, after = read(sentence)
    table = weights[layer - 1][0, head - 1]
    fig, [ax] = canvas(width=5.6, height=5.2)
    draw_attention(ax, table, words, title=f"layer {layer}, head {head}. Next word: {after}")
    looks = [f"{words[i]} → {words[row.argmax()]} {row.max():.2f}" for i, row in enumerate(table)]
    return fig, f"Layer {layer}, head {head}. Most looked at: {', '.join(looks)}. Next word: {after}."

controls = {"layer": Slider("layer", 1, 2, 2), "head": Slider("head", 1, 2, 1)}
explore(look, **controls, sentence=Words("sentence", " ".join(sentence)))

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see one setting of the controls. The
# figure with the four heads, above, has all four for the same sentence.
#
# Note what the model does with *the old fox sees a*: nothing sensible. It has never read a sentence. It
# knows nothing about foxes. It knows one thing: **what followed before will follow again.**

# %% [markdown]
# ## In the published models
#
# *What we do now:* put numbers to the same layer at full size. *Why:* one of them is the reason for lesson
# 04.
#
# DeepSeek-V3, the model that R1 was made from, has 61 layers with 128 heads each. When a model writes, it
# keeps the keys and values of all earlier words, so as not to compute them anew. That store is the
# **cache**. With the attention of this lesson it holds, for each token, one key and one value, in each head
# of each layer:
#
# $$2 · \text{heads} · d_\text{head} · \text{layers}$$

# %% key="cache-size"
heads, head_dim, layers, bytes_each = 128, 128, 61, 2
plain = 2 * heads * head_dim * layers
latent = (512 + 64) * layers
for name, numbers in (("attention as in this lesson", plain), ("what V3 uses instead", latent)):
    answer = 32_768 * numbers * bytes_each
    print(f"{name:28} {numbers:9,} numbers a token, {answer / 1e9:5.1f} GB for 32,768 tokens")

# %% [markdown]
# 32,768 tokens was the longest answer allowed when R1 was tested. That is 131 GB for a single answer,
# beside the weights of the model. In each layer V3 stores 576 numbers instead: a summary of 512, from which
# keys and values are made again, and one key of 64 for the position, which all heads share. That is 1.76 %
# of the plain cache. It is called *latent attention*, and you build it in lesson 04.
#
# *Sources. The formula: DeepSeek-V2, arXiv 2405.04434, equations 1 to 8. Layers, heads and sizes:
# `config_671B.json` in the DeepSeek-V3 repository. The longest answer: DeepSeek-R1, arXiv 2501.12948,
# version 1, section 3. The plain cache and its share are our arithmetic for the same shape: V3 never used
# it. Two bytes a number are assumed.*

# %% [markdown]
# ## Where the toy misleads
#
# - **The task was made for this head.** Random words leave nothing to learn but copying. In real text a head
#   can do many things, a little of each, and most have no name.
# - **A pattern is not an explanation.** We could take our heads away and see copying stop. For small models
#   of attention alone there is such evidence in print as well. For large models the authors call theirs
#   correlational (Olsson et al. 2022). Whether attention weights explain anything is disputed: Jain and
#   Wallace 2019, *Attention is not explanation*, and the reply, Wiegreffe and Pinter 2019.
# - **One seed.** You saw one training, and one is no law. Change `seed=0` to another number in the two cells,
#   and look again.
# - **No feed-forward layers, no normalisation.** With them, which heads appear, and where, can differ.
# - **One layer "never": at this size, in this run.** The proof cited above is for a task like ours, and
#   allows a one-layer model that is large enough.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | 2 layers, 2 heads of 32 numbers | 61 layers, 128 heads; queries and keys of 192 numbers (128 + 64), values of 128 | 04 |
# | scores divided by $\sqrt{32}$ | by $\sqrt{192}$, before a factor for long texts (YaRN; recalled, not looked up) | 04 |
# | a learned list for each position | rotary positions, on 64 of the 192 numbers | 03 |
# | keys and values for each head | 576 numbers for all heads of a layer | 04 |
# | attention only | normalisation and a feed-forward layer beside each attention; in 58 of 61 layers it is a mixture of experts | 03, 05 |
# | all weights kept, to look at | the table of weights grows with the square of the length; fast kernels never store it whole (Dao et al. 2022) | |
#
# The four steps stay the same: compare, scale, share out, mix.

# %% [markdown]
# ## Three questions
#
# **1.** In a causal model, which word's output cannot depend on any other word, and why?
#
# <details><summary>Answer</summary>
#
# The first. Its row of the mask has one *yes*, itself, so its weight is 1 whatever the scores are.
#
# </details>

# %% [markdown]
# **2.** You double every query. Do the weights double? What happens as you go on doubling?
#
# <details><summary>Answer</summary>
#
# No, each row still sums to one. The scores double, so the row becomes sharper: in the end all attention
# goes to the best match. It is the same as a lower *temperature*, which you meet in lesson 03.
#
# </details>

# %% [markdown]
# **3.** A sequence says *cat sees dog* and later *cat*. Which head, in which layer, has to act first so
# that *sees* can be predicted, and what does it write where?
#
# <details><summary>Answer</summary>
#
# A previous-token head in an earlier layer. It writes "*cat* came before me" into the vector of *sees*.
# Only then can the second *cat* find *sees* by its key.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the paper (Vaswani et al. 2017) |
# |---|---|---|
# | $Q$, $K$, $V$ | `query`, `key`, `value` | queries, keys, values |
# | $d$ | `dim`, `query.shape[-1]` | $d_k$ |
# | $QK^\top/\sqrt{d}$ | `scores(query, key)` | scaled dot products |
# | softmax$(\cdot)$ | `softmax(logits)`, `weights` | weights on the values |
# | $h$ | `heads` | $h$ |
# | $d_\text{model}$ | `dim` of `MultiHeadAttention` | $d_\text{model}$ |
# | $W^O$ | `self.output` | $W^O$ |
#
# | word | meaning |
# |---|---|
# | token | a piece of text that the model reads as one; here, a word |
# | query, key, value | what a word asks, how it is found, what it hands over |
# | score, logit | a number before the softmax |
# | weight | a share of attention; each row sums to one |
# | mask | who may look at whom; *causal*: nobody looks ahead |
# | head | one attention, in its own slice of the numbers |
# | entropy | how widely shares are spread |
# | induction head | a head that looks at what followed an earlier copy of the present word |
# | cache | the keys and values that are kept while a model writes |

# %% [markdown]
# ## Where to read more
#
# - Bahdanau, Cho and Bengio 2014, *Neural machine translation by jointly learning to align and translate*,
#   arXiv 1409.0473: attention before transformers.
# - Vaswani and others 2017, *Attention is all you need*, arXiv 1706.03762. Section 3.2 is this lesson.
# - Elhage and others 2021, *A mathematical framework for transformer circuits*, transformer-circuits.pub:
#   models of attention alone, taken apart.
# - Olsson and others 2022, *In-context learning and induction heads*, arXiv 2209.11895.
# - Sanford, Hsu and Telgarsky 2024, *One-layer transformers fail to solve the induction heads task*, arXiv
#   2408.14332.
# - Rogozhnikov 2022, *Einops: clear and reliable tensor manipulations with Einstein-like notation*, ICLR.
# - Dao, Fu, Ermon, Rudra and Ré 2022, *FlashAttention*, arXiv 2205.14135: the same result without storing the
#   weights.
# - Jain and Wallace 2019, arXiv 1902.10186, and Wiegreffe and Pinter 2019, arXiv 1908.04626: can attention be
#   read as an explanation?
# - DeepSeek-AI 2024, *DeepSeek-V2*, arXiv 2405.04434, section 2.1, and *DeepSeek-V3*, arXiv 2412.19437,
#   section 2.1.1.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
