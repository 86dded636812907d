# %% [markdown]
# In lesson 07 a model learned from rewards, and a **baseline** made the gradient less noisy: how much better
# was this answer than could be expected? The usual recipe, called PPO, trains a second network to predict what
# could be expected, the **critic**. It is often as large as the model itself.
#
# DeepSeek left it out. Let the model answer the same question several times. The mean of these answers *is*
# what could be expected. That is **group relative policy optimisation**, GRPO, and R1 was trained with it. In
# this lesson you write all of its loss, train a model with it, and learn to see when it is broken.
#
# > **The way:** by hand → against the group → ratio → clip → far from home → a mean of what → **stop line** →
# > the loss → live → small changes → is mine broken?
#
# The lesson has **two sittings**, of about 65 and 35 minutes. In the first you write the pieces. In the
# second you put them together, and a model learns with them.

# %% key="setup"
import math
from dataclasses import replace

import torch
from torch import Tensor

from pocketr1.claims import CLAIMS
from pocketr1.claims.claim import verdict
from pocketr1.claims.recorded_results import read
from pocketr1.dashboards import FAULTS
from pocketr1.grpo import GRPO, Normaliser, Variant
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution, steps, watch
from pocketr1.workbook.diagrams import draw_dashboard
from pocketr1.workbook.figures import canvas, colours, draw_curves, draw_seeds
from pocketr1.workbook.widgets import Slider

begin("08_grpo", globals())

# %% [markdown]
# ## First, two predictions
#
# **One.** You train a model with GRPO, and it works: from one right answer in five to three in four. What does
# the curve of the **loss** look like?
#
# **Two.** An update has made a token 1.5 times likelier than it was. It turns out that the answer it belongs
# to was a *bad* one. GRPO has a rule that takes the gradient away where a token has moved too far. Does this
# token still get a gradient?
#
# Write your guesses in place of the dots.

# %% key="predict-loss"
predict("loss", "...")

# %% key="predict-clip"
predict("clip", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening 4, by hand 5, against the group 14, ratio 8, clip 14, far
# from home 8, a mean of what 11. Second sitting: the loss 9, live 4, small changes 6, is mine broken 14, the
# end 3. That is 100 in all. The core exercises (`group_advantages`, `clipped_objective`, `aggregate`,
# `diagnoses`) with *By hand*, *Live*, and *Ratio* told without its exercise, take about 75. Leave out *Far from
# home*, *The loss* (show its last cell) and *Small changes*.
#
# Take the first prediction by a show of hands: *falls, rises, stays?* Nearly all rooms say it falls. Leave it
# on the board.

# %% [markdown]
# ## By hand
#
# > **The way:** **by hand** → against the group → ratio → clip → far from home → a mean of what → stop line →
# > the loss → live → small changes → is mine broken?
#
# *What we do now:* write four answers to one question ourselves, and judge them. *Why:* before a model samples
# anything, we should know what is done with its answers.
#
# Four answers to the same prompt are a **group**. Each is a **rollout**. Read them before you run the cell:
# which are right? (`add1` adds 1 to each digit, `mul3` multiplies each by 3, and only the last digit is kept.)

# %% key="four-answers"
from mine import rewards, worlds

[question] = worlds.problems("calc", 2, 1, seed=8, language="english")
print("the question:", " ".join(question.prompt), "\n")
group = [
    "<think> 1 5 4 0 then add1 2 6 5 1 then mul3 6 8 5 3 </think> <answer> 6 8 5 3 </answer> <end>",
    "<answer> 6 8 4 3 </answer> <end>",
    "<think> 1 5 4 0 then add1 2 6 5 1 then mul3 6 8 5 0 </think> <answer> 6 8 5 0 </answer> <end>",
    "<answer> 6 8 5 3 </answer> <end>",
]
paid = torch.tensor([rewards.correctness(question, worlds.read(answer)).value for answer in group])
for answer, reward in zip(group, paid.tolist(), strict=True):
    print(f"{reward:.0f}  {answer}")

# %% [markdown]
# Two of four are right. So 0.5 could be expected of this model on this question. The right ones did 0.5 better,
# the wrong ones 0.5 worse. How far from the mean are rewards in this group usually? Also 0.5: that is their
# **standard deviation**. Divide by it, and you have the **advantages**.

# %% key="advantages-by-hand"
mean = paid.mean()
spread = (paid - mean).square().mean().sqrt()
print(f"mean {mean:.2f}, standard deviation {spread:.2f}")
print("advantages:", ((paid - mean) / spread).tolist())

# %% [markdown]
# Every token of the first and the last answer is to become likelier, every token of the other two less likely.
# Also the good beginning of the third: the reward does not know where an answer went wrong.

# %% [markdown]
# ## Against the group
#
# > **The way:** by hand → **against the group** → ratio → clip → far from home → a mean of what → stop line →
# > the loss → live → small changes → is mine broken?
#
# *What we do now:* the same for a whole batch. *Why:* there are many prompts, and each answer is to be compared
# with answers to its *own*.
#
# The rewards come in one row. The first `group_size` belong to the first prompt, the next ones to the second.
# (In lesson 01 they came round by round: first one answer to each prompt. Here groups stay together.)
#
# In some groups all rewards are equal. Then the standard deviation is zero, and nothing may be divided by it.

# %% exercise="grpo.group_advantages"
# 1. Make a row of each group: [groups, group_size].
# 2. Take each group's own mean away.
# 3. Unless `divide_by_std` is False, divide by each group's own standard deviation, plus 1e-6.
# 4. Return one row again, [batch].

# %% [markdown]
# <details><summary>A hint</summary>
#
# `rewards.reshape(-1, group_size)` has one row for each group. `mean(dim=1, keepdim=True)` is a column, which
# can be taken from it.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `groups.std(dim=1, keepdim=True, correction=0)` divides by the number of members. Without `correction=0`
# PyTorch divides by one less, which is right for guessing the spread of a larger population. Papers do not
# always say which they mean. The course takes the group as all there is.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `advantages = groups - groups.mean(dim=1, keepdim=True)`, then, `if divide_by_std:`, divide, and at the end
# `return advantages.reshape(-1)`. In full: `solution("group_advantages")`.
#
# </details>

# %% key="two-problems"
from mine import grpo

easy, hard = [1, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 0, 0]
batch = torch.tensor([easy, hard], dtype=torch.float).flatten()
print("easy:", [f"{a:.2f}" for a in grpo.group_advantages(batch, group_size=8)[:8].tolist()])
print("hard:", [f"{a:.2f}" for a in grpo.group_advantages(batch, group_size=8)[8:].tolist()])
whole = grpo.group_advantages(batch, group_size=16)
print(f"\nas one group of 16: right {whole[0]:.2f}, wrong {whole[7]:.2f}, whatever the question")

# %% [markdown]
# In its group, the one failure on the easy question stands out, and so does the one success on the hard one.
# Compared with the whole batch, all successes look alike, and most of the praise goes to the easy question.
#
# **A question on the way.** In a group, all eight answers are right. What does it teach?
#
# <details><summary>(a) A lot: all eight become likelier.</summary>
#
# Their rewards are 1, and so is their mean. All advantages are zero.
#
# </details>
# <details><summary>(b) Nothing.</summary>
#
# Right. The same is true where all are wrong. Such a group is called **silent**. It has cost as much to sample
# as any other, and gives no gradient. A model that is hardly ever right has many silent groups, and so has one that
# is nearly always right.
#
# </details>
# <details><summary>(c) That the reward is broken.</summary>
#
# Perhaps, if it is so in *all* groups. In one group it says that the question is easy for this model, or that
# it is too hard.
#
# </details>
#
# **Is it exactly nothing?** On paper, yes. A computer rounds. Let all eight earn 1.3, as they do when three rewards
# are added (1 for right, 0.1 for the format, 0.2 for the language) and all is well. Or 1.1, without the language; or
# 0.1, for the format alone. Look at their advantages:

# %% key="rounded" exempt="processors round in another order"
for reward in (1.0, 1.1, 1.3, 0.1):
    same = torch.full((8,), reward)
    print(f"eight rewards of {reward}: advantage {grpo.group_advantages(same, group_size=8)[0].item():+.4f}")

# %% [markdown]
# The mean of eight times 1.3 comes out one rounding step away from 1.3, about 0.0000001. It is divided by a standard
# deviation that is as small, or zero, plus 0.000001. That is eight times the rounding step, and still tiny. So the
# quotient is about a tenth. (Where you see zeros only, your processor
# added in another order.)
#
# Our own trainer had this fault. A model that was nearly always right had its perfect answers pushed *down* (other
# numbers round the other way, and are pushed up), and the loss showed nothing. Now the trainer asks first whether a
# group has any contrast, and gives silent groups an advantage of exactly 0. You will write
# that question in lesson 09.

# %% [markdown]
# **What the division does.** Let a share $p$ of a group be right. How hard does the group push, that is, how
# large are its advantages, averaged without their signs? The formulas are short: without the division it is
# $2p(1-p)$, with it $2\sqrt{p(1-p)}$.

# %% key="push-figure"
group_size = 64
shares = [right / group_size for right in range(group_size + 1)]
pushes = {"divided by the standard deviation": [], "not divided (Dr. GRPO)": []}
for right in range(group_size + 1):
    of_group = torch.tensor([1.0] * right + [0.0] * (group_size - right))
    for name, divided in zip(pushes, (True, False), strict=True):
        pushes[name].append(grpo.group_advantages(of_group, group_size, divided).abs().mean().item())
fig, [ax] = canvas(width=7.2, height=3.2)
draw_curves(ax, shares, pushes, across="share of right answers in the group", up="mean size of advantages")
show(fig, alt="""How hard a group pushes, over the share of right answers in it. Both curves are zero at 0 and at
    1, where all answers are alike, and highest in the middle. Divided by the standard deviation the curve
    reaches 1 and is steep at both ends: at a share of 1/64 it is a quarter of its top. Not divided, it reaches
    0.5, and at 1/64 it is a sixteenth of its top.""")

# %% [markdown]
# With the division, very easy and very hard questions count for more. Is that good? The authors of **Dr. GRPO**
# think not, and leave it out. Your function can do both.
#
# *Source: Liu and others 2025, Understanding R1-Zero-like training, arXiv 2503.20783, section 3.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: the mean of the whole batch; `reshape(group_size, -1)`, which mixes
# the groups and raises no error; PyTorch's `std` without `correction=0`; and a forgotten 1e-6, which works until
# the first silent group. All are named.
#
# Ask the room: with groups of one, what would be learnt? (Nothing: each answer is compared with itself.)

# %% [markdown]
# ## Ratio
#
# > **The way:** by hand → against the group → **ratio** → clip → far from home → a mean of what → stop line →
# > the loss → live → small changes → is mine broken?
#
# *What we do now:* ask how much likelier a token is now than when it was sampled. *Why:* to sample is slow. One
# wants more than one update for it.
#
# R1-Zero sampled 8,192 answers at a time and cut them into 16 mini-batches, one update each. After the first update
# the policy is another one, but the rollouts are still those of the **old policy**. What an old policy sampled can
# be used by a new one, if each sample is weighed by the **ratio** of the two probabilities. Three tokens show it:

# %% key="three-tokens"
old, new = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.3, 0.5])
reward = torch.tensor([1.0, 0.0, 4.0])
print(f"the new policy's mean reward:               {(new * reward).sum():.2f}")
print(f"the old policy's:                           {(old * reward).sum():.2f}")
print(f"the old policy's samples, times their ratio: {(old * (new / old) * reward).sum():.2f}")

