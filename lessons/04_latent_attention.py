# %% [markdown]
# A model writes one word at a time. For each new word, attention looks back at all earlier ones. So the
# model needs something of every earlier word, at every step. It can compute that again and again, or it can
# **keep** it. Everybody keeps it. What is kept is called the **cache**, and for long answers, written for
# many people at once, it is what fills the memory.
#
# In this lesson you build the cache, count what it costs, and then build what DeepSeek-V2 put in its place:
# **multi-head latent attention**. V3 and R1 use it too. At the end you take a famous number apart.
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator

# %% key="setup"
import inspect
import math
import re
import time

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pocketr1.attention import attend, scores, softmax
from pocketr1.cache import Cache, Writer, positions_and_mask
from pocketr1.claims import CLAIMS
from pocketr1.claims.recorded_results import read
from pocketr1.configuration import Heads, Latent, ModelConfig
from pocketr1.latent import masked_softmax
from pocketr1.transformer import rms_norm, rope, rotations
from pocketr1.workbook import begin, check, explore, predict, progress, recall, show, solution
from pocketr1.workbook.diagrams import draw_amounts, draw_factors, draw_latent
from pocketr1.workbook.figures import canvas, draw_curves, draw_matrix, draw_seeds
from pocketr1.workbook.widgets import Choice, Slider, Words

begin("04_latent_attention", globals())

# %% [markdown]
# ## First, two predictions
#
# **One.** Two people let the same model write. One wants 16 words, the other wants 256. Both can keep a
# cache or do without. Who gains more from it, and by how much, roughly?
#
# **Two.** DeepSeek-V2's paper says that its cache is 93.3 % smaller than that of the model before it. How
# much of that is owed to a new kind of attention, and what else could have made it smaller?
#
# Write your guesses in place of the dots.

# %% key="predict-gain"
predict("gain", "...")

# %% key="predict-93"
predict("93", "...")

# %% [markdown] tags=["teacher"]
# **For teachers.** Minutes: opening 4, by hand 5, keeping 8, the same words 11, what it costs 10 (a good
# place for a break), compressing 11, moving a matrix 4, position 8, two parts 7, absorbing 12, 93.3 % 6,
# calculator 4. The core exercises (`cache_elements`, `compress`, `decoupled_scores`) with their sections
# take about 45 minutes; the widget shows the rest.
#
# Take the first prediction by a show of hands: *twice as fast, ten times, a hundred times?* Nobody is wrong
# yet. The gain grows with the length, and that is the point.

# %% [markdown]
# ## By hand
#
# > **The way:** **by hand** → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* make keys for three words, then for a fourth. *Why:* to see which numbers change when a
# word is added. Each word has a vector. A matrix turns it into its key.

# %% key="by-hand"
words = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])  # old, fox, sees
to_key = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
kept_keys = words @ to_key
new = torch.tensor([[0.0, 1.0]])  # moon
print("all four made anew:", (torch.cat([words, new]) @ to_key).tolist())
print("three kept, one made:", torch.cat([kept_keys, new @ to_key]).tolist())

# %% [markdown]
# The same four keys. A key comes from its own word's vector, and from nothing else. With values it is the
# same.
#
# But are the *vectors* of the earlier words still what they were? In the first layer, of course. In the
# second layer, a word's vector holds what attention brought it. Here the causal mask helps: **no word looks
# ahead, so no word ever hears of a later one.** What was computed for the first three words stays right for
# ever.

# %% key="untouched"
from mine import configuration, model


@torch.no_grad()
def make_model():
    shape = configuration.ModelConfig(50, 64, 2, configuration.Heads(4, 4, 16), configuration.Dense(192))
    made = model.LanguageModel(shape, seed=0)
    for parameter in made.parameters():
        parameter.mul_(5 if parameter.ndim == 2 else 1)  # larger matrices: livelier nonsense
    return made

small_model = make_model()
text = torch.randint(50, (4, 8), generator=torch.Generator().manual_seed(0))
of_five, of_eight = small_model(text[:, :5]), small_model(text)
print("the first five words are untouched:", torch.allclose(of_five, of_eight[:, :5], atol=1e-4))

# %% [markdown]
# (The model of this section is untrained, and what it writes is nonsense. How much has to be computed does
# not depend on sense.)
#
# **A question on the way.** What has to be kept of an earlier word, so that attention can go on?
#
# <details><summary>(a) Its query, its key and its value, in each layer.</summary>
#
# A query is what a word asks when it is its turn. Its turn is over. Later words ask with their own queries,
# and nobody asks an old one again.
#
# </details>
# <details><summary>(b) Its key and its value, in each layer.</summary>
#
# Right. The new word's query is compared with all keys, and then it takes from all values. That is all that
# attention needs of the past.
#
# </details>
# <details><summary>(c) The vector that each layer was given, from which it made key and value.</summary>
#
# That would do, and here it is half as long as key and value together. But all keys and values have to be made
# again for each new word. Of the 13 · 64² weights of a layer here, 4 · 64² in attention and 9 · 64² in the
# feed-forward, keys and values need 2 · 64²: that work comes back for every earlier word. Keep the thought,
# though: *something short, from which keys and values can be made*.
#
# </details>
# <details><summary>(d) Only the word itself.</summary>
#
# That is the least one can keep, and it means to compute everything again for each new word. It is what we
# compare with.
#
# </details>

# %% [markdown]
# ## Keeping
#
# > **The way:** by hand → **keeping** → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* write the store of one layer. *Why:* it is small, and full of places to go wrong.
#
# To glue a new key to the old ones with `torch.cat` would copy all the old ones, at every word. So
# **rooms** are made beforehand, large enough for the longest text: one for keys, one for values. A new
# token is written into the next free column.
#
# - `self.rooms` are the tensors, [batch, ..., capacity, dim]. Tokens are on the axis before the last.
# - `self.length` says how many columns are in use.
# - `self.rows` says how many texts are still being written. When one is finished, `generate` moves the
#   others up, and lowers this number.
#
# The axes in the middle are none of its business, hence the dots: keys have an axis of heads, and other
# things, which you will meet soon, have none.

# %% exercise="cache.LayerCache"
# 1. The new tokens go into the columns from self.length on. How many are there? The axis before the last tells.
# 2. Write each tensor of `new` into its room: the first self.rows rows, these columns.
# 3. Let self.length grow. Return, for each room, the rows and columns that are in use: a tuple.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `new[0].shape[-2]` is the number of new tokens. `room[:rows, ..., start:end, :]` picks rows and columns,
# however many axes lie between them. One can assign to it: `room[...] = tokens` writes into the room
# itself.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `for room, tokens in zip(self.rooms, new):` goes through both at once. Remember where the new columns
# start *before* you let `self.length` grow.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `start, self.length = self.length, self.length + new[0].shape[-2]`; in the loop `room[: self.rows, ...,
# start : self.length, :] = tokens`; then `return tuple(room[: self.rows, ..., : self.length, :] for room in
# self.rooms)`. In full: `solution("LayerCache")`.
#
# </details>

