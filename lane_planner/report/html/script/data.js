// The data, and how it is put in words.

const D = JSON.parse(document.getElementById("data").textContent);
const T = D.texts;
const M = D.modules;
const COUNT = M.path.length;
const [PACKAGE, NAMESPACE, NOT_IMPORTABLE, BROKEN] = [1, 2, 4, 8];
const KINDS = [
  [1, "eager"],
  [2, "deferred"],
  [4, "typing"],
  [8, "optional"],
];
const PAGE = 50; // rows of a table that are shown at once
const MOST_ROWS = 120; // of the matrix, within one package
const root = document.documentElement;
const main = document.getElementById("main");
const said = document.getElementById("said");

const number = new Intl.NumberFormat("en");
const fig = (n) => number.format(n);
const plural = (n, noun, more) => `${fig(n)} ${n === 1 ? noun : more || `${noun}s`}`;
const percent = (thousandths) => `${(thousandths / 10).toFixed(1)} %`;
const isModule = (i) => i >= 0 && i < COUNT;
const laneName = (i) => (i < 0 ? "(no lane)" : D.lanes[i].name);

function duration(seconds) {
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.floor(seconds % 60);
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${fig(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function pathOf(i) {
  const path = M.path[i];
  if (typeof path === "string") return path;
  const stem = T[i].replaceAll(".", "/");
  return path === 0 ? `${stem}.py` : path === 1 ? `${stem}/__init__.py` : stem;
}

const fileOf = (i) => (isModule(i) ? pathOf(i) : T[i]);
const kindsOf = (mask) =>
  KINDS.filter(([bit]) => mask & bit)
    .map(([, word]) => word)
    .join(", ");

function segments(i) {
  const name = T[i];
  return M.flags[i] & NOT_IMPORTABLE ? name.split("/") : name.split(".");
}

// The end of a name, which tells more of it than its beginning.
const tail = (name, most) => (name.length > most ? `…${name.slice(1 - most)}` : name);

// A name that fits beside a chart: its first and its last parts.
const short = (name, most = 40) => {
  if (name.length <= most) return name;
  const sign = name.includes("/") ? "/" : ".";
  const parts = name.split(sign);
  const ends = `${parts[0]}…${parts.slice(-2).join(sign)}`;
  return parts.length < 4 || ends.length > most ? tail(name, most) : ends;
};
// How many letters of a chart's text fit into a width, and no fewer than say anything.
const lettersIn = (width) => Math.max(8, Math.min(40, Math.floor(width / 7)));