# %% [markdown]
# *Source of the number 16: DeepSeek-R1, arXiv 2501.12948v2, section 2.1, read in a transcript.*
#
# For language models we have logarithms of probabilities, and they may be very small. So we subtract, and take
# the exponential. The old ones are given numbers: no gradient may run through them.

# %% exercise="grpo.ratio"
# 1. The difference of the logarithms; the old ones are cut off from any gradient.
# 2. Its exponential.

# %% [markdown]
# <details><summary>A hint</summary>
#
# $\log a - \log b = \log (a/b)$.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `old_logprobs.detach()` has the same numbers and no history.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# One line: `torch.exp(...)` of the difference. In full: `solution("ratio")`.
#
# </details>

# %% key="same-gradient"
from mine import grpo

now = torch.tensor([[-0.5, -2.0, -0.1]], requires_grad=True)
unmoved = grpo.ratio(now, now.detach())
unmoved.sum().backward()
print("the ratio of a policy that has not moved:", unmoved.tolist())
print("its gradient by the log-probabilities:   ", now.grad.tolist())

# %% [markdown]
# At ratio 1, the gradient of the ratio is that of the log-probability. So with one update for each batch, ratio
# times advantage has, token by token, the gradient of lesson 07. The ratio matters only when the policy moves.
#
# (A detail for experts. What a token follows was written by the old policy too. To be exact, a token would need the
# ratio of the whole answer up to it, a product of many ratios. It varies wildly. PPO and GRPO take the token's own,
# which is good enough near 1.)

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: no exponential; old and new swapped; old not detached; one ratio for
# the whole answer, from summed log-probabilities. The last is a method of its own (GSPO, with a mean in place of
# the sum). R1's paper writes the ratio so, for whole answers, and people ask about it.
#
# Ask the room: what happens if `old_logprobs` are computed with the *current* policy, and not detached? (The
# ratio is 1 and its gradient is zero: nothing is ever learnt, and nothing crashes. They will meet it again.)

