# %% [markdown]
# Six smaller models were published together with DeepSeek-R1. They had no reinforcement learning of their own.
# They read what R1 had written, and learned to go on like it. This is **distillation**: a large model, the
# **teacher**, and a small one, the **student**.
#
# DeepSeek also tried the other way, with one of them. The student that read R1's answers did better than the
# same model after its own RL, on some tests by far. In this lesson you repeat that race, for equally many
# operations. Then you ask what explains the result: the teacher, or something else?
#
# > **The way:** two models → soft targets → T² → traces → the bill → **stop line** → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# The lesson has **two sittings**, of about 50 minutes each. In the first you build what is needed. In the second
# the models learn.

# %% key="setup"
import copy
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from pocketr1 import checkpoints
from pocketr1.claims import CLAIMS, recorded_results
from pocketr1.claims.claim import verdict
from pocketr1.shipped import shelf
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
from pocketr1.workbook.figures import LOOKS, canvas, colours, draw_curves, draw_seeds
from pocketr1.workbook.whose import draw_pieces, pieces_called
from pocketr1.workbook.widgets import Slider
from pocketr1.worlds import VOCABULARY, Document, Problem, judge, read

begin("11_distillation", globals())

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes, first sitting: opening and two models 7, soft targets 17, T² 7, traces 10, the
# bill 7. Second sitting: the race 10, who wrote it 14, more seeds 3, many tries 7, a new skill 3, on-policy
# 7, what R1 compared 4, whose code and the end 4. That is 100 in all. Without the two extra exercises it is about 90.
# In about 70: leave out *T squared*, and after *Who wrote it* all but *More than one seed*. That keeps the core
# exercises (`soft_loss`, `filter_traces`, `compute_spent`, `controls`).
#
# Whoever did lesson 10 has their own `r1` as teacher, the others the course's. So figures in the room differ.
#
# If there is time for one thing only, take *Who wrote it*. Everybody remembers that the student won. Few ask
# what it won by.

# %% [markdown]
# ## Two models
#
# > **The way:** **two models** → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* load teacher and student, and see what they can do. *Why:* whatever is learned later is
# held against this.
#
# The teacher is `r1`: the model that you made in lesson 10, if you did, and the course's otherwise. The
# student starts from `small-base`. It has read the same kind of corpus as the teacher's base, and is about a
# sixth as large. Both run through your own library, `mine`.

# %% key="models"
from mine import (
    distillation,
    fast_writing,
    fine_tuning,
    generation,
    pipeline,
    report_card,
    training,
    transformer,
)

teacher, small = load_model("r1"), load_model("small-base")
for name, model in (("teacher", teacher), ("small base", small)):
    print(f"{name:10} {distillation.active_parameters(model):7,} parameters at work on a token")

# %% [markdown]
# Thousands of answers are written in this lesson. That is done by `FastWriter`, the course's own fast
# stand-in for a model's weights. Does it write what your model would write? Always the likeliest word, 16
# questions:

# %% key="same-words"
questions = pipeline.draw_problems(pipeline.REASONING, 16, "same words")(0)
prompts = [VOCABULARY.encode(problem.prompt) for problem in questions]

def greedy(writer):
    likeliest = generation.Sampling(report_card.LONGEST, temperature=0)
    return generation.generate(writer, prompts, likeliest, torch.Generator()).tokens

for name, model in (("teacher", teacher), ("small base", small)):
    print(f"{name}: the same words:", torch.equal(greedy(model), greedy(fast_writing.FastWriter(model))))

# %% key="tested" exempt="sampled answers of trained models"
def tested(model, samples=16):
    writer = fast_writing.FastWriter(model)
    return report_card.together(report_card.evaluate(writer, pipeline.REASONING, count=8, samples=samples))

results = {"small base": tested(small, samples=64), "teacher": tested(teacher)}
for name, result in results.items():
    print(f"{name:10} pass@1 {result.pass_at_1}. It works step by step in {result.parts.works:.2f} of its answers;")
    print(f"{'':10} right are {result.parts.right_when_working:.2f} of these", end=", ")
    print(f"and {result.parts.right_when_direct:.2f} of the others")

# %% [markdown]
# The test is 64 problems that no model of the course has ever been trained on: 8 of `calc` and 8 of `run`, at
# four levels each. In brackets stands the 95 % interval, over problems.
#
# The small base answers directly most of the time, as its corpus does. When it works step by step, it is
# right more often. So it has something to gain in two ways: it may work more often, and work better.
#
# **A prediction.** The small model learns in one of two ways, for equally many operations. (a) It reads right
# answers of the teacher. (b) It has its own RL, with rewards for right answers, as in lesson 09. Which will
# have the higher pass@1, and what will the two be? And if (a) wins, what is it that helped?

# %% key="predict-race"
predict("race", "...")

# %% [markdown]
# ## Soft targets
#
# > **The way:** two models → **soft targets** → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* learn from all that the teacher thinks about the next word. *Why:* a text says which word
# came. The teacher also says which others nearly came, and which never would.
#
# **By hand.** A teacher looks at four words. Its logits are 4, 2, 0 and -4. Divide them by a **temperature**
# T before the softmax:

# %% key="soft-by-hand"
four = torch.tensor([4.0, 2.0, 0.0, -4.0])
for temperature in (1, 2, 4):
    shares = (four / temperature).softmax(dim=-1)
    print(f"T = {temperature}: ", *[f"{share:.4f}" for share in shares])

# %% [markdown]
# At T = 1 the fourth word has about 3 chances in 10,000: next to nothing to learn from. At T = 4 the order is
# the same, and all four can be heard. These are the **soft targets**. The word that came, and nothing else,
# is the **hard target**.
#
# How far is the student from that? You have met the KL divergence in lesson 08. With the teacher's
# probabilities $p$ in front, and the student's $q$, *both* at temperature T:
#
# $$\text{loss} = T^2 \cdot \frac{1}{N} \sum_{\text{positions}} \; \sum_{\text{words}} p \,(\log p - \log q)$$
#
# It is 0 if the student thinks as the teacher does, and never below. $N$ counts the positions that count. The
# $T^2$ is explained in the next section.

# %% exercise="distillation.soft_loss"
# 1. The teacher's log-probabilities at temperature T: divide its logits first. No gradient may go there.
# 2. The student's log-probabilities, at the same temperature.
# 3. At each position: sum over the vocabulary of the teacher's probability times the difference of the two.
# 4. The mean over the positions where `mask` is True, times T squared.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `log_softmax(dim=-1)` gives log-probabilities, and `.exp()` makes probabilities of them. `detach()` keeps
# numbers and cuts the way of the gradient. `divergence[mask]` picks what counts.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Which one weighs? The teacher: what it holds likely, the student must get right. A sum over words, a mean
# over positions. If you take PyTorch's `kl_div`: the student's logarithms come first, `log_target=True`, and
# its `reduction="mean"` divides by the vocabulary too.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `teacher = (teacher_logits.detach() / temperature).log_softmax(dim=-1)`, the same for the student without
# `detach`, then `divergence = (teacher.exp() * (teacher - student)).sum(dim=-1)` and `temperature**2 *
# divergence[mask].mean()`. In full: `solution("soft_loss")`.
#
# </details>

# %% key="loss-by-hand"
from mine import distillation

counts, knows_nothing, knows = torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1, 4), four.view(1, 1, 4)
for temperature in (1.0, 2.0, 4.0, 64.0):
    loss = distillation.soft_loss(knows_nothing, knows, counts, temperature)
    print(f"T = {temperature:4}: a student that knows nothing has the loss {loss:.3f}")
print("one that thinks like its teacher has", distillation.soft_loss(knows, knows, counts).item())

