// The line inside the audio thread of the browser.
import { Capture, Player } from "./line.js";

class CaptureProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.capture = new Capture(sampleRate, (frame) => this.port.postMessage(frame, [frame.buffer]));
    this.port.onmessage = ({ data }) => { this.capture.muted = data.muted; };
  }

  process([input], [output]) {
    this.capture.take(input.length ? input[0] : null, output[0].length);
    return true;
  }
}

class PlayerProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.player = new Player(sampleRate, (name) => this.port.postMessage({ mark: name }));
    this.port.onmessage = ({ data }) => {
      if (data.audio) this.player.queue(data.audio);
      if (data.mark !== undefined) this.player.mark(data.mark);
      if (data.clear) this.player.clear();
      if (data.latency !== undefined) this.player.latency = Math.round(data.latency * sampleRate);
    };
  }

  process(_, [output]) {
    this.player.fill(output[0]);
    for (const channel of output.slice(1)) channel.set(output[0]);
    return true;
  }
}

registerProcessor("telephone-capture", CaptureProcessor);
registerProcessor("telephone-player", PlayerProcessor);
