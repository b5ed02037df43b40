"""What the verbs of a call share: its resource, its line, its timeline, and the account that it belongs to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from telebridge.simulator.callbacks import Callback, CallbackSender, CallCallbacks
from telebridge.simulator.http.client import WebClient
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.books import AccountBooks
from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.resources.notifications import NotificationResource
from telebridge.simulator.setup.clock import SimulatorClock
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.elements import TwimlWarning
from telebridge.simulator.twiml.verbs import TwimlError


@dataclass(slots=True)
class Account:
    """The account as its calls see it.

    Args:
        books: Its resources.
        options: Its options; a test may replace them between two calls.
        clock: Monotonic and wall-clock time.
        client: Makes requests that belong to no call.
        callbacks: Sends callbacks that belong to no call, such as those of conferences and messages.
        api_url: The address of its REST API, which stands before the paths of recordings.
    """

    books: AccountBooks
    options: SimulatorOptions
    clock: SimulatorClock
    client: WebClient
    callbacks: CallbackSender
    api_url: str


@dataclass(slots=True)
class LiveCallParts:
    """One call in progress.

    Args:
        record: Its resource.
        recording: Both legs and the events.
        options: The options that the call began with.
        client: Makes requests to the web application, with the cookies of this call.
        callbacks: Sends its callbacks.
        account: The account.
        open_line: Returns the open line.
        hang_up: Ends the call, as the application does.
        base_url: The address of the current document.
        cut_short: The fields for the action of the current verb, if the call ends in the middle of it.
    """

    record: CallResource
    recording: DualChannelRecording
    options: SimulatorOptions
    client: WebClient
    callbacks: CallCallbacks
    account: Account
    open_line: Callable[[], LineDriver]
    hang_up: Callable[[], None]
    base_url: str = ""
    cut_short: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> LineDriver:
        """The open line."""
        return self.open_line()

    def now(self) -> float:
        """Return monotonic seconds."""
        return self.account.clock.now()

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Record an event on the timeline of the call."""
        self.recording.note(kind, detail, now=self.now())

    def warn(self, code: int, problem: str, *, is_error: bool = False) -> None:
        """Record a warning or error of Twilio's, or with code 0 that something is not simulated."""
        if not code:
            self.note(EventKind.NOT_SIMULATED, problem)
            return
        self.note(EventKind.WARNING, f"{code} {problem}")
        self.notify(code, problem, is_error=is_error)

    def notify(self, code: int, problem: str, *, is_error: bool = False) -> None:
        """Put a warning or error into the notifications of the account."""
        self.account.books.notifications.add(
            NotificationResource(
                new_sid("NO"),
                self.record.account_sid,
                self.record.sid,
                code,
                problem,
                self.account.clock.wallclock(),
                is_error=is_error,
                request_url=self.base_url,
            )
        )

    def report(self, problems: Iterable[TwimlError | TwimlWarning]) -> None:
        """Record what is wrong with documents."""
        for problem in problems:
            self.warn(problem.code, problem.problem, is_error=isinstance(problem, TwimlError))

    def absolute(self, url: str) -> str:
        """Return an address of the current document as an absolute one."""
        return urljoin(self.base_url, url)

    def send(self, event: str, url: str, method: str, fields: dict[str, str]) -> None:
        """Send a callback of this call; nothing when it has no address."""
        if url:
            self.callbacks.send(Callback(event, self.absolute(url), method, fields))
