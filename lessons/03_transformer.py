# %% [markdown]
# Attention carries information from word to word. Alone it is good at copying. But it has no part that
# computes, such as adding two digits. It does not know how far apart two words stand. And the more layers you
# stack, the harder they are to train.
#
# Three parts mend that, and with them attention becomes a **transformer**: a feed-forward network that
# computes, a way to tell positions, and a norm. You build them, put them into a block, and train a small language model on the
# toy world of this course. Then you let it write, and read what it wrote.
#
# The lesson has **two sittings** of about 55 minutes. In the first you build the block. Then there is a stop
# line. In the second the model learns and writes. Lesson 02 comes first. If you skipped it, its parts are on
# loan.
#
# > **The way:** norm → turning → feed-forward → the block → **stop line** → loss → training → temperature →
# > the sampler → reading → word by word

# %% key="setup"
import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketr1.cache import LayerCache
from pocketr1.transformer import RMSNorm
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.diagrams import draw_block, draw_shares, draw_stretches, draw_turns
from pocketr1.workbook.figures import canvas, draw_curves, draw_matrix
from pocketr1.workbook.widgets import Slider, Words
from pocketr1.worlds import VOCABULARY, Recipe, corpus, judge, problems, read

begin("03_transformer", globals())

# %% [markdown]
# ## First, a prediction
#
# In the second sitting a model learns for half a minute from documents like these two. Both ask what a small
# program makes of four digits. `add3` adds 3 to each digit and `mul7` multiplies each by 7; of the result
# only the last digit is kept.
#
# > `find calc add3 mul7 : 4 8 2 1 ? <answer> 9 7 5 8 </answer>`
#
# > `find calc add3 mul7 : 4 8 2 1 ? <think> 4 8 2 1 then add3 7 1 5 4 then mul7 9 7 5 8 </think>
# > <answer> 9 7 5 8 </answer>`
#
# The first answers at once: from the hip. The second works step by step. The model reads thousands of each,
# somewhat more of the second kind. Then it gets questions it has never seen. Will it answer from the hip, or
# work? In which of the two ways will it be right more often? Write what you think, in place of the dots.

# %% key="predict-writes"
predict("writes", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes of the first sitting: opening 4, norm 9, turning 20, feed-forward 5, block 9, and the
# checkpoint 3. Of the second: documents 4, loss 14, training 6, temperature 7, sampler 10, reading 6, word by
# word 5, the end 6. That is 108, without `top_p`. The core exercises alone (`rope`, `next_token_loss`,
# `sample_inverse_cdf`) leave about 80: the rest is on loan.
#
# Take the prediction by a show of hands. Most rooms expect the model to imitate the commoner kind *because*
# it works better. It imitates the commoner kind because it is commoner.

# %% [markdown]
# ## A norm
#
# > **The way:** **norm** → turning → feed-forward → the block → stop line → loss → training → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* bring each token's vector to one size. *Why:* in a deep model, each layer **adds** what it
# found to the token's vector. Sums grow. The next cell adds up 60 random layers. Size means the **root mean
# square**: square the numbers, take their mean, take the root.

# %% key="growing"
random = torch.Generator().manual_seed(0)
x = torch.randn(1000, generator=random)
for layer in range(61):
    if layer in (0, 1, 10, 60):
        print(f"after {layer:2} layers the size is {x.square().mean().sqrt():.1f}")
    x = x + torch.randn(1000, generator=random)

# %% [markdown]
# The last layer would see numbers eight times as large as the first, and trained layers can be much worse than
# random ones. So each part of a model first brings its input to size 1: divide by the root mean square. This is
# **RMSNorm** (Zhang and Sennrich 2019).
#
# **By hand**, with the vector (3, 4): the squares are 9 and 16, their mean is 12.5, the root is 3.54. So (3,
# 4) becomes (0.85, 1.13). What becomes of (300, 400)? Guess before you run the cell.

# %% key="norm-by-hand"
for vector in ([3.0, 4.0], [300.0, 400.0], [-3.0, 4.0]):
    v = torch.tensor(vector)
    normed = v / v.square().mean().sqrt()
    print(f"({v[0]:.0f}, {v[1]:.0f}) becomes ({normed[0]:.2f}, {normed[1]:.2f})")

# %% [markdown]
# The length is lost, the direction stays. If a size was useful, the model can put one back: each of the `dim`
# numbers is multiplied by its own learned **gain**.
#
# One detail keeps it safe. A vector of zeros would be divided by zero, so a very small number, `eps`, is
# added to the mean square, under the root.

# %% exercise="transformer.rms_norm"
# 1. The mean of the squares of each token's numbers, over the last axis. Keep that axis, with length 1.
# 2. Add eps, and take the root.
# 3. Divide x by it, and multiply by the gain.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x.square()` or `x ** 2`, then `.mean(dim=-1, keepdim=True)`. With `keepdim=True` the result lines up with x
# again.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `eps` belongs *under* the root. Outside it, small vectors come out too small. `torch.rsqrt(z)` is 1 divided
# by the root of z.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("rms_norm")` in a new cell. Look at where `eps` stands. Then delete the cell, and write it
# from memory.
#
# </details>

# %% key="norm-again"
from mine import transformer

x = 100 * torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(0))
ours, theirs = transformer.rms_norm(x, torch.ones(64)), F.rms_norm(x, (64,), eps=1e-6)
print(f"size before: {x.square().mean().sqrt():.0f}, after: {ours.square().mean().sqrt():.1f}")
print("the same as PyTorch's, to 0.00001:", torch.allclose(ours, theirs, rtol=0, atol=1e-5))

# %% [markdown]
# **A question on the way.** The transformer of 2017 used **LayerNorm**. It subtracts the mean of the vector
# first, and divides by the standard deviation. What do the two make of (5, 5, 5, 5)?
#
# <details><summary>(a) Both give (0, 0, 0, 0).</summary>
#
# LayerNorm does: nothing is left when the mean is gone. RMSNorm subtracts nothing.
#
# </details>
# <details><summary>(b) LayerNorm gives (0, 0, 0, 0), RMSNorm gives (1, 1, 1, 1).</summary>
#
# Right. For RMSNorm the mean is a part of the vector like any other. Its authors found that models learn as
# well without the subtraction, and it is one step less.
#
# </details>
# <details><summary>(c) Both give (1, 1, 1, 1).</summary>
#
# RMSNorm does: the mean square is 25, the root is 5. LayerNorm takes the mean away first, and 5 - 5 = 0.
#
# </details>

