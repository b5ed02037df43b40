// The two ends of the telephone line inside the audio thread: what the microphone takes, and what the speaker plays.
import { Resampler, SILENCE, decode, encodeFloat } from "./codec.js";

const RATE = 8000;
const FRAME = 160;
const PREFILL = 480; // samples that are queued before playing begins: 60 ms
const PATIENCE = 800; // and so many samples later it begins with less
const FADE = 40; // samples of the fade at a clear: 5 ms

/** Makes frames of 20 ms of mu-law out of whatever a microphone gives; of silence too. */
export class Capture {
  /**
   * @param {number} rate Of the audio context.
   * @param {function(Uint8Array)} send Takes each frame.
   */
  constructor(rate, send) {
    this.resampler = new Resampler(rate, RATE);
    this.silence = new Float32Array(4096);
    this.send = send;
    this.muted = false;
    this.start();
  }

  start() {
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
  }

  /** Take a block of samples between -1 and 1, or null where there is no source. */
  take(samples, length) {
    const heard = samples === null || this.muted ? this.silence.subarray(0, length) : samples;
    this.resampler.process(heard, (value) => {
      this.frame[this.filled] = encodeFloat(value);
      this.filled += 1;
      if (this.filled === FRAME) {
        this.send(this.frame);
        this.start();
      }
    });
  }
}

/** Plays mu-law of any length in order, returns marks when what is before them was played, and clears at once. */
export class Player {
  /**
   * @param {number} rate Of the audio context.
   * @param {function(string)} returned Takes the name of each mark when it is due.
   */
  constructor(rate, returned) {
    this.resampler = new Resampler(RATE, rate);
    this.returned = returned;
    this.chunks = []; // of samples, and marks as {name}
    this.offset = 0; // in the first chunk
    this.queued = 0; // samples at 8000 Hz
    this.waited = -1; // samples since something was queued, while playing has not begun; -1 while playing
    this.ready = new Float32Array(16384);
    this.readyFrom = 0;
    this.readyTo = 0;
    this.step = new Float32Array(1);
    this.latency = 0; // of the device, in frames of the context
    this.late = []; // marks that are due once the device has played what is before them
    this.frames = 0;
    this.rate = rate;
    this.idle();
  }

  idle() {
    this.playing = false;
    this.waited = 0;
  }

  /** How long what is queued sounds, in milliseconds. */
  get queuedMs() {
    return this.queued / 8;
  }

  queue(mulaw) {
    const samples = Float32Array.from(mulaw, (byte) => decode(byte) / 32768);
    this.chunks.push(samples);
    this.queued += samples.length;
  }

  mark(name) {
    this.chunks.push({ name });
  }

  /** Drop what was not played, but for a fade, and return all marks, in order. */
  clear() {
    const fade = [];
    while (this.playing && fade.length < FADE && this.queued) fade.push(this.next() * (1 - fade.length / FADE));
    const marks = [...this.late.map((each) => each.name)];
    for (const chunk of this.chunks) if (!(chunk instanceof Float32Array)) marks.push(chunk.name);
    this.chunks = fade.length ? [Float32Array.from(fade)] : [];
    this.offset = 0;
    this.queued = fade.length;
    this.late = [];
    this.readyFrom = this.readyTo = 0;
    marks.forEach(this.returned);
  }

  /** Fill a block of the speaker. */
  fill(output) {
    if (!this.playing) this.begin(output.length);
    for (let at = 0; at < output.length; at += 1) {
      while (this.readyFrom === this.readyTo) this.refill();
      output[at] = this.ready[this.readyFrom];
      this.readyFrom += 1;
    }
    this.frames += output.length;
    while (this.late.length && this.late[0].at <= this.frames) this.returned(this.late.shift().name);
  }

  begin(length) {
    this.takeMarks(); // of an empty queue
    if (!this.queued) return;
    this.waited += (length * RATE) / this.rate;
    this.playing = this.queued >= PREFILL || this.waited >= PATIENCE;
  }

  refill() {
    this.readyFrom = this.readyTo = 0;
    this.step[0] = this.playing && this.queued ? this.next() : 0;
    if (this.playing && !this.queued) this.idle();
    this.resampler.process(this.step, (value) => {
      this.ready[this.readyTo] = value;
      this.readyTo += 1;
    });
  }

  /** The next sample; marks behind it are noted as due. */
  next() {
    const chunk = this.chunks[0];
    const sample = chunk[this.offset];
    this.offset += 1;
    this.queued -= 1;
    if (this.offset === chunk.length) {
      this.chunks.shift();
      this.offset = 0;
      this.takeMarks();
    }
    return sample;
  }

  takeMarks() {
    while (this.chunks.length && (!(this.chunks[0] instanceof Float32Array) || !this.chunks[0].length)) {
      const chunk = this.chunks.shift();
      if (!(chunk instanceof Float32Array)) this.late.push({ name: chunk.name, at: this.frames + this.latency });
    }
  }
}

export { FRAME, RATE, SILENCE };
