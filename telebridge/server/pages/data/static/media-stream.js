// Media Streams from Twilio's side (https://www.twilio.com/docs/voice/media-streams/websocket-messages): the page is
// Twilio, so that the bridge needs no other protocol than that of the telephone.

const ACCOUNT = `AC${"0".repeat(32)}`;

export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function fromBase64(text) {
  const decoded = atob(text);
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}

export class MediaStream {
  /**
   * @param {WebSocket} socket Of the stream.
   * @param {{callSid: string, streamSid: string}} call As the bridge began it.
   * @param {{audio: function(Uint8Array), mark: function(string), clear: function(), ended: function()}} listener
   */
  constructor(socket, call, listener) {
    this.socket = socket;
    this.call = call;
    this.sequence = 0;
    this.chunk = 0;
    this.started = false;
    socket.addEventListener("open", () => this.open());
    socket.addEventListener("message", ({ data }) => this.receive(JSON.parse(data), listener));
    socket.addEventListener("close", () => {
      this.started = false;
      listener.ended();
    });
  }

  open() {
    const { callSid, streamSid } = this.call;
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.started = true;
    this.send("start", {
      start: {
        accountSid: ACCOUNT,
        streamSid,
        callSid,
        tracks: ["inbound"],
        customParameters: {},
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      },
    });
  }

  receive(message, listener) {
    if (message.event === "media") listener.audio(fromBase64(message.media.payload));
    else if (message.event === "mark") listener.mark(message.mark.name);
    else if (message.event === "clear") listener.clear();
  }

  send(event, content) {
    if (!this.started || this.socket.readyState !== 1) return;
    this.sequence += 1;
    const head = { event, sequenceNumber: String(this.sequence), streamSid: this.call.streamSid };
    this.socket.send(JSON.stringify({ ...head, ...content }));
  }

  /** Send a frame of 20 ms. */
  sendFrame(frame) {
    if (!this.started) return;
    this.chunk += 1;
    const media = { track: "inbound", chunk: String(this.chunk), timestamp: String(this.chunk * 20) };
    this.send("media", { media: { ...media, payload: toBase64(frame) } });
  }

  sendDigit(digit) {
    this.send("dtmf", { dtmf: { track: "inbound_track", digit } });
  }

  returnMark(name) {
    this.send("mark", { mark: { name } });
  }

  stop() {
    this.send("stop", { stop: { accountSid: ACCOUNT, callSid: this.call.callSid } });
    this.socket.close();
  }
}