# %% [markdown]
# ## Turning
#
# > **The way:** norm → **turning** → feed-forward → the block → stop line → loss → training → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* tell attention who stands where. *Why:* you saw in lesson 02 that attention without a mask
# cannot tell *dog bites man* from *man bites dog*. (A causal mask gives a little away: a late word sees more
# words. How far apart two words stand, it does not say.) There, each position had a learned list of numbers.
# That has two faults. A position that training never reached has no list. And *the word before me* has to be
# learned anew for each position.
#
# What we want is a score that knows **how far apart** two tokens are, and nothing else of where they stand.
#
# **By hand.** Take two numbers, and see them as the hand of a clock. The hand (1, 0) points to the right. Now
# turn each token's hand by a quarter turn for each position: at position 0 not at all, at 1 by a quarter, at
# 2 by a half. Do it to queries and to keys. Here every query and every key is the hand (1, 0).

# %% key="quarter-turns"
hands = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1], [1, 0], [0, 1]])  # at the positions 0 to 5
print("query at, key at, positions apart, score")
for query_at, key_at in ((1, 0), (2, 1), (5, 4), (2, 0), (3, 1), (4, 0), (5, 1)):
    score = hands[query_at] @ hands[key_at]
    print(f"{query_at:8} {key_at:7} {query_at - key_at:16} {score:6.0f}")

# %% [markdown]
# Read the last two columns. One apart is always 0, two apart is always -1, four apart is always 1, wherever
# the two stand. **Turn two hands by the same angle, and the angle between them stays what it was.** And a dot
# product depends only on the lengths of the two hands and the angle between them.
#
# This is **RoPE**, rotary position embedding (Su et al. 2021). A vector of 64 numbers is cut into 32 pairs of
# neighbours, and each pair is a hand.
#
# One speed is not enough: with quarter turns, positions 0 and 4 look the same. So each pair has its own
# speed, like the hands of a clock. At position $t$, pair $i$ is turned by the angle
#
# $$t · \text{base}^{-2i/\text{dim}}$$
#
# in radians, with the base 10,000. (A full turn is 2π, about 6.28 radians.) The first pair turns by one
# radian a position, the last thousands of times more slowly.
#
# **Complex numbers**, in three lines, if you have never met them. A complex number is a pair: a + bi is the
# hand (a, b). A turn is a pair, too: cos(angle) + i sin(angle). To turn a hand, *multiply* the two. PyTorch
# knows how.

# %% exercise="transformer.rotations"
# 1. The speed of each pair: base to the power of -2i / dim, for i = 0, 1, ..., dim / 2 - 1.
# 2. The angles: each position times each speed, [..., dim / 2].
# 3. For each angle the complex number cos(angle) + i sin(angle).

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.arange(0, dim, 2)` is 0, 2, 4, ...: that is 2i for each pair. To multiply all with all, give the
# positions one more axis at the end.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `positions.unsqueeze(-1) * speeds` are the angles. `torch.polar(length, angle)` makes complex numbers from
# lengths and angles. All lengths are 1: `torch.ones_like(angles)`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("rotations")`. Look at how the speeds are made, and at the axis that lets every position
# meet every speed.
#
# </details>

# %% key="speeds-figure"
from mine import transformer

turns = transformer.rotations(torch.arange(6), dim=6, base=20.0)
fig, axes = canvas(columns=3, width=8, height=2.9)
for pair, ax in enumerate(axes):
    draw_turns(ax, turns[:, pair], [str(t) for t in range(6)], f"pair {pair}")
show(fig, alt="""Three dials, one for each pair of a vector of six numbers, with a hand for each of
    the positions 0 to 5, at base 20. The hands turn against the clock. Pair 0 goes most of the way
    round. Over the five steps pair 1 turns by about 105 degrees, pair 2 by about 39.""")

# %% [markdown]
# (They turn against the clock, as mathematicians count.) The fast hands tell neighbours apart. The slow hands tell near from far. (The base is 20 here, so that the
# slow hand is seen to move at all.)
#
# Now turn the vectors themselves. With sines and cosines, the pair $(x_0, x_1)$ becomes
#
# $$(x_0 \cos - x_1 \sin, \;\; x_0 \sin + x_1 \cos)$$
#
# You may write it that way: `rotation.real` holds the cosines and `rotation.imag` the sines. Or make the
# pairs complex, multiply, and go back.

