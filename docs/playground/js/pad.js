// A pad to write a digit on, in as many pixels as the images have.

import { css, ground, shown, styled } from "./colors.js";

export class Pad {
  /** `onDrawn(values)` is called with the pixels, row by row, from 0 to 1. */
  constructor(canvas, onDrawn) {
    this.canvas = canvas;
    this.onDrawn = onDrawn;
    this.cursor = null;
    this.open([1, 8, 8]);
    const draw = (event) => {
      const box = canvas.getBoundingClientRect();
      this.put((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      draw(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && draw(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  open([, height, width]) {
    [this.height, this.width] = [height, width];
    this.clear();
  }

  clear() {
    this.values = new Float32Array(this.width * this.height);
    this.draw();
  }

  /** Ink at a place of the pad, both from 0 to 1, that fades towards the neighbours. */
  put(across, down) {
    const [x, y] = [across * this.width - 0.5, down * this.height - 0.5];
    for (let row = 0; row < this.height; row++) {
      for (let column = 0; column < this.width; column++) {
        const ink = Math.max(0, 1 - Math.hypot(column - x, row - y) / 1.15);
        const i = row * this.width + column;
        this.values[i] = Math.max(this.values[i], Math.min(1, 1.4 * ink));
      }
    }
    this.draw();
    this.onDrawn([...this.values]);
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    this.cursor ??= [this.width >> 1, this.height >> 1];
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      this.cursor = [clamp(this.cursor[0] + dx, this.width), clamp(this.cursor[1] + dy, this.height)];
      this.draw();
    } else if (event.key === " ") {
      this.put((this.cursor[0] + 0.5) / this.width, (this.cursor[1] + 0.5) / this.height);
    } else return;
    event.preventDefault();
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const [w, h] = [this.canvas.width / this.width, this.canvas.height / this.height];
    const zero = ground();
    this.values.forEach((value, i) => {
      const ink = styled("--ink") === "" ? 0 : zero[0] < 128 ? 255 : 0;
      context.fillStyle = css(zero.map((channel) => channel + (ink - channel) * value));
      context.fillRect((i % this.width) * w, Math.floor(i / this.width) * h, w, h);
    });
    if (this.cursor) {
      context.strokeStyle = styled("--accent");
      context.lineWidth = 2;
      context.strokeRect(this.cursor[0] * w + 1, this.cursor[1] * h + 1, w - 2, h - 2);
    }
  }
}

/** Lists what a network says of a drawing: a bar for each class. */
export function showAnswers(list, outputs, classes) {
  const best = outputs.indexOf(Math.max(...outputs));
  list.replaceChildren(
    ...[...outputs].map((share, i) => {
      const item = document.createElement("li");
      const bar = document.createElement("meter");
      Object.assign(bar, { min: 0, max: 1, value: share, title: shown(share) });
      item.append(`${classes[i] ?? i} `, bar);
      item.classList.toggle("best", i === best);
      return item;
    }),
  );
  list.setAttribute("aria-label", `Answer: ${classes[best] ?? best}`);
}

const clamp = (i, n) => Math.min(Math.max(i, 0), n - 1);
