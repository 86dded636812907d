# %% [markdown]
# Every model of this course has learned by imitation so far. It read a text, and at each word it was told
# which word came next. For that, somebody must have written the text.
#
# But think of a hard sum. You may not know how to get there, and still you can tell whether an answer is
# right. A program can be tried out. A proof can be checked. **To judge is often easier than to do.**
#
# In this lesson a model learns from judgement alone. It answers, a few lines of code say *right* or
# *wrong*, and what was right becomes likelier. Nobody ever shows it a right answer. You write all of it:
# the judge, the gradient, what makes the gradient less noisy. Then you see a model that is paid by a judge
# with a hole, and what it makes of the hole.
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# There are **two sittings**, of about 65 and 45 minutes, with a stop line between them.

# %% key="setup"
import inspect
import math
import random
from collections.abc import Callable, Sequence
from itertools import islice

import torch
from torch import Tensor

from pocketr1.programs import STEP_LIMIT, Digits, ProgramError, run_operation
from pocketr1.workbook import begin, check, explore, load_model, predict, progress, recall, show, steps, watch
from pocketr1.workbook.diagrams import draw_triangle
from pocketr1.workbook.figures import LOOKS, canvas, colours, draw_curves, draw_matrix
from pocketr1.workbook.widgets import Choice, Slider
from pocketr1.worlds import Problem
from pocketr1.worlds.vocabulary import ANSWER, END, END_ANSWER, REARRANGING

begin("07_policy_gradients", globals())

# %% [markdown]
# ## First, two predictions
#
# **One.** A model is asked questions whose answers are four digits. It is paid whenever its four digits are
# the right ones *in any order*: somebody forgot to compare the order. It is trained on this pay for half a
# minute or so. What becomes of its pay? And of the share of its answers that are really right?
#
# **Two.** A question has ten possible answers. Somebody guesses, 64 times. How likely is it that one guess
# at least is right?
#
# Write your guesses in place of the dots.

# %% key="predict-hole"
predict("hole", "...")

# %% key="predict-guesses"
predict("guesses", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening 3, by hand 7, answers 12, programs 16, a bandit 10, the noise
# 16. Second sitting: sampled words 10, right or wrong 5, many tries 10, the hole 14, the rest 7. That is 110 in
# all; with the four core exercises alone (`exact_reward`, `reinforce_loss`, `subtract_baseline`,
# `token_logprobs`) about 75. Run all cells of *many tries* and of *right or wrong* even so: *the hole* uses their
# models.
#
# Ask for the first prediction by a show of hands: does the share of right answers rise, stay, or fall? Many
# say that it rises more slowly. Write down the counts, and do not answer: *the hole* does. (Pay rises to 0.8 and
# more, and right answers fall.)

# %% [markdown]
# ## By hand
#
# > **The way:** **by hand** → answers → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* learn from one number. *Why:* it is the whole idea, and three arms are enough to see it.
#
# You stand before a machine with three levers, called **arms**. Pulling an arm pays something. Such a
# machine is a **bandit**. You have habits: you pull arm 1 half of the time, arms 2 and 3 a quarter each.
# Habits like these, chances of what to do next, are a **policy**. You want habits that pay.
#
# Arm 1 pays 0, arm 2 pays 1, arm 3 pays 0.5. What do your habits earn, on average? Each pay counts as often
# as its arm is pulled: $0.5·0 + 0.25·1 + 0.25·0.5 = 0.375$. This mean is the **expected reward**, $E[r]$.

# %% key="by-hand"
policy, pays = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.0, 1.0, 0.5])
expected = (policy * pays).sum()
print("expected reward:", expected.item())

# %% [markdown]
# How should the habits change? The policy is a softmax over three logits, one for each arm. So we ask for
# the gradient of $E[r]$ with respect to the logits. There is a short formula for it: the gradient at arm
# $a$ is
#
# $$p_a \, (r_a - E[r])$$
#
# An arm that pays more than the mean gets a larger logit, and the others smaller ones. Do not take it on
# trust: PyTorch can work out the gradient too.

# %% key="exact"
logits = policy.log().requires_grad_()
(by_pytorch,) = torch.autograd.grad((logits.softmax(dim=-1) * pays).sum(), logits)
by_formula = policy * (pays - expected)
print("by the formula:", by_formula.tolist())
print("the same by PyTorch:", torch.allclose(by_pytorch, by_formula))

# %% [markdown]
# But this needs the pay of **all** arms. Who learns from answers pulls one arm, and hears what *that* one
# paid. Of the others they hear nothing.
#
# Here is the trick. After a pull, make the arm that was pulled likelier, and do it **as strongly as it
# paid**. "Make it likelier" means: follow the gradient of the logarithm of its probability. For a softmax
# that gradient is 1 at the arm that was pulled and 0 elsewhere, less the policy. In the table each row is a
# pull, and what it does to the logits.

# %% key="pushes"
pushes = pays[:, None] * (torch.eye(3) - policy) + 0.0  # + 0.0 turns -0 into 0
arms = ["arm 1", "arm 2", "arm 3"]
fig, [ax] = canvas(width=5.2, height=3.1)
rows = [f"{arm} pulled, pays {pay:g}" for arm, pay in zip(arms, pays.tolist(), strict=True)]
draw_matrix(ax, pushes, rows, [f"logit {number}" for number in (1, 2, 3)], decimals=3)
show(fig, alt="""A table: what one pull does to the three logits. Arm 1 pays 0 and changes nothing. Arm 2
    pays 1: minus 0.500, plus 0.750, minus 0.250. Arm 3 pays 0.5: minus 0.250, minus 0.125, plus 0.375.""")

# %% [markdown]
# Not one of these rows is the gradient that we want. Their **mean** is, if each counts as often as its arm
# is pulled.

# %% key="pushes-mean"
print("mean of the pushes:", (policy @ pushes).tolist())
print("the exact gradient:", by_formula.tolist())

# %% [markdown]
# So one can follow the gradient of the expected reward, **knowing nothing of the arms but what each pull
# paid**. No gradient goes through the machine: it may be a lever, a person, or a program. In symbols, with
# $\pi$ for the policy and $x$ for what was drawn from it:
#
# $$\nabla E[r] = E\big[\, r(x) \, \nabla \log \pi(x) \,\big]$$
#
# This is Williams' REINFORCE, of 1992. All methods of lessons 08 to 10 grow from this line.

# %% [markdown] tags=["teacher"]
# **For teachers.** Ask the room: why does the row of arm 1 not push arm 1 *down*? It paid nothing, after
# all. (Because the reward multiplies: with 0 there is no push. It will lose all the same, since the others
# gain. Section *the noise* returns to this: what counts as zero is arbitrary, and that is the point of a
# baseline.)
#
# The proof for whoever asks: $\nabla \sum_x \pi(x) r(x) = \sum_x r(x) \nabla \pi(x)$, and
# $\nabla \pi = \pi \nabla \log \pi$.