# %% exercise="transformer.rope"
# 1. Take x apart into pairs of NEIGHBOURS: (x0, x1), (x2, x3), ...
# 2. Turn each pair by its rotation.
# 3. Put the pairs back where they came from: the shape is that of x.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x[..., 0::2]` are the first numbers of all pairs, and `x[..., 1::2]` the second ones. `x.unflatten(-1, (-1,
# 2))` cuts the last axis into pairs. `flatten(-2)` makes one axis of the last two.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# With sines: compute both new numbers, then `torch.stack([first, second], dim=-1).flatten(-2)`. This puts
# them back as neighbours. `torch.cat` would put all first numbers before all second ones. With complex
# numbers: `torch.view_as_complex` wants pairs in the last axis, in one piece of memory (`.contiguous()`).
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("rope")`. Look at how the pairs are made, and how they are put back: the last axis is cut,
# and glued again at the same places.
#
# </details>

# %% [markdown]
# Is it true of your function? We take one query and one key of 64 numbers, and let the key stand 0, 1, 2,
# ..., 60 positions before the query. We do it three times: with the query at position 60, at 100, and at
# 1,000.
#
# Beside it, for comparison: the same two vectors with a list of numbers *added* for each position, as in
# lesson 02. Here the lists are random, as they are before training.

# %% key="score-by-offset"
from mine import transformer

random = torch.Generator().manual_seed(0)
query, key, lists = [torch.randn(rows, 64, generator=random) for rows in (1, 1, 1001)]
apart = torch.arange(61)

def turned_scores(at):
    turned_query = transformer.rope(query, transformer.rotations(torch.tensor([at]), 64))
    turned_keys = transformer.rope(key.expand(61, 64), transformer.rotations(at - apart, 64))
    return (turned_query @ turned_keys.T)[0] / 8

turned = {f"query at {at}": turned_scores(at) for at in (60, 100, 1000)}
for name, scores in turned.items():
    print(f"{name:13} three apart {scores[3]:.2f}, twenty apart {scores[20]:.2f}")

# %% key="offset-figure"
def added_scores(at):
    return ((query + lists[at]) @ (key + lists[at - apart]).T)[0] / 8

added = {f"query at {at}": added_scores(at) for at in (60, 100, 1000)}
fig, [left, right] = canvas(columns=2, width=9, height=3.2)
draw_curves(left, apart, turned, across="positions apart", up="score", title="turned (RoPE)")
draw_curves(right, apart, added, across="positions apart", up="score", title="a list added for each position")
show(fig, alt="""Two charts of the score against how far apart query and key are, for three places of
    the query. Turned: the three curves lie on each other. With added lists: three different,
    ragged curves. The scales differ: added lists make the scores several times larger.""")

# %% key="offset-asserted"
curves = torch.stack(list(turned.values()))
largest = (curves - curves[0]).abs().max()
assert largest < 1e-3, "the scores depend on more than the offset"
print("three places, one curve, to 0.001:", bool(largest < 1e-3))

# %% [markdown]
# Three curves on one line: what counts is the offset alone. (Note the scales: adding lists makes the scores
# larger as well.) (The small rest is rounding. At position 1,000
# the angle itself is rounded.) In a formula, with $R_t$ for the turn at position $t$:
#
# $$(R_t\,q) · (R_s\,k) = q · (R_{s-t}\,k)$$
#
# Note what RoPE does *not* do. It does not make far tokens weaker: for a given query and key, the score goes
# up and down with the distance. (The paper's decay is that of an upper bound.) A trained model chooses
# queries and keys that suit it: "the one before me" or "anything far back".
#
# **A question on the way.** Which of queries, keys and values have to be turned?
#
# <details><summary>(a) The queries alone: they ask, so they should know where they are.</summary>
#
# Then the score would hold the query's own turn and nothing to undo it. It would depend on where the query
# stands, and not at all on where the key stands.
#
# </details>
# <details><summary>(b) Queries and keys.</summary>
#
# Right. Both turns meet in the dot product, and only their difference is left.
#
# </details>
# <details><summary>(c) All three.</summary>
#
# A value is not compared with anything. It is handed over and added up. If values were turned, the same word
# would hand over something else at each position, and nothing would turn it back.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `rope`: `torch.cat` at the end, which moves the numbers; pairs
# (x0, x32) in place of (x0, x1). The second is a real convention, that of GPT-NeoX and of Llama's code in
# `transformers`. A model trained with one and run with the other writes nonsense, without any error. The
# check names both.
#
# Ask the room: turn everything the other way. Do the scores still depend on the offset alone? (Yes. But they
# are other scores: a key three places *before* now scores as one three places *after* did. A model trained
# that way from the start is as good. Weights from elsewhere are lost.)

# %% [markdown]
# ## The feed-forward network
#
# > **The way:** norm → turning → **feed-forward** → the block → stop line → loss → training → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* read a piece that is given. *Why:* attention fetches, and something has to **compute**
# with what it fetched: 7 and add3 make 0. That is the feed-forward network. It works on each token by itself.
#
# Ours is **SwiGLU** (Shazeer 2020), as in DeepSeek-V3 and most models of today. Three matrices:
#
# - `up` makes a longer vector of the token's vector;
# - `gate` makes another of the same length, which says how much of each number passes;
# - `down` brings the product back to the length of the token's vector.
#
# The gate goes through SiLU: $z · \text{sigmoid}(z)$. Far below 0 it is closed. Far above, it lets the gate's
# own number through.

# %% key="silu"
gate = torch.tensor([-6.0, -1.0, 0.0, 1.0, 6.0])
up = torch.tensor([2.0, 2.0, 2.0, 2.0, 2.0])
fig, [ax] = canvas(width=6.4, height=3)
rows = torch.stack([gate, F.silu(gate), up, F.silu(gate) * up])
draw_matrix(ax, rows, ["gate", "SiLU(gate)", "up", "passes"], list("abcde"), decimals=2)
show(fig, alt="""A table of five numbers. The gates are -6, -1, 0, 1 and 6; after SiLU -0.01, -0.27, 0,
    0.73 and 5.99. Where up is 2, what passes is -0.03, -0.54, 0, 1.46 and 11.97.""")

# %% key="swiglu"
random = torch.Generator().manual_seed(0)
weights = [torch.randn(shape, generator=random) for shape in ((5, 3), (5, 3), (3, 5))]
token = torch.tensor([1.0, 0.5, -1.0])
print("in: ", [f"{number:.2f}" for number in token])
print("out:", [f"{number:.2f}" for number in transformer.swiglu(token, *weights)])

# %% [markdown]
# Each number of the longer vector is a product of two things that the token said. A product can test a
# *combination*: this digit **and** that operation. In a block of the usual proportions, two thirds of the
# parameters are here. So this is the part that lesson 05 will replace by many experts.

# %% [markdown]
# ## The block
#
# > **The way:** norm → turning → feed-forward → **the block** → stop line → loss → training → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* wire the parts. *Why:* the wiring decides whether sixty layers can be trained.

# %% key="block-figure"
fig, [ax] = canvas(width=8.6, height=2.7)
draw_block(ax)
show(fig, alt="""A diagram of one block. A straight line, x, runs from left to right. Twice a branch
    leaves it: the first goes through a norm and the attention, the second through another norm
    and the feed-forward network. At the end of each branch its result is added to the line.""")

# %% [markdown]
# The straight line is the **residual stream**. It is the token's vector on its way through the model. Nothing
# on it is replaced, multiplied or normed. Each part reads a normed copy and **adds** what it has to say:
#
# 1. x becomes x + attention(norm(x)).
# 2. x becomes x + feed-forward(norm(x)), with its own norm.
#
# The norm stands *before* each part, inside the branch: **pre-norm**. So the gradient runs down the straight
# line from the last layer to the first, through plain additions. The transformer of 2017 had the norm on the
# line, after each sum. Xiong et al. (2020) show why that needs a careful warm-up, and pre-norm does not.
#
# The two parts are handed in. The attention wants the rotation, the mask and a cache as well. (The cache is
# the business of lesson 04: hand it on.)

# %% exercise="transformer.Block"
# 1. Norm x with self.attention_norm, and give that to the attention, with rotation, mask and cache.
# 2. Add what it returns to x.
# 3. The same with self.feed_forward_norm and self.feed_forward, starting from the new x.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Two lines, one for each branch. Each begins with `x + ...`. Norms are called like functions:
# `self.attention_norm(x)`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# What is added to is x itself, not the normed x. And the second line has to start from the *new* x, which
# already holds what the attention said.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("Block")`. Look at what stands before each plus sign.
#
# </details>

