"""Who speaks in the local Rime: espeak-ng in processes of its own, or a hum."""
