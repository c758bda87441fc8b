// Exports: the config, the run, a link, and equivalent Python code.

import { write as writeLink } from "./link.js";

const $ = (id) => document.getElementById(id);

/** Wires the buttons. `state()` returns {config, points, table}; `ask` puts a question to Python. */
export function takeHome({ ask, pause, state }) {
  const say = (text) => ($("taken").textContent = text);
  const name = () => /^name:\s*([\w.-]+)/m.exec(state().config)?.[1] ?? "playground";

  $("take-config").addEventListener("click", () => download(state().config, `${name()}.yaml`, "text/yaml"));

  $("take-run").addEventListener("click", async () => {
    pause();
    say("Creating the run, by the same steps …");
    try {
      download(await ask("run"), `${name()}_run.zip`, "application/zip");
      say("The zip file contains runs/…, for minigrad report, predict and resume.");
    } catch (error) {
      say(error.message);
    }
  });

  $("take-link").addEventListener("click", async () => {
    const { config, points, table } = state();
    const steps = Number($("fact-step").dataset.step) || 0;
    const url = new URL(location.href);
    url.hash = await writeLink({ config, points: points.map(([x, y, c]) => [+x.toPrecision(5), +y.toPrecision(5), c]), steps });
    history.replaceState(null, "", url);
    const isCopied = await navigator.clipboard?.writeText(url.href).then(() => true, () => false);
    say((isCopied ? "The link is copied." : "The link is in the address bar.") + (table ? " Your table is not in it." : ""));
  });

  $("take-python").addEventListener("click", async () => {
    $("python").hidden = !$("python").hidden;
    if (!$("python").hidden) $("python").textContent = await ask("script").catch((error) => error.message);
  });
}

function download(content, filename, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