# %% [markdown]
# ## Answers that can be checked
#
# > **The way:** by hand → **answers** → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* write the judge. *Why:* whatever it pays is what the model will do.
#
# In the world of this course (lesson 03) a model reads `find run rev add3 : 4 8 2 1 ?`, and should find out
# what the program `rev add3` makes of the list 4 8 2 1: turn it round, then add 3 to each digit. Right is 4
# 5 1 7. These words are a right completion:
#
# > `<think> 4 8 2 1 then rev 1 2 8 4 then add3 4 5 1 7 </think> <answer> 4 5 1 7 </answer> <end>`
#
# So is `<answer> 4 5 1 7 </answer> <end>`, without any thinking: we pay for the answer, not for the way.
#
# **A question on the way.** Which of these would you pay?
#
# <details><summary>(a) <code>&lt;answer&gt; 4 5 1 7 &lt;/answer&gt; &lt;answer&gt; 0 0 0 0 &lt;/answer&gt; &lt;end&gt;</code></summary>
#
# Pay it, and the model learns to answer twice, then a hundred times. More answers are more guesses.
#
# </details>
# <details><summary>(b) <code>&lt;think&gt; 4 5 1 7 &lt;/think&gt; &lt;answer&gt; 9 9 9 9 &lt;/answer&gt; &lt;end&gt;</code></summary>
#
# The right digits are there, but the answer is wrong. A judge that looks for the digits *anywhere* pays
# whoever writes down many lists.
#
# </details>
# <details><summary>(c) <code>&lt;answer&gt; 4 5 1 7 &lt;/answer&gt;</code>, cut off there because the text was too long</summary>
#
# The answer is right, but the model did not end. What would it have gone on to write? Perhaps another
# answer. We do not pay what is not finished.
#
# </details>
# <details><summary>(d) None of them.</summary>
#
# Right. It looks hard-hearted. But a model tries thousands of completions, and keeps what pays. **Forgive a
# slip once, and it becomes a habit.**
#
# </details>

# %% exercise="rewards.exact_reward"
# 1. Find the first <answer>. If there is none, pay 0.0: `index` would stop with an error.
# 2. Take everything from there on. It has to be: <answer>, the wanted words, </answer>, <end>.
# 3. Compare tuples with tuples. Return 1.0 or 0.0, not True or False.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `"<answer>" in completion` says whether it is there, `completion.index("<answer>")` where. What must
# follow can be written down in full: `("<answer>", *wanted, "</answer>", "<end>")`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# You need no search for the closing tag. Compare `completion[start:]` with the tuple above. Everything that
# is wrong (a second answer, a missing end, a digit too many) makes them unequal.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("exact_reward")`. Look at how little it forgives, and at the one line that keeps it from
# stopping with an error.
#
# </details>

# %% key="paid"
from mine import rewards

wanted = ("4", "5", "1", "7")
for text in (
    "<answer> 4 5 1 7 </answer> <end>",
    "<think> 4 8 2 1 then rev 1 2 8 4 then add3 4 5 1 7 </think> <answer> 4 5 1 7 </answer> <end>",
    "<answer> 4 5 1 7 </answer> <answer> 0 0 0 0 </answer> <end>",
    "<think> 4 5 1 7 </think> <answer> 9 9 9 9 </answer> <end>",
    "<think> > > tot </think> 4 5 1 7 <end>",
):
    print(rewards.exact_reward(tuple(text.split()), wanted), "for", text)

# %% [markdown]
# From here on, your function pays: in this lesson, and in the trainings of lessons 08 to 11.
#
# Let the small base model answer a question eight times. It has read documents, and nothing else. (The
# words are drawn by a fast writer, which the course has beside the model; a cell below shows that it writes
# the same words.)

# %% key="eight-answers"
from mine import fast_writing, generation, rewards, rollouts, worlds


def answers(model, questions, each, seed, paid=None):
    """Let a model answer each question `each` times; `paid` are rewards by name, with their weights."""
    dice, sampling = torch.Generator().manual_seed(seed), generation.Sampling(64)
    writer = fast_writing.FastWriter(model)
    return rollouts.roll_out(writer, questions, each, paid or rewards.ACCURACY, sampling, dice)

question = worlds.problems("run", 2, 1, seed=3, language="english")
eight = answers(load_model("small-base"), question, 8, seed=2)
print(*question[0].prompt, "  right:", *question[0].answer)
for reading, reward in zip(eight.readings, eight.rewards.tolist(), strict=True):
    print(reward, *reading.completion)

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they look for the digits anywhere; they take the first answer, or
# the last; they forgive a missing `</answer>`; and many stop with an error on junk, which would end a
# training after an hour. All are named by the check.
#
# Ask the room: would you pay half for three right digits of four? (One can. It is easier to learn from, and
# easier to live on: a model may stay where half is paid. DeepSeek-R1's accuracy reward for mathematics is
# right or wrong.)

# %% [markdown]
# ## Programs that can be run
#
# > **The way:** by hand → answers → **programs** → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* run what a model wrote. *Why:* the other kind of answer that can be checked is a
# program. There are many right ones, so one cannot compare words. One runs it on tests, and looks at what
# it makes.
#
# A question of this kind is `find write 4 8 2 1 > 4 5 1 7 , 0 3 3 9 > 2 6 6 3 ?`: write a program that
# makes the second list of the first, twice. `rev add3` does, and so does `add1 rev add2`.
#
# Running a stranger's program is dangerous, and a model in training is a stranger that tries everything.
#
# - **Never let text become Python.** `eval` would run whatever stands there. Here a word is looked up in a
#   table of twelve operations, and a word that is not in it is refused.
# - **Limit the time.** In this language `again` runs all that stands before it once more. `add1` and 63
#   times `again` would take nearly $2^{64}$ steps.
# - **Limit the size.** `dup` writes the list twice. Forty of them make a list of four million million
#   digits.
#
# `run_operation(name, list)` carries out one word. It guards the size and refuses unknown words, by raising
# `ProgramError`. The loop and the limit on time are yours.

# %% exercise="programs.run_program"
# 1. Start from the given list as a tuple, with no step done.
# 2. Keep the places of the words that are still to be carried out: at first all of them, in order.
# 3. Take the first place off, and count a step. More than STEP_LIMIT: raise ProgramError, with a message.
# 4. Is the word there `again`? Then put all places before it in front of what is still to be done.
# 5. Otherwise let run_operation make a new list of the old one. When nothing is left to do, return the list.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `to_do = list(range(len(program)))` are the places. `to_do.pop(0)` takes the first one off. The loop goes
# on `while to_do`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# For `again` at the place 3, the places 0, 1 and 2 come next: `to_do[:0] = range(place)` puts them in
# front. If one of them holds an `again`, it will do the same when its turn comes. Nothing special is needed
# for it.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("run_program")`. Note where the step is counted: at every turn of the loop, before anything
# is carried out. So no word can be free.
#
# </details>

