"""What a campaign file says: whom it calls about what, when, how fast, and what follows which outcome.

One rule: every key has a bound and a meaning of its own, and what is left out is the careful choice.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from yarl import URL

from telebridge.campaigns.calling_hours.law import CallKind
from telebridge.campaigns.calling_hours.windows import Window, joined, read_window
from telebridge.campaigns.engine.campaign import WebhookEvent
from telebridge.campaigns.numbers.numbers import NumberCheck
from telebridge.campaigns.webhooks.signature import secret_problem

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DURATION = re.compile(r"(\d+)\s*([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DEFAULT_WINDOW = Window(9 * 60, 20 * 60)

FURTHER_PHONES = ("phone2", "phone3", "phone4", "phone5")
"""Columns of further numbers, where the file names none."""

Windows = Mapping[int, tuple[Window, ...]]


def _duration(value: object) -> object:
    found = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError("should be a duration such as '90s', '15m', '2h' or '1d'")
    try:
        return timedelta(**{UNITS[found[2]]: int(found[1])})
    except (OverflowError, ValueError) as error:  # more than a timedelta holds, or more digits than an integer
        raise ValueError("is too long; at most 60 days are allowed") from error


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _instant(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            pass
    elif isinstance(value, date):
        return value
    raise ValueError("should be a date and time with its offset such as '2026-03-02T09:00:00-05:00'")


def _windows(value: object) -> object:
    """`{"mon-fri": "09:00-20:00"}` into windows by weekday."""
    if not isinstance(value, Mapping):
        raise ValueError("should be a table such as {mon-fri = '09:00-20:00'}")
    by_day: dict[int, tuple[Window, ...]] = {}
    for days, written in value.items():
        texts = written if isinstance(written, list) else [written]
        windows = joined(read_window(str(text)) for text in texts)
        for day in days_named(str(days)):
            if day in by_day:
                raise ValueError(f"'{days}': {WEEKDAYS[day]} has its windows already")
            by_day[day] = windows
    return by_day


def days_named(written: str) -> range:
    """The weekdays that `mon` or `mon-fri` names, 0 being Monday.

    Raises:
        ValueError: It names none.
    """
    first, dash, last = written.strip().lower().partition("-")
    last = last if dash else first
    if first not in WEEKDAYS or last not in WEEKDAYS:
        raise ValueError(f"'{written}' is no day: write 'mon', 'sat-sun' or 'mon-fri'")
    if WEEKDAYS.index(first) > WEEKDAYS.index(last):
        raise ValueError(f"'{written}' goes backwards: weeks begin on Monday")
    return range(WEEKDAYS.index(first), WEEKDAYS.index(last) + 1)


def _caller(value: object) -> object:
    return {"number": value} if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _on_off(value: object) -> object:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _web_address(value: str) -> str:
    try:
        address = URL(value)
    except ValueError:
        address = URL()
    if address.scheme not in ("http", "https") or not address.host or value != value.strip():
        raise ValueError("should be an address such as 'https://example.com/calls'")
    return value


def _webhook_secret(value: str) -> str:
    if problem := secret_problem(value):
        raise ValueError(problem)
    return value


def _some_event(value: tuple[WebhookEvent, ...]) -> tuple[WebhookEvent, ...]:
    if not value:
        raise ValueError("names no event; leave it out for all of them")
    return value


NUMBER = BeforeValidator(_number)
Delay = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0), le=timedelta(days=60))]
Delays = Annotated[tuple[Delay, ...], BeforeValidator(_listed), Field(max_length=20)]
ColumnName = Annotated[str, Field(min_length=1)]
Price = Annotated[float, NUMBER, Field(ge=0, allow_inf_nan=False)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class CallerNumber(_Part):
    """A number of ours that calls go out from.

    Args:
        daily_cap: At most so many calls a day from it; None for as many as there are.
    """

    number: Annotated[str, Field(min_length=1)]
    daily_cap: Annotated[int, NUMBER, Field(ge=1)] | None = None


class Retry(_Part):
    """How long after which outcome the next attempt follows: the first delay after the first attempt, and so on.

    The last delay holds for all attempts that follow. An outcome without delays is final.
    """

    busy: Delays = (timedelta(minutes=15),)
    no_answer: Annotated[Delays, Field(alias="no-answer")] = (timedelta(hours=2), timedelta(days=1))
    failed: Delays = (timedelta(minutes=30),)
    machine: Delays = (timedelta(hours=4), timedelta(days=1))
    screened: Delays = (timedelta(hours=4), timedelta(days=1))
    hung_up: Annotated[Delays, Field(alias="hung-up")] = ()
    lost: Delays = (timedelta(hours=1), timedelta(days=1))


class ColumnTable(_Part):
    """Which column of the CSV holds what. One that is named here must be there; the rest may be missing.

    Every further key is a variable of the flow: `appointment = "Termin"`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
    __pydantic_extra__: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], ColumnName] = Field(init=False)

    phone: Annotated[tuple[ColumnName, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)] = (
        "phone",
        *FURTHER_PHONES,
    )
    zone: ColumnName = "zone"
    postal_code: ColumnName = "postal_code"
    due_at: ColumnName = "due_at"
    priority: ColumnName = "priority"
    consent_at: ColumnName = "consent_at"
    consent_source: ColumnName = "consent_source"

    @property
    def fields(self) -> dict[str, str]:
        """The columns of what a campaign itself knows, by key; those of further numbers by `phone2`, `phone3`, …."""
        others = {key: getattr(self, key) for key in type(self).model_fields if key != "phone"}
        phones = {f"phone{place}" if place > 1 else "phone": name for place, name in enumerate(self.phone, 1)}
        return {**phones, **others}

    @property
    def named(self) -> frozenset[str]:
        """The keys of `fields` whose columns the file names, so that they must be there."""
        phones = {key for key in self.fields if key.startswith("phone")} if "phone" in self.model_fields_set else set()
        return frozenset({"phone", *phones, *(self.model_fields_set - {"phone"})})

    @property
    def variables(self) -> dict[str, str]:
        """The columns of variables of the flow that have other names than these."""
        return dict(self.__pydantic_extra__)


