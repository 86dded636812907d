"""Published claims as experiments, with their recorded results beside them.

`python -m pocketr1 claims` prints all verdicts; `claims NAME` one claim in full; `claims run NAME` runs the
seeds that are missing.
"""

from .claim import Claim
from .latent_attention import ABSORPTION, DECOUPLING
from .running import report, run, table

CLAIMS: dict[str, Claim] = {claim.name: claim for claim in (ABSORPTION, DECOUPLING)}

__all__ = ["CLAIMS", "Claim", "report", "run", "table"]
