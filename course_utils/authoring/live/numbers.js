// Numbers as live.json packs them, and random ones.

/** The float32 numbers of a base64 text. */
export function unpack(text) {
  return new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
}

/** A function that draws from N(0, 1), the same for the same seed on every machine; its seeds are not torch's. */
export function normal(seed) {
  const uniform = mulberry(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());  // Box and Muller 1958
}

/** Uniform in [0, 1) from 32 bits of state: mulberry32. */
function mulberry(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
