// Makes the Python of a page run in it: "Run" and "Edit" at each block, one Python for all of them. Blocks of commands say
// that they are for a terminal.

import { PYODIDE } from "./address.js";
import { Python } from "./python.js";

const isText = !/\/(reference|source)\//.test(location.pathname);
const all = isText ? [...document.querySelectorAll(".md-content pre")] : [];
const blocks = all.filter(isPython);
const cells = [];
let python = null; // started by the first block that is run
let ready; // a promise that Python is there
let giveUp; // rejects it

function isPython(pre) {
  return pre.closest(".language-python") !== null;
}

function isCommands(pre) {
  return pre.closest(".language-sh") !== null || /^\s*(\$ |(minigrad|python3?|pip|git|mpiexec) )/.test(pre.textContent);
}

class Cell {
  constructor(pre) {
    this.pre = pre;
    this.number = cells.length;
    this.isDone = false;
    this.bar = element("div", "run-bar");
    this.run = button("▶ Run", () => runUntil(this.number));
    this.edit = button("Edit", () => this.open());
    this.stop = button("Stop", restart);
    this.stop.hidden = true;
    this.note = element("span", "run-note");
    this.note.setAttribute("role", "status");
    this.output = element("div", "run-output");
    this.output.setAttribute("aria-live", "polite");
    this.bar.append(this.run, this.edit, this.stop, this.note);
    (pre.closest(".highlight") ?? pre).after(this.bar, this.output);
  }

  get code() {
    return this.area ? this.area.value : this.pre.querySelector("code").textContent;
  }

  open() {
    this.area = element("textarea", "run-editor");
    this.area.value = this.pre.querySelector("code").textContent.replace(/\n$/, "");
    this.area.rows = this.area.value.split("\n").length + 1;
    this.area.spellcheck = false;
    this.area.setAttribute("aria-label", "Python code of this block");
    this.area.addEventListener("input", () => (this.isDone = false));
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        runUntil(this.number);
      }
    });
    (this.pre.closest(".highlight") ?? this.pre).replaceWith(this.area);
    this.edit.remove();
    this.area.focus();
  }

  show({ printed, picture, error, lacks }) {
    this.output.replaceChildren();
    if (lacks) {
      this.output.append(text("run-lacks", `${lacks}: a page has no such thing. Run this block in a clone.`));
      return;
    }
    if (printed) this.output.append(text("run-printed", printed));
    if (picture) {
      const image = element("img", "run-picture");
      image.alt = "Picture of this block";
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture)}`;
      this.output.append(image);
    }
    if (error) this.output.append(text("run-error", error));
    if (!printed && !picture && !error) this.output.append(text("run-printed", "(nothing printed)"));
  }
}

/** Runs what was not run before a block, since it goes on from there, and then the block. What needs more is passed over. */
async function runUntil(last) {
  cells[last].isDone = false;
  for (const cell of cells.slice(0, last + 1).filter(({ isDone }) => !isDone)) {
    cell.stop.hidden = false;
    cell.note.textContent = "running …";
    try {
      await started(cell);
      cell.show(await python.ask("run_code", cell.code));
      cell.isDone = !cell.output.querySelector(".run-error");
    } catch (error) {
      cell.show({ error: error.message });
    }
    cell.stop.hidden = true;
    cell.note.textContent = "";
    if (!cell.isDone) return;
  }
}

/** Lets what is typed here reach the site and Pyodide's address alone: the worker inherits the policy of its page. */
function confine() {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `connect-src 'self' ${PYODIDE}; script-src 'self' blob: 'wasm-unsafe-eval' ${PYODIDE}`;
  document.head.append(policy);
}

function started(cell) {
  ready ??= new Promise((resolve, reject) => {
    if (!python) confine();
    giveUp = reject;
    python = new Python({
      onProgress: (percent, stage) => (cell.note.textContent = stage && `${stage} ${percent} %`),
      onReady: resolve,
      onFrame: () => {},
      onFailure: (reason) => reject(new Error(`Python could not be loaded: ${reason}. It needs WebAssembly and network access.`)),
    });
  });
  return ready;
}

/** Ends what runs; everything is forgotten then. */
function restart() {
  for (const cell of cells) cell.isDone = false;
  python?.end();
  giveUp?.(new Error("Python was ended"));
  ready = undefined;
}

function element(tag, className) {
  return Object.assign(document.createElement(tag), { className });
}

function text(className, content) {
  const pre = element("pre", className);
  pre.textContent = content;
  return pre;
}

function button(label, action) {
  const made = element("button", "run-button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", action);
  return made;
}

for (const pre of blocks) cells.push(new Cell(pre));
for (const pre of all.filter(isCommands)) {
  const note = element("p", "run-note run-terminal");
  const isMnist = /mnist/i.test(pre.textContent);
  note.textContent = `For a terminal. Needs minigrad on your machine, installed or in a clone${isMnist ? ", and MNIST" : ""}.`;
  (pre.closest(".highlight") ?? pre).after(note);
}
if (cells.length && location.pathname.includes("/lessons/")) {
  const link = Object.assign(document.createElement("a"), { textContent: "This lesson as a notebook", className: "run-note" });
  link.href = location.pathname.replace(/\.html$/, ".ipynb");
  link.download = "";
  document.querySelector(".md-content h1").after(link);
}
