// The audio thread of the browser phone under Node: prints what the tests of tests/browser/test_line.py look at.
const files = process.argv[2];
const { Resampler, decode, encode, encodeFloat } = await import(`${files}/codec.js`);
const { Capture, Player } = await import(`${files}/line.js`);

const tone = (hertz, rate, seconds, level) =>
  Float32Array.from({ length: rate * seconds }, (_, at) => level * Math.sin((2 * Math.PI * hertz * at) / rate));

function level(samples) {
  const middle = samples.slice(samples.length / 4, (3 * samples.length) / 4);
  return 20 * Math.log10(Math.sqrt(middle.reduce((sum, each) => sum + each * each, 0) / middle.length) * Math.SQRT2 + 1e-9);
}

function resampled(from, to, hertz) {
  const out = [];
  const resampler = new Resampler(from, to);
  const given = tone(hertz, from, 0.5, 10 ** (-10 / 20));
  for (let at = 0; at < given.length; at += 128) resampler.process(given.subarray(at, at + 128), (each) => out.push(each));
  return { level: level(out), count: out.length };
}

function played(rate) {
  const returned = [];
  const player = new Player(rate, (name) => returned.push({ name, at: player.frames / rate }));
  const block = new Float32Array(128);
  const run = (seconds) => {
    const out = [];
    for (let at = 0; at < seconds * rate; at += 128) {
      player.fill(block);
      out.push(...block);
    }
    return out;
  };
  const sound = (seconds) => player.queue(Uint8Array.from(tone(1000, 8000, seconds, 0.5), encodeFloat));
  player.mark("empty");
  run(0.05);
  sound(2);
  player.mark("first");
  run(2.5);
  sound(0.02); // shorter than what is queued before playing begins
  player.mark("short");
  run(0.5);
  const before = player.frames / rate;
  sound(5);
  player.mark("a");
  sound(1);
  player.mark("b");
  run(0.5);
  const cleared = player.frames / rate;
  player.clear();
  const after = run(0.2);
  const silentAfter = after.findLastIndex((each) => Math.abs(each) > 1e-3) / rate;
  let jump = 0;
  for (let at = 1; at < after.length; at += 1) jump = Math.max(jump, Math.abs(after[at] - after[at - 1]));
  sound(0.1);
  player.mark("again");
  const again = run(0.3);
  return { returned, before, cleared, silentAfter, jump, again: Math.max(...again.map(Math.abs)) };
}

function captured(rate, block) {
  const frames = [];
  const capture = new Capture(rate, (frame) => frames.push(frame));
  const blocks = Math.round((2 * rate) / block);
  for (let at = 0; at < blocks; at += 1) capture.take(null, block);
  return { count: frames.length, silent: frames.every((frame) => frame.length === 160 && frame.every((byte) => byte === 0xff)) };
}

const rates = [16000, 22050, 44100, 48000, 96000];
console.log(JSON.stringify({
  encoded: Buffer.from(Uint8Array.from({ length: 65536 }, (_, at) => encode(at - 32768))).toString("base64"),
  decoded: Array.from({ length: 256 }, (_, byte) => decode(byte)),
  down: Object.fromEntries(rates.map((rate) => [rate, { speech: resampled(rate, 8000, 1000), above: resampled(rate, 8000, 6000) }])),
  up: Object.fromEntries(rates.map((rate) => [rate, resampled(8000, rate, 1000)])),
  played: Object.fromEntries([44100, 48000].map((rate) => [rate, played(rate)])),
  captured: { worklet: captured(48000, 128), odd: captured(44100, 128), script: captured(48000, 1024) },
}));