# %% [markdown]
# The higher T, the less the loss changes any more. There it becomes half the mean square of the difference of
# the two models' logits, each less its mean: here 4.375. Soft targets have then become: *have the same
# logits*.
#
# Now the teacher itself. (It is loaded anew: a model that was loaded before your answer was accepted still
# runs on the old library.) It reads a worked answer, and at each place it says what it would write next. Move
# the **temperature** (in tenths: 40 is T = 4) and the **place** in the text. With the keyboard: Tab goes from
# one control to the next, the arrow keys move it.
#
# - At T = 1: is there any place where the teacher hesitates?
# - At T = 4, look for a place where the second word is *nearly right*: the same word in the other language, a
#   step that might also have come, a digit beside the right one. Nobody told the teacher that they are alike.
# - At T = 8: what is left of its opinion?

# %% key="teacher-reads"
from mine import worlds

teacher, small = load_model("r1"), load_model("small-base")
problem = worlds.problems("run", 3, 1, seed=5, language="english")[0]
text = worlds.document(problem, "worked", "english", random.Random(0))
with torch.no_grad():
    logits = teacher(torch.tensor([text.tokens]))[0, text.prompt_length - 1 : -1]
print(" ".join(text.words))

# %% key="explore" exempt="probabilities of a trained model"
def look_at(temperature, place):
    row, degrees = logits[place - 1], temperature / 10
    order = row.argsort(descending=True)[:10]
    names, soft = [VOCABULARY.words[word] for word in order], (row / degrees).softmax(dim=-1)[order]
    fig, [ax] = canvas(width=7.6, height=3.6)
    cold, warm = {"color": colours.sky, "label": "T = 1"}, {"color": colours.orange, "hatch": "//"}
    looks = (cold, warm | {"label": f"T = {degrees}"})
    for shift, shares, look in zip((-0.2, 0.2), (row.softmax(dim=-1)[order], soft), looks, strict=True):
        ax.bar([x + shift for x in range(10)], shares, width=0.4, edgecolor="black", lw=0.6, **look)
    before = " ".join(text.words[text.prompt_length + place - 10 : text.prompt_length + place - 1])
    ax.set(ylim=(0, 1.05), ylabel="probability", title=f"... {before}  ?")
    ax.set_xticks(range(10), names, rotation=30)
    ax.legend(loc="upper right")
    best = ", ".join(f"{name} {share:.3f}" for name, share in list(zip(names, soft, strict=True))[:4])
    came = text.words[text.prompt_length + place - 1]
    return fig, f"After \"{before}\" the text goes on with {came}. At T = {degrees} the teacher gives {best}."

explore(look_at, temperature=Slider("T, tenths", 5, 80, 40), place=Slider("place", 1, len(logits), 6))

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see one place at T = 4: the digits have
# been copied, and the first step begins. The blue bars, T = 1, are one tall bar and nothing beside it. The
# hatched ones show what stands behind it.
#
# Such second choices are called *dark knowledge*. A hard target hides them. They cost the teacher nothing: it
# has computed them anyway.
#
# **A question on the way.** The teacher has written 1,000 answers, and you have kept the texts. Can you still
# learn from its soft targets?
#
# <details><summary>(a) Yes, a text is all one needs.</summary>
#
# The text has one word a position. The other probabilities were not written down.
#
# </details>
# <details><summary>(b) Yes, if the teacher can read the texts once more.</summary>
#
# Right. Then it must be at hand, and have the same vocabulary. R1's students learned from texts alone: they
# are Qwen and Llama models, which cut text into other tokens than DeepSeek's. Whoever only has somebody's
# answers cannot use soft targets.
#
# </details>
# <details><summary>(c) No, it must write them anew.</summary>
#
# It need not write. It reads a text, whoever wrote it, and at each position there is a distribution. We do
# that next.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `soft_loss`: `reduction="mean"`, which divides by the vocabulary;
# the two swapped; the temperature on one side only, which can then never reach 0; no `detach`. The check
# names all of them, and eighteen others.
#
# Ask the room: why is the loss 0 possible with soft targets, and not with hard ones? (The cross-entropy of a
# text has the text's own surprise in it. A student that is perfect still cannot foresee a coin.)

# %% [markdown]
# ## T squared
#
# > **The way:** two models → soft targets → **T²** → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* find out what the factor T² is for. *Why:* it is easily copied, and easily left out. We
# should know what either does.
#
# Divide logits by T, and two things happen to the gradient. The chain rule brings a factor 1/T. And the
# softened distributions are nearer to one another, by about 1/T again, once T is large beside the logits. So
# the gradient falls like 1/T². The factor T² undoes that.
#
# We measure it on the small base, as the length of the whole gradient. The texts are 400 worked answers that
# were written by rule, and the teacher reads them. A line shows the gradient of the usual loss on the same
# texts, that of the next token.

# %% key="gradients" exempt="gradients of trained models"
texts = pipeline.faultless_documents(pipeline.REASONING, 400, seed=11)
tokens, real = fine_tuning.as_batch(texts[:32])
with torch.no_grad():
    wanted = teacher(tokens)

def size_of(loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(small.parameters()))]).norm().item()

def soft(model, wanted, mask, t):
    return distillation.soft_loss(model(tokens)[:, :-1], wanted[:, :-1], mask[:, 1:], t)

temperatures, hard = (1, 2, 4, 8, 16, 32), size_of(transformer.next_token_loss(small(tokens), tokens, real))
sizes = [size_of(soft(small, wanted, real, t)) for t in temperatures]
for t, size in zip(temperatures, sizes, strict=True):
    print(f"T = {t:2}: with T² {size:7.3f}, without {size / t**2:7.4f}; the hard loss {hard:.3f}")

# %% key="gradients-figure" exempt="gradients of trained models"
fig, [ax] = canvas(width=6.6, height=3)
without = [size / t**2 for t, size in zip(temperatures, sizes, strict=True)]
lines = {"soft, with T²": sizes, "soft, without": without, "hard": [hard] * len(sizes)}
draw_curves(ax, temperatures, lines, across="temperature T", up="length of the gradient")
ax.set(xscale="log", yscale="log")
ax.set_xticks(temperatures, temperatures)
show(fig, alt=f"""The length of the gradient against the temperature, both axes logarithmic. With T squared it goes
    from {sizes[0]:.2f} at T = 1 to {sizes[-1]:.2f} at T = 32. Without it falls to {without[-1]:.4f}. The hard
    loss has {hard:.2f}, a level line.""")

# %% [markdown]
# With T² the curve becomes level once T is large: there the rule 1/T² holds. At small T it does not: there
# the logits are large beside T.
#
# So T² matters for the *size* of the gradient. **A prediction.** We train two students with Adam on the soft
# loss alone, at T = 4, one with the factor 16 and one without. Which of them learns better?

# %% key="predict-t-squared"
predict("t-squared", "...")

# %% key="train-soft" exempt="trained floats differ in the last digits between processors"
def taught_softly(factor):
    student, plan = copy.deepcopy(small), training.Plan(steps(60), 3e-3, warmup=10, clip=math.inf)

    def loss_of(model, tokens, mask):
        with torch.no_grad():
            wanted = teacher(tokens)
        return factor * distillation.soft_loss(model(tokens)[:, :-1], wanted[:, :-1], mask[:, 1:], 4.0)

    records = fine_tuning.fine_tune(student, texts, plan, 11, loss_of)
    return student, [record.loss / factor for record in training.with_progress(records, plan.steps, "soft")]

with_it, losses = taught_softly(1.0)
without_it, losses_without = taught_softly(1 / 16)
print(f"loss at the end: {losses[-1]:.4f} with T², {losses_without[-1]:.4f} without (divided out)")

# %% key="compare-soft" exempt="trained floats differ in the last digits between processors"
heads = [model.head.weight for model in (small, with_it, without_it)]
print(f"the head's weights moved by {(heads[1] - heads[0]).norm().item():.2f};", end=" ")
print(f"between the two students they differ by {(heads[2] - heads[1]).norm().item():.5f}")
for name, model in (("with T²", with_it), ("without", without_it)):
    print(f"{name}: pass@1 {tested(model).pass_at_1}")

# %% key="t-squared-held-against"
recall("t-squared")

