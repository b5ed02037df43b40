"""How Rime is reached: where, by which protocol, with which patience."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from telebridge.errors import ConfigurationError
from telebridge.rime.parameters import SpeechParameters

Protocol = Literal["ws", "ws2", "ws3"]

CLOUD = "wss://users-ws.rime.ai"
WS2_MODELS = frozenset({"mist", "mistv2"})


@dataclass(frozen=True, slots=True)
class RimeOptions:
    """Where Rime is and how it is spoken to.

    Args:
        url: `ws://` or `wss://`, a host; the protocol's path is added unless the address has a path of its own, if
            only a slash (as Rime's on-premises containers want it).
        protocol: Plain `ws`, or JSON `ws2` (mist and mistv2 only) or `ws3`.
        api_key: Sent as a bearer; empty for none.
        parameters: The voice, unless an utterance asks for another.
        warm_sockets: Spare connections for each address in use.
        max_characters: The most text in one request; Rime's documents say 500.
        connect_seconds: For one handshake.
        first_audio_seconds: From text to its first audio: a socket that takes text and gives nothing is dead.
        between_audio_seconds: Between two pieces of audio.
        max_idle_seconds: How long a spare may wait.
        ping_seconds: Idle connections were seen to die within seconds unless pinged.
    """

    url: str = CLOUD
    protocol: Protocol = "ws3"
    api_key: str = ""
    parameters: SpeechParameters = field(default_factory=SpeechParameters)
    warm_sockets: int = 2
    max_characters: int = 500
    connect_seconds: float = 5.0
    first_audio_seconds: float = 5.0
    between_audio_seconds: float = 5.0
    max_idle_seconds: float = 240.0
    ping_seconds: float = 5.0

    def address(self, parameters: SpeechParameters) -> str:
        """The address of a connection with these parameters.

        Raises:
            ConfigurationError: The address is no WebSocket's, or the protocol does not serve the model.
        """
        try:
            parts = urlsplit(self.url)
            _ = parts.port  # is only read, and refused, when it is asked for
        except ValueError as error:
            raise ConfigurationError("rime.url", f"'{self.url}' is no address ({error})") from error
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ConfigurationError("rime.url", f"'{self.url}' is no ws:// or wss:// address")
        if self.protocol == "ws2" and parameters.model not in WS2_MODELS:
            raise ConfigurationError("rime.protocol", f"ws2 does not serve {parameters.model}", "use ws3, or mistv2")
        if self.protocol != "ws" and parameters.segment is None:
            # Each flush is then one synthesis with one `done`, so that the end of an utterance is certain.
            parameters = parameters.model_copy(update={"segment": "never"})
        return parts._replace(path=parts.path or f"/{self.protocol}", query=parameters.query()).geturl()
