# %% [markdown]
# DeepSeek-V3 has 671 billion parameters. For each token it uses 37 billion of them. The others are not
# switched off for good: the next token uses other ones.
#
# In lesson 03 you saw that about two thirds of a block's parameters are in its feed-forward network. A
# **mixture of experts** (MoE) replaces this network by many small ones, the **experts**. A **router** looks
# at each token and sends it to a few of them. You build the router, and the way there and back. Then you
# watch what a router does when nobody looks after it, and look after it.
#
# > **The way:** count → by hand → route → there and back → sorted → **stop line** → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# The lesson has **two sittings**, of about 50 and 40 minutes. In the first you build the layer. In the second
# it learns.

# %% key="setup"
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketr1.claims import CLAIMS
from pocketr1.claims.recorded_results import read
from pocketr1.configuration import Dense, Experts, Heads, ModelConfig
from pocketr1.moe import Expert, mean_over_tokens
from pocketr1.sizes import attention_params, experts_params
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.diagrams import draw_flow, draw_load_over_steps
from pocketr1.workbook.figures import canvas, colours, draw_matrix, draw_seeds
from pocketr1.workbook.widgets import Slider, Words
from pocketr1.worlds import VOCABULARY, Recipe, corpus

begin("05_moe_routing", globals())

# %% [markdown]
# ## First, a prediction
#
# In the second sitting a small model learns for ten seconds. Each of its layers has 16 experts, and each
# token goes to 2 of them. All experts start from small random numbers, so none is better than another.
# Nothing asks the router to be fair.
#
# What share of the tokens' visits will the **two fullest** of the 16 experts get in the end? If all were
# equally full, it would be 2/16, about 0.12. Write a number, and why, in place of the dots.