# %% key="hostile"
from mine import programs

for text in ("rev add3", "rot again", "add1" + " again" * 63, "dup dup dup", "__import__('os')", "rev 4"):
    try:
        print(f"{text[:24]:24} makes", programs.run_program(text.split(), (4, 8, 2, 1)))
    except programs.ProgramError as refused:
        print(f"{text[:24]:24} is refused: {refused}")

# %% [markdown]
# Now tests. How many does one need? Here a list is to be turned round, and the first test is an unlucky
# one.

# %% key="one-test"
tests = [((4, 8, 8, 4), (4, 8, 8, 4)), ((0, 3, 3, 9), (9, 3, 3, 0))]
for text in ("rev", "rot rot rot rot"):
    passed = [programs.run_program(text.split(), given) == made for given, made in tests]
    print(f"{text:16} passes {passed}")

# %% [markdown]
# `rot rot rot rot` does nothing at all, and passes the first test. **A program is only held to what is
# tested.** On real benchmarks some tests are shown and others hidden. Whoever trains on the shown ones
# alone pays programs that print the expected output and compute nothing.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: `again` repeats only the word before; an inner `again` is left
# out; `again` is not counted, so that the limit does not hold; and at the limit the list so far is
# returned, which may by luck be the right one.
#
# Ask the room: our interpreter is safe because the language is tiny. What would you do for real Python?
# (Another process, with limits on time, memory, files and network, better another machine. "We only run it
# on tests" is no protection.)

# %% [markdown]
# ## A bandit
#
# > **The way:** by hand → answers → programs → **a bandit** → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* turn rewards into a loss. *Why:* PyTorch's optimisers want a loss to make small.
#
# The trick from above, as a loss: $-\,r \cdot \log \pi(x)$, averaged over the samples. Its gradient is
# minus the mean of the pushes. The loss itself says nothing of how good the policy is; only its gradient
# matters.
#
# Write it for completions at once, not for arms only. A completion is many tokens, and the probability of
# the whole is the product of all. So its logarithm is a **sum**. In place of the reward stands an
# **advantage**: the reward, perhaps with something taken away, which the next section explains. `mask` says
# which tokens were really sampled. An arm is a completion of one token.

# %% exercise="policy_gradient.reinforce_loss"
# 1. Leave out what was not sampled, and add up the log-probabilities of each completion.
# 2. Multiply each sum by its advantage. The advantages are numbers: no gradient goes into them.
# 3. Take the mean over all samples, and turn the sign round.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `logprobs * mask` sets to zero what was not sampled. `.sum(dim=1)` adds up along the tokens. `.detach()`
# cuts a gradient off (lesson 01).
#
# </details>
# <details><summary>A bigger hint</summary>
#
# After the sum, both are of shape [batch], so they can be multiplied as they are. `.mean()` counts all
# samples, also those that earned nothing. That is meant.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("reinforce_loss")`: two lines. Look at what is detached, and what is not.
#
# </details>

# %% [markdown]
# Does it have the right gradient? Pull the three arms of before many times, and compare with the formula.

# %% key="estimate"
from mine import policy_gradient, sampling


def pull(logits, count, seed):
    """Draw arms from the policy: their numbers, and the log-probabilities of what was drawn, [count, 1]."""
    dice = torch.rand(count, generator=torch.Generator().manual_seed(seed))
    pulled = sampling.sample_inverse_cdf(logits.detach().softmax(dim=-1).expand(count, -1), dice)
    return pulled, logits.log_softmax(dim=-1)[pulled].unsqueeze(1)

def gradient(logits, pays, count, seed):
    pulled, logprobs = pull(logits, count, seed)
    loss = policy_gradient.reinforce_loss(logprobs, pays[pulled], torch.ones(count, 1, dtype=torch.bool))
    return -torch.autograd.grad(loss, logits)[0]

def told(numbers):
    return ", ".join(f"{number:+.2f}" for number in numbers.tolist())

print("exact:         ", told(by_formula))
for count in (10, 1_000, 100_000):
    print(f"{count:7} pulls: ", told(gradient(logits, pays, count, seed=0)))

# %% [markdown]
# With many pulls it comes out. With ten it is a rough guess. That is enough to learn from, if the steps are
# small: the errors of many steps cancel.
#
# Now let it learn. The arms of this machine pay 1 or nothing, by chance: arm 1 in 20 of 100 pulls, arm 2 in
# 80, arm 3 in 50. Each point of the triangle is a policy. The middle pulls all arms equally often; in a
# corner only one arm is pulled.

# %% key="bandit-figure" exempt="a learning policy multiplies rounding errors"
payouts = torch.tensor([0.2, 0.8, 0.5])
paths = {}
for batch in (2, 64):
    run = policy_gradient.train_bandit(payouts, 200, batch, 0.5, baseline=False, seed=3)
    paths[f"{batch} pulls a step"] = torch.stack([record.probabilities for record in run])
fig, [left, right] = canvas(columns=2, width=9.4, height=3.9)
draw_triangle(left, paths, ["arm 1 pays 0.2", "arm 2 pays 0.8", "arm 3 pays 0.5"])
earns = {name: (path @ payouts).tolist() for name, path in paths.items()}
draw_curves(right, range(200), earns, across="step", up="expected reward")
right.axhline(0.8, color=colours.grey, linestyle=":", marker="")
right.set_ylim(0.4, 0.85)
said = "; ".join(f"with {name} it ends at {earns[name][-1]:.2f}" for name in earns)
show(fig, alt=f"""Left, a triangle with an arm at each corner: two policies start in the middle and
    end near arm 2. With two pulls a step the path is crooked, with 64 it is smooth. Right, what they earn over 200 steps, from 0.50 on: {said}.
    The best possible is 0.80.""")

# %% [markdown]
# **A question on the way.** Somebody leaves the logarithm out: the loss is $-\,r \cdot \pi(x)$. What goes
# wrong?
#
# <details><summary>(a) Nothing: where the logarithm is larger, the probability is larger too.</summary>
#
# Both rise together, so each single push has the right direction. But the *mean* of the pushes is what we
# follow, and it is another one.
#
# </details>
# <details><summary>(b) What is likely counts twice, so that habits win over pay.</summary>
#
# Right. A likely arm is pulled more often, and now each of its pulls also pushes more strongly, in
# proportion to $\pi$. The logarithm's gradient, $\nabla \pi / \pi$, divides by just that. Without the
# division, a good arm that is seldom tried would hardly ever come up.
#
# </details>
# <details><summary>(c) The probabilities no longer sum to one.</summary>
#
# They do: they come from a softmax, whatever its logits are.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `reinforce_loss`: the sign; they detach the log-probabilities
# in place of the advantages, and nothing is learned at all; they average over rewarded samples only; they
# average over tokens, which is GRPO's choice and has consequences of its own (lesson 08).
#
# Ask the room: the crooked path of two pulls a step sometimes goes the wrong way. Could it end in the wrong
# corner for good? (Yes: near a corner the other arms are hardly ever pulled, so nothing is heard of them.
# Let them try seeds and learning rates with the widget at the end.)

