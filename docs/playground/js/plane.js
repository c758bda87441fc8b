// The decision plane: what the network answers everywhere, with the points it learns from and those it has not seen.

import { CLASSES, css, ground, isDark, shown, styled } from "./colors.js";

const SIDE = 640;

export class Plane {
  /** `onPoint(x, y, class)` is called when a point is drawn, `onPick(index)` when a training point is clicked. */
  constructor(canvas, { onPoint, onPick }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.small = document.createElement("canvas");
    this.layer = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }); // the points
    this.brush = -1;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.brush >= 0 && this.press(event, true));
    this.onPoint = onPoint;
    this.onPick = onPick;
  }

  open(about) {
    this.about = about;
    this.classes = Math.max(about.classes.length, 2);
    this.output = null;
    this.take(about);
  }

  /** Takes other points and borders. */
  take({ points, bounds }) {
    [this.points, this.bounds] = [points, bounds];
    this.layered = null;
  }

  press(event, dragged = false) {
    if (!this.about || this.about.kind !== "plane") return;
    const box = this.canvas.getBoundingClientRect();
    const [left, right, bottom, top] = this.bounds;
    const x = left + ((event.clientX - box.left) / box.width) * (right - left);
    const y = top - ((event.clientY - box.top) / box.height) * (top - bottom);
    if (this.brush < 0) return this.pick(x, y);
    const apart = dragged && this.pressed && Math.hypot(event.clientX - this.pressed[0], event.clientY - this.pressed[1]);
    if (dragged && apart < 8) return;
    this.pressed = [event.clientX, event.clientY];
    this.onPoint(x, y, this.brush);
  }

  pick(x, y) {
    const [left, right, bottom, top] = this.bounds;
    let best = [Infinity, -1];
    for (let i = 0; i < this.points.length; i += 5) {
      if (this.points[i + 3]) continue;
      const far = Math.hypot((this.points[i] - x) / (right - left), (this.points[i + 1] - y) / (top - bottom));
      if (far < best[0]) best = [far, this.points[i + 4]];
    }
    if (best[0] < 0.05) this.onPick(best[1]);
  }

  draw(frame) {
    if (!this.about || this.about.kind !== "plane") return;
    if (frame?.pictures?.length) this.output = frame.pictures.at(-1);
    const { context } = this;
    context.fillStyle = css(ground());
    context.fillRect(0, 0, SIDE, SIDE);
    if (this.output) this.surface();
    const look = `${this.picked} ${isDark()}`;
    if (this.layered !== look) this.drawPoints();
    this.layered = look;
    context.drawImage(this.layer, 0, 0);
  }

  drawPoints() {
    const context = this.layer.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    for (let i = 0; i < this.points.length; i += 5) this.point(context, ...this.points.subarray(i, i + 5));
  }

  /** Paints the answers: the class in its colour, the stronger the surer. */
  surface() {
    const { grid, sizes, middle } = this.about;
    const outputs = sizes.at(-1), places = grid * grid, zero = ground();
    Object.assign(this.small, { width: grid, height: grid });
    const context = this.small.getContext("2d");
    const image = context.createImageData(grid, grid);
    const strength = isDark() ? 0.62 : 0.5;
    const amounts = !this.about.classes.length;
    const [low, high] = amounts ? span(this.output) : [0, 1];
    for (let place = 0; place < places; place++) {
      let [color, share] = [0, 0];
      if (amounts) {
        const value = ((this.output[place] - low) / (high - low || 1)) * 2 - 1;
        [color, share] = [value < 0 ? 0 : 1, Math.abs(value)];
      } else if (outputs === 1) {
        const value = this.output[place] - middle;
        [color, share] = [value < 0 ? 0 : 1, Math.min(1, Math.abs(value) * (middle ? 2 : 0.5))];
      } else {
        let sum = 0, best = -Infinity;
        for (let c = 0; c < outputs; c++) if (this.output[c * places + place] > best) [best, color] = [this.output[c * places + place], c];
        for (let c = 0; c < outputs; c++) sum += Math.exp(this.output[c * places + place] - best);
        share = (1 / sum - 1 / outputs) / (1 - 1 / outputs);
      }
      const rgb = CLASSES[color % CLASSES.length];
      const mix = strength * (amounts ? share : 0.25 + 0.75 * share);
      for (let channel = 0; channel < 3; channel++) {
        image.data[4 * place + channel] = zero[channel] + (rgb[channel] - zero[channel]) * mix;
      }
      image.data[4 * place + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    this.context.imageSmoothingEnabled = true;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(this.small, 0, 0, SIDE, SIDE);
  }

  /** A training point is filled, a test point is a ring; the picked example has a circle around it. */
  point(context, x, y, target, isTest, index) {
    const [left, right, bottom, top] = this.bounds;
    const place = [((x - left) / (right - left)) * SIDE, ((top - y) / (top - bottom)) * SIDE];
    const color = css(CLASSES[(this.about.classes.length ? target : 1) % CLASSES.length]);
    context.beginPath();
    context.arc(...place, isTest ? 5 : 5.5, 0, 2 * Math.PI);
    context.lineWidth = isTest ? 2.5 : 1.5;
    context.fillStyle = color;
    context.strokeStyle = isTest ? color : styled("--paper");
    if (!isTest) context.fill();
    context.stroke();
    if (!isTest && index === this.picked) {
      context.beginPath();
      context.arc(...place, 12, 0, 2 * Math.PI);
      context.strokeStyle = styled("--ink");
      context.lineWidth = 3;
      context.stroke();
    }
  }
}

/** Draws how the answers of the test examples are spread, class by class, and where yes begins. */
export function histogram(canvas, { scores, labels, threshold }) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const [low, high] = span(scores);
  const bins = 30, counts = [new Array(bins).fill(0), new Array(bins).fill(0)];
  scores.forEach((score, i) => {
    const bin = Math.min(bins - 1, Math.floor(((score - low) / (high - low || 1)) * bins));
    counts[labels[i] > 0.5 ? 1 : 0][bin] += 1;
  });
  const most = Math.max(...counts.flat(), 1);
  counts.forEach((bars, c) => {
    context.fillStyle = css(CLASSES[c]);
    context.globalAlpha = 0.65;
    bars.forEach((count, i) => {
      const tall = (count / most) * (height - 30);
      context.fillRect((i * width) / bins + 1, height - 22 - tall, width / bins - 2, tall);
    });
  });
  context.globalAlpha = 1;
  context.fillStyle = context.strokeStyle = styled("--ink");
  context.font = "20px system-ui";
  const x = ((threshold - low) / (high - low || 1)) * width;
  context.setLineDash([6, 4]);
  context.strokeRect(x, 0, 0, height - 22);
  context.setLineDash([]);
  context.fillText(`threshold ${shown(threshold)}`, Math.min(Math.max(x + 6, 0), width - 140), 18);
  context.fillText(shown(low), 0, height - 3);
  context.textAlign = "right";
  context.fillText(shown(high), width, height - 3);
  context.textAlign = "left";
}

function span(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}