# %% [markdown]
# ## Clip
#
# > **The way:** by hand → against the group → ratio → **clip** → far from home → a mean of what → stop line →
# > the loss → live → small changes → is mine broken?
#
# *What we do now:* limit how far one batch can move the policy. *Why:* the ratio makes old samples right *on
# average*. If the policies differ much, a few tokens with huge ratios decide everything.
#
# The **clip**, which comes from PPO: hold the ratio between $1-\varepsilon$ and $1+\varepsilon$. Take
# both products, of the advantage with the ratio and with the clipped ratio. Keep the **smaller** one. It is what
# is to be *raised*:
#
# $$\min\big(\rho A,\ \mathrm{clip}(\rho,\ 1-\varepsilon_\text{low},\ 1+\varepsilon_\text{high})\ A\big)$$
#
# Work out four cases by hand, with ε = 0.2, and write down which have a gradient: ratio 1.5 with advantage +1;
# 0.5 with +1; 1.5 with -1; 0.5 with -1. A product with a clipped ratio has none, for there the ratio is a
# fixed number.

# %% exercise="grpo.clipped_objective"
# 1. One advantage for each completion: give it a second axis, so that it meets all of its tokens.
# 2. The product with the ratio, and the product with the clipped ratio.
# 3. The smaller of the two, token by token.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `advantages.unsqueeze(1)` is [batch, 1]. `ratios.clamp(lowest, highest)` holds all numbers between the two.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The bounds are `1 - low` and `1 + high`. `torch.minimum` takes two tensors. Multiply first and take the smaller
# product then: a negative advantage turns the order of the ratios round.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `each = advantages.unsqueeze(1)`, then `torch.minimum(ratios * each, ratios.clamp(1 - low, 1 + high) * each)`.
# In full: `solution("clipped_objective")`.
#
# </details>

# %% key="four-cases"
from mine import grpo

print("ratio  advantage  objective  gradient")
for rho, advantage in ((1.5, 1.0), (0.5, 1.0), (1.5, -1.0), (0.5, -1.0)):
    one = torch.tensor([[rho]], requires_grad=True)
    value = grpo.clipped_objective(one, torch.tensor([advantage]))
    value.backward()
    print(f"{rho:5.1f}  {advantage:+9.0f}  {value.item():+9.1f}  {one.grad.item():+8.0f}")
recall("clip")

# %% [markdown]
# Two cases have no gradient: a good token that has become much likelier, and a bad one that has become much
# less likely. They have gone where they should, far enough for one batch.
#
# The other two have gone the *wrong way*, and can be taken back. **The clip stops those who have arrived, never
# those who are lost.** That is what the minimum is for. A clip alone would leave a bad token that became 1.5
# times likelier as it is.

# %% [markdown]
# ### The clip, live
#
# Move the ratio, the advantage, and the two bounds. Left is the objective, right its gradient by the ratio: how
# hard this token pulls. Ratio and bounds are in hundredths, the advantage in tenths. With the keyboard: Tab goes
# from one control to the next, the arrow keys move it.
#
# - Advantage +10, then -10: which side is flat?
# - Bounds of 20 and 28: that is **clip-higher**, from DAPO. A token of probability 0.01 may rise to 0.0128 in
#   one batch, in place of 0.012. Who gains from that?
# - Can you find bounds at which nothing is ever clipped, between 0 and 3?

# %% key="explore"
def look(ratio_now, advantage, low, high):
    grid = torch.linspace(0, 3, 301).unsqueeze(1).requires_grad_()
    each = torch.full((301,), advantage / 10)
    values = grpo.clipped_objective(grid, each, low / 100, high / 100)
    (slopes,) = torch.autograd.grad(values.sum(), grid)
    fig, axes = canvas(columns=2, width=9.2, height=3.3)
    across = grid.detach().flatten()
    for ax, line, title in zip(axes, (values, slopes), ("objective", "gradient"), strict=True):
        line = line.detach().flatten()
        ax.axvspan(1 - low / 100, 1 + high / 100, color="#EFEFEF")
        ax.plot(across, line, marker="", color=colours.blue)
        ax.plot([ratio_now / 100], [line[ratio_now]], marker="o", ms=9, color=colours.vermillion)
        ax.set(xlabel="ratio", title=title)
    axes[0].plot(across, across * advantage / 10, ls=":", marker="", color=colours.grey, label="not clipped")
    axes[0].legend()
    at, pull = values[ratio_now].item(), slopes[ratio_now].item()
    said = f"Ratio {ratio_now / 100:.2f}, advantage {advantage / 10:+.1f}, held between {1 - low / 100:.2f} and "
    said += f"{1 + high / 100:.2f}: the objective is {at:+.2f}, and its gradient {pull:+.1f}"
    return fig, said + (": the clip has taken it away." if advantage and not pull else ".")

explore(
    look,
    ratio_now=Slider("ratio, %", 0, 300, 150),
    advantage=Slider("advantage", -20, 20, 10),
    low=Slider("low, %", 0, 100, 20),
    high=Slider("high, %", 0, 200, 20),
)

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see ratio 1.5 with advantage +1: the line
# rises to 1.2, and is flat from there on.
#
# *Sources. The clip: Schulman and others 2017, arXiv 1707.06347, equation 7. 0.2 is the common choice, and
# clip-higher has 0.28 above: DAPO, arXiv 2503.14476. The first RL stage of R1 had ε = 10, which holds nothing
# back above but a ratio over 11: arXiv 2501.12948v2, section 3.2.1, read in a transcript.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: the larger in place of the smaller; the clip alone; the smaller of the
# two *ratios*, times the advantage; `low` used for both ends; and advantages that run along the tokens. The last
# raises no error in a batch with as many tokens as completions.
#
# Ask the room: the first update of each batch, which tokens does the clip act on? (On none: the ratio is 1. With
# one update a batch it never acts at all, and many a "clipped" training has had no clip.)

# %% [markdown]
# ## Far from home
#
# > **The way:** by hand → against the group → ratio → clip → **far from home** → a mean of what → stop line →
# > the loss → live → small changes → is mine broken?
#
# *What we do now:* measure how far the policy is from a third one, the **reference**. *Why:* the clip limits each
# batch. A thousand batches can still carry a policy anywhere, for instance to where it is paid and unreadable.
#
# The usual distance is the Kullback-Leibler **divergence**: the mean of $\log (\pi/\pi_\text{ref})$, over what
# the policy $\pi$ writes. We have samples only, one token each. The estimate $\log(\pi/\pi_\text{ref})$ is right
# on average, but negative for every token that the reference likes better. DeepSeek took another, called **k3**.
# With $r = \pi_\text{ref}/\pi$ it is
#
# $$r - \log r - 1$$

# %% exercise="grpo.k3"
# 1. log r: a difference of logarithms. The reference has no gradient.
# 2. r - log r - 1.

# %% [markdown]
# <details><summary>A hint</summary>
#
# $r$ is the *reference's* probability divided by the policy's.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `log_r = reference_logprobs.detach() - logprobs`, and `log_r.exp()` is r.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `log_r.exp() - log_r - 1`. In full: `solution("k3")`.
#
# </details>

