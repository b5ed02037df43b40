"""What the caller does. Each action takes the time that it takes a person; then the test goes on."""

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from telebridge.audio.wav import read
from telebridge.errors import ConfigurationError
from telebridge.recognition_server.script import ScriptedWords
from telebridge.simulator.account import SimulatedCall
from telebridge.simulator.caller.caller import CallerStep, HangUpStep, Loudspeaker, Noise, Press, Speak
from telebridge.simulator.caller.noises import KINDS, background, breath, click, cough
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import murmur, spoken
from telebridge.testing.bench.bench import Bench
from telebridge.testing.call.facts import CallFacts
from telebridge.testing.vocabulary import KEYS

LONGEST_STEP_SECONDS = 150.0
SHORT_SOUNDS = {"cough": cough, "click": click, "breathe": breath, "mm-hm": murmur}


class CallerActions(CallFacts):
    """The caller of one call. Used as a context manager, the caller hangs up at the end of the block."""

    def __init__(self, bench: Bench, placed: SimulatedCall) -> None:
        super().__init__(bench, placed)
        self._cursor = 0.0  # words that were heard by then are not looked at again (monotonic seconds)
        self._acted_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()

    def press(self, keys: str) -> None:
        """Press keys one after the other; `w` is a pause of half a second.

        Raises:
            ConfigurationError: These are no keys.
            CallFailure: The call is over.
        """
        __tracebackhide__ = True
        if not isinstance(keys, str) or not KEYS.fullmatch(keys):
            raise ConfigurationError("press", f"{keys!r} is not a text of the keys 0-9, *, #, A-D and w")
        self._act(Press(keys), f"press {keys}")

    def says(self, words: str | Path | bytes, *, heard: ScriptedWords | None = None) -> None:
        """Say something, whatever is heard meanwhile.

        Args:
            words: A text, which sounds like a voice for as long as it takes to say it; or a path to a WAV file; or
                mu-law at 8000 Hz.
            heard: What the local recognizer hears of it, where `[recognition]` is set; by default the text itself.

        Raises:
            ConfigurationError: The file cannot be read.
            CallFailure: The call is over.
        """
        __tracebackhide__ = True
        self._tell(heard or ScriptedWords(words if isinstance(words, str) else ""))
        self._act(_spoken(words), f'says "{words}"' if isinstance(words, str) else "says")

    def coughs(self) -> None:
        """Cough."""
        __tracebackhide__ = True
        self.makes("cough")

    def makes(self, sound: str) -> None:
        """Make a short sound that says nothing: "cough", "click", "breathe" or "mm-hm".

        Raises:
            ConfigurationError: There is no such sound.
            CallFailure: The call is over.
        """
        __tracebackhide__ = True
        if sound not in SHORT_SOUNDS:
            raise ConfigurationError("makes", f"'{sound}' is no sound", f"there are {', '.join(SHORT_SOUNDS)}")
        self._tell(ScriptedWords(sound if sound == "mm-hm" else ""))
        self._act(Speak(SHORT_SOUNDS[sound](), words=sound), sound)

    def waits(self, seconds: float) -> None:
        """Do nothing for a while."""
        self._run(lambda: None, within=seconds) if not self.over else None

    def stands_in(self, place: str, dbfs: float = -35.0) -> None:
        """From now on there is noise around the caller: "hum", "street", "babble", "music" or "quiet".

        Raises:
            ConfigurationError: There is no such place.
        """
        __tracebackhide__ = True
        if place not in (*KINDS, "quiet"):
            raise ConfigurationError("stands_in", f"'{place}' is no place", f"there are {', '.join(KINDS)} and quiet")
        self._act(Noise(b"" if place == "quiet" else background(place, dbfs)), f"stands in {place}")

    def uses_loudspeaker(self, gain_db: float | None = -12.0, delay_ms: int = 120) -> None:
        """From now on what the caller hears comes back into the microphone; a gain of None ends it."""
        __tracebackhide__ = True
        self._act(Loudspeaker(gain_db, delay_ms), "uses a loudspeaker")

    def follows(self, script: str) -> None:
        """Do what a script of the local Twilio says, such as "silence; press 1; wait 500ms; hang up".

        It goes on until the script or the call is over; to fail for what is heard is left to expectations after it.

        Raises:
            ConfigurationError: A part of the script is not understood.
        """
        __tracebackhide__ = True
        for step in parse_script(script).steps:
            if not self.over:
                self._act(step, script)

    def drop_stream(self) -> None:
        """Cut the media stream of the call, as a network that fails."""
        self._bench.run(self._placed.phone.drop_stream())

    def hangs_up(self) -> None:
        """Hang up, and wait until the call is over everywhere."""
        __tracebackhide__ = True
        self._act(HangUpStep(), "hangs up")
        self._finish()

    def _tell(self, words: ScriptedWords) -> None:
        """Tell the local recognizer what the caller says from now on."""
        self._bench.services.words.say(replace(words, at=self._bench.now()))

    def _act(self, step: CallerStep, action: str) -> None:
        __tracebackhide__ = True
        if self.over:
            raise self._failure(action, f"the call is over: {self.ended_by or self.status}")
        self._cursor = max(self._cursor, self._bench.now())
        self._acted_at = self._bench.now()
        self._bench.run(self._perform(step))

    async def _perform(self, step: CallerStep) -> None:
        phone = self._placed.phone
        phone.act(step)
        deadline = self._bench.now() + LONGEST_STEP_SECONDS
        while not phone.caller.finished and not self.over and self._bench.now() < deadline:
            await self._until(lambda: None, 0.02)

    def _finish(self) -> None:
        """Hang up unless that was done, and wait for what follows from it."""

        async def finish() -> None:
            if not self.over:
                self._placed.phone.hang_up("caller")
            await self._placed.finished

        self._bench.run(finish())
        if self._bench.refused:
            where = self._bench.refused.pop(0)
            raise self._failure(f"asks {where}", "nobody answers there", nearest="phone.web.answers(url, json)")


def _spoken(words: str | Path | bytes) -> Speak:
    if isinstance(words, bytes):
        return Speak(words)
    if isinstance(words, Path):
        try:
            return Speak(read(words), words=words.name)
        except (OSError, ValueError) as error:
            raise ConfigurationError(str(words), f"cannot be read as WAV ({error})") from error
    return Speak(spoken(words), words=words)
