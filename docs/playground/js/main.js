// The page: what is open, and what happens when something is pressed, typed, drawn or dropped.

import { Controls } from "./controls.js";
import { isDark, restyle, shown } from "./colors.js";
import { Curves } from "./curves.js";
import { Editor } from "./editor.js";
import { showFacts } from "./facts.js";
import { BadLink, read as readLink } from "./link.js";
import { Network } from "./network.js";
import { tellNeuron } from "./neuron.js";
import { Pad, showAnswers } from "./pad.js";
import { Plane, histogram } from "./plane.js";
import { Python, Refused } from "./python.js";
import { SlowMotion } from "./slow_motion.js";
import { showAttention } from "./attention.js";
import { takeHome } from "./take_home.js";

const $ = (id) => document.getElementById(id);
const PRESETS = [...$("preset").options].map((option) => option.value);
const PATIENCE = 4; // seconds after which a question may be ended by a button

let about = null; // what Session.describe says of the network that is open
let frame = null; // the latest picture of its training
let points = []; // drawn by hand: [x, y, class]
let table = null; // a dropped CSV: {name, content}, which a restarted Python is given again
let opening = 0; // counts what was opened, so that a late answer to an earlier one is left out
let isReady = false;
let wanted = 0; // steps that a link asks for, once its config is open
let ended = null; // the config that was open when Python was ended, which is not opened again by itself
let drawn = 0; // pictures drawn, for those who measure

const network = new Network({ onNeuron: showNeuron, onEdge: (text) => ($("edge-info").textContent = text || "\u00a0") });
const slow = new SlowMotion(network);
const curves = new Curves($("curves"));
const plane = new Plane($("plane"), { onPoint: drawPoint, onPick: pick });
const pad = new Pad($("pad"), predict);
const editor = new Editor($("editor"), { onChange: () => open(), complete: (...place) => python.ask("complete", ...place) });
const controls = new Controls($("controls"), turn);

const python = new Python({ onProgress, onReady, onFrame, onFailure: fail });

const state = () => ({ config: editor.text, points, table: editor.text.includes("path:") && !points.length ? table : null });
takeHome({ ask: (...question) => python.ask(...question), pause: () => play(false), state });

// -- loading ------------------------------------------------------------------------------------------------------------

function onProgress(percent, stage) {
  $("progress").value = percent;
  $("stage").textContent = stage;
}

async function onReady() {
  isReady = true;
  $("loading").hidden = true;
  $("stop").hidden = true;
  if (table) await python.ask("save_table", table.name, table.content);
  if (editor.text === ended) showProblems([whole("This config took too long and was stopped. Change it, or choose a preset.")]);
  else await open();
}

function fail(reason) {
  $("loading").hidden = true;
  banner(`Python could not be loaded: ${reason}. It needs WebAssembly and, the first time, network access. You can still edit and download the config.`);
}

function banner(text) {
  $("banner").textContent = text ?? "";
  $("banner").hidden = !text;
}

// -- opening a config -----------------------------------------------------------------------------------------------------

/** Opens what the editor holds: checks it, shows its errors or its network. */
async function open({ keepPlaying = python.playing } = {}) {
  const turnOf = ++opening;
  if (!isReady) return;
  python.play(null);
  slow.close();
  try {
    if (points.length) await python.ask("save_points", points);
    const values = await python.ask("check", editor.text);
    if (turnOf !== opening) return;
    controls.show(values);
    const opened = await python.ask("start", editor.text);
    if (turnOf !== opening) return;
    showProblems([]);
    show(opened);
    if (keepPlaying) play(true);
    if (wanted) await catchUp();
  } catch (error) {
    if (turnOf === opening) showProblems(error.problems?.length ? error.problems : [whole(error.message)]);
  }
}

/** A problem of the config as a whole. */
const whole = (message) => ({ line: 0, column: 1, width: 1, message });

function showProblems(problems) {
  editor.show(problems);
  const places = problems.map(({ line, message }) => (line ? `Line ${line}: ${message}` : message));
  $("problems").textContent = places.join(" · ");
  for (const id of ["play", "step", "example", "slow", "reset", "take-run", "take-python"]) $(id).disabled = problems.length > 0;
  if (problems.length) about = null;
}

