// Slow motion: the forward and backward pass of one example by Scalar, neuron by neuron.

import { shown } from "./colors.js";

const BEAT = 650; // milliseconds

export class SlowMotion {
  constructor(network) {
    this.network = network;
    this.panel = document.getElementById("slow-panel");
    this.text = document.getElementById("slow-text");
    this.where = document.getElementById("slow-where");
    this.rows = document.querySelector("#slow-table tbody");
    this.button("slow-next", () => this.next());
    this.button("slow-run", () => (this.timer ? this.halt() : this.run()));
    this.button("slow-close", () => this.close());
  }

  button(id, action) {
    document.getElementById(id).addEventListener("click", action);
  }

  /** Begins with the numbers of `Slow.numbers`. */
  open(numbers, about) {
    this.close();
    this.panel.hidden = false;
    this.rows.replaceChildren();
    this.scenes = [...forwards(numbers, about), ...backwards(numbers)];
    this.at = -1;
    numbers.inputs.forEach((x, i) => this.network.mark(0, i, shown(x), "forward"));
    this.text.textContent = `The inputs of the example: ${numbers.inputs.map(shown).join(", ")}. Next: the forward pass.`;
    this.where.textContent = "";
    this.run();
  }

  run() {
    document.getElementById("slow-run").textContent = "Pause";
    this.timer = setInterval(() => this.next(), BEAT);
  }

  halt() {
    clearInterval(this.timer);
    this.timer = null;
    document.getElementById("slow-run").textContent = "Run";
  }

  close() {
    this.halt();
    this.panel.hidden = true;
    this.network.clearMarks();
  }

  next() {
    const scene = this.scenes[this.at + 1];
    if (!scene) return this.halt();
    this.at += 1;
    const { layer, neuron, text, mark, kind, flow, row } = scene;
    this.where.textContent = `${this.at + 1} of ${this.scenes.length}`;
    this.text.textContent = text;
    if (layer !== undefined) this.network.mark(layer, neuron, mark, kind);
    if (flow) this.network.flow(layer - 1, neuron, flow);
    if (row) this.note(...row);
  }

  /** Writes numbers into the table: the row of a neuron, and from which column on. */
  note(name, column, ...numbers) {
    let line = [...this.rows.rows].find((row) => row.cells[0].textContent === name);
    if (!line) {
      line = this.rows.insertRow();
      for (let i = 0; i < 4; i++) line.insertCell();
      line.cells[0].textContent = name;
    }
    numbers.forEach((number, i) => (line.cells[column + i].textContent = shown(number)));
  }
}

function* forwards({ inputs, layers, loss }, about) {
  let before = inputs;
  for (const [i, { sums, values, weights, biases, activation }] of layers.entries()) {
    for (const [n, sum] of sums.entries()) {
      const terms = weights[n].map((w, j) => `${shown(w)}·${shown(before[j])}`);
      const through = activation === "identity" ? "" : `; ${activation} of that is ${shown(values[n])}`;
      yield {
        layer: i + 1, neuron: n, kind: "forward", mark: shown(values[n]), flow: weights[n].map((w, j) => w * before[j]),
        text: `${named(i, n, layers)}: ${terms.join(" + ")} + bias ${shown(biases[n])} = ${shown(sum)}${through}`,
        row: [named(i, n, layers), 1, sum, values[n]],
      };
    }
    before = values;
  }
  yield { text: `The loss of this example is ${shown(loss)}. Next: the backward pass, by the chain rule.` };
}

function* backwards({ layers }) {
  for (const [i, layer] of [...layers.entries()].reverse()) {
    for (const [n, gradient] of layer.sum_gradients.entries()) {
      const through = layer.activation === "identity" ? "" : ` = ${shown(layer.value_gradients[n])} · slope of ${layer.activation}`;
      const each = layer.weight_gradients[n].map(shown).join(", ");
      yield {
        layer: i + 1, neuron: n, kind: "backward", mark: shown(gradient), flow: layer.weight_gradients[n],
        text: `${named(i, n, layers)}: ∂L/∂sum${through} = ${shown(gradient)}; times each input, the gradients of its weights: ${each}`,
        row: [named(i, n, layers), 3, gradient],
      };
    }
  }
  yield { text: "Every weight now has its gradient. An optimizer step moves each weight against its gradient." };
}

const named = (layer, neuron, layers) =>
  layer === layers.length - 1 ? `output ${neuron + 1}` : `layer ${layer + 1}, neuron ${neuron + 1}`;