# %% [markdown]
# The course's attention for the block is that of lesson 02 with three changes: its queries and keys are
# turned, there are no biases, and it can share keys among heads (lesson 04). It calls your `attend`, your
# `split_heads`, your `merge_heads`, and now your `rope`.

# %% key="one-block"
from mine import attention, configuration, transformer

_ = torch.manual_seed(0)
shape = configuration.Heads(heads=4, key_heads=4, head_dim=16)
block = transformer.Block(64, transformer.GroupedQueryAttention(64, shape), transformer.FeedForward(64, 176))
for name, part in block.named_children():
    print(f"{name:18} {sum(parameter.numel() for parameter in part.parameters()):6,} parameters")

# %% [markdown]
# ### Checkpoint
#
# Two things should hold of your block. *No future:* if the last of five tokens changes, the first four
# outputs stay. *Only offsets:* if all five tokens move on by 100 positions, nothing changes at all. Which
# part is responsible for which?

# %% key="checkpoint"
x = torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(1))
other = torch.cat([x[:, :4], -x[:, 4:]], dim=1)
mask = attention.causal_mask(5, 5)
here, there = [transformer.rotations(torch.arange(5) + start, 16) for start in (0, 100)]
with torch.no_grad():
    out, changed, moved = block(x, here, mask), block(other, here, mask), block(x, there, mask)
print("no future:   ", torch.allclose(out[:, :4], changed[:, :4], atol=1e-5))
print("only offsets:", torch.allclose(out, moved, atol=1e-4))

# %% [markdown]
# The mask is responsible for the first, and RoPE for the second.
#
# Before you go, answer without looking: *What does a norm lose? What is left of two turns in a dot product?
# Who writes to the residual stream, and how?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers are stored. When you come back,
# run the set-up cell at the top, and go on here: the second sitting needs nothing else from the first.
#
# ---

# %% [markdown]
# ## What the model reads
#
# *What we do now:* look at the documents. *Why:* a model becomes what it reads. So know what it reads.
#
# The toy world of this course has a few dozen words. Every word is one token. Its documents are questions
# with answers: a small **program** runs on four digits. For this lesson the programs have one step or two,
# six documents in ten are worked, and none has a mistake in it. (Lesson 09 has a library with mistakes.) You
# know `add3` and `mul7`; `tot` makes running totals, again only the last digits: 4 8 2 1 becomes 4 2 4 5.
#
# Half of the documents are in a kind of Latin: *quaere* is *find*, *deinde* is *then*. That matters in lesson
# 10.

# %% key="documents"
recipe = Recipe({("calc", 1): 1, ("calc", 2): 1}, worked=0.6)  # as many programs of one step as of two
documents = corpus(recipe, count=32 * steps(500), seed=1)
for document in documents[:5]:
    print(*document.problem.prompt, "\n     ", *document.completion)
print(f"{len(VOCABULARY)} words in all: {' '.join(VOCABULARY.words[:30])} ...")

# %% [markdown]
# ## The loss
#
# > **The way:** norm → turning → feed-forward → the block → stop line → **loss** → training → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* say in one number how good the model's predictions are. *Why:* training makes this number
# smaller, and does nothing else.
#
# The model gives each word of the vocabulary a probability to come next. Then the next word is shown. The
# **surprise** is minus the logarithm of the probability that it had been given:
#
# | probability of the word that came | surprise |
# |---|---|
# | 1 | 0 |
# | 1/2 | 0.69 |
# | 1/10 | 2.30 |
# | 1/1000 | 6.91 |
#
# The **loss** is the mean surprise. Minus the logarithm, because probabilities of words in a row multiply,
# and logarithms make sums of products. With natural logarithms the unit is called a *nat*.
#
# **A prediction.** An untrained model knows nothing: all words of the vocabulary are equally likely to it.
# What is its loss? A number, please.

# %% key="predict-loss"
predict("loss", "...")

# %% [markdown]
# Two things to get right, and both are easy to get wrong in silence.
#
# **The shift.** The model reads `find calc add3`. After reading *find* it says what it expects next: that has
# to be held against *calc*. So the logits at position 0 belong to the token at position 1. The last logits
# belong to nothing.
#
# **The mask.** Not every token is to be predicted. Documents have different lengths, and short ones are
# filled up with `<pad>`. And in our questions the digits are random: nobody could predict them. The mask says
# which *tokens* count: here, all after the question mark, up to `<end>`.

# %% key="shift-figure"
words = ["?", "<answer>", "4", "5", "</answer>", "<end>", "<pad>"]
counted = [0, 1, 1, 1, 1, 1, 0]
table = torch.zeros(2, 7, dtype=torch.bool)
table[0], table[1] = torch.tensor(counted) == 1, torch.tensor([*counted[1:], 0]) == 1
fig, [ax] = canvas(width=7.4, height=2)
draw_matrix(ax, table, ["this token counts", "these logits count"], words)
show(fig, alt="""Seven tokens: question mark, answer tag, 4, 5, closing tag, end, padding. The tokens that
    count are the second to the sixth. The logits that count are those one place earlier, at the
    first to the fifth.""")