function show(opened) {
  about = opened.about;
  const { kind, classes, features, metric, sizes } = about;
  network.view = [0, 1];
  network.open(about);
  curves.clear();
  plane.open(about);
  plane.picked = 0;
  $("plane-panel").hidden = kind !== "plane";
  $("pad-panel").hidden = kind !== "image";
  $("sequence-panel").hidden = $("heads").hidden = kind !== "sequence";
  $("neuron-panel").hidden = true;
  $("scores").hidden = !(kind === "plane" && sizes.at(-1) === 1 && features.length > 2);
  $("axes").hidden = features.length < 3;
  $("draw-row").hidden = features.length !== 2;
  for (const [i, id] of ["axis-x", "axis-y"].entries()) {
    $(id).replaceChildren(...features.map((name, n) => new Option(name, n, n === i, n === i)));
  }
  const name = (metric || "accuracy").replaceAll("_", " ");
  $("metric-name").textContent = $("metric-legend").textContent = `test ${name}`;
  $("plane-note").textContent = `${about.examples} training examples (filled)${classes.length ? `, classes ${classes.join(", ")}` : ""}; rings are test examples.`;
  $("network-note").textContent = {
    plane: "Each picture shows the output of a neuron over the plane. Click a neuron to see its weighted sum.",
    image: "Each picture shows the weights of a hidden neuron: ink on blue increases its sum, ink on orange decreases it.",
    sequence: "Attention weights: rows are query tokens, columns are key tokens; the bluer, the larger the weight.",
    other: `This model is not a chain of layers, so it is not drawn. It has ${about.weights} weights.\n${about.model}`,
  }[kind];
  if (kind === "image") pad.open(about.image);
  onFrame(opened.frame);
  pick(0);
  document.documentElement.dataset.open = about.name;
}

async function usePreset(name) {
  points = [];
  const response = await fetch(`presets/${name}.yaml`);
  editor.text = await response.text();
  $("preset").value = name;
  await open({ keepPlaying: false });
}

async function useLink() {
  try {
    const state = await readLink(location.hash, PRESETS);
    if (state?.preset || !state) return usePreset(state?.preset ?? "moons");
    [points, editor.text, wanted] = [state.points, state.config, state.steps];
    await open({ keepPlaying: false });
  } catch (error) {
    if (!(error instanceof BadLink)) throw error;
    banner(error.message);
    await usePreset("moons");
  }
}

/** Trains as far as a link says, within five seconds. */
async function catchUp() {
  const steps = wanted;
  wanted = 0;
  onFrame(await python.ask("advance", 5, steps));
}

async function turn(name, value) {
  try {
    editor.text = await python.ask("turn", editor.text, name, value);
    await open();
  } catch (error) {
    showProblems(error.problems ?? []);
  }
}

// -- training -------------------------------------------------------------------------------------------------------------

function play(on) {
  if (on) slow.close();
  python.play(on ? Number($("pace").value) : null);
  showPlaying();
}

function showPlaying() {
  $("play").textContent = python.playing ? "❚❚ Pause" : "▶ Play";
}

function onFrame(next) {
  if (next.trouble) banner(next.trouble);
  if (next.step === undefined) return showPlaying();
  const isFirst = frame === null;
  frame = next;
  curves.add(next, about?.metric);
  if (isFirst) requestAnimationFrame(draw);
}

/** Draws the latest picture; those that came in between are never drawn. */
function draw() {
  const now = frame;
  frame = null;
  if (!now || !about) return;
  network.draw(now);
  plane.draw(now);
  if (now.attention) showAttention($("heads"), $("sequence"), now.attention);
  showFacts(now, about);
  $("plane").setAttribute("aria-label", `Decision plane at step ${now.step}: test loss ${shown(now.test["test/loss"])}`);
  if (!python.playing) refreshDetails();
  document.documentElement.dataset.drawn = ++drawn;
  showPlaying();
}

/** What is only asked for while nothing moves: gradients, scores, the table of the chosen neuron. */
async function refreshDetails() {
  if (!about?.sizes.length) return;
  const turnOf = opening;
  try {
    const gradients = await python.ask("gradients");
    if (turnOf !== opening) return;
    network.gradients = gradients;
    if (!$("scores").hidden) histogram($("scores"), await python.ask("scores"));
    if (!$("neuron-panel").hidden) await tell(...showNeuron.last);
  } catch (error) {
    forgive(error);
  }
}

/** Of what is only looked at, a late answer may fail: the config has changed, or Python was ended. */
function forgive(error) {
  if (!(error instanceof Refused)) throw error;
}

async function once(question, ...args) {
  play(false);
  try {
    onFrame(await python.ask(question, ...args));
  } catch (error) {
    banner(error.message);
  }
}

// -- looking inside -------------------------------------------------------------------------------------------------------

function showNeuron(layer, neuron) {
  if (layer === 0) return;
  showNeuron.last = [layer, neuron];
  $("neuron-panel").hidden = false;
  tell(layer, neuron).catch(forgive);
}