# %% [markdown]
# **Alone, the factor hardly matters.** Adam divides each gradient by its own usual size. Whoever multiplies
# all gradients by 16 gets the same steps. What is left: a tiny number in Adam's denominator, and rounding.
# (We took away the clipping of gradients here, which is the one part of our training that looks at their
# size. With the usual clip at 1, a loss 16 times as large is clipped more often. With plain gradient descent
# the factor would be one of the learning rate.)
#
# **It matters beside another loss.** Hinton and others added the two: soft targets, and the hard loss of the
# true label. Look at the chart, where T is large: the further to the right, the less of the soft loss would be
# left in such a sum without T². With it, their proportion hardly changes with T any more. That is what the
# factor is for, and they say so.
#
# *Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.*

# %% [markdown]
# ## Traces
#
# > **The way:** two models → soft targets → T² → **traces** → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* make a training set of what the teacher writes. *Why:* this is what R1's students had, and
# nothing else: texts.
#
# A worked answer that is kept to learn from is a **trace**. The teacher answers each training problem a few
# times. A **verifier** looks at the answers, and only right ones are kept. Here `judge` is the verifier,
# which you know from the rewards.
#
# **By hand.** Two problems, three answers each. The first three answers belong to the first problem. Which
# rows should be kept?
#
# | problem | answer | |
# |---|---|---|
# | find calc add1 : 1 2 3 4 ? | `<answer> 2 3 4 5 </answer> <end>` | right |
# | | `<answer> 2 3 4 4 </answer> <end>` | wrong |
# | | `<answer> 2 3 4 5 </answer>` | cut off: it never ended |
# | find run rev : 1 2 3 4 ? | `<answer> 2 3 4 5 </answer> <end>` | right for *the other* problem |
# | | `<think> 1 2 3 4 then rev 4 3 2 1 </think> <answer> 4 3 2 1 </answer> <end>` | right |
# | | `<think> 1 2 3 4 then rev 4 3 1 1 </think> <answer> 4 3 2 1 </answer> <end>` | right answer, wrong step |
#
# The first, the fifth, and the sixth. The verifier looks at the answer alone: a lucky end is kept with its
# wrong step.

# %% exercise="distillation.filter_traces"
# 1. How many completions does each problem have? Go over all completions, each with its own problem.
# 2. Skip problems of the test. Read the answer; skip completions that have none.
# 3. Ask the judge. A right one becomes a Document: the problem, and the words without the end word.
# 4. Return the documents, in their order.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `len(completions) // len(problems)` is how many there are of each. Completion number 7, with 3 a problem,
# belongs to problem 7 // 3.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `judge` returns None for a right answer and a sentence for a wrong one, so ask `is None`. `read(completion,
# ended=False)`: without `ended=False`, a completion that was cut off would pass for finished. A document
# wants a tuple of words.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# For each `place, completion in enumerate(completions)`: `problem, answer = problems[place // samples],
# read(completion, ended=False).answer`, and if `problem.split == "train" and answer is not None and
# judge(problem, answer) is None`, append `Document(problem, tuple(completion[:-1]))`. In full:
# `solution("filter_traces")`.
#
# </details>

# %% key="first-traces" exempt="sampled answers of trained models"
from mine import distillation, pipeline

teacher, small = load_model("r1"), load_model("small-base")
few = pipeline.SamplingPlan(batches=1, problems=32, samples=4)
for name, author in (("teacher", teacher), ("small base", small)):
    (rollouts,) = pipeline.answers(author, pipeline.REASONING, few, seed=3)
    found = distillation.filter_traces(rollouts.problems[:: few.samples], pipeline.texts(rollouts))
    first = " ".join(found[0].words) if found else "(there is none)"
    print(f"{name:10} {len(found):3} of 128 answers are right. The first:\n    {first}")

# %% [markdown]
# **A question on the way.** The small base is right now and then, too. If it learned from these answers of
# its own, would that be distillation?
#
# <details><summary>(a) No: nobody taught it, so it cannot gain anything.</summary>
#
# It can. Its right answers are not a fair picture of its answers: they were chosen. More of them work step by
# step than of all its answers. Learning from one's own chosen samples is called *rejection sampling*, or
# expert iteration, and was a stage of R1's pipeline.
#
# </details>
# <details><summary>(b) No, but it is the arm to compare with.</summary>
#
# Right. If it gains as much from its own right answers as from the teacher's, then what helped was the
# verifier.
#
# </details>
# <details><summary>(c) Yes: any text that a model wrote will do.</summary>
#
# One could use the word so. Then it says nothing any more about who taught whom.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `filter_traces`: `if judge(...)`, which keeps the wrong ones;
# pairing by `place % len(problems)`, as in lesson 01's rows; the default of `ended`. Test problems are seldom
# forgotten, since the docstring says it. Outside, they are forgotten all the time.
#
# Ask the room: should the sixth row of the table be kept? (DeepSeek filtered for correct answers, and for
# readability. Nobody judges each step by hand in 600,000 samples.)

# %% [markdown]
# ## The bill
#
# > **The way:** two models → soft targets → T² → traces → **the bill** → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* count what a way of training costs. *Why:* "better" means little if it cost ten times as
# much.
#
# Nearly all arithmetic of a model is matrices. A parameter of a matrix meets each token once: a
# multiplication and an addition, **2 operations** forward. Backward it is twice that, **4**. So:
#
# - to train on a token: 6 operations for each parameter of the student;
# - to write or read a token without learning: 2 for each parameter of *whoever does it*.
#
# **By hand.** A student of 10 parameters is trained on 7 tokens, has rolled out 5, and a teacher of 100
# parameters sampled 3 for it. That is 6 · 10 · 7 + 2 · 10 · 5 + 2 · 100 · 3 = 420 + 100 + 600. The teacher's
# three tokens cost more than all the training.

# %% exercise="distillation.compute_spent"
# 1. Training: forward and backward, for each of the student's parameters and each token.
# 2. Rollouts: forward alone, by the student.
# 3. Teaching: forward alone, by the teacher. Return the sum.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Three products, each of a price, a number of parameters and a number of tokens.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The prices are 6, 2 and 2. The third product has the *teacher's* size in it.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `return 6 * student * trained + 2 * student * rolled_out + 2 * teacher * sampled`. In full:
# `solution("compute_spent")`.
#
# </details>

# %% key="bill-by-hand"
from mine import distillation

print("by hand:", distillation.compute_spent(10, 7, 5, 100, 3))
teacher, small = load_model("r1"), load_model("small-base")
large, own = distillation.active_parameters(teacher), distillation.active_parameters(small)
print(f"to train the student on a token: {distillation.compute_spent(own, 1):9,} operations")
print(f"the teacher writes a token:      {distillation.compute_spent(own, 0, 0, large, 1):9,}")
print(f"the student writes a token:      {distillation.compute_spent(own, 0, 1):9,}")

# %% [markdown]
# A token that the teacher writes costs about twice as much as to train the student on it once. But a trace,
# once written, is read many times over. And a rollout of RL is used once: then the policy has changed.
#
# **A question on the way.** What is *not* on this bill?
#
# <details><summary>(a) The prompts.</summary>
#
# They are: tokens are counted with their prompts, since they must be read.
#
# </details>
# <details><summary>(b) What it cost to make the teacher.</summary>
#
# Right. It had to be trained first, at far greater cost. Whether that counts depends on the question. *"I
# have a teacher: what shall I do with the student?"* Then no. *"What does it cost to have a good small
# model?"* Then yes. We print it beside.
#
# </details>
# <details><summary>(c) The wrong answers, which were thrown away.</summary>
#
# They were written, so their tokens count.
#
# </details>
#
# Before you go, answer without looking: *Who weighs in `soft_loss`? When does T² matter? What may be wrong in
# a trace that was kept? Which three things are on the bill?*
#
# ---
#
# **Stop line.** This is the end of the first sitting. Your accepted answers are stored. When you come back,
# run the set-up cell and the first three code cells of *Two models*, and go on here.
#
# ---

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `compute_spent`: forward alone, or backward alone, for the training;
# six operations for what is only written; the teacher at its student's size. All are named.
#
# Ask the room: who pays if the answers were bought from somebody's service? (The same operations are paid for, by
# somebody else, and the bill has a price in it that says nothing of them.)