# %% [markdown]
# ## The noise
#
# > **The way:** by hand → answers → programs → a bandit → **the noise** → stop line → sampled words → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* the same gradient with less noise. *Why:* noise is what makes learning from rewards
# slow.
#
# Suppose that the arms pay 1, 2 and 1.5, so that each pays 1 more than before. Every pull is now followed by a
# strong push, *do that again*, for a bad arm as well. On average it is all the same, since the good arm is
# pushed still more. But the strong pushes have to cancel first.
#
# It would be better to hear only **how much better than usual** a pull was. So take away a **baseline**:
# what the *other* samples of the batch earned on average.
#
# May one do that? The baseline of a sample must not depend on that sample. Then it multiplies
# $\nabla \log \pi(x)$, and the mean of that is zero: what makes one arm likelier makes the others less
# likely.

# %% key="mean-of-logs"
print("mean of the gradients of log π:", (policy @ (torch.eye(3) - policy)).tolist())

# %% exercise="policy_gradient.subtract_baseline"
# 1. Cut the rewards off from any gradient.
# 2. For each sample: the sum of all rewards without its own.
# 3. Divide by the number of the others, and take that from its reward. One sample alone keeps its reward.

# %% [markdown]
# <details><summary>A hint</summary>
#
# The sum of the others is `rewards.sum() - rewards`, for all samples at once.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# With G samples there are G - 1 others. With one sample that is 0, and 0 divided by 0 is not a number:
# `max(len(rewards) - 1, 1)` helps, since the sum of the others is 0 then.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `rewards = rewards.detach()`, `others = max(len(rewards) - 1, 1)`, then `return rewards - (rewards.sum() -
# rewards) / others`. In full: `solution("subtract_baseline")`.
#
# </details>

# %% key="rewards-and-advantages"
from mine import policy_gradient

print("1, 0, 0 becomes   ", policy_gradient.subtract_baseline(torch.tensor([1.0, 0, 0])).tolist())
print("11, 10, 10 becomes", policy_gradient.subtract_baseline(torch.tensor([11.0, 10, 10])).tolist())

# %% [markdown]
# *Leave the sample itself out?* If one takes the mean of **all**, the sample's own reward is in its
# baseline. Then every advantage comes out smaller by the factor $1 - 1/G$, and the direction is the same.
# GRPO does it so. With the own one left out, the mean is exactly right.
#
# How much does it help? Take 400 batches of eight pulls, at the same policy. Each gives a gradient. Each
# dot below is one of them, drawn by the pushes that it gives to arm 1 and to arm 2.

# %% key="cloud"
def losses(pays, baseline):
    """A loss for each number of a batch, at the policy of `logits`."""
    def loss_of_batch(number):
        pulled, logprobs = pull(logits, 8, seed=number)
        earned = policy_gradient.subtract_baseline(pays[pulled]) if baseline else pays[pulled]
        return policy_gradient.reinforce_loss(logprobs, earned, torch.ones(8, 1, dtype=torch.bool))
    return loss_of_batch

pays = torch.tensor([1.0, 2.0, 1.5])
clouds = {
    name: -torch.stack([torch.autograd.grad(losses(pays, use)(number), logits)[0] for number in range(400)])
    for name, use in (("no baseline", False), ("with a baseline", True))
}
exact = policy * (pays - (policy * pays).sum())
print("exact:", told(exact))
for name, cloud in clouds.items():
    print(f"the first batch, {name}:", told(cloud[0]))

# %% key="cloud-figure"
fig, axes = canvas(columns=2, width=9, height=3.8)
for ax, (name, cloud) in zip(axes, clouds.items(), strict=True):
    ax.plot(cloud[:, 0], cloud[:, 1], linestyle="", marker="o", markersize=5, alpha=0.3, color=colours.blue)
    ax.axvline(exact[0], color=colours.vermillion, ls="--", lw=1.2, marker="", label="exact")
    ax.axhline(exact[1], color=colours.vermillion, ls="--", lw=1.2, marker="")
    ax.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xlabel="push to arm 1", ylabel="push to arm 2", title=name)
    ax.legend(loc="lower left")
spread = [cloud.std(dim=0).max().item() for cloud in clouds.values()]
show(fig, alt=f"""Two clouds of 400 gradients around the same exact gradient. Without a baseline they are
    scattered widely: the standard deviation of the push to one arm is up to {spread[0]:.2f}. With
    a baseline all lie close to the exact one, with {spread[1]:.2f}.""")

# %% [markdown]
# The same middle, another cloud. To say it in a number, write the measuring instrument: the mean gradient
# of many batches, and how far a batch is from it. It has to hold the policy still while it measures.

# %% exercise="policy_gradient.gradient_variance"
# 1. For the numbers 0, 1, 2, ... of the batches: the gradient of loss_of_batch(number) for the parameter.
# 2. The mean of these gradients.
# 3. For each gradient the squared distance from that mean, added up over all its numbers; then their mean.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `torch.autograd.grad(loss, parameter)` returns a tuple with one gradient, and leaves `parameter.grad`
# alone. `torch.stack` makes one tensor of a list of them.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `(gradients - mean).square()` has the shape [batches, ...]. `.flatten(1).sum(dim=1)` adds up all numbers
# of each batch, whatever the shape of the parameter. Then `.mean()`, and `.item()` for a plain number.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("gradient_variance")`. There is no step of an optimiser in it: what is measured stays where
# it is.
#
# </details>

# %% key="variances"
from mine import policy_gradient


def measured(pays, baseline):
    mean, variance = policy_gradient.gradient_variance(losses(pays, baseline), logits, 1500)
    far = (-mean - policy * (pays - (policy * pays).sum())).abs().max().item()
    return variance, far / (variance / 1500) ** 0.5  # how far off, in units of what luck explains

print("the arms pay         variance: plain   with baseline   both means are right")
for pays in (torch.tensor([0.0, 1.0, 0.5]), torch.tensor([1.0, 2.0, 1.5]), torch.tensor([10.0, 11.0, 10.5])):
    (plain, off), (less, off_too) = measured(pays, False), measured(pays, True)
    print(f"{str(pays.tolist()):20} {plain:15.3f} {less:15.3f} {off < 3 and off_too < 3!s:>22}")

