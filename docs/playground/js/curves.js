// Loss and metric over the steps.

import { CLASSES, css, shown, styled } from "./colors.js";

const MOST = 1500; // points of a curve; beyond, every second one is left out

export class Curves {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() {
    this.records = [];
    this.stride = 1;
    this.seen = 0;
    this.draw();
  }

  add({ step, loss, test }, metric) {
    if (loss === undefined || step === this.records.at(-1)?.[0]) return;
    if (this.seen++ % this.stride === 0) this.records.push([step, loss, test["test/loss"], test[`test/${metric}`]]);
    if (this.records.length > MOST) {
      this.records = this.records.filter((_, i) => i % 2 === 0);
      this.stride *= 2;
    }
    if (this.seen % 4 === 1) this.draw();
  }

  draw() {
    const { canvas, records } = this;
    const context = canvas.getContext("2d");
    const [width, height, left, bottom] = [canvas.width, canvas.height, 70, 34];
    context.clearRect(0, 0, width, height);
    context.strokeStyle = styled("--line");
    context.fillStyle = styled("--quiet");
    context.font = "20px system-ui";
    context.strokeRect(left, 10, width - left - 60, height - bottom - 10);
    if (records.length < 2) return;
    const last = records.at(-1)[0], first = records[0][0];
    const most = Math.max(...records.map((r) => Math.max(r[1], r[2] ?? 0)).filter(Number.isFinite), 1e-9);
    const across = (step) => left + ((step - first) / (last - first || 1)) * (width - left - 60);
    const up = (value, top) => height - bottom - (value / top) * (height - bottom - 10);
    const curve = (column, top, color) => {
      context.beginPath();
      for (const record of records) {
        if (Number.isFinite(record[column])) context.lineTo(across(record[0]), up(record[column], top));
      }
      context.strokeStyle = color;
      context.lineWidth = 3;
      context.stroke();
    };
    curve(3, 1, css(CLASSES[2]));
    curve(1, most, css(CLASSES[0]));
    curve(2, most, css(CLASSES[1]));
    context.lineWidth = 1;
    context.fillStyle = styled("--quiet");
    context.textAlign = "right";
    context.fillText(shown(Number(most.toPrecision(2))), left - 8, 28);
    context.fillText("0", left - 8, height - bottom);
    context.fillText(String(last), width - 60, height - 8);
    context.textAlign = "left";
    context.fillText("100 %", width - 56, 28);
    context.fillText(String(first), left, height - 8);
  }
}
