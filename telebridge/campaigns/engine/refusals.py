"""Why Twilio refused a call: for its number, its country, the account, a mistake of ours, or only at this moment.

Follows Twilio's error dictionary (https://www.twilio.com/docs/api/errors) and its page on Voice Geographic Permissions.

One rule: a contact is used up only by a refusal that the dictionary explains by its number alone. Every other refusal,
also one that is in no list, costs no attempt; those that would come for everybody pause the campaign.
"""

from collections import Counter
from enum import Enum

from telebridge.errors import TwilioAPIError

FEW = 3
"""So many refusals in a row, without a placed call between them, are no accident."""
COUNTRY_AGAIN_SECONDS = 900.0
"""How long contacts wait whose country the account may not call, until Twilio is asked again."""
UNCLEAR_AGAIN_SECONDS = 300.0
"""How long a contact waits after a refusal whose cause is not known."""


class RefusalCause(Enum):
    """Why Twilio refused a call.

    NUMBER: there is no such number. DESTINATION: Twilio never calls this number, such as one that costs extra.
    COUNTRY: the account may not call the number's country. ACCOUNT: the account or its caller number is not allowed to
    call anybody. REQUEST: our request is wrong, for every contact alike. LATER: too many calls or requests at once.
    UNCLEAR: any other refusal.
    """

    NUMBER = "number"
    DESTINATION = "destination"
    COUNTRY = "country"
    ACCOUNT = "account"
    REQUEST = "request"
    LATER = "later"
    UNCLEAR = "unclear"


CODES: dict[RefusalCause, frozenset[int]] = {
    RefusalCause.NUMBER: frozenset({13223, 13224, 21211, 21214, 21217}),
    RefusalCause.DESTINATION: frozenset({21202}),
    RefusalCause.COUNTRY: frozenset({13227, 21203, 21215, 32205}),
    RefusalCause.ACCOUNT: frozenset(
        {10001, 10002, 10003, 10005, 20003, 20005, 20006, 20008, 20403, 20404, 21210, 21212, 21213, 70051}
    ),
    RefusalCause.REQUEST: frozenset(
        {20422, 21201, 21205, 21206, 21207, 21208, 21209, 21218, 21234, 21609, 21626},
    ),
    RefusalCause.LATER: frozenset({10004, 20429}),
    RefusalCause.UNCLEAR: frozenset({21216, 21219}),
}
"""The codes of each cause; every other code is `UNCLEAR`.

21216 may be of the number or of the account: Twilio blocks a number that is known for fraud, and every +1 number for
an account without a customer profile. So may 21219: a trial account calls verified numbers only.
"""

_CAUSES = {code: cause for cause, codes in CODES.items() for code in codes}
_ACCOUNT_STATUSES = frozenset({401, 403, 404})


def refusal_cause(error: TwilioAPIError) -> RefusalCause:
    """Return why Twilio refused; `UNCLEAR` for every error that is in no list.

    Args:
        error: A refusal of `TwilioCalls.create` that has certainly had no effect.
    """
    if not error.sent or error.status == 429:
        return RefusalCause.LATER
    if error.code is None and error.status in _ACCOUNT_STATUSES:
        return RefusalCause.ACCOUNT
    return RefusalCause.UNCLEAR if error.code is None else _CAUSES.get(error.code, RefusalCause.UNCLEAR)


class RefusalRuns:
    """Counts refusals in a row, of a campaign or of a country, and keeps which countries may not be called now."""

    def __init__(self) -> None:
        self._runs: Counter[str] = Counter()
        self._closed: dict[str, float] = {}

    def refused(self, name: str) -> int:
        """Count a refusal of a campaign or a country; returns how many there were in a row."""
        self._runs[name] += 1
        return self._runs[name]

    def end_run(self, name: str) -> None:
        """Begin anew: a call was placed, or the campaign was paused."""
        self._runs.pop(name, None)

    def close_country(self, country: str, *, now: float) -> None:
        """Call nobody in a country for a while; `now` in seconds of a monotonic clock."""
        self.end_run(country)
        self._closed[country] = now + COUNTRY_AGAIN_SECONDS

    def is_closed(self, country: str, *, now: float) -> bool:
        """Whether nobody in a country is called now."""
        return now < self._closed.get(country, now)
