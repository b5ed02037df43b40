"""A judge of one's own: what it answers, and that nothing it does wrong costs more than its answer."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs
from support.virtual_time import virtually

from telebridge.app.words import open_judge
from telebridge.call.runner.floor_judge import MOST_THREADS, FloorJudge
from telebridge.call.session.effects import AskJudge
from telebridge.call.session.events import JudgeAnswered
from telebridge.errors import ConfigurationError
from telebridge.settings.settings import Settings
from telebridge.testing.phone import Phone
from telebridge.turns.interjection import Interjection

SAID = Interjection("is the manager there", final=True, saying="Hello.", language="en", call_sid="CA1")


async def answer_of(function, seconds=0.6):
    answers = []
    await FloorJudge(function, seconds).ask(AskJudge(7, SAID), answers.append)
    [answered] = answers
    return answered


async def knows_managers(said):
    return "manager" in said.words


async def hangs(_):
    await asyncio.Event().wait()


async def raises(_):
    raise ValueError("no such person")


async def says_nonsense(_):
    return "yes"


@virtually
async def test_it_is_told_the_words_and_says_whether_they_take_the_floor():
    assert await answer_of(knows_managers) == JudgeAnswered(7, takes_floor=True)


@pytest.mark.parametrize("function", [hangs, raises, says_nonsense])
def test_one_that_hangs_raises_or_answers_nonsense_does_not_know(function):
    @virtually
    async def ask():
        with capture_logs() as logs:
            assert await answer_of(function) == JudgeAnswered(7, takes_floor=None)
        assert len(logs) == (function is not says_nonsense)

    ask()


def test_a_plain_function_blocks_a_thread_and_nothing_else():
    async def ask():
        assert (await answer_of(lambda said: said.final)).takes_floor is True
        judge, answers = FloorJudge(lambda _: time.sleep(0.1), 0.02), []
        began = time.monotonic()
        await asyncio.gather(*(judge.ask(AskJudge(n, SAID), answers.append) for n in range(MOST_THREADS + 3)))
        assert time.monotonic() - began < 0.1
        assert {answer.takes_floor for answer in answers} == {None}

    asyncio.run(ask())


def test_a_call_asks_it(tmp_path):
    (tmp_path / "my_judges.py").write_text("async def judge(said):\n    return 'manager' in said.words\n")
    (tmp_path / "news.yaml").write_text(
        'flow: news\nstart: news\nnodes:\n  news: {say: "Your appointment is on Tuesday at ten, in the second floor of '
        'the old building.", then: bye}\n  bye: {hang_up: "Goodbye."}\n'
    )
    barge_in = {"judge": f"{tmp_path / 'my_judges.py'}:judge"}
    settings = {"recognition": {"provider": "deepgram"}, "barge_in": barge_in}
    with Phone(flow="news.yaml", folder=tmp_path, settings=settings) as phone, phone.call() as call:
        call.hears("Your appointment")
        call.says("this is very interesting")
        call.hears("second floor", within=6)
        call.says("is the manager there")
        call.hears("Goodbye.")
    news = call.record.utterances[0]
    assert [pause.reason for pause in news.pauses] == ["judge"]
    assert news.interruption.reason == "judge"


@pytest.mark.parametrize(
    ("barge_in", "problem"),
    [({"judge": "maybe"}, "neither sound nor words"), ({"resume": False, "judge": "words"}, "resume is false")],
)
def test_a_judge_that_cannot_be_is_refused(barge_in, problem):
    with pytest.raises(ValueError, match=problem):
        Settings(barge_in=barge_in)


def test_words_that_nobody_hears_judge_nothing():
    with pytest.raises(ConfigurationError, match="nobody hears words"):
        open_judge(Settings(barge_in={"judge": "words"}))


def test_a_function_that_does_not_exist_is_found_at_the_start(tmp_path):
    (tmp_path / "no_judges.py").write_text("judge = 3\n")
    for name, problem in (("judge", "is no function"), ("other", "does not exist")):
        barge_in = {"judge": f"{tmp_path / 'no_judges.py'}:{name}"}
        with pytest.raises(ConfigurationError, match=problem):
            open_judge(Settings(barge_in=barge_in, recognition={"provider": "vosk"}))
