"""Flows lead to other flows, and come back with what they found."""

from dataclasses import replace

from support.flow_walk import SAID, gathered, texts

from telebridge.flows.checks.references import reference_mistakes
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Collect, HangUp


def flow(name, *, variables=None, needs=(), **nodes):
    given = {"flow": name, "start": next(iter(nodes)), "variables": variables or {}, "needs": needs, "nodes": nodes}
    return Flow.model_validate(given)


MAIN = flow(
    "main",
    verify={"subflow": "verify", "variables": {"digits": "{{ 2 + 2 }}"}, "into": "caller", "then": "greet"},
    greet={"say": "Hello {{ caller.name }} from {{ from }}.", "then": "on"},
    on={"goto": "desk"},
    variables={"caller": None},
)
VERIFY = flow(
    "verify",
    number={"collect": "{{ digits }} digits?", "into": "number", "then": "known", "no_input": {"then": "known"}},
    known={"return": {"name": "{{ number }}"}},
    variables={"digits": 6, "number": "nobody"},
)
DESK = flow("desk", hello={"say": "Desk.", "then": "bye"}, bye={"return": None})
FLOWS = {each.flow: each for each in (MAIN, VERIFY, DESK)}
SURROUNDINGS = FlowSurroundings(find_flow=FLOWS.get)


def walk(*results, position=None):
    interpreter = FlowInterpreter(MAIN, {"from": "+1555"}, SURROUNDINGS)
    first = interpreter.start() if position is None else interpreter.restore(position)
    return interpreter, [first, *(interpreter.resume(result) for result in results)]


def test_a_subflow_gets_variables_and_comes_back_with_values():
    interpreter, steps = walk(gathered("1234"), SAID, SAID)
    assert texts(steps[:3]) == ["4 digits?", "Hello 1234 from +1555.", "Desk."]
    assert isinstance(steps[3], HangUp), "a return where nobody waits ends the call"
    assert interpreter.path == ["verify", "verify/number", "verify/known", "greet", "on", "desk/hello", "desk/bye"]
    assert interpreter.failure is None


def test_the_variables_of_a_subflow_are_its_own():
    interpreter, _ = walk()
    assert "caller" not in interpreter.variables
    interpreter.resume(gathered("1234"))
    assert "number" not in interpreter.variables
    assert interpreter.found == {"caller": {"name": "1234"}}


def test_another_process_goes_on_inside_a_subflow():
    interpreter, _ = walk()
    copy: FlowPosition = replace(interpreter.position)
    _, steps = walk(gathered("77"), position=copy)
    assert isinstance(steps[0], Collect)
    assert texts(steps) == ["4 digits?", "Hello 77 from +1555."]


def test_a_node_chosen_from_outside_is_one_of_the_first_flow():
    interpreter, _ = walk()
    interpreter.variables["number"] = "1"
    interpreter.position.frames[0].variables["caller"] = {"name": "Ann"}
    assert interpreter.go_to("greet").text == "Hello Ann from +1555."


def test_a_flow_that_is_gone_is_an_apology():
    interpreter = FlowInterpreter(MAIN, {}, FlowSurroundings())
    assert "sorry" in interpreter.start().text
    assert interpreter.failure == "there is no flow 'verify'"


def problems(*flows, of=0):
    known = {each.flow: each for each in flows}
    found = reference_mistakes(flows[of], known, frozenset({"pythonic"}))
    return [(".".join(each.path), each.problem) for each in found]


BYE = {"hang_up": None}


def test_flows_that_fit_have_no_mistakes():
    assert [problems(*FLOWS.values(), of=at) for at in range(3)] == [[], [], []]


def test_names_that_do_not_exist_are_found():
    wrong = flow(
        "a", x={"goto": "b", "node": "nowhere", "variables": {"nam": 1}}, y={"goto": "c"}, z={"goto": "pythonic"}
    )
    other = flow("b", bye=BYE, needs=["name"])
    assert problems(wrong, other) == [
        ("nodes.x.node", "there is no node 'nowhere' in flow 'b'"),
        ("nodes.x.variables.nam", "flow 'b' has no variable 'nam'"),
        ("nodes.x.goto", "flow 'b' needs 'name'"),
        ("nodes.y.goto", "there is no flow 'c'"),
        ("nodes.z.goto", "'pythonic' is a Python flow"),
    ]


def test_a_subflow_that_cannot_return_is_found():
    assert problems(flow("a", x={"subflow": "b", "then": "bye"}, bye=BYE), flow("b", bye=BYE)) == [
        ("nodes.x.subflow", "flow 'b' never returns")
    ]


def test_flows_that_run_one_another_are_found_also_over_a_goto():
    a = flow("a", x={"subflow": "b", "then": "end"}, end={"return": None})
    b = flow("b", x={"goto": "c"})
    c = flow("c", ask={"menu": "?", "choices": {1: "again", 2: "end"}, "no_input": {"then": "end"}},
             again={"subflow": "a", "then": "end"}, end={"return": None})  # fmt: skip
    assert problems(a, b, c) == [("nodes.x.subflow", "flows run one another without end: a → b → a")]


def test_a_chain_that_is_too_deep_is_found():
    chain = [flow(f"f{at}", x={"subflow": f"f{at + 1}", "then": "end"}, end={"return": None}) for at in range(10)]
    chain.append(flow("f10", end={"return": None}))
    assert "flows wait for one another" in problems(*chain)[0][1]
    assert problems(*chain, of=3) == []


def test_a_silent_caller_who_goes_round_over_flows_is_found():
    a = flow("a", say={"say": "Hello.", "then": "sub"}, sub={"subflow": "b", "then": "on"}, on={"goto": "a"})
    silent = flow("b", end={"return": None})
    asks = flow(
        "b", ask={"menu": "?", "choices": {1: "end"}, "no_input": {"then": "bye"}}, end={"return": None}, bye=BYE
    )
    assert "a silent caller goes round for ever" in problems(a, silent)[0][1]
    assert problems(a, asks) == []