# %% [markdown]
# **The mean stays, and the variance falls.** With the baseline the three machines are one and the same:
# adding 1 or 10 to every pay changes nothing. Without it, the variance grows with the square of what the
# machine pays anyway.
#
# It helps less where there is less to take away: with pays of 0, 1 and 0.5, whose mean is 0.375, the variance
# falls to about 0.4 of what it was, and with pays around 10 to about a thousandth. A language model that is
# right once in fifty tries has next to nothing to take away.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `subtract_baseline`: their own reward is in it; it is divided
# by G, not G - 1; one sample alone gives `nan`; and the rewards carry a gradient. In `gradient_variance`:
# the variance of the *loss*, and `.backward()` that adds up.
#
# Ask the room: is the mean of the others the best baseline? (No. The one with the least variance weighs
# each reward by the square of the gradient's size; see Greensmith and others 2004. The mean is simple, and
# nearly as good. A learned one, that looks at the question, is what a critic is.)

# %% [markdown]
# ## Stop line
#
# This is the end of the first sitting. You have a judge, a loss and a baseline, and a bandit that learns.
# Come back any time: run the set-up cell, then the cell with the eight answers (at the end of *Answers that can
# be checked*), whose `answers` is used again, and go on here.

# %% [markdown]
# ## Sampled words
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → **sampled words** → right or
# > wrong → many tries → the hole → a bandit to play with
#
# *What we do now:* go from arms to words. *Why:* a language model is a bandit with as many arms as it has
# words, and another policy at each place of the text.
#
# What the loss needs is the log-probability of each word that was sampled. The model gives logits at every
# position of question and answer together. Three things have to be right:
#
# - **Logits speak of the next word.** Those at one position say how likely the word *after* it is. The
#   first word of the answer is foretold by the last word of the question.
# - **Only what was sampled counts.** Nobody chose the question. But the end word was chosen: to stop in
#   time has to be learned, too.
# - **The temperature belongs to the policy.** If the words were drawn from the softmax of logits divided by
#   $T$, that is the policy whose gradient we follow.

# %% exercise="policy_gradient.token_logprobs"
# 1. Which positions foretell the new tokens? As many as there are new ones, each one place before its token.
# 2. Divide their logits by the temperature, and turn them into log-probabilities over the vocabulary.
# 3. Pick the sampled token's number at each position.

# %% [markdown]
# <details><summary>A hint</summary>
#
# With four new tokens, the last four positions are the new tokens' own. You need the four that end one
# earlier: `logits[:, -5:-1]`.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `log_softmax(dim=-1)` gives log-probabilities. `gather(-1, completions.unsqueeze(-1))` picks one number
# along the last axis, which is then of length 1: `squeeze(-1)`. (Lesson 01 has it by hand.)
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `new = completions.shape[1]`, `predicting = logits[:, -new - 1 : -1] / temperature`, then `log_softmax`,
# `gather` and `squeeze`. In full: `solution("token_logprobs")`.
#
# </details>

# %% [markdown]
# Look at one answer of the small model, word by word. How likely was each word, when it was drawn?

# %% key="chosen-words" exempt="the probabilities of a trained model, in their last digit"
from mine import rollouts, worlds

small = load_model("small-base")
question = worlds.problems("run", 2, 1, seed=3, language="english")
eight = answers(small, question, 8, seed=2)
with torch.no_grad():
    logprobs = rollouts.policy_logprobs(small, eight)  # here your token_logprobs is called
row = int(eight.lengths.argmax())
words = eight.readings[row].completion
chances = logprobs[row].exp()[: len(words)].tolist()
fig, [ax] = canvas(width=9.6, height=2.8)
ax.bar(range(len(words)), chances, color=colours.sky, edgecolor="black")
ax.set_xticks(range(len(words)), words, rotation=70)
ax.set(ylabel="probability", ylim=(0, 1.05))
said = ", ".join(f"{word} {chance:.2f}" for word, chance in zip(words, chances, strict=True))
show(fig, alt=f"The probability of each word of one answer, at the moment it was drawn: {said}.")

# %% key="same-as-sampled"
same = torch.allclose(logprobs * eight.mask, eight.logprobs, atol=1e-4)
print("the same log-probabilities as those kept while writing:", same)
greedy = generation.Sampling(64, temperature=0.0)
prompt = [worlds.VOCABULARY.encode(eight.problems[0].prompt)]
tokens = [
    generation.generate(writer, prompt, greedy, torch.Generator()).tokens
    for writer in (small, fast_writing.FastWriter(small))
]
print("the fast writer writes what your model writes:", torch.equal(*tokens))

# %% [markdown]
# Most words are foregone conclusions: a tag, or a digit that is copied. A few are decisions. The first word
# is one of them: `<answer>` at once, or `<think>`? The gradient of a word that was nearly certain is nearly
# zero. So **a reward for the whole answer reaches the few words where something was decided**, without
# anybody saying which.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: off by one, by far the commonest, and it does not crash: the
# model learns nonsense. Then: the temperature is forgotten; the end word is left out, and answers never
# end.
#
# Ask the room: the reward of an answer goes to *all* its words alike, also to a right step in an answer
# that is wrong in the end. Why does it work? (On average over many answers, a right step is followed by
# right answers more often. It is slow, and that is a cost of having only one number for an answer.)

# %% [markdown]
# ## Right or wrong
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → sampled words → **right or
# > wrong** → many tries → the hole → a bandit to play with
#
# *What we do now:* let a language model learn from your judge. *Why:* all parts are there. This is the
# loop:

# %% key="the-loop"
from mine import reinforce

source = inspect.getsource(reinforce.train_reinforce)
print(source[source.index("    optimizer") : source.index("        yield")].rstrip())

# %% [markdown]
# The questions are programs of three words that only move digits around: `rev` turns the list round, `rot`
# moves the first digit to the end, `swap` exchanges the first two. All questions are from the training
# side; the test side is kept for later. Each step has 16 questions with 8 answers each.

# %% key="questions"
from mine import worlds


def moving(seed, count=16, split="train"):
    """Questions whose programs have three words that only move digits."""
    stream = worlds.stream_of_problems("run", 3, random.Random(seed), split)
    return list(islice((problem for problem in stream if set(problem.steps) <= set(REARRANGING)), count))

for problem in moving(0, 3):
    print(*problem.prompt, "  right:", *problem.answer)

# %% key="control" exempt="trained floats differ between CPUs"
from mine import reinforce, rewards


def train(model, paid, count, start=0):
    """The same questions and dice for every training; only model and pay differ."""
    def questions(step):
        return moving(1000 + start + step)
    plan, pay = reinforce.ReinforcePlan(steps=count), {"paid": (1.0, paid)}
    return reinforce.train_reinforce(model, questions, pay, plan, 0, fast_writing.FastWriter)