# %% exercise="transformer.next_token_loss"
# 1. Leave out the last logits, since nothing follows them, and the first token, since nothing came before.
# 2. The mask marks tokens: shift it as the tokens are shifted.
# 3. Minus the log-probability of each token, where the mask says yes. The mean over ALL of these.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `logits[:, :-1]` and `tokens[:, 1:]` have the same length, and belong together place by place. A tensor may
# be indexed with a boolean mask: `tokens[mask]` is a flat list of those where it is True.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `F.cross_entropy(logits, tokens)` takes logits [count, vocab] and tokens [count], does the log-softmax
# itself, and returns the mean. So do not take a softmax before. Pick out what counts first: `logits[:,
# :-1][counted]`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("next_token_loss")`. Look at the three slices. Which of them leave out the first place, and
# which the last?
#
# </details>

# %% [markdown]
# Now the model. `LanguageModel` puts blocks in a row: tokens → embedding → blocks → norm → head → logits.
# Everything that it calls is in your library.
#
# We start all its matrices from small random numbers, so that at first no word is likelier than another. (The
# course's usual start, with a standard deviation of 0.02, is made for wide models. Ours has vectors of 64
# numbers. It learns much faster from numbers twice as large.)

# %% key="model"
from mine import configuration, model, transformer

heads, width = configuration.Heads(heads=4, key_heads=4, head_dim=16), configuration.Dense(width=176)
shape = configuration.ModelConfig(len(VOCABULARY), 64, 2, attention=heads, feed_forward=width)
small_model = model.LanguageModel(shape, seed=0)
with torch.no_grad():
    for parameter in small_model.parameters():
        parameter.mul_(2 if parameter.ndim == 2 else 1)  # matrices; the gains stay at 1
print(f"{sum(p.numel() for p in small_model.parameters()):,} parameters")

# %% key="first-loss"
def batch_at(step):
    some = documents[32 * step : 32 * step + 32]
    tokens, lengths = VOCABULARY.pad_batch([document.tokens for document in some])
    starts = torch.tensor([document.prompt_length for document in some])
    place = torch.arange(tokens.shape[1])
    return tokens, (place >= starts[:, None]) & (place < lengths[:, None])

tokens, mask = batch_at(0)
first = transformer.next_token_loss(small_model(tokens), tokens, mask).item()
print(f"loss before training: {first:.1f}; ln({len(VOCABULARY)}) = {math.log(len(VOCABULARY)):.1f}")
recall("loss")

# %% [markdown]
# With $n$ equally likely words, the right one has the probability $1/n$, and the surprise is $-\ln(1/n) = \ln
# n$. Ours may be a little above it, since random logits are not quite equal. For a vocabulary of 100,000
# tokens it would be 11.5. **Look at the first loss of every training.** It is the cheapest test there is.
#
# What if the first loss is much *higher*? Draw it: the same model, with its logits made larger and larger.

# %% key="loss-at-start"
spreads = [0.25, 0.5, 1, 2, 3, 4]
losses = []
with torch.no_grad():
    logits = small_model(tokens)
    for spread in spreads:
        losses.append(transformer.next_token_loss(logits / logits.std() * spread, tokens, mask).item())
lines = {"loss before training": losses, "ln(vocabulary)": [math.log(len(VOCABULARY))] * len(spreads)}
fig, [ax] = canvas(width=6, height=3)
draw_curves(ax, spreads, lines, across="typical size of a logit", up="loss, in nats")
ax.set_ylim(bottom=0)
show(fig, alt="""The loss before training, against the typical size of a logit. At 0.25 it is ln of the
    vocabulary, about 3.7. From 1 on it rises, and at 4 it is far above that line.""")

# %% [markdown]
# **A question on the way.** A friend trains a model with 50,000 tokens. The first loss is 45. What is likely?
#
# <details><summary>(a) Nothing is wrong: an untrained model is bad.</summary>
#
# An untrained model should be *undecided*, not wrong: ln(50,000) is 10.8. To reach 45 takes certainty.
#
# </details>
# <details><summary>(b) The first weights are too large, so that the model is sure of random words.</summary>
#
# Right. It gives nearly all probability to some word, and it is mostly not the one that came. Training will
# first have to unlearn that.
#
# </details>
# <details><summary>(c) The mask is wrong: padding is counted.</summary>
#
# Padding would be one more token to predict. To an undecided model it costs ln(50,000), like any other.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** The two mistakes that train *well* and are wrong: the loss that is not shifted (the model
# learns to repeat its input, and the loss falls to nearly 0 at once), and padding in the denominator (the
# loss looks small, and depends on how long the longest document of the batch is). Both are named by the
# check.
#
# Ask the room: which first loss would you see if the mask were all False but for the token after `<think>`?
# (ln of the vocabulary again. An undecided model is equally surprised by every token.)

# %% [markdown]
# ## Training
#
# > **The way:** norm → turning → feed-forward → the block → stop line → loss → **training** → temperature →
# > the sampler → reading → word by word
#
# *What we do now:* 500 steps, each with 32 new documents. *Why:* to have a model that writes. It takes about
# half a minute, and longer on a busy machine. The grey line is ln(vocabulary), where an undecided model stands.

# %% key="train" exempt="trained floats differ in the last digits between processors"
from mine import training

plan = training.Plan(steps(500), learning_rate=6e-3, warmup=min(30, steps(500)))
level = math.log(len(VOCABULARY))
history = watch(
    training.train(small_model, batch_at, plan),
    steps=plan.steps,
    curves={"loss": "loss, in nats"},
    alt="""The loss starts at ln(vocabulary). It falls steeply in the first forty steps, lingers until
    about step 100, and falls again as the model learns to copy and to work out single steps.""",
    behind={"ln(vocabulary)": {"step": [0, plan.steps], "loss": [level, level]}},
)

# %% key="trained"
print("loss at the end below 1:", sum(history["loss"][-20:]) / len(history["loss"][-20:]) < 1)

# %% [markdown]
# The first fall is the *form*: after the question comes a tag, after four digits a closing tag. The slow part
# is the *content*: copying the digits, running an operation. And the loss cannot go to 0. Whether a document
# is worked or not is nearly a coin toss: that alone costs about ln 2 = 0.69 for one token of each document.
# And where a document answers from the hip, each digit costs up to ln 10 = 2.3.

