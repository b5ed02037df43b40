"""espeak-ng through its C interface: a phrase in, samples and word events out while it is still speaking.

Follows `speak_lib.h` of espeak-ng, API revision 12, in its synchronous mode.

One rule: only the worker process imports this module. The library is GPL-3 and keeps its state in globals, and a crash
in it must cost one process and no call.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

NORMAL_WORDS_PER_MINUTE = 170
_SLOWEST, _FASTEST = 80, 450

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8, _PHONEMES, _END_PAUSE = 0x1, 0x100, 0x1000
_RATE, _PITCH = 1, 3
_POSITION_CHARACTER = 1
_EVENT_LIST_TERMINATED, _EVENT_WORD = 0, 1
_OK = 0


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))

OnSamples = Callable[[bytes], None]
OnWord = Callable[[int, float], None]


class EspeakFailed(Exception):
    """espeak-ng answered with an error."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The parameters of a phrase.

    Args:
        voice: A voice of espeak-ng with its variant, such as "en-us+f3".
        words_per_minute: The speaking rate; clamped to espeak-ng's range of 80 to 450.
        pitch: From 0 to 100; 50 is the voice's default.
    """

    voice: str
    words_per_minute: int
    pitch: int


class Espeak:
    """The library, loaded and initialized. There can be one in a process.

    Args:
        buffer_ms: The length of audio in one callback.
    """

    def __init__(self, *, buffer_ms: int = 40) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        data_folder = Path(espeakng_loader.get_data_path()).parent
        self.sample_rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, buffer_ms, str(data_folder).encode(), _DONT_EXIT
        )
        if self.sample_rate <= 0:
            msg = f"espeak-ng did not start with its data in {data_folder}"
            raise EspeakFailed(msg)
        self._on_samples: OnSamples | None = None
        self._on_word: OnWord | None = None
        self._broken: OSError | None = None
        # The library keeps only the address: the object has to live as long as the library is used.
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(
        self, text: str, manner: Manner, *, phonetic: bool, pause_after: bool, on: tuple[OnSamples, OnWord]
    ) -> None:
        """Synthesize `text`, and return when all of it was passed to the callbacks.

        `on` has two callbacks: for samples (s16 little-endian at `sample_rate`), and for word starts (a character of
        `text` counted from 0, and seconds since the start).

        Raises:
            EspeakFailed: espeak-ng answered with an error, or has no such voice.
            OSError: The callback for samples raised it.
        """
        self._choose(manner)
        self._on_samples, self._on_word = on
        self._broken = None
        written = text.replace("\0", " ")
        payload = (f"[[{written}]]" if phonetic else written).encode(errors="replace")
        flags = _CHARS_UTF8 | (_PHONEMES if phonetic else 0) | (_END_PAUSE if pause_after else 0)
        try:
            status = self._library.espeak_Synth(payload, len(payload) + 1, 0, _POSITION_CHARACTER, 0, flags, None, None)
        finally:
            self._on_samples = self._on_word = None
        if self._broken is not None:
            raise self._broken
        if status != _OK:
            msg = f"espeak-ng answered {status}"
            raise EspeakFailed(msg)

    def _choose(self, manner: Manner) -> None:
        # Every time: setting a voice also undoes what the last phrase changed, and costs a tenth of a millisecond.
        if self._library.espeak_SetVoiceByName(manner.voice.encode()) != _OK:
            msg = f"espeak-ng has no voice {manner.voice}"
            raise EspeakFailed(msg)
        self._library.espeak_SetParameter(_RATE, min(_FASTEST, max(_SLOWEST, manner.words_per_minute)), 0)
        self._library.espeak_SetParameter(_PITCH, manner.pitch, 0)

    def _receive(
        self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        if self._on_samples is None or self._on_word is None:
            return 1
        index = 0
        while (event := events[index]).type != _EVENT_LIST_TERMINATED:
            if event.type == _EVENT_WORD:
                self._on_word(event.text_position - 1, event.audio_position / 1000)
            index += 1
        if samples and count > 0:
            try:
                self._on_samples(ctypes.string_at(samples, 2 * count))
            except OSError as error:
                # An exception cannot pass through C: it is kept for `say`, and the library told to stop.
                self._broken = error
                return 1
        return 0