count = steps(32)
honest = load_model("small-base")
control = watch(
    train(honest, rewards.correctness, count),
    count,
    {"right": "share of right answers", "worked": "share that works", "length": "tokens"},
    alt="A model learns from right or wrong alone: right answers, worked ones, and length over the steps.",
)

# %% [markdown]
# It has seen no right answer, no example, no hint. It was told 1 or 0. In our runs right answers became
# commoner, and with them the working step by step, since that is what led to right answers more often.
# (That the model *can* work step by step, it had read in its documents. Lesson 09 looks into this.)

# %% [markdown]
# ## Many tries
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → **many tries** → the hole → a bandit to play with
#
# *What we do now:* measure a model that answers differently each time. *Why:* one try tells little, and
# many tries can flatter.
#
# **pass@k** is the chance that at least one of $k$ answers is right. To measure it, let the model answer
# $n$ times, more often than $k$. Say that $c$ of them are right. Then ask: of all ways to pick $k$ of the
# $n$ answers, which share has a right one in it? It is 1 less the share that has none:
#
# $$1 - \binom{n-c}{k} \Big/ \binom{n}{k}$$
#
# Then take the mean over questions. `math.comb(n, k)` counts the ways.

# %% exercise="evaluation.pass_at_k"
# 1. Refuse a k that is not possible: raise ValueError unless 1 <= k <= samples.
# 2. For each problem: the share of all sets of k samples that hold no right one.
# 3. Take the mean of these shares over the problems, and that from 1.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `correct` has one number for each problem: how many of its samples were right. `math.comb(5, 7)` is 0, so
# too few wrong answers need no case of their own.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `missed = [math.comb(samples - right, k) / math.comb(samples, k) for right in correct]`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("pass_at_k")`. There is a tempting shortcut, $1 - (1 - c/n)^k$. It comes out too low: it
# draws answers as if it put each one back.
#
# </details>

# %% key="two-of-four"
from mine import evaluation

print("1 right of 4, two tries: ", evaluation.pass_at_k([1], 4, 2))
print("the shortcut would say:  ", 1 - (1 - 1 / 4) ** 2)
print("ten possible answers, blind guessing:")
for k in (1, 8, 64):
    print(f"  {k:2} tries: {evaluation.chance_pass_at_k(10, k):.3f}")
recall("guesses")

# %% [markdown]
# **Whoever may guess 64 times among ten answers is right 999 times in 1,000, and knows nothing.** A test
# with few possible answers cannot be used with many tries. That is why questions about digits have 10,000
# possible answers in this world. Keep the line of guessing in every such chart.
#
# Be strict with it. The questions of *this* lesson only move digits around. A guesser who has noticed that
# has at most 24 orders of the four digits to choose from. So the chart has a line for 24, too.
#
# Here are the base model and the trained one, on 32 questions of the test side, 64 answers each.

# %% key="passes" exempt="trained floats differ between CPUs"
from mine import evaluation

tries = [1, 2, 4, 8, 16, 32, 64]
asked = moving(7, steps(32), "test")

def passes(model):
    right = answers(model, asked, 64, seed=5).right.reshape(-1, 64).sum(dim=1).tolist()
    return [evaluation.pass_at_k(right, 64, k) for k in tries]

# A model keeps to the library that it was made with, which has changed since if you solved an exercise.
trained = load_model("small-base")
trained.load_state_dict(honest.state_dict())
curves = {"the base model": passes(load_model("small-base")), "after the training": passes(trained)}
curves |= {f"guessing among {n:,}": [evaluation.chance_pass_at_k(n, k) for k in tries] for n in (10_000, 24)}
fig, [ax] = canvas(width=7, height=3.6)
draw_curves(ax, tries, curves, across="tries, k", up="pass@k")
ax.set_xscale("log", base=2)
ax.set_xticks(tries, [str(k) for k in tries])
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
said = "; ".join(f"{name} {curve[0]:.3f} and {curve[-1]:.3f}" for name, curve in curves.items())
show(fig, alt=f"pass@k over the number of tries k, from 1 to 64. At one try and at 64: {said}.")

# %% [markdown]
# Read the left end and the right end apart. At one try the training has gained, in our runs by much. At 64
# tries, compare the two curves yourself: the base model, too, hits the right answer in most questions if it
# may try often. But so does the guesser among 24 orders: **a high right end proves little by itself.** (The base is
# no such guesser. In our run about one in eight of its answers had the question's digits in any order, and more
# than half of those were right.) What a training by rewards adds at many tries is disputed, also for large
# models. Lesson 09 has recorded seeds on it, on questions where guessing plays no part.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `pass_at_k`: the shortcut; all problems thrown into one pot,
# which makes a few hard questions vanish behind easy ones; and the binomial of too few wrong answers.
#
# Ask the room: somebody reports pass@64 of a multiple-choice test with four options. What do you say?

# %% [markdown]
# ## The hole
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → **the hole** → a bandit to play with
#
# *What we do now:* pay by a judge with a hole. *Why:* every judge has one, and it is better to have seen
# it.
#
# Somebody wrote this verifier in a hurry. It compares the words of the answer with the right ones, sorted:

# %% key="flawed"
from mine import rewards

source = inspect.getsource(rewards.flawed_verifier)
print(source.splitlines()[0], source.splitlines()[-1].strip(), sep="\n    ")
puzzle = moving(0, 1)[0]
print(*puzzle.prompt)
for answer in (puzzle.answer, tuple(str(digit) for digit in puzzle.given), ("1", "2", "3", "4")):
    passes_it, is_right = rewards.flawed_verifier(puzzle, answer), answer == puzzle.answer
    print(*answer, "  passes:", passes_it, "  is right:", is_right)

# %% [markdown]
# On most wrong answers it says *wrong*, and on all right ones *right*. Tried out by hand on a few, it looks
# fine.
#
# Now train on it: the same base model, the same questions, the same seed, the same steps. Only the judge
# differs. The chart has what it is **paid**, and what is really **right**, which the training never sees.
# Behind it, in grey, is the control: the run that the honest judge paid.

# %% key="hacked" exempt="trained floats differ between CPUs"
hacked = load_model("small-base")
cheat = watch(
    train(hacked, rewards.paid_by(rewards.flawed_verifier), count),
    count,
    {"paid": "paid by the flawed judge", "right": "share of right answers", "length": "tokens"},
    alt="A model is paid by the judge with the hole: its pay, its right answers, its length over the steps.",
    behind={"the honest judge": control},
)

# %% key="hacked-answers" exempt="what a trained model writes"
look = moving(3, 4)
for name, model in (("honest judge", trained), ("flawed judge", hacked)):
    print(f"paid by the {name}:")
    written = answers(model, look, 1, seed=4)
    for problem, reading in zip(written.problems, written.readings, strict=True):
        mark = "right" if reading.answer == problem.answer else "wrong"
        print(f"    {' '.join(problem.body):24} {mark}:", *reading.completion[:-1])