# %% [markdown]
# ## Temperature
#
# > **The way:** norm → turning → feed-forward → the block → stop line → loss → training → **temperature** →
# > the sampler → reading → word by word
#
# *What we do now:* turn logits into the chances of the next word, and set how bold the choice shall be.
# *Why:* if a model always said its likeliest word, it would say the same thing every time. In lesson 08 it
# will have to try eight different answers to one question.
#
# Divide the logits by the **temperature** before the softmax. Below 1, differences grow, and the likeliest
# words get more. Above 1, they shrink, and all words come closer. At 0, division is impossible. But there is
# a limit: the likeliest word gets everything.

# %% exercise="sampling.softmax_with_temperature"
# 1. Temperature 0: a row of zeros, with a 1 at the largest logit; at the first, if there are several.
# 2. Otherwise: divide the logits, then softmax over the last axis.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `logits.argmax(dim=-1)` is the place of the largest logit, the first one if there are several. PyTorch's own
# `softmax(dim=-1)` takes care of large numbers.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `torch.zeros_like(logits).scatter(-1, places, 1.0)` writes ones at the given places, if `places` has the
# axis of the vocabulary, with length 1: `argmax(dim=-1, keepdim=True)`. `F.one_hot` can do it as well, but it
# returns whole numbers.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("softmax_with_temperature")`. Look at the case of temperature 0: a division by it never
# happens.
#
# </details>

# %% key="temperatures"
from mine import sampling

logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0])
names = list("abcde")
fig, axes = canvas(columns=4, width=9.2, height=2.6)
for ax, temperature in zip(axes, (0, 0.5, 1, 2), strict=True):
    chances = sampling.softmax_with_temperature(logits, temperature)
    draw_shares(ax, chances, names, title=f"temperature {temperature}")
show(fig, alt="""Four bar charts of the same five logits. At temperature 0 the first word has 1.00. At
    0.5 it has 0.83, at 1 it has 0.56, at 2 it has 0.37, and the last word 0.08.""")

# %% [markdown]
# ## The sampler
#
# > **The way:** norm → turning → feed-forward → the block → stop line → loss → training → temperature → **the
# > sampler** → reading → word by word
#
# *What we do now:* draw one word according to its chances. *Why:* this is the last missing piece of a model
# that writes.
#
# Lay the probabilities side by side on a line from 0 to 1. Throw a random number between 0 and 1 at the line.
# The word on whose stretch it lands is drawn. A word with probability 0.3 owns 0.3 of the line, so it is
# drawn 3 times in 10.

# %% key="stretches"
fig, [ax] = canvas(width=7.4, height=1.9)
draw_stretches(ax, [0.2, 0.1, 0.4, 0.3], ["rev", "add3", "then", "</think>"], 0.62, "where the number lands")
show(fig, alt="""A line from 0 to 1 in four stretches: 'rev' up to 0.2, 'add3' up to 0.3, 'then' up to
    0.7, the closing tag up to 1. The number 0.62 lands on 'then'.""")

# %% [markdown]
# The ends of the stretches are the **cumulative** probabilities, here 0.2, 0.3, 0.7, 1. The word is the first
# whose end lies *above* the number. Statisticians call it the inverse of the cumulative distribution
# function, or inverse CDF.
#
# Why not use `torch.multinomial`? Ours takes the random numbers as an argument. So the same probabilities and
# the same numbers give the same words, whatever other rows of the batch do. Two traps are on the way:
#
# - a word with probability 0 owns no stretch, and must never be drawn, not even by the number 0;
# - the sum of the probabilities may be 0.9999999, by rounding, and the number may lie beyond it.

# %% exercise="sampling.sample_inverse_cdf"
# 1. The ends of the stretches: the running sums of each row.
# 2. Scale each row's uniform number by the row's whole sum, so that it always lands on a stretch.
# 3. For each row, the first token whose end is above (not equal to) the number.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `probabilities.cumsum(dim=-1)`. The last column is the whole sum. Give the uniform numbers an axis at the
# end, so that each lines up with its row: `uniforms.unsqueeze(-1)`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# How many ends are *not* above the number? That count is the place of the first one that is: `(ends <=
# number).sum(dim=-1)`. `torch.searchsorted(ends, number, right=True)` does the same, faster.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("sample_inverse_cdf")`. Look at how the number is scaled before it is compared, and at
# `right=True`.
#
# </details>

# %% key="frequencies"
from mine import sampling

chances = torch.tensor([0.2, 0.1, 0.4, 0.3])
uniforms = torch.rand(10_000, generator=torch.Generator().manual_seed(0))
drawn = sampling.sample_inverse_cdf(chances.expand(10_000, 4), uniforms).bincount(minlength=4)
for name, chance, count in zip(["rev", "add3", "then", "</think>"], chances, drawn, strict=True):
    print(f"{name:9} chance {chance:.1f}, drawn {count / 10_000:.2f} of the time")

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they compare the number with each probability by itself, without
# the running sum; they write `>=`; and they take `(ends > number).argmax()`, which is right until rounding
# leaves nothing above the number: then `argmax` says 0. The check names each. The last one is worth showing:
# it is wrong so rarely that nobody would find it by looking.
#
# Ask the room: two people use the same model, the same seed and the same temperature, but one of them
# shuffles the vocabulary. Do they get the same text? (No. The stretches lie in another order. The *chances*
# are the same.)

# %% [markdown]
# ## Reading what it writes
#
# > **The way:** norm → turning → feed-forward → the block → stop line → loss → training → temperature → the
# > sampler → **reading** → word by word
#
# *What we do now:* give it questions that it has never seen, of two steps each, and read. *Why:* a loss says
# little. The text says what the model does.
#
# To write means: run the model, draw a word, put it at the end, and again, until `<end>`. `generate` does
# this for many questions at once. It calls your sampler.

# %% key="write" exempt="what it writes depends on trained weights, which differ in the last digits between processors"
from mine import generation

questions = problems("calc", level=2, count=200, seed=1, split="test")

def answers(temperature):
    random = torch.Generator().manual_seed(0)
    prompts = [VOCABULARY.encode(question.prompt) for question in questions]
    written = generation.generate(small_model, prompts, generation.Sampling(32, temperature), random)
    return [VOCABULARY.decode(row.tolist()).split() for row in written.tokens]

texts = answers(temperature=1.0)
for question, text in list(zip(questions, texts, strict=True))[:5]:
    print(*question.prompt, "\n     ", *text)