# %% key="kept"
from mine import cache

store = cache.LayerCache(torch.zeros(1, 2, 6, 4), torch.zeros(1, 2, 6, 4))  # two heads, room for 6 tokens
for new_tokens in (3, 1, 1):
    keys, values = store.append(torch.ones(1, 2, new_tokens, 4), torch.ones(1, 2, new_tokens, 4))
    print(f"{new_tokens} new: {store.length} of 6 columns in use, keys {list(keys.shape)}")

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong: they return only the new tokens, or the whole room, whose empty
# columns attention would look at; and they set the length to the number of new tokens in place of adding
# it. All are named.
#
# Ask the room: what if a class attribute held the keys, and not `self`? (All layers, and all texts, would
# share one store. It happens in practice, and the check tries it.)

# %% [markdown]
# ## The same words
#
# > **The way:** by hand → keeping → **the same words** → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* write with the cache. *Why:* it must not change a single word.
#
# A step of writing hands the model its new tokens only. Then two things have to be said that used to be
# clear:
#
# - **where they stand.** The first new token is not at position 0. It comes after all that is in the cache.
# - **at what they may look.** At all real tokens in the cache, and not at padding.
#
# Padding makes it harder. Prompts have different lengths, and are filled up **on the left**, so that all
# rows go on in the same column. A row with two columns of padding is two positions behind its column.
#
# The function `positions_and_mask(padding, seen, new)` works that out: `padding` says how many columns of
# each row are padding, `seen` how many are in the cache already, `new` how many come now. Look at what it
# says of two prompts, one of two words and one of four.

# %% key="padding-figure"
from mine import cache

positions, masks = cache.positions_and_mask(torch.tensor([2, 0]), seen=0, new=4)
rows = (["<pad>", "<pad>", "find", "calc"], ["find", "calc", "add3", ":"])
fig, axes = canvas(columns=2, width=8.4, height=3.3)
for ax, names, places, mask in zip(axes, rows, positions, masks, strict=True):
    draw_matrix(ax, mask[0], [f"{name}, at {place}" for name, place in zip(names, places, strict=True)], names)
show(fig, alt="""Two tables: who may look at whom. In the row with two words and two columns of padding, find
    stands at position 0 and sees itself, calc stands at 1 and sees find and itself; a padding token sees
    itself alone. In the row with four words, at the positions 0 to 3, each sees itself and all before it.""")

# %% key="next-step"
positions, masks = cache.positions_and_mask(torch.tensor([2, 0]), seen=4, new=1)
print("the next token stands at", positions[:, 0].tolist())
for row, mask in enumerate(masks):
    print(f"row {row} may look at the columns", mask[0, 0].nonzero()[:, 0].tolist())

# %% [markdown]
# The model is run by `model.run(tokens, positions, mask, cache)`. It gives logits for every new token, and
# puts the tokens' keys and values into the cache on its way.

# %% exercise="cache.cached_step"
# 1. Positions and mask of the new tokens, given the padding and what is in the cache already.
# 2. Run the model over the new tokens, with the cache.
# 3. Of its logits [batch, new, vocab], only those at the last new token say what comes next.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `cache.length` is how many tokens are in the cache: that is `seen`. `tokens.shape[1]` is how many are new.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `positions_and_mask(...)` returns two things, and `model.run` wants them in the same order, after the
# tokens. `[:, -1]` takes the last token of each row.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `positions, mask = positions_and_mask(padding, cache.length, tokens.shape[1])`, then `return
# model.run(tokens, positions, mask, cache)[:, -1]`. In full: `solution("cached_step")`.
#
# </details>

# %% [markdown]
# Now both ways, always taking the likeliest word.

# %% key="both-ways"
@torch.no_grad()
def with_cache(prompts, count):
    room, new, written = small_model.room(len(prompts), prompts.shape[1] + count), prompts, []
    for _ in range(count):
        new = cache.cached_step(small_model, new, room, None).argmax(dim=-1, keepdim=True)
        written.append(new)
    return torch.cat(written, dim=1)

