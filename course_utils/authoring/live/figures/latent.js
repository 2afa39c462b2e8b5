// The square between the codes of four digits, decoded: notebook 03.

import {unpack} from "../numbers.js";

export const labels = {across: "to the right", down: "downwards"};
export const scale = 6;

export function written(name, value) {
  return `${Math.round(100 * value)} %`;
}

export function caption({across, down}, {ms}, {names: [a, b, c, d]}) {
  return `${written("across", across)} of the way from a ${a} to a ${b}, and ${written("down", down)} down to a ${c} ` +
    `and a ${d}: on the left their codes mixed and decoded, on the right their pixels mixed. ` +
    `Decoded in ${Math.round(ms)} ms.`;
}

export async function* pictures(run, {values}, {codes, digits}) {
  const z = mixed(unpack(codes), values), decoded = await run({z});
  yield {pixels: Float32Array.of(...decoded, ...mixed(unpack(digits), values)), columns: 2, side: 28};
}

/** Of four rows, one after the other, the mixture at a place of the square between them. */
function mixed(rows, {across, down}) {
  const n = rows.length / 4, up = 1 - down, left = 1 - across;
  const weights = [left * up, across * up, left * down, across * down];
  return rows.slice(0, n).map((_, i) => weights.reduce((sum, weight, k) => sum + weight * rows[k * n + i], 0));
}