# %% key="predict-share"
predict("share", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening 3, count 11, by hand 4, route 10, there and back 11,
# sorted 14. Second sitting: left alone 7, how full 4, a loss for balance 13, what it costs 5, tokens on their
# way 5, the end 5: 92 in all. The core exercises alone (`count_params`, `route`, `dispatch_combine`,
# `aux_loss`) take about an hour.
#
# Take the prediction by a show of hands. Most rooms say "about even, they start alike", some "specialists".
# Keep the numbers on the board for the second sitting.

# %% [markdown]
# ## Count
#
# > **The way:** **count** → by hand → route → there and back → sorted → stop line → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* count two things, the parameters that a model **has**, and those that **work on one
# token**. *Why:* the first decides how much memory it needs. The second decides how much arithmetic a token
# costs.
#
# One layer, by hand. A token is a vector of 64 numbers. An expert is a SwiGLU, three matrices between 64 and
# an inner width of 16. There are 16 experts, and a token visits 2. The router has one vector of 64 for each
# expert. How many parameters are there, and how many work on a token? Work it out before you run the cell.

# %% key="count-by-hand"
dim, width, experts, active = 64, 16, 16, 2
expert, router = 3 * dim * width, dim * experts
print(f"one expert: {expert:,} parameters; the router: {router:,}")
print(f"the layer has            {experts * expert + router:6,}")
print(f"at work on one token are {active * expert + router:6,}")

# %% [markdown]
# The router counts whole in both: it has to score all experts to choose two.
#
# Now a whole model. Attention, norms, embedding and head work on every token. Only the experts are many. In
# some models the first few layers have no experts, but one dense feed-forward network.
#
# A configuration says in words what a model is made of. Here are three parts of Mixtral's.

# %% key="a-configuration"
from pocketr1.sizes import MIXTRAL_8X7B

print("layers:", MIXTRAL_8X7B.layers, " dim:", MIXTRAL_8X7B.dim, " vocab:", MIXTRAL_8X7B.vocab)
print("feed_forward:", MIXTRAL_8X7B.feed_forward)
print("layers without experts, dense_layers:", MIXTRAL_8X7B.dense_layers)

# %% [markdown]
# `feed_forward` is `Experts(...)`, as here, or `Dense(width)` in a model without experts.
# `isinstance(config.feed_forward, Dense)` tells which.
#
# Two helpers are given: `attention_params(config)`, the parameters of one layer's attention, and
# `experts_params(dim, experts)`, which does for a layer what the cell above did, and returns both counts.
# What is left is to put a model together.

# %% exercise="sizes.count_params"
# 1. What works on every token: embedding, head, last norm; attention and two norms in each layer.
# 2. The feed-forward of layers without experts: all layers of a Dense model, else the first dense_layers.
# 3. In each of the other layers, both counts of `experts_params`.
# 4. Return two sums: with all experts, and with the active ones.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `config.feed_forward` is either `Dense`, with its `width`, or `Experts`, with `dense_width` for the layers
# without experts. `isinstance(config.feed_forward, Dense)` tells which. `config.dense_layers` says how many
# layers have no experts; for a `Dense` model that is all of them.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Begin with one number for all that is in both counts: `2 * config.vocab * config.dim + config.dim`, then
# `config.layers` times attention and norms, then `config.dense_layers` times three matrices. To this, add
# `config.layers - config.dense_layers` times each of the two counts.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `total, active = (0, 0) if isinstance(shape, Dense) else experts_params(config.dim, shape)`, and at the end
# `return everywhere + sparse_layers * total, everywhere + sparse_layers * active`. In full:
# `solution("count_params")`.
#
# </details>

# %% key="published-counts"
from mine import sizes

published = {
    "DeepSeek 67B": sizes.DEEPSEEK_67B,
    "Mixtral 8x7B": sizes.MIXTRAL_8X7B,
    "Qwen3-235B-A22B": sizes.QWEN3_235B,
    "DeepSeek-V3": sizes.DEEPSEEK_V3,
}
counts = {name: sizes.count_params(config) for name, config in published.items()}
for name, (total, working) in counts.items():
    print(f"{name:16} {total / 1e9:6.1f} billion, active {working / 1e9:5.1f} ({working / total:4.0%})")

# %% key="counts-figure"
fig, [ax] = canvas(width=8, height=2.6)
for row, (total, working) in enumerate(counts.values()):
    ax.barh(row, total / 1e9, color="white", edgecolor=colours.blue, label="all" if row == 0 else None)
    ax.barh(row, working / 1e9, color=colours.blue, label="active" if row == 0 else None)
ax.set_yticks(range(4), counts)
ax.set(xlabel="billion parameters", ylim=(3.6, -0.6))
ax.legend()
show(fig, alt="""Four pairs of bars. DeepSeek 67B is dense: all of its 67 billion parameters work on a
    token. Mixtral has 47 billion, 13 of them active. Qwen3 has 235 and 22. DeepSeek-V3 has 671, ten times
    as many as DeepSeek 67B, and 38 active.""")

# %% [markdown]
# You counted these from nothing but sizes. Mixtral's authors say 47 and 13 billion. DeepSeek says 671 and 37;
# our 37.6 counts the whole embedding, of which a token only looks up one row. Qwen's count is in the name.
#
# "8x7B" does not mean 56 billion: attention and embedding are not there eight times.
#
# *Sources. Mixtral: arXiv 2401.04088, abstract, read in a quotation. DeepSeek-V3: arXiv 2412.19437, section
# 4.2. The configurations: as `pocketr1/sizes.py` says beside each.*
#
# **A question on the way.** A mixture of experts has 47 billion parameters, of which 13 are active. What is
# *not* smaller than in a dense model of 47 billion?
#
# <details><summary>(a) The arithmetic for one token.</summary>
#
# It is smaller: a parameter that is not active multiplies nothing. About two operations for each active
# parameter and token is the usual estimate.
#
# </details>
# <details><summary>(b) The memory for the parameters.</summary>
#
# Right. The next token may need any expert, so all must be within reach. With 16 bits a number, 47 billion
# parameters take 94 gigabytes, active or not.
#
# </details>
# <details><summary>(c) The arithmetic of its training, for each token.</summary>
#
# That shrinks too. Forward and backward, a token passes through its active experts alone.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `count_params`: they multiply the total by k/E, which makes
# Mixtral 11.7 billion in place of 12.9. The check names it. Let somebody say which parts the share forgets.
#
# Ask the room: you serve one user, on one machine. Which of the two counts do you pay for? (The memory of
# all, the arithmetic of few. So a mixture suits those who serve many users at once: then all experts are
# busy.)

# %% [markdown]
# ## By hand: four tokens, three experts
#
# > **The way:** count → **by hand** → route → there and back → sorted → stop line → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* the whole layer, with numbers for your head. *Why:* the rest is the same with more
# numbers.
#
# The router has given each of the tokens a, b, c, d a probability for each of three experts. Each token goes
# to its **two** likeliest.

# %% key="probabilities"
odds = torch.tensor([[6.0, 3, 1], [1, 2, 6], [9, 1, 3], [4, 5, 1]])
probabilities = odds / odds.sum(dim=-1, keepdim=True)
fig, [ax] = canvas(width=5.4, height=2.5)
draw_matrix(ax, probabilities, list("abcd"), list("012"), "the probability of expert", decimals=2)
show(fig, alt="""A table of four tokens and three experts. Token a: 0.60, 0.30, 0.10. Token b: 0.11, 0.22,
    0.67. Token c: 0.69, 0.08, 0.23. Token d: 0.40, 0.50, 0.10.""")

# %% [markdown]
# Take token a. Its best two are expert 0, with 0.60, and expert 1, with 0.30. Together that is 0.90. Divide
# by it, so that the two **weights** sum to one: 0.67 and 0.33.
#
# Let the experts be as dull as can be: expert 0 multiplies by 1, expert 1 by 10, expert 2 by 100. Then the
# digits of an answer show who worked on it. Let token a be the number 1. Its answer is
#
# $$0.67 · (1 · 1) + 0.33 · (10 · 1) = 4.0$$
#
# Token b is the number 2. Which experts does it visit, with which weights? What is its answer? (It is a round
# number.) Work it out before you go on; two exercises from here, your own code will tell.

# %% [markdown]
# ## Route
#
# > **The way:** count → by hand → **route** → there and back → sorted → stop line → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* from scores to choices and weights. *Why:* this is the only part of the layer that is new.
# Everything else is bookkeeping.
#
# The router is one matrix. Its product with a token's vector gives a score for each expert, a logit. Then:
#
# 1. a softmax over the experts makes them probabilities;
# 2. the `active` largest are chosen (**top-k**, where k is the number of active experts);
# 3. these are divided by their sum.

# %% exercise="moe.route"
# 1. A softmax over the experts.
# 2. The largest `active` of each token, and which experts they belong to.
# 3. Divide the chosen probabilities by their sum. Return the weights first, then the experts.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `values, places = x.topk(2, dim=-1)` gives the two largest numbers of each row, the largest first, and where
# they stand.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `weights.sum(dim=-1, keepdim=True)` keeps the axis, so that each row is divided by its own sum. You may also
# take the best *logits*, and then a softmax of these alone. It is the same: can you say why?
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `weights, chosen = logits.softmax(dim=-1).topk(active, dim=-1)`, then `return weights / weights.sum(dim=-1,
# keepdim=True), chosen`. In full: `solution("route")`.
#
# </details>

# %% key="route-by-hand"
from mine import moe

weights, chosen = moe.route(odds.log(), active=2)
for token, its_weights, its_experts in zip("abcd", weights, chosen, strict=True):
    visits = [f"expert {e} with {w:.2f}" for w, e in zip(its_weights, its_experts, strict=True)]
    print(f"token {token} goes to {' and '.join(visits)}")

# %% [markdown]
# (A logit is a logarithm of odds, up to a constant. So `odds.log()` are logits that give our table.)
#
# How does a router **learn**? Choosing has no gradient: a choice does not change a little when a logit
# changes a little. But the weights have one. If the answer of the first expert helped and that of the second
# did harm, the gradient moves weight from the second to the first, and at some point the choice tips over.
#
# **A prediction.** Send each token to **one** expert: k = 1. Divided by their sum, what are the weights? And
# what gradient comes back to the router?

# %% key="predict-one"
predict("one", "...")

# %% key="gradient-by-k"
random = torch.Generator().manual_seed(0)
logits, harm = torch.randn(2, 500, 8, generator=random)  # how much harm each expert's answer would do a token

def gradient(weigh):
    """The size of the gradient that reaches the logits, if the loss is the weighted harm."""
    given = logits.clone().requires_grad_()
    some, of = weigh(given)
    return torch.autograd.grad((some * harm.gather(-1, of)).sum(), given)[0].norm()

for k in (1, 2, 3):
    first, size = moe.route(logits, k)[0][0], gradient(lambda given, k=k: moe.route(given, k))
    print(f"k = {k}: the first token's weights {[f'{w:.2f}' for w in first]}, gradient {size:.1f}")
print(f"k = 1, not divided: gradient {gradient(lambda given: given.softmax(dim=-1).topk(1)):.1f}")

# %% key="one-held-against"
recall("one")

# %% [markdown]
# With k = 1, a probability divided by itself is 1, whatever the router says. **No gradient comes back from
# the prediction. Such a router never learns which expert helps.** (A loss for balance, in the second sitting,
# would still reach it.) Switch, which made k = 1 well known, does not divide: its weight is the probability
# itself. DeepSeek-V2 does not divide either. Mixtral does, and DeepSeek-V3 does. With two experts or more
# both ways work, and weights trained one way are wrong in code that does the other.
#
# *Sources. Switch: Fedus et al., arXiv 2101.03961, section 2.1. DeepSeek-V2: arXiv 2405.04434, section 2.2.1.
# Mixtral: arXiv 2401.04088, section 2.1. DeepSeek-V3: arXiv 2412.19437, equation 13.*
#
# And note what no gradient reaches, for any k: the **weights** of experts that were not chosen. Nobody knows
# whether they would have done better. Keep this in mind for the second sitting. (Their logits get a gradient
# only where weights are not divided, through the denominator of the softmax. It says nothing of how good those
# experts are.)

# %% [markdown] tags=["teacher"]
# **For teachers.** `route` is short, and the check names sixteen ways to get it wrong. The commonest: `topk`
# without the division; `dim=0`, so that experts choose tokens; a second softmax, of probabilities; a
# `.detach()` or `.item()` on the way.
#
# Ask the room: why is the softmax of the best logits the same as dividing the best probabilities by their
# sum? (All probabilities of a token have the same denominator. It cancels.)

# %% [markdown]
# ## There and back
#
# > **The way:** count → by hand → route → **there and back** → sorted → stop line → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* send tokens to their experts (**dispatch**), and add up what comes back (**combine**).
# *Why:* written as a loop, it says in five lines what the layer does.
#
# Go from expert to expert. Which tokens chose this one, and in which column of `chosen` does it stand? Give
# the expert these tokens and no others. Multiply each answer by the weight from the same column, and add it
# to the sum of its token.

# %% exercise="moe.dispatch_combine"
# 1. Start from zeros, shaped like x.
# 2. For each expert: in which rows (tokens) and columns (slots) of `chosen` does its number stand?
# 3. Let the expert work on these tokens. Multiply each answer by the token's weight in that slot.
# 4. ADD it to the rows of these tokens: another expert may have been there before.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `token, slot = torch.where(chosen == number)` gives two lists of the same length: the rows and the columns
# where `number` stands. `x[token]` are the tokens in question, and `weights[token, slot]` their weights.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `weights[token, slot]` is a flat list, [n], and the answers are [n, dim]: give the weights an axis,
# `.unsqueeze(-1)`. `y.index_add(0, token, rows)` adds each row to the row of y that `token` names, and
# returns the new y.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# In the loop `for number, expert in enumerate(experts):` it is `token, slot = torch.where(chosen == number)`
# and `y = y.index_add(0, token, weights[token, slot].unsqueeze(-1) * expert(x[token]))`. In full:
# `solution("dispatch_combine")`.
#
# </details>

# %% key="combine-by-hand"
from mine import moe

x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
dull = [lambda x: 1 * x, lambda x: 10 * x, lambda x: 100 * x]
for token, answer in zip("abcd", moe.dispatch_combine(x, weights, chosen, dull), strict=True):
    print(f"token {token}: {answer.item():.1f}")

# %% [markdown]
# Did you have 155 for token b? It is 0.75 · 200 + 0.25 · 20.
#
# A test that needs no numbers by heart: let **all experts be the same network**. Then it must not matter what
# the router says, because the weights of a token sum to one.

# %% key="all-the-same"
random = torch.Generator().manual_seed(0)
x, logits = torch.randn(50, 64, generator=random), torch.randn(50, 16, generator=random)
network = [torch.randn(shape, generator=random) / 8 for shape in ((16, 64), (16, 64), (64, 16))]

def alone(x):
    return F.linear(F.silu(F.linear(x, network[0])) * F.linear(x, network[1]), network[2])

mixed = moe.dispatch_combine(x, *moe.route(logits, 2), [alone] * 16)
print("16 times the same expert is that expert:", torch.allclose(mixed, alone(x), atol=1e-4))

# %% [markdown]
# **A question on the way.** Why is the weight on the expert's *answer*, and not on the token that goes in?
#
# <details><summary>(a) It makes no difference.</summary>
#
# Only for experts that are plain matrices. Ours has a SiLU and a product inside: half a token gives another
# answer than half the answer to a token.
#
# </details>
# <details><summary>(b) The expert should see the token as it is, and the router decides how much it is heard.</summary>
#
# Right. And the gradient is clean: what comes back to a weight is how much that expert's answer helped.
#
# </details>
# <details><summary>(c) To save work: there are fewer answers than tokens.</summary>
#
# There is one answer for each token that goes in.
#
# </details>

# %% [markdown]
# ## Sorted
#
# > **The way:** count → by hand → route → there and back → **sorted** → stop line → left alone → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* the same sum without the loop over experts. *Why:* the loop makes three small matrix
# products for each expert. With 256 experts in 58 layers that is a lot of small products, and computers are
# fast at few large ones.
#
# List all **visits**: token a to expert 0, a to 1, b to 2, and so on. Sort the list by expert. Now the visits
# of each expert stand side by side, and one call can do all of them, if it knows where each expert's part
# ends.

# %% key="visits"
order = chosen.flatten().argsort(stable=True)
names = [token for token in "abcd" for _ in range(2)]
fig, axes = canvas(rows=2, width=6.4, height=2.6)
draw_matrix(axes[0], chosen.reshape(1, -1), ["goes to expert"], names, "the visits, token by token")
sorted_names = [names[visit] for visit in order]
draw_matrix(axes[1], chosen.flatten()[order][None], ["goes to expert"], sorted_names, "the same, sorted")
show(fig, alt=f"""Eight visits, two of each token. Token by token they go to the experts
    {' '.join(str(int(e)) for e in chosen.flatten())}. Sorted by expert, the tokens stand in the order
    {' '.join(sorted_names)}: three for expert 0, three for expert 1, two for expert 2.""")

# %% [markdown]
# First count. How many tokens does each expert get? This is its **load**. Here it is 3, 3 and 2. Add up as
# you go, and you have where each part **ends**: 3, 6 and 8.
#
# One trap: an expert that nobody visits must be in the list too, with a zero.

# %% exercise="moe.load"
# 1. Make one flat list of all visits.
# 2. Count each number in it, from 0 up to the last expert, also if it does not occur.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.tensor([2, 0, 2]).bincount()` is (1, 0, 2): no 1 occurs, and so on. It wants a flat list.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `bincount()` stops at the largest number that occurs. `minlength` makes it go on.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `chosen.flatten().bincount(minlength=experts)`. In full: `solution("load")`.
#
# </details>

# %% [markdown]
# Now the sorted way. Visit number 5 in the flat list is which token? With two visits for each token, numbers
# 0 and 1 are token 0, numbers 2 and 3 are token 1, 4 and 5 are token 2. So it is the visit's number divided
# by `active`, without the rest.

# %% exercise="moe.dispatch_sorted"
# 1. The order that sorts all visits by expert.
# 2. Which token each sorted visit is, and where each expert's part ends (running sums of the load, as int32).
# 3. Call `grouped` on the tokens' rows. Multiply each answer by its weight, in the same order.
# 4. Add each row to its token. A token occurs several times.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `order = chosen.flatten().argsort(stable=True)` holds the numbers of the visits, those of expert 0 first.
# `order // chosen.shape[1]` are the tokens. `load(...)` is yours, and `.cumsum(0)` makes running sums.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Weights have to follow the rows: `weights.flatten()[order]`. For the way back, `y[token] += rows` adds one
# row alone where a token occurs twice. `index_add` adds them all.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `token = order // chosen.shape[1]`, `ends = load(chosen, experts).cumsum(0).int()`, `answers =
# grouped(x[token], ends) * weights.flatten()[order].unsqueeze(-1)`, and `torch.zeros_like(x).index_add(0,
# token, answers)`. In full: `solution("dispatch_sorted")`.
#
# </details>

# %% [markdown]
# `ExpertBank` holds the weights of all experts of a layer. It can go both ways, with your two functions. For
# the sorted way, PyTorch has the one call: `grouped_mm`, a matrix product in which each group of rows has a
# matrix of its own. Do the two ways agree, answers and gradients?

# %% key="equal"
from mine import moe

random = torch.Generator().manual_seed(0)
bank = moe.ExpertBank(64, experts=64, width=16)
with torch.no_grad():
    for parameter in bank.parameters():
        parameter.normal_(0, 0.1, generator=random)
x, logits = torch.randn(500, 64, generator=random), torch.randn(500, 64, generator=random)
weights, chosen = moe.route(logits, 4)
one_by_one, at_once = bank.one_by_one(x, weights, chosen), bank(x, weights, chosen)
gradients = [torch.autograd.grad(y.square().sum(), bank.gate)[0] for y in (one_by_one, at_once)]
print("the same answers:  ", torch.allclose(one_by_one, at_once, atol=1e-4))
print("the same gradients:", torch.allclose(*gradients, atol=1e-2))

# %% key="speed" exempt="how long something takes differs from machine to machine, and from run to run"
def seconds(run, *given):
    run(*given)
    start = time.process_time()
    for _ in range(10):
        run(*given)
    return (time.process_time() - start) / 10

for experts in (4, 16, 64):
    bank = moe.ExpertBank(64, experts, width=1024 // experts)
    with torch.no_grad():
        for parameter in bank.parameters():
            parameter.normal_(0, 0.1, generator=random)
        given = x, *moe.route(logits[:, :experts], 2)
        ratio = seconds(bank.one_by_one, *given) / seconds(bank, *given)
    print(f"{experts:2} experts: the loop takes {ratio:.1f} times as long")

# %% [markdown]
# The more experts, the smaller each one's part, and the more the loop loses. (How much, depends on your
# machine. On a graphics card small products are a greater waste still.)
#
# No token is lost on the way, however full an expert is. That is not a matter of course. Switch gave each
# expert a fixed number of seats, and dropped the tokens that found none. DeepSeek-V3 drops none.
#
# *Sources. Switch: arXiv 2101.03961, section 2.2. DeepSeek-V3: arXiv 2412.19437, section 2.1.2.*
#
# Before you go, answer without looking: *What works on every token? Why must k not be 1 when weights are
# divided? Where does the gradient of an expert come from that was not chosen?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers are stored. When you come back,
# run the set-up cell at the top, and go on here: the second sitting needs nothing else from the first.
#
# ---

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `dispatch_sorted`: the weights are not sorted along; `%` for
# `//`; `y[token] += rows`, which is right as long as no token has two experts; a `bincount` without
# `minlength`, which fails on the day the last expert is idle. All are named.
#
# Ask the room the last of the three questions. (From nowhere. An expert that is not chosen gets no gradient
# at all. It stays as it is, and the others get better.)

# %% [markdown]
# ## Left alone
#
# > **The way:** count → by hand → route → there and back → sorted → stop line → **left alone** → how full → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* train a model with experts, let nobody look after the router, and watch where the tokens
# go. *Why:* you made a prediction.
#
# The documents are those of lesson 03, all worked step by step. The model has two layers with your experts in
# them, 16 in each, of which 2 work on a token.

# %% key="model"
from mine import configuration, model, moe, training


def small_model(balance, alpha):
    heads = configuration.Heads(heads=4, key_heads=4, head_dim=16)
    experts = configuration.Experts(16, 2, width=16, router="softmax", balance=balance, alpha=alpha)
    shape = configuration.ModelConfig(len(VOCABULARY), 64, 2, attention=heads, feed_forward=experts)
    built = model.LanguageModel(shape, seed=0)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(2 if parameter.ndim > 1 else 1)  # as in lesson 03: larger first weights
    return built

left_alone = small_model("none", 0.0)
print(f"{sum(p.numel() for p in left_alone.parameters()):,} parameters")

# %% key="documents"
recipe = Recipe({("calc", 1): 1, ("calc", 2): 1}, worked=1.0)
plan = training.Plan(steps(250), learning_rate=1e-2, warmup=min(30, steps(250)))
documents = corpus(recipe, count=16 * plan.steps + 32, seed=1)

def batch_of(some):
    tokens, lengths = VOCABULARY.pad_batch([document.tokens for document in some])
    starts, place = torch.tensor([document.prompt_length for document in some]), torch.arange(tokens.shape[1])
    return tokens, (place >= starts[:, None]) & (place < lengths[:, None])

def batch_at(step):
    return batch_of(documents[16 * step : 16 * step + 16])

print(*documents[0].words)

# %% [markdown]
# Every fifth step we stop and look: 32 documents, always the same, go through the model, and your `load`
# counts the visits of each expert, layer by layer. (Padding does not count.) The curve on the right is the
# share of the two fullest experts of the first layer. The grey line is an even load.

# %% key="look-inside"
@dataclass
class Look:
    step: int
    loss: float
    two_fullest: float
    shares: Tensor  # [layers, experts]

def shares_of(learner):
    parts = [block.feed_forward for block in learner.blocks]
    learner(batch_of(documents[-32:])[0])  # each layer counts its visits
    counts = torch.stack([part.counts for part in parts]).float()
    for part in parts:
        part.balance()  # counts anew from here
    return counts / counts.sum(dim=-1, keepdim=True)

# %% key="looking"
def looking(learner, looks):
    """Train, and look every fifth step: each look is kept in `looks`, with the mean loss since the last."""
    losses = []
    for record in training.train(learner, batch_at, plan):
        losses.append(record.loss)
        if record.step % 5 == 0:
            shares, recent = shares_of(learner), losses[-5:]
            fullest = shares[0].topk(2).values.sum().item()
            looks.append(Look(record.step, sum(recent) / len(recent), fullest, shares))
            yield looks[-1]

# %% key="train" exempt="trained floats differ in the last digits between processors"
looks = []
even = {"even load": {"step": [0, plan.steps], "two_fullest": [2 / 16, 2 / 16]}}
history = watch(
    looking(left_alone, looks),
    steps=plan.steps,
    curves={"loss": "loss", "two_fullest": "share of the two fullest"},
    alt="""The loss falls. The share of the two fullest experts swings widely in the first hundred steps,
    then settles at several times that of an even load.""",
    behind=even,
)

# %% [markdown]
# Now each expert by itself, one band for each of the 16. The wider the band, the more visits. The dotted
# lines show where the bands would lie if all were equally wide.

# %% key="shares-figure" exempt="shares in a trained model"
fig, axes = canvas(columns=2, width=9.4, height=3.8)
for layer, ax in enumerate(axes):
    shares = torch.stack([look.shares[layer] for look in looks])
    draw_load_over_steps(ax, [look.step for look in looks], shares, f"layer {layer}: who gets how much")
idle = [(look < 0.01).sum().item() for look in looks[-1].shares]
show(fig, alt=f"""Two charts of 16 bands each, whose widths are the experts' shares of all visits. They begin
    unequal. For some forty steps their order changes wildly; then a few stay wide. At the end, the fullest expert of layer 0 has
    {looks[-1].shares[0].max():.2f} and that of layer 1 {looks[-1].shares[1].max():.2f}; even would be 0.06.
    Less than 0.01 have {idle[0]} and {idle[1]} experts.""")

# %% key="share-held-against" exempt="shares in a trained model"
print(f"the two fullest of 16 experts get {looks[-1].two_fullest:.2f} of all visits; even would be 0.12")
recall("share")

# %% [markdown]
# An expert can get at most 0.50, since each token goes to two different ones. In our run the fullest had 0.36 of
# all visits in one layer and 0.30 in the other, and several experts had next to none. Which ones was decided in
# the first forty steps or so: early luck. People call this a **collapse**. The usual
# explanation is a circle. An expert that is chosen gets gradients, and becomes better at what it is given. So
# it is worth choosing. An expert that is not chosen gets none, and stays as random as it was.
#
# *Source: Shazeer and others, arXiv 1701.06538, section 4, who call it self-reinforcing.*
#
# There is a second, more innocent reason. Some words are common, and the same word tends to go to the same
# expert. Let us see who goes to the fullest.

# %% key="router-logits"
@lru_cache
def router_logits(learner, layer, words):
    """What the router of a layer says about each of the words of a text, [words, experts]."""
    seen, part = [], learner.blocks[layer].feed_forward
    hook = part.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        learner(torch.tensor([VOCABULARY.encode(words)]))
    hook.remove()
    return (seen[0].flatten(0, -2) @ part.router.T).detach()

# %% key="who-goes-there" exempt="visits in a trained model"
fullest, visitors = looks[-1].shares[0].argmax(), {}
for document in documents[-32:]:
    chosen = moe.route(router_logits(left_alone, 0, " ".join(document.words)), 2)[1]
    for word, its_experts in zip(document.words, chosen, strict=True):
        came, times = visitors.get(word, (0, 0))
        visitors[word] = came + int(fullest in its_experts), times + 1
for word, (came, times) in sorted(visitors.items(), key=lambda item: -item[1][1])[:12]:
    print(f"{word:10} went to the fullest expert {came:4} times out of {times}")

# %% [markdown]
# Very likely you see that digits go there, nearly all of them, and digits are what these documents are made
# of. So a good part of this collapse is plain: most words are of one kind, and they go together. How much the
# circle adds to it, this run cannot tell.
#
# Whatever the reason: an expert that hardly anybody visits is a waste. Its parameters are stored, and are
# hardly taught any more. And in a large model experts live on different machines. There, **all wait for the
# fullest.**

# %% [markdown] tags=["teacher"]
# **For teachers.** Two readings to avoid. *"The router has found out which experts are good"*: at the start
# they are all equally random. *"It has found specialists"*: perhaps, but this picture cannot tell. Lesson 06
# compares with a router that goes by the word alone and learns nothing.
#
# Ask the room: if you started again with another seed, would the *same* experts be full? (No. That is the
# point: nothing about an expert makes it the chosen one but early luck.)

# %% [markdown]
# ## How full
#
# > **The way:** count → by hand → route → there and back → sorted → stop line → left alone → **how full** → a
# > loss for balance → what it costs → tokens on their way
#
# *What we do now:* one number for a load. *Why:* to compare runs.
#
# If all wait for the fullest, the fullest is what counts. **MaxVio**, the maximal violation, says how far its
# load is above the mean, as a share of the mean:
#
# $$\text{MaxVio} = \frac{\max_i \text{load}_i - \text{mean}}{\text{mean}}$$
#
# Zero is an even load. At 1, the fullest expert has twice the mean. What is the largest value that it can
# have with 16 experts of which each token visits 2?

# %% exercise="moe.max_vio"
# 1. The mean load. The loads are whole numbers: make them floats first.
# 2. How far the largest is above it, divided by it.

# %% [markdown]
# <details><summary>A hint</summary>
#
# PyTorch refuses the mean of whole numbers. `load.float()`, or `load.double()`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Take the largest load itself. An expert with too *little* does not count here.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `mean = load.double().mean()`, then `((load.max() - mean) / mean).float()`. In full: `solution("max_vio")`.
#
# </details>

# %% key="vio-by-hand"
from mine import moe

for counts in ([3, 3, 3, 3], [6, 2, 1, 3], [12, 0, 0, 0], [4, 4, 4, 0]):
    print(f"load {counts}: MaxVio {moe.max_vio(torch.tensor(counts)):.2f}")

# %% key="vio-left-alone" exempt="a load in a trained model"
for look in (looks[0], looks[-1]):
    vios = [moe.max_vio(layer).item() for layer in look.shares]
    print(f"after step {look.step}: MaxVio {vios[0]:.1f} in layer 0 and {vios[1]:.1f} in layer 1")

# %% [markdown]
# With 16 experts and 2 active, the mean is 1/16 of all visits and the fullest can have 1/2: MaxVio is at most
# 7. Look at (4, 4, 4, 0): an expert without any work, and MaxVio is small. It is a number about waiting, and
# not about waste.

# %% [markdown]
# ## A loss for balance
#
# > **The way:** count → by hand → route → there and back → sorted → stop line → left alone → how full → **a
# > loss for balance** → what it costs → tokens on their way
#
# *What we do now:* ask for an even load in the loss. *Why:* it is what Switch, GShard and DeepSeek-V2 do.
#
# The trouble: a load is a count, and counts have no gradient. The trick is a product of two things, for each
# expert $i$:
#
# - $f_i$, how many tokens it got, divided by how many it would get if all got equally many. **No gradient.**
# - $P_i$, the mean of its probability over all tokens, chosen or not. **With a gradient.**
#
# $$\text{loss} = \alpha \sum_i f_i P_i$$
#
# To make it smaller, the router has to lower $P_i$ where $f_i$ is large: it turns away from full experts. The
# number $\alpha$ says how much this counts, beside the loss of the next token.
#
# **By hand.** Four tokens, two experts, one active. The probabilities of expert 0 are 0.9, 0.8, 0.6 and 0.3.
# So three tokens go to expert 0 and one to expert 1. Even would be two each: $f$ = (1.5, 0.5). The mean
# probabilities are $P$ = (0.65, 0.35). The sum is 1.5 · 0.65 + 0.5 · 0.35 = 1.15. With an even load $f$ is 1
# everywhere, the $P_i$ sum to one, and the sum is 1.
#
# Two details. Scores need not be a softmax: DeepSeek-V3's are not. So divide each token's scores by their sum
# first. And padding must not count: `mean_over_tokens(values, real)` is given. It takes [..., tokens, n] and
# leaves out the tokens where `real` is False.

# %% exercise="moe.aux_loss"
# 1. For each token, a row with a one for each expert that it was sent to: [groups, tokens, experts].
# 2. f: the mean of these rows over the tokens, divided by what it would be if all got equally many.
# 3. P: each token's scores divided by their sum, then the mean over the tokens.
# 4. alpha times the sum of f * P over the experts. If there are several groups, the mean over them.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `F.one_hot(chosen, experts)` is [groups, tokens, active, experts]. Its sum over the axis `active` is the row
# of step 1. Make it floats: `.to(scores.dtype)`. Both means are `mean_over_tokens(..., real)`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# If all got equally many, each expert would get the share `active / experts` of the tokens. So f is the mean
# times `experts / active`. The sum over experts is over the last axis; what is left is one number for each
# group.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `f = mean_over_tokens(sent, real) * experts / active`, `p = mean_over_tokens(scores / scores.sum(dim=-1,
# keepdim=True), real)`, and `alpha * (f * p).sum(dim=-1).mean()`. In full: `solution("aux_loss")`.
#
# </details>

# %% key="aux-by-hand"
from mine import moe

scores = torch.tensor([[[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]])  # one group of four tokens
chosen = scores.topk(1).indices
print(f"the load is {moe.load(chosen, 2).tolist()}, the sum {moe.aux_loss(scores, chosen, alpha=1.0):.2f}")

# %% [markdown]
# Which way does it push? Take the gradient with respect to the logits of five experts, of which the first is
# much too popular. A step goes *against* the gradient.

# %% key="aux-push"
random = torch.Generator().manual_seed(0)
logits = torch.randn(1, 200, 5, generator=random) + torch.tensor([1.5, 0.5, 0.0, 0.0, -1.0])
logits.requires_grad_()
scores = logits.softmax(dim=-1)
chosen = scores.topk(2).indices
gradient = torch.autograd.grad(moe.aux_loss(scores, chosen, alpha=1.0), logits)[0].sum(dim=(0, 1))
for number, count in enumerate(moe.load(chosen, 5).tolist()):
    push = "down" if gradient[number] > 0 else "up"
    print(f"expert {number}: {count:3} of 400 visits; its logits are pushed {push}")

# %% [markdown]
# **Even where?** In each sequence by itself, or over the whole batch? Two sequences: one uses experts 0 and 1
# alone, the other 2 and 3. Over the batch, all is even. In each sequence, half of the experts are idle. Your
# function can do both: what it takes for a group, the shape says.

# %% key="groups"
chosen = torch.tensor([[[0, 1]] * 3, [[2, 3]] * 3])  # [sequences, tokens, active]
scores = torch.zeros(2, 3, 4).scatter(-1, chosen, 0.5)
whole = moe.aux_loss(scores.reshape(1, 6, 4), chosen.reshape(1, 6, 2), alpha=1.0)
print(f"each sequence by itself: {moe.aux_loss(scores, chosen, alpha=1.0):.1f}")
print(f"the whole batch:         {whole:.1f}")

# %% [markdown]
# The first forbids that a sequence about arithmetic uses the experts for arithmetic. The second allows it. In
# DeepSeek's own comparison, a model of 1 billion parameters came to a loss of 2.258 with balance in each
# sequence, and to 2.253 with balance over the batch. That is 0.2 %. With 3 billion parameters it was 2.085 and
# 2.080. Balance without a loss, lesson 06, came to 2.253 and 2.080, the same as the batch. We do not know how
# far chance would move these figures.
#
# *Source: DeepSeek-V3, arXiv 2412.19437, section 4.5.3.*
#
# **A question on the way.** Somebody computes $f_i P_i$, but writes `p.detach()` by mistake. What happens in
# training?
#
# <details><summary>(a) The load becomes even, only more slowly.</summary>
#
# There is nothing left to push with. $f$ has no gradient either.
#
# </details>
# <details><summary>(b) Nothing. The number in the log looks right, and the router goes its own way.</summary>
#
# Right. The value is the same with and without gradient, which is why one does not find such a mistake by
# looking at losses. The check of this exercise compares gradients.
#
# </details>
# <details><summary>(c) PyTorch reports an error.</summary>
#
# Only if the loss were made of this alone. It is added to the loss of the next token, which has a gradient.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `aux_loss`: the factor experts / active is lost, in one of three
# ways; the scores of the chosen alone go into P; the gradient is cut; padding counts. The check names twenty
# mistakes.
#
# Ask the room: the load is perfectly even. What is the gradient of this loss? (Zero, if the scores are
# probabilities: $f$ is 1 everywhere, so the sum is the sum of the $P_i$, which is 1 whatever the router
# does.)

# %% [markdown]
# ## What it costs
#
# > **The way:** count → by hand → route → there and back → sorted → stop line → left alone → how full → a
# > loss
# > for balance → **what it costs** → tokens on their way
#
# *What we do now:* train the same model three more times, with α of 0.01, 1 and 10. *Why:* the balance is not
# what we want. We want predictions. So what does the one cost the other?
#
# **A prediction.** As α grows, does the loss of the next token rise, fall, or something else? It takes about
# half a minute.

# %% key="predict-cost"
predict("cost", "...")

# %% key="train-balanced" exempt="trained floats differ in the last digits between processors"
def at_the_end(looks):
    """The loss of the next token over the last 50 steps, and MaxVio in the first layer."""
    losses = [look.loss for look in looks[-10:]]
    return sum(losses) / len(losses), moe.max_vio(looks[-1].shares[0]).item()

models, seen = {0: left_alone}, {0: looks}

def trained(alpha):
    models[alpha], seen[alpha] = small_model("batch", alpha), []
    watch(
        looking(models[alpha], seen[alpha]),
        steps=plan.steps,
        curves={"loss": "loss", "two_fullest": "share of the two fullest"},
        alt=f"The training with an alpha of {alpha}; in grey that of the model that was left alone.",
        behind={"left alone": history},
    )

trained(alpha=0.01)

# %% key="train-balanced-more" exempt="trained floats differ in the last digits between processors"
trained(alpha=1)

# %% key="train-balanced-most" exempt="trained floats differ in the last digits between processors"
trained(alpha=10)

# %% key="cost" exempt="losses of trained models"
results = {alpha: at_the_end(its_looks) for alpha, its_looks in seen.items()}
for alpha, (loss, vio) in results.items():
    print(f"alpha {alpha:5}: loss {loss:.2f}, MaxVio {vio:.2f}")

# %% key="cost-figure" exempt="losses of trained models"
fig, axes = canvas(columns=2, width=8.6, height=3)
for column, (ax, up) in enumerate(zip(axes, ("loss of the next token", "MaxVio"), strict=True)):
    ax.plot(range(4), [result[column] for result in results.values()], "o", color=colours.blue)
    ax.set_xticks(range(4), [str(alpha) for alpha in results])
    ax.set(xlabel="α", ylabel=up, ylim=(0, None), xlim=(-0.4, 3.4))
said = "; ".join(f"with {alpha}: {loss:.2f} and {vio:.2f}" for alpha, (loss, vio) in results.items())
show(fig, alt=f"""Four dots for each of two numbers, one for each α. MaxVio falls steeply from 0 to 0.01, and
    little after that. The loss is highest at 10. Loss and MaxVio, {said}.""")

# %% key="cost-held-against" exempt="losses of trained models"
print("alpha 0.01 has at most half the MaxVio of none:", results[0.01][1] < results[0][1] / 2)
print("alpha 10 has the highest loss:", max(results, key=lambda alpha: results[alpha][0]) == 10)
recall("cost")

# %% [markdown]
# A very small α is enough for most of the balance. A large one makes the router care for little else: where a
# token goes is then decided by who is free, and not by who can help.
#
# And between 0 and 0.01? **Do not read too much into one run.** Here are five recorded seeds of another small
# model: two layers of width 48, 31 experts of which 7 are active, and a loss over each sequence.

# %% key="recorded-cost"
kept = [record.numbers for _, record in sorted(read(CLAIMS["bias_balance"]).items())]
arms = ("none", "sequence 0.001", "sequence 0.01", "sequence 0.1")
fig, axes = canvas(columns=2, width=9.4, height=2.8)
for ax, what in zip(axes, ("loss", "MaxVio"), strict=True):
    draw_seeds(ax, {arm: [seed[f"{what}, {arm}"] for seed in kept] for arm in arms}, {}, what)
lower = sum(seed["loss, sequence 0.1"] < seed["loss, none"] for seed in kept)
print(f"seeds in which the loss is lower with alpha 0.1 than with none: {lower} of {len(kept)}")
rows = [[seed[f"loss, {arm}"] for seed in kept] for arm in arms]
print(f"how far the seeds of one row lie apart in loss: up to {max(max(row) - min(row) for row in rows):.2f}")
show(fig, alt="Five small circles, one for each recorded seed, in each of four rows: no loss for balance, "
    "and alpha of 0.001, 0.01 and 0.1. MaxVio falls from row to row. The losses of one row lie further apart "
    "than the rows do.")

# %% [markdown]
# The balance is plain in every seed. In the loss, the seeds of one row lie further apart than the rows do. So
# one run with each α says little. Seed by seed, α = 0.1 was not worse than none here. We looked at that only
# after the runs, so take it as a hint. At this size, some balance seems to cost nothing, and far too much of it
# does.
#
# Whatever is added to the loss pulls at the same weights as the loss itself. Can the load be kept even
# without pulling at them? That is lesson 06.

# %% [markdown]
# ## Tokens on their way
#
# > **The way:** count → by hand → route → there and back → sorted → stop line → left alone → how full → a
# > loss
# > for balance → what it costs → **tokens on their way**
#
# *What we do now:* look at single tokens of single documents, in the models that you trained. *Why:* a load
# is a sum, and sums hide who is who.
#
# Solid lines are first choices, dashed ones the others; the wider, the more weight. Below are the loads. Move
# **k**, the number of experts that a token visits. Move **noise**, in tenths: so much is added to the logits
# at random. Move **balance**: 0 is the model that was left alone, 1 to 3 are those with α of 0.01, 1 and 10.
# Change the words. With the keyboard: Tab goes from one control to the next, the arrow keys move it.
#
# - Balance 0: does the same word always go to the same expert? In layer 1 too? Why not?
# - How much noise does it take until all experts have something to do? What is lost by it?
# - Balance 3: the load is even. Look at one word that occurs often. Where does it go now?

# %% key="explore" exempt="visits in trained models"
def look_at(k, noise, balance, layer, words):
    if not words.split():
        raise ValueError("There is no word to send. Type some, such as: find calc add3 : 4 8 2 1 ?")
    alpha = list(models)[balance]
    logits = router_logits(models[alpha], layer, words.strip())
    random = torch.Generator().manual_seed(0)
    weights, chosen = moe.route(logits + noise / 10 * torch.randn(logits.shape, generator=random), k)
    load = moe.load(chosen, 16)
    fig, [ax] = canvas(width=8.8, height=4.6)
    draw_flow(ax, words.split(), weights, chosen, 16)
    return fig, (
        f"Layer {layer}, α = {alpha}, k = {k}, noise {noise / 10}. Of {int(load.sum())} visits, expert "
        f"{int(load.argmax())} gets most: {int(load.max())}. {int((load == 0).sum())} of 16 experts get none. "
        f"MaxVio {moe.max_vio(load):.2f}."
    )

controls = {
    "k": Slider("k", 1, 4, 2),
    "noise": Slider("noise × 10", 0, 40, 0),
    "balance": Slider("balance", 0, 3, 0),
    "layer": Slider("layer", 0, 1, 0),
    "words": Words("words", " ".join(documents[-1].words)),
}
explore(look_at, **controls)

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see the first layer of the model that was
# left alone: most of the lines run together in a few experts.
#
# Noise was the first remedy: Shazeer and others added it while *training*, so that experts that are not first
# in line get tried now and then. A trained model routes without noise.

# %% [markdown]
# ## In the published models
#
# *What we do now:* see what this brought at a larger scale. *Why:* our model is too small to show that
# experts are worth having.
#
# DeepSeek compared five models, each trained on 100 billion tokens. The dense one has 0.2 billion parameters.
# The mixtures have 2.0 billion in all.
#
# | model | how tokens are routed | active | loss on the Pile |
# |---|---|---|---|
# | dense | not at all | 0.2 billion | 2.060 |
# | Hash | by the word alone, nothing is learned | 0.2 billion | 1.932 |
# | Switch | k = 1 | 0.2 billion | 1.881 |
# | GShard | k = 2 | 0.3 billion | 1.867 |
# | DeepSeekMoE | many small experts and a shared one: lesson 06 | 0.3 billion | 1.808 |
#
# So more parameters help, although a token uses few: Hash and Switch use as many as the dense model, 0.2
# billion, and GShard and DeepSeekMoE 0.3. Even routing that learns nothing helps.
#
# And the balance? DeepSeek-V2 asked for it with three losses at once: α of 0.003 over experts, 0.05 over
# devices, 0.02 over the traffic between them. DeepSeek-V3 has one, over each sequence, with α of 0.0001, and
# does the rest without a loss.
#
# *Sources. The comparison: DeepSeekMoE, arXiv 2401.06066, table 1. V2: arXiv 2405.04434. V3: arXiv
# 2412.19437, equations 17 to 20 and section 4.2.*

# %% [markdown]
# ## Where the toy misleads
#
# - **Few words.** Our world has a few dozen, and digits make up most of a document. In real text no single
#   kind of word is so common. Some of the collapse you saw is the world's.
# - **Nobody waits here.** All experts are on one core. A full expert costs us no time. In a real model it
#   does.
# - **Chance is large.** You saw one seed of each training. How far equal models end apart, the recorded
#   seeds in *What it costs* show.
# - **We do not show that experts help.** For that, compare with a dense model of the same active size. Lesson
#   06 does.
# - **Two active experts out of 16**, whose weights sum to one. With k = 1, or weights that are not divided,
#   collapses look different.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | 16 experts of width 16, 2 active | 256 of width 2,048, 8 active, and one that every token visits | 06 |
# | probabilities by softmax | by sigmoid: each expert is scored by itself | 06 |
# | balance by a loss, or not at all | by a bias that only selects, and a very small loss | 06 |
# | experts in both layers | in 58 of 61 layers | 06 |
# | a token may go anywhere | to at most four machines | 13 |
# | one core | experts spread over many graphics cards | 13 |
#
# The layer is the same: score, choose, divide, send, add.

# %% [markdown]
# ## Three questions
#
# **1.** You double the number of experts and leave all else as it is. What happens to memory, to the
# arithmetic of a token, and to the tokens that an expert learns from?
#
# <details><summary>Answer</summary>
#
# The memory of the experts doubles. The arithmetic stays, but for the router, which doubles and is small. And
# each expert sees half as many tokens as before: it is taught less.
#
# </details>

# %% [markdown]
# **2.** A colleague trains with k = 1 and divides the weights by their sum, without a loss for balance. The
# loss falls nicely. What is wrong, and where would you look?
#
# <details><summary>Answer</summary>
#
# The weight is always 1, and no gradient reaches the router's matrix. The experts and all the rest learn, so
# the loss falls. Look at the size of the router's gradient: it is rounding alone. (The router may still move a
# little: Adam magnifies even rounding, and weight decay shrinks it. But not towards better choices.)
#
# </details>

# %% [markdown]
# **3.** The auxiliary loss of a run, divided by α, is 1.00. Does that mean that the load is even?
#
# <details><summary>Answer</summary>
#
# No. With an even load it is 1, but it can also be 1 with an uneven one: where the router is undecided, all
# $P_i$ are 1/E, and then the sum is the mean of the $f_i$, which is 1, whatever the load. (It can even be
# below 1, where full experts win narrowly and others clearly.) Look at the load itself.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $E$ | `experts` | $N$ (Switch), $N_r$ (DeepSeek) |
# | $k$ | `active` | $k$, $K_r$ (DeepSeek) |
# | $g$ | `weights` | $g_{i,t}$ |
# | $f_i$ | `f` | $f_i$; in Switch without the factor $N$, which stands before the sum |
# | $P_i$ | `p` | $P_i$ |
# | $\alpha$ | `alpha` | $\alpha$ |
#
# | word | meaning |
# |---|---|
# | mixture of experts, MoE | a layer of many feed-forward networks, of which a token visits a few |
# | expert | one of these networks |
# | router | the matrix that scores the experts for each token |
# | top-k | keep the k largest |
# | active parameters | those that work on one token |
# | dispatch, combine | sending tokens to their experts; adding up what comes back |
# | load | how many tokens an expert gets |
# | collapse | few experts get nearly everything |
# | MaxVio | how far the fullest load is above the mean, as a share of the mean |
# | auxiliary loss | what is added to the loss to get something else than predictions, here an even load |

# %% [markdown]
# ## Where to read more
#
# - Jacobs and others 1991, *Adaptive mixtures of local experts*, Neural Computation 3:79: the idea.
# - Shazeer and others 2017, *Outrageously large neural networks: the sparsely-gated mixture-of-experts
#   layer*, arXiv 1701.06538: top-k with noise, and a loss for balance.
# - Lepikhin and others 2020, *GShard*, arXiv 2006.16668: two experts for each token, on many machines.
# - Fedus and others 2021, *Switch transformers*, arXiv 2101.03961: one expert, and the loss of this lesson.
# - Roller and others 2021, *Hash layers for large sparse models*, arXiv 2106.04426: routing by the word.
# - Jiang and others 2024, *Mixtral of experts*, arXiv 2401.04088.
# - Dai and others 2024, *DeepSeekMoE*, arXiv 2401.06066, and DeepSeek-AI 2024, *DeepSeek-V3 technical
#   report*, arXiv 2412.19437, section 2.1.2: on to lesson 06.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