@torch.no_grad()
def without_cache(prompts, count):
    words = prompts
    for _ in range(count):
        words = torch.cat([words, small_model(words)[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    return words[:, prompts.shape[1] :]

small_model = make_model()  # made anew, so that it keeps with your LayerCache
kept, anew = with_cache(text, 64), without_cache(text, 64)
print("with a cache:   ", kept[0, :12].tolist(), "...")
print("without a cache:", anew[0, :12].tolist(), "...")
assert torch.equal(kept, anew), "the cache has changed a word"
print("all 4 x 64 words are the same:", torch.equal(kept, anew))

# %% [markdown]
# Now the work. Nearly all of it is multiplications, and PyTorch can count them. They do not depend on the
# machine, so they can be compared exactly. (Counting slows the model down: the last line comes after some
# twenty seconds.)

# %% key="multiplications"
def multiplications(function, *given):
    with FlopCounterMode(display=False) as counter:
        function(*given)
    return counter.get_total_flops() // 2  # it counts the additions as well

print("words   with a cache   without a cache   times as many")
for count in (16, 64, 256):
    few, many = (multiplications(write, text[:1], count) for write in (with_cache, without_cache))
    print(f"{count:5} {few:14,} {many:17,} {many / few:15.0f}")
recall("gain")

# %% [markdown]
# To write word 256 without a cache, the model runs over 263 words once more. With one, it runs over one.
# The gain grows with the length: the longer the answer, the more the cache is worth. **It is about half
# the number of words, and somewhat more: for ten thousand words a factor of thousands, in multiplications.**
#
# Seconds say the same, less sharply: our model is tiny, and one step has costs that no cache can save. The
# next cell measures on this machine. It takes some ten seconds.

# %% key="seconds" exempt="measured seconds depend on the machine"
def seconds(write, count):
    start = time.process_time()
    write(text, count)
    return time.process_time() - start

lengths = [16, 32, 64, 128, 256]
times_as_fast = [seconds(without_cache, count) / seconds(with_cache, count) for count in lengths]
fig, [ax] = canvas(width=6, height=3)
draw_curves(ax, lengths, {"speed-up": times_as_fast}, across="words written", up="times as fast with a cache")
ax.set_ylim(bottom=0)
show(fig, alt="""How many times as fast writing is with a cache, for 16 to 256 words, measured on this machine.
    The curve rises all the way, from little more than one.""")

# %% key="faster"
print("the speed-up grows with the length:", times_as_fast[0] < times_as_fast[2] < times_as_fast[4])

# %% [markdown]
# **A question on the way.** Queries and keys are turned by their position (lesson 03). Should the cache
# keep a key *before* it is turned, or after?
#
# <details><summary>(a) Before: a new word changes how far away the key is, so it has to be turned anew each
# time.</summary>
#
# It does change how far away the key is. But the new word's *query* is turned by its own position, and the
# two turns meet in the dot product. The key's own turn depends on the key's own position alone, and that
# never changes. (To keep it unturned would be right, and cost a turn of the whole cache at each word.)
#
# </details>
# <details><summary>(b) After, once and for all.</summary>
#
# Right. Each key is turned once, by the position where it stands.
#
# </details>
# <details><summary>(c) After, and at each new word it is turned on by one more position.</summary>
#
# Then a key would be turned for its position, and for its distance too. The next cell tries it.
#
# </details>

# %% key="turned-again"
random = torch.Generator().manual_seed(1)
query, keys = torch.randn(1, 8, generator=random), torch.randn(5, 8, generator=random)
place = torch.arange(5)
right = rope(query, rotations(torch.tensor([4]), 8)) @ rope(keys, rotations(place, 8)).T
again = rope(keys, rotations(place, 8))
for word in range(1, 5):  # at each new word, everything that is kept is turned on by one position
    again[:word] = rope(again[:word], rotations(torch.ones(word, dtype=torch.long), 8))
wrong = rope(query, rotations(torch.tensor([4]), 8)) @ again.T
for name, row in (("turned once", right), ("turned again", wrong)):
    print(f"{name:13}", [f"{score:.2f}" for score in row[0]])

# %% [markdown]
# Only the newest key, which was turned once, has the right score. All the others now look as if they stood
# where the query stands.
#
# ## What it costs
#
# > **The way:** by hand → keeping → the same words → **what it costs** → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* count what the cache holds. *Why:* it is the price of the speed.
#
# For each token, each layer keeps a key and a value for each head: 2 × heads × numbers in a head × layers.
# Three kinds of attention differ in what they keep:
#
# | what | kept for each token and layer | used by |
# |---|---|---|
# | **multi-head attention**: each head has its own keys and values | 2 × heads × numbers in a head | GPT-2, lesson 02 |
# | **grouped-query attention**: a group of heads shares one head of keys and values (Ainslie et al. 2023) | 2 × key heads × numbers in a head | Llama 3, Qwen2.5, Qwen3, DeepSeek-67B |
# | **latent attention**: one short vector, from which all keys and values are made, and one key for the position | latent + key | DeepSeek-V2, V3, R1 |
#
# The first two are `Heads` in this course (with as many key heads as heads, or fewer). The third is
# `Latent`. You build it in a moment. Counting it needs only the last column.

# %% exercise="sizes.cache_elements"
# 1. Which kind is it? isinstance(attention, Latent) is True for latent attention.
# 2. The numbers that one token leaves in one layer.
# 3. Times the layers.

# %% [markdown]
# <details><summary>A hint</summary>
#
# The fields are `attention.key_heads` and `attention.head_dim`, or `attention.latent_dim` and
# `attention.rope_dim`. The others do not matter: no query is ever kept.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# For `Heads` there are two things, a key and a value, hence a 2. For `Latent` there is one latent, and one
# key with position for all heads: no 2, and no heads.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `layers * (attention.latent_dim + attention.rope_dim)` for `Latent`, and `layers * 2 * attention.key_heads
# * attention.head_dim` for `Heads`. In full: `solution("cache_elements")`.
#
# </details>

# %% [markdown]
# Does the formula hold for a store that is really there? We make one for 3 texts of 100 tokens, and count
# its numbers.

# %% key="counted"
from mine import sizes

small_model = make_model()
room, config = small_model.room(batch=3, capacity=100), small_model.config
there = sum(tensor.numel() for layer in room.layers for tensor in layer.rooms)
print(f"numbers in the rooms: {there:,}")
print(f"by the formula:       {3 * 100 * sizes.cache_elements(config.layers, config.attention):,}")

# %% [markdown]
# Now models that exist. Two bytes for a number (16 bits), and 32,768 tokens for a text: so long may R1's
# answers be in its tests.

# %% key="published-table"
from mine import sizes

published = {
    "DeepSeek-V3 and R1": "DEEPSEEK_V3",
    "DeepSeek-V2": "DEEPSEEK_V2",
    "DeepSeek 67B": "DEEPSEEK_67B",
    "Llama 3.1 405B": "LLAMA_405B",
    "Qwen2.5-72B": "QWEN25_72B",
    "Qwen3-235B-A22B": "QWEN3_235B",
}

def numbers_a_token(name):
    config = getattr(sizes, published[name])
    return sizes.cache_elements(config.layers, config.attention)

print("model               numbers a token   KB a token   GB a text   GB for 100 texts")
for name in published:
    count = numbers_a_token(name)
    gigabytes = 2 * count * 32_768 / 1e9
    print(f"{name:19} {count:15,} {2 * count / 1000:12.1f} {gigabytes:11.1f} {100 * gigabytes:18,.0f}")

# %% key="published-figure"
kilobytes = [2 * numbers_a_token(name) / 1000 for name in published]
fig, [ax] = canvas(width=7.6, height=2.9)
draw_amounts(ax, kilobytes, list(published), across="KB that one token leaves in the cache, at 2 bytes a number")
show(fig, alt="""Bars: what one token leaves in the cache, in kilobytes, at two bytes a number. DeepSeek-V3 and R1
    70, DeepSeek-V2 69, DeepSeek 67B 389, Llama 3.1 405B 516, Qwen2.5-72B 328, Qwen3-235B-A22B 193.""")

# %% [markdown]
# With plain multi-head attention of the same shape, V3 would keep 32,768 numbers for each token and layer
# in place of 576. That is 3,998 KB a token, and 131 GB for a single text.
#
# **Why is this what serving pays for?** A model's weights are in memory once, for all users together. A
# cache is there for *each* text that is being written. Llama 3.1 405B, at two bytes a number, weighs about
# 810 GB. A hundred texts of 32,768 tokens need about 1,700 GB beside that. And it is not only room: for
# each new word, the chip has to *read* the whole cache of that text. So a smaller cache means more users on
# the same chips.
#
# *Sources. Layers, heads and sizes: the configuration that belongs to each model; they are in
# `pocketr1/sizes.py`, each with its source. The three figures 70, 328 and 516 KB are also in a paper of
# DeepSeek's (arXiv 2505.09343; we read it second-hand). The longest answer: DeepSeek-R1, arXiv 2501.12948,
# version 1, section 3. Bytes and gigabytes are our arithmetic.*
#
# **Sharing heads costs something.** DeepSeek compared the three kinds at 7 billion parameters, trained on
# 1.33 million million tokens. On MMLU, a test of knowledge, each head with its own keys reached 45.2,
# groups 41.2, and a single shared head 37.9. (DeepSeek-V2, arXiv 2405.04434, Table 8.) So the question is:
# *can one keep less without sharing?*

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `cache_elements`: the 2 for keys and values is lost; the latent
# is doubled, one for keys and one for values; the key with position is counted once a head; query heads are
# counted for key heads. The last one makes Llama's cache sixteen times too large.
#
# Ask the room: for one new word, what does the chip read more of, weights or cache? For one user, and for a
# hundred at once? (The weights are read once for all users of a batch, each cache for its own user.)
#
# This is a good place for a break: the second half needs `cache_elements` and nothing else from here.

# %% [markdown]
# ## Compressing
#
# > **The way:** by hand → keeping → the same words → what it costs → **compressing** → moving a matrix →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* keep something short, from which keys and values can be made. *Why:* each head can then
# have keys of its own, and still nothing is kept for each head.
#
# **By hand.** Three words. Of each we keep two numbers, its **latent**. Two heads each have a matrix, which
# makes a key from a latent.

# %% key="latent-by-hand"
latents = torch.tensor([[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]])  # three words: this is all that is kept
up_key = torch.tensor([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [2.0, 0.0]]])  # a matrix for each head
keys = einsum(latents, up_key, "word latent, head dim latent -> head word dim")
for head in range(2):
    print(f"head {head}: keys {keys[head].tolist()}")
print(f"kept: {latents.numel()} numbers; keys made of them: {keys.numel()}, and as many values")

# %% [markdown]
# The two heads have different keys, although only one latent is kept. That is what sharing heads cannot do.
#
# It is not free. In V3, a layer's 128 heads have 16,384 numbers of keys, and as many of values. They are
# all made from 512 numbers. Most sets of keys cannot be made that way. The model is trained with this
# bottleneck from the first step, and has to find keys and values that fit through.
#
# So a layer has three kinds of new matrices: **down**, from the token's vector to the latent, and two
# **up** matrices for each head, one to keys and one to values. The latent is normed on the way (RMSNorm,
# lesson 03).
#
# And there is a second, smaller thing that is kept: a **key with position**. It is made from the token's
# vector by a matrix of its own, it is turned, and all heads share it. Why it is there, you will see two
# sections further on. For now, keep it.

# %% key="latent-figure"
fig, [ax] = canvas(width=9, height=3.1)
draw_latent(ax)
show(fig, alt="""A diagram, with DeepSeek-V3's sizes. A token of 7,168 numbers goes down to a latent of 512
    numbers, and beside that to a turned key of 64 numbers. These 576 numbers are the cache. From the latent,
    128 keys of 128 numbers and 128 values of 128 numbers are made when they are needed, and never kept. The
    turned key knows where the token stands, and is one for all 128 heads.""")

# %% exercise="latent.compress"
# 1. The latents: h through the matrix `down`, then rms_norm with gain and eps.
# 2. The keys with position: h (not the latents) through the matrix `rope_key`.
# 3. Give the keys an axis for their one head, before the tokens, and turn them. They are not normed.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Weights lie as in `nn.Linear`: `F.linear(h, down)`, or `h @ down.T`, gives [batch, seq, latent_dim].
# `rms_norm(x, gain, eps)` and `rope(x, rotation)` are those of lesson 03.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `x.unsqueeze(1)` makes [batch, 1, seq, rope_dim] of [batch, seq, rope_dim]. Do that before you turn: then
# `rotation` fits, also where each row has positions of its own.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `latents = rms_norm(F.linear(h, down), gain, eps)`, `keys = rope(F.linear(h, rope_key).unsqueeze(1),
# rotation)`, and `return latents, keys`. In full: `solution("compress")`.
#
# </details>

# %% [markdown]
# A layer with it, in small: 4 heads of 16 numbers, a latent of 16, and a key with position of 8.
# `LatentAttention` is the course's; it calls your `compress`.

# %% key="layer"
from mine import latent, transformer

form = configuration.Latent(heads=4, latent_dim=16, query_dim=None, content_dim=16, rope_dim=8, value_dim=16)
layer = latent.LatentAttention(64, form)
room = layer.room(batch=1, capacity=100)
plain = transformer.GroupedQueryAttention(64, configuration.Heads(4, 4, 16)).room(batch=1, capacity=100)
for name, store in (("plain", plain), ("latent", room)):
    print(f"{name:7} {sum(tensor.numel() for tensor in store.rooms) // 100:4} numbers a token")

# %% [markdown]
# Note what decides: the latent's length, which one may choose. The number of heads is not in it. V3's 576
# numbers are what grouped-query attention would keep with 2.25 key heads of 128. But V3 has 128 heads, and
# each has keys of its own.

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `compress`: the key with position is made from the latent (it
# is made beside it, from h); it is normed too; or latent and key are normed as one vector. Some cut the
# latent in two, a half for keys and a half for values: then each half can hold less than the whole.
#
# Ask the room: why is the *query* of V3 compressed too (to 1,536 numbers), although no query is ever kept?
# (For fewer parameters, and less memory while training. It saves nothing in the cache.)

# %% [markdown]
# ## Moving a matrix
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → **moving a matrix** →
# > position → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* save the work of making keys. *Why:* we saved memory, and now pay for it. For each new
# word, all keys of all earlier words have to be made from their latents again.
#
# A score is a dot product of a query with a key, and the key is a matrix times a latent. In the cell below,
# the matrix is applied to each latent, as the equations say. Then it is applied to the *query* instead,
# turned over (transposed).

# %% key="moved-by-hand"
query, up = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 3.0], [0.0, 1.0]])
moved = up.T @ query
print("the moved query:", moved.tolist())
for kept_latent in latents:
    as_written, as_moved = query @ (up @ kept_latent), moved @ kept_latent
    print(f"latent {kept_latent.tolist()}: query · key = {as_written:.0f}, moved query · latent = {as_moved:.0f}")

