# %% [markdown]
# In lesson 05 a router was left alone, and a few experts got nearly everything. A loss for balance mended
# that. But a loss pulls at the same weights that should learn to predict. The router then has two masters.
#
# DeepSeek-V3 keeps its experts busy without such a loss, or nearly. It puts a thumb on the scale: each expert
# has a number, its **bias**, which helps to decide who is chosen and never how much the answer counts. A rule
# of one line moves the biases after each step. You build this gate and this rule. Around them stand two other
# ideas of DeepSeek's: many *small* experts, and one that *every* token visits.
#
# > **The way:** small pieces → shared → gate → bias → **stop line** → speed → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# The lesson has **two sittings**, of about 45 and 55 minutes. In the first you build the layer. In the
# second it learns, and you count DeepSeek-V3.

# %% key="setup"
import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations as all_choices

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketr1.claims import CLAIMS
from pocketr1.claims.claim import verdict
from pocketr1.claims.recorded_results import read
from pocketr1.claims.small_models import SMALL, as_batch, batches, start, unseen
from pocketr1.configuration import Experts, ModelConfig
from pocketr1.sizes import attention_params
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.diagrams import draw_load_over_steps
from pocketr1.workbook.figures import LOOKS, canvas, colours, draw_curves, draw_seeds
from pocketr1.workbook.widgets import Slider
from pocketr1.worlds import VOCABULARY

begin("06_deepseek_moe", globals())

# %% [markdown]
# ## First, a prediction
#
# In the second sitting a small model learns from questions of three **skills**: *calc* (work out a program of
# sums, such as add2 and mul3, as in lesson 03), *run* (work out a program that may also move digits, such as
# rev, which turns a list round), *write* (find a program that does what two examples show). Each of its layers
# has 31 small experts, and each token visits 7 of them. Nobody tells the router about skills.
#
# After training we watch who goes where. You are told that a token went to expert 12. Does this tell you more
# about the **skill** of its document, or about the **word** that the token is? Write what you think, and why,
# in place of the dots.

