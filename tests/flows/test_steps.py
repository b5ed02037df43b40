"""Steps and results answer what their users ask of them."""

from typing import get_args

import pytest

from telebridge.flows.steps import Say, Transferred, TransferStatus
from telebridge.turns.barge_in import BargeInCause, BargeInPolicy


async def tokens():
    yield ""


@pytest.mark.parametrize(("text", "blank"), [("", True), (" \n", True), ("Hello.", False)])
def test_a_text_without_a_word_is_blank(text, blank):
    assert Say(text).is_blank is blank


def test_nobody_knows_whether_a_stream_of_tokens_is_blank():
    assert not Say(tokens()).is_blank


@pytest.mark.parametrize("cause", BargeInCause)
def test_the_own_policy_goes_before_the_default(cause):
    for own in BargeInPolicy:
        assert Say("Hello.", barge_in=own).yields_to(cause, BargeInPolicy.ANY) is own.yields_to(cause)
        assert Say("Hello.").yields_to(cause, own) is own.yields_to(cause)


def test_only_a_completed_transfer_was_connected():
    assert [status for status in get_args(TransferStatus) if Transferred(status).connected] == ["completed"]
