"""The requests and responses of the API of campaigns; see `telebridge.server.api.models`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from telebridge.server.api.models import PhoneNumber
from telebridge.server.http.bodies import RequestModel, ResponseModel

Counts = dict[str, int]


class CampaignRequest(RequestModel):
    """A campaign file, as docs/campaign-files.md has it."""

    file: Annotated[str, Field(min_length=1, max_length=60_000, description="The text of a campaign file, TOML.")]


class CancelCampaignRequest(RequestModel):
    """How to end it."""

    end_calls: bool = Field(default=False, description="End its live calls too.")


class RetryRequest(RequestModel):
    """Which contacts are to be called again."""

    outcomes: list[str] = Field(description="Outcomes of contacts that are done, in which nobody was spoken to.")


KeyValue = str | int | float | bool | list[Any] | dict[str, Any]


class EditCampaignRequest(RequestModel):
    """Keys of a campaign file with their new values."""

    changes: Annotated[dict[str, KeyValue | None], Field(min_length=1, max_length=100)] = Field(
        description="By key, a table's with its name before it: `max_live`, `retry.busy`. Null removes a key."
    )


class CloneCampaignRequest(RequestModel):
    """What the new campaign is called, and who is in it."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    contacts: bool = Field(default=False, description="Copy the contacts too, as not called yet.")
    outcomes: list[str] = Field(
        default_factory=list, description="Only contacts that ended with one of these outcomes; implies `contacts`."
    )


class CampaignsQuery(RequestModel):
    """Which campaigns."""

    deleted: Annotated[bool, Field(strict=False)] = Field(
        default=False, description="Those that are deleted, and of which records are kept."
    )


class ImportQuery(RequestModel):
    """How to import."""

    update: Annotated[bool, Field(strict=False)] = Field(
        default=False, description="Let contacts that are there and were not called yet have the data of their rows."
    )


class ReportQuery(RequestModel):
    """How to write a report."""

    format: Literal["csv", "json"] = Field("csv", description="CSV with the last attempt, JSON with all of them.")


class DoNotCallQuery(RequestModel):
    """Which page of the do-not-call list."""

    limit: Annotated[int, Field(ge=1, le=1000, strict=False)] = Field(1000, description="How many at the most.")
    cursor: Annotated[str, Field(max_length=400)] | None = Field(
        None, description="`next` of the answer before, to go on where it ended."
    )


CampaignId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9]+$")]


class AddDoNotCallRequest(RequestModel):
    """Numbers to be added to the do-not-call list."""

    numbers: Annotated[list[PhoneNumber], Field(min_length=1, max_length=1000)]
    reason: Annotated[str, Field(max_length=500)] = ""
    campaign: CampaignId | None = Field(None, description="Only this one does not call them; by default none does.")


class RemoveDoNotCallRequest(RequestModel):
    """A number to be removed from the do-not-call list."""

    number: PhoneNumber
    campaign: CampaignId | None = Field(
        None, description="The campaign whose list it is removed from; by default the list of all campaigns."
    )


class CampaignResponse(ResponseModel):
    """A campaign."""

    id: str
    name: str
    status: str
    since: str
    reason: str
    flow: str
    kind: str


class CancelCampaignResponse(CampaignResponse):
    """A campaign that is over for ever."""

    calls_ended: int = Field(description="How many live calls Twilio was told to end.")


class RetryResponse(CampaignResponse):
    """A campaign with contacts put back."""

    retried: int = Field(description="How many contacts wait to be called again.")


class ArchiveQuery(RequestModel):
    """How to import a whole campaign."""

    name: Annotated[str, Field(max_length=100)] = Field(default="", description="Another name for it.")


class ArchiveCountsResponse(ResponseModel):
    """What is in an exported campaign."""

    contacts: int
    attempts: int
    do_not_call: int


class ImportCampaignResponse(CampaignResponse):
    """A campaign that was imported whole."""

    imported: ArchiveCountsResponse


class KeyChangeResponse(ResponseModel):
    """A key of a campaign file that was changed."""

    before: Any
    after: Any


class EditCampaignResponse(CampaignResponse):
    """A campaign with another plan."""

    changes: dict[str, KeyChangeResponse] = Field(description="By key; empty when it was so already.")


class CloneCampaignResponse(CampaignResponse):
    """A draft that was made like another campaign."""

    contacts: int
    do_not_call: int = Field(description="How many entries of the do-not-call list were copied for it.")


class DeleteCampaignResponse(ResponseModel):
    """What is kept of a campaign that is deleted."""

    id: str
    kept_attempts: int = Field(description="How many records of calls are kept.")
    kept_until: str | None = Field(description="When the last of them is removed; null when there is none.")
    kept_do_not_call: int = Field(description="How many entries of the do-not-call list held for it alone, and stay.")


class CampaignsResponse(ResponseModel):
    """All campaigns, the newest first."""

    campaigns: list[CampaignResponse]


class CampaignProgressResponse(CampaignResponse):
    """A campaign and its progress."""

    contacts: Counts = Field(description="How many are ready, live, done or skipped.")
    total: int
    outcomes: Counts = Field(description="Of those done or skipped, how many ended how.")
    attempts: Counts
    live_calls: int
    waiting: Counts = Field(description="Why contacts are not called at this moment.")
    next_due_at: str | None
    opens_at: str | None
    dialers: int = Field(description="How many processes dial for its Twilio account; 0 means that nobody is called.")
    rate_limited_until: str | None = Field(description="No call is placed before: Twilio limits the rate (HTTP 429).")
    undelivered_events: int = Field(description="What the campaign's webhook is still to be told.")


class ImportResponse(ResponseModel):
    """The result of importing a CSV."""

    rows: int
    added: int
    duplicates: int
    updated: int = Field(description="How many of the duplicates were not called yet and got the data of their rows.")
    rejected: int
    empty: int = Field(description="How many rows held nothing, which were passed over; not among `rows`.")
    status: str = Field(
        description="The campaign's; one that is `done` calls its new contacts when it is started again."
    )
    rejects: list[dict[str, Any]] = Field(description="The first 100 rows that are no contacts, and why.")


class DoNotCallChangeResponse(ResponseModel):
    """The result of a change to the do-not-call list."""

    changed: int


class DoNotCallEntryResponse(ResponseModel):
    """An entry of the do-not-call list."""

    number: str
    campaign: str | None
    since: str
    source: str
    reason: str


class DoNotCallListResponse(ResponseModel):
    """A page of the do-not-call list, by number."""

    numbers: list[DoNotCallEntryResponse]
    next: str | None = Field(description="The cursor of the numbers after these; null when there are none.")
