"""The memory in which workers say how many calls they have."""

import math
import os

import pytest

from telebridge.server.workers.load_board import LoadBoard
from telebridge.server.workers.placement import WorkerLoad


def test_nobody_has_said_anything_at_first():
    assert LoadBoard(3).loads() == [WorkerLoad(math.inf, -math.inf)] * 3


def test_what_a_worker_says_takes_its_place_alone():
    board = LoadBoard(3)
    board.say(1, 7, now=12.5)
    board.say(2, math.inf, now=13.0)
    silent = WorkerLoad(math.inf, -math.inf)
    assert board.loads() == [silent, WorkerLoad(7, 12.5), WorkerLoad(math.inf, 13.0)]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_worker_is_heard():
    board = LoadBoard(2)
    pid = os.fork()
    if pid == 0:
        board.say(1, 4, now=2.0)
        os._exit(0)
    os.waitpid(pid, 0)
    assert board.loads()[1] == WorkerLoad(4, 2.0)
