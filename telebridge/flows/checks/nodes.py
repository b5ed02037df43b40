"""Mistakes of nodes that a look at one node, and at its flow, finds.

One rule: each check finds one kind of mistake and its place in the file; no check raises.
"""

import re
from collections.abc import Iterator

from telebridge.flows.checks.mistakes import Mistake
from telebridge.flows.model import Flow
from telebridge.flows.node_steps import LONGEST_QUEUE_NAME, LONGEST_SMS, WEB
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.subflows import SubflowNode
from telebridge.flows.nodes.twilio import QueueNode, SmsNode

NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
SENDER = re.compile(r"\+[1-9][0-9]{5,14}|MG[0-9a-f]{32}|[0-9]{3,6}")


def node_mistakes(flow: Flow) -> Iterator[Mistake]:
    """Mistakes of single nodes: hours without a zone, numbers and names that Twilio would refuse, a flow in itself."""
    for name, node in flow.nodes.items():
        path = ("nodes", name)
        match node:
            case HoursNode(hours=hours) if hours.zone is None and flow.zone is None:
                yield Mistake((*path, "hours"), "has no zone", "give the flow one, such as zone: Europe/Berlin")
            case SubflowNode(subflow=other) if other == flow.flow:
                yield Mistake((*path, "subflow"), "runs the flow that it is part of", "use 'then' or 'goto'")
            case QueueNode():
                yield from _queue_mistakes(path, node)
            case SmsNode():
                yield from _sms_mistakes(path, node)
            case _:
                pass


def _queue_mistakes(path: tuple[str, ...], node: QueueNode) -> Iterator[Mistake]:
    if "{" not in node.queue and len(node.queue) > LONGEST_QUEUE_NAME:
        problem = f"is too long: {len(node.queue)} characters"
        yield Mistake((*path, "queue"), problem, f"the name of a queue has up to {LONGEST_QUEUE_NAME}")
    if node.wait_url is not None and not node.wait_url.startswith(WEB):
        problem = f"'{node.wait_url}' is no address that Twilio can ask"
        yield Mistake((*path, "wait_url"), problem, "begin it with https://")


def _sms_mistakes(path: tuple[str, ...], node: SmsNode) -> Iterator[Mistake]:
    if "{" not in node.sms and len(node.sms) > LONGEST_SMS:
        yield Mistake((*path, "sms"), f"is too long: {len(node.sms)} characters", f"Twilio takes up to {LONGEST_SMS}")
    if node.to is not None and "{" not in node.to and not NUMBER.fullmatch(node.to):
        hint = "write it with + and the country, such as +15551230100"
        yield Mistake((*path, "to"), f"'{node.to}' gets no text messages", hint)
    if node.from_ is not None and "{" not in node.from_ and not SENDER.fullmatch(node.from_):
        hint = "a number such as +15551230100, a short code, or the SID of a messaging service, MG…, does"
        yield Mistake((*path, "from"), f"'{node.from_}' sends no text messages", hint)
