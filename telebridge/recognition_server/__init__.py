"""The local recognizer: the other end of the protocols of recognizers, which is told what callers say."""