# %% [markdown]
# ## The race
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → **the race** → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* one small model, two ways to learn, equally many operations. *Why:* it is the question that
# R1's report asks of its students: is it better to copy, or to try for oneself?
#
# First the teacher writes: 640 problems, two answers each. Its right ones are the traces.

# %% key="traces" exempt="sampled answers of trained models"
from mine import distillation, grpo_training, pipeline, rewards, worlds

SEED, teacher, small = 11, load_model("r1"), load_model("small-base")
large, own = distillation.active_parameters(teacher), distillation.active_parameters(small)

def right_answers(author, plan):
    """An author's right answers to training problems, and how many tokens it read and wrote for all of them."""
    found, tokens = [], 0
    answers = pipeline.answers(author, pipeline.REASONING, plan, SEED)
    for rollouts in training.with_progress(answers, plan.batches, "writing"):
        found += distillation.filter_traces(rollouts.problems[:: plan.samples], pipeline.texts(rollouts))
        tokens += rollouts.tokens
    return found, tokens

asked = pipeline.SamplingPlan(batches=steps(10), samples=2)
traces, sampled = right_answers(teacher, asked)
print(f"{len(traces):,} of {asked.batches * 128:,} answers are right; {sampled:,} tokens were read and written")

# %% [markdown]
# Then the student reads them. `distil` is nothing but next-token training on documents, with the question not
# to be predicted. Every step is put on the bill.

# %% key="distil" exempt="trained floats differ in the last digits between processors"
teaching = distillation.compute_spent(own, 0, 0, large, sampled)
bills = {"distilled": {"teaching": teaching, "training": 0, "rollouts": 0}}
student, plan = copy.deepcopy(small), training.Plan(steps(200), learning_rate=3e-3, warmup=20)

def paying(records, bill):
    for record in records:
        bill["training"] += distillation.compute_spent(own, record.tokens)
        yield record

records = paying(distillation.distil(student, traces, plan, SEED), bills["distilled"])
losses = [record.loss for record in training.with_progress(records, plan.steps, "distillation")]
print(f"loss, nats a token: {losses[0]:.3f} at first, {losses[-1]:.3f} at the end")

# %% [markdown]
# Now the same small base, with its own RL: 32 problems a step, 8 answers each, a reward for right answers and
# a small one for the format. It stops after the step in which it has cost as much as the distillation, the
# teacher's writing included.

# %% key="own-rl" exempt="trained floats differ in the last digits between processors"
budget, bills["own RL"] = sum(bills["distilled"].values()), {"teaching": 0, "training": 0, "rollouts": 0}
rl_plan = grpo_training.GrpoPlan(steps(40), learning_rate=1e-3, max_new=report_card.LONGEST)
own_rl = copy.deepcopy(small)

def until_spent(records, bill):
    for record in records:
        bill["training"] += distillation.compute_spent(own, record.tokens_trained)
        bill["rollouts"] += distillation.compute_spent(own, 0, record.tokens_sampled)
        yield record
        if sum(bill.values()) >= budget:
            return

records = pipeline.reinforce(own_rl, pipeline.REASONING, rl_plan, rewards.ACCURACY_AND_FORMAT, SEED)
rl_history = watch(
    until_spent(records, bills["own RL"]),
    steps=rl_plan.steps, curves={"accuracy": "share of right answers", "length": "tokens an answer"},
    alt="The small model's own RL: right answers become more, and answers longer, until the operations are spent.",
)

# %% key="race-result" exempt="sampled answers of trained models"
results |= {"distilled": tested(student, samples=64), "own RL": tested(own_rl, samples=64)}
for name in ("small base", "distilled", "own RL"):
    spent = sum(bills.get(name, {}).values()) / 1e9
    print(f"{name:10} pass@1 {results[name].pass_at_1}, {spent:5.1f} · 10^9 operations")
print(f"RL had {len(rl_history['step'])} steps")

# %% key="race-figure" exempt="results of trained models"
def draw_pass(ax, names):
    for row, name in enumerate(names):
        shown = results[name].pass_at_1
        ax.plot([shown.low, shown.high], [row, row], color=colours.grey, ls="-", marker="|")
        ax.plot([shown.mean], [row], color=colours.blue, ls="", marker="o", markersize=8)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel="pass@1, with 95 % interval over problems")

three, parts = ["small base", "distilled", "own RL"], ("teaching", "training", "rollouts")
fig, [left, right] = canvas(columns=2, width=9, height=2.6)
draw_pass(left, three)
for part, hatch, shade in zip(parts, ("//", "", ".."), ("#F6E4EE", "#D6E8F4", "#FBEFD0"), strict=True):
    before = [sum(bills[name][other] for other in parts[: parts.index(part)]) / 1e9 for name in three[1:]]
    spent = [bills[name][part] / 1e9 for name in three[1:]]
    right.barh([1, 2], spent, left=before, hatch=hatch, color=shade, edgecolor="black", lw=0.6, label=part)
right.set_yticks([])
right.set(ylim=(2.5, -0.5), xlabel="10^9 operations")
right.legend(loc="upper right", ncols=3, fontsize=9)
said = "; ".join(f"{name} {results[name].pass_at_1}" for name in three)
show(fig, alt=f"""Left: pass@1 on 64 test problems: {said}. Right: what the two ways cost, about the same. The one paid
    for the teacher's writing and for training, the other for rollouts and for training.""")

# %% key="race-held-against"
recall("race")

# %% [markdown]
# This is one seed. What other seeds say is printed below, in *More than one seed*. Before you believe in the
# teacher, look at what the two ways do differently. RL has to *find* a right answer before it can learn from
# it: of the first step's 256 answers, most are wrong, and many groups teach the format at most. Every trace
# ends in a right answer from the first step on, and is read again and again.
#
# And the teacher's own training? It is not on the bill. For the course's own teacher it stands in its files:

# %% key="teacher-cost"
for name in ("base", "r1"):
    bill = checkpoints.load(shelf() / f"{name}.safetensors")[1]["bill"]
    cost = bill["training"] + bill["rollouts"] + bill["teacher"]
    print(f"{name:5} {cost / 1e9:6,.0f} · 10^9 operations")

# %% [markdown]
# `base` is its pre-training, and `r1` only the last of four stages; all four took about 1,640. So the teacher cost
# some 6,900 · 10^9 operations before it wrote its first trace. Many students can share one teacher. If
# there is only one, count it.
#
# *Source of the four stages: `docs/story.md`: 95, 590, 484 and 468 · 10^9.*

# %% [markdown] tags=["teacher"]
# **For teachers.** The RL cell is the longest of the lesson, about half a minute. Let the room use it to
# write on the board what else than the teacher might explain a win. They usually find: the number of
# documents, the worked style, that all answers are right. These are the arms of the next section.
#
# Ask the room: is *equal operations* a fair rule? (It is one rule. By time on this machine, RL took longer,
# since writing word by word uses a processor badly. By the number of problems seen, it is another race
# again.)

# %% [markdown]
# ## Who wrote it
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → **who wrote it**
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* take the teacher away, and leave everything else. *Why:* a teacher's traces are many
# things at once: worked step by step, tidy, in one language, filtered to be right, *and* written by a better
# model. Only arms that differ in one thing tell which of them helped.
#
# - **own samples**: right answers of the small base itself. Filtered as the traces are. No better author.
# - **no teacher**: worked documents of the corpus. They work step by step. Nobody wrote them for this, and nobody
#   filtered them: some have a slip, in some a step is missing.
#
# To compare authors, each must have as many documents. And test problems may be in none.

# %% exercise="distillation.controls"
# 1. The three lists by name: "teacher", "own samples", "no teacher".
# 2. Take test problems out of each.
# 3. Count the shortest of what is left. Cut all three to that.

