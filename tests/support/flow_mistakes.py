"""A flow that is right, into which tests put one mistake each, and what is then found."""

from telebridge.flows.loading import check_flow

GOOD = """\
flow: front-desk
variables: {company: Acme}
start: welcome
nodes:
  welcome:
    say: "Thank you for calling {{ company }}."
    barge_in: none
    then: main
  main:
    menu: "Press 1 or star."
    choices: {1: account, "*": bye}
    no_input: {after: 300ms, reprompt: 1, then: bye}
  account:
    collect: "Enter six digits."
    digits: {min: 6, max: 6, finish_on_key: "#", between: 3s}
    into: account
    then: route
  route:
    choose:
      - {if: "account == '123456'", then: bye}
      - {then: pause}
  pause: {wait: 2s, then: bye}
  bye:
    hang_up: "Goodbye."
"""


def problems(path):
    """The mistakes in a file, without its name."""
    return [str(error).removeprefix(f"{path}:") for error in check_flow(path)]


def with_mistake(right, wrong):
    """The flow with the first `right` replaced; the name of a node is replaced everywhere."""
    assert right in GOOD
    return GOOD.replace(right, wrong) if right == "pause" else GOOD.replace(right, wrong, 1)
