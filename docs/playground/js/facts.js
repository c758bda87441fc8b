// Where the training is, in numbers.

import { shown } from "./colors.js";

const $ = (id) => document.getElementById(`fact-${id}`);

/** Shows step, epoch, rate, losses and the metric of a picture of the training. */
export function showFacts(now, about) {
  $("step").textContent = now.step.toLocaleString("en");
  $("step").title = `of ${about.steps}`;
  $("step").dataset.step = now.step;
  $("epoch").textContent = now.epoch.toFixed(2);
  $("rate").textContent = shown(now.rate);
  $("loss").textContent = shown(now.loss);
  $("test-loss").textContent = shown(now.test["test/loss"]);
  const metric = now.test[`test/${about.metric}`];
  $("metric").textContent = typeof metric === "number" ? `${(100 * metric).toFixed(1)} %` : "–";
  $("step").classList.toggle("done", now.is_done);
}