# %% [markdown]
# Three claims are made about it: it is never negative; it is right on average; and, used as a loss, it pulls the
# policy home. A policy of six tokens is small enough to check all three exactly, without sampling.

# %% key="k3-exactly"
from mine import grpo

random = torch.Generator().manual_seed(3)
logits, home = torch.randn(2, 6, dtype=torch.float64, generator=random)
logits.requires_grad_()
policy, reference = logits.log_softmax(-1), home.log_softmax(-1)
each = grpo.k3(policy.unsqueeze(0), reference.unsqueeze(0)).squeeze(0)
exact = (policy.exp() * (policy - reference)).sum()
print("token by token:", [f"{value:.2f}" for value in each.tolist()])
print(f"mean over the policy's tokens: {(policy.exp() * each).sum():.4f}; the divergence: {exact:.4f}")

# %% key="k3-gradient"
def slope(loss):
    (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
    return gradient

used = slope((policy.exp().detach() * each).sum())  # tokens are drawn, and then only k3 has a gradient
print("gradient of k3 as a loss:      ", [f"{g:+.2f}" for g in used.tolist()])
print("gradient of KL(policy ‖ home): ", [f"{g:+.2f}" for g in slope(exact).tolist()])
other = (reference.exp() * (reference - policy)).sum()
print("gradient of KL(home ‖ policy): ", [f"{g:+.2f}" for g in slope(other).tolist()])

# %% [markdown]
# The first two claims hold. The third is stranger: **the gradient is that of another divergence**, the one with
# policy and reference the other way round. Sampled tokens carry no gradient of their own: nothing tells k3 that
# by moving, the policy also changes *which* tokens are drawn. What is left pulls each token's probability
# straight towards the reference's: its gradient by the logits is $\pi - \pi_\text{ref}$. It pulls home too, but in
# another way.
#
# And it is not always the calmer estimate.

# %% key="k3-spread"
for name, step in (("near home", 0.1), ("far from home", 1.0)):
    far = (home + step * 2 * torch.randn(6, dtype=torch.float64, generator=random)).log_softmax(-1)
    weights, k1 = far.exp(), far - reference
    third = grpo.k3(far.unsqueeze(0), reference.unsqueeze(0)).squeeze(0)
    mean = (weights * k1).sum()
    spreads = [((weights * (k - mean).square()).sum().sqrt()).item() for k in (k1, third)]
    print(f"{name:14} KL {mean:.3f}; spread of log(policy / home) {spreads[0]:.2f}, of k3 {spreads[1]:.2f}")

# %% [markdown]
# Near home, k3 varies much less. Far from home a token may be rare for the policy and common for the reference.
# Then $r$ is huge, and a single token makes the mean.
#
# The weight of k3 in the loss is called β. (In older recipes, the distance is taken from the *reward*. GRPO has it in
# the loss.) DeepSeekMath had 0.04. R1-Zero had 0.001, and its *reference* was set to the current policy every 400
# steps. Many later recipes leave the term out.
#
# *Sources: DeepSeekMath, arXiv 2402.03300, and R1, arXiv 2501.12948v2, section 2.1, both read in a transcript.
# k3: equation 2 of R1; Schulman 2020, Approximating KL divergence. Without the term: TRL's default is β = 0.*

# %% [markdown] tags=["teacher"]
# **For teachers.** The gradient is the expert's corner: skip it in a short format. If somebody asks for the
# calculation: the derivative of $r - \log r - 1$ by $\log\pi$ is $1 - r$. Weighed by $\pi$, and with the softmax's
# own derivative, what is left is $\pi - \pi_\text{ref}$.

# %% [markdown]
# ## A mean of what
#
# > **The way:** by hand → against the group → ratio → clip → far from home → **a mean of what** → stop line → the
# > loss → live → small changes → is mine broken?
#
# *What we do now:* make one number of all tokens. *Why:* it looks like bookkeeping, and it decides how much a
# token counts.
#
# A batch has two completions, of **1 and 9 tokens**. All tokens of the first have the value 1, those of the
# second 4. What is the mean?

# %% key="two-means"
short, long = torch.ones(1), 4 * torch.ones(9)
print(f"the mean of their means: {(short.mean() + long.mean()) / 2:.2f}")
print(f"the mean of all tokens:  {torch.cat([short, long]).mean():.2f}")

# %% [markdown]
# Both are means. In the first, the one token of the short completion counts as much as all nine of the long one.
# In the second all tokens are equal. GRPO as published takes the first, **by sequence**; DAPO takes the second,
# **by token**. Dr. GRPO has a third: it divides by a **constant**, which has nothing to do with lengths. The
# course takes completions × width, all places of the tensor, used or not. (A tensor is as wide as its longest answer.
# So that the number is the same in every batch, our trainer puts the longest answer *allowed* in its place.)
#
# `mask` is True at sampled tokens. What stands elsewhere must not count.

# %% exercise="grpo.aggregate"
# 1. Put 0 in place of what the mask leaves out.
# 2. "sequence": each completion's sum by its own number of tokens, then the mean of these.
# 3. "token": the whole sum by the number of all tokens that count.
# 4. "constant": the whole sum by the number of all places.
# 5. Nothing may be divided by zero.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.where(mask, values, 0.0)`, or `values * mask`. `mask.sum(dim=1)` counts the tokens of each completion.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `clamp(min=1)` on a number of tokens: an empty completion has sum 0, and 0 / 1 is 0. For "constant":
# `mask.numel()` is the number of all places.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `(kept.sum(dim=1) / mask.sum(dim=1).clamp(min=1)).mean()` by sequence, `kept.sum() / mask.sum().clamp(min=1)` by
# token, `kept.sum() / mask.numel()` by a constant. In full: `solution("aggregate")`.
#
# </details>

# %% key="weights-figure"
from mine import grpo

mask = torch.arange(9) < torch.tensor([[1], [9]])
weights = {}
for normaliser in ("sequence", "token", "constant"):
    values = torch.zeros(2, 9, requires_grad=True)
    (weights[normaliser],) = torch.autograd.grad(grpo.aggregate(values, mask, normaliser), values)
fig, axes = canvas(columns=3, width=9.2, height=2.4)
for ax, (normaliser, weight) in zip(axes, weights.items(), strict=True):
    ax.bar([0], weight[0, :1], color=colours.vermillion, hatch="//", edgecolor="black", label="short")
    ax.bar(range(2, 11), weight[1], color=colours.sky, edgecolor="black", label="long")
    ax.set(title=f"by {normaliser}", ylim=(0, 0.55), xticks=[])
    ax.text(0, weight[0, 0], f"{weight[0, 0]:.3f}", ha="center", va="bottom", fontsize=9)
    ax.text(6, weight[1, 0], f"{weight[1, 0]:.3f} each", ha="center", va="bottom", fontsize=9)
axes[0].set_ylabel("weight of a token")
axes[2].legend()
print({name: [round(w, 3) for w in (weight[0, 0].item(), weight[1, 0].item())] for name, weight in weights.items()})
show(fig, alt="""The weight of each token in three means, for completions of 1 and 9 tokens. By sequence: 0.5 for the
    only token of the short one, 0.056 for each of the long one's nine. By token: 0.1 for all ten. By a constant:
    0.056 for all ten.""")

# %% [markdown]
# **A question on the way.** Two answers are wrong, with the same advantage. One has 10 tokens, the other 1,000.
# Under which mean does the long one get *less* blame for each token?
#
# <details><summary>(a) By sequence.</summary>
#
# Right: a hundredth for each token. If an answer is going to be wrong, it is cheaper to be wrong at length. The
# authors of Dr. GRPO hold this to be one reason why wrong answers grow during training.
#
# </details>
# <details><summary>(b) By token.</summary>
#
# There both get the same for each token. All in all the long one gets a hundred times as much.
#
# </details>
# <details><summary>(c) By a constant.</summary>
#
# There both get the same for each token, too. The difference to *by token* is smaller than one thinks: the number
# of all tokens changes from batch to batch, and the constant does not.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: the width in the denominator, padding included, which looks right for
# equal lengths; a token mean where a sequence mean is asked for; NaN for an empty completion. All are named.
#
# Ask the room: which of the three is "the" GRPO? (The paper's is by sequence. The library that most people use,
# TRL, takes another by default. So a result "with GRPO" says little until this is said.)

# %% [markdown]
# ---
#
# **Stop line.** All pieces are written. The second sitting puts them together. If you go on another day, run the
# set-up cell, and begin here. In a new kernel, `ratio` and the other names are scaffolds again. Your own pieces are in
# `mine`: after `from mine import grpo`, write `grpo.ratio` and so on.
#
# ---

# %% [markdown]
# ## The loss
#
# > **The way:** by hand → against the group → ratio → clip → far from home → a mean of what → stop line → **the
# > loss** → live → small changes → is mine broken?
#
# *What we do now:* assemble. *Why:* you have all of its parts. DeepSeekMath's paper writes the loss token by token,
# and we follow it. (R1's paper writes the same terms for whole answers, which is shorter.)
#
# | in DeepSeekMath, section 4.1 | your function |
# |---|---|
# | $A_i = (r_i - \mathrm{mean}) / \mathrm{std}$ | `group_advantages` |
# | $\pi_\theta / \pi_{\theta_\text{old}}$ | `ratio` |
# | $\min(\rho A,\ \mathrm{clip}(\rho, 1-\varepsilon, 1+\varepsilon) A)$ | `clipped_objective` |
# | $D_\text{KL} = \pi_\text{ref}/\pi_\theta - \log(\pi_\text{ref}/\pi_\theta) - 1$ | `k3` |
# | $\frac1G \sum_i \frac1{\lvert o_i\rvert} \sum_t$ | `aggregate` |
#
# The objective is to be *raised*. An optimiser makes a loss *small*. Everything that makes one recipe differ from
# another is in one object, a `Variant`:

# %% key="a-variant"
print(GRPO)

# %% exercise="grpo.grpo_loss"
# 1. The ratio, and with it the clipped objective, between the variant's bounds.
# 2. Each token's loss: minus that. If the variant has a beta, plus beta times k3.
# 3. One number of all tokens, with the variant's normaliser.

# %% [markdown]
# <details><summary>A hint</summary>
#
# All four pieces are there: `ratio`, `clipped_objective`, `k3`, `aggregate`. Nothing new has to be computed.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `variant.clip_low`, `variant.clip_high`, `variant.beta`, `variant.normaliser`. Call k3 only where beta is not
# zero: elsewhere there may be no reference.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `each = -clipped_objective(ratio(logprobs, old_logprobs), advantages, variant.clip_low, variant.clip_high)`, then
# perhaps `each = each + variant.beta * k3(...)`, then `return aggregate(each, mask, variant.normaliser)`. The
# course's own also complains about a missing reference policy; you need not. In full: `solution("grpo_loss")`.
#
# </details>

# %% [markdown]
# Now the question of the opening. A group of two: a right answer of 1 token, a wrong one of 9. The policy has not
# moved since it wrote them.

# %% key="about-zero"
from mine import grpo

mask = torch.arange(9) < torch.tensor([[1], [9]])  # lengths 1 and 9
now = -torch.rand(2, 9, generator=torch.Generator().manual_seed(0))
now.requires_grad_()
advantages = grpo.group_advantages(torch.tensor([1.0, 0.0]), group_size=2)
for normaliser in ("sequence", "token"):
    loss = grpo.grpo_loss(now, now.detach(), advantages, mask, Variant(normaliser=normaliser))
    (gradient,) = torch.autograd.grad(loss, now)
    print(f"by {normaliser:8} loss {round(loss.item(), 3) + 0:+.3f}, norm of its gradient {gradient.norm():.2f}")
print("by hand, by token: -(1 · 1 - 1 · 9) / 10 =", -(1 * 1 - 1 * 9) / 10)

# %% [markdown]
# At ratio 1 every token's value is its advantage. By sequence, the loss is minus the mean of the advantages. The
# advantages of a group sum to zero. **So the loss is zero, whether the model is good or bad.** (Three conditions: the
# policy has not moved, whole groups are in the sum, and there is no k3.) By token it is $-\sum A L / \sum L$ with
# lengths $L$: it tells whether right answers are longer than wrong ones.
#
# The *gradient* is not zero. It is a difference: up for these tokens, down for those. A sum of pulls in two
# directions can be zero in value and move everything.

# %% [markdown]
# ## Live
#
# > **The way:** by hand → against the group → ratio → clip → far from home → a mean of what → stop line → the
# > loss → **live** → small changes → is mine broken?
#
# *What we do now:* train a small language model with your loss. *Why:* to see it work once, before we see it fail.
#
# The small base has two layers of width 48, and a corpus behind it in which a quarter of the documents work step
# by step. In each step it answers 16 questions 8 times. The 128 answers are cut into **four mini-batches**, so that
# the ratio moves and the clip acts. It trains through `mine`: your attention, your block, your loss.
#
# To *write* fast, the rollouts use `FastWriter`, the course's own. It rearranges the weights of your model, and
# must write the same words:

# %% key="same-words"
from mine import dashboards, fast_writing, generation, grpo_training, pipeline, rewards, worlds

from pocketr1.workbook import load_model

learner = load_model("small-base")
[question] = worlds.problems("calc", 2, 1, seed=8, language="english")
prompts = [worlds.VOCABULARY.encode(question.prompt)]
greedy = generation.Sampling(max_new=40, temperature=0.0)
both = [
    generation.generate(writer, prompts, greedy, torch.Generator().manual_seed(0)).tokens
    for writer in (learner, fast_writing.FastWriter(learner))
]
print("your model and the fast writer agree:", torch.equal(*both))

# %% key="train" exempt="trained floats differ in the last digits between processors"
plan = grpo_training.GrpoPlan(
    steps=steps(24), problems=16, group_size=8, learning_rate=1e-3, updates=4, max_new=72
)
problems_at = pipeline.draw_problems(dashboards.PARTS, plan.problems, "rl 0")

def training_of(model, variant, kept):
    chosen = replace(plan, variant=variant)
    records = grpo_training.train_grpo(
        model, problems_at, chosen, rewards.ACCURACY, writer_of=fast_writing.FastWriter
    )
    for record in records:
        kept.append(record)
        yield record

runs = {"GRPO": []}
history = watch(
    training_of(learner, grpo.GRPO, runs["GRPO"]),
    steps=plan.steps,
    curves={"accuracy": "share of right answers", "loss": "loss", "ratio_max": "largest ratio"},
    alt="""The share of right answers climbs, quickly at first. The loss stays about zero throughout. The
    largest ratio of a step is often above 1.2, where the clip begins.""",
)

# %% key="loss-held-against" exempt="trained floats"
first, last = runs["GRPO"][0], runs["GRPO"][-1]
for name in ("accuracy", "loss", "gradient_norm", "clipped", "silent_groups", "entropy", "worked"):
    print(f"{name:15} {getattr(first, name):7.3f} at first, {getattr(last, name):7.3f} at the end")
recall("loss")

# %% [markdown]
# The loss says nothing about progress. Accuracy does. `clipped` is the share of tokens whose gradient the clip took
# away: there are most of them in the first steps, when the policy moves most. `worked` says how the progress came
# about: it is the share of answers that work step by step. `entropy` is how undecided the policy is, for each token:
# it falls when a model makes up its mind. Groups are silent for two reasons: at first because all their answers are
# wrong, later because all are right. In between there are fewer.
#
# In this training nobody showed it how. It was told *right* or *wrong*, and it compared. (Its corpus had shown it,
# before: see *Where the toy misleads*.)

# %% [markdown]
# ## Small changes
#
# > **The way:** by hand → against the group → ratio → clip → far from home → a mean of what → stop line → the
# > loss → live → **small changes** → is mine broken?
#
# *What we do now:* train the same model with two later recipes. *Why:* you have written them already, they are
# other values of arguments.

# %% key="what-differs"
for name, variant in (("Dr. GRPO", grpo.DR_GRPO), ("DAPO", grpo.DAPO)):
    changed = {
        field: value for field, value in vars(variant).items() if value != getattr(grpo.GRPO, field)
    }
    print(f"{name:9} {changed}")

# %% [markdown]
# **Dr. GRPO** ("done right") takes two divisions out: by the standard deviation, and by the length. **DAPO** averages
# over tokens, has more room above in the clip, and **samples dynamically**: silent groups are thrown away, and more
# questions are drawn until the batch is full of groups with contrast. (In our trainer at most eight times.) That
# costs rollouts: count them. (DAPO also has rules for answers that are too long. They are left out here.)

# %% key="train-dr" exempt="trained floats differ in the last digits between processors"
from mine import shipped


def trained(name, variant):
    learners[name], runs[name] = shipped.load("small-base"), []
    watch(
        training_of(learners[name], variant, runs[name]),
        steps=plan.steps,
        curves={"accuracy": "share of right answers", "length": "tokens an answer"},
        alt=f"{name} beside GRPO, in grey: the share of right answers, and the length of all answers.",
        behind={"GRPO": {key: [getattr(r, key) for r in runs["GRPO"]] for key in ("step", "accuracy", "length")}},
    )

learners = {"GRPO": learner}
trained("Dr. GRPO", grpo.DR_GRPO)

# %% key="train-dapo" exempt="trained floats differ in the last digits between processors"
trained("DAPO", grpo.DAPO)
for name, records in runs.items():
    print(f"{name:9} tokens sampled {sum(record.tokens_sampled for record in records):9,}")

# %% key="variants-figure" exempt="curves of trained models"
fig, axes = canvas(columns=2, width=9.4, height=3.4)
accuracy = {name: [record.accuracy for record in records] for name, records in runs.items()}
draw_curves(axes[0], range(plan.steps), accuracy, "step", "share of right answers")
for (name, records), line in zip(runs.items(), axes[0].get_lines(), strict=True):
    spent, total = [], 0
    for record in records:
        total += record.tokens_sampled
        spent.append(total / 1000)
    axes[1].plot(spent, accuracy[name], color=line.get_color(), ls=line.get_linestyle(), marker="", label=name)
axes[1].set(xlabel="tokens sampled, in thousands")
ends = ", ".join(f"{name} {values[-1]:.2f}" for name, values in accuracy.items())
show(fig, alt=f"""The share of right answers of three trainings, left over steps, right over the tokens that were
    sampled for them. At the end: {ends}. DAPO's curve on the right is stretched: a step of it samples several
    batches where many groups are silent.""")

# %% [markdown]
# **Careful:** DAPO's curve shows all that it sampled, silent groups included, so that the three can be compared.
# And one run each decides nothing between them. In a trial with twice this learning rate, Dr. GRPO was right in 0.7
# of its answers and then broke down within two steps, on a seed where GRPO did not.
#
# Dr. GRPO's own claim is about something else: **wrong answers become shorter**, and the score stays. An experiment
# of the course tests it with the larger base, on recorded seeds. The rule was written down beforehand. Beside them,
# in orange, is what your two small models do on test questions.

# %% key="wrong-length" exempt="trained models"
from mine import rollouts

asked = [problem for skill, level in dashboards.PARTS for problem in worlds.problems(skill, level, 24, 1, "test")]

def wrong_and_worked(model):
    answers = rollouts.roll_out(
        fast_writing.FastWriter(model), asked, 4, rewards.ACCURACY,
        generation.Sampling(max_new=72), torch.Generator().manual_seed(0),
    )
    lengths = answers.lengths[~answers.right & answers.worked].float()
    return answers.right.float().mean().item(), lengths.mean().item() if len(lengths) else 0.0

tested = {name: wrong_and_worked(learners[name]) for name in ("GRPO", "Dr. GRPO")}
for name, (share, length) in tested.items():
    print(f"{name:9} right {share:.2f}, tokens of a wrong worked answer {length:.1f}")

# %% key="recorded-figure" exempt="lengths of trained models"
claim = CLAIMS["dr_grpo_wrong_answers"]
kept = [record.numbers for _, record in sorted(read(claim).items())]
before = {name: [numbers[f"tokens, wrong and worked, {name}"] for numbers in kept] for name in tested}
fig, [ax] = canvas(width=7.4, height=2.3)
draw_seeds(ax, before, {name: length for name, (_, length) in tested.items()}, "tokens of a wrong worked answer")
ends = "; ".join(f"{name} " + ", ".join(f"{value:.1f}" for value in values) for name, values in before.items())
show(fig, alt=f"""The mean length of wrong answers that were worked out, in tokens, after GRPO and after Dr. GRPO.
    Circles are the recorded seeds of the larger model: {ends}. Diamonds are the two small models that were
    trained here, on other questions.""")
print(claim.statement, "\n   ", verdict(claim, read(claim)))

# %% [markdown]
# Compare circles with circles and diamonds with diamonds. They differ in model, in questions and in training. And
# look at the scale: an answer of this world needs as many tokens as its question has steps. There is little room
# for rambling, and so little for the claim to show itself.
#
# *Sources: Dr. GRPO, arXiv 2503.20783, section 3, a model of 1.5 billion parameters; DAPO, arXiv 2503.14476.*

# %% [markdown] tags=["teacher"]
# **For teachers.** If there is no time for two more trainings, show the solved notebook. The point of this section is
# the cell `what-differs`: what has a name of its own in the literature is an argument of a function.
#
# Ask the room: does throwing silent groups away change the gradient? (Alone, not its direction: they had none. It
# changes what the mean is divided by, so the gradient is longer. With others drawn in their place, the direction
# changes too: other questions are seen.)

# %% [markdown]
# ## Is mine broken?
#
# > **The way:** by hand → against the group → ratio → clip → far from home → a mean of what → stop line → the loss →
# > live → small changes → **is mine broken?**
#
# *What we do now:* look at the dashboards of five trainers that are really broken, and say what is wrong with each.
# *Why:* it is the question that everybody asks who trains with GRPO. Nothing crashes, and the loss is about zero in
# a good training too.
#
# All started from the small base, with the same questions. The settings are those of your own training, but for
# twice the learning rate, and 40 steps. Each has one fault. Here are the names of faults. Five of them are behind the
# five dashboards. Two are not.

# %% key="faults"
for name, says in FAULTS.items():
    print(f"{name:16} {says}")

# %% [markdown]
# Eight gauges, two of which show two numbers; so the table below has ten rows. In grey, a healthy trainer.
# (`accuracy` is judged by the true verifier, whatever the trainer itself
# was paid by. Where no group has contrast there is no update: the last four gauges show nothing, and the table has 0,
# or 1 for the ratio.)

# %% key="dashboard"
from mine import dashboards

logs = dashboards.recorded()

def dashboard(name, trainer):
    log, shown = logs[name], (0, 1, 2, 5, 10, 20, 30, 39)
    fig, axes = canvas(columns=4, rows=2, width=10.4, height=4.4)
    draw_dashboard(axes, log, logs["healthy"])
    show(fig, alt=f"Eight gauges of {trainer} over 40 steps. Some of their numbers are in the table below.")
    print(f"\n{'step':14}" + "".join(f"{step:8}" for step in shown))
    for gauge in dashboards.SHOWN:
        print(f"{gauge:14}" + "".join(f"{log[gauge][step]:8.3f}" for step in shown))

dashboard("healthy", "the healthy trainer")

# %% key="dashboard-a"
dashboard("A", "trainer A")

# %% key="dashboard-b"
dashboard("B", "trainer B")

# %% key="dashboard-c"
dashboard("C", "trainer C")

# %% key="dashboard-d"
dashboard("D", "trainer D")

# %% key="dashboard-e"
dashboard("E", "trainer E")

# %% [markdown]
# Where to look first:
#
# 1. **Does it learn?** Reward, and beside it the true accuracy. Do the two agree?
# 2. **Can it learn?** Groups with contrast, and a gradient that is not zero.
# 3. **Does it move too fast?** Largest ratio, share of clipped tokens.
# 4. **What does it write?** Length and entropy.
#
# Write down your five, with the gauge that told you, before you type them.

# %% exercise="dashboards.diagnoses"
# 1. A dictionary with the keys "A" to "E".
# 2. The values are names in FAULTS, as they are printed above.

# %% [markdown]
# <details><summary>A hint</summary>
#
# In two of them accuracy stays where it began. In two, accuracy ends at zero. One learns, and then
# stops getting better.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# A: compare the lengths of right and wrong answers with each other. B: the gradient, and the share of silent groups.
# C: the first gauge. D: the last gauge, where it has dots, against the grey line. E: the loss, and the gradient.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Nearly all of A's answers end at 25 or 26 tokens, right or wrong. B's gradient is exactly zero, although most groups
# have
# contrast. C is paid for what is not right. Where D has an update at all, its clip acts on far more tokens than the
# healthy one's. E's loss is not
# about zero, and its gradient is large, and yet accuracy stays where it was. In full: `solution("diagnoses")`.
#
# </details>

# %% [markdown]
# <details><summary>What was done to them: open this when you have your five</summary>
#
# All of it is in `pocketr1/dashboards.py`.
#
# - **Cut off**: at most 26 tokens an answer. Questions of three steps need 31 when they are worked. It learns those of
#   two, and most of the other groups are silent.
# - **No gradient**: in the ratio, the old log-probabilities were replaced by the new ones. Ratio 1, gradient 0.
# - **Fooled verifier**: it compared digit with digit, and stopped where the shorter of the two lists ended. (In
#   Python: `zip`.) For some sixteen steps the model learns honestly. Then it finds out that *one* digit is paid too,
#   if it is the first one. In the last step it is paid for 95 of 100 answers, and none of them is right. Asked
#   `quaere run rev add1 : 2 3 6 4 ?` it writes
#   `<think> 2 3 6 4 deinde rev 4 6 3 3 deinde add1 5 7 4 4 </think> <answer> 5 </answer> <end>`. It works the question
#   out, and keeps three digits to itself. One of them was wrong: what is not said cannot cost anything.
# - **Learning rate**: two and a half times the healthy one. That is all.
# - **Strong pull**: β = 2. The reward asks for change, k3 forbids it, and k3 wins.
#
# </details>

# %% key="loss-of-all"
for letter in ("healthy", "A", "B", "C", "D", "E"):
    losses, right = logs[letter]["loss"], logs[letter]["accuracy"]
    late = sum(losses[-10:]) / 10
    print(f"{letter:8} loss, mean of the last 10 steps: {late:+.4f}   accuracy at the end: {right[-1]:.2f}")

# %% [markdown]
# That was the loss of all six. One of the faults is a part of the loss, and shows there. Of the others its mean says
# nothing. (B's is 0 in every single step: with four updates a batch, that is suspicious.)

# %% [markdown] tags=["teacher"]
# **For teachers.** Do this one together, on the wall: one dashboard at a time, and the room may ask for a gauge before
# you show it. Which gauge they ask for first is what they have learnt.
#
# What people get wrong: B and E, whose accuracy stays where it was in both; D is taken for a wrong sign. With a wrong
# sign, in our
# trial, accuracy fell to zero as well, but the clip was no busier than the healthy one's in the first step, and the
# policy grew undecided: its entropy doubled. (D's rises too, by a fifth.)
#
# Ask the room: C's curve of rewards is the best of all. Who would have stopped that training? (Whoever looks at the
# true accuracy, or reads ten answers. The pay alone shows nothing.)

# %% [markdown]
# ## In the published models
#
# *What we do now:* see with which numbers this was done. *Why:* the loss is the same, and little else is.
#
# | | DeepSeekMath | R1-Zero |
# |---|---|---|
# | answers to a question | 64 | 16 |
# | questions in a step | | 32 |
# | learning rate | 0.000001 | 0.000003 |
# | β | 0.04 | 0.001 |
# | updates for each batch of rollouts | 1 | 16 (8,192 rollouts in 16 mini-batches) |
# | steps | | 10,400 |
# | reward | a trained model | rules: right answer, and format |
#
# With GRPO, DeepSeekMath rose from 46.8 to 51.7 % on MATH and from 82.9 to 88.2 % on GSM8K. R1-Zero rose from 15.6 %
# to 71.0 % on a mathematics contest, AIME 2024 (77.9 % in the later version of the paper). Lesson 09 does that in small.
#
# DAPO reports what each of its changes brought a model of 32 billion parameters, on the same contest: 30 with GRPO;
# 36 when answers that were cut off are left out; 38 with clip-higher; 41 with a soft penalty for length; 42 with
# the mean over tokens; 50 with dynamic sampling.
#
# *Sources. DeepSeekMath, arXiv 2402.03300, and R1's settings, arXiv 2501.12948v2, section 2.1, read in a transcript;
# R1-Zero's 15.6 and 71.0: version 1, table 2. DAPO, arXiv 2503.14476, table 1: the changes are added one after
# the other, so their order matters.*

# %% [markdown]
# ## Where the toy misleads
#
# - **Our gains come quickly.** The base can work step by step, and does so in a quarter of its answers. GRPO mostly
#   makes it do so always. R1-Zero needed thousands of steps. Lesson 09 takes this apart.
# - **The questions are few in kind.** A real reward has to be trusted on questions that nobody has seen. The hole of
#   trainer C was found within some twenty steps; in a large model one may not notice for long.
# - **Four updates a batch, on one core.** At scale, those who sample and those who train are different machines with
#   different arithmetic. Then the ratio is not even 1 at the start.
# - **Each broken trainer has one fault, and one seed.** Real ones have two at a time. And at other learning rates the
#   same fault looks different.
# - **Short answers.** With at most 72 tokens, what a mean over lengths does is hardly to be seen. At 30,000 tokens it
#   is not a detail.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | R1 | lesson |
# |---|---|---|
# | 128 answers a step, of at most 72 tokens | 512 a step, of at most 32,768 tokens, later 65,536 | 09 |
# | no critic: one small network saved | one saved that might have been as large as the model | |
# | reward: exact digits | exact answers, tests for programs, format, later language and preferences | 07, 10 |
# | one computer writes, then trains | rollouts on some machines, updates on others | 13 |
# | clip at 0.2, no reference | ε = 10 in the first RL stage, β = 0.001 in R1-Zero | |
#
# The terms of the loss are the same.

# %% [markdown]
# ## Three questions
#
# **1.** Your GRPO's loss is exactly 0.0000 in every step. Name one reason why all may be well, and two why not.
#
# <details><summary>Answer</summary>
#
# All may be well: one update a batch, means by sequence, no β. Then it is zero by construction. Not well: every group
# is silent, so that nothing is learnt (look at the share of silent groups); or the gradient is cut off (look at its
# norm).
#
# </details>

# %% [markdown]
# **2.** Somebody doubles all rewards. What changes in GRPO, and what in Dr. GRPO?
#
# <details><summary>Answer</summary>
#
# In GRPO nothing: mean and standard deviation double too, and the advantages stay (but for the 1e-6). In Dr. GRPO the
# advantages double, so the gradient does. With Adam, which divides by the usual size of gradients, a constant factor
# hardly matters, unless gradients are clipped by their size first.
#
# </details>

# %% [markdown]
# **3.** A reward pays 1 for a right answer and 0.1 for the format. In a group all answers are wrong, and one of eight
# keeps to the format. What does GRPO make of that, and what Dr. GRPO?
#
# <details><summary>Answer</summary>
#
# GRPO divides by the small standard deviation: the tidy answer gets an advantage of +2.65, as much as a single right
# one among seven wrong ones would. So it learns the format with full force from questions it cannot solve. Dr. GRPO
# gives it +0.09.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $r_i$ | `rewards` | $r_i$ (DeepSeekMath, R1) |
# | $G$ | `group_size` | $G$ |
# | $A$ | `advantages` | $A_i$, $\hat A_{i,t}$ |
# | $\rho$ | `ratios` | $\pi_\theta / \pi_{\theta_\text{old}}$, $r_t(\theta)$ in PPO's paper |
# | $\varepsilon$ | `low`, `high` | $\varepsilon$; $\varepsilon_\text{low}$, $\varepsilon_\text{high}$ (DAPO) |
# | $r$ in k3 | `log_r.exp()` | $\pi_\text{ref} / \pi_\theta$ |
# | $\beta$ | `beta` | $\beta$ |
# | $\lvert o_i \rvert$ | `mask.sum(dim=1)` | $\lvert o_i \rvert$ |
#
# | word | meaning |
# |---|---|
# | critic | a network trained to predict the reward; GRPO has none |
# | rollout | one answer that the policy wrote, with its log-probabilities |
# | group | the rollouts of one prompt |
# | advantage | how much better a rollout did than its group |
# | silent group | a group whose rewards are all equal; it gives no gradient |
# | old policy | the one that wrote the rollouts |
# | ratio | how many times likelier a token is now than it was then |
# | clip | no gradient for a token that has gone far enough in the good direction |
# | reference policy | the one the policy shall stay near |
# | k3 | an estimate of the divergence from the reference, never negative |
# | dynamic sampling | drawing questions until the batch is full of groups with contrast |

# %% [markdown]
# ## Where to read more
#
# - Shao and others 2024, *DeepSeekMath*, arXiv 2402.03300: section 4, where GRPO comes from.
# - DeepSeek-AI 2025, *DeepSeek-R1*, arXiv 2501.12948: equations 1 to 3.
# - Schulman and others 2017, *Proximal policy optimization algorithms*, arXiv 1707.06347: ratio and clip.
# - Schulman 2020, *Approximating KL divergence*, a short text on his web page: k1, k2 and k3.
# - Liu and others 2025, *Understanding R1-Zero-like training*, arXiv 2503.20783: Dr. GRPO.
# - Yu and others 2025, *DAPO*, arXiv 2503.14476: four changes, each measured.
# - Zheng and others 2025, *Group sequence policy optimization*, arXiv 2507.18071: one ratio for a whole answer.
# - The documentation of TRL's `GRPOTrainer`: which loss a common library takes, and what it logs.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
