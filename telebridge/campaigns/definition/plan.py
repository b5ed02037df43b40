"""A campaign file into the plan that the engine keeps.

One rule: what the file says is carried over, and nothing is decided here but what follows from it.
"""

from datetime import timedelta

from telebridge.campaigns.calling_hours.windows import hours_of
from telebridge.campaigns.definition.model import CampaignDefinition, WebhookTable
from telebridge.campaigns.engine.campaign import (
    CampaignKind,
    CampaignPlan,
    Cap,
    OnMachine,
    OnScreening,
    OnUnknown,
    PoolNumber,
    Webhook,
)
from telebridge.campaigns.engine.circuit_breaker import BreakerRules
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.timing.epoch import epoch_ms

SECOND = timedelta(seconds=1)


def plan_of(definition: CampaignDefinition, *, account: str, rules_version: str, file: str) -> CampaignPlan:
    """What a campaign is to do.

    Args:
        definition: What its file says.
        account: The Twilio account that pays.
        rules_version: Which edition of the law's tables it was checked with.
        file: The text of the file.
    """
    message = definition.on_machine == "leave_message"
    detection = "" if definition.amd == "off" else "DetectMessageEnd" if message else "Enable"
    return CampaignPlan(
        name=definition.name,
        account=account,
        flow=definition.flow,
        numbers=tuple(
            PoolNumber(_e164(caller.number, definition.default_country), caller.daily_cap)
            for caller in definition.from_
        ),
        kind=CampaignKind(definition.kind),
        priority=definition.priority,
        weight=definition.weight,
        start_at=None if definition.start_at is None else epoch_ms(definition.start_at),
        end_at=None if definition.end_at is None else epoch_ms(definition.end_at),
        hours=hours_of(definition.window),
        retry=_retry(definition),
        max_live=definition.max_live,
        calls_per_second=definition.calls_per_second,
        machine_detection=detection,
        on_machine=OnMachine(definition.on_machine),
        message_node=definition.message_node,
        on_screening=OnScreening(definition.on_screening),
        screening_node=definition.screening_node,
        ring_seconds=definition.ring_timeout,
        on_unknown=OnUnknown(definition.on_unknown),
        breaker=BreakerRules(definition.failure_breaker.share, definition.failure_breaker.over),
        caps=tuple(Cap(cap.attempts, cap.within / SECOND) for cap in definition.caps),
        webhook=None if definition.webhook is None else _webhook(definition.webhook),
        rules_version=rules_version,
        file=file,
    )


def _e164(written: str, country: str) -> str:
    number = read_number(written, country=country, check="possible")
    return number.e164 if isinstance(number, DialableNumber) else written


def _webhook(table: WebhookTable) -> Webhook:
    return Webhook(table.url, table.secret or "", tuple(dict.fromkeys(table.events)))


def _retry(definition: CampaignDefinition) -> RetryRules:
    """A machine that was left a message, or heard the flow, is not called again unless the file says so itself."""
    retry = definition.retry
    left = definition.on_machine != "hang_up" and "machine" not in retry.model_fields_set
    delays = {
        Outcome.BUSY: retry.busy,
        Outcome.NO_ANSWER: retry.no_answer,
        Outcome.FAILED: retry.failed,
        Outcome.MACHINE: () if left else retry.machine,
        Outcome.SCREENED: retry.screened,
        Outcome.HUNG_UP: retry.hung_up,
        Outcome.LOST: retry.lost,
    }
    seconds = {outcome: tuple(delay / SECOND for delay in some) for outcome, some in delays.items() if some}
    return RetryRules(definition.max_attempts, seconds, tuple(map(Outcome, definition.next_number)))
