// A figure's network in the background: it answers the newest question and drops what that makes stale.
//
// Told {kind: "start", name, about} once, then {kind: "ask", values, preview} for each move of a slider. Says "loaded",
// "ready", "preview", "picture" and "failed", as live.js hears them.

import * as ort from "./runtime.mjs";

const ARRAYS = {float32: Float32Array, int32: Int32Array};
const here = name => new URL(name, import.meta.url);

let figure, about, session, loaded = 0;
let newest = null, answered = null, evaluations = 0;

class Stale extends Error {}

self.addEventListener("message", async ({data}) => {
  if (data.kind === "start") return start(data).catch(failed);
  const idle = newest === answered;
  newest = data;
  if (idle) work().catch(failed);
});

async function start({name, about: told}) {
  about = told;
  figure = await import(here(`figures/${name}.js`));
  const [binary, network] = await Promise.all([download("runtime.wasm.gz"), download(`${name}.onnx`)]);
  Object.assign(ort.env.wasm, {numThreads: 1, wasmBinary: await unpacked(binary)});
  session = await ort.InferenceSession.create(network);
  postMessage({kind: "ready"});
}

async function work() {
  while (newest !== answered) {
    const question = newest;
    try {
      await answer(question);
    } catch (error) {
      if (!(error instanceof Stale)) throw error;
    }
    answered = question;
  }
}

async function answer(question) {
  let begin = performance.now();
  evaluations = 0;
  for await (const picture of figure.pictures(inputs => run(inputs, question), question, about)) {
    const ms = performance.now() - begin;
    postMessage({kind: "picture", values: question.values, evaluations, ms, ...picture});
    begin = performance.now();
    evaluations = 0;
  }
}

// The network's answer, unless a newer question has come: then that is what should be worked at.
async function run(inputs, question) {
  await heard();
  if (question !== newest) throw new Stale();
  evaluations += 1;
  const feeds = session.inputMetadata.map(({name, type, shape}) =>
    [name, new ort.Tensor(type, ARRAYS[type].from(inputs[name]), shape)]);
  return (await session.run(Object.fromEntries(feeds))).out.data;
}

// Waits until the messages that have come are handled; a timer would wait four milliseconds.
const {port1, port2} = new MessageChannel();
function heard() {
  return new Promise(resolve => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
}

async function download(name) {
  const response = await fetch(here(name)), parts = [];
  if (!response.ok) throw new Error(`${name} could not be loaded (${response.status})`);
  for (let reader = response.body.getReader(), read; !(read = await reader.read()).done;) {
    parts.push(read.value);
    loaded += read.value.length;
    postMessage({kind: "loaded", bytes: loaded});
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// What gzip packed; some servers have the browser unpack it on the way.
async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function failed(error) {
  postMessage({kind: "failed", reason: String(error?.message ?? error)});
}
