// One digit under more and less guidance, in few and many steps: the slider of notebook 07.
//
// A row of a plan: t, the weights of x and of the noise in x_start, and those of x, x_start, the x_start before, and fresh
// noise in the next x. All of them come from the library.

import {normal, unpack} from "../numbers.js";

export const labels = {w: "guidance", digit: "class"};

export function written(name, value) {
  return name === "w" ? `w = ${value} · guidance_scale ${1 + value}` : String(value);
}

export function caption({w, steps, digit, seed, sampler}, {evaluations, ms, remembered}, {noises}) {
  const drawn = seed < noises.length ? `torch's seed ${seed}, as in the notebook` : `seed ${seed} of this page, which torch does not share`;
  const kept = remembered ? `, ${remembered} more remembered` : "";
  return `A ${digit} by ${sampler} in ${steps} steps, ${written("w", w)}, from noise of ${drawn}. ` +
    `${evaluations} network evaluations${kept}, ${Math.round(ms)} ms.`;
}

/** A preview, where it shows the same digit; then the picture. */
export async function* pictures(run, {values, preview}, about) {
  const {w, steps, digit, seed, sampler} = values, plan = about.plans[sampler][steps];
  const x = seed < about.noises.length ? unpack(about.noises[seed]) : Float32Array.from({length: 784}, normal(seed));
  const predict = guided(remembering(run, seed, plan[0][0]), digit, w, about);
  const draws = plan.some(row => row[6] !== 0);
  if (preview && !draws && plan.length > about.preview.length) {
    yield {kind: "preview", ...await sample(predict, x, about.preview, null)};
  }
  yield await sample(predict, x, plan, normal(10_000 + seed));
}

/** The library's `sample`: from noise to a digit in [0, 1]. */
async function sample(predict, x, plan, draw) {
  let before = x;
  predict.remembered = 0;
  for (const [t, ofX, ofNoise, cX, cStart, cBefore, cFresh] of plan) {
    const noise = await predict(x, t);
    const start = x.map((value, i) => Math.min(1, Math.max(-1, ofX * value + ofNoise * noise[i])));
    x = x.map((value, i) => cX * value + cStart * start[i] + cBefore * before[i] + (cFresh && cFresh * draw()));
    before = start;
  }
  return {pixels: x.map(value => (value + 1) / 2), columns: 1, side: 28, remembered: predict.remembered};
}

/** (1 + w)·conditional − w·unconditional in the first half of the time, later the conditional; Ho and Salimans 2022. */
function guided(model, digit, w, {unguided, guided_from}) {
  const nothing = 10, only = w === -1 ? nothing : digit;
  const predict = async (x, t) => {
    const ask = async label => {
      const {noise, known} = await model(x, t, label);
      predict.remembered += known;
      return noise;
    };
    const conditional = await ask(only);
    if (unguided.includes(w) || t < guided_from) return conditional;
    const unconditional = await ask(nothing);
    return unconditional.map((value, i) => value + (1 + w) * (conditional[i] - value));
  };
  return predict;
}

const known = new Map();  // predictions of pure noise: the same for every weight, number of steps and sampler

function remembering(run, seed, start) {
  return async (x, t, label) => {
    const key = `${seed} ${label}`;
    if (t === start && known.has(key)) return {noise: known.get(key), known: 1};
    const noise = await run({x, t: [t], label: [label]});
    if (t === start) known.set(key, noise);
    return {noise, known: 0};
  };
}