# %% [markdown]
# The same scores. In a formula, with $q$ for the query, $W$ for the matrix and $c$ for the latent:
#
# $$q · (W c) = (W^\top q) · c$$
#
# There are many latents and one query. So the matrix should go where there is one. Then **no key is ever
# made**: the moved query is compared with the latents themselves. The matrix has been *absorbed* into the
# query.
#
# With values it works as well, at the other end. The output is an average of values, and each value is a
# matrix times a latent. The average of (matrix times latent) is the matrix times the average of the
# latents. So average first, and apply the matrix once.

# %% [markdown]
# ## Position gets in the way
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > **position** → two parts → absorbing → 93.3 % → a calculator
#
# *What we do now:* turn the keys, as lesson 03 does, and try to move the matrix again. *Why:* without
# turning, the model does not know who stands where. And here something breaks.
#
# **A prediction.** If keys that were made from latents are turned by their position, the matrix can no
# longer be moved to the query. Why not?

# %% key="predict-blocks"
predict("blocks", "...")

# %% [markdown]
# **By hand**, with quarter turns, as in lesson 03. A query and a key that stand `apart` positions from each
# other meet with a turn between them. So what stands between the query and the latent is no longer the
# matrix `up`. It is the turn, times `up`. Here are these products for 0, 1, 2 and 3 positions apart.

