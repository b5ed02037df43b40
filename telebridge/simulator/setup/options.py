"""What a local Twilio is set up with.

One rule: the defaults are those of a fresh Twilio account, but nothing is validated against the real one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.sounds import stand_in_for_say
from telebridge.simulator.setup.faults import Faults

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "simulated-auth-token"  # noqa: S105 - no secret: the local Twilio's own


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """A simulated account, its numbers, and the people who can be called.

    Args:
        account_sid: Of the one account.
        auth_token: Opens the REST API and signs webhooks.
        api_keys: Further credentials for the REST API: key sid to secret.
        calls_per_second: How fast calls created by REST are dialled.
        voice_url: Asked when an inbound call is placed without a URL.
        owned_numbers: What `From` may be in a create request; None for any.
        callers: Who answers a number that is called; others answer as `anybody`.
        anybody: The script of everybody else.
        routes: Where to really connect, by origin; signatures keep the URL as it was written.
        require_wss: Refuse `ws://` streams as Twilio does (31922).
        heed_misshapen: Act on media messages with extra fields, though a warning is given.
        faults: What goes wrong.
        say: Makes the mu-law audio of `<Say>`.
    """

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    api_keys: Mapping[str, str] = field(default_factory=dict)
    calls_per_second: float = 1.0
    voice_url: str | None = None
    owned_numbers: frozenset[str] | None = None
    callers: Mapping[str, Script] = field(default_factory=dict)
    anybody: Script = field(default_factory=Script)
    routes: Mapping[str, str] = field(default_factory=dict)
    require_wss: bool = False
    heed_misshapen: bool = False
    faults: Faults = field(default_factory=Faults)
    say: Callable[[str], bytes] = stand_in_for_say

    def script_for(self, number: str) -> Script:
        """What happens when `number` is called."""
        return self.callers.get(number, self.anybody)
