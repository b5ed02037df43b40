"""How callers are listened to, from the settings."""

from telebridge.app.detector import DetectorOnDemand
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.settings.sections import BargeInSettings
from telebridge.turns.barge_in import BargeInOptions, BargeInPolicy
from telebridge.turns.voice_activity import VoiceActivityOptions

END_SHARE = 0.7
"""Speech has ended when a window is this much less likely to be speech than one must be that begins it."""


def listening_options(settings: BargeInSettings, detector: DetectorOnDemand | None = None) -> ListeningOptions:
    """How callers are listened to.

    Args:
        settings: As its owner wants it.
        detector: Makes the detector of each call; None for that of the settings.

    Raises:
        ConfigurationError: What the detector needs is not installed.
    """
    return ListeningOptions(
        detector=detector or DetectorOnDemand(settings.detector),
        voice_activity=VoiceActivityOptions(
            threshold=settings.threshold,
            end_threshold=settings.threshold * END_SHARE,
            silence_ms=settings.resume_after_ms,
        ),
        barge_in=BargeInOptions(
            policy=BargeInPolicy(settings.policy),
            pause_after_ms=settings.pause_after_ms,
            commit_after_ms=settings.commit_after_ms,
            resume=settings.resume,
            grace_ms=settings.grace_ms,
            longest_wait_ms=settings.longest_wait_ms,
        ),
        pre_roll_ms=settings.pre_roll_ms,
    )