# %% [markdown]
# Read a few before you go on. Some answer at once, some work. In both, the form is right nearly always. Are
# the digits?
#
# Now count. `read` takes an answer apart, and `judge` runs the program and compares.

# %% key="count" exempt="counts of what a trained model wrote"
def is_right(question, text):
    found = read(text)
    return found.answer is not None and judge(question, found.answer) is None

worked = [read(text).worked for text in texts]
right = [is_right(question, text) for question, text in zip(questions, texts, strict=True)]
share = {}
for way, name in ((False, "from the hip"), (True, "step by step")):
    these = [ok for ok, did in zip(right, worked, strict=True) if did == way]
    share[name] = sum(these) / max(1, len(these))
    print(f"{name}: {len(these)} answers, {sum(these)} right ({share[name]:.0%})")

# %% key="count-figure" exempt="counts of what a trained model wrote"
fig, [ax] = canvas(width=6.4, height=1.9)
draw_shares(ax, list(share.values()), list(share))
ax.set_xlabel("share of answers that are right")
show(fig, alt=f"""Two bars: the share of right answers. From the hip {share['from the hip']:.2f}, step by step
    {share['step by step']:.2f}.""")

# %% key="held-against"
print("step by step is right more often:", share["step by step"] > share["from the hip"])
recall("writes")

# %% [markdown]
# The model is much better when it works step by step. **It does not know that.** It works in about six
# answers of ten, because six in ten of what it read were worked. Nobody has told it which kind is good. A
# loss on documents cannot tell it: both kinds are equally good documents.
#
# Why is working easier? To answer at once, the model has to run the whole program inside two blocks. When
# it works, every step is written down, and the next digit needs little: one operation, and the list before
# it. Look at where that list stands: always **six words before** the word to be written. You built the part
# that sees "so many words back" as one thing, wherever it is. The written words are a memory, and each of them
# has passed through all blocks.
#
# A **reward** could tell it. That is what R1-Zero is about, and lessons 07 to 09.

# %% [markdown]
# ## Top-p
#
# *What we do now:* an extra that you will meet in every paper. *Why:* at temperature 1, all unlikely words
# together are drawn rather often, and one absurd word can spoil a long answer.
#
# **Top-p**, or nucleus sampling (Holtzman et al. 2019): keep the fewest words that together reach the
# probability $p$, set all others to 0, and scale up what is kept. Where the model is sure, one word is kept.
# Where it is unsure, many are.

# %% exercise="sampling.top_p"
# 1. Sort each row, the likeliest first; `stable=True` keeps ties in order. Remember the ids.
# 2. Keep a token as long as the likelier ones BEFORE it do not reach the mass: the one that reaches it stays.
# 3. Put what is kept back into the old order, zeros elsewhere, and divide each row by its sum.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `ordered, ids = probabilities.sort(dim=-1, descending=True, stable=True)`. What comes before each token in
# the sorted order is `ordered.cumsum(dim=-1) - ordered`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `torch.zeros_like(probabilities).scatter(-1, ids, values)` writes `values`, which are in sorted order, to
# the places where they came from.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("top_p")`. Look at the comparison: it asks what came before a token, and not what there is
# with it.
#
# </details>

# %% key="top-p"
from mine import sampling

sure = torch.tensor([0.02, 0.92, 0.02, 0.02, 0.01, 0.01])
unsure = torch.tensor([0.28, 0.2, 0.25, 0.2, 0.04, 0.03])
for name, chances in (("sure", sure), ("unsure", unsure)):
    kept = sampling.top_p(chances, 0.9)
    print(f"{name:6} {[f'{c:.2f}' for c in chances]} becomes {[f'{c:.2f}' for c in kept]}")

# %% [markdown]
# ## Word by word
#
# > **The way:** norm → turning → feed-forward → the block → stop line → loss → training → temperature → the
# > sampler → reading → **word by word**
#
# *What we do now:* watch it write. *Why:* to see where it decides. Move **word** to go through one answer.
# The bars are the chances of the next word. The line below shows where the random number lands. Move
# **temperature**, in tenths, and the *same* random numbers land elsewhere. **throw** takes other random
# numbers. With the keyboard: Tab goes from one control to the next, the arrow keys move it.
#
# - Go to word 1. Here the model decides whether to work. How sure is it?
# - In a worked answer, how sure is it of a copied digit? In one from the hip, of the first digit?
# - Temperature 0: does *throw* still change anything? Temperature 20: what breaks first?

# %% key="writing"
@lru_cache
def write(question, temperature, throw):
    """Each word of one answer: the chances at that place, the uniform number, the word that was drawn."""
    written, places = VOCABULARY.encode(question), []
    if not written:
        raise ValueError("There is no word to go on from. Type a question, such as: find calc add3 : 4 8 2 1 ?")
    for number in torch.rand(32, generator=torch.Generator().manual_seed(throw)):
        with torch.no_grad():
            logits = small_model(torch.tensor([written]))[0, -1]
        chances = sampling.softmax_with_temperature(logits, temperature)
        drawn = sampling.sample_inverse_cdf(chances[None], number[None]).item()
        written = [*written, drawn]
        places.append((chances, number.item(), drawn))
        if drawn == VOCABULARY.end:
            break
    return places

# %% key="explore" exempt="chances of a trained model"
def look(word, tenths, throw, question):
    places = write(question, tenths / 10, throw)
    chances, number, drawn = places[min(word, len(places)) - 1]
    likeliest = [int(token) for token in chances.argsort(descending=True)[:7]]
    likeliest += [] if drawn in likeliest else [drawn]
    names = [VOCABULARY.words[token] for token in likeliest]
    fig, [bars, line] = canvas(rows=2, width=7, height=4.4)
    draw_shares(bars, chances[likeliest], names, likeliest.index(drawn), f"word {min(word, len(places))}")
    draw_stretches(line, chances, VOCABULARY.words, number)
    said = " ".join(VOCABULARY.words[token] for _, _, token in places[:word])
    chance = ", ".join(f"{name} {chances[token]:.2f}" for name, token in zip(names, likeliest, strict=True))
    return fig, f"Chances: {chance}. {number:.2f} draws {VOCABULARY.words[drawn]}. So far: {said}"

