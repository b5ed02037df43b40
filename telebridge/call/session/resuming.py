"""How the step that a process left in progress goes on in another one.

One rule: what may have done harm once is never done twice.
"""

from dataclasses import replace

from telebridge.flows.steps import Collect, Request, Run, Say, SendSms, Step
from telebridge.speech.words import from_word


def may_have_happened(step: Step) -> bool:
    """Whether a step was perhaps done by the process that died, and doing it again could do harm."""
    return isinstance(step, Run | SendSms) or (isinstance(step, Request) and step.method in ("POST", "PATCH"))


def step_from_word(step: Step, heard: int) -> Step:
    """The step with a prompt that begins at the last word heard; `heard` counts the words heard so far."""
    match step:
        case Say(str() as text, voice, barge_in):
            return Say(from_word(text, heard), voice, barge_in)
        case Collect(Say(str() as text, voice, barge_in)):
            return replace(step, prompt=Say(from_word(text, heard), voice, barge_in))
        case _:
            return step
