// The drawing of a network: a button per neuron with its picture, a line per weight.

import { css, paint, shown, styled, tint } from "./colors.js";

const MOST_NODES = 12; // of a layer; the others are counted
const SVG = "http://www.w3.org/2000/svg";

export class Network {
  /** `onNeuron(layer, neuron)` is called when a neuron is chosen, `onEdge(text)` with what a line stands for. */
  constructor({ onNeuron, onEdge }) {
    this.drawing = document.getElementById("drawing");
    this.edges = document.getElementById("edges");
    this.nodes = document.getElementById("nodes");
    this.onNeuron = onNeuron;
    this.onEdge = onEdge;
    this.gradients = null;
    new ResizeObserver(() => this.about?.sizes.length && this.lay()).observe(this.drawing);
  }

  /** Draws another network: what `Session.describe` says of it. */
  open(about) {
    this.about = about;
    this.gradients = null;
    this.frame = null;
    this.drawing.hidden = !about.sizes.length;
    this.drawing.dataset.kind = about.kind;
    this.nodes.replaceChildren();
    this.edges.replaceChildren();
    this.layers = about.sizes.map((size, layer) => this.column(size, layer));
    this.lines = [];
    for (let layer = 1; layer < this.layers.length; layer++) {
      for (const from of this.layers[layer - 1]) {
        for (const to of this.layers[layer]) this.lines.push(this.line(layer - 1, from, to));
      }
    }
    if (about.sizes.length) this.lay();
  }