# %% key="predict-skill"
predict("skill", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening 4, small pieces 13, shared 7, gate 14, bias 8. Second
# sitting: speed 8, taken away 4, sequence or batch 4, 671 billion 14, skill or word 11, dense or experts 4,
# more than one seed 3, the rule, live 3, the end 3. That is 100 in all. The core exercises alone
# (`sigmoid_gate`, `update_bias`, `v3_params`) take about an hour.
#
# Take the prediction by a show of hands. Nearly all rooms say *skill*: the word "expert" suggests it. Leave
# it on the board for the second sitting.

# %% [markdown]
# ## Small pieces
#
# > **The way:** **small pieces** → shared → gate → bias → stop line → speed → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* cut each expert into smaller ones. *Why:* for the same work, a token gets far more to
# choose from.
#
# **By hand.** A layer has 4 experts, and a token visits 2. Which pairs are there? Order does not matter, since
# the answers are added up. Count them: there are six.
#
# Now cut each expert in two. There are 8 halves, and a token visits 4 of them: the same parameters, the same
# work. In how many ways can 4 be chosen out of 8? Guess before you run the cell.

# %% key="pairs-by-hand"
print("2 of 4:", *[f"{one}{other}" for one, other in all_choices("ABCD", 2)])
halves = ["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2"]
ways = list(all_choices(halves, 4))
print(f"4 of 8: {len(ways)} ways, such as {' '.join(ways[0])}, {' '.join(ways[20])}, {' '.join(ways[35])}")

# %% [markdown]
# Six of the seventy are the old pairs, such as A1 A2 B1 B2. All others are new.
#
# Write the number for any size. With $n$ experts of which $k$ are chosen it is
#
# $$\binom{n}{k} = \frac{n!}{k!\,(n-k)!}$$

# %% exercise="deepseekmoe.combinations"
# 1. How many ways are there to choose `active` of `experts`, if the order does not matter?

# %% [markdown]
# <details><summary>A hint</summary>
#
# The exclamation mark is a factorial: $4! = 4·3·2·1$. Python's `math` has `factorial`. It may have more.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Divide whole numbers with `//`: the result is a whole number, and the factorials become too large for
# decimals.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `math.comb(experts, active)`. In full: `solution("combinations")`.
#
# </details>

# %% [markdown]
# Next, the cut itself. A layer's shape is an `Experts`: so many experts of a certain width, so many active.
# An expert is a SwiGLU, three matrices between the token's vector and the **width**. So its parameters grow
# with the width, and a piece has its share of the width.

# %% exercise="deepseekmoe.split"
# 1. If the width is no multiple of `pieces`, raise ValueError.
# 2. As many times more experts, active and shared ones; a width that is as many times smaller.
# 3. Return a new Experts with these, and with all other fields as they were.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `a % b` is what remains when `a` is divided by `b`. An `Experts` cannot be changed. `replace(experts,
# active=5)` makes a new one that differs in one field.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `//` divides whole numbers. `/` would make the width a decimal number, and no matrix has 64.0 rows. Four
# fields change: `experts`, `active`, `width`, `shared`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `return replace(experts, experts=experts.experts * pieces, active=experts.active * pieces,
# width=experts.width // pieces, shared=experts.shared * pieces)`, after the `raise`. In full:
# `solution("split")`.
#
# </details>

# %% key="cut"
from mine import configuration, deepseekmoe, sizes

coarse, table = configuration.Experts(experts=16, active=2, width=256), []
for pieces in (1, 2, 4, 8):
    fine = deepseekmoe.split(coarse, pieces)
    total, working = sizes.experts_params(128, replace(fine, router="hash"))  # without the router
    table.append((pieces, deepseekmoe.combinations(fine.experts, fine.active)))
    print(f"{fine.active:2} of {fine.experts:3}, width {fine.width:3}: {total:,} parameters,", end=" ")
    print(f"{working:,} active, {table[-1][1]:,} ways")

# %% key="cut-figure"
fig, [ax] = canvas(width=6.6, height=3)
ax.plot(*zip(*table, strict=True), color=colours.blue, marker="o")
for pieces, ways in table:
    ax.annotate(f"{ways:,}" if ways < 1e12 else f"{ways:.1e}", (pieces, ways), (7, -11), textcoords="offset points")
ax.set(yscale="log", xlabel="pieces that each of 16 experts is cut into", ylabel="ways to choose")
ax.set(xlim=(0.6, 10.2), ylim=(3, 1e22), xticks=(1, 2, 4, 8))
show(fig, alt="""The number of ways in which a token's experts can be chosen, on a logarithmic scale, when 16
    experts, two active, are cut into 1, 2, 4 and 8 pieces. It grows from 120 to 35,960, to 4.4 billion, and
    to about ten to the power of 20. Parameters and work stay the same.""")

# %% [markdown]
# From 120 to 4,426,165,368: these two numbers are in DeepSeek's paper. More choice is not yet a better model.
# What speaks for it: an expert that must serve many kinds of token has to know a bit of everything. Pieces
# can be put together as a token needs them. In their comparison, at equal parameters and equal work, 16 large
# experts came to a loss of 1.867, and 64 pieces, one of them shared, to 1.808. So more than the cut differs, and
# this number cannot say how much of the gain is owed to it.
#
# There is a price. The router needs a vector for each piece, and very small matrices make poor use of fast
# hardware.
#
# *Source: DeepSeekMoE, arXiv 2401.06066, section 3.1 and table 1. 2.0 billion parameters, 100 billion tokens,
# loss on the Pile. The large experts: GShard, two of 16 active. The pieces: 7 of 63 active, and the shared
# one.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `split`: they cut the width and forget to visit more pieces, or
# the other way. The check says which. In `combinations` some count orders (permutations).
#
# Ask the room: in the extreme, cut until each expert has width 1. What is such a layer? (One wide feed-forward
# network of which each token uses a few neurons, with a router as large as one of its matrices.)

# %% [markdown]
# ## Shared
#
# > **The way:** small pieces → **shared** → gate → bias → stop line → speed → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* give every token one more expert, always the same. *Why:* some things all tokens need. If
# each routed expert has to learn them, they are learned and stored many times over. A **shared expert**
# learns them once.
#
# The router does not know of it. It is not one of the chosen, it takes nobody's place, and it has no weight:
#
# $$y = \text{shared}(x) + \sum_{i \text{ chosen}} w_i \; \text{expert}_i(x)$$
#
# In your function `routed` is the whole sum on the right, as something to call.

# %% exercise="deepseekmoe.shared_expert"
# 1. What the routed experts say: `routed` wants the tokens, the weights and the chosen.
# 2. What the shared expert says: it wants the tokens.
# 3. Add the two.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Both are functions. Each is given `x`, the tokens as they are.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `routed(x, weights, chosen)` has applied the weights already. The shared expert's answer is added as it is:
# no weight, no scale, no average.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `return shared(x) + routed(x, weights, chosen)`. In full: `solution("shared_expert")`.
#
# </details>

# %% key="shared-by-hand"
from mine import deepseekmoe, moe

x, chosen = torch.tensor([[1.0], [2.0]]), torch.tensor([[0, 1], [1, 2]])
weights = torch.tensor([[0.6, 0.4], [0.5, 0.5]])
dull = [lambda x: 1 * x, lambda x: 10 * x, lambda x: 100 * x]

def routed(x, weights, chosen):
    return moe.dispatch_combine(x, weights, chosen, dull)

together = deepseekmoe.shared_expert(x, weights, chosen, routed, shared=lambda x: 1000 * x)
print("routed alone:     ", [f"{y:.1f}" for y in routed(x, weights, chosen).flatten()])
print("with a shared one:", [f"{y:.1f}" for y in together.flatten()])

# %% [markdown]
# How many shared experts should there be? It hardly matters: DeepSeek tried 1, 2 and 4, at equal work, and
# the losses were 1.808, 1.806 and 1.811. V3 has one.
#
# *Source: DeepSeekMoE, arXiv 2401.06066, section 4.4.*
#
# **A question on the way.** V3 has 256 routed experts in a layer, 8 of them active, and one shared. For how
# many experts does a token pay?
#
# <details><summary>(a) 8: the shared one is part of the eight.</summary>
#
# In some models it is counted so. Here it comes on top: the router chooses eight, and nobody chooses the
# shared one.
#
# </details>
# <details><summary>(b) 9.</summary>
#
# Right: eight that were chosen, and the shared one. For memory it is 257.
#
# </details>
# <details><summary>(c) 8 and a bit: the shared expert has a small weight.</summary>
#
# It has no weight at all, which is the same as weight 1. And work does not depend on weights: an answer that
# counts little costs as much as one that counts a lot.
#
# </details>

# %% [markdown]
# ## The gate
#
# > **The way:** small pieces → shared → **gate** → bias → stop line → speed → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* score each expert by itself, choose with a bias, and weigh without. *Why:* two questions
# get two answers. *Who shall work?* is a question about load as well. *How much does the answer count?* is
# one about the token alone.
#
# **Scores.** A softmax lets experts compete: if one score rises, all others fall, and with 256 experts most
# are tiny. DeepSeek-V3 takes the **sigmoid** of each logit: $1/(1 + e^{-z})$, a number between 0 and 1,
# whatever the others have.

# %% key="scores-figure"
random = torch.Generator().manual_seed(0)
fig, axes = canvas(columns=2, width=8.4, height=2.8)
for ax, name in zip(axes, ("softmax", "sigmoid"), strict=True):
    for experts, (shade, dashes, _) in zip((8, 256), LOOKS, strict=False):
        logits = torch.randn(1000, experts, generator=random)
        scores = (logits.softmax(dim=-1) if name == "softmax" else logits.sigmoid()).flatten().numpy()
        look = {"color": shade, "ls": dashes, "lw": 1.8, "label": f"{experts} experts"}
        ax.hist(scores, bins=40, range=(0, 1), density=True, histtype="step", **look)
    ax.set(xlabel="score", ylabel="how common", title=name, yscale="log")
axes[0].legend()
show(fig, alt="""Two charts of how common each score is, for 8 and for 256 experts with random logits. Softmax:
    with 8 experts scores lie around 0.1, with 256 nearly all are below 0.05. Sigmoid: both lie around one
    half, and look the same.""")

# %% [markdown]
# Sigmoids lie on the same scale in a layer of 8 and of 256, so a bias of 0.1 can be held against them. Beside
# softmax scores of about 1/256 it would decide nearly everything. (That is our reasoning; we found none given in
# V3's report.)
#
# **By hand.** Three experts have the scores 0.9, 0.8 and 0.1, and a token visits two. The third has been idle
# for long, so its bias has grown to 0.75. The others have none.
#
# - Choose by score plus bias: 0.9, 0.8 and 0.85. The first and the *third* are chosen.
# - Weigh by score alone: 0.9 and 0.1. Their sum is 1.0, so the weights are **0.9 and 0.1**.
#
# The third expert gets a token, and with it a gradient, a chance to learn. But the model listens to it as
# little as the router trusts it.
#
# What if the bias had been in the weights as well? Work it out: 0.9 and 0.85, divided by 1.75.
#
# Last, all weights are multiplied by a **scale**, 2.5 in V3; the routed experts then count for more beside
# the shared one.

# %% exercise="deepseekmoe.sigmoid_gate"
# 1. Scores: the sigmoid of each logit.
# 2. Choose: the largest `active` of score PLUS bias. Keep their numbers, and forget these sums.
# 3. Weigh: the chosen experts' scores WITHOUT bias. Divide them by their sum.
# 4. Multiply by the scale. Return the weights, then the chosen.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `x.topk(k, dim=-1).indices` are the places of the k largest of each row. `scores.gather(-1, places)` takes
# what stands at these places.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `topk` also returns the largest sums. Do not use them: the bias is in them. If you multiply by the scale
# *before* you divide by the sum, it cancels.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `scores = logits.sigmoid()`, `chosen = (scores + bias).topk(active, dim=-1).indices`, `weights =
# scores.gather(-1, chosen)`, and `weights / weights.sum(dim=-1, keepdim=True) * scale`. In full:
# `solution("sigmoid_gate")`.
#
# </details>

# %% key="gate-by-hand"
from mine import deepseekmoe


def logit(score):
    return torch.tensor(score).logit()

logits = logit([[0.9, 0.8, 0.1]])
for bias in ([0, 0, 0], [0, 0, 0.75], [10, 10, 10.75]):
    weights, chosen = deepseekmoe.sigmoid_gate(logits, torch.tensor(bias), active=2)
    print(f"bias {bias}: experts {chosen[0].tolist()}, weights {[f'{w:.2f}' for w in weights[0]]}")

# %% [markdown]
# The last line is a good test of any such gate: **add the same number to all biases, and nothing may
# change.**
#
# Now let the bias weigh, and see what goes wrong. `biased_gate` is the slip that most people make. On the left,
# the same token, and the bias of the third expert grows from 0 to 2. What weight does the expert get? On the
# right, another token, which the experts suit with 0.9, 0.3 and 0.1, and the same number is added to *all
# three* biases. What is left of the router's opinion?

# %% key="bias-weighs"
def biased_gate(logits, bias, active):
    best, chosen = (logits.sigmoid() + bias).topk(active, dim=-1)
    return best / best.sum(dim=-1, keepdim=True), chosen

def weight_of(expert, gate, bias, scores):
    weights, chosen = gate(logit([scores]), bias, 2)
    return weights[chosen == expert].sum().item()

amounts = torch.arange(0, 2.01, 0.05)
gates = {"selects only": deepseekmoe.sigmoid_gate, "weighs too": biased_gate}

# %% key="bias-weighs-figure"
fig, axes = canvas(columns=2, width=9, height=3)
left, right = (2, torch.tensor([0.0, 0, 1]), [0.9, 0.8, 0.1]), (0, torch.ones(3), [0.9, 0.3, 0.1])
for ax, (expert, where, scores) in zip(axes, (left, right), strict=True):
    lines = {
        name: [weight_of(expert, gate, amount * where, scores) for amount in amounts]
        for name, gate in gates.items()
    }
    across, up = ("third expert's bias", "all three biases")[expert == 0], f"weight of expert {expert + 1}"
    draw_curves(ax, amounts, lines, across=across, up=up)
    ax.set_ylim(0, 0.9)
show(fig, alt="""Two charts. Left: as the third expert's bias grows, its weight is 0 until the bias passes
    0.7. Then it is 0.10 if the bias selects only. If the bias weighs too, it jumps to 0.49 and grows to
    0.70. Right: as all three biases grow, the first expert's weight stays at 0.75 if the bias selects only.
    If it weighs, the weight falls to 0.56, and on towards one half.""")

# %% [markdown]
# Left: the less an expert is trusted, the longer it is idle, the larger its bias, the *more* it is heard.
# Right: a number that should mean nothing slowly silences the router. Neither makes a training crash. It
# may well learn, and be worse, and nobody knows why.
#
# *Source of the gate: DeepSeek-V3, arXiv 2412.19437, equations 13 to 16, and `Gate` in the `model.py` of its
# repository. There, the bias is added for the choice, and the weights are gathered from the scores as they
# were.*

# %% [markdown] tags=["teacher"]
# **For teachers.** The commonest slip is the one above: `weights, chosen = (scores + bias).topk(active)`. It
# saves a line. The check names it, and nineteen others: the softmax of V2, the division by all scores, the
# scale that cancels.
#
# Ask the room: can the gradient reach the bias, if the gate is right? (No. It only enters the choice, and a
# choice has no gradient.)

# %% [markdown]
# ## The bias
#
# > **The way:** small pieces → shared → gate → **bias** → stop line → speed → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* the rule that moves the biases. *Why:* it takes the place of the loss.
#
# After each training step, look at the load. An expert with less than the mean load: its bias goes up by a
# small number, the **speed** $u$. One with more: down by $u$. At the mean, it stays:
#
# $$b_i \leftarrow b_i + u \cdot \text{sign}(\text{mean load} - \text{load}_i)$$
#
# **By hand**, with the load (3, 1, 2) and $u$ = 0.001. The mean is 2. So the first bias goes down by 0.001,
# the second goes up by 0.001, and the third stays. With the load (300, 1, 2)? The mean is 101. The first goes
# down by 0.001, no more, and the others go up.

# %% exercise="deepseekmoe.update_bias"
# 1. The mean load. The loads are whole numbers: make them floats first.
# 2. For each expert the sign of mean minus load: 1, -1, or 0.
# 3. The old bias plus speed times this sign, as a new tensor.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.sign` makes 1, -1 or 0 of each number. PyTorch refuses the mean of whole numbers: `load.double()`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The size of the step must not depend on how far the load is from the mean. And `bias += ...` would change
# the tensor that you were given.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `bias + speed * torch.sign(load.double().mean() - load).to(bias.dtype)`. In full: `solution("update_bias")`.
#
# </details>

# %% key="update-by-hand"
from mine import deepseekmoe

for load in ([3, 1, 2], [300, 1, 2], [2, 2, 2]):
    moved = deepseekmoe.update_bias(torch.zeros(3), torch.tensor(load), speed=0.001)
    print(f"load {load}: the bias becomes {[round(b, 4) for b in moved.tolist()]}")

# %% [markdown]
# Try it on a router that is far from even. Six experts, and one is much more popular than the next. We do not
# train anything: only the biases move. Before you run the cell: the popular expert's score is about 0.3 above
# the mean of the others. With a speed of 0.01, about how many steps should it take?

# %% key="first-balance"
popular = torch.tensor([1.5, 0.5, 0.0, 0.0, -0.5, -1.0])

def balanced(bias, speed, rounds):
    """MaxVio after each round. Each brings 600 tokens, and each token visits two experts."""
    random, vios = torch.Generator().manual_seed(0), []
    for _ in range(rounds):
        logits = popular + torch.randn(600, 6, generator=random)
        load = moe.load(deepseekmoe.sigmoid_gate(logits, bias, active=2)[1], experts=6)
        vios.append(moe.max_vio(load).item())
        bias = deepseekmoe.update_bias(bias, load, speed)
    return vios, bias

vios, bias = balanced(torch.zeros(6), speed=0.01, rounds=60)
print("MaxVio after 1, 10, 20, 25, 60 rounds:", [f"{vios[n - 1]:.2f}" for n in (1, 10, 20, 25, 60)])
print("the biases:", [f"{b:+.2f}" for b in bias])

# %% [markdown]
# A gap of 0.3 closes by 0.02 a step, since the popular expert goes down while the others go up: about 15
# steps, and a few more for the other gaps. What is left at the end is chance, and a little of the rule's
# own trembling: 600 tokens are never quite even.
#
# **Questions on the way.** Somebody makes the bias an `nn.Parameter`, and lets the optimiser learn it. What
# happens?
#
# <details><summary>(a) The same, by gradient in place of a rule.</summary>
#
# For that, a gradient would have to reach it. The bias enters nothing but a choice.
#
# </details>
# <details><summary>(b) Nothing: it stays 0.</summary>
#
# Right. `topk` passes its gradient on to the values it picked, and we throw these away. With weights that do
# hold the bias there would be a gradient. But it would ask for a better *prediction*, not for an even load.
#
# </details>
# <details><summary>(c) The load becomes even faster.</summary>
#
# Nothing in the loss of the next token asks for an even load.
#
# </details>
#
# And if somebody takes, for the load, not the **counts** but the sum of the **weights** that each expert got?
#
# <details><summary>(a) It is the same, only smoother.</summary>
#
# An expert may be visited by many tokens of which each gives it little weight. Its sum is small, so its bias
# goes up, and it gets even more visits. What makes others wait is the number of visits.
#
# </details>
# <details><summary>(b) Work is balanced by how much it counts, not by how much there is.</summary>
#
# Right. An expert computes as long for a token with weight 0.1 as for one with weight 0.9.
#
# </details>
#
# Before you go, answer without looking: *What stays the same when experts are cut, and what grows? Who weighs
# the shared expert? Where is the bias, and where is it not? How far does it move if the load is far off?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers are stored. When you come back,
# run the set-up cell at the top, and go on here: the second sitting needs nothing else from the first.
#
# ---

# %% [markdown]
# ## The speed
#
# > **The way:** small pieces → shared → gate → bias → stop line → **speed** → taken away → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* train a model with your gate and your rule, at three speeds. *Why:* in a real training the
# router learns while the biases move. The rule has to keep up, and not overdo it.
#
# The model has two layers. Each has 31 routed experts of width 16, of which a token visits 7, and a shared
# one. DeepSeekMoE's first model had 7 active of 63, and a shared one: here a token has half as many to choose
# from. It reads 250 batches of 24 documents. (Half of them are in a kind of Latin, as in lesson 03: *quaere* is
# *find*, *deinde* is *then*.) The sizes, the first weights and the documents are those of the course's
# **claims** about experts (`pocketr1/claims`: experiments whose rules were written down before they were run),
# with a seed of its own.

# %% key="documents"
from mine import configuration, deepseekmoe, model, moe, training, transformer

SEED = 5
size = replace(SMALL, steps=steps(SMALL.steps))
batch_at, documents = batches(SEED, size), unseen(SEED, size)
plan = training.Plan(size.steps, learning_rate=size.learning_rate, warmup=min(size.warmup, size.steps))
for skill in ("calc", "run", "write"):
    print(*next(document for document in documents if document.problem.skill == skill).words)

# %% key="model"
def small_model(feed_forward):
    heads = configuration.Heads(size.heads, size.heads, size.dim // size.heads)
    shape = configuration.ModelConfig(len(VOCABULARY), size.dim, size.layers, heads, feed_forward)
    built = model.LanguageModel(shape)
    start(built, SEED)
    return built

def with_bias(speed):
    return configuration.Experts(31, 7, width=16, shared=1, balance="bias", bias_speed=speed)

print(f"{sum(p.numel() for p in small_model(with_bias(0.01)).parameters()):,} parameters")

# %% [markdown]
# `training.train` calls your `update_bias` after each step, with the counts of that step. To see them we
# look in between: when the loss is known, and the biases have not moved yet.

# %% key="look"
@dataclass
class Look:
    step: int
    loss: float
    max_vio: float  # the mean of the layers
    load: Tensor  # [layers, experts]
    bias: Tensor  # [layers, experts]

def balancing(learner):
    parts, seen = [block.feed_forward for block in learner.blocks], []

    def loss_of(learner, tokens, mask):
        loss = transformer.next_token_loss(learner(tokens), tokens, mask)
        seen.append([torch.stack([getattr(part, name) for part in parts]) for name in ("counts", "bias")])
        return loss

    for record in training.train(learner, batch_at, plan, loss_of=loss_of):
        load, bias = seen.pop()
        vio = sum(moe.max_vio(layer).item() for layer in load) / len(load)
        yield Look(record.step, record.loss, vio, load, bias)

# %% [markdown]
# **A prediction.** The middle speed is 0.01. Then we take a tenth of it, and ten times as much. What will the
# load look like at ten times the speed: even sooner, or something else?

# %% key="predict-speed"
predict("speed", "...")

# %% key="train" exempt="trained floats differ in the last digits between processors"
learners, looks = {0.01: small_model(with_bias(0.01))}, {0.01: []}

def noted(records, kept):
    for record in records:
        kept.append(record)
        yield record

history = watch(
    noted(balancing(learners[0.01]), looks[0.01]),
    steps=plan.steps,
    curves={"loss": "loss", "max_vio": "MaxVio"},
    alt="""The loss falls. MaxVio rises at first, while the router learns faster than the biases move. Then
    it falls, and stays low.""",
)

# %% key="train-slow" exempt="trained floats differ in the last digits between processors"
def trained(speed):
    learners[speed], looks[speed] = small_model(with_bias(speed)), []
    watch(
        noted(balancing(learners[speed]), looks[speed]),
        steps=plan.steps,
        curves={"loss": "loss", "max_vio": "MaxVio"},
        alt=f"Loss and MaxVio over the steps at speed {speed}, with those of speed 0.01 in grey.",
        behind={"speed 0.01": history},
    )
    late = looks[speed][-25:]
    print(f"speed {speed}: MaxVio {sum(look.max_vio for look in late) / len(late):.2f} over the last 25 steps")

trained(0.001)

# %% key="train-fast" exempt="trained floats differ in the last digits between processors"
trained(0.1)

# %% key="speed-figure" exempt="loads of trained models"
def smooth(values, span=10):
    windows = [values[max(0, n - span + 1) : n + 1] for n in range(len(values))]
    return [sum(window) / len(window) for window in windows]

speeds = (0.001, 0.01, 0.1)
lines = {f"speed {speed}": smooth([look.max_vio for look in looks[speed]]) for speed in speeds}
fig, [ax] = canvas(width=7.4, height=3.2)
draw_curves(ax, range(plan.steps), lines, across="step", up="MaxVio, mean of 10 steps")
ax.set_ylim(bottom=0)
ends = ", ".join(f"{name} {values[-1]:.2f}" for name, values in lines.items())
show(fig, alt=f"""MaxVio over the steps at three speeds. Slow: it rises high and takes most of the training to
    come down. Middle: it rises, comes down early and stays low. Fast: it never comes down, and goes on
    wavering. At the end: {ends}.""")

# %% key="bias-figure" exempt="biases of trained models"
fig, axes = canvas(columns=3, width=9.6, height=3)
for ax, speed in zip(axes, speeds, strict=True):
    biases = torch.stack([look.bias[1] for look in looks[speed]])
    ax.plot(range(plan.steps), biases, color="#C4C4C4", lw=0.6, ls="-", marker="")
    for place, expert in enumerate(biases[-1].argsort()[[0, 15, 30]]):
        ax.plot(range(plan.steps), biases[:, expert], color=LOOKS[place][0], lw=1.2, ls="-", marker="")
    ax.set(xlabel="step", title=f"speed {speed} (own scale)")
axes[0].set_ylabel("biases of layer 1")
spreads = ", ".join(f"{(looks[speed][-1].bias[1].max() - looks[speed][-1].bias[1].min()):.2f}" for speed in speeds)
show(fig, alt=f"""The 31 biases of one layer over the steps, three of them in colour: those that end lowest,
    in the middle and highest. Slow: straight lines that fan out and have hardly settled. Middle: they fan
    out, and then each stays near a level of its own. Fast: all zigzag up and down by large steps, and drift
    upwards together. From the lowest to the highest it is at the end: {spreads}.""")

# %% key="speed-held-against"
recall("speed")

# %% [markdown]
# At 0.001 a bias can move by 0.25 in the whole training. That is too slow for a router that changes its mind
# within fifty steps. At 0.1 a single step moves an expert past many others. A crowd arrives, the next step
# sends it away. Scores lie between 0 and 1, so a step of 0.1 is a tenth of all there is. The step never gets
# smaller, since it is the sign of the distance that counts: near balance, the rule goes on trembling by one
# step. (That all biases may climb together is harmless. Do you see why? It is the first of the three
# questions at the end.)
#
# What is the right speed? It depends on how long one trains. DeepSeek-V3, which was trained for far longer,
# took 0.001, and 0 for the last part: then the biases stand still. In the paper that the rule comes from,
# 0.0001 was too slow and 0.01 trembled.
#
# *Sources. V3's speed: arXiv 2412.19437, section 4.2: 0.001 for the first 14.3 trillion tokens of 14.8, then
# 0. The paper of the rule: Wang et al. 2024, arXiv 2408.15664, figure 4, read in a transcript.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `update_bias`: the sign; a step that grows with the distance
# (another rule, whose steps depend on the size of the batch); a new bias that forgets the old one. In the
# layer: the rule goes on running when the model is tested, so that an answer depends on the questions before.
#
# If you have no two minutes for three trainings, show the solved notebook and let the room say which panel
# belongs to which speed.
#
# Ask the room: why the sign, and not the distance? (One number to choose, whatever the size of the batch; and
# no single crowded step can throw a bias far off. As we recall, and did not look up, the authors tried the
# distance too, and found no better models.)

# %% [markdown]
# ## Taken away
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → **taken away** → sequence or batch
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* three operations on the trained model. *Why:* to see what it has come to rely on.
#
# 1. Without the shared expert, and with an eighth routed one in its place: the work stays the same.
# 2. Each token's *best* routed expert is closed to it, and the next one takes its place.
# 3. The slip of the first sitting: the bias weighs.
#
# Before you run the cells, write down an order: which hurts most, which least? `measured` gives the loss on
# documents that the model has never seen. It also notes who went where; we need that later.

# %% key="measured"
def measured(learner):
    """The loss on unseen documents, and their visits [documents, layers, words, experts]."""
    parts = [block.feed_forward for block in learner.blocks if hasattr(block.feed_forward, "route")]
    loss, predicted, visits, inputs = 0.0, 0, [], []
    hooks = [part.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for part in parts]
    for first in range(0, len(documents), 64):
        tokens, mask = as_batch(documents[first : first + 64])
        with torch.no_grad():
            mean = transformer.next_token_loss(learner(tokens), tokens, mask).item()
        loss, predicted = loss + mean * mask.sum().item(), predicted + mask.sum().item()
        words = F.one_hot(tokens, len(VOCABULARY)).float()
        words[..., VOCABULARY.pad] = 0  # padding does not count
        for part, x in zip(parts, inputs, strict=True):
            chosen = part.route(x.flatten(0, 1) @ part.router.T)[1]
            went = F.one_hot(chosen, 31).sum(dim=1).float().unflatten(0, tokens.shape)
            visits.append(words.transpose(1, 2) @ went)
        inputs.clear()
    for hook in hooks:
        hook.remove()
    layers = [torch.cat(visits[layer :: len(parts)]) for layer in range(len(parts))]
    return loss / predicted, torch.stack(layers, dim=1) if layers else None

# %% key="operate"
def changed(change):
    patient = copy.deepcopy(learners[0.01])
    for block in patient.blocks:
        change(block.feed_forward)
    return measured(patient)[0]

def without_shared(part):
    part.shared, part.shape = None, replace(part.shape, active=8, shared=0)

def without_best(part):
    def route(logits):
        best = (logits.sigmoid() + part.bias).argmax(dim=-1, keepdim=True)
        return deepseekmoe.sigmoid_gate(logits, part.bias.expand_as(logits).scatter(-1, best, -math.inf), 7)
    part.route = route

def bias_weighs(part):
    def route(logits):
        best, chosen = (logits.sigmoid() + part.bias).topk(7, dim=-1)
        return best / best.sum(dim=-1, keepdim=True), chosen
    part.route = route

# %% key="taken-away" exempt="losses of trained models"
whole, visits = measured(learners[0.01])
losses = {"the whole model": whole, "the bias weighs": changed(bias_weighs)}
losses |= {"the best routed expert closed": changed(without_best), "no shared expert": changed(without_shared)}
for name, loss in losses.items():
    print(f"{name:30} loss {loss:.2f}")
print("the shared expert is missed most:", max(losses, key=losses.get) == "no shared expert")

# %% [markdown]
# In DeepSeek's model, switching off the shared expert and choosing one routed expert more raised the loss from
# 1.808 to 2.414. They conclude that the shared expert cannot be replaced.
#
# **Careful.** Nothing was trained after the operation. So this shows what the model has come to rely on, not
# what it could do without. And the comparison is not fair: the shared expert answers with weight 1, each of
# the seven routed ones with about 1/7. Whoever removes the larger part hurts more.
#
# The slip with the bias does little here: these biases are small beside the scores, and differ little from
# one another. That is what makes it hard to find.
#
# *Source: DeepSeekMoE, arXiv 2401.06066, section 4.5; 2.0 billion parameters, loss on the Pile.*

# %% [markdown]
# ## Sequence or batch
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → taken away → **sequence or batch**
# > → 671 billion → skill or word → dense or experts → the rule, live
#
# *What we do now:* ask over *which* tokens the load is even. *Why:* it may be the real difference between the
# bias and a loss in each sequence.
#
# Lesson 05 had two sequences. One uses experts 0 and 1 alone, the other 2 and 3. The loss *in each sequence*
# was twice what it is for an even load. And the bias? It knows the counts of the whole batch.

# %% key="opposite-halves"
from mine import deepseekmoe, moe

chosen = torch.tensor([[[0, 1]] * 3, [[2, 3]] * 3])  # [sequences, tokens, active]
print("load of each sequence:", [moe.load(sequence, 4).tolist() for sequence in chosen])
load = moe.load(chosen, 4)
print("load of the batch:    ", load.tolist())
print("the biases move by:   ", deepseekmoe.update_bias(torch.zeros(4), load, speed=0.01).tolist())

# %% [markdown]
# The rule is content, and leaves both sequences their own experts. A loss in each sequence pushes both
# towards all four. How uneven is our trained model in a single document?

# %% key="one-document" exempt="loads of a trained model"
def vio_of(visits):
    """MaxVio, the mean of the layers: visits [layers, words, experts]."""
    return sum(moe.max_vio(layer.sum(dim=0)).item() for layer in visits) / len(visits)

single = sum(vio_of(document) for document in visits) / len(visits)
print(f"MaxVio over all unseen documents: {vio_of(visits.sum(dim=0)):.2f}")
print(f"MaxVio in one document, the mean: {single:.2f}")
random = torch.Generator().manual_seed(0)
thrown = [torch.rand(len(document.tokens), 31, generator=random).topk(7).indices for document in documents]
by_chance = [moe.max_vio(moe.load(chosen, 31)).item() for chosen in thrown]
print(f"the same, if chance chose the experts: {sum(by_chance) / len(by_chance):.2f}")

# %% [markdown]
# A good part of this is chance, as the last line says: documents are short. Still, nobody asked that each document
# use all experts alike.
#
# DeepSeek asked whether this freedom is the whole advantage, and trained the third arm: a loss over the whole
# *batch*.
#
# | parameters | loss in each sequence | bias | loss over the batch |
# |---|---|---|---|
# | 1 billion | 2.258 | 2.253 | 2.253 |
# | 3 billion | 2.085 | 2.080 | 2.080 |
#
# Bias and batch come out alike. That speaks for the wider view as what helps, rather than the absence of a
# loss. What speaks for the bias: there is no weight α to choose, and nothing pulls at the router. But it has a speed to
# choose. And V3 kept a loss in each sequence as well, with a weight of 0.0001, as a guard.
#
# *Source: DeepSeek-V3, arXiv 2412.19437, section 4.5.3, and equations 17 to 20. The differences are 0.2 %.*

# %% [markdown]
# ## 671 billion
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → taken away → sequence or batch →
# > **671 billion** → skill or word → dense or experts → the rule, live
#
# *What we do now:* take DeepSeek-V3 apart, and count. *Why:* in lesson 05 you counted its whole. Now you know
# all its parts. Where *are* the 671 billion, and which of them work on a token?
#
# **By hand, one layer.** An expert has three matrices of 7,168 × 2,048: that is 44 million parameters. A layer
# has 256 routed experts and one shared: 257 · 44 million = 11.3 billion. How many layers of experts are
# there? The model has 61, but the first three are dense. So 58.
#
# Your function takes any configuration of this kind, and returns both counts for each part, by name.
# `attention_params(config)`, one layer's attention, is given.

# %% exercise="deepseekmoe.v3_params"
# 1. How many layers have experts, and how many have not? One expert: three matrices.
# 2. All parts that work on every token: the same number twice.
# 3. The routed experts: all of them, and the active ones.
# 4. A dictionary: the part's name, and (all, active).

# %% [markdown]
# <details><summary>A hint</summary>
#
# `shape = config.feed_forward` has `experts`, `active`, `width`, `shared`, `dense_layers` and `dense_width`.
# `config` has `vocab`, `dim` and `layers`. The names of the parts are in the docstring: there are eight.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `expert = 3 * config.dim * shape.width` and `sparse = config.layers - shape.dense_layers`. The routed experts
# are the one pair whose two numbers differ. Everything else is active as a whole: also the router, which scores all experts for every token.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Write `everywhere = {"embedding": ..., "head": ..., "norms": (2 * config.layers + 1) * config.dim, ...}` with
# one number each, make pairs of them with `{name: (count, count) for name, count in everywhere.items()}`, and
# add the routed experts. In full: `solution("v3_params")`.
#
# </details>

# %% key="v3-parts"
from mine import deepseekmoe, sizes

parts = deepseekmoe.v3_params(sizes.DEEPSEEK_V3)
for name, (everything, working) in parts.items():
    print(f"{name:16} {everything / 1e9:8.3f} billion, active {working / 1e9:7.3f}")
counts = tuple(sum(count) for count in zip(*parts.values(), strict=True))
total, active = counts[0] / 1e9, counts[1] / 1e9
print(f"{'together':16} {total:8.1f} billion, active {active:7.1f}")
print(f"without the look-up in the embedding, active: {active - parts['embedding'][1] / 1e9:.1f} billion")
print("the same as by count_params of lesson 05:", counts == sizes.count_params(sizes.DEEPSEEK_V3))

# %% key="v3-figure"
fig, axes = canvas(columns=2, width=9.4, height=3.2)
names = sorted(parts, key=lambda name: parts[name])
titles = f"all: {total:.1f} billion", f"at work on one token: {active:.1f} billion"
for column, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    counts = [parts[name][column] / 1e9 for name in names]
    ax.barh(names, counts, color=colours.sky, edgecolor="black")
    for row, count in enumerate(counts):
        ax.text(count, row, f" {count:.1f}" if count > 0.05 else f" {count:.3f}", va="center", fontsize=9.5)
    ax.set(title=title, xlabel="billion parameters", xlim=(0, 1.18 * max(counts)))
    ax.grid(False)
axes[1].set_yticks([])
show(fig, alt="""Two bar charts of DeepSeek-V3's parts, in billions. All, 671.0: routed experts 653.9, attention
    11.4, shared experts 2.6, dense layers 1.2, embedding and head 0.9 each, routers 0.1, norms 0.001. At
    work on one token, 37.6: routed experts 20.4, attention 11.4, all others as before.""")

# %% [markdown]
# 97 % of V3 are routed experts, and 3 % of these work on a token. Attention, which nobody mentions when they
# speak of 671 billion, is nearly a third of what works.
#
# The report says 671 and **37**. You counted 37.6 with the whole embedding, 36.6 without it, since a token
# looks up one row and multiplies nothing. The files on the web hold 685 billion: 14 more, for a module that
# predicts one more token (lesson 13).
#
# Beside other models. *2 of 8 + 0* means: of 8 routed experts 2 are active, and none is shared. These are our
# counts, from published sizes. For Llama 4 we give its authors' own numbers.

# %% key="others"
rows = {"Mixtral 8x7B": sizes.MIXTRAL_8X7B, "Qwen3-235B-A22B": sizes.QWEN3_235B, "DeepSeek-V3": sizes.DEEPSEEK_V3}
for name, config in rows.items():
    shape, (all_of_it, working) = config.feed_forward, sizes.count_params(config)
    ways = deepseekmoe.combinations(shape.experts, shape.active)
    print(f"{name:16} {shape.active} of {shape.experts:3} + {shape.shared}: {all_of_it / 1e9:5.1f} billion,", end=" ")
    print(f"active {working / 1e9:4.1f} ({working / all_of_it:5.1%}), {ways:,} ways")
for name, experts, all_of_it in (("Llama 4 Scout", 16, 109), ("Llama 4 Maverick", 128, 400)):
    print(f"{name:16} {experts:3} experts:  {all_of_it:5.1f} billion, active 17.0 ({17 / all_of_it:5.1%})")

# %% [markdown]
# *Sources. V3: arXiv 2412.19437, section 4.2, and its configuration; the 685: the model's page. Mixtral and
# Qwen3: as `pocketr1/sizes.py` says. Llama 4: Meta's model card, in the repository `meta-llama/llama-models`;
# it reads images as well.*

# %% [markdown] tags=["teacher"]
# **For teachers.** The four slips that this count is known for: experts in all 61 layers; 256 experts and not
# 257; 8 active and not 9; the module for the next-but-one token counted (685). The check names each. Let
# somebody work out by how much each is off: 34, 2.6, 2.6 and 14 billion.
#
# Ask the room: which part would you make smaller to save *memory*, and which to save *work*? (The routed
# experts; and then attention is next.)

# %% [markdown]
# ## Skill or word
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → taken away → sequence or batch →
# > 671 billion → **skill or word** → dense or experts → the rule, live
#
# *What we do now:* measure what a visit to an expert gives away. *Why:* "experts" sounds like specialists. In
# what?
#
# Each visit has a kind of sender: a skill, or a word. Count how often each kind visited each expert. If the
# kinds use the experts alike, then knowing the expert tells nothing about the kind. If each kind has its own
# experts, it tells everything. The **mutual information** says how much, in bits:
#
# $$\sum_{\text{kinds, experts}} p \; \log_2 \frac{p}{p_\text{kind}\; p_\text{expert}}$$
#
# $p$ is a pair's share of all visits, and $p_\text{kind}$ and $p_\text{expert}$ are the totals of its row and
# its column. **By hand:** two kinds, and each has an expert of its own. Two pairs have $p = 1/2$, and their
# totals are 1/2 and 1/2. So it is $2 · \frac12 \log_2 \frac{1/2}{1/4} = 1$ bit: one answer to one question of
# yes or no.

# %% exercise="deepseekmoe.specialisation"
# 1. p: each count as a share of all visits.
# 2. What p would be if kind and expert had nothing to do with each other: its row's total times its column's.
# 3. The sum of p times the base-2 logarithm of their ratio. A pair that never occurred adds nothing.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `p.sum(dim=1, keepdim=True)` are the totals of the rows, as a column. A column times a row makes a table.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# 0 times the logarithm of 0 is `nan`, and one `nan` spoils the sum. `torch.where(p > 0, terms, 0.0)` puts a 0
# where p is 0. Or pick the pairs that did occur: `p[p > 0]`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `p = visits.double() / visits.sum()`, `apart = p.sum(dim=1, keepdim=True) * p.sum(dim=0, keepdim=True)`, and
# the sum of `torch.where(p > 0, p * (p / apart).log2(), 0.0)`. In full: `solution("specialisation")`.
#
# </details>

# %% [markdown]
# Now the visits of the model that you trained with a speed of 0.01, on documents that it has not seen. Three
# questions: what does a visit tell about the skill? About the word? And about the skill, *if the word is known
# already*? The skills use different words, so the first alone could mislead.
#
# For comparison, a router that goes by the word alone: the **hash** router of lesson 05. It has learned
# nothing. And a second comparison: the same visits, but with the skills shuffled among the documents. What is
# left then is chance.

# %% key="by-skill"
from mine import deepseekmoe, moe

skills = torch.tensor([("calc", "run", "write").index(document.problem.skill) for document in documents])

def by_skill(visits, skills):
    """Visits [documents, words, experts] -> [skills, words, experts]."""
    return torch.stack([visits[skills == skill].sum(dim=0) for skill in range(3)])

def bits(counts):
    words = counts.sum(dim=(0, 2))
    about_word, about_skill = (deepseekmoe.specialisation(counts.sum(dim=axis)) for axis in (0, 1))
    met = [w for w in range(len(words)) if words[w] > 0]
    beyond = sum(words[w] / words.sum() * deepseekmoe.specialisation(counts[:, w]) for w in met)
    return about_word, about_skill, float(beyond)

# %% key="bits" exempt="visits in a trained model"
learned = visits[:, 1]  # the second layer
hashed = torch.zeros_like(learned)
for place, document in enumerate(documents):
    tokens = torch.tensor(document.tokens)
    went = F.one_hot(moe.hash_route(tokens, 31, 7)[1], 31).sum(dim=1).float()
    hashed[place] = F.one_hot(tokens, len(VOCABULARY)).float().T @ went
shuffled = skills[torch.randperm(len(skills), generator=torch.Generator().manual_seed(0))]
arms = {"learned": (learned, skills), "learned, skills shuffled": (learned, shuffled), "hash": (hashed, skills)}
told = {name: bits(by_skill(*arm)) for name, arm in arms.items()}
print(f"{'bits about':26} {'word':>6} {'skill':>6} {'skill, if the word is known':>28}")
for name, (word, skill, beyond) in told.items():
    print(f"{name:26} {word:6.2f} {skill:6.2f} {beyond:28.2f}")

counts = by_skill(learned, skills)
for axes_left, name, bits_told in zip(((0, 2), (1, 2)), ("a word", "a skill"), told["learned"], strict=False):
    shares = counts.sum(dim=axes_left) / counts.sum()
    has = -torch.special.xlogy(shares, shares).sum().item() / math.log(2)
    print(f"{name} has {has:.1f} bits to give away; a visit tells {bits_told / has:.0%} of them")

# %% key="skill-figure" exempt="visits in a trained model"
fig, axes = canvas(rows=2, width=9, height=4.6)
for ax, name in zip(axes, ("learned", "hash"), strict=True):
    shares = by_skill(*arms[name]).sum(dim=1)
    shares, common = shares / shares.sum(dim=0), shares.sum(dim=1) / shares.sum()
    order, bottom = shares[2].argsort(), torch.zeros(31)
    for skill, shade, hatch in zip((0, 1, 2), (colours.blue, "white", colours.orange), ("", "////", ""), strict=True):
        look = {"color": shade, "edgecolor": "black", "lw": 0.6, "hatch": hatch, "label": ("calc", "run", "write")[skill]}
        ax.bar(range(31), shares[skill, order], bottom=bottom, **look)
        bottom = bottom + shares[skill, order]
    for line in (common[0], common[0] + common[1]):
        ax.axhline(line, color=colours.black, ls="--", lw=1.2, marker="")
    ax.set(title=f"{name} router: whose tokens each expert serves", ylabel="share of its visits")
    ax.set(ylim=(0, 1), xlim=(-0.6, 30.6), xticks=[])
axes[1].set_xlabel("the 31 experts, ordered by their share of 'write'")
axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
most = (by_skill(*arms["learned"]).sum(dim=1) / by_skill(*arms["learned"]).sum(dim=(0, 1))).amax(dim=1)
show(fig, alt=f"""Two rows of 31 stacked bars, one for each expert: the shares of calc, run and write among its
    visits. Learned router: the shares differ from expert to expert, and most experts serve all three skills;
    the highest shares are calc {most[0]:.2f}, run {most[1]:.2f} and write {most[2]:.2f}. Hash router: the
    bars differ little. Dashed lines: the shares of all visits together.""")

# %% key="skill-held-against" exempt="visits in a trained model"
print("a visit tells more about the word than about the skill:", told["learned"][0] > told["learned"][1])
print("it tells something about the skill beyond the word:    ", told["learned"][2] > 2 * told["learned, skills shuffled"][2])
recall("skill")

# %% [markdown]
# **Mostly the word.** In our run, in the second layer, a visit gave away several times as many bits about the word
# as about the skill. But a word has more bits to give away, as the last two lines say. By shares it is still the
# word, but by less than the bits suggest.
#
# The hash router gives away the word more than anything, and the skill only as far as skills differ in their
# words: nothing, once the word is known.
#
# But the learned router is no hash. It tells less about the word, since the same word goes to different
# experts in different places. And it does tell something about the skill beyond the word, more than chance
# would. Whether an expert that *calc* visits more often *knows* more about calculating, visits cannot say.

# %% [markdown] tags=["teacher"]
# **For teachers.** Two traps. *"The bars differ, so experts specialise in skills"*: look at the second row.
# Even a router that knows nothing but words has bars that differ a little, because *write* uses other words
# than *calc*. That is why the third column counts. *"0.1 bits is nothing"*: the skill itself has only about
# 1.3 bits; what counts is the comparison with shuffled skills.
#
# Ask the room: how would you find out whether an expert *knows* about calculating? (Take it away, as above,
# and see which skill's loss rises.)

# %% [markdown]
# ## Dense or experts
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → taken away → sequence or batch →
# > 671 billion → skill or word → **dense or experts** → the rule, live
#
# *What we do now:* the same model without experts. *Why:* all this would be pointless if a plain network did
# as well.
#
# A token visits 7 routed experts and a shared one, each of width 16. So it does the work of one dense network
# of width 128. We train that on the same documents in the same order. Which will have the lower loss?

# %% key="predict-dense"
predict("dense", "...")

# %% key="train-dense" exempt="trained floats differ in the last digits between processors"
dense = small_model(configuration.Dense(width=128))
dense_losses = watch(
    training.train(dense, batch_at, plan),
    steps=plan.steps,
    curves=["loss"],
    alt="The loss of the dense model over the steps, with that of the model with experts in grey.",
    behind={"experts": history},
)["loss"]
dense_loss, _ = measured(dense)
for name, learner, loss in (("experts", learners[0.01], whole), ("dense", dense, dense_loss)):
    count = sum(p.numel() for p in learner.parameters())
    print(f"{name:8} {count:7,} parameters, loss on unseen documents {loss:.3f}")

# %% key="dense-figure" exempt="losses of trained models"
lines = {"experts": smooth([look.loss for look in looks[0.01]]), "dense": smooth(dense_losses)}
fig, [ax] = canvas(width=7, height=3)
draw_curves(ax, range(plan.steps), lines, across="step", up="loss, mean of 10 steps")
show(fig, alt=f"""The loss of two models over the steps, one with experts and one dense, with equal work for a
    token. On unseen documents the model with experts has {whole:.2f} at the end, the dense one
    {dense_loss:.2f}.""")

# %% key="dense-held-against"
recall("dense")

# %% [markdown]
# In our run the two came out alike: 0.72 with experts and 0.71 without. **One run does not decide it**: another
# order of documents changes such losses by more. In DeepSeek's comparison, on 100 billion tokens, the dense
# model came to 2.060 and the one with small experts to 1.808. That was not at equal work: 0.2 billion parameters
# worked on a token in the one, 0.3 in the other.
#
# Why is the gain not plain to see here? One reason you can work out. A token trains the experts that it
# visits. So an expert has read 7 of 31 tokens, less than a quarter of what the dense network has read. In a
# short training that counts. And these documents need little knowledge: there is not much to put into all
# those parameters.
#
# *Source: DeepSeekMoE, arXiv 2401.06066, table 1: 0.2 billion parameters dense; 2.0 billion with experts, of
# which 0.3 are active.*

# %% [markdown]
# ## More than one seed
#
# *What we do now:* look at seeds that ran before. *Why:* a single run can come out either way.
#
# The course has experiments on eight published claims about experts. For each, a rule was written down
# beforehand, and seeds 0 to 4 are run once and kept as they come out. If all five agree, the verdict is *same
# direction*. If not, it is *not reproduced here*. Both are results. `python start.py claims NAME` prints
# one in full, with its rule, its conditions, and how it may mislead.

# %% key="verdicts"
about_experts = ("bias_balance", "bias_loss", "batch_wise_loss", "batch_wise_specialisation")
about_experts += ("experts_against_dense", "fine_grained_experts", "shared_expert_is_missed", "learnt_routing")
for name in about_experts:
    print(f"{CLAIMS[name].statement}\n    {verdict(CLAIMS[name], read(CLAIMS[name]))}")

# %% [markdown]
# *Same direction* is not yet what the sentence says. In the fourth, nearly all of the difference comes from the
# largest weight, 0.1; at 0.001 both are alike, and part of these bits is words. In the seventh, the shared expert
# is simply the larger part: see *Taken away*.
#
# Here is one of them in a picture. It has seven ways of balancing: none, the bias at three speeds, a loss over
# each sequence with three weights α. Diamonds are your own three runs.

# %% key="recorded-figure" exempt="losses of trained models"
kept = [record.numbers for _, record in sorted(read(CLAIMS["bias_balance"]).items())]
names = ["none", *[f"bias {speed}" for speed in speeds], *[f"sequence {alpha}" for alpha in (0.001, 0.01, 0.1)]]
live = {0.01: (whole, visits), **{speed: measured(learners[speed]) for speed in (0.001, 0.1)}}
now = {f"bias {speed}": (loss, vio_of(went.sum(dim=0))) for speed, (loss, went) in live.items()}
fig, axes = canvas(columns=2, width=9.6, height=4)
for column, (ax, what) in enumerate(zip(axes, ("MaxVio", "loss"), strict=True)):
    before = {name: [numbers[f"{what}, {name}"] for numbers in kept] for name in names}
    draw_seeds(ax, before, {name: both[column == 0] for name, both in now.items()}, f"{what} on unseen documents")
    ax.get_legend().remove()
axes[1].set_yticks([])
axes[0].legend(loc="lower right", fontsize=9)
said = "; ".join(f"{name} {sum(before[name]) / len(kept):.2f}" for name in names)
show(fig, alt=f"""MaxVio and loss of seven ways of balancing: none, a bias with three speeds, a loss over each
    sequence with three weights. Circles are the {len(kept)} recorded seeds, diamonds the seed that ran now.
    MaxVio is high without balancing and falls with the weight of the loss; the bias is best at speed 0.01. The
    losses of the seeds are spread so widely that the arms overlap. Mean losses: {said}.""")

# %% [markdown]
# Four things are worth seeing.
#
# - In row *bias 0.001* the seed of this lesson lies far outside the recorded five. The same program ran: five
#   seeds do not show all that can happen.
# - The bias at speed 0.01 is even in every seed. So is a loss with a large enough weight: for an even load
#   alone, no bias is needed.
# - In the right chart, seeds of one row lie further apart than the rows do. The published gain of the bias in
#   loss is 0.006. **No experiment of this size can see that.**
# - The first claim was *not reproduced here*, and the picture says why. Its rule takes, on either side, the
#   arm that learned best, and compares how even these two are. Which arm learns best is luck at this size.
#   The rule was written down before the seeds were run, so it stays.

# %% [markdown]
# ## The rule, live
#
# > **The way:** small pieces → shared → gate → bias → stop line → speed → taken away → sequence or batch →
# > 671 billion → skill or word → dense or experts → **the rule, live**
#
# *What we do now:* move the controls of the small router of the first sitting: six experts, two active, 600
# tokens a round, no training. *Why:* to feel when the rule keeps up.
#
# **Speed** is in thousandths (‰). **Drift** is in hundredths (%): so much changes, from round to round and at
# random, how popular each expert is. That is what a router does while it learns. With the keyboard: Tab goes
# from one control to the next, the arrow keys move it.
#
# - Drift 0: how small can the speed be, so that all is even after 100 rounds? How large, before it trembles?
# - Drift 20: is the best speed the same?
# - Speed 0: this is a router left alone.

# %% key="simulate"
@lru_cache
def simulated(speed, drift, rounds=150):
    random, loads, biases = torch.Generator().manual_seed(0), [], []
    wanted, bias = torch.tensor([1.5, 0.5, 0.0, 0.0, -0.5, -1.0]), torch.zeros(6)
    for _ in range(rounds):
        wanted = wanted + drift * torch.randn(6, generator=random)
        logits = wanted + torch.randn(600, 6, generator=random)
        loads.append(moe.load(deepseekmoe.sigmoid_gate(logits, bias, active=2)[1], experts=6))
        biases.append(bias)
        bias = deepseekmoe.update_bias(bias, loads[-1], speed)
    return torch.stack(loads), torch.stack(biases)

# %% key="explore"
def look_at(speed, drift):
    loads, biases = simulated(speed / 1000, drift / 100)
    vios = [moe.max_vio(load).item() for load in loads]
    fig, [left, right] = canvas(columns=2, width=9.8, height=3.6)
    draw_load_over_steps(left, range(150), loads / loads.sum(dim=1, keepdim=True), "who gets how much")
    for expert, line in enumerate(biases.T):
        right.plot(line, color=LOOKS[expert][0], ls=LOOKS[expert][1], marker="", label=f"expert {expert}")
    right.set(xlabel="step", title="the biases")
    right.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    said = f"Speed {speed / 1000}, drift {drift / 100}. MaxVio is {vios[0]:.2f} in the first round and "
    said += f"{sum(vios[-50:]) / 50:.2f} in the mean of the last 50. The biases end between "
    return fig, said + f"{biases[-1].min():.2f} and {biases[-1].max():.2f}."

explore(look_at, speed=Slider("speed, ‰", 0, 150, 10), drift=Slider("drift, %", 0, 30, 0))

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see speed 0.01 without drift: the bands
# become equally wide in some twenty to twenty-five rounds, and the biases come to rest.

# %% [markdown]
# ## In the published models
#
# *What we do now:* see what the bias brought where it was measured. *Why:* our model is too small to decide
# it.
#
# Wang and others trained the same models with an auxiliary loss and with the bias.
#
# | parameters | | with a loss, α = 0.001 | with the bias |
# |---|---|---|---|
# | 1 billion, 100 billion tokens | perplexity | 9.56 | 9.50 |
# | | MaxVio | 0.72 | 0.04 |
# | 3 billion, 200 billion tokens | perplexity | 7.97 | 7.92 |
# | | MaxVio | 0.52 | 0.04 |
#
# Perplexity is $e$ to the power of the loss. So the losses differ by about 0.006, and the loads by far.
# DeepSeek found the same direction at 229 billion parameters: 0.656 bits for each byte with a loss, 0.652
# with the bias. Most tests improved. Not all: the large model's MMLU fell from 68.3 to 67.2.
#
# *Sources. The table: arXiv 2408.15664, table 2, read in a transcript. The last: DeepSeek-V3, arXiv
# 2412.19437, table 5.*

# %% [markdown]
# ## Where the toy misleads
#
# - **A short training.** In 250 steps the balance is still moving. That 0.01 was the best of our three speeds
#   says nothing about your training: the right speed depends on how many steps there are.
# - **Few words.** 42 words and 31 experts. The hash has 31 sets of experts, so no more than two words share one. With
#   a vocabulary of 129,280 a hash is a much blinder router.
# - **Three skills that look alike.** They share most of their words and all of their digits. Web pages,
#   programs and poems differ more, so there is more to specialise in.
# - **Equal work is not equal memory.** The dense model has a quarter of the parameters in these layers. At
#   equal memory, the comparison would be another one.
# - **Nobody waits here.** All experts are on one core. What an even load saves in a real model, time, our
#   clock does not show.
# - **Few seeds.** You saw one training of each, and a few recorded ones. Differences of 0.02 in loss may be
#   those of another order of documents. And whoever tests eight claims, each with a rule that luck fulfils in
#   3 cases of 100, has a chance of about 22 in 100 that luck fulfils one of them (if they have
#   nothing to do with one another).

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | 7 of 31 experts of width 16, and a shared one | 8 of 256 of width 2,048, and a shared one | |
# | experts in both layers | in 58 of 61; the first three are dense | |
# | weights sum to 1 | to 2.5 | |
# | speed 0.01 for 250 steps | 0.001 for 14.3 trillion tokens, then 0 | |
# | no loss for balance | a small one in each sequence, α = 0.0001 | 05 |
# | any expert may be chosen | the experts lie in 8 groups, and a token goes to at most 4 of them | 13 |
# | the load of a batch on one core | that of the whole batch, over all machines | 13 |
#
# The gate and the rule are the same: score, add the bias, choose, forget the bias, weigh.

# %% [markdown]
# ## Three questions
#
# **1.** In a long run all biases have grown: the smallest is 3.0 and the largest 3.4. Is something wrong?
#
# <details><summary>Answer</summary>
#
# No. Only differences between biases matter for the choice. 3.0 on all of them changes nothing, as long as
# the bias does not weigh. How can they all grow? If one expert is far above the mean, all others are below
# it, and go up together.
#
# </details>

# %% [markdown]
# **2.** Somebody forgets to switch the rule off when the model is tested. What is wrong with the results?
#
# <details><summary>Answer</summary>
#
# The biases go on moving with each batch of the test. So an answer depends on which questions came before,
# and the same test in another order gives another result. Nothing crashes. Our layer counts only while it
# trains.
#
# </details>

# %% [markdown]
# **3.** You cut V3's routed and shared experts in two: 512 routed of width 1,024, 16 active, two shared. What
# changes: all parameters, the active ones, the routers, the number of ways?
#
# <details><summary>Answer</summary>
#
# The experts' parameters stay, all and active. The routers double, from 0.106 to 0.213 billion. The ways to
# choose in a layer grow from 4 · 10^14 to 8 · 10^29. And each token is sent to twice as many experts.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $m$ | `pieces` | $m$ (DeepSeekMoE) |
# | $s_i$ | `scores` | $s_{i,t}$ |
# | $b_i$ | `bias` | $b_i$ |
# | $w_i$ | `weights` | $g_{i,t}$ |
# | $u$ | `speed` | $u$ (Wang et al. 2024), $\gamma$ (V3) |
# | 2.5 | `scale` | `routed_scaling_factor` in published configurations |
#
# | word | meaning |
# |---|---|
# | fine-grained experts | many small experts, of which a token visits more |
# | shared expert | an expert that every token visits, not chosen and not weighed |
# | routed expert | one that has to be chosen |
# | gate | what makes weights and choices of a router's scores |
# | bias (of a router) | a number for each expert that helps to choose it, and never weighs |
# | speed | how far a bias moves in one step |
# | loss-free balancing | moving the biases by a rule, without a loss |
# | mutual information | what one thing tells about another, in bits |

# %% [markdown]
# ## Where to read more
#
# - Dai and others 2024, *DeepSeekMoE: towards ultimate expert specialization*, arXiv 2401.06066: fine-grained
#   and shared experts, with the operations that you repeated.
# - Wang and others 2024, *Auxiliary-loss-free load balancing strategy for mixture-of-experts*, arXiv
#   2408.15664: the rule, its speed, and MaxVio.
# - DeepSeek-AI 2024, *DeepSeek-V3 technical report*, arXiv 2412.19437: sections 2.1.2, 4.2 and 4.5.
# - Roller and others 2021, *Hash layers for large sparse models*, arXiv 2106.04426: the router that learns
#   nothing.
# - Jiang and others 2024, *Mixtral of experts*, arXiv 2401.04088: eight large experts, softmax, no shared one.
# - Qwen team 2025, *Qwen3 technical report*, arXiv 2505.09388: 128 experts, none of them shared.
# - `inference/model.py` in the DeepSeek-V3 repository: the class `Gate` is short, and you have written it.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
