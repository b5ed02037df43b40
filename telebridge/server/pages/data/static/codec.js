// mu-law (ITU-T G.711) and the change of sample rates, for both directions of the browser phone.

const BIAS = 33;
const CLIP = 8159;

function encodeOne(sample) {
  let value = sample >> 2; // of 16 bits to the 14 of the standard
  const mask = value < 0 ? 0x7f : 0xff;
  value = Math.min(Math.abs(value), CLIP) + BIAS;
  let segment = 0;
  while (value >> (segment + 6)) segment += 1;
  return segment > 7 ? 0x7f ^ mask : ((segment << 4) | ((value >> (segment + 1)) & 0xf)) ^ mask;
}

function decodeOne(byte) {
  const bits = ~byte & 0xff;
  const value = (((bits & 0xf) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return bits & 0x80 ? 0x84 - value : value - 0x84;
}

const ENCODED = new Uint8Array(65536);
for (let sample = -32768; sample < 32768; sample += 1) ENCODED[sample & 0xffff] = encodeOne(sample);
const DECODED = Int16Array.from({ length: 256 }, (_, byte) => decodeOne(byte));

export const SILENCE = 0xff;

/** The mu-law byte of a sample of 16 bits. */
export const encode = (sample) => ENCODED[sample & 0xffff];

/** The sample of 16 bits of a mu-law byte. */
export const decode = (byte) => DECODED[byte];

/** The mu-law byte of a sample between -1 and 1. */
export const encodeFloat = (value) => ENCODED[Math.max(-32768, Math.min(32767, Math.round(value * 32768))) & 0xffff];

const LENGTH_SECONDS = 0.003;
const CUTOFF = 0.425; // of the lower rate: 3400 of 8000 Hz

const common = (a, b) => (b ? common(b, a % b) : a);

/** Changes the sample rate of a stream with a low-pass filter (a windowed sinc, polyphase). */
export class Resampler {
  /**
   * @param {number} from The rate of the samples that are put in.
   * @param {number} to The rate of those that come out.
   */
  constructor(from, to) {
    const divisor = common(Math.round(from), Math.round(to));
    this.up = Math.round(to) / divisor;
    this.down = Math.round(from) / divisor;
    this.taps = 2 * Math.ceil((LENGTH_SECONDS * from) / 2);
    this.weights = weightsOf(this.up, this.taps, (2 * CUTOFF * Math.min(from, to)) / from);
    this.buffer = new Float32Array(8192);
    this.reset();
  }

  reset() {
    this.filled = this.taps - 1;
    this.buffer.fill(0, 0, this.filled);
    this.at = 0;
    this.phase = 0;
  }

  /** Put samples in, at most 4096, and call `emit` with each that comes out. */
  process(samples, emit) {
    this.buffer.set(samples, this.filled);
    this.filled += samples.length;
    const { buffer, taps, weights, up, down } = this;
    while (this.at + taps <= this.filled) {
      const first = this.phase * taps;
      let sum = 0;
      for (let tap = 0; tap < taps; tap += 1) sum += buffer[this.at + tap] * weights[first + tap];
      emit(sum);
      this.phase += down;
      this.at += Math.floor(this.phase / up);
      this.phase %= up;
    }
    const used = Math.min(this.at, this.filled);
    buffer.copyWithin(0, used, this.filled);
    this.filled -= used;
    this.at -= used;
  }
}

function weightsOf(phases, taps, width) {
  const weights = new Float32Array(phases * taps);
  const half = taps / 2;
  for (let phase = 0; phase < phases; phase += 1) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const at = tap - half + 1 - phase / phases;
      const turn = Math.PI * width * at;
      const sinc = Math.abs(turn) < 1e-9 ? 1 : Math.sin(turn) / turn;
      const angle = (Math.PI * at) / half;
      const blackman = Math.abs(at) > half ? 0 : 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
      weights[phase * taps + tap] = sinc * blackman;
      sum += sinc * blackman;
    }
    for (let tap = 0; tap < taps; tap += 1) weights[phase * taps + tap] /= sum;
  }
  return weights;
}
