"""The nodes that ask the caller something: `menu`, `collect`, `ask` and `listen`."""

from typing import Annotated, Literal

from pydantic import Field

from telebridge.flows.nodes.part import Part
from telebridge.flows.values import (
    BargeInField,
    Choices,
    DigitCount,
    FinishKey,
    NamedChoices,
    NodeName,
    NodeSpeech,
    Reprompts,
    Seconds,
    SpokenPhrase,
    TargetAfterReprompts,
    TemplateText,
    ThenTarget,
    VariableName,
)


class NoInput(Part):
    """What happens when nothing is pressed: asked again `reprompt` times, after saying `say`; `then` follows."""

    after: Annotated[Seconds, Field(description="How long the caller may be silent after the question.")] = 5.0
    say: Annotated[TemplateText | None, Field(description="Said before the question is asked again; a template.")] = (
        None
    )
    reprompt: Annotated[Reprompts, Field(description="How many times it is asked again.")] = 2
    then: TargetAfterReprompts = None


class NoMatch(Part):
    """What happens when something else is pressed than what counts."""

    say: Annotated[TemplateText | None, Field(description="Said before the question is asked again; a template.")] = (
        "That is not one of the choices."
    )
    reprompt: Annotated[Reprompts, Field(description="How many times it is asked again.")] = 2
    then: TargetAfterReprompts = None


NoInputField = Annotated[NoInput, Field(description="What happens when nothing is pressed.")]


class Digits(Part):
    """Which digits answer a `collect`, and when they are complete."""

    min: Annotated[DigitCount, Field(description="Fewer digits are no match.")] = 1
    max: Annotated[DigitCount | None, Field(description="So many digits end it at once.")] = None
    finish_on_key: Annotated[FinishKey, Field(description='This key ends it and is no digit; `""` for none.')] = "#"
    between: Annotated[Seconds, Field(description="So long a pause after a digit ends it.")] = 3.0
    overall: Annotated[Seconds | None, Field(description="So long after the question it ends in any case.")] = None
    type_ahead: Annotated[bool, Field(description="Whether keys pressed before the question answer it.")] = True


class Wordings(Part):
    """The question in other words, as it depends on whether anybody hears what the caller says."""

    heard: Annotated[
        TemplateText | None, Field(alias="with", description="Asked where words are heard, a template.")
    ] = None
    unheard: Annotated[
        TemplateText | None, Field(alias="without", description="Asked where only keys are, a template.")
    ] = None


class Confirm(Part):
    """An answer of which the recognizer was not sure is confirmed: yes or 1 takes it, no or 2 asks again."""

    below: Annotated[float, Field(gt=0, le=1, description="Confirmed when it was less sure than this, from 0 to 1.")]
    say: Annotated[TemplateText, Field(description="The question, a template; `{{ heard }}` is what was heard.")] = (
        "You said {{ heard }}. Is that right? Say yes or no, or press 1 or 2."
    )


ConfirmField = Annotated[
    Confirm | None, Field(description="Asks back when the recognizer was not sure of what was said; without it never.")
]
SpokenField = Annotated[
    Wordings | None, Field(description="The question in other words where words are heard, or are not.")
]
SecretField = Annotated[
    bool, Field(description="Whether the answer is kept out of records, events and reports; the variable has it.")
]


class MenuNode(Part):
    """Ask for one key, or for what stands for it, and go where it leads."""

    menu: Annotated[TemplateText, Field(description="The question; a template.")]
    choices: Annotated[
        Choices,
        Field(
            description="The node that each key leads to: 0 to 9, and quoted `*` and `#`; with phrases that callers "
            "may say instead, `{then: node, say: [phrase]}`."
        ),
    ]
    spoken: SpokenField = None
    confirm: ConfirmField = None
    no_input: NoInputField = NoInput()
    no_match: Annotated[
        NoMatch, Field(description="What happens when a key is pressed that is not one of the choices.")
    ] = NoMatch()
    barge_in: BargeInField = None
    type_ahead: Annotated[bool, Field(description="Whether a key pressed before the question answers it.")] = True
    speech: NodeSpeech = {}


class CollectNode(Part):
    """Ask for digits, keep them in a variable, then go on."""

    collect: Annotated[TemplateText, Field(description="The question; a template.")]
    into: Annotated[VariableName, Field(description="The variable that keeps the digits.")]
    then: ThenTarget
    digits: Annotated[Digits, Field(description="Which digits answer, and when they are complete.")] = Digits()
    no_input: NoInputField = NoInput()
    no_match: Annotated[
        NoMatch,
        Field(
            description="What happens with fewer digits than `digits.min`; by default it says “That is not complete.”."
        ),
    ] = NoMatch(say="That is not complete.")
    accept: Annotated[
        Literal["keys", "any"],
        Field(description="Whether digits are only pressed (`keys`), or may be said too (`any`)."),
    ] = "keys"
    spoken: SpokenField = None
    secret: SecretField = False
    barge_in: BargeInField = None
    speech: NodeSpeech = {}


class AskNode(Part):
    """Ask for one of several answers, said or pressed: yes or no, or names of your own."""

    ask: Annotated[TemplateText, Field(description="The question; a template.")]
    choices: Annotated[
        NamedChoices,
        Field(
            description="Where each answer leads, by its name, which is what callers say: a node, or "
            "`{then: node, say: [phrase, …], key: 1}`. What means `yes` and `no` is known."
        ),
    ]
    into: Annotated[VariableName | None, Field(description="The variable that keeps the name of the answer.")] = None
    no_input: NoInputField = NoInput()
    no_match: Annotated[NoMatch, Field(description="What happens when it is none of the answers.")] = NoMatch()
    spoken: SpokenField = None
    confirm: ConfirmField = None
    barge_in: BargeInField = None
    speech: NodeSpeech = {}


class ListenNode(Part):
    """Let the caller speak freely, keep their words in a variable, then go on."""

    listen: Annotated[TemplateText, Field(description="The question; a template.")]
    into: Annotated[VariableName, Field(description="The variable that keeps the words.")]
    then: ThenTarget
    hints: Annotated[tuple[SpokenPhrase, ...], Field(description="Words and names that are likely.")] = ()
    longest: Annotated[Seconds, Field(description="What the caller says is over after this time.")] = 30.0
    silence: Annotated[Seconds, Field(description="It is over after this much silence.")] = 1.0
    no_input: Annotated[NoInput, Field(description="What happens when nothing is said.")] = NoInput()
    no_match: Annotated[NoMatch, Field(description="What happens when it was not understood.")] = NoMatch(
        say="I did not understand that."
    )
    unheard: Annotated[
        NodeName | None,
        Field(description="The node that follows where nobody hears words; without it that of `no_match`."),
    ] = None
    secret: SecretField = False
    barge_in: BargeInField = None
    speech: NodeSpeech = {}
