// What is told of a neuron: its weighted sum, and each of its weights with the gradient, for those who point at no lines.

import { shown } from "./colors.js";

const [heading, sumTable, table] = ["title", "table", "weights"].map((part) => document.getElementById(`neuron-${part}`));

/** Shows what `Session.explain` says of a neuron. */
export function tellNeuron(title, { sum, weights, others }) {
  if (heading.textContent !== title) heading.textContent = title; // which is read aloud, once
  sumTable.textContent = sum;
  const which = others ? `for this example; ${others} with smaller gradients are left out` : "for this example";
  table.caption.textContent = `Weights and gradients ${which}`;
  table.tBodies[0].replaceChildren(...weights.map(([name, ...numbers]) => row(name, numbers.map(shown))));
}

function row(name, cells) {
  const made = document.createElement("tr");
  const head = Object.assign(document.createElement("th"), { scope: "row", textContent: name });
  made.append(head, ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return made;
}