# %% [markdown]
# <details><summary>A hint</summary>
#
# A document has `document.problem.split`, "train" or "test". A dictionary of three lists is made in one line;
# a dictionary comprehension goes over it.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# First out with the test problems, then count: the other way round, the lists may end up with different
# lengths. Filter nothing else: that the corpus has slips is the point of that arm.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `allowed = {author: [each for each in documents if each.problem.split == "train"] for author, documents in
# authors.items()}`, then `count = min(len(documents) for documents in allowed.values())`, and
# `documents[:count]` of each. In full: `solution("controls")`.
#
# </details>

# %% [markdown]
# The small base writes many answers to get a few hundred right ones. And we add three more authors, all of them
# programs and no models:
#
# - **right ones**: the corpus's documents, after the verifier has taken out those with a wrong answer.
# - **no skips**: the corpus again, slips and all, but no step is left out. (In the corpus, now and then, a step is
#   done without being written down.)
# - **faultless**: worked documents without any fault: no slip, no gap, tidy, in the question's language.

# %% key="authors" exempt="sampled answers of trained models"
from mine import distillation

small = load_model("small-base")
own_right, own_tokens = right_answers(small, pipeline.SamplingPlan(batches=steps(12), samples=8))
habits, parts = worlds.WEB.habits, dict.fromkeys(pipeline.REASONING, 1.0)
recipe = worlds.Recipe(parts, worked=1.0, translated=worlds.WEB.translated, habits=habits)
plain = worlds.corpus(recipe, 2 * len(traces), SEED)
sets = distillation.controls(traces, own_right, plain)
count = len(sets["teacher"])

def is_right(document):
    return worlds.judge(document.problem, worlds.read(document.completion).answer) is None

sets["right ones"] = [document for document in plain if is_right(document)][:count]
sets["no skips"] = worlds.corpus(replace(recipe, habits=replace(habits, skips=0.0)), count, SEED)
sets["faultless"] = pipeline.faultless_documents(pipeline.REASONING, count, SEED)

# %% key="authors-seen" exempt="sampled answers of trained models"
def share(documents, has):
    return sum(has(document) for document in documents) / len(documents)

for author, documents in sets.items():
    worked = share(documents, lambda document: worlds.read(document.completion).worked)
    whole = share(documents, lambda document: worlds.read(document.completion).steps >= document.problem.level)
    level = sum(document.problem.level for document in documents) / len(documents)
    print(f"{author:12} {len(documents)} documents, {share(documents, is_right):4.0%} right,", end=" ")
    print(f"{worked:4.0%} worked, {whole:4.0%} with every step; mean level {level:.1f}")
price = distillation.compute_spent(own, 0, own_tokens) / 1e9
print(f"for its right answers the small base read and wrote {own_tokens:,} tokens, {price:.1f} · 10^9 operations")

# %% [markdown]
# Six students, each from the same small base, with as many steps and as many documents. **Before you run it, write
# down an order.**

# %% key="predict-authors"
predict("authors", "...")

# %% key="arms" exempt="trained floats differ in the last digits between processors"
short = replace(plan, steps=steps(80))
for author, documents in sets.items():
    pupil = copy.deepcopy(small)
    for _ in training.with_progress(distillation.distil(pupil, documents, short, SEED), short.steps, author):
        pass
    results[author] = tested(pupil)
    shown = results[author]
    print(f"{author:12} pass@1 {shown.pass_at_1}, works in {shown.parts.works:.2f} of its answers")

# %% key="arms-figure" exempt="results of trained models"
fig, [ax] = canvas(width=7, height=3.4)
draw_pass(ax, ["small base", *sets])
said = "; ".join(f"{name} {results[name].pass_at_1}" for name in ("small base", *sets))
show(fig, alt=f"pass@1 of the small base, and of six students that read {count} documents each: {said}.")

# %% key="authors-held-against"
recall("authors")

# %% [markdown]
# One thing more, before you read it. The small base learned from the corpus, so it leaves out a step now and
# then as well. What becomes of these answers?

# %% key="gaps" exempt="sampled answers of trained models"
gaps = []
for some in pipeline.answers(small, pipeline.REASONING, pipeline.SamplingPlan(steps(3), samples=8), SEED):
    for problem, reading, was_right in zip(some.problems, some.readings, some.right.tolist(), strict=True):
        if reading.worked and reading.steps < problem.level:
            gaps.append(was_right)
print(f"{len(gaps)} worked answers of the small base leave out a step; {sum(gaps)} of them are right")

# %% [markdown]
# Read it pair by pair.
#
# - *small base* and *no teacher*: documents that are no better than its own corpus, only that all of them are
#   worked. Most of what is gained here is the **habit** of working: see how often each of the two works.
# - *own samples* and *teacher*: filtered by the same verifier. They differ in the author, and in more than that: look
#   at *worked* and *level* in the list above. Some of the small base's right answers were direct, a fifth in our run,
#   and easy problems
#   are more common among them.
# - *no teacher* and *right ones*: the same author, with the verifier and without. Is it the **verifier** that helped?
# - *no teacher* and *no skips*: about as many wrong answers in both. A step that is left out in the corpus gives no
#   wrong answer, and the verifier cannot see it. But who learns from it learns to leave out steps, which a small
#   model cannot do in its head. See how much that costs.
# - *right ones* and *own samples*: right answers all, yet the second did much better in our run, with fewer of them
#   worked. Hold *every step* against *worked*: in our run 79 of 79 in *own samples*, 87 of 100 in *right ones*. And
#   look at the cell before this one. When the small base leaves out a step, it is
#   wrong, and the verifier throws the answer away. So all that it keeps of *its* worked answers is complete.
# - *faultless* and *teacher*: if these two are alike, then **no teacher was needed**. What helped is how the documents
#   are written, and here a rule can write such documents.
#
# In the course's long run (500 steps, with `write` among the problems) it came out so: teacher 0.78, faultless 0.77,
# own samples 0.67, no teacher 0.33. So a teacher is a *way to get complete, right, worked documents*. In our world a
# rule of ten lines writes them too. For a proof or a program, nobody has such a rule. There a model that is often
# right, and a verifier, are a way to come by them. And see what the verifier can do: it looks at the end alone. It
# finds a missing step only where its author could not do without it. The author of the corpus could. So might a large
# teacher, and then its student would read steps that are too large for it. (Ours left out next to none.)
#
# *Source of these four figures: `docs/story.md`, one seed. Your six arms are one seed, too.*
#
# **A question on the way.** Somebody reports: "Distilled from our large model, the student went from 0.09 to
# 0.85." Which arm would you ask for first?
#
# <details><summary>(a) One with twice as many traces.</summary>
#
# That tells how much more there is to gain, and not where the gain comes from.
#
# </details>
# <details><summary>(b) One that had as many documents of the same kind from another source.</summary>
#
# Right. Any fine-tuning on clean, worked, right text in the format of the test would raise the score. What
# the *teacher* added is the difference to that.
#
# </details>
# <details><summary>(c) One with another random seed.</summary>
#
# Good to have too: it tells how much of 0.85 is luck. It cannot tell what the rest is.
#
# </details>

# %% [markdown] tags=["teacher"]
# **For teachers.** In `controls` people cut to the teacher's number, cut before the test problems are out, or
# clean the corpus "to be fair". Each is a small experiment in how comparisons go wrong. Let the room argue
# about the last one: cleaned by the verifier, the corpus is the arm *right ones*; cleaned of every fault, it is
# *faultless*. Both are other questions.
#
# The surprise is *right ones*, which is no better than *no teacher* (worse, in our run). Ask the room for a
# reason before they read on. It takes *no skips* and the count of gaps to find it. (The corpus leaves out steps and
# is right all the same, so the verifier keeps the gaps. Where the small base leaves one out it is wrong, so its own
# kept answers have none.)

