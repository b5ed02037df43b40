"""A call that a test has placed: what is expected of it.

Each expectation lets time pass until it is met, and fails at its deadline, with the call as text.

One rule: expectations are met in order, and other things may come between.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from telebridge.errors import ConfigurationError
from telebridge.simulator.media.recording import EventKind
from telebridge.testing.call.actions import CallerActions
from telebridge.testing.hearing.ear import ClearedSound, SoundedWord, SoundPiece
from telebridge.testing.hearing.words import spoken_tokens
from telebridge.testing.vocabulary import WITHIN_SECONDS

CUT_SETTLED_SECONDS = 1.0
"""What goes on within this time was paused and not cut."""


@dataclass(frozen=True, slots=True)
class PromptCut:
    """A prompt that stopped before its end.

    Args:
        at_ms: When the last of it sounded, after the line opened.
        after_ms: How long that was after the caller's last action began.
        heard: The words of the sentence that were heard to their ends.
        text: The whole sentence; empty when it is not known.
    """

    at_ms: float
    after_ms: float
    heard: str
    text: str


class PlacedCall(CallerActions):
    """One call of a test, from the caller's side."""

    _rung_seen = 0

    def hears(
        self, text: str | re.Pattern[str], *, within: float = WITHIN_SECONDS, heard: str = "fully"
    ) -> list[SoundedWord]:
        """Wait until the caller has heard a text after what was heard before; time then stands at the end of it.

        Args:
            text: Words, compared without case and punctuation; or a regular expression.
            within: At most so many seconds from now.
            heard: "fully", or "begun" for the moment at which its first word begins.

        Returns:
            The words.

        Raises:
            CallFailure: It was not heard by then.
        """
        __tracebackhide__ = True
        if heard not in ("fully", "begun"):
            raise ConfigurationError("hears", f"heard is '{heard}'", "it is 'fully' or 'begun'")
        shown = f'hears "{text if isinstance(text, str) else text.pattern}"'
        if isinstance(text, str) and not spoken_tokens(text):
            raise ConfigurationError("hears", f"'{text}' has no words")
        found = self._bench.run(self._hear(text, within, begun=heard == "begun"))
        if found is None:
            why = "the call is over" if self.over else f"not heard within {within:g} s"
            raise self._failure(shown, why, nearest=self._nearest(text))
        self._cursor = found[-1].end_time if heard == "fully" else found[0].start_time
        self._passed(shown)
        return found

    def hears_nothing(self, for_: float = 2.0) -> None:
        """Expect silence for so many seconds.

        Raises:
            CallFailure: Something was heard.
        """
        __tracebackhide__ = True
        start = self._bench.now()
        shown = f"hears nothing for {for_:g} s"

        def sounds() -> SoundPiece | None:
            return next(iter(self.ear.sounds_between(start, min(start + for_, self._bench.now() + 1e-9))), None)

        self.waits(for_)
        if (sound := sounds()) is not None:
            said = "a sound" if sound.speech is None else f'"{sound.heard_by(self._bench.now()) or sound.speech.text}"'
            raise self._failure(shown, f"{said} was heard")
        self._passed(shown)

    def hears_sound(self, *, within: float = WITHIN_SECONDS) -> None:
        """Wait until the caller hears anything at all from now on, known or not.

        Raises:
            CallFailure: It stayed silent.
        """
        __tracebackhide__ = True
        start = self._bench.now()
        end = start + within
        found = self._run(lambda: next(iter(self.ear.sounds_between(start, end)), None), within=within)
        if found is None:
            why = f"the call is over: {self.ended_by or self.status}" if self.over else f"silence for {within:g} s"
            raise self._failure("hears a sound", why)
        if found.start_time > self._bench.now():
            self.waits(found.start_time - self._bench.now())
        self._passed("hears a sound")

    def cut(self, *, within: float = 5.0, after: float | None = None) -> PromptCut:
        """Wait until the prompt that played at the caller's last action has stopped before its end.

        A prompt that pauses and goes on within a second is not cut.

        Args:
            within: At most so many seconds from now.
            after: At most so many seconds from the beginning of the caller's last action; None for any.

        Raises:
            CallFailure: It plays to its end, goes on, or stopped too late.
        """
        __tracebackhide__ = True
        found = self._run(self._last_cut, within=within)
        settled = self._bench.run(self._settled(found, within)) if found is not None else None
        if settled is None:
            went_on = "the prompt went on" if found is not None else f"no prompt stopped within {within:g} s"
            raise self._failure("cut", went_on)
        began, last = self._action_began(), settled.last
        cut = PromptCut(
            (settled.at - self.recording.opened_at) * 1000,
            (settled.at - began) * 1000,
            "" if last is None else last.heard_by(settled.at),
            "" if last is None or last.speech is None else last.speech.text,
        )
        if after is not None and cut.after_ms > after * 1000:
            raise self._failure(f"cut after at most {after * 1000:.0f} ms", f"it stopped after {cut.after_ms:.0f} ms")
        self._passed(f'cut {cut.after_ms:.0f} ms after the caller began, heard "{cut.heard}"')
        return cut

    def transferred_to(self, number: str | None = None, *, within: float = WITHIN_SECONDS) -> str:
        """Wait until the application calls somebody else for the caller.

        Args:
            number: Whom it must be; None for anybody.
            within: At most so many seconds from now.

        Returns:
            The number.

        Raises:
            CallFailure: Nobody was called, or somebody else.
        """
        __tracebackhide__ = True
        shown = f"transferred to {number or 'somebody'}"

        def rung() -> str | None:
            later = [each.number for each in self._bench.people.rung if each.at >= self._began]
            return later[self._rung_seen] if len(later) > self._rung_seen else None

        found = self._run(rung, within=within)
        if found is None:
            raise self._failure(shown, "nobody was called")
        self._rung_seen += 1
        if number is not None and found != number:
            raise self._failure(shown, f"{found} was called")
        self._passed(f"transferred to {found}")
        return found

    def ends(
        self,
        *,
        within: float = WITHIN_SECONDS,
        by: str | None = None,
        node: str | None = None,
        status: str | None = None,
        result: dict[str, object] | None = None,
    ) -> None:
        """Wait until the call is over, and look how it ended.

        Args:
            within: At most so many seconds from now.
            by: Who must have hung up: "caller" or "bridge".
            node: The node of the flow at which it must have ended.
            status: The status that Twilio must report.
            result: What the flow must have found out, among other things.

        Raises:
            CallFailure: It goes on, or ended otherwise.
        """
        __tracebackhide__ = True
        self._run(lambda: True if self.over else None, within=within)
        if not self.over:
            raise self._failure("ends", f"the call goes on after {within:g} s")
        self._finish()
        if by is not None and self.ended_by != by:
            raise self._failure(f"ends by {by}", f"{self.ended_by or 'nobody'} hung up")
        if status is not None and self.status != status:
            raise self._failure(f"ends {status}", f"the call is {self.status}")
        if node is not None and self.at != node:
            raise self._failure(f"ends at node {node}", f"it ended at node {self.at or '(none)'}")
        for name, value in (result or {}).items():
            if self.result.get(name) != value:
                raise self._failure(f"ends with {name} = {value!r}", f"{name} is {self.result.get(name)!r}")
        self._passed("ends", order=1)

    # Inside.

    async def _hear(self, text: str | re.Pattern[str], within: float, *, begun: bool) -> list[SoundedWord] | None:
        """Wait for a text; asked again whenever what will be heard has changed."""
        deadline = self._bench.now() + within
        after = self._cursor
        while True:
            found = self._match(text, after)
            due = None if found is None else (found[0].start_time if begun else found[-1].end_time)
            if found is not None and due is not None and due <= self._bench.now() + 1e-6:
                return found
            if self.over or self._bench.now() >= deadline:
                return None
            after = self._searched(text, after)
            wait = deadline if due is None else min(due, deadline)
            # Woken by a change; otherwise the time has come.
            await self._until(_Once(), wait - self._bench.now())

    def _match(self, text: str | re.Pattern[str], after: float) -> list[SoundedWord] | None:
        """The first words after an instant that match, heard already or to come."""
        words = [word for word in self.ear.words(after=after) if word.end_time > after + 1e-6]
        if isinstance(text, re.Pattern):
            return _matched(text, words)
        tokens = [(token, word) for word in words for token in spoken_tokens(word.text)]
        wanted = spoken_tokens(text)
        for at in range(len(tokens) - len(wanted) + 1):
            if all(tokens[at + n][0] == token for n, token in enumerate(wanted)):
                return [word for _, word in tokens[at : at + len(wanted)]]
        return None

    def _searched(self, text: str | re.Pattern[str], after: float) -> float:
        """After which instant to search next: no match begins with words that were heard and searched before."""
        if isinstance(text, re.Pattern):
            return after
        now = self._bench.now()
        past = [
            word.end_time for word in self.ear.words(after=after) if word.end_time <= now and spoken_tokens(word.text)
        ]
        again = len(spoken_tokens(text)) - 1  # so many of them may be the beginning of a match
        return max(after, past[-again - 1]) if len(past) > again else after

    def _nearest(self, text: str | re.Pattern[str]) -> str:
        """The line that is most like a text."""
        wanted = " ".join(spoken_tokens(text if isinstance(text, str) else text.pattern))
        lines = [line for line in self.lines if line.text]
        if not lines:
            return ""

        def likeness(heard: str) -> float:
            return SequenceMatcher(None, wanted, " ".join(spoken_tokens(heard))).ratio()

        best = max(lines, key=lambda line: likeness(line.text))
        cut = f', of which "{best.heard}" was heard' if best.cut else ""
        return f'"{best.text}" at {best.start_ms / 1000:.2f} s{cut}'

    def _action_began(self) -> float:
        """When the caller's last key or sound began (monotonic seconds)."""
        events = [
            event.at_ms
            for event in self.recording.events
            if event.kind is EventKind.KEY or (event.kind is EventKind.CALLER and event.detail.startswith("Speak"))
        ]
        return self.recording.opened_at + events[-1] / 1000 if events else self._acted_at

    def _last_cut(self) -> ClearedSound | None:
        """The first sound that was cut since the caller's last action began and did not go on so far."""
        later = (each for each in self.ear.clears if each.at >= self._acted_at and each.last is not None)
        return next((each for each in later if not self._goes_on(each)), None)

    def _goes_on(self, cleared: ClearedSound) -> bool:
        """Whether what was cut was a pause: some of it was heard afterwards."""
        last = cleared.last
        cut = {id(speech) for speech in (*cleared.dropped, None if last is None else last.speech) if speech is not None}
        return any(id(piece.speech) in cut and piece.start_time > cleared.at for piece in self.ear.pieces if piece.size)

    async def _settled(self, cleared: ClearedSound, within: float) -> ClearedSound | None:
        """The cut once it is certain that the prompt does not go on; None when it does."""
        while True:
            if self._goes_on(cleared):
                return await self._until(self._last_cut, within)
            left = cleared.at + CUT_SETTLED_SECONDS - self._bench.now()
            other = any(piece.start_time > cleared.at for piece in self.ear.pieces if piece.size)
            if left <= 0 or self.over or other:
                return cleared
            await self._until(_Once(), left)


class _Once:
    """Satisfied from the second time on: whoever waits with it wakes at the first change."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool | None:
        asked, self._asked = self._asked, True
        return True if asked else None


def _matched(pattern: re.Pattern[str], words: list[SoundedWord]) -> list[SoundedWord] | None:
    """The words in which a pattern is found."""
    text, ends = "", []
    for word in words:
        text += f"{word.text} "
        ends.append(len(text))
    found = pattern.search(text)
    if found is None or not found[0].strip():
        return None
    return [
        word
        for word, end in zip(words, ends, strict=True)
        if end > found.start() and end - len(word.text) - 1 < found.end()
    ]
