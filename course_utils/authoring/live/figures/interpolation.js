// Eight walks between two codes each, straight (above) and along the sphere (below): notebook 04.

import {normal, unpack} from "../numbers.js";

const WALKS = 8;

export const labels = {t: "share of the way"};
export const scale = 3;

export function written(name, value) {
  return String(value);
}

export function caption({t, seed}, {ms, straight, round}) {
  const drawn = seed ? `codes of seed ${seed} (this page's own, which is not torch's)` : "the notebook's codes";
  return `Eight walks at t = ${t}, from ${drawn}: above straight, where the codes have a length of ` +
    `${straight.toFixed(1)}, below along the sphere, with ${round.toFixed(1)}. ` +
    `${2 * WALKS} pictures in ${Math.round(ms)} ms.`;
}

export async function* pictures(run, {values: {t, seed}}, about) {
  const shipped = unpack(about.ends), ends = seed ? Float32Array.from(shipped, normal(seed)) : shipped;
  const starts = rows(ends.slice(0, ends.length / 2)), goals = rows(ends.slice(ends.length / 2));
  const walks = {straight: lerp, round: slerp}, pixels = [], lengths = {};
  for (const [name, between] of Object.entries(walks)) {
    const z = starts.map((start, i) => between(start, goals[i], t));
    lengths[name] = z.reduce((sum, code) => sum + Math.sqrt(dot(code, code)), 0) / WALKS;
    pixels.push(...await run({z: z.flat()}));
  }
  yield {pixels: Float32Array.from(pixels, value => (value + 1) / 2), columns: WALKS, side: 28, ...lengths};
}

function rows(numbers) {
  const n = numbers.length / WALKS;
  return Array.from({length: WALKS}, (_, i) => [...numbers.slice(i * n, (i + 1) * n)]);
}

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function lerp(a, b, t) {
  return a.map((value, i) => (1 - t) * value + t * b[i]);
}

/** Along the great circle; Shoemake 1985. */
function slerp(a, b, t) {
  const cos = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), angle = Math.acos(Math.min(1, Math.max(-1, cos)));
  if (Math.abs(cos) > 0.9995) return lerp(a, b, t);
  const [ofA, ofB] = [1 - t, t].map(share => Math.sin(share * angle) / Math.sin(angle));
  return a.map((value, i) => ofA * value + ofB * b[i]);
}
