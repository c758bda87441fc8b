// Python in a worker: loads Pyodide, NumPy and minigrad, then answers questions and trains between them.

const PACKAGES = ["numpy", "pyyaml", "tqdm", "threadpoolctl"];
const HOME = "/home/pyodide";

let python, answer;
let playing = null; // {seconds, steps} while training goes on by itself
const turns = new MessageChannel(); // gives other messages their turn between two pictures, without a timer's delay

onmessage = ({ data }) => {
  if (data.start) return load(data.start).catch(failed);
  if (data.play !== undefined) return play(data.play);
  postAnswer(data.id, ask(data.name, data.args));
};
turns.port1.onmessage = train;

async function load({ pyodide, site }) {
  tell(5, "Loading Python …");
  const { loadPyodide } = await import(pyodide + "pyodide.mjs");
  python = await loadPyodide({ indexURL: pyodide, stdout: () => {}, stderr: (line) => console.log(line) });
  tell(55, "Loading NumPy …");
  await python.loadPackage(PACKAGES, { messageCallback: () => {}, errorCallback: (line) => console.log(line) });
  tell(85, "minigrad is being fetched …");
  await python.unpackArchive(await fetched(site + "minigrad.tar.bz2"), "bztar", { extractDir: HOME });
  tell(95, "minigrad is being imported …");
  answer = python.runPython("from playground.page import answer; answer");
  tell(100, "");
  postMessage({ ready: true });
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

function ask(name, args) {
  const given = python.toPy(args);
  const said = answer(name, given);
  const value = said.toJs({ dict_converter: Object.fromEntries, create_pyproxies: false });
  said.destroy();
  given.destroy();
  return value;
}

function play(pace) {
  const idle = playing === null;
  playing = pace;
  if (idle && pace) turns.port2.postMessage(null);
}

function train() {
  if (!playing) return;
  const said = ask("advance", [playing.seconds, playing.steps]);
  const frame = said.value;
  if (!frame || frame.is_done || frame.trouble) playing = null;
  postMessage(frame ? { frame } : { stopped: said.error });
  if (playing) turns.port2.postMessage(null);
}

const tell = (percent, stage) => postMessage({ percent, stage });
const postAnswer = (id, said) => postMessage({ id, ...said });
const failed = (error) => postMessage({ failed: String(error.message ?? error) });