# %% key="products"
quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
products = torch.stack([torch.linalg.matrix_power(quarter, apart) @ up for apart in range(4)])
for apart, product in enumerate(products):
    print(f"{apart} apart: {product.tolist()}, the moved query is {(product.T @ query).tolist()}")
print("the average of the four products:", products.mean(dim=0).tolist())

# %% [markdown]
# Four distances, four matrices, four moved queries. One matrix that serves all four does not exist. The
# nearest to all of them is their average, and here that is all zeros: it knows nothing at all.
#
# RoPE has fast hands and slow ones, so it is not quite as bad. How bad? The next cell takes a random matrix
# `up`, makes the products for all distances from 0 to 63, and asks how much of them the best single matrix
# *misses*: 0 if it fits them all, 1 if one might as well take no matrix. Beside it, the same without
# turning.
#
# This is one of the course's **claims**: an experiment whose rule was written down before its five seeds
# were run. You see the five recorded seeds, and one more that runs now. The rule: with a turn the best matrix
# misses more than 0.1, and without one less than a hundred-thousandth.

# %% key="blocked-figure" exempt="the last digits of the numbers without turning depend on the processor"
def held_against(name, seed=100):
    claim = CLAIMS[name]
    recorded = [record.numbers for _, record in sorted(read(claim).items())]
    return recorded, claim.measure(seed)

recorded, live = held_against("rope_blocks_absorption")
arms = {"a turn between": "residual with RoPE", "nothing between": "residual without"}
fig, [ax] = canvas(width=7.6, height=2.7)
draw_seeds(
    ax,
    {arm: [numbers[key] for numbers in recorded] for arm, key in arms.items()},
    {arm: live[key] for arm, key in arms.items()},
    across="what the best single matrix misses",
    bound=0.1,
)
show(fig, alt="""What the best single matrix misses of all the products that it should replace. With a turn between
    query and matrix, five recorded seeds lie between 0.66 and 0.79, above the bound of 0.1. With nothing
    between, all lie near 0.0000001, which is rounding. The seed that ran now lies among them.""")

# %% key="blocked"
print(f"with a turn between, the best matrix misses {live['residual with RoPE']:.1f} of it")
print("the rule holds for the seed that ran now:", CLAIMS["rope_blocks_absorption"].holds(live))
print("and for the recorded ones:", [CLAIMS["rope_blocks_absorption"].holds(numbers) for numbers in recorded])
recall("blocks")

# %% [markdown]
# **Which of these is the reason?**
#
# <details><summary>(a) RoPE is not linear, so matrices cannot be multiplied through it.</summary>
#
# A turn *is* linear: it is multiplication by a matrix, and turning a sum is the sum of the turned. The cell
# below shows it. If it were all about linearity, the matrix could be moved.
#
# </details>
# <details><summary>(b) Between query and latent stands a turn that depends on how far apart the two are. For each
# distance it is another matrix, so no single one can be moved to the query.</summary>
#
# Right. $q^\top R_{s-t} W c$: for a fixed distance one could move $R_{s-t} W$. A new word meets all
# distances at once.
#
# </details>
# <details><summary>(c) Turning changes the lengths of the keys, so the scores would need another scale.</summary>
#
# A turn changes no length.
#
# </details>
# <details><summary>(d) The latent is too short to remember the position as well.</summary>
#
# It need not remember it. Each latent lies in its own column of the cache, so its position is known.
#
# </details>
# <details><summary>(e) It can be moved: keep one moved query for each distance.</summary>
#
# That is possible, and no contradiction: one matrix for each distance. But then the work is back. For each
# earlier word a product of its own has to be made, which is as much as making its key.
#
# </details>

# %% key="linear"
random = torch.Generator().manual_seed(0)
one, other = torch.randn(2, 1, 8, generator=random)
turn = rotations(torch.tensor([5]), 8)
sum_turned, turned_summed = rope(one + other, turn), rope(one, turn) + rope(other, turn)
print("a turned sum is the sum of the turned:", torch.allclose(sum_turned, turned_summed, atol=1e-5))

# %% [markdown] tags=["teacher"]
# **For teachers.** This is the hardest idea of the lesson. Let people say it in their own words before you
# go on: *the thing in the middle changes with the distance.*
#
# Ask the room: why not turn the **latent** instead, before the up matrix? Then the turn would be at the
# right end, and the matrix could move: $(R_t W^\top q) · (R_s c)$. (True. But values are made from the
# latent as well, and need it unturned. One would keep both, or turn the whole cache at each word. That is
# our own reasoning; the paper does not discuss it in the section we cite.)

# %% [markdown]
# ## Two parts
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → **two parts** → absorbing → 93.3 % → a calculator
#
# *What we do now:* let one key know the content, and another the position. *Why:* the first can then be
# absorbed, and the second is short enough to be kept.
#
# That is the **decoupled key**, and it is what `compress` made beside the latent. Each head asks twice:
#
# - with a **content query**, held against the content keys, which come from the latent and are *not*
#   turned;
# - with a **rope query**, turned, held against the one turned key that all heads share.
#
# The two matches are added. That is the same as putting the two queries side by side in one long vector,
# and the two keys in another: a dot product is a sum over all numbers. So the score is divided by the root
# of the *whole* length, content and position together: in V3 $\sqrt{128 + 64}$.
#
# Why is the turned key shared? For each head a key of its own would be 128 × 64 = 8,192 numbers to keep.

# %% exercise="latent.decoupled_scores"
# 1. The matches of content: each head's queries with its own keys, [batch, head, queries, keys].
# 2. The matches of position: each head's queries with the one shared key.
# 3. Add them, and divide by the root of how long the two parts of a query are together.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `query @ key.transpose(-2, -1)` compares all queries with all keys. A tensor with 1 head and one with 4
# heads fit: the one is repeated.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `content_query.shape[-1] + rope_query.shape[-1]` is the whole length. Do not call `scores` for each part:
# it would divide each by the root of its own length.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `matches = content_query @ content_key.transpose(-2, -1) + rope_query @ rope_key.transpose(-2, -1)`,
# divided by `math.sqrt(content_query.shape[-1] + rope_query.shape[-1])`. In full:
# `solution("decoupled_scores")`.
#
# </details>

# %% [markdown]
# Two things to try. Is it the same as one long vector? And does it know distances, and only distances?

# %% key="two-parts"
from mine import attention, latent

random = torch.Generator().manual_seed(0)
content_query, content_key = torch.randn(2, 1, 4, 6, 16, generator=random)
rope_query, rope_key = torch.randn(1, 4, 6, 8, generator=random), torch.randn(1, 1, 6, 8, generator=random)

