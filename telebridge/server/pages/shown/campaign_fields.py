"""The fields of the form that changes a campaign: what stands in them, and what a text in them makes of its file.

One rule: a text means what it means after `telebridge campaign edit NAME KEY=`; lists alone need no brackets here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from telebridge.campaigns.definition.editing import (
    CHANGES_WHILE_RUNNING,
    KeyAssignment,
    key_path,
    read_change,
    shown_keys,
)
from telebridge.campaigns.definition.model import WEEKDAYS, CampaignDefinition

WINDOW, RETRY = "window.", "retry."
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LISTS = ("next_number",)
TEXTS = frozenset({"name", "flow", "message_node", "screening_node"})
"""Keys whose values are texts, also where TOML would read a number."""
REMOVED = frozenset({"start_at", "end_at", "message_node", "screening_node"})
"""Keys that an empty field removes; of an empty list, nothing follows; any other key needs a value."""


@dataclass(frozen=True, slots=True)
class CampaignField:
    """A field of the form.

    Args:
        key: Of the campaign file, with its table's before it.
        words: What it is.
        choices: What it may be; empty for a text.
        placeholder: What an empty field means, or a text that could stand in it.
    """

    key: str
    words: str
    choices: tuple[str, ...] = ()
    placeholder: str = ""

    @property
    def needs_pause(self) -> bool:
        """Whether it must not change while the campaign dials."""
        return self.key.partition(".")[0] not in CHANGES_WHILE_RUNNING

    def assignment(self, text: str) -> KeyAssignment:
        """What a text in this field makes of the file.

        Args:
            text: Without spaces at its ends.
        """
        path = key_path(self.key)
        if self.key.startswith((WINDOW, RETRY)) or self.key in LISTS:
            several = [part.strip() for part in text.split(",")] if text else []
            return path, several or (None if self.key.startswith(WINDOW) else [])
        if not text:
            return path, None if self.key in REMOVED else ""
        if self.key in TEXTS or self.choices:
            return path, text
        return read_change(f"{self.key}={text}")


def _choice(key: str, words: str) -> CampaignField:
    """A field of a key that takes one of some words."""
    return CampaignField(key, words, get_args(CampaignDefinition.model_fields[key].annotation))


GROUPS: Mapping[str, tuple[CampaignField, ...]] = {
    "How fast": (
        CampaignField("calls_per_second", "Calls started in a second"),
        CampaignField("max_live", "Calls at once"),
        CampaignField("ring_timeout", "Seconds of ringing"),
        CampaignField("priority", "Priority"),
        CampaignField("weight", "Share at equal priority"),
    ),
    "Calling hours": (
        *(
            CampaignField(f"{WINDOW}{day}", name, placeholder="no calls")
            for day, name in zip(WEEKDAYS, DAY_NAMES, strict=True)
        ),
        CampaignField("start_at", "Not before", placeholder="as 2026-03-02T09:00:00-05:00"),
        CampaignField("end_at", "Not after", placeholder="as 2026-03-31T20:00:00-04:00"),
    ),
    "Retries": (
        CampaignField("max_attempts", "Calls to each contact"),
        *(
            CampaignField(f"{RETRY}{key}", f"Again after {words}", placeholder="no further call")
            for key, words in {
                "busy": "busy",
                "no-answer": "no answer",
                "failed": "a failure",
                "machine": "a machine",
                "screened": "screening",
                "hung-up": "hanging up",
                "lost": "a lost call",
            }.items()
        ),
        CampaignField("next_number", "Next number at once after", placeholder="no outcome"),
        _choice("on_unknown", "Placed or not: unknown"),
    ),
    "Prices": (
        CampaignField("price_per_call", "Of a call"),
        CampaignField("price_per_minute", "Of a minute"),
    ),
    "When calls fail": (
        CampaignField("failure_breaker.share", "Pauses at this share of failures"),
        CampaignField("failure_breaker.over", "Of so many calls"),
    ),
    "What is called": (
        CampaignField("name", "Name"),
        CampaignField("flow", "Flow"),
        _choice("kind", "Kind of call, by the law"),
        _choice("amd", "Look for answering machines"),
        _choice("on_machine", "When one answers"),
        CampaignField("message_node", "Node of the message for it"),
        _choice("on_screening", "When calls are screened"),
        CampaignField("screening_node", "Node that says who calls"),
    ),
}
"""The fields by their groups. Keys that are tables of their own (`from`, `caps`, `webhook`) have none."""
FIELDS: Mapping[str, CampaignField] = {field.key: field for group in GROUPS.values() for field in group}


def field_texts(definition: CampaignDefinition) -> dict[str, str]:
    """What stands in each field of the form, by key."""
    shown = shown_keys(definition)
    for day, name in enumerate(WEEKDAYS):
        shown[f"{WINDOW}{name}"] = [str(window) for window in definition.window.get(day, ())]
    return {key: _text(shown.get(key)) for key in FIELDS}


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case list():
            return ", ".join(map(str, value))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
