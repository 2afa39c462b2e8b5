// One digit by a student in four steps, which takes the weight of guidance as an input: notebook 14.

import {from, noise, sheet, written} from "./guidance.js";

export {labels, scale, written} from "./guidance.js";

export function caption({w, digit, seed}, {evaluations, ms}, about) {
  return `A ${digit} by the student in ${about.steps} steps, ${written("w", w)}, ${from(seed, about)}. ` +
    `${evaluations} network evaluations, ${Math.round(ms)} ms.`;
}

export async function* pictures(run, {values: {w, digit, seed}}, about) {
  let x = noise(seed, about);
  for (let k = about.steps; k > 0; k--) {
    const velocity = await run({x, t: [k / about.steps], label: [digit], w: [w]});
    x = x.map((value, i) => value - velocity[i] / about.steps);
  }
  yield sheet(x);
}
