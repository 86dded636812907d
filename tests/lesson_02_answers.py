"""What the learner of test_browser.py types into lesson 02: first something wrong, then something right.

The right answers are written in another way than the package's own.
"""

from dataclasses import dataclass

BROKEN = "def half_a_thought(:\n    return"


@dataclass(frozen=True)
class Step:
    """One exercise: a wrong answer, the mistake in it by its name in the check, and a right answer."""

    name: str
    wrong: str
    mistake: str
    right: str

    @property
    def exercise(self) -> str:
        """The function's own name: the key of the exercise's cell."""
        return self.name.split(".")[1]


STEPS = (
    Step(
        "attention.scores",
        "def scores(query, key):\n    return query @ key.transpose(-2, -1) / query.shape[-1]",
        "divided_by_dim",
        "def scores(query, key):\n"
        "    return torch.einsum('...qd,...kd->...qk', query, key) * query.size(-1) ** -0.5",
    ),
    Step(
        "attention.softmax",
        "def softmax(logits):\n    return logits.exp() / logits.exp().sum(-1, keepdim=True)",
        "overflow",
        "def softmax(logits):\n    return torch.exp(logits - torch.logsumexp(logits, -1, True))",
    ),
    Step(
        "attention.causal_mask",
        "def causal_mask(queries, keys):\n    return torch.ones(queries, keys).tril().bool()",
        "top_left",
        "def causal_mask(queries, keys):\n"
        "    return torch.ones(queries, keys).tril(diagonal=keys - queries).bool()",
    ),
    Step(
        "attention.attend",
        "def attend(query, key, value, mask=None):\n"
        "    weights = softmax(scores(query, key))\n"
        "    return weights @ value, weights",
        "mask_ignored",
        "def attend(query, key, value, mask=None):\n"
        "    s = scores(query, key)\n"
        "    if mask is not None:\n"
        "        s = torch.where(mask, s, float('-inf'))\n"
        "    w = softmax(s)\n"
        "    return torch.einsum('...qk,...kw->...qw', w, value), w",
    ),
    Step(
        "attention.split_heads",
        "def split_heads(x, heads):\n"
        "    batch, seq, width = x.shape\n"
        "    return x.reshape(batch, heads, seq, width // heads)",
        "no_transpose",
        "def split_heads(x, heads):\n    return torch.stack(x.chunk(heads, dim=-1), dim=1)",
    ),
    Step(
        "attention.merge_heads",
        "def merge_heads(x):\n"
        "    batch, heads, seq, dim = x.shape\n"
        "    return x.reshape(batch, seq, heads * dim)",
        "no_transpose",
        "def merge_heads(x):\n    return torch.cat(x.unbind(1), dim=-1)",
    ),
    Step(
        "attention.MultiHeadAttention",
        "",
        "",
        "class MultiHeadAttention(nn.Module):\n"
        "    def __init__(self, dim, heads):\n"
        "        super().__init__()\n"
        "        if dim % heads:\n"
        "            raise ValueError(f'{heads} heads cannot share {dim} dimensions equally')\n"
        "        self.heads = heads\n"
        "        self.query = nn.Linear(dim, dim)\n"
        "        self.key = nn.Linear(dim, dim)\n"
        "        self.value = nn.Linear(dim, dim)\n"
        "        self.output = nn.Linear(dim, dim)\n"
        "\n"
        "    def forward(self, x, mask=None):\n"
        "        q, k, v = (split_heads(f(x), self.heads) for f in (self.query, self.key, self.value))\n"
        "        found, weights = attend(q, k, v, mask)\n"
        "        return self.output(merge_heads(found)), weights",
    ),
    Step(
        "induction.induction_score",
        "def induction_score(weights, period):\n    return weights.diagonal(-period, -2, -1).mean(-1)",
        "same_token",
        "def induction_score(weights, period):\n"
        "    picked = [weights[..., t, t - period + 1] for t in range(period, weights.shape[-2])]\n"
        "    return torch.stack(picked).mean(0)",
    ),
)
