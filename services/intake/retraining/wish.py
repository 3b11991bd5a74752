"""What a person wants of a second training, and who may ask for it again.

Id and token of the second job are made of the first one's token and a key of the person's choosing: who asks again,
because the answer was lost, gets the same job, and nothing secret is stored for that.
"""

import hmac
from dataclasses import dataclass

from shared.job.retraining.correction import Correction, digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants.

    Args:
        job_id: Of the first job.
        token: Opens it.
        corrections: What is to be otherwise.
        key: Of the person's choosing: the same key means the same second job; empty: the corrections are the key.
    """

    job_id: str
    token: str
    corrections: tuple[Correction, ...]
    key: str = ""

    @property
    def id_and_token(self) -> tuple[str, str]:
        """Of the second job: 128 and 256 bits that nobody guesses who does not know the first one's token."""
        told = f"retrain\n{self.job_id}\n{self.key or digest_of(self.corrections)}"
        drawn = hmac.digest(self.token.encode(), told.encode(), "sha512").hex()
        return drawn[:32], drawn[32:96]