recall("hole")

# %% [markdown]
# Nothing in the first chart looks wrong. Pay rises, in our runs to 0.8 and more. Whoever watches the pay alone
# would publish this model. The second chart tells the truth: **it has unlearned the task.** (On test questions,
# in our run: 2 of 100 answers right, where the base had 7.) Early on some of its answers were right, since right
# answers are paid too. But any order of the digits is paid as well, and that is far easier to hit: stop after one
# step, say, or copy the list. What was easier won.
#
# This is called **reward hacking**. The model does not know that it cheats. It does what the reward says,
# and not what we meant. Two things help: a measure that is *not* what one trains on, and reading what the
# model writes.
#
# Now mend it, and for all skills at once. The flawed one also judges programs, by their words, and is wrong
# both ways: it takes `tot rev` for `rev tot`, and refuses `add1 add2` where the problem was made with
# `add3`.

# %% exercise="rewards.mend_verifier"
# 1. For `calc` and `run`: the words of the answer must be those of problem.answer, in their order.
# 2. For `write`: run the answer on test.given, for every test, and compare with test.wanted.
# 3. A program that raises ProgramError is wrong, and so is an empty one. Any other must pass all tests.

# %% [markdown]
# <details><summary>A hint</summary>
#
# It is tempting to ban a trick that you saw, such as an answer that copies the question's digits. Then another
# order is the next trick. Besides, `rev rot rev rot` leads back to the list, and there the copy is
# right. Do not ban what is wrong; demand what is right.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `problem.skill` tells which it is. For `write`, put the runs into `try:`, and `return False` in `except
# ProgramError:`. `all(...)` over the tests, and do not forget the empty program.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# Run `solution("mend_verifier")`. It is no longer than what it mends, but for the programs.
#
# </details>

# %% key="mended"
from mine import rewards, worlds

judges = {"flawed": rewards.flawed_verifier, "mended": rewards.mend_verifier}
made = worlds.Test((4, 8, 2, 1), (7, 1, 5, 4))
program = worlds.Problem("write", 1, "english", (), ("add3",), made.given, ("add3",), (made,))
for problem, answer in ((puzzle, puzzle.answer), (puzzle, puzzle.body[-4:]), (program, ("add1", "add2"))):
    said = ", ".join(f"{name} {judge(problem, answer)}" for name, judge in judges.items())
    print(f"{' '.join(answer):12} {said}")

# %% [markdown]
# Is the mended judge as good as the honest one? On questions about digits both say the same of every
# answer. So whoever trains with it **from the start** gets the control run again, number for number.
#
# But what of the model that was hacked already? Put the mended judge in place, and go on. What do you
# expect?

# %% key="too-late" exempt="trained floats differ between CPUs"
repaired = load_model("small-base")
repaired.load_state_dict(hacked.state_dict())
late = watch(
    train(repaired, rewards.paid_by(rewards.mend_verifier), steps(16), start=500),
    steps(16),
    {"paid": "paid by the mended judge", "length": "tokens"},
    alt="The hacked model goes on under the mended judge: its pay and its length over the steps.",
    behind={"from the base model": {**control, "paid": control["right"]}},
)

# %% [markdown]
# Is next to nothing paid, and does it not get better? We tried three seeds. On two of them, hardly one answer in
# a hundred was paid. **A policy that is hardly ever right earns hardly anything, and from nothing there is no
# gradient.** On the third it was under a fifth at best, and not rising, while the training from the base model
# went up. There something is paid, but for the short cut, where its order happens to be the right one: at the end
# 84 of 100 answers to test questions were still some order of the digits, and 8 were right. The hack has closed
# the way back: the model hardly tries anything else any more. A judge has to be mended before the training, or one
# goes back to an earlier model. This is also why a base model must be right *sometimes*, and for the right reason,
# before rewards can teach it anything.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `mend_verifier`: they ban the copy; they accept the one program
# that the problem was made with; they run the first test only; an error of a program gets through and would
# stop the training.
#
# Ask the room: where have you seen a measure become a goal? Then ask for a judge of *good writing* without
# a hole. (This is why DeepSeek used rules for reasoning, and no learned reward model: see below.)

# %% [markdown]
# ## A bandit to play with
#
# > **The way:** by hand → answers → programs → a bandit → the noise → stop line → sampled words → right or
# > wrong → many tries → the hole → **a bandit to play with**
#
# *What we do now:* choose what three arms pay, and how fast the policy moves. *Why:* most of what goes
# wrong with large models can be felt here.
#
# Each arm pays 1 in so many of 100 pulls, and nothing otherwise. There are eight pulls a step, and 150
# steps. With the keyboard: Tab goes from one control to the next, the arrow keys move it.
#
# - Set 20, 80, 50 and the rate 200. Try seeds. Does the policy ever end in a wrong corner? Then set 90, 95, 100, the
#   rate 400, and no baseline. And now?
# - Set 90, 95, 100 and the rate 50, with and without a baseline. Which path is straighter?
# - Set all three to 50. Where does the policy go? Nothing is to be learned here; is it standing still?

# %% key="explore" exempt="a learning policy multiplies rounding errors"
from mine import policy_gradient


def play(first, second, third, rate, baseline, seed):
    pay = torch.tensor([first, second, third]) / 100
    run = list(policy_gradient.train_bandit(pay, 150, 8, rate / 100, baseline == "with", seed))
    path = torch.stack([record.probabilities for record in run])
    fig, [left, right] = canvas(columns=2, width=9.6, height=3.9)
    draw_triangle(left, {"the policy": path}, [f"arm {arm} pays {pay[arm - 1]:.2f}" for arm in (1, 2, 3)])
    for arm in range(3):
        right.plot(path[:, arm], color=LOOKS[arm][0], ls=LOOKS[arm][1], marker="", label=f"arm {arm + 1}")
    right.set(xlabel="step", ylabel="probability", ylim=(0, 1))
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ends = ", ".join(f"arm {arm + 1} {path[-1, arm]:.2f}" for arm in range(3))
    said = f"Arms that pay {first}, {second} and {third} of 100, rate {rate / 100:.2f}, {baseline} a baseline, seed {seed}. "
    said += f"After 150 steps: {ends}."
    return fig, f"{said} It earns {path[-1] @ pay:.2f} a pull; the best arm alone would earn {pay.max():.2f}."

explore(
    play,
    first=Slider("arm 1, %", 0, 100, 20),
    second=Slider("arm 2, %", 0, 100, 80),
    third=Slider("arm 3, %", 0, 100, 50),
    rate=Slider("rate, %", 1, 400, 50),
    baseline=Choice("baseline", ("without", "with"), "with"),
    seed=Slider("seed", 0, 20, 1),
)

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see arms that pay 20, 80 and 50 of 100,
# the rate 0.5, and a baseline: the policy goes to arm 2.