def scores_from(start):
    turn = rotations(torch.arange(6) + start, 8)
    return latent.decoupled_scores(content_query, rope(rope_query, turn), content_key, rope(rope_key, turn))

shared = rope_key.expand(1, 4, 6, 8)
long = attention.scores(torch.cat([content_query, rope_query], -1), torch.cat([content_key, shared], -1))
short = latent.decoupled_scores(content_query, rope_query, content_key, rope_key)
print("like one long vector:        ", torch.allclose(long, short, atol=1e-5))
print("all 100 positions further on:", torch.allclose(scores_from(0), scores_from(100), atol=1e-3))

# %% [markdown]
# ## Absorbing
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → **absorbing** → 93.3 % → a calculator
#
# *What we do now:* put it together. *Why:* this is what runs when R1 writes.
#
# The **naive form** is given. `expand` makes all keys and values from the latents, and attends. It is the
# equations, as they stand:

# %% key="naive"
from mine import latent

print(inspect.getsource(latent.expand))

# %% [markdown]
# You write the other form, `absorb`. It returns the same numbers, and makes no key and no value:
#
# 1. **Move** the content query: $W^\top q$, with each head's own matrix. It is now as long as a latent.
# 2. Compare the moved query with the **latents themselves**. All heads look at the same ones.
# 3. Add the matches of position, divide, mask, softmax: as before. It is the *same* score, so the scale is
#    the same too: content and position, and not the latent's length.
# 4. Average the **latents** with these weights.
# 5. Apply each head's value matrix to its average.

# %% exercise="latent.absorb"
# 1. Each head's content query through its key matrix, the other way round: [batch, head, queries, latent_dim].
# 2. Their matches with the latents, and the matches of position; scaled as `decoupled_scores` scales them.
# 3. The weights, with `masked_softmax`. The average of the latents, [batch, head, queries, latent_dim].
# 4. That through each head's value matrix.

# %% [markdown]
# <details><summary>A hint</summary>
#
# With `einsum` you name the axes, and there is nothing to transpose: which axis of `up_key` meets the query's,
# and which is left?
#
# </details>
# <details><summary>A bigger hint</summary>
#
# `content_query @ up_key` moves the queries, since `up_key` is [head, content_dim, latent_dim]. The latents have
# no axis of heads. In `einsum` leave it out: `"batch head seq latent, batch keys latent ->
# batch head seq keys"`. With `@`, give them one: `latents.unsqueeze(1)`. The scale is
# `math.sqrt(content_query.shape[-1] + rope_query.shape[-1])`.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `moved = content_query @ up_key`; `matches = moved @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT`;
# `weights = masked_softmax(matches / scale, mask)`; `found = weights @ latents.unsqueeze(1)`; `return found
# @ up_value.mT`. (`.mT` exchanges the last two axes.) In full, with `einsum`: `solution("absorb")`.
#
# </details>

# %% [markdown]
# Are they the same? We take V3's proportions, a sixteenth of its size: 8 heads, latents of 32, content of
# 8, position of 4, values of 8.

# %% key="absorbed"
def made_up(queries, keys, seed=0):
    random = torch.Generator().manual_seed(seed)
    shapes = ((1, 8, queries, 8), (1, 8, queries, 4), (1, keys, 32), (1, 1, keys, 4), (8, 8, 32), (8, 8, 32))
    return [torch.randn(size, generator=random) / math.sqrt(size[-1]) for size in shapes]

naive, absorbed = latent.expand(*made_up(1, 1000)), latent.absorb(*made_up(1, 1000))
print("the largest difference is below 0.00001:", bool((naive - absorbed).abs().max() < 1e-5))

# %% key="absorbed-work"
print("queries   keys   naive form     absorbed   naive / absorbed")
for queries, keys in ((1, 16), (1, 256), (1, 4096), (256, 256)):
    many, few = (multiplications(form, *made_up(queries, keys)) for form in (latent.expand, latent.absorb))
    print(f"{queries:7} {keys:6} {many:12,} {few:12,} {many / few:18.2f}")

# %% [markdown]
# At these sizes, for one new word, the absorbed form needs about an eighth of the multiplications, once there are many
# keys.
#
# Now look at the last line. For a whole text at once, it needs *more*: its queries are as long as a latent,
# 36 numbers with the position, in place of 12, and every query meets every latent. The naive form makes each
# key once, and 256 queries share it. So it pays to **train and read prompts with the naive form, and to write
# with the absorbed one**. It is the same model with the same weights. The course's `LatentAttention` is simpler:
# naive without a cache, as in training, and absorbed with one, also for the prompt. V3's published code has both
# forms and a switch; its naive form keeps all keys and values.
#
# At V3's sizes, by the same arithmetic, for each token in the cache and each layer:

# %% key="absorbed-work-v3"
heads, content, position, value, kept_latent = 128, 128, 64, 128, 512
attending = heads * (content + position + value)
print(f"make key and value anew, and attend: {heads * (content + value) * kept_latent + attending:12,}")
print(f"absorbed:                            {heads * (kept_latent + position + kept_latent):12,}")
print(f"keys and values kept, 57 times as much memory: {attending:,}")

# %% [markdown]
# So absorption has a price as well: more than three times the multiplications of a cache with all keys and
# values. It buys a 57th of the memory, and the cache is what limits how many texts can be written at once.
#
# The second recorded claim is that both forms agree. The rule: the largest difference is less than a
# hundred-thousandth of the largest output, and the cache is smaller.

# %% key="absorbed-figure" exempt="rounding errors depend on the processor"
recorded, live = held_against("mla_absorbed")
fig, [ax] = canvas(width=7.6, height=2.1)
draw_seeds(
    ax,
    {"absorbed against naive": [numbers["error"] for numbers in recorded]},
    {"absorbed against naive": live["error"]},
    across="largest difference, as a part of the largest output",
    bound=1e-5,
)
ax.set(xscale="log", xlim=(1e-8, 1e-4))
show(fig, alt="""The largest difference between the absorbed and the naive form, as a part of the largest output.
    Five recorded seeds lie near 0.0000002. They and the seed that ran now are far below the bound of 0.00001.""")

# %% key="absorbed-holds"
print("the rule holds for the seed that ran now:", CLAIMS["mla_absorbed"].holds(live))
print("and for the recorded ones:", [CLAIMS["mla_absorbed"].holds(numbers) for numbers in recorded])

# %% [markdown] tags=["teacher"]
# **For teachers.** What people get wrong in `absorb`: the scale becomes the root of (latent + position),
# since the vectors that meet are that long (the score is the same number as before, so its scale is too);
# the value matrix is left out; one matrix serves all heads. And a few make the keys again after all: the
# numbers are right, and nothing is saved. The check counts multiplications, and says so.
#
# Ask the room: is absorbed latent attention multi-query attention? (Yes: one wide key for all heads, with
# wide queries. That is a good way to see why it is cheap. But the heads' queries were moved by different
# matrices, so each head still looks with keys of its own.)

