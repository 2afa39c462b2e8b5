// Points of noise on their way to a ring, by the exact velocity, in many Euler steps and in few: notebook 12.

import {normal, unpack} from "../numbers.js";

const SIDE = 220, LIMIT = 3.2;  // pixels of a picture's side; what it shows of the plane, in both directions
const TRAILS = 40;  // points whose way so far is drawn

export const labels = {t: "time"};
export const scale = 1;

export function written(name, value) {
  return String(value);
}

export function caption({t, steps, seed}, {evaluations, ms, apart}, {fine}) {
  const whose = seed ? `seed ${seed}'s noise (this page's own, which is not torch's)` : "the notebook's noise";
  const few = steps === 1 ? "one Euler step" : `${steps} Euler steps`;
  return `${whose[0].toUpperCase() + whose.slice(1)} at t = ${t}: left in ${fine} Euler steps, right in ${few}, on average ` +
    `${apart.toFixed(2)} apart. ${evaluations} evaluations of the exact velocity, ${Math.round(ms)} ms.`;
}

export async function* pictures(run, {values: {t, steps, seed}}, {noise, fine}) {
  const shipped = unpack(noise), z = seed ? Float32Array.from(shipped, normal(seed)) : shipped;
  const ways = [];
  for (const n of [fine, steps]) ways.push(await way(run, z, n, t));
  const [left, right] = ways.map(states => states.at(-1));
  const pixels = new Float32Array(2 * SIDE * SIDE);
  ways.forEach((states, i) => pixels.set(drawn(states), i * SIDE * SIDE));
  yield {pixels, columns: 2, side: SIDE, left, right, apart: apart(left, right)};
}

/** The states of n Euler steps from time 1 down to t, the last of which may be cut short. */
async function way(run, z, n, t) {
  const states = [z];
  for (let k = n; k > n * t; k--) {
    const x = states.at(-1), velocity = await run({x, t: [k / n]}), length = Math.min(1 / n, k / n - t);
    states.push(x.map((value, i) => value - length * velocity[i]));
  }
  return states;
}

/** The mean distance of two sets of points. */
function apart(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 2) sum += Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1]);
  return 2 * sum / a.length;
}

/** Grey pixels: all points black, and grey the ways of some. */
function drawn(states) {
  const page = new Float32Array(SIDE * SIDE).fill(1), points = states.at(-1);
  for (let i = 0; i < 2 * TRAILS; i += 2) {
    for (let k = 1; k < states.length; k++) line(page, states[k - 1].slice(i, i + 2), states[k].slice(i, i + 2));
  }
  for (let i = 0; i < points.length; i += 2) dot(page, points[i], points[i + 1], 1.5, 0);
  return page;
}

function line(page, [x, y], [toX, toY]) {
  const parts = 1 + Math.ceil(Math.hypot(toX - x, toY - y) * SIDE / (2 * LIMIT));
  for (let k = 0; k <= parts; k++) dot(page, x + k / parts * (toX - x), y + k / parts * (toY - y), 0.4, 0.6);
}

/** Darkens what a disc covers, with a soft edge; its radius is in pixels. */
function dot(page, x, y, radius, grey) {
  const column = (x / LIMIT + 1) * SIDE / 2 - 0.5, row = (1 - y / LIMIT) * SIDE / 2 - 0.5, reach = radius + 0.5;
  for (let i = Math.max(0, Math.ceil(row - reach)); i <= Math.min(SIDE - 1, row + reach); i++) {
    for (let j = Math.max(0, Math.ceil(column - reach)); j <= Math.min(SIDE - 1, column + reach); j++) {
      const cover = Math.min(1, Math.max(0, reach - Math.hypot(i - row, j - column)));
      page[SIDE * i + j] = Math.min(page[SIDE * i + j], 1 - cover * (1 - grey));
    }
  }
}
