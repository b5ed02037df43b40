"""The options of the local Twilio: account, numbers, callees, faults.

One rule: the defaults are those of a fresh Twilio account, but nothing is validated against the real one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.sounds import stand_in_for_say
from telebridge.simulator.setup.faults import SimulatorFaults

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "simulated-auth-token"  # noqa: S105 - no secret: the local Twilio's own


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The options of a simulated account.

    Args:
        account_sid: The sid of the only account.
        auth_token: Authenticates REST requests and signs webhooks.
        api_keys: Further credentials for the REST API, from key sid to secret.
        calls_per_second: The rate at which calls created by REST are dialed.
        voice_url: The voice webhook of inbound calls that are placed without a URL.
        owned_numbers: The values that `From` may have in a create request; None for any.
        trial: Whether it is a trial account, whose calls end after ten minutes.
        verified_numbers: The numbers that may be called and written to, as by a trial account (21219, 21608); None for
            all.
        trial_announcement: Whether who is called hears first that this is a trial account, and has to press a key.
        requests_per_second: More requests to the REST API are refused with 429 (20429); None for no limit.
        callers: The scripts of numbers that are called; all other numbers use `anybody`.
        anybody: The script of every other number.
        routes: Maps origins to the addresses that are really connected to; signatures keep the original URL.
        require_wss: Refuse `ws://` streams, as Twilio does (31922).
        silent_frames: How many frames of 20 ms a caller who stays silent sends as one message. Twilio's are of 20 ms
            always; longer ones make long calls on virtual time cheap.
        accept_extra_fields: Process media messages that have extra fields, after the warning; Twilio's own behaviour is
            not documented.
        api_url: The address of the REST API, which stands before the paths of recordings in callbacks.
        faults: The faults to simulate.
        say: Returns the mu-law audio of `<Say>` for a text.
        read_audio: Returns the mu-law audio of a file that a caller's script speaks; None where files are not allowed.
    """

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    api_keys: Mapping[str, str] = field(default_factory=dict)
    calls_per_second: float = 1.0
    voice_url: str | None = None
    owned_numbers: frozenset[str] | None = None
    trial: bool = False
    verified_numbers: frozenset[str] | None = None
    trial_announcement: bool = False
    requests_per_second: float | None = None
    callers: Mapping[str, Script] = field(default_factory=dict)
    anybody: Script = field(default_factory=Script)
    routes: Mapping[str, str] = field(default_factory=dict)
    require_wss: bool = False
    silent_frames: int = 1
    accept_extra_fields: bool = False
    api_url: str = "https://api.twilio.com"
    faults: SimulatorFaults = field(default_factory=SimulatorFaults)
    say: Callable[[str], bytes] = stand_in_for_say
    read_audio: Callable[[str], bytes] | None = None

    def script_for(self, number: str) -> Script:
        """Return the script of whoever answers `number`."""
        return self.callers.get(number, self.anybody)
