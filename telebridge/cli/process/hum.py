"""The warning that no voice is installed, before anything is hummed."""

from telebridge.cli.process.printing import print_text
from telebridge.settings.sections import RimeSettings
from telebridge.speech_server.voices.pool import missing_packages


def warn_of_hum(rime: RimeSettings) -> None:
    """Warn on standard error when words will be hummed: neither Rime nor a voice of this machine can speak them."""
    missing = [] if rime.api_key or rime.url else missing_packages()
    if missing:
        lacks = f"no voice is installed ({', '.join(missing)} missing), so words are hummed"
        remedy = "pip install 'telebridge[voice]', or set RIME_API_KEY"
        print_text(f"telebridge: warning: {lacks}; {remedy}", err=True)
