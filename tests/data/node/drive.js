// Drives an application with the official package of Node, and prints what it was told as JSON.
const twilio = require("twilio");

const [url, account, token, voice, to, from] = process.argv.slice(2);
const client = twilio(account, token);
client.api.baseUrl = url;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(fetch, good) {
  for (let tries = 0; tries < 200; tries++) {
    const found = await fetch();
    if (good(found)) return found;
    await sleep(50);
  }
  throw new Error("it took too long");
}

async function main() {
  const created = await client.calls.create({ to, from, url: voice, record: false });
  const call = await until(() => client.calls(created.sid).fetch(), (each) => each.status === "completed");
  const recordings = await client.recordings.list({ callSid: created.sid });
  const [offered] = await client.availablePhoneNumbers("US").local.list({ areaCode: 415, limit: 1 });
  const number = await client.incomingPhoneNumbers.create({ phoneNumber: offered.phoneNumber, voiceUrl: voice });
  const sent = await client.messages.create({ to, from, body: "Hello." });
  const message = await until(() => client.messages(sent.sid).fetch(), (each) => each.status === "delivered");
  const notFound = await client.calls("CA" + "0".repeat(32)).fetch().catch((error) => error);
  console.log(
    JSON.stringify({
      call: { status: call.status, direction: call.direction },
      recordings: recordings.map((each) => ({ source: each.source, duration: each.duration })),
      number: { phoneNumber: number.phoneNumber, voiceUrl: number.voiceUrl },
      message: message.status,
      notFound: { status: notFound.status, code: notFound.code },
    }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
