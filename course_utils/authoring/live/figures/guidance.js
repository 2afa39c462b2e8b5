// One digit under more and less guidance, in few and many steps: the slider of notebook 07.
//
// A row of a plan: t, the weights of x and of the noise in x_start, and those of x, x_start, the x_start before, and
// fresh noise in the next x. All of them come from the library.

import {normal, unpack} from "../numbers.js";

const NOTHING = 10;  // the class of none

export const labels = {w: "guidance", digit: "class"};
export const scale = 8;

export function written(name, value) {
  return name === "w" ? `w = ${value} · guidance_scale ${1 + value}` : String(value);
}

export function caption({w, steps, digit, seed, sampler}, {evaluations, ms, remembered}, about) {
  const kept = remembered ? `, ${remembered} more remembered` : "";
  return `A ${digit} by ${sampler} in ${steps} steps, ${written("w", w)}, ${from(seed, about)}. ` +
    `${evaluations} network evaluations${kept}, ${Math.round(ms)} ms.`;
}

/** Which noise a seed stands for, in words. */
export function from(seed, {noises}) {
  const whose = seed < noises.length ? "torch's: the noise of the notebook's first digit"
    : "this page's own, which is not torch's";
  return `from seed ${seed} (${whose})`;
}

/** The noise of a seed: one that ships, or the page's own. */
export function noise(seed, {noises}) {
  return seed < noises.length ? unpack(noises[seed]) : Float32Array.from({length: 784}, normal(seed));
}

/** A preview, where it shows the same digit; then the picture. */
export async function* pictures(run, {values, preview}, about) {
  const {w, steps, digit, seed, sampler} = values, plan = about.plans[sampler][steps];
  const x = noise(seed, about);
  const model = new Remembered(run, seed, plan[0][0]), predict = guided(model, digit, w, about);
  const draws = plan.some(row => row[6] !== 0);
  if (preview && !draws && plan.length > about.preview.length) {
    yield {kind: "preview", ...sheet(await sample(predict, x, about.preview))};
  }
  model.remembered = 0;
  const digits = await sample(predict, x, plan, normal(10_000 + seed));
  yield {...sheet(digits), remembered: model.remembered};
}

/** The library's `sample`: from noise to a digit in [-1, 1]. */
async function sample(predict, x, plan, draw) {
  let before = x;
  for (const [t, ofX, ofNoise, cX, cStart, cBefore, cFresh] of plan) {
    const noise = await predict(x, t);
    const start = x.map((value, i) => Math.min(1, Math.max(-1, ofX * value + ofNoise * noise[i])));
    x = x.map((value, i) => cX * value + cStart * start[i] + cBefore * before[i] + (cFresh && cFresh * draw()));
    before = start;
  }
  return x;
}

/** (1 + w)·conditional − w·unconditional in the first half of the time, later the conditional; Ho and Salimans 2022. */
function guided(model, digit, w, {unguided, guided_from}) {
  return async (x, t) => {
    if (w === -1) return model.noise(x, t, NOTHING);
    const conditional = await model.noise(x, t, digit);
    if (unguided.includes(w) || t < guided_from) return conditional;
    const unconditional = await model.noise(x, t, NOTHING);
    return unconditional.map((value, i) => value + (1 + w) * (conditional[i] - value));
  };
}

/** The network, asked once for its prediction of pure noise: every weight, number of steps and sampler has the same. */
class Remembered {
  static known = new Map();

  constructor(run, seed, start) {
    Object.assign(this, {run, seed, start, remembered: 0});
  }

  async noise(x, t, label) {
    const key = `${this.seed} ${label}`, known = Remembered.known.get(key);
    if (t === this.start && known) {
      this.remembered += 1;
      return known;
    }
    const noise = await this.run({x, t: [t], label: [label]});
    if (t === this.start) Remembered.known.set(key, noise);
    return noise;
  }
}

export function sheet(digits) {
  return {pixels: digits.map(value => (value + 1) / 2), columns: 1, side: 28};
}
