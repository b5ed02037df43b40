import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.rime.escaping import escaped

BRACKETS = "<>\uff1c\uff1e\ufe64\ufe65\u226e\u226f"
TEXT = st.lists(
    st.sampled_from(
        [*BRACKETS, *"CLEARFUSHOclear 12.\n/", "CLEAR", "<FLUSH>", "eos", "\u200b", "\u0301", "\uff23", "\xad"]
    )
    | st.text(max_size=3),
    max_size=30,
).map("".join)
OPERATION = re.compile(r"<\s*(clear|flush|eos)\s*>")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("<EOS>", " EOS "),
        ("Press <CLEAR> to erase", "Press  CLEAR  to erase"),
        ("Wait <500> please", "Wait <500> please"),
        ("<500.0>", "<500.0>"),
        ("5 < 6", "5 < 6"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("It is < 5 % or > 50 %", "It is < 5 % or > 50 %"),
        ("a < b", "a < b"),
        ("<<EOS>>", "  EOS  "),
        ("<<<FLUSH>>>", "   FLUSH   "),
        ("< clear >", "  clear  "),
        ("<CL\u200bEAR>", " CL\u200bEAR "),
        ("\uff1c\uff23LEAR\uff1e", " \uff23LEAR "),
        ("<CL<b>EAR>", " CL b EAR "),
        ('Now <break time="1s"/> go', 'Now  break time="1s"/  go'),
    ],
)
def test_what_could_be_an_operation_loses_its_brackets_and_arithmetic_does_not(text, sent):
    assert escaped(text) == sent


@given(TEXT)
def test_escaping_what_was_escaped_changes_nothing(text):
    assert escaped(escaped(text)) == escaped(text)


@given(TEXT)
def test_no_reader_however_lenient_finds_an_operation_in_it(text):
    seen = unicodedata.normalize("NFKD", escaped(text))
    seen = "".join(each for each in seen if unicodedata.category(each) not in ("Cf", "Mn", "Cc")).casefold()
    assert not OPERATION.search(seen)


@given(TEXT | st.text())
def test_every_character_but_the_brackets_is_kept(text):
    gone = str.maketrans("", "", BRACKETS + " ")
    assert escaped(text).translate(gone) == text.translate(gone)