async function tell(layer, neuron) {
  const isOutput = layer === about.sizes.length - 1;
  const title = `${isOutput ? "Output" : `Layer ${layer}, neuron`} ${neuron + 1}, at example ${plane.picked + 1}`;
  tellNeuron(title, await python.ask("explain", layer - 1, neuron));
}

async function pick(index) {
  if (!about || about.kind === "other") return;
  const picked = await python.ask("pick", index).catch(forgive);
  if (!picked) return;
  plane.picked = picked.index;
  network.inputs(picked.inputs);
  onFrame(picked.frame);
}

async function slowMotion() {
  play(false);
  try {
    slow.open(await python.ask("slow"), about);
  } catch (error) {
    banner(error.message);
  }
}

async function predict(values) {
  const { outputs, values: inside } = await python.ask("predict", values);
  showAnswers($("answers"), outputs, about.classes);
  if (inside) network.inputs(values);
}

// -- data of one's own ----------------------------------------------------------------------------------------------------

let drawing; // a timer: several points are one change

async function drawPoint(x, y, kind) {
  if (!points.length && !drawPoint.cleared) points = current();
  points.push([x, y, kind]);
  plane.take({ points: Float32Array.from([...plane.points, x, y, kind, 0, -1]), bounds: plane.bounds });
  plane.draw();
  clearTimeout(drawing);
  drawing = setTimeout(openDrawn, 400);
}

/** The points of the plane that is shown, to which the first drawn one is added. */
function current() {
  const kept = [];
  for (let i = 0; i < plane.points.length; i += 5) kept.push([...plane.points.subarray(i, i + 3)]);
  return kept;
}

async function openDrawn() {
  const kinds = new Set(points.map((point) => point[2])).size;
  const enough = kinds > 1 && points.length >= 10;
  $("draw-note").textContent = enough ? "" : `${points.length} points: draw at least 10, in two colors.`;
  if (!enough) return;
  editor.text = await python.ask("draw_points", editor.text, points);
  await open();
}

function clearPoints() {
  play(false);
  points = [];
  drawPoint.cleared = true;
  plane.take({ points: new Float32Array(), bounds: plane.bounds });
  plane.output = null;
  plane.draw();
  $("draw-note").textContent = "Choose a color and draw at least 10 points, in two colors.";
}

async function useFile(file) {
  try {
    table = { name: file.name, content: await file.text() };
    const { path, columns } = await python.ask("save_table", table.name, table.content);
    $("target-label").hidden = false;
    $("target").replaceChildren(...columns.map((name) => new Option(name)));
    $("target").value = columns.at(-1);
    $("target").dataset.path = path;
    await useTarget();
  } catch (error) {
    $("problems").textContent = error.message;
  }
}

async function useTarget() {
  try {
    points = [];
    editor.text = await python.ask("table_config", $("target").dataset.path, $("target").value);
    await open({ keepPlaying: false });
  } catch (error) {
    $("problems").textContent = error.message;
  }
}

// -- what can be pressed --------------------------------------------------------------------------------------------------

const onClick = (id, action) => $(id).addEventListener("click", action);
onClick("play", () => play(!python.playing));
onClick("step", () => once("advance", 10, 1));
onClick("example", () => pick(plane.picked + 1));
onClick("slow", slowMotion);
onClick("reset", () => (banner(null), open({ keepPlaying: false })));
onClick("stop", () => {
  [isReady, ended] = [false, editor.text];
  $("loading").hidden = false;
  python.restart();
});
onClick("clear", clearPoints);
onClick("pad-clear", () => (pad.clear(), $("answers").replaceChildren()));
onClick("theme", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  repaint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

/** Draws everything in the colours of a page that has become light or dark. */
function repaint() {
  restyle();
  if (about) pick(plane.picked);
  curves.draw();
  pad.draw();
}

$("preset").addEventListener("change", () => usePreset($("preset").value));
$("pace").addEventListener("change", () => python.playing && play(true));
$("target").addEventListener("change", useTarget);
$("file").addEventListener("change", ({ target }) => target.files[0] && useFile(target.files[0]));
for (const id of ["axis-x", "axis-y"]) {
  $(id).addEventListener("change", async () => {
    network.view = [Number($("axis-x").value), Number($("axis-y").value)];
    const looked = await python.ask("look", network.view);
    plane.take(looked);
    onFrame(looked.frame);
    pick(plane.picked);
  });
}
document.querySelectorAll("[name=brush]").forEach((field) =>
  field.addEventListener("change", () => (plane.brush = Number(field.value))));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) useFile(event.dataTransfer.files[0]);
  });
}
addEventListener("hashchange", () => (banner(null), useLink()));
setInterval(() => ($("stop").hidden = !isReady || python.patience < PATIENCE), 500);

useLink();
