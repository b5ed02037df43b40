// The audio of the browser phone: an AudioWorklet, or where the page is not in a secure context, a ScriptProcessor.
import { Capture, Player } from "./line.js";

const TONES = { rows: [697, 770, 852, 941], columns: [1209, 1336, 1477], keys: "123456789*0#" };

/** What to say about an error of getUserMedia. */
export function microphoneProblem(error) {
  switch (error?.name) {
    case "NotAllowedError":
      return "The browser blocks the microphone. Allow it in the address bar, or go on with keys or a recording.";
    case "NotFoundError":
      return "This machine has no microphone. Go on with keys, or play a recording.";
    case "NotReadableError":
      return "Another program uses the microphone. Close it, or go on with keys or a recording.";
    default:
      return `The microphone cannot be opened (${error?.name ?? "unknown"}). Go on with keys or a recording.`;
  }
}

export const INSECURE = "Browsers give a microphone only to pages at https or at localhost. Open this page at "
  + "http://127.0.0.1 on the machine itself, or through ssh -L. Keys and listening work here.";

export class PhoneAudio {
  /** @param {{frame: function(Uint8Array), mark: function(string)}} listener */
  static async open(listener, workletAddress) {
    const context = new AudioContext();
    await context.resume();
    const audio = new PhoneAudio(context);
    if (context.audioWorklet) await audio.openWorklet(workletAddress, listener);
    else audio.openScript(listener);
    return audio;
  }

  constructor(context) {
    this.context = context;
    this.track = null;
    this.source = null;
  }

  get latencyMs() {
    return Math.round(1000 * ((this.context.baseLatency || 0) + (this.context.outputLatency || 0)));
  }

  async openWorklet(address, listener) {
    const { context } = this;
    await context.audioWorklet.addModule(address);
    this.input = new AudioWorkletNode(context, "telephone-capture", { channelCount: 1, channelCountMode: "explicit" });
    this.output = new AudioWorkletNode(context, "telephone-player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.input.port.onmessage = ({ data }) => listener.frame(data);
    this.output.port.onmessage = ({ data }) => listener.mark(data.mark);
    this.input.connect(context.destination); // it gives silence, and runs only when it leads somewhere
    this.output.connect(context.destination);
    this.tell = (message, transferred = []) => this.output.port.postMessage(message, transferred);
    this.mute = (muted) => this.input.port.postMessage({ muted });
    this.tell({ latency: context.outputLatency || 0 });
  }

  openScript(listener) {
    const { context } = this;
    const capture = new Capture(context.sampleRate, listener.frame);
    const player = new Player(context.sampleRate, listener.mark);
    this.input = context.createScriptProcessor(1024, 1, 1);
    this.input.onaudioprocess = ({ inputBuffer, outputBuffer }) => {
      capture.take(inputBuffer.getChannelData(0), inputBuffer.length);
      player.fill(outputBuffer.getChannelData(0));
    };
    this.input.connect(context.destination);
    this.tell = (message) => {
      if (message.audio) player.queue(message.audio);
      if (message.mark !== undefined) player.mark(message.mark);
      if (message.clear) player.clear();
    };
    this.mute = (muted) => { capture.muted = muted; };
  }

  /** Speak with a microphone. */
  async useMicrophone({ deviceId, echoCancellation }, lost) {
    const wanted = { echoCancellation, noiseSuppression: echoCancellation, autoGainControl: echoCancellation };
    if (deviceId) wanted.deviceId = { exact: deviceId };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    [this.track] = stream.getAudioTracks();
    this.track.onended = () => lost("The microphone is gone.");
    this.track.onmute = () => lost("The microphone is muted by the system.");
    this.source = this.context.createMediaStreamSource(stream);
    this.source.connect(this.input);
  }

  /** Speak with a recording, once. */
  async useRecording(file, ended) {
    const buffer = await this.context.decodeAudioData(await file.arrayBuffer());
    this.source = this.context.createBufferSource();
    this.source.buffer = buffer;
    this.source.onended = ended;
    this.source.connect(this.input);
    this.source.start();
  }

  play(mulaw) {
    this.tell({ audio: mulaw }, [mulaw.buffer]);
  }

  mark(name) {
    this.tell({ mark: name });
  }

  clear() {
    this.tell({ clear: true });
  }

  /** Let the ear hear a key; the bridge gets none of it, as at Twilio. */
  tone(key) {
    const at = TONES.keys.indexOf(key);
    const { context } = this;
    const gain = context.createGain();
    gain.gain.value = 0.06;
    gain.connect(context.destination);
    for (const frequency of [TONES.rows[Math.floor(at / 3)], TONES.columns[at % 3]]) {
      const tone = context.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      tone.start();
      tone.stop(context.currentTime + 0.15);
    }
  }

  close() {
    this.track?.stop();
    return this.context.close();
  }
}
