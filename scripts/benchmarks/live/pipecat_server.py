"""Pipecat's usual pipeline for Twilio, lean: `python -m live.pipecat_server RIME_URL TEXT`. Prints its port.

FastAPI's WebSocket transport with Twilio's serializer, Silero as pipecat configures it, a turn that begins with the
voice and ends after silence, Rime's service. There is no recognition and no model: the same text is said again whenever
the bot has finished, or the caller has. Written for pipecat 1.14; runs in an environment that has
`pipecat-ai[silero,rime,websocket]`, and no telebridge.
"""

import json
import socket
import sys

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    TTSSpeakFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.rime.tts import RimeTTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_processor import UserTurnProcessor
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

logger.remove()
RIME_URL, TEXT = sys.argv[1:]
app = FastAPI()


class Script(FrameProcessor):
    """Says the text again when nobody speaks any more."""

    def __init__(self) -> None:
        super().__init__()
        self._caller_speaks = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, UserStartedSpeakingFrame):
            self._caller_speaks = True
        elif isinstance(frame, UserStoppedSpeakingFrame):
            self._caller_speaks = False
            await self.push_frame(TTSSpeakFrame(TEXT))
        elif isinstance(frame, BotStoppedSpeakingFrame) and not self._caller_speaks:
            await self.push_frame(TTSSpeakFrame(TEXT))


@app.websocket("/twilio/media/{token}")
async def media(stream: WebSocket) -> None:
    """One call."""
    await stream.accept()
    await stream.receive_text()
    start = json.loads(await stream.receive_text())["start"]
    serializer = TwilioFrameSerializer(start["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    transport = FastAPIWebsocketTransport(stream, params)
    strategies = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()], stop=[SpeechTimeoutUserTurnStopStrategy(wait_for_transcript=False)]
    )
    speech = RimeTTSService(
        api_key="bench", url=RIME_URL, settings=RimeTTSService.Settings(model="coda", voice="bench")
    )
    pipeline = Pipeline(
        [
            transport.input(),
            VADProcessor(vad_analyzer=SileroVADAnalyzer()),
            UserTurnProcessor(user_turn_strategies=strategies),
            Script(),
            speech,
            transport.output(),
        ]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )

    @transport.event_handler("on_client_connected")
    async def connected(*_: object) -> None:
        await worker.queue_frames([TTSSpeakFrame(TEXT)])

    @transport.event_handler("on_client_disconnected")
    async def disconnected(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def listening() -> socket.socket:
    """A socket on any port of this machine."""
    line = socket.socket()
    line.bind(("127.0.0.1", 0))
    line.listen(4096)
    return line


if __name__ == "__main__":
    line = listening()
    sys.stdout.write(f"{line.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", loop="uvloop", ws="auto"))
    server.run(sockets=[line])
