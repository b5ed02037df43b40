"""The feed of events of the calls of this process: numbered, with the last ones kept for watchers that reconnect.

Source: HTML, "Server-sent events": an event has an id, and a client that reconnects sends the last id it received.

One rule: publishing never waits. A watcher that reads too slowly gets an event that says so and is closed.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.json_text import json_text

KEPT_EVENTS = 1000
MOST_WAITING = 2 * KEPT_EVENTS

GAP = "gap"
OVERRUN = "overrun"


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event.

    Args:
        id: Greater than that of every event before; None for an event that one watcher alone gets.
        kind: What happened, such as "call-started".
        call_sid: The call; empty for none.
        data: Further fields, as plain values.
    """

    id: int | None
    kind: str
    call_sid: str
    data: Mapping[str, Any]

    def as_text(self) -> bytes:
        """The event in the text format of server-sent events."""
        text = json_text({**({"call_sid": self.call_sid} if self.call_sid else {}), **self.data})
        number = "" if self.id is None else f"id: {self.id}\n"
        return f"{number}event: {self.kind}\ndata: {text}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Watch:
    """The events that a watcher wants: of one call or all, of some kinds or all."""

    call_sid: str = ""
    kinds: frozenset[str] = frozenset()

    def wants(self, event: FeedEvent) -> bool:
        """Whether the watcher wants an event."""
        return (not self.call_sid or event.call_sid == self.call_sid) and (not self.kinds or event.kind in self.kinds)


class Watcher:
    """One watcher of a feed.

    Attributes:
        over: Whether no further event will come, once the waiting ones are taken.

    Args:
        watch: The events that it wants.
        wake: Called when an event waits to be taken; must not block.
        limit: How many events may wait.
    """

    def __init__(self, watch: Watch, wake: Callable[[], None], limit: int) -> None:
        self.over = False
        self._watch = watch
        self._wake = wake
        self._limit = limit
        self._waiting: list[FeedEvent] = []

    def take(self) -> list[FeedEvent]:
        """Take the events that wait."""
        taken, self._waiting = self._waiting, []
        return taken

    def receive(self, event: FeedEvent) -> None:
        """Take an event that was published, if the watcher wants it."""
        if self.over or not self._watch.wants(event):
            return
        if len(self._waiting) >= self._limit:
            self.over = True
            event = FeedEvent(None, OVERRUN, "", {"hint": "read faster; come back with the last id you saw"})
        self._waiting.append(event)
        self._wake()

    def catch_up(self, events: list[FeedEvent], gap: FeedEvent | None) -> None:
        """Take events that were published before, behind a gap where some are lost."""
        self._waiting = [*([] if gap is None else [gap]), *(event for event in events if self._watch.wants(event))]
        if self._waiting:
            self._wake()

    def close(self) -> None:
        """No further event will come."""
        self.over = True
        self._wake()


class CallFeed:
    """Numbers events, keeps the last ones, and gives them to the watchers.

    Args:
        first_id: The id of the first event; greater than those of a process before, so that they are not confused.
        kept: How many events are kept for those who come back.
        limit: How many events may wait for one watcher.
    """

    def __init__(self, *, first_id: int = 1, kept: int = KEPT_EVENTS, limit: int = MOST_WAITING) -> None:
        self._next_id = first_id
        self._kept: deque[FeedEvent] = deque(maxlen=kept)
        self._limit = limit
        self._watchers: set[Watcher] = set()

    def __len__(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def publish(self, kind: str, call_sid: str, data: Mapping[str, Any]) -> None:
        """Something happened.

        Args:
            kind: What, in lower case with hyphens.
            call_sid: In which call.
            data: Plain values; they must not change afterwards.
        """
        event = FeedEvent(self._next_id, kind, call_sid, data)
        self._next_id += 1
        self._kept.append(event)
        for watcher in list(self._watchers):
            watcher.receive(event)
            if watcher.over:
                self._watchers.discard(watcher)

    def watch(self, watch: Watch, wake: Callable[[], None], *, after: int | None = None) -> Watcher:
        """Watch from now on, or from after an event that was seen.

        What is not kept any more is announced by an event `gap`, and what is kept follows.
        """
        watcher = Watcher(watch, wake, self._limit)
        self._watchers.add(watcher)
        if after is not None:
            oldest = self._kept[0].id if self._kept else self._next_id
            known = oldest is not None and oldest - 1 <= after < self._next_id
            missed = [event for event in self._kept if not known or (event.id is not None and event.id > after)]
            watcher.catch_up(missed, None if known else FeedEvent(None, GAP, "", {"after": after}))
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """No longer watch."""
        self._watchers.discard(watcher)

    def close(self) -> None:
        """End the feed for everybody."""
        for watcher in self._watchers:
            watcher.close()
        self._watchers.clear()
