"""Published claims as experiments, with their recorded results beside them.

`python -m pocketr1 claims` prints all verdicts; `claims NAME` one claim in full; `claims run NAME ...` runs
the seeds that are missing; `claims page` writes docs/claims.md, which `claims run` does too.
"""

from .balancing import BIAS_AND_BALANCE, BIAS_AND_LOSS, SCOPE_AND_LOSS, SCOPE_AND_SKILLS
from .claim import Claim
from .distilling import AGAINST_RL, NEW_SKILL, WHOLE_CURVE
from .experts import FINE_GRAINED, LEARNT_ROUTING, SHARED_EXPERT, SPARSE
from .latent_attention import ABSORPTION, DECOUPLING
from .page import write as write_page
from .reasoning import CROSSING, DIP, GAIN_AT_MANY, REWARD, TRANSFER, WRONG_ANSWERS
from .running import report, run, table

CLAIMS: dict[str, Claim] = {
    claim.name: claim
    for claim in (
        ABSORPTION,
        DECOUPLING,
        BIAS_AND_BALANCE,
        BIAS_AND_LOSS,
        SCOPE_AND_LOSS,
        SCOPE_AND_SKILLS,
        SPARSE,
        FINE_GRAINED,
        SHARED_EXPERT,
        LEARNT_ROUTING,
        REWARD,
        WRONG_ANSWERS,
        GAIN_AT_MANY,
        CROSSING,
        DIP,
        TRANSFER,
        AGAINST_RL,
        WHOLE_CURVE,
        NEW_SKILL,
    )
}

__all__ = ["CLAIMS", "Claim", "report", "run", "table", "write_page"]
