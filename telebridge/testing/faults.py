"""The faults of a test by name: one list for everybody, in Python and in scenario files.

    phone.rime.hangs(after=2)          fault: rime hangs after 2
    phone.twilio.drops_stream(at=3)    fault: twilio drops stream at 3s

One rule: a fault that is not known is an error with the nearest one that is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Protocol

from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.simulator.setup.faults import CallbackFault, RestFault, SimulatorFaults, StreamFaults
from telebridge.speech_server.options import FaultSchedule, SpeechServerFaults

CHUNK_BYTES = 4000
"""Half a second of audio in each message of Rime: many small ones would only cost time."""
CLOSES = {1000: "clean_close_after_bytes", 1006: "cut_after_bytes", 1011: "close_after_bytes"}


class RimeFaults(FaultSchedule):
    """What Rime does wrong from now on; `recovers` ends it.

    With `after`, so many texts are spoken first, counted from the call of the method.
    """

    def __init__(self) -> None:
        self._healthy = SpeechServerFaults(chunk_bytes=CHUNK_BYTES)
        self._faults = self._healthy
        self._spoken_before = 0
        self._refusals = 0  # how many upgrades are refused; -1 for all

    def refuses(self, status: int = 503) -> None:
        """Refuse every new connection with this HTTP status."""
        self._set(refuse_status=status)
        self._refusals = -1

    def answers_429(self, times: int = 1) -> None:
        """Refuse so many new connections as too many, then accept them."""
        self._set(refuse_status=429, refuse_words="Currently at websocket limit")
        self._refusals = times

    def hangs(self, after: int = 0) -> None:
        """Take texts and send nothing."""
        self._set(after, silent=True)

    def slow(self, seconds: float, after: int = 0) -> None:
        """Send the first audio of each text so much later."""
        self._set(after, first_byte_delay_seconds=seconds)

    def closes(self, code: int = 1011, after: int = 0) -> None:
        """Close the connection in the middle of a text: 1000, 1011, or 1006 for a connection that is cut.

        Raises:
            ConfigurationError: It is another code.
        """
        if code not in CLOSES:
            raise ConfigurationError("rime.closes", f"code {code} is not simulated", "there are 1000, 1006 and 1011")
        self._set(after, **{CLOSES[code]: 0})

    def recovers(self) -> None:
        """Work again."""
        self._set()

    @property
    def any(self) -> bool:
        """Whether anything is wrong."""
        return self._faults != self._healthy

    @override
    def at_upgrade(self) -> SpeechServerFaults:
        if self._refusals == 0:
            return replace(self._faults, refuse_status=0)
        self._refusals -= self._refusals > 0
        return self._faults

    @override
    def at_synthesis(self) -> SpeechServerFaults:
        if self._spoken_before > 0:
            self._spoken_before -= 1
            return self._healthy
        return self._faults

    def _set(self, after: int = 0, **faults: object) -> None:
        self._faults = replace(self._healthy, **faults)  # type: ignore[arg-type]
        self._spoken_before = after
        self._refusals = 0


class TwilioFaults:
    """What Twilio does wrong in the calls that are placed from now on.

    Attributes:
        current: The faults, for the local Twilio.
    """

    def __init__(self) -> None:
        self.current = SimulatorFaults()

    def drops_stream(self, at: float) -> None:
        """Cut the first media stream of a call, without a `stop`, so many seconds after its start."""
        self._stream(drop_after_seconds=at)

    def hangs_stream(self, at: float) -> None:
        """Send nothing more on the first media stream, which stays open."""
        self._stream(hang_after_seconds=at)

    def refuses_stream(self, code: int = 31920) -> None:
        """Do not connect the first media stream; the code is Twilio's, 31901 or 31920."""
        self._stream(refuse=code)

    def delays_marks(self, ms: float) -> None:
        """Return marks so much later than their audio was heard."""
        self._stream(delay_marks_seconds=ms / 1000, only_first=False)

    def repeats_webhook(self, copies: int = 2) -> None:
        """Send each webhook so many times."""
        self.current = replace(self.current, webhook_copies=copies)

    def repeats_callbacks(self, copies: int = 2) -> None:
        """Send each status callback so many times."""
        self._callbacks(CallbackFault(copies=copies))

    def loses_callbacks(self) -> None:
        """Send no status callback."""
        self._callbacks(CallbackFault(lose=True))

    def refuses_requests(self, status: int = 503, times: int = 1) -> None:
        """Refuse so many requests that place calls, with this HTTP status."""
        self.current = replace(self.current, rest=(RestFault(status=status),) * times)

    def recovers(self) -> None:
        """Work again."""
        self.current = SimulatorFaults()

    def _stream(self, **faults: object) -> None:
        stream: StreamFaults = replace(self.current.stream, **faults)  # type: ignore[arg-type]
        self.current = replace(self.current, stream=stream)

    def _callbacks(self, fault: CallbackFault) -> None:
        self.current = replace(self.current, callbacks=(fault,))


class FaultyServices(Protocol):
    """What a fault needs: the telephone of a test."""

    rime: RimeFaults
    twilio: TwilioFaults

    def drop_stream(self) -> None:
        """Cut the media stream of the last call."""
        ...

    def restart(self) -> None:
        """Kill the process of the bridge, and start another one."""
        ...


