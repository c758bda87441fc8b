// Colours of numbers and of classes, for light and dark pages, told apart by those who see no red or green.

export const CLASSES = [
  [224, 116, 24], [40, 108, 204], [16, 140, 100], [180, 70, 160], [140, 120, 20], [20, 150, 180],
  [200, 60, 60], [110, 90, 200], [90, 130, 40], [110, 110, 110],
];
const [NEGATIVE, POSITIVE] = CLASSES;

// What the style sheet says, kept: to ask it while drawing would lay the page out anew for every line.
const kept = new Map();

/** Forgets what the style sheet said: the page has become light or dark. */
export const restyle = () => kept.clear();

/** A property of the page's style sheet, as a colour. */
export function styled(name) {
  if (!kept.has(name)) kept.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return kept.get(name);
}

/** Whether the page is dark now. */
export const isDark = () => styled("color-scheme") === "dark";

/** The colour of 0. */
export const ground = () => (isDark() ? [30, 33, 38] : [246, 246, 242]);

/** A number from -1 to 1 as [r, g, b]: orange below 0, blue above. */
export function tint(value, zero = ground()) {
  const color = value < 0 ? NEGATIVE : POSITIVE;
  const share = Math.min(Math.abs(value), 1);
  return zero.map((channel, i) => channel + (color[i] - channel) * share);
}

/** As CSS says it. */
export const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

/** Paints numbers row by row into a canvas of as many pixels; `scale` is the number of the full colour. */
export function paint(canvas, values, width, height, scale) {
  const zero = ground();
  const context = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const value = values[i] / scale;
    const color = value < 0 ? NEGATIVE : POSITIVE;
    const share = Math.min(Math.abs(value), 1) || 0;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * i + channel] = zero[channel] + (color[channel] - zero[channel]) * share;
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** A number with four digits, as people read it. */
export function shown(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
