"""The elements and attributes of TwiML that Twilio publishes: which element stands in which, with which attributes.

Taken from the builders of the official Python package (`twilio.twiml`, version 9.13.0), which Twilio generates from its
definition of TwiML: `VoiceResponse` and, under `Messaging`, `MessagingResponse`. What may stand in an element of SSML
is what may stand in `<Say>`. `tests/simulator/test_stand_ins_page.py` compares both.

One rule: this is a list of what exists; what is performed is decided by `telebridge.simulator.twiml.document` alone.
"""

from collections.abc import Mapping

_TABLE = """
Response/Connect: action method
Response/Dial: action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback
  recordingConfigurationId recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone
  recordingTrack sequential referUrl referMethod events passports
Response/Echo:
Response/Enqueue: action maxQueueSize method waitUrl waitUrlMethod workflowSid
Response/Gather: input action method timeout speechTimeout maxSpeechTime profanityFilter finishOnKey numDigits
  partialResultCallback partialResultCallbackMethod language hints bargeIn debug actionOnEmptyResult speechModel
  enhanced
Response/Hangup:
Response/Leave:
Response/Pause: length
Response/Play: loop digits
Response/Queue: url method reservationSid postWorkActivitySid
Response/Record: action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback
  recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback
  recordingConfigurationId
Response/Redirect: method
Response/Reject: reason
Response/Say: voice loop language
Response/Sms: to from action method statusCallback
Response/Pay: input action bankAccountType statusCallback statusCallbackMethod timeout maxAttempts securityCode
  postalCode minPostalCodeLength paymentConnector paymentMethod tokenType chargeAmount currency description
  validCardTypes language
Response/Prompt: for errorType cardType attempt requireMatchingInputs
Response/Start: action method
Response/Stop:
Response/Refer: action method
Refer/Sip:
Stop/Stream: name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate
Stop/Siprec: name connectorName track statusCallback statusCallbackMethod
Stop/Transcription: name track statusCallbackUrl statusCallbackMethod inboundTrackLabel outboundTrackLabel
  partialResults languageCode transcriptionEngine profanityFilter speechModel hints enableAutomaticPunctuation
  intelligenceService
Transcription/Config: name value
Transcription/Parameter: name value
Siprec/Parameter: name value
Stream/Parameter: name value
Start/Stream: name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate
Start/Siprec: name connectorName track statusCallback statusCallbackMethod
Start/Transcription: name track statusCallbackUrl statusCallbackMethod inboundTrackLabel outboundTrackLabel
  partialResults languageCode transcriptionEngine profanityFilter speechModel hints enableAutomaticPunctuation
  intelligenceService
Start/Recording: recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent trim track
  channels recordingConfigurationId
Prompt/Say: voice loop language
Prompt/Play: loop digits
Prompt/Pause: length
Say/break: strength time
Say/emphasis: level
Say/lang: xml:lang
Say/p:
Say/phoneme: alphabet ph
Say/prosody: volume rate pitch
Say/s:
Say/say-as: interpret-as format
Say/sub: alias
Say/w: role
Pay/Prompt: for errorType cardType attempt requireMatchingInputs
Pay/Parameter: name value
Reject/Parameter: name value
Hangup/Parameter: name value
Gather/Say: voice loop language
Gather/Pause: length
Gather/Play: loop digits
Enqueue/Task: priority timeout
Dial/Client: url method statusCallbackEvent statusCallback statusCallbackMethod
Dial/Conference: muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod maxParticipants record
  recordingConfigurationId region coach trim statusCallbackEvent statusCallback statusCallbackMethod
  recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent eventCallbackUrl
  jitterBufferSize participantLabel
Dial/Number: sendDigits url method statusCallbackEvent statusCallback statusCallbackMethod byoc machineDetection
  amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold
  machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout
Dial/Queue: url method reservationSid postWorkActivitySid
Dial/Sim:
Dial/Sip: username password url method statusCallbackEvent statusCallback statusCallbackMethod machineDetection
  amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold
  machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout
Dial/Application: url method statusCallbackEvent statusCallback statusCallbackMethod customerId copyParentTo
Dial/WhatsApp: url method statusCallbackEvent statusCallback statusCallbackMethod
Application/ApplicationSid:
Application/Parameter: name value
Sip/Uri: priority weight username password
Sip/Headers:
Headers/Header: name value
Client/Identity:
Client/Parameter: name value
Connect/Room: participantIdentity
Connect/Autopilot:
Connect/Stream: name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate
Connect/VirtualAgent: connectorName language sentimentAnalysis statusCallback statusCallbackMethod
Connect/Conversation: serviceInstanceSid inboundAutocreation routingAssignmentTimeout inboundTimeout url method
  record trim recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent statusCallback
  statusCallbackMethod statusCallbackEvent
Connect/ConversationRelay: url language ttsLanguage transcriptionLanguage ttsProvider voice
  transcriptionProvider speechModel profanityFilter dtmfDetection welcomeGreeting partialPrompts
  welcomeGreetingInterruptible interruptible preemptible hints intelligenceService reportInputDuringAgentSpeech
  elevenlabsTextNormalization interruptSensitivity debug backgroundNoiseReduction speechTimeout
  deepgramSmartFormat ignoreBackchannel events partialPromptOnHangup eagerEotThreshold asrSmartFormat
  ttsTextNormalization ttsLanguageTextNormalization elevenlabsLanguageTextNormalization includeInPrompt
  customerName applicationReconnect echoPromptFiltering turnDetection
Connect/AiSession: aiConnector aiSessionConfiguration
Connect/ConversationRelaySession: connector sessionConfiguration
ConversationRelay/Language: code ttsProvider voice transcriptionProvider speechModel hints asrSmartFormat
  ttsTextNormalization ttsLanguageTextNormalization
ConversationRelay/Parameter: name value
VirtualAgent/Config: name value
VirtualAgent/Parameter: name value
Messaging/Message: to from action method statusCallback
Messaging/Redirect: method
Message/Body:
Message/Media:
"""


def _read(table: str) -> dict[str, tuple[str, ...]]:
    joined = table.replace("\n  ", " ").strip()
    lines = (line.partition(":") for line in joined.splitlines())
    return {place: tuple(attributes.split()) for place, _, attributes in lines}


PUBLISHED: Mapping[str, tuple[str, ...]] = _read(_TABLE)
"""The attributes of each element, by its place: "Dial/Number" is `<Number>` in `<Dial>`."""

SSML = frozenset(place.partition("/")[2] for place in PUBLISHED if place.startswith("Say/"))
"""The elements of SSML that may stand in `<Say>` and in each other."""


def is_published(parent: str, tag: str) -> bool:
    """Whether Twilio knows this element in that place."""
    return f"{parent}/{tag}" in PUBLISHED