controls = {
    "word": Slider("word", 1, 32, 1),
    "tenths": Slider("temp. × 10", 0, 20, 10),
    "throw": Slider("throw", 1, 9, 1),
    "question": Words("question", "find calc add3 mul7 : 4 8 2 1 ?"),
}
explore(look, **controls)

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see the first word, at temperature 1: the
# place where the model decides between `<answer>` and `<think>`.
#
# It decides nearly by the toss of a coin. All later lessons on reinforcement learning are about moving this
# one probability, and what follows from it.

# %% [markdown]
# ## In the published models
#
# *What we do now:* find these parts at full size. *Why:* they are the same parts.
#
# DeepSeek-V3, from which R1 was made, has 61 blocks, with vectors of 7,168 numbers. Its queries and keys have
# 192 numbers in each head. Only 64 of them are turned, and the base is 10,000. Lesson 04 shows why not all.
# Trained on shorter texts first, it was then stretched to longer ones by slowing down the slow hands (YaRN,
# with a factor of 40).
#
# For R1's tests, answers were sampled with temperature 0.6 and top-p 0.95, up to 32,768 tokens.
#
# *Sources. Sizes, base and YaRN: `config_671B.json` and `model.py` in the DeepSeek-V3 repository, and
# DeepSeek-V3, arXiv 2412.19437, section 4.3. Sampling: DeepSeek-R1, arXiv 2501.12948, version 1, section 3.*

# %% key="slowest"
from mine import transformer

for name, dim in (("here", 16), ("V3, before YaRN", 64)):
    speeds = transformer.rotations(torch.tensor([1]), dim).angle()[0]
    round_in = 2 * math.pi / speeds[-1]
    print(f"{name:16} {len(speeds):2} pairs; the slowest goes round in {round_in:,.0f} positions")

# %% [markdown]
# ## Where the toy misleads
#
# - **It never learned to think.** It read worked documents, and imitates them. In real base models worked
#   solutions are also part of what was read; how much of R1's reasoning was there before is disputed.
# - **One kind of question.** Everything it can do is in some thousands of documents of one form. "It has
#   learned to run programs" would be too much to say.
# - **Steps help here because the answer is built that way.** Four digits, one operation after the other.
#   Nothing here shows that writing more helps with questions of another kind.
# - **One seed, a short training.** With more steps the answers from the hip may get better, too. Change the
#   number of steps, in both cells that have it, and look.
# - **A vocabulary of whole words**, a few dozen. Real ones have about 100,000 pieces of words.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | 2 blocks, vectors of 64 numbers | 61 blocks, vectors of 7,168 numbers | |
# | all 16 numbers of a query are turned | 64 of 192, and the turned key is shared by all heads | 04 |
# | a dense feed-forward network in each block | in 58 of 61 blocks, experts: 8 of 256 and one shared | 05, 06 |
# | the next token | also the one after it, while training | 13 |
# | 32-bit numbers | most products with 8-bit numbers | 13 |
# | 0.4 million tokens or so | 14.8 million million tokens | 14 |
#
# The block is the same: norm, read, add; norm, compute, add.

# %% [markdown]
# ## Three questions
#
# **1.** All positions of a text are moved on by 1,000. Which numbers inside a model with RoPE change, and
# which do not?
#
# <details><summary>Answer</summary>
#
# The turned queries and keys change. Their dot products do not, so neither do scores, weights and outputs.
#
# </details>

# %% [markdown]
# **2.** The loss of a model is 0.1 after ten steps, and what it writes is nonsense. What do you look at
# first?
#
# <details><summary>Answer</summary>
#
# The shift. If the logits are held against the token at the same place, the model only has to repeat what it
# has just read. That is learned in a moment, and useless for writing.
#
# </details>

# %% [markdown]
# **3.** Our model works step by step in six answers of ten, and is much better when it does. Name two ways to
# make it work more often.
#
# <details><summary>Answer</summary>
#
# Change what it reads: more worked documents (lesson 11). Or change what it is rewarded for: let it answer,
# check the answers, and make what led to right ones more likely (lessons 07 to 09). A third: put `<think>`
# after the question yourself.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $g$ | `gain` | $g$ (Zhang and Sennrich 2019) |
# | $\theta_i = \text{base}^{-2i/d}$ | inside `rotations` | $\theta_i$, counted from $i = 1$ (Su et al. 2021) |
# | $R_t$ | `rotation` | $R^d_{\Theta, m}$ |
# | $W$, $V$, $W_2$ | `gate`, `up`, `down` | $W$, $V$, $W_2$ (Shazeer 2020) |
# | $T$ | `temperature` | $T$ |
# | $p$ | `mass` | $p$ (Holtzman et al. 2019) |
#
# | word | meaning |
# |---|---|
# | RMSNorm | brings a vector to a root mean square of one |
# | RoPE | turns pairs of numbers by an angle that grows with the position |
# | feed-forward network | the part that computes on each token by itself |
# | residual stream | a token's vector on its way through the model, to which every part adds |
# | pre-norm | the norm stands before each part, in the branch, not on the stream |
# | loss, cross-entropy | the mean surprise at the tokens that came |
# | nat | the unit of surprise, with natural logarithms |
# | temperature | what logits are divided by before the softmax |
# | inverse CDF | drawing by the place where a random number lands |
# | top-p | only the fewest tokens that reach a given probability may be drawn |

# %% [markdown]
# ## Where to read more
#
# - Vaswani and others 2017, *Attention is all you need*, arXiv 1706.03762: the first transformer, with
#   post-norm.
# - Xiong and others 2020, *On layer normalization in the transformer architecture*, arXiv 2002.04745.
# - Zhang and Sennrich 2019, *Root mean square layer normalization*, arXiv 1910.07467.
# - Su and others 2021, *RoFormer: enhanced transformer with rotary position embedding*, arXiv 2104.09864.
# - Shazeer 2020, *GLU variants improve transformer*, arXiv 2002.05202.
# - Holtzman and others 2019, *The curious case of neural text degeneration*, arXiv 1904.09751.
# - Peng and others 2023, *YaRN: efficient context window extension of large language models*, arXiv
#   2309.00071.
# - Karpathy, *nanochat*, github.com/karpathy/nanochat: a whole small language model in readable code.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