# %% [markdown]
# ## 93.3 per cent
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → **93.3 %** → a calculator
#
# *What we do now:* take a published number apart. *Why:* it is true, and often told wrongly.
#
# DeepSeek-V2's abstract says that, compared with DeepSeek 67B, it "reduces the KV cache by 93.3%". (KV
# cache means cache of keys and values.) Often this is told as *latent attention makes the cache 93.3 %
# smaller*. But the two models differ in three ways that count for the cache:
#
# - **attention**: 67B has 8 key heads of 128 numbers, shared by its 64 heads. V2 has latent attention.
# - **layers**: 67B has 95, V2 has 60.
# - **bits**: V2 is served with about 6 bits for each number in the cache, on average. For 67B we take 16.
#
# Write each as a *factor*: what is left of it. Factors can be multiplied. Percentages saved cannot be
# added.

# %% exercise="sizes.explain_93"
# 1. One layer: the numbers that a token leaves in it, new divided by old. Your `cache_elements` knows them.
# 2. The layers, new divided by old.
# 3. The bits, new divided by old.

# %% [markdown]
# <details><summary>A hint</summary>
#
# `cache_elements(1, new.attention)` is what a token leaves in one layer of the new model.
#
# </details>
# <details><summary>A bigger hint</summary>
#
# Always the new one divided by the old one: then 0.28 means that 28 % are left. The layers are in
# `new.layers` and `old.layers`, and must not be in the first factor as well.
#
# </details>
# <details><summary>The way to the solution</summary>
#
# `per_layer = cache_elements(1, new.attention) / cache_elements(1, old.attention)`, then `return per_layer,
# new.layers / old.layers, new_bits / old_bits`. In full: `solution("explain_93")`.
#
# </details>

# %% key="taken-apart"
from mine import sizes

factors = sizes.explain_93(sizes.DEEPSEEK_67B, sizes.DEEPSEEK_V2, 16, 6)
for cause, factor in zip(("attention", "layers", "bits"), factors, strict=True):
    print(f"{cause:10} {factor:.3f} is left")
print(f"all three  {math.prod(factors):.3f} is left: {1 - math.prod(factors):.1%} smaller")
print(f"at equal bits: {1 - factors[0] * factors[1]:.1%} smaller")
recall("93")

# %% key="taken-apart-figure"
causes = ["576 numbers a layer for 2,048", "60 layers for 95", "6 bits for 16"]
fig, [ax] = canvas(width=8.2, height=2.6)
draw_factors(ax, causes, factors, whole="DeepSeek 67B")
show(fig, alt="""Four bars, each shorter than the one above. DeepSeek 67B: 100 %. Times 0.281, for 576 numbers a layer
    in place of 2,048: 28.1 % left. Times 0.632, for 60 layers in place of 95: 17.8 % left. Times 0.375, for 6
    bits in place of 16: 6.7 % left.""")

# %% [markdown]
# Each figure is true, and each answers another question:
#
# | the question | how much smaller |
# |---|---|
# | V2 as it is served, against 67B | 93.3 % |
# | the same at equal bits | 82.2 % |
# | one layer of latent attention against one of 67B, with its 8 shared heads | 71.9 % |
# | V3's latent attention against plain attention with as many heads of the same size | 98.2 % |
#
# **How much of the 93.3 % is latent attention's?** There is no single answer in percentage points: they
# depend on which cause one takes first. Taken first, attention saves 72 points. Taken last, it saves only
# 17 (from 23.7 % to 6.7 %). Factors do not depend on the order. The new attention divides the cache by 3.6,
# the smaller numbers by 2.7, the fewer layers by 1.6.
#
# *Sources. The figure and the 6 bits: DeepSeek-V2, arXiv 2405.04434, abstract and section 3.2.3. Layers and
# heads: the published configurations. The three factors, 82.2, 71.9 and 98.2 % are our arithmetic; that
# 67B's cache is counted with 16 bits is our assumption, and the product comes out at the published figure.*

# %% [markdown]
# ## A calculator
#
# > **The way:** by hand → keeping → the same words → what it costs → compressing → moving a matrix →
# > position → two parts → absorbing → 93.3 % → **a calculator**
#
# *What we do now:* ask it about any model. *Why:* whoever plans to serve one has to do this sum first.
#
# Choose a model, the length of a text in thousands of tokens, the bits of a number, and how many texts are
# written at once. For a model that is not in the list, choose *my own* and write in the line below:
# `layers, key heads, numbers in a head`, such as `32, 8, 128`. Or `latent: layers, latent, key`, such as
# `latent: 61, 512, 64`. With the keyboard: Tab goes from one control to the next, the arrow keys left and
# right move it.
#
# - Set 30 texts. Which models' caches fit into 80 GB, the memory of one large chip? (Leave their weights
#   aside.)
# - What helps more: half the bits, or half the length?
# - Give your own model as many heads as V3, 128 of 128 numbers in 61 layers. How long may one text be on 80
#   GB?

# %% key="explore"
OWN = "my own (the line below)"

def own_numbers(line):
    given = [int(number) for number in re.findall(r"\d+", line)]
    if len(given) != 3 or 0 in given:
        raise ValueError("Three numbers, please: layers, key heads and numbers in a head. Such as 32, 8, 128")
    layers, first, second = given
    if "latent" in line:
        return layers * (first + second)
    return 2 * layers * first * second

def look(model, thousands, bits, texts, own):
    numbers = {name: numbers_a_token(name) for name in published}
    numbers |= {OWN: own_numbers(own)} if model == OWN else {}
    gigabytes = [count * bits / 8 * 1000 * thousands * texts / 1e9 for count in numbers.values()]
    place = list(numbers).index(model)
    fig, [ax] = canvas(width=7.6, height=3.1)
    draw_amounts(ax, gigabytes, list(numbers), "GB of cache", place, decimals=1)
    ax.axvline(80, color="black", linestyle=":", marker="", label="80 GB")
    ax.legend(loc="lower right")
    count, total = numbers[model], gigabytes[place]
    one = f"{model}: {count:,} numbers a token, {count * bits / 8000:,.1f} KB at {bits} bits."
    everything = f"{texts} texts of {1000 * thousands:,} tokens: {total:,.1f} GB"
    return fig, f"{one} {everything}, which is {total / 80:.1f} times 80 GB."

controls = {
    "model": Choice("model", (*published, OWN), "DeepSeek-V3 and R1"),
    "thousands": Slider("thousands", 1, 128, 32),
    "bits": Slider("bits", 2, 32, 16),
    "texts": Slider("texts", 1, 200, 100),
    "own": Words("my own", "32, 8, 128"),
}
explore(look, **controls)

