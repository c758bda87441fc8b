// The state of the page in a link: data, bounded, and checked before anything is made of it.

export const LIMITS = { link: 60_000, text: 20_000, points: 2000 };

/** A link's state that cannot be used; its message is for the reader. */
export class BadLink extends Error {}

/** Returns the part behind # for a state {config, points, steps}. */
export async function write(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const packed = await through(new CompressionStream("deflate-raw"), bytes, Infinity);
  return `s=${btoa(String.fromCharCode(...packed)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** Returns {preset} or a checked {config, points, steps} of what stands behind #; null if nothing does. */
export async function read(hash, presets) {
  const [key, value] = hash.replace(/^#/, "").split(/=(.*)/s);
  if (key === "preset" && presets.includes(value)) return { preset: value };
  if (key !== "s") return null;
  if (value.length > LIMITS.link) throw new BadLink("This link is too long for a state of this page.");
  let state;
  try {
    const packed = Uint8Array.from(atob(value.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const bytes = await through(new DecompressionStream("deflate-raw"), packed, 8 * LIMITS.link);
    state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new BadLink("This link is damaged: its state cannot be read. A part of it may be missing.");
  }
  return checked(state);
}

function checked(state) {
  const { config, points = [], steps = 0, ...rest } = Object(state);
  const isNumber = (n) => typeof n === "number" && Number.isFinite(n) && Math.abs(n) < 1e6;
  const isPoint = (p) =>
    Array.isArray(p) && p.length === 3 && p.every(isNumber) && Number.isInteger(p[2]) && p[2] >= 0 && p[2] < 6;
  const isGood =
    typeof config === "string" && config.length <= LIMITS.text &&
    Array.isArray(points) && points.length <= LIMITS.points && points.every(isPoint) &&
    Number.isInteger(steps) && steps >= 0 && Object.keys(rest).length === 0;
  if (!isGood) throw new BadLink("This link does not contain a state of this page (a config, and optionally points).");
  return { config, points, steps };
}

async function through(stream, bytes, most) {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  written.catch(() => {}); // the reader tells
  const parts = [];
  let size = 0;
  for (const reader = stream.readable.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) throw new BadLink("too large");
    parts.push(...value);
  }
  return Uint8Array.from(parts);
}
