"""The audio of a conference: each member hears all the others, mixed.

The lines of the members have clocks of their own, so what one says is kept for each other one until their next frame.

One rule: nobody hears themselves, and whoever is muted or on hold is heard by nobody.
"""

import audioop
from collections.abc import Callable

from telebridge.audio.mulaw import FRAME_BYTES, PCM_WIDTH, from_pcm, to_pcm
from telebridge.simulator.caller.caller import Turn
from telebridge.simulator.caller.sounds import SILENCE

MOST_KEPT_BYTES = 10 * FRAME_BYTES
"""A line that is later than this loses the oldest audio, so that the conversation does not lag."""
ANNOUNCEMENT = object()
"""Stands for the conference itself among those who are heard."""


class RoomSeat:
    """The far end of one member's line.

    Attributes:
        muted: Whether nobody hears this member.
        hold: Whether this member hears and is heard by nobody.
        closed: Whether the member has to leave.
        on_open: Called when the members begin to hear each other.
    """

    def __init__(self, room: "AudioRoom", *, muted: bool = False) -> None:
        self.muted = muted
        self.hold = False
        self.closed = False
        self.on_open: Callable[[], None] = lambda: None
        self._room = room
        self._kept: dict[object, bytearray] = {}

    def frame(self, heard: bytes, /) -> Turn:
        """Give 20 ms of this member to the others, and return what the others have given."""
        if self._room.open and not self.muted and not self.hold:
            for seat in self._room.seats:
                if seat is not self:
                    seat.keep(self, heard)
        return Turn(self._mixed(), hung_up=self.closed)

    def keep(self, speaker: object, audio: bytes) -> None:
        """Keep what somebody else says until the next frame; an announcement is kept as a whole."""
        kept = self._kept.setdefault(speaker, bytearray())
        kept += audio
        if speaker is not ANNOUNCEMENT:
            del kept[: max(0, len(kept) - MOST_KEPT_BYTES)]

    def _mixed(self) -> bytes:
        mix: bytes | None = None
        for speaker, kept in list(self._kept.items()):
            audio = bytes(kept[:FRAME_BYTES]).ljust(FRAME_BYTES, SILENCE)
            del kept[:FRAME_BYTES]
            if not kept:
                del self._kept[speaker]
            if not self.hold:
                mix = to_pcm(audio) if mix is None else audioop.add(mix, to_pcm(audio), PCM_WIDTH)
        return b"" if mix is None else from_pcm(mix)


class AudioRoom:
    """A place where everybody hears everybody else.

    Attributes:
        seats: Who is in it.
        open: Whether its members hear each other.
    """

    def __init__(self, *, is_open: bool = True) -> None:
        self.seats: list[RoomSeat] = []
        self.open = is_open

    def enter(self, *, muted: bool = False) -> RoomSeat:
        """Return the seat of a new member, to be set as the far end of their line."""
        seat = RoomSeat(self, muted=muted)
        self.seats.append(seat)
        return seat

    def start(self) -> None:
        """Let the members hear each other."""
        self.open = True
        for seat in self.seats:
            seat.on_open()

    def leave(self, seat: RoomSeat) -> None:
        """Remove a member; one who has left already is no mistake."""
        if seat in self.seats:
            self.seats.remove(seat)

    def announce(self, audio: bytes) -> None:
        """Let all members hear a sound, such as the beep of somebody who enters."""
        for seat in self.seats:
            seat.keep(ANNOUNCEMENT, audio)

    def close(self) -> None:
        """Make all members leave."""
        for seat in self.seats:
            seat.closed = True
