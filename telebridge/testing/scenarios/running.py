"""Plays a scenario on a telephone.

One rule: a failure names the file and the line of the step that failed.
"""

from pathlib import Path

from telebridge.app.python_flows import load_bridge
from telebridge.call.flows.python.registry import Bridge
from telebridge.simulator.account import CALLER_NUMBER, OWN_NUMBER
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.call.placed_call import PlacedCall
from telebridge.testing.phone import Phone
from telebridge.testing.scenarios.loading import LoadedScenario
from telebridge.testing.scenarios.model import (
    CutStep,
    FaultStep,
    HangsUpStep,
    HearsNothingStep,
    HearsSoundStep,
    HearsStep,
    MakesStep,
    PressStep,
    SaysStep,
    ScenarioStep,
    StandsInStep,
    TransferredStep,
    WaitsStep,
)

PYTHON_FLOWS = ".py:"


def play(loaded: LoadedScenario, phone: Phone) -> PlacedCall:
    """Play a scenario to its end.

    Raises:
        CallFailure: The call went otherwise.
        ConfigurationError: The flow, a setting or a fault is wrong.
    """
    scenario = loaded.scenario
    for number, fates in scenario.people.items():
        phone.answers(number, *([fates] if isinstance(fates, str) else fates))
    for url, answer in scenario.web.items():
        phone.web.answers_as_written(url, answer)
    for fault in scenario.faults:
        phone.inject(fault)
    call = phone.call(
        scenario.url or _answering(loaded),
        caller=scenario.caller or CALLER_NUMBER,
        to=scenario.to or OWN_NUMBER,
        at=scenario.at,
        settings=scenario.settings,
    )
    for line, step in zip(loaded.lines, scenario.steps, strict=True):
        try:
            _do(step, call, phone, loaded.path.parent)
        except CallFailure as failure:
            failure.where = f"{loaded.path}:{line}"
            raise
    try:
        _end(loaded, call)
    except CallFailure as failure:
        failure.where = f"{loaded.path}:{loaded.end_line}"
        raise
    return call


def _answering(loaded: LoadedScenario) -> str | Bridge:
    """What answers: a file beside the scenario, a flow of the project, or the Python flows of a file beside it."""
    name = loaded.scenario.call or ""
    beside = loaded.path.parent / name
    if PYTHON_FLOWS in name:
        return load_bridge(str(beside.resolve()), where=f"{loaded.path}: call")
    return str(beside.resolve()) if beside.is_file() else name


def _end(loaded: LoadedScenario, call: PlacedCall) -> None:
    end = loaded.scenario.ends
    if end is not None:
        call.ends(within=end.within, by=end.by, node=end.node, status=end.status, result=end.result)
    elif not call.over:
        call.hangs_up()


def _do(step: ScenarioStep, call: PlacedCall, phone: Phone, folder: Path) -> None:  # noqa: C901 - a case for each kind
    match step:
        case HearsStep():
            call.hears(step.hears, within=step.within, heard=step.heard)
        case HearsNothingStep():
            call.hears_nothing(step.hears_nothing)
        case HearsSoundStep():
            call.hears_sound(within=step.hears_sound)
        case PressStep():
            call.press(step.press)
        case SaysStep():
            call.says(folder / step.says if step.says.endswith(".wav") else step.says)
        case MakesStep():
            call.makes(step.makes)
        case WaitsStep():
            call.waits(step.waits)
        case StandsInStep():
            call.stands_in(step.stands_in, step.level)
        case CutStep():
            call.cut(after=step.cut)
        case TransferredStep():
            call.transferred_to(step.transferred_to, within=step.within)
        case HangsUpStep():
            call.hangs_up()
        case FaultStep():
            phone.inject(step.fault)