# %% [markdown]
# ## More than one seed
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → **more seeds** → many tries → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* look at seeds that ran before. *Why:* yours is one, and seeds can lie far apart. In the
# course's long run the distilled student reached 0.78, 0.50 and 0.66 on three of them (`docs/story.md`).
#
# For three claims about distillation a rule was written down before the seeds were run. Each seed has its own
# small base, its own teacher, its own traces and its own RL. `python start.py claims NAME` prints one in
# full.

# %% key="verdicts"
about_distillation = ("distillation_against_rl", "distilled_curve_is_above", "new_skill_needs_a_teacher")
for name in about_distillation:
    print(f"{CLAIMS[name].statement}\n    {verdict(CLAIMS[name], recorded_results.read(CLAIMS[name]))}")

# %% key="recorded-figure" exempt="results of trained models, and of seeds that are recorded later"
kept = [record.numbers for _, record in sorted(recorded_results.read(CLAIMS["distillation_against_rl"]).items())]
rows = ("small base", "distilled", "small RL", "own samples", "no teacher", "teacher")
before = {row.replace("small RL", "own RL"): [numbers[f"pass@1, {row}"] for numbers in kept] for row in rows}
now = {row: results[row].pass_at_1.mean for row in before if row != "teacher"}
fig, [ax] = canvas(width=7.4, height=3.4)
draw_seeds(ax, before, now, "pass@1 on calc and run")
ax.set_xlim(0, 1)
ax.legend(loc="lower left", fontsize=9)
said = "; ".join(f"{row} {sum(values) / len(values):.2f}" for row, values in before.items())
show(fig, alt=f"""pass@1 of the small base, of its four ways to learn, and of the teacher. Circles are the recorded
    seeds ({len(kept)}), diamonds the seed that ran now. Means of the recorded seeds: {said}.""")

# %% [markdown]
# The diamonds are not one more seed of the same experiment. Here the small base is the course's, which was
# trained for longer; the teacher is another; there were fewer traces and steps; and the arms of *Who wrote it*
# had fewer documents still. The direction can be compared. The numbers cannot.

# %% [markdown]
# ## Many tries
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → **many tries** → a new skill → on-policy → what R1 compared → whose code
#
# *What we do now:* give each model up to 64 tries. *Why:* a model that is right at one try may have become
# *surer*, or may solve problems that it could not solve before. pass@k at a large k asks about the second.
#
# You know from lesson 09: after RL, the curve of pass@k may begin above the base's and end below it. The two
# **cross**. **A prediction:** which of these cross: RL and base? Distilled and base? Distilled and RL?

# %% key="predict-cross"
predict("cross", "...")

# %% key="curves" exempt="results of trained models"
ks = (1, 2, 4, 8, 16, 32, 64)
names = ("small base", "own RL", "distilled")
curves = {name: [results[name].pass_at(k) for k in ks] for name in names}
fig, [ax] = canvas(width=7, height=3.4)
draw_curves(ax, ks, curves, across="tries, k", up="pass@k")
tries = (1, 4, 16, 64)
for record in recorded_results.read(CLAIMS["distilled_curve_is_above"]).values():
    for name, arm in (("small base", 0), ("distilled", 2)):
        earlier = [record.numbers[f"pass@{k}, {name}"] for k in tries]
        ax.plot(tries, earlier, color=LOOKS[arm][0], lw=0.8, marker="", alpha=0.6)
ax.set(xscale="log", ylim=(0, 1.02))
ax.set_xticks(ks, ks)
said = "; ".join(f"{name} {curve[0]:.2f} at one try and {curve[-1]:.2f} at 64" for name, curve in curves.items())
show(fig, alt=f"""pass@k of three models over k from 1 to 64, on a logarithmic axis: {said}. Thin lines: the small
    base and the distilled model of the recorded seeds.""")

# %% key="cross-held-against"
recall("cross")

# %% [markdown]
# A curve hides something. Suppose that RL gains six problems and loses six others: at k = 64, nothing would
# be seen. So look at the problems themselves: who solves which of them at all, in 64 tries?

# %% exercise="distillation.coverage_change"
# 1. A problem is solved if at least one sample is right: before, and after.
# 2. Count the four kinds: solved in both, gained, lost, solved in neither.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `zip(before, after, strict=True)` gives the two counts of each problem. `right > 0` asks whether it is
# solved.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# From 3 right samples to 60 is not gained: the problem was solved before. Make pairs of True and False, and
# count each of the four pairs.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `solved = [(right > 0, later > 0) for right, later in zip(before, after, strict=True)]`, then
# `solved.count((False, True))` for "gained", and so on. In full: `solution("coverage_change")`.
#
# </details>

# %% key="gained-and-lost" exempt="results of trained models"
from mine import distillation

right = {name: [round(share * 64) for share in results[name].per_problem] for name in names}
for one, other in (("small base", "own RL"), ("small base", "distilled"), ("own RL", "distilled")):
    print(f"{one:10} -> {other:9}", distillation.coverage_change(right[one], right[other]))

# %% [markdown]
# Numbers of problems, out of 64. If the base has solved nearly all of them in 64 tries, nothing much can be
# gained here: there is a ceiling, and with it no new ability to be seen. A problem that is gained may also be
# one that the base would have solved at its 70th try.
#
# **In the published models.** Yue and others drew these curves for large models. After RL, Qwen2.5-7B rose
# from 10.2 to 28.3 at one try, and fell from 69.1 to 63.9 at 256 tries (Omni-MATH, after 450 steps). The
# curve of R1's 7B student lay above its base's at every k (Minerva). They read it so: RL sharpens,
# distillation brings something new. Others trained longer, on more varied tasks, and found RL above its base
# over a wide range of k.
#
# *Sources: Yue et al. 2025, arXiv 2504.13837v2, table 3 and section 4.2. The others: ProRL, arXiv 2505.24864,
# read in a copy.*

# %% [markdown]
# ## A new skill
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → **a new skill** → on-policy → what R1 compared → whose code
#
# *What we do now:* look at an arm that is too long to run here. *Why:* so far the student's corpus had every
# skill in it. There a teacher is convenient. Where is it *needed*?
#
# A small model that has read `calc` alone, and never a problem of `run`. It knows the sums in a program of
# `run`, and none of the steps that move digits around. Then it learns `run` from the teacher's traces, or by its
# own RL, for as many operations.

# %% key="new-skill-figure" exempt="seeds are recorded later"
kept = [record.numbers for _, record in sorted(recorded_results.read(CLAIMS["new_skill_needs_a_teacher"]).items())]
fig, axes = canvas(columns=2, width=9, height=3)
for ax, arm in zip(axes, ("narrow distilled", "narrow RL"), strict=True):
    for (shade, dashes, marker), name in zip(LOOKS, ("narrow base", arm), strict=False):
        seeds = torch.tensor([[numbers[f"pass@{k}, {name}"] for k in tries] for numbers in kept])
        ax.plot(tries, seeds.T, color=shade, ls=dashes, marker=marker, label=[name] + ["_"] * (len(kept) - 1))
    ax.set(xscale="log", xlabel="tries, k", ylabel="pass@k on run", ylim=(-0.02, 0.8))
    ax.set_xticks(tries, tries)
    ax.legend()
means = {name: sum(numbers[f"pass@64, {name}"] for numbers in kept) / len(kept)
         for name in ("narrow base", "narrow distilled", "narrow RL")}
said = "; ".join(f"{name} {value:.2f}" for name, value in means.items())
show(fig, alt=f"""pass@k on `run` of a small model that has only met `calc`, in the recorded seeds ({len(kept)}). Left:
    beside distillation on `run`. Right: beside its own RL on `run`. At 64 tries, mean of the seeds: {said}.""")

# %% [markdown]
# RL makes more of what the model writes now and then. Where hardly any rollout is right, groups have no
# contrast, or only that of the small reward for the format. Then RL learns the format, and the little there is may
# get lost: so in four of the five recorded seeds. In one, RL found some of it (at 64 tries 0.25, where the base had
# 0.17), but less than the traces brought there (0.42). A trace shows the way to
# somebody who would never have found it. This is the extreme case, made for the question. Between it and the
# race above lies everything else.

