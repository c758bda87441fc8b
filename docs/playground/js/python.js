// The page's end of the worker: questions as promises, pictures of the training as they come.

import { PYODIDE } from "./address.js";

/** A question that Python refused; `problems` have places in the config if the config is to blame. */
export class Refused extends Error {
  constructor({ problems, error }) {
    super(error ?? problems.map((problem) => problem.message).join("; "));
    this.problems = problems ?? [];
  }
}

export class Python {
  /** `listeners`: onProgress(percent, stage), onReady(), onFrame(frame), onFailure(message). */
  constructor(listeners) {
    this.listeners = listeners;
    this.start();
  }

  /** Starts a worker that inherits this page's Content-Security-Policy, as one made from a blob does. */
  start() {
    const site = new URL("..", import.meta.url).href;
    const code = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.waiting = new Map();
    this.last = 0;
    this.playing = false;
    if (typeof WebAssembly !== "object") {
      return setTimeout(() => this.listeners.onFailure("this browser has no WebAssembly"));
    }
    this.worker = new Worker(url, { type: "module" });
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = () => this.listeners.onFailure("its worker could not be started");
    this.worker.postMessage({ start: { pyodide: PYODIDE, site } });
  }

  /** Ends Python, whatever it is doing. */
  end() {
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new Refused({ error: "Python was ended" }));
  }

  /** Ends Python and starts it again. */
  restart() {
    this.end();
    this.start();
  }

  hear(data) {
    const { onProgress, onReady, onFrame, onFailure } = this.listeners;
    if (data.percent !== undefined) return onProgress(data.percent, data.stage);
    if (data.ready) return onReady();
    if (data.failed) return onFailure(data.failed);
    if (data.frame || data.stopped) {
      if (!data.frame || data.frame.is_done || data.frame.trouble) this.playing = false;
      return onFrame(data.frame ?? { trouble: data.stopped });
    }
    const { resolve, reject } = this.waiting.get(data.id) ?? {};
    this.waiting.delete(data.id);
    if (data.problems || data.error) reject?.(new Refused(data));
    else resolve?.(data.value);
  }

  /** Asks one of the questions of page.py. */
  ask(name, ...args) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, since: performance.now() });
      this.worker.postMessage({ id, name, args });
    });
  }

  /** How long the oldest question has been waiting, in seconds. */
  get patience() {
    const oldest = Math.min(...[...this.waiting.values()].map(({ since }) => since));
    return this.waiting.size ? (performance.now() - oldest) / 1000 : 0;
  }

  /** Trains by itself, at most `steps` a picture; null pauses. */
  play(steps) {
    this.playing = steps !== null;
    this.worker.postMessage({ play: this.playing ? { seconds: 0.01, steps } : null });
  }
}