class CapTable(_Part):
    """At most so many attempts at one number in so long a time, over all campaigns; the law's caps hold besides."""

    attempts: Annotated[int, NUMBER, Field(ge=1)]
    within: Delay


class FailureBreaker(_Part):
    """The campaign pauses itself when more than this share of its last `over` attempts failed."""

    share: Annotated[float, NUMBER, Field(gt=0, le=1)] = 0.5
    over: Annotated[int, NUMBER, Field(ge=5, le=10_000)] = 50


class WebhookTable(_Part):
    """Who is told what becomes of contacts, attempts and the campaign.

    Args:
        url: Gets a POST for each event.
        secret: Signs the requests, as Standard Webhooks does: `whsec_` and base64. Any other text is used as its bytes.
        events: Which events are sent.
    """

    url: Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]
    secret: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_webhook_secret)] | None = None
    events: Annotated[tuple[WebhookEvent, ...], AfterValidator(_some_event)] = tuple(WebhookEvent)


NextNumberOutcome = Literal[
    "bad_number", "no_answer", "busy", "failed", "machine", "screened", "refused", "hung_up", "lost", "unknown"
]
"""Outcomes in which nobody was spoken to as they should be, so that another number may reach the person."""


class CampaignDefinition(_Part):
    """A whole campaign file.

    Args:
        name: Its name, as commands take it.
        flow: What its calls do.
        kind: What its calls are about, which decides by whose hours they go.
        from_: The numbers it calls from.
        max_attempts: At most so many attempts for each contact, at all of its numbers, whatever `retry` says.
        next_number: After which outcomes the next of a contact's numbers is called, at once.
        retry: When a contact is tried again.
        window: Local times in which it calls, by weekday; the law's hours narrow them.
        start_at: Not before.
        end_at: Not after.
        calls_per_second: How fast calls are started.
        max_live: How many calls it has at once.
        priority: Higher goes first when campaigns compete.
        weight: Its share among campaigns of the same priority.
        ring_timeout: Seconds until an unanswered call is given up.
        amd: Whether answering machines are looked for.
        on_machine: What happens when one answers.
        message_node: Where in the flow a message for a machine begins.
        on_screening: What happens when a telephone answers that screens calls; it is told by its words.
        screening_node: Where in the flow such a telephone is told who calls.
        default_country: Whose numbers those without `+` are.
        default_zone: The zone of contacts of whom none can be told; without it they are rejected.
        zones: What decides where a postal code and an area code disagree: the postal code, or both together.
        number_check: Whether numbers must be in a range that is given out, or only have the right length.
        delimiter: What stands between the cells of the CSV; found out when not given.
        columns: Which column holds what.
        require_consent: Whether rows without `consent_at` and `consent_source` are rejected; telemarketing does.
        caps: The campaign's own limits on attempts.
        on_unknown: What happens when it cannot be found out whether a call was placed.
        failure_breaker: When it pauses itself.
        webhook: Who is told what becomes of it.
        price_per_minute: For the estimate before it starts and the report; the same with `price_per_call`.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
    flow: Annotated[str, Field(min_length=1)]
    kind: CallKind
    from_: Annotated[
        tuple[Annotated[CallerNumber, BeforeValidator(_caller)], ...],
        BeforeValidator(_listed),
        Field(alias="from", min_length=1),
    ]
    max_attempts: Annotated[int, NUMBER, Field(ge=1, le=50)] = 3
    retry: Retry = Retry()
    next_number: Annotated[tuple[NextNumberOutcome, ...], BeforeValidator(_listed)] = ("bad_number", "no_answer")
    window: Annotated[Windows, BeforeValidator(_windows), Field(min_length=1)] = dict.fromkeys(
        range(7), (DEFAULT_WINDOW,)
    )
    start_at: Instant | None = None
    end_at: Instant | None = None
    calls_per_second: Annotated[float, NUMBER, Field(gt=0, le=1000)] = 1.0
    max_live: Annotated[int, NUMBER, Field(ge=1, le=100_000)] = 10
    priority: Annotated[int, NUMBER, Field(ge=-1000, le=1000)] = 0
    weight: Annotated[float, NUMBER, Field(gt=0, le=1000)] = 1.0
    ring_timeout: Annotated[int, NUMBER, Field(ge=15, le=600)] = 25
    amd: Annotated[Literal["on", "off"], BeforeValidator(_on_off)] = "on"
    on_machine: Literal["hang_up", "leave_message", "carry_on"] = "hang_up"
    message_node: str = ""
    on_screening: Literal["carry_on", "hang_up", "answer"] = "carry_on"
    screening_node: str = ""
    default_country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    default_zone: str = ""
    zones: Literal["postal_code", "both"] = "postal_code"
    number_check: NumberCheck = "valid"
    delimiter: Annotated[str, Field(max_length=1)] = ""
    columns: ColumnTable = ColumnTable()
    require_consent: bool | None = None
    caps: tuple[CapTable, ...] = ()
    on_unknown: Literal["redial", "give_up"] = "redial"
    failure_breaker: FailureBreaker = FailureBreaker()
    webhook: WebhookTable | None = None
    price_per_minute: Price = 0.0
    price_per_call: Price = 0.0

    @property
    def needs_consent(self) -> bool:
        """Whether a contact must have agreed, in a way that can be shown."""
        return self.kind == "telemarketing" if self.require_consent is None else self.require_consent


PARTS: Mapping[str, type[BaseModel]] = {
    "from": CallerNumber,
    "retry": Retry,
    "columns": ColumnTable,
    "caps": CapTable,
    "failure_breaker": FailureBreaker,
    "webhook": WebhookTable,
}
"""What the tables of a campaign file look like, by the key that they stand under."""


def keys_of(kind: type[BaseModel]) -> list[str]:
    """The keys of a table as a file spells them."""
    return [field.alias or name for name, field in kind.model_fields.items()]