@dataclass(frozen=True, slots=True)
class NamedFault:
    """A fault as it is written in a scenario file.

    Args:
        name: Its words, with a value in capitals where one is written.
        pattern: What is accepted; its groups are the values.
        meaning: What happens.
        python: The same in a Python test.
        inject: Makes it happen.
    """

    name: str
    pattern: str
    meaning: str
    python: str
    inject: Callable[[FaultyServices, re.Match[str]], None]


def _number(text: str | None, default: float = 0.0) -> float:
    return default if text is None else float(text)


_SECONDS = r"(\d+(?:\.\d+)?)s"
_MS = r"(\d+)ms"
_AFTER = r"(?: after (\d+))?"

FAULTS = (
    NamedFault("twilio drops stream", "twilio drops stream", "the media stream is cut now, in mid-call",
               "call.drop_stream()",
               lambda phone, _: phone.drop_stream()),
    NamedFault("twilio drops stream at 3s", f"twilio drops stream at {_SECONDS}", "the first media stream is cut then",
               "phone.twilio.drops_stream(at=3)",
               lambda phone, found: phone.twilio.drops_stream(_number(found[1]))),
    NamedFault("twilio hangs stream at 3s", f"twilio hangs stream at {_SECONDS}", "the stream stays open and is silent",
               "phone.twilio.hangs_stream(at=3)",
               lambda phone, found: phone.twilio.hangs_stream(_number(found[1]))),
    NamedFault("twilio refuses stream", r"twilio refuses stream(?: (\d+))?", "the first media stream is not connected",
               "phone.twilio.refuses_stream()",
               lambda phone, found: phone.twilio.refuses_stream(int(_number(found[1], 31920)))),
    NamedFault("twilio delays marks 300ms", f"twilio delays marks {_MS}", "marks come back so much later",
               "phone.twilio.delays_marks(300)",
               lambda phone, found: phone.twilio.delays_marks(_number(found[1]))),
    NamedFault("twilio repeats webhook", "twilio repeats webhook", "each webhook comes twice",
               "phone.twilio.repeats_webhook()",
               lambda phone, _: phone.twilio.repeats_webhook()),
    NamedFault("twilio repeats callbacks", "twilio repeats callbacks", "each status callback comes twice",
               "phone.twilio.repeats_callbacks()",
               lambda phone, _: phone.twilio.repeats_callbacks()),
    NamedFault("twilio loses callbacks", "twilio loses callbacks", "no status callback comes",
               "phone.twilio.loses_callbacks()",
               lambda phone, _: phone.twilio.loses_callbacks()),
    NamedFault("twilio refuses requests 503", r"twilio refuses requests (\d+)(?: (\d+) times)?",
               "a request that places a call is refused",
               "phone.twilio.refuses_requests(503)",
               lambda phone, found: phone.twilio.refuses_requests(int(found[1]), int(_number(found[2], 1)))),
    NamedFault("twilio recovers", "twilio recovers", "all of Twilio's faults end",
               "phone.twilio.recovers()",
               lambda phone, _: phone.twilio.recovers()),
    NamedFault("rime refuses 503", r"rime refuses(?: (\d+))?", "new connections to Rime are refused",
               "phone.rime.refuses(503)",
               lambda phone, found: phone.rime.refuses(int(_number(found[1], 503)))),
    NamedFault("rime answers 429 2 times", r"rime answers 429(?: (\d+) times)?", "so many connections are too many",
               "phone.rime.answers_429(times=2)",
               lambda phone, found: phone.rime.answers_429(int(_number(found[1], 1)))),
    NamedFault("rime hangs after 2", f"rime hangs{_AFTER}", "Rime takes texts and sends nothing",
               "phone.rime.hangs(after=2)",
               lambda phone, found: phone.rime.hangs(int(_number(found[1])))),
    NamedFault("rime slow 2s after 2", f"rime slow {_SECONDS}{_AFTER}", "the first audio comes so much later",
               "phone.rime.slow(2, after=2)",
               lambda phone, found: phone.rime.slow(_number(found[1]), int(_number(found[2])))),
    NamedFault("rime closes 1011 after 2", rf"rime closes(?: (\d+))?{_AFTER}", "Rime closes in the middle of a text",
               "phone.rime.closes(1011, after=2)",
               lambda phone, found: phone.rime.closes(int(_number(found[1], 1011)), int(_number(found[2])))),
    NamedFault("rime recovers", "rime recovers", "Rime works again",
               "phone.rime.recovers()",
               lambda phone, _: phone.rime.recovers()),
    NamedFault("bridge restarts", "bridge restarts", "the process of the bridge is killed, and another one starts",
               "phone.restart()",
               lambda phone, _: phone.restart()),
)  # fmt: skip
"""Every fault by name."""


def inject(phone: FaultyServices, written: str) -> None:
    """Let a fault happen that is written by its name.

    Raises:
        ConfigurationError: There is no such fault.
    """
    words = " ".join(written.lower().split())
    for fault in FAULTS:
        if (found := re.fullmatch(fault.pattern, words)) is not None:
            fault.inject(phone, found)
            return
    names = [fault.name for fault in FAULTS]
    near = get_close_matches(words, names, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}"
    raise ConfigurationError("fault", f"'{written}' is not known", hint)
