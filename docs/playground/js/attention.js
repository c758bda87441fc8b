// What the heads of a model look at, and what it writes.

import { paint } from "./colors.js";

/** Draws the heads of attention into `place`, and what was read and written into `text`. */
export function showAttention(place, text, { source, target, written, heads }) {
  if (place.children.length !== heads.length) {
    place.replaceChildren(
      ...heads.map(({ name }) => {
        const figure = document.createElement("figure");
        const canvas = document.createElement("canvas");
        const caption = document.createElement("figcaption");
        caption.textContent = name.replaceAll(".layers.", " ").replaceAll(".", " ").replaceAll("_", " ");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Attention weights of ${name}: rows are queries, columns are keys`);
        figure.append(canvas, caption);
        return figure;
      }),
    );
  }
  heads.forEach(({ rows, columns, weights }, i) => {
    paint(place.children[i].firstChild, weights.map(Math.sqrt), columns, rows, 1);
  });
  const right = written.map((token, i) => (token === target[i] ? " " : "^")).join(" ");
  text.textContent = `read     ${source.join(" ")}\nexpected ${target.join(" ")}\nwritten  ${written.join(" ")}\n         ${right}`;
}
