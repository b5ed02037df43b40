"""Mutations of a text as a text: its words, numbers and marks are replaced, moved, doubled and left out.

A mutation of bytes alone hardly ever leaves JSON, YAML or XML readable, and so never gets behind the reader.
"""

import random
import re

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[\w.+-]+|\s+|[^\w\s]')
MOST_CHANGES = 4

STRANGE = [
    *b"null true false -1 0 1e308 -1e308 1e999 NaN Infinity 0x10 1_000".split(),
    b"99999999999999999999", b"-99999999999999999999", b"9999-12-31T23:59:59Z", b"P1D", b"99999d", b"\xff", b"\x00",
    b'""', b'"\\u0000"', b'"\\ud83d"', b'"\\ud83d\\ude00"', b'"\\u2028"', b'"\\u001b[31m"', b'"\\r\\n"', b'"!"',
    b'"AA=A"', b'"%s"' % (b"9" * 400), b'"-1"', b'"1e308"', b"1" * 5000, b"A" * 1000, b"9" * 400,
    b"[]", b"{}", b"[[[[[[", b"{{", b"}}", b"{% for", b"&a", b"*a", b"<<:", b"!!python/object:os.system", b"!!binary",
    b"!!timestamp", b"2026-02-30", b"2026-13-01", b"24:00",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xef\xbf\xbe", "١٢٣".encode(), "\uff0b\uff11\uff12".encode(),
    b"<!DOCTYPE", b"<![CDATA[", b"&#0;", b"&#x110000;", b"&amp;", b"http://[", b"//x", b"javascript:", b"?", b"\\",
    b"encoding='utf-16'", b"encoding='idna'", "İ".encode(), "\u202e".encode(),
]  # fmt: skip


def mutated(data: bytes, longest: int, seed: int, words: list[bytes]) -> bytes:
    """Change a few tokens of a text.

    Args:
        data: The text.
        longest: How long the answer may be, in bytes.
        seed: Decides what is changed.
        words: Tokens of the format, as its examples have them.
    """
    chance = random.Random(seed)
    tokens = TOKEN.findall(data) or [b""]
    for _ in range(chance.randint(1, MOST_CHANGES)):
        at = chance.randrange(len(tokens))
        match chance.randrange(9):
            case 0:
                tokens[at] = chance.choice(STRANGE)
            case 1:
                tokens[at] = chance.choice(words)
            case 2:
                tokens.insert(at, chance.choice(STRANGE if chance.random() < 0.3 else words))
            case 3 if len(tokens) > 1:
                del tokens[at : at + chance.randint(1, 6)]
                tokens = tokens or [b""]
            case 4:
                end = at + chance.randint(1, 20)
                tokens[at:at] = tokens[at:end] * chance.choice((1, 1, 1, 2, 50))
            case 5:
                other = chance.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 6 | 7:  # a value is another one
                values = [place + 1 for place, token in enumerate(tokens[:-1]) if token in (b":", b"=")]
                tokens[chance.choice(values or [at])] = chance.choice(STRANGE if chance.random() < 0.7 else words)
            case _:
                token = tokens[at]
                quoted = token[:1] == b'"'
                tokens[at] = token.strip(b'"') if quoted else b'"' + token.replace(b'"', b"") + b'"'
    return b"".join(tokens)[:longest]


def words_of(examples: list[bytes]) -> list[bytes]:
    """The tokens of some texts, each once."""
    return sorted({token for example in examples for token in TOKEN.findall(example)}) or [b" "]