  /** The buttons of a layer; layer 0 are the inputs, of an image one button. */
  column(size, layer) {
    const isImage = layer === 0 && this.about.image.length > 0;
    const count = isImage ? 1 : Math.min(size, MOST_NODES);
    const names = layer === 0 ? this.about.features : layer === this.about.sizes.length - 1 ? this.about.classes : [];
    const nodes = [];
    for (let neuron = 0; neuron < count; neuron++) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "node";
      const isOutput = layer === this.about.sizes.length - 1;
      const name = isImage ? "image" : size === names.length ? names[neuron] : isOutput ? "out" : "";
      const where = layer === 0 ? "Input" : isOutput ? "Output" : `Hidden layer ${layer}, neuron`;
      button.setAttribute("aria-label", `${where} ${layer === 0 || isOutput ? name : neuron + 1}`);
      const canvas = document.createElement("canvas");
      const value = document.createElement("span");
      value.className = "value";
      button.append(canvas, value);
      if (name) {
        const label = document.createElement("span");
        label.className = "name";
        label.textContent = name;
        button.append(label);
      }
      button.addEventListener("click", () => this.onNeuron(layer, neuron));
      this.nodes.append(button);
      nodes.push({ layer, neuron, button, canvas, value });
    }
    if (size > count && !isImage) {
      const more = document.createElement("span");
      more.className = "more";
      more.textContent = `+ ${size - count}`;
      this.nodes.append(more);
      nodes.more = more;
    }
    return nodes;
  }

  line(layer, from, to) {
    const line = document.createElementNS(SVG, "line");
    const edge = { line, layer, from: from.neuron, to: to.neuron, ends: [from, to] };
    line.addEventListener("pointerenter", () => this.onEdge(this.told(edge)));
    this.edges.append(line);
    return edge;
  }

  /** Places everything for the present width. */
  lay() {
    const columns = this.layers.length;
    const most = Math.max(1, ...this.layers.map((nodes) => nodes.length + (nodes.more ? 1 : 0)));
    const width = this.drawing.clientWidth;
    const size = Math.max(22, Math.min(52, width / (columns * 1.9), (this.about.image.length ? 560 : 460) / most - 8));
    const pitch = size + (this.about.image.length ? 8 : 14);
    const height = most * pitch + 24;
    this.drawing.style.height = `${height}px`;
    this.edges.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.layers.forEach((nodes, layer) => {
      const x = columns === 1 ? width / 2 : 36 + (layer * (width - 100)) / (columns - 1);
      const rows = nodes.length + (nodes.more ? 1 : 0);
      nodes.forEach((node, row) => {
        node.x = x;
        node.y = height / 2 + (row - (rows - 1) / 2) * pitch;
        const own = layer === 0 && this.about.image.length ? size * 1.8 : size;
        Object.assign(node.button.style, {
          left: `${x - own / 2}px`, top: `${node.y - own / 2}px`, width: `${own}px`, height: `${own}px`,
        });
      });
      if (nodes.more) {
        const y = height / 2 + (nodes.length - (rows - 1) / 2) * pitch;
        Object.assign(nodes.more.style, { left: `${x - size / 2}px`, top: `${y - size / 3}px`, width: `${size}px` });
      }
    });
    for (const { line, ends: [a, b] } of this.lines) {
      line.setAttribute("x1", a.x);
      line.setAttribute("y1", a.y);
      line.setAttribute("x2", b.x);
      line.setAttribute("y2", b.y);
    }
  }

  /** Draws where the training is: weights, and what each neuron answers. */
  draw(frame) {
    if (!this.about?.sizes.length || !frame.layers) return;
    this.frame = frame;
    const { sizes, grid } = this.about;
    const largest = frame.layers.map((weights) => weights.reduce((most, w) => Math.max(most, Math.abs(w)), 1e-6));
    for (const edge of this.lines) {
      const weight = this.weight(edge);
      const share = Math.abs(weight) / largest[edge.layer];
      edge.line.setAttribute("stroke", css(tint(weight < 0 ? -1 : 1)));
      edge.line.setAttribute("stroke-width", (0.4 + 4 * Math.min(share, 1)).toFixed(2));
      edge.line.setAttribute("stroke-opacity", (0.15 + 0.75 * share).toFixed(2));
    }
    this.layers.slice(1).forEach((nodes, i) => {
      for (const node of nodes) {
        if (this.about.kind === "plane") {
          const picture = frame.pictures[i].subarray(node.neuron * grid * grid, (node.neuron + 1) * grid * grid);
          paint(node.canvas, this.centred(picture, i), grid, grid, this.scale(picture, i));
        } else if (i === 0 && this.about.image.length) {
          const [channels, height, width] = this.about.image;
          const size = sizes[0];
          const weights = frame.layers[0].subarray(node.neuron * size, node.neuron * size + (size / channels));
          const scale = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 1e-6);
          paint(node.canvas, weights, width, height, scale);
        } else {
          paint(node.canvas, [frame.values[i][node.neuron]], 1, 1, Math.max(...frame.values[i].map(Math.abs), 1));
        }
      }
    });
  }

  /** Draws the inputs: of an image its pixels, of points a slope across the plane. */
  inputs(values) {
    const { image, grid, sizes } = this.about;
    const nodes = this.layers[0] ?? [];
    if (image.length) return paint(nodes[0].canvas, values, image[2], image[1], 1);
    for (const { canvas, neuron } of nodes) {
      const across = neuron === (this.view?.[0] ?? 0);
      const up = neuron === (this.view?.[1] ?? 1) && sizes[0] > 1;
      const slope = Float32Array.from({ length: grid * grid }, (_, i) =>
        across ? ((i % grid) / grid) * 2 - 1 : up ? 1 - (Math.floor(i / grid) / grid) * 2 : 0);
      paint(canvas, slope, grid, grid, 1.4);
    }
  }

  /** The last layer around the output where its answer changes; hidden ones around 0. */
  centred(picture, layer) {
    const middle = layer === this.about.sizes.length - 2 && this.about.sizes.at(-1) === 1 ? this.about.middle : 0;
    return middle ? picture.map((value) => value - middle) : picture;
  }

  scale(picture, layer) {
    const isOutput = layer === this.about.sizes.length - 2;
    const least = isOutput && this.about.middle ? 0.5 : 1;
    return isOutput ? Math.max(least, 0) * (this.about.middle ? 1 : 3) : picture.reduce((m, v) => Math.max(m, Math.abs(v)), least);
  }

  weight({ layer, from, to }, of = this.frame.layers) {
    return of[layer][to * this.about.sizes[layer] + from];
  }

  told(edge) {
    if (!this.frame || this.about.image.length && edge.layer === 0) return "";
    const gradient = this.gradients ? `, gradient ${shown(this.weight(edge, this.gradients.weights))}` : "";
    const name = edge.layer === 0 ? this.about.features[edge.from] ?? edge.from + 1 : `neuron ${edge.from + 1}`;
    return `${name} → neuron ${edge.to + 1}: weight ${shown(this.weight(edge))}${gradient}`;
  }

  /** Writes a number on a neuron; null takes it away. */
  mark(layer, neuron, text, kind = "") {
    const node = this.layers[layer]?.[neuron];
    if (!node) return;
    node.value.textContent = text ?? "";
    node.button.dataset.mark = text === null ? "" : kind;
  }

  /** Colours the lines into a layer by other numbers than their weights, as by gradients; null goes back. */
  flow(layer, neuron, numbers) {
    const largest = numbers ? numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 1e-12) : 1;
    for (const edge of this.lines.filter((e) => e.layer === layer && e.to === neuron)) {
      edge.line.classList.toggle("flowing", Boolean(numbers));
      if (numbers) {
        const share = Math.abs(numbers[edge.from]) / largest;
        edge.line.setAttribute("stroke", numbers[edge.from] < 0 ? css(tint(-1)) : styled("--accent"));
        edge.line.setAttribute("stroke-width", (0.5 + 5 * share).toFixed(2));
        edge.line.setAttribute("stroke-opacity", "1");
      }
    }
  }

  clearMarks() {
    for (const nodes of this.layers ?? []) for (const { layer, neuron } of nodes) this.mark(layer, neuron, null);
    for (const { line } of this.lines ?? []) line.classList.remove("flowing");
    if (this.frame) this.draw(this.frame);
  }
}
