import pytest

from telebridge.speech.tokens import cleaned_tokens, repaired_tokens


async def tokens_of(*tokens):
    for token in tokens:
        yield token


async def test_halves_over_two_tokens_are_joined():
    assert [token async for token in repaired_tokens(tokens_of("Hi \ud83d", "\ude00 you", "\ud83d"))] == [
        "Hi ",
        "\U0001f600 you",
        "\ufffd",
    ]


async def test_what_is_no_text_is_refused_where_it_stands():
    tokens = repaired_tokens(tokens_of("Hi ", None))
    assert await anext(tokens) == "Hi "
    with pytest.raises(TypeError, match="NoneType"):
        await anext(tokens)


async def test_markup_over_several_tokens_goes():
    tokens = tokens_of("<thi", "nk>hm</th", "ink>**Hel", "lo** \ud83d", "\ude00you")
    assert "".join([token async for token in cleaned_tokens(tokens)]) == "Hello you"