# %% [markdown]
# *You read this without a kernel, for example on GitHub?* Then you see a hundred texts of 32,000 tokens at
# 16 bits. The table in *What it costs* has the numbers for all models.

# %% [markdown]
# ## In the published models
#
# *What we do now:* ask what it did to quality. *Why:* a small cache is easy. A small cache and a good model
# are not.
#
# DeepSeek trained pairs of models that differ in their attention, plain or latent:
#
# | model, tokens | numbers a token | BBH |
# |---|---|---|
# | 16 billion, 1.33 million million | 110.6 thousand → 15.6 thousand | 37.9 → 39.0 |
# | about 250 billion, 420 thousand million | 860.2 thousand → 34.6 thousand | 46.6 → 50.7 |
#
# BBH is a collection of hard questions. On another test, C-Eval, the latent one fell behind at 16 billion.
# It is DeepSeek's own comparison. Read it as *no worse, for much less memory*.
#
# The same paper reports 5.76 times the maximum throughput of 67B (tokens written in a second). That figure has
# the smaller cache in it, but also 8-bit weights, 6-bit numbers in the cache, and a mixture of experts (lesson
# 05) that uses 21 of 236 billion parameters
# on a token. It is not latent attention's alone either.
#
# *Source: DeepSeek-V2, arXiv 2405.04434, Table 9 and section 3.2.3.*

# %% [markdown]
# ## Where the toy misleads
#
# - **Nothing was trained here.** That both forms agree, and that RoPE would forbid it, is algebra. It says
#   nothing about how good a model with latent attention is. That rests on the table above.
# - **Multiplications are not time.** On large chips, writing is often held up by reading memory, not by
#   multiplying. We count memory and multiplications apart, and measure neither on such a chip.
# - **Our speed-up is that of a tiny model on one processor core.** Its size at your length will be another.
#   That it grows with the length will not.
# - **Random matrices.** A trained up matrix might turn out easier to replace than a random one. But it
#   would have to be the same after every turn.
# - **A cache is more than its numbers.** Real servers keep it in pages, share it between texts with the
#   same beginning, and throw parts away. The calculator knows none of that.

# %% [markdown]
# ## What changes at 671 billion parameters
#
# | here | DeepSeek-V3 and R1 | lesson |
# |---|---|---|
# | latents of 16 or 32 numbers | 512, and 64 for the key with position | |
# | queries straight from the token's vector | through a latent of 1,536, normed, to save memory in training, and parameters | |
# | 4 or 8 heads | 128, with content of 128, position of 64, values of 128 | |
# | 2 layers | 61 layers: 35,136 numbers a token, 70 KB at 16 bits | |
# | scores divided by the root of 24 or 12 | by the root of 192, and for long texts times a factor (YaRN; `softmax_scale` in `model.py`) | 03 |
# | one machine | prompts are read on some machines, and answers written on others (V3, section 3.4) | |
#
# The two matrices that move are the same as here. Only they are larger.

# %% [markdown]
# ## Three questions
#
# **1.** A model has 40 layers, 32 heads and 8 key heads of 128 numbers. You convert it to latent attention
# with a latent of 512 and a key of 64. By what factor does the cache shrink? And if it had had no groups?
#
# <details><summary>Answer</summary>
#
# 576 in place of 2 × 8 × 128 = 2,048, a factor of 3.6, in every layer. Without groups it would be 576 in
# place of 8,192: a factor of 14. The number of layers does not matter.
#
# </details>

# %% [markdown]
# **2.** Somebody proposes to drop the key with position, and to add a learned list of numbers for each
# position to the token's vector, as in lesson 02. Could everything be absorbed then?
#
# <details><summary>Answer</summary>
#
# Yes: nothing stands between the matrices. The position is in the vector before it is compressed, so it has
# to fit into the latent too. And the two faults of such lists are back: no list for positions that training
# never reached, and every distance learned anew at every place.
#
# </details>

# %% [markdown]
# **3.** "Latent attention makes the cache 93.3 % smaller." Correct this sentence in one line.
#
# <details><summary>Answer</summary>
#
# For example: *DeepSeek-V2's cache is 93.3 % smaller than that of DeepSeek 67B, because it keeps 3.6 times
# fewer numbers in each layer, has 1.6 times fewer layers, and 2.7 times fewer bits for each number.*
#
# </details>

# %% [markdown]
# ## Symbols, and new words
#
# | symbol | in the code | in the papers (DeepSeek-V2 and V3) |
# |---|---|---|
# | $h$ | `h`, `x` | $h_t$ |
# | $c$ | `latents` | $c_t^{KV}$ |
# | $d_c$ | `latent_dim` | $d_c$ |
# | $d_h$, $d_h^R$ | `content_dim`, `rope_dim` | $d_h$, $d_h^R$ |
# | $W$ | `down`, `up_key`, `up_value` | $W^{DKV}$, $W^{UK}$, $W^{UV}$ |
# | $k^R$ | `rope_key` | $k_t^R$, from $W^{KR}$ |
# | $q$ | `content_query`, `rope_query` | $q_{t,i}^C$, $q_{t,i}^R$ |
# | $R_t$ | `rotation` | RoPE($\cdot$) |
#
# | word | meaning |
# |---|---|
# | cache, KV cache | keys and values of earlier tokens, kept while a model writes |
# | grouped-query attention (GQA) | groups of heads share one head of keys and values |
# | multi-query attention (MQA) | all heads share one |
# | latent | a short vector, kept for each token, from which keys and values are made |
# | multi-head latent attention (MLA) | attention with such a latent, and a key with position beside it |
# | decoupled key | the key that knows the position, apart from the content |
# | absorb | apply a matrix to the query, or to the average, in place of every latent |
# | naive form | keys and values are made, then attended to |

# %% [markdown]
# ## Where to read more
#
# - Shazeer 2019, *Fast transformer decoding: one write-head is all you need*, arXiv 1911.02150: multi-query
#   attention, and why reading the cache is what costs.
# - Pope and others 2022, *Efficiently scaling transformer inference*, arXiv 2211.05102.
# - Ainslie and others 2023, *GQA*, arXiv 2305.13245.
# - Kwon and others 2023, *Efficient memory management for large language model serving with
#   PagedAttention*, arXiv 2309.06180: the cache in pages.
# - DeepSeek-AI 2024, *DeepSeek-V2*, arXiv 2405.04434: section 2.1 and appendix C for latent attention,
#   Tables 8 and 9 for the comparisons.
# - DeepSeek-AI 2024, *DeepSeek-V3*, arXiv 2412.19437, section 2.1.1; and `model.py` in its repository,
#   which has both forms.
# - Zhao and others 2025, *Insights into DeepSeek-V3*, arXiv 2505.09343: caches of three models compared.
#
# Your progress so far:

# %% key="progress" exempt="it lists every exercise of the course, also those that are added later"
progress()