# %% [markdown]
# ## On-policy
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → **on-policy** → what R1 compared → whose code
#
# *What we do now:* the student writes, and the teacher judges every word. *Why:* with traces the student only
# ever sees the teacher's texts. When it makes a slip of its own, it is in a place where no trace has been.
#
# **On-policy distillation** takes RL's rollouts and the teacher's probabilities. No reward is needed, and
# there is something to learn at each word, not once an answer. The divergence is turned round. Now the
# *student's* probabilities weigh:
#
# $$\frac{1}{N} \sum_{\text{positions}} \; \sum_{\text{words}} q \,(\log q - \log p)$$

# %% exercise="distillation.reverse_kl"
# 1. Log-probabilities of both. No gradient may go to the teacher.
# 2. At each position: sum over the vocabulary of the student's probability times (student minus teacher).
# 3. The mean over the positions where `mask` is True.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Start from your `soft_loss`, without the temperature. Which of the two weighs, and what is the order of the
# difference?
#
# </details>
# <details><summary>A bigger hint</summary>
#
# The student's probabilities in front carry the gradient. Detached, nothing would be left: the sum of what
# remains does not change when the student does.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `divergence = (student.exp() * (student - teacher)).sum(dim=-1)`, with `teacher` from
# `teacher_logits.detach()`. In full: `solution("reverse_kl")`.
#
# </details>

# %% [markdown]
# (The words were sampled, and no gradient runs through the sampling: a text, once written, is given.)
#
# What does the direction change? A teacher knows **two** ways to go on: a common one, and a rarer one. The
# student is too simple for that: it is one hill, of any place and width. Which hill is best, by either
# divergence? We try many.

# %% key="two-directions"
from mine import distillation

x = torch.linspace(-5, 5, 81)

def hill(place, width):
    return -((x - place) ** 2) / (2 * width**2)

two_ways = (0.6 * hill(-2, 0.6).exp() + 0.4 * hill(2, 0.6).exp() + 1e-6).log()
places, widths = torch.arange(-3.5, 3.6, 0.25).tolist(), torch.arange(0.25, 3.1, 0.25).tolist()
best, counts = {}, torch.ones(1, 1, dtype=torch.bool)
for name, loss in (("teacher weighs", distillation.soft_loss), ("student weighs", distillation.reverse_kl)):
    found = [(loss(hill(*shape)[None, None], two_ways[None, None], counts).item(), shape)
             for shape in product(places, widths)]
    best[name] = min(found)[1]
    print(f"{name}: the best hill stands at {best[name][0]:.2f}, with width {best[name][1]:.2f}")

# %% key="two-directions-figure"
fig, axes = canvas(columns=2, width=9, height=2.8)
for ax, (name, shape) in zip(axes, best.items(), strict=True):
    ax.fill_between(x, two_ways.softmax(dim=-1), color="#DDDDDD", label="teacher")
    ax.plot(x, hill(*shape).softmax(dim=-1), color=colours.blue, marker="", label="student")
    ax.set(title=name, xlabel="what may be written", ylim=(0, 0.11))
    ax.legend()
axes[0].set_ylabel("probability")
show(fig, alt="""Two charts. The teacher has two hills, at -2 and at 2, the left one higher. Where the teacher weighs,
    the best student is one wide hill across both, with its top between them, where the teacher writes next to
    nothing. Where
    the student weighs, it is a narrow hill on the left one, and the right one is left out.""")

# %% [markdown]
# If the teacher weighs, the student must cover all that the teacher does. So it also writes things in
# between, which nobody would write. If the student weighs, it must not write what the teacher would not. So
# it settles for one way, and does that well. A small model that cannot have everything is often better off
# with the second.
#
# Now on the small base: 48 problems a step, one answer each.

# %% key="on-policy" exempt="trained floats differ in the last digits between processors"
teacher, small = load_model("r1"), load_model("small-base")
policy_plan = training.Plan(steps(25), learning_rate=3e-3, warmup=5)
judged, tokens_read = copy.deepcopy(small), []

def noting(records):
    for record in records:
        tokens_read.append(record.tokens)
        yield record

problems_at = pipeline.draw_problems(pipeline.REASONING, 48, f"on-policy {SEED}")
history = watch(
    noting(distillation.distil_on_policy(judged, teacher, problems_at, policy_plan, SEED)),
    steps=policy_plan.steps, curves={"loss": "divergence, nats a token"},
    alt="How far the student is from its teacher, on what the student itself writes. It falls fast.",
)

# %% key="on-policy-result" exempt="results of trained models"
results["on-policy"], read_by_all = tested(judged), sum(tokens_read)
spent = distillation.compute_spent(own, read_by_all, read_by_all, large, read_by_all) / 1e9
print(f"on-policy  pass@1 {results['on-policy'].pass_at_1}, {spent:5.1f} · 10^9 operations")
print(f"distilled  pass@1 {results['distilled'].pass_at_1}, {budget / 1e9:5.1f}")
print(f"own RL     pass@1 {results['own RL'].pass_at_1}, {sum(bills['own RL'].values()) / 1e9:5.1f}")

# %% [markdown]
# All three kinds of cost are on the bill: the student writes, the teacher reads every word, the student
# learns. The bills are not equal here, so this is a look and no race. What may be held against each other is
# how many answers each saw: RL some thousands, with one number of praise or blame each. On-policy
# distillation 1,200, with an opinion on each word.
#
# Qwen's report on its third generation compares the two for an 8B model: 1,800 GPU hours of on-policy
# distillation against 17,920 of RL, and the distilled model was better.
#
# *Sources: Qwen3, arXiv 2505.09388, read in a copy. The method: Agarwal et al. 2024, arXiv 2306.13649; Gu et
# al. 2024, arXiv 2306.08543.*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `reverse_kl`: the direction of `soft_loss`; the student's probabilities
# detached, so that the number is right and the gradient is gone; the entropy left out, which leaves a loss that is
# smallest for a student with one answer to everything. In `coverage_change`, above: more right answers taken for
# *gained*.
#
# Ask the room: what can on-policy distillation not do that RL can? (Go beyond its teacher. Its loss is least where the
# student writes what the teacher would write, right or wrong.)

# %% [markdown]
# ## What R1 compared
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → **what R1 compared** → whose code
#
# *What we do now:* hold our race against the published one. *Why:* they are not the same experiment.
#
# | Qwen-32B, base | AIME 2024 | MATH-500 | GPQA | LiveCodeBench |
# |---|---|---|---|---|
# | its own RL, more than 10,000 steps | 47.0 | 91.6 | 55.0 | 40.2 |
# | distilled from R1's samples | 72.6 | 94.3 | 62.1 | 57.2 |
#
# | | R1's comparison | ours |
# |---|---|---|
# | student | 32 billion parameters | 58 thousand, the embedding left out |
# | what it read | about 800,000 samples, also of other kinds than reasoning | some 1,200 traces, of two skills |
# | compute | not matched: more than 10,000 steps of RL against fine-tuning on the samples | matched, with the teacher's writing |
# | the teacher's own training | not counted | not counted, printed beside |
# | arms without a teacher | none in that table | own samples, corpus, faultless |
# | soft targets, on-policy | none: text alone | text alone in the race, both beside it |
#
# DeepSeek drew two conclusions. Distilling a large model into small ones works very well, and is cheap. To go
# beyond what there is, one still needs a larger base and more RL: somebody has to be the teacher.
#
# By size, its Qwen students reached on AIME 2024: 28.9 with 1.5 billion parameters, 55.5 with 7, 69.7 with 14,
# 72.6 with 32. And somebody else did it again: the open-r1 project made a 7B student from 350,000 verified
# traces of R1, and matched DeepSeek's. R1's licence, MIT, allows all this.
#
# *Sources: DeepSeek-R1, arXiv 2501.12948v1, tables 5 and 6 and section 4.1; the open-r1 project's README.*

