"""A bot of pipecat on Twilio's media streams that speaks through a Rime, as pipecat's examples have it.

RIME_WS=ws://127.0.0.1:8098/ws3 python pipecat_bot.py 8097
"""

import json
import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregator, LLMUserAggregatorParams
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.rime.tts import RimeTTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

STORY = "It tells you a very long story about nothing at all, so that there is time enough to interrupt it."
app = FastAPI()


@app.post("/voice")
async def voice(request: Request) -> Response:
    """Connect the call to the bot."""
    stream = f'<Stream url="wss://{request.headers["host"]}/media"/>'
    return Response(f"<Response><Connect>{stream}</Connect></Response>", media_type="text/xml")


@app.websocket("/media")
async def media(socket: WebSocket) -> None:
    """Lead one call."""
    await socket.accept()
    messages = socket.iter_text()
    await anext(messages)
    start = json.loads(await anext(messages))["start"]
    serializer = TwilioFrameSerializer(
        stream_sid=start["streamSid"],
        call_sid=start["callSid"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=socket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=serializer
        ),
    )
    voice = RimeTTSService.Settings(voice="astra", model="coda")
    tts = RimeTTSService(api_key="key", url=os.environ["RIME_WS"], settings=voice)
    listener = LLMUserAggregator(LLMContext([]), params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer()))
    task = PipelineTask(
        Pipeline([transport.input(), listener, tts, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )

    @transport.event_handler("on_client_connected")
    async def connected(*_: object) -> None:
        await task.queue_frames([TTSSpeakFrame("Welcome to the other bot."), TTSSpeakFrame(STORY)])

    await PipelineRunner(handle_sigint=False).run(task)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
