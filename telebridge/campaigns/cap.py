"""How often one number may be called, by a law or by a campaign's owner.

One rule: a cap counts calls to a number over all campaigns.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on calls to one number.

    Args:
        attempts: So many calls, at least one, are allowed…
        within_seconds: …in any such time.
        conversations: Count only the calls in which a person was spoken to.
    """

    attempts: int
    within_seconds: float
    conversations: bool = False