# %% [markdown]
# ## Where the toy misleads
#
# - **The corpus holds the answer.** Worked documents were in the student's corpus all along. Distillation and
#   RL mostly *choose* them here. In *A new skill* they were not: compare.
# - **A rule can write the documents.** So the teacher can be replaced. Where the world has such rules, use
#   them.
# - **The course's teacher is nearly always right.** R1 was not, on hard problems: a filter throws away much more
#   there, and more of the hard problems than of the easy ones. So the student sees fewer of those.
# - **The same vocabulary.** Soft targets and on-policy distillation need it. Teacher and student in the real
#   world often differ.
# - **One test of 64 problems.** The intervals you saw are over problems. Other seeds may differ by more than
#   that (*More than one seed*).
# - **Operations are not time, and not money.** Writing word by word uses a machine badly, reading uses it
#   well. Our bill counts both alike, and leaves out attention's own scores.
# - **Tested many.** Whoever holds 17 claims against a rule that luck fulfils in 3 cases of 100 is fooled at
#   least once with a chance of 42 in 100, if they have nothing to do with one another.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-R1 and its students | lesson |
# |---|---|---|
# | the teacher has 6 times the student's parameters | R1's 37 billion active ones are 21 times the smallest student's 1.78 billion | 05 |
# | a trace has some 34 words | thousands of tokens, to be written one by one | 04 |
# | `judge` compares digits | rules for maths, tests in a sandbox for code, a model as a judge for the rest | 07 |
# | texts alone, or soft targets | texts alone | |
# | some 1,200 traces | about 800,000 samples | 10 |
# | a student of the same family | Qwen2.5 and Llama 3, with their own licences | 12 |
#
# The loss is of the same kind as here: the next tokens of what the teacher wrote.

# %% [markdown]
# ## Whose code
#
# > **The way:** two models → soft targets → T² → traces → the bill → stop line → the race → who wrote it
# > → more seeds → many tries → a new skill → on-policy → what R1 compared → **whose code**
#
# *What we do now:* keep the student, and see what it is made of. *Why:* this is where the way from lesson 02
# ends.
#
# The cell makes one step of each thing that happened to a student of this lesson, or earlier to its teacher:
# answers are sampled, filtered, rewarded, learned from. (The student that is kept is the one of the race: it read
# traces, and nothing else.) The cell watches which functions of `mine` are really called. Blue and bold is
# yours. Hatched is on loan from the course.

# %% key="keep-student"
keep_model("student", student)

# %% key="whose" exempt="it shows your own pieces, and grows with the course"
def one_of_each():
    pupil, one, rewarded = copy.deepcopy(small), training.Plan(1, warmup=1), rewards.ACCURACY_AND_FORMAT
    asked = pipeline.draw_problems(pipeline.REASONING, 4, "whose")
    (rollouts,) = pipeline.answers(teacher, pipeline.REASONING, pipeline.SamplingPlan(1, 4, 2), seed=0)
    traces = distillation.filter_traces(rollouts.problems[::2], pipeline.texts(rollouts))
    list(distillation.distil(pupil, traces, one, 0))
    list(pipeline.reinforce(pupil, pipeline.REASONING, replace(rl_plan, steps=1, problems=8), rewarded, 0))
    list(distillation.distil_on_policy(pupil, teacher, asked, one, 0))

teacher, small = load_model("r1"), load_model("small-base")
used = pieces_called(one_of_each)
yours = [piece for piece in used if piece.yours]
print(f"{len(used)} pieces of the course's exercises ran, and {len(yours)} of them are yours.")

# %% key="whose-figure" exempt="it shows your own pieces, and grows with the course"
fig, [ax] = canvas(width=9, height=0.4 + 0.6 * len({piece.lesson for piece in used}))
draw_pieces(ax, used)
listed = [", ".join(piece.name for piece in used if piece.yours == own) or "none" for own in (True, False)]
show(fig, alt=f"The pieces that ran, lesson by lesson. Yours: {listed[0]}. On loan: {listed[1]}.")

# %% [markdown]
# Only what was called is shown. Your `soft_loss`, `compute_spent`, `controls` and `coverage_change` are missing: the
# first is a way that this student did not go, the others count and compare.
#
# Whatever is hatched can still become yours: go back to its lesson, and run this cell once more. The weights
# stay as they are. The functions through which they speak are then your own.

# %% [markdown]
# ## Three questions
#
# **1.** A student learned from a teacher's traces, all of them right. It now makes *more* mistakes on easy
# problems than the small base did when working. How can that be?
#
# <details><summary>Answer</summary>
#
# Several reasons. The traces may hold few easy problems. The teacher's steps may be too large: it leaves out
# what it can do in its head, and the student cannot. Or a right answer hid wrong steps. Look at the traces of
# easy problems first.
#
# </details>

# %% [markdown]
# **2.** Somebody distils at T = 8 without T² and adds the usual loss on the texts. The result is as good as
# the usual loss alone, and they conclude that soft targets do not help. What would you try?
#
# <details><summary>Answer</summary>
#
# Without T² the soft loss had a sixty-fourth of the weight it would have with it. So the usual loss had most of
# the say: compare the two gradients at T = 8 in your own table. Put the factor in, or raise the weight, and then
# compare.
#
# </details>

# %% [markdown]
# **3.** A company distils a student from a teacher whose terms forbid it. Can one see from the student's
# weights who taught it?
#
# <details><summary>Answer</summary>
#
# Hardly from weights. From behaviour, sometimes: turns of phrase, the same rare mistakes, an answer to "who
# are you?". None of these is proof, since texts of many models are on the web, and so in many corpora. R1's
# licence allows distillation, so that there the question does not arise.
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers |
# |---|---|---|
# | $T$ | `temperature` | $T$ (Hinton et al. 2015) |
# | $p$, $q$ | `teacher`, `student`, log-probabilities | $p_T$, $p_S$; $\pi_T$, $\pi_\theta$ |
# | $T^2 \, \mathrm{KL}(p \,\Vert\, q)$ | `soft_loss` | forward KL |
# | $\mathrm{KL}(q \,\Vert\, p)$ | `reverse_kl` | reverse KL, $D_{KL}(p_S \Vert p_T)$ |
# | $6ND$ | `compute_spent` | $C$ (Kaplan et al. 2020) |
#
# | word | meaning |
# |---|---|
# | distillation | training a student on what a teacher wrote, or thought likely |
# | teacher, student | the model that is learned from, and the one that learns |
# | soft targets | the teacher's probabilities for each next word |
# | hard target | the word that came |
# | trace | a worked answer, kept to learn from |
# | control arm | the same experiment without the one thing in question |
# | on-policy distillation | the student writes, the teacher says how likely it finds each word |
# | forward, reverse KL | the divergence in which the teacher's, or the student's, probabilities weigh |
# | coverage | which problems are solved at all, in many tries |

# %% [markdown]
# ## Where to read more
#
# - Hinton, Vinyals and Dean 2015, *Distilling the knowledge in a neural network*, arXiv 1503.02531: soft
#   targets, temperature, T².
# - Kim and Rush 2016, *Sequence-level knowledge distillation*, arXiv 1606.07947: to learn from what the
#   teacher wrote.
# - DeepSeek-AI 2025, *DeepSeek-R1*, arXiv 2501.12948: sections 2.4, 3.2 and 4.1 of the first version.
# - Yue and others 2025, *Does reinforcement learning really incentivize reasoning capacity in LLMs beyond the
#   base model?*, arXiv 2504.13837.
# - Agarwal and others 2024, *On-policy distillation of language models*, arXiv 2306.13649; Gu and others
#   2024, *MiniLLM*, arXiv 2306.08543: the student writes, and the divergence is turned round.
# - Kaplan and others 2020, *Scaling laws for neural language models*, arXiv 2001.08361, section 2.1: six
#   operations a parameter and token.
# - `docs/story.md` and `docs/claims.md` of this course: all arms with their numbers.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
