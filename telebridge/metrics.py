"""The metrics of the bridge, which `/metrics` prints in Prometheus's text format."""

from prometheus_client import Counter, Gauge, Histogram

CALLS_LIVE = Gauge("telebridge_calls_live", "Calls in progress in this process")
TASKS = Gauge("telebridge_tasks", "Tasks of this process's event loop")
LOOP_LAG_SECONDS = Gauge("telebridge_loop_lag_seconds", "How late the event loop of this process is")
CORE_SHARE = Gauge("telebridge_core_share", "How much of one core this process has used in the last two seconds")
OVERLOADS = Counter("telebridge_overloads", "Times that this process began to refuse calls for its load")
CALLS_ENDED = Counter("telebridge_calls_ended", "Calls that are over", ["flow"])
BARGE_INS = Counter("telebridge_barge_ins", "Utterances that were interrupted", ["cause"])
PAUSES = Counter("telebridge_pauses", "Times that an utterance paused for a sound of the caller's and went on")
STOP_SECONDS = Histogram(
    "telebridge_stop_seconds",
    "From the first sound of a caller who interrupted by speech until the line was silent",
    buckets=(0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0),
)
FIRST_AUDIO_SECONDS = Histogram(
    "telebridge_first_audio_seconds",
    "From the voice webhook to the first audio sent to the caller",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0),
)
BAD_MESSAGES = Counter("telebridge_bad_messages", "Messages that broke a protocol", ["peer"])
UNKNOWN_EVENTS = Counter("telebridge_unknown_events", "Messages of events that this release does not know", ["peer"])
REFUSED = Counter("telebridge_refused", "Requests that were refused", ["endpoint", "reason"])
STREAMS_PACED = Counter(
    "telebridge_streams_paced", "Times that a media stream had to wait because it sent far more than a call does"
)
STALE_REPORTS = Counter(
    "telebridge_stale_reports", "Reports of Twilio on a stream or a call that had ended; they were ignored", ["report"]
)
CLIPS = Counter(
    "telebridge_clips",
    "Texts that were asked for: found in memory or on disk, shared with somebody who asked just before, or made",
    ["found"],
)
SPEECH_PROVIDERS = Counter(
    "telebridge_speech_providers", "Utterances by speech provider that was used, and outcome", ["provider", "outcome"]
)
SPEECH_CUT = Counter("telebridge_speech_cut", "Requests of speech that were cut because far too much audio came")
ATTEMPTS = Counter("telebridge_campaign_attempts", "Attempts to place a campaign's call, by their outcome", ["outcome"])
DUPLICATE_CALLS = Counter(
    "telebridge_duplicate_calls", "Calls of an attempt that had another call, or none; they were ended at once"
)
WEBHOOK_DELIVERIES = Counter(
    "telebridge_campaign_webhook_deliveries", "Events sent to campaigns' webhooks, by their outcome", ["outcome"]
)