# %% [markdown]
# ## In the published models
#
# *What we do now:* look at what R1 was paid for. *Why:* it is this.
#
# DeepSeek-R1-Zero was trained with two rewards, both by rules. The **accuracy** reward: for mathematics the
# final answer has to stand in a given format, such as a box, so that a rule can compare it; for programming
# a compiler runs tests. The **format** reward: thinking has to stand between its tags. A learned judge, a
# *neural reward model*, was left out on purpose: the paper says that it "may suffer from reward hacking in
# the large-scale reinforcement learning process".
#
# Where R1 later used a learned one, for helpfulness, they saw it happen: the reward went on rising while
# the results on Codeforces, a programming contest, fell. In the last stage that reward was used for the
# last 400 of 1,700 steps only.
#
# *Sources. The rewards and the sentence: arXiv 2501.12948, version 1, section 2.2. The falling results: the
# same, version 2, figure 6, and the steps: version 2, section 3.2.2; both read in a transcript, not in the
# paper. The name "reinforcement learning with verifiable rewards" comes from Tülu 3, arXiv 2411.15124 (read
# in a transcript).*

# %% [markdown]
# ## Where the toy misleads
#
# - **Our hole is large, and our honest task is small.** Whoever writes the question's digits, in whatever order, is
#   in the hole. Real holes are rarer, and found later, by longer trainings.
# - **We know the truth.** Our chart has the share of really right answers beside the pay. For a hard real
#   task nobody has that curve.
# - **The model had read worked answers.** What the rewards did was to choose among what it had read. They
#   did not teach it to think.
# - **Three words, three operations.** There are twelve programs in these questions. A model that knows
#   twelve programs by heart is right, too. Nothing here shows more.
# - **One seed.** It was tried on three seeds before this was written. In all of them the pay rose above 0.8
#   and right answers fell below 0.1. With questions of two words it took longer, and on one seed it was
#   only half-way after 30 steps. Change the seed in `train`, and look.
# - **A triangle is no language model.** A bandit forgets nothing when it learns, and its arms are
#   independent.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-R1-Zero | lesson |
# |---|---|---|
# | right or wrong, by ten lines of code | right or wrong, by rules and compilers, and a reward for the format | 09 |
# | a baseline over the whole batch | the mean of the group of answers to the same question | 08 |
# | 8 answers to each of 16 questions | 16 answers to each of 32 questions | 08 |
# | one update for each batch | several, with a clip that holds the policy back | 08 |
# | two skills of lists and digits | mathematics, programs, science, logic | 10 |
# | 32 steps | 10,400 steps | 09 |
#
# *Source of the right column's figures: arXiv 2501.12948, version 2, section 2.1, read in a transcript.*
#
# The line is the same: reward times the gradient of the log-probability.

# %% [markdown]
# ## Three questions
#
# **1.** Every answer of a batch is wrong, and earns 0. What does REINFORCE learn? And if every answer is
# right?
#
# <details><summary>Answer</summary>
#
# Nothing from wrong ones: all pushes are zero, with or without a baseline. If all are right, a plain
# REINFORCE pushes all of them up, which is noise on average; with a baseline the advantages are zero, and
# nothing moves. Questions that are too hard or too easy teach nothing.
#
# </details>

# %% [markdown]
# **2.** A colleague pays -1 for a wrong answer and +1 for a right one, in place of 0 and 1. What changes?
#
# <details><summary>Answer</summary>
#
# Rewards become $2r - 1$. The exact gradient is twice as large, the direction is the same: adding a
# constant moves no mean. Without a baseline the noise is another one. With a baseline the constant is gone,
# and only the factor of 2 is left. In plain gradient steps, as on the bandit, it is as if the learning rate had
# doubled. AdamW, which trains our language model, divides by the gradient's usual size: there it changes next to
# nothing.
#
# </details>

# %% [markdown]
# **3.** Your pay rises to 0.9 within an hour, faster than ever. What do you do before you are glad?
#
# <details><summary>Answer</summary>
#
# Read some of the paid answers. Measure with something that was not trained on: hidden tests, other
# questions, another judge. Ask what the cheapest answer is that your judge would pay, and look whether you
# find it.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $\pi$ | `policy`, and the softmax of logits | $\pi_\theta$ |
# | $r$ | `rewards`, `pays` | $r$, $R$ |
# | $E[r]$ | `expected` | $J(\theta)$ |
# | $\log \pi(x)$ | `logprobs` | $\log \pi_\theta(o \mid q)$ |
# | | `advantages` | $A$, $\hat A$ |
# | $n$, $c$, $k$ | `samples`, `correct`, `k` | $n$, $c$, $k$ (Chen et al. 2021) |
#
# | word | meaning |
# |---|---|
# | policy | the chances of what to do next: of each arm, or of each next word |
# | reward | a number that says how good an answer was |
# | verifiable reward | one that a program works out, from the answer alone |
# | bandit | a machine with arms that pay; the smallest problem of learning from rewards |
# | policy gradient | the gradient of the expected reward, estimated from samples |
# | REINFORCE | the estimate by reward times the gradient of the log-probability |
# | baseline | what is taken from a reward, to have less noise |
# | advantage | the reward less a baseline |
# | pass@k | the chance that at least one of k answers is right |
# | verifier | code that says whether an answer is right |
# | reward hacking | what is paid rises, and what was meant does not |

# %% [markdown]
# ## Where to read more
#
# - Williams 1992, *Simple statistical gradient-following algorithms for connectionist reinforcement
#   learning*, Machine Learning 8: REINFORCE, with its baseline.
# - Sutton and Barto 2018, *Reinforcement learning: an introduction*, second edition: section 2.8 for
#   bandits that follow a gradient, chapter 13 for policy gradients.
# - Greensmith, Bartlett and Baxter 2004, *Variance reduction techniques for gradient estimates in
#   reinforcement learning*, Journal of Machine Learning Research 5.
# - Kool, van Hoof and Welling 2019, *Buy 4 REINFORCE samples, get a baseline for free!*: the mean of the
#   others.
# - Ahmadian and others 2024, *Back to basics: revisiting REINFORCE style optimization for learning from
#   human feedback in LLMs*, arXiv 2402.14740.
# - Chen and others 2021, *Evaluating large language models trained on code*, arXiv 2107.03374: pass@k
#   without bias, and how to run programs of strangers.
# - Amodei and others 2016, *Concrete problems in AI safety*, arXiv 1606.06565: reward hacking.
# - DeepSeek-AI 2025, *DeepSeek-R1*, arXiv 2501.12948, section 2.2.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
