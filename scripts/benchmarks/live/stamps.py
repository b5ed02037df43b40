"""A stamp in the audio itself, by which a listener knows when a chunk left Rime, and its number within the synthesis.

It consists of bytes that survive a way through 16-bit PCM, and fills whole groups of base64, so that the rest of a
chunk can be encoded once.
"""

MAGIC = b"\x91\xa2\x93\xa4\x95\xe6\x97\x88"
TIME_GROUPS, NUMBER_GROUPS = 9, 4
SIZE = len(MAGIC) + TIME_GROUPS + NUMBER_GROUPS
"""21 bytes, which are 28 characters of base64."""


def stamp(left_at: float, number: int) -> bytes:
    """The stamp of a chunk that leaves at `left_at`, by `time.perf_counter`, which processes of a machine share."""
    return MAGIC + _encoded(int(left_at * 1e6), TIME_GROUPS) + _encoded(number, NUMBER_GROUPS)


def read_stamp(audio: bytes) -> tuple[float, int] | None:
    """When the first stamped chunk in this audio left, and its number; None where there is no whole stamp."""
    at = audio.find(MAGIC)
    if at < 0 or len(audio) - at < SIZE:
        return None
    middle = at + len(MAGIC) + TIME_GROUPS
    return _decoded(audio[at + len(MAGIC) : middle]) / 1e6, _decoded(audio[middle : at + SIZE])


def _encoded(value: int, groups: int) -> bytes:
    """Six bits a byte: loud samples above zero, of which none is the silence that has two spellings."""
    return bytes(0x80 | value >> 6 * place & 0x3F for place in reversed(range(groups)))


def _decoded(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 6 | byte & 0x3F
    return value
