// What several views work out of the data, each once and when it is asked for.

function memo(make) {
  let made;
  return () => (made === undefined ? (made = make()) : made);
}

function* importsOf(i) {
  const row = D.imports[i];
  for (let at = 0; at < row.length; at += 3) yield [row[at], row[at + 1], row[at + 2]];
}

const importers = memo(() => {
  const found = Array.from({ length: COUNT }, () => []);
  for (let i = 0; i < COUNT; i++) {
    for (const [to, line, kinds] of importsOf(i)) found[to].push([i, line, kinds]);
  }
  return found;
});

const byName = memo(() => {
  const found = new Map();
  for (let i = 0; i < COUNT; i++) found.set(T[i], i);
  return found;
});

const forbidden = memo(() => new Set(D.violations.map((v) => v[1] * T.length + v[2])));
const isForbidden = (from, to) => forbidden().has(from * T.length + to);

const cyclesOf = memo(() => {
  const found = new Map();
  D.cycles.forEach((cycle, at) =>
    cycle.modules.forEach((i) => {
      if (!found.has(i)) found.set(i, []);
      found.get(i).push(at);
    }),
  );
  return found;
});

function inCycle(from, to, kinds) {
  const here = cyclesOf().get(from);
  const there = here && cyclesOf().get(to);
  return (
    Boolean(there) &&
    here.some((at) => there.includes(at) && kinds & (D.cycles[at].code === "LP201" ? 1 : 3))
  );
}

const steps = D.plans.map((plan) =>
  memo(() => {
    const found = new Map();
    plan.steps.forEach((step, at) => step[4].forEach((i) => found.set(`${step[1]}:${i}`, at)));
    return found;
  }),
);

const blockedIn = D.plans.map((plan) =>
  memo(() => {
    const found = new Map();
    plan.blocked.forEach((entry) => found.set(`${entry[1]}:${entry[0]}`, entry));
    return found;
  }),
);

const route = (plan) => [plan.hops[0][0], plan.hops[plan.hops.length - 1][1]];
const routeWords = (plan) => [plan.hops[0][0], ...plan.hops.map((hop) => hop[1])].join(" → ");
const batchUrl = (plan, id) => url("batch", ...route(plan), String(id));
const cycleUrl = (cycle) => url("cycle", cycle.code, T[cycle.modules[0]]);
const stepPlace = (plan, step) => [
  `${step[0]}, wave ${step[2]}, `,
  link(batchUrl(plan, step[3]), `batch ${step[3]}`),
];

const violationColumns = [
  { title: "Importer", cell: (v) => moduleLink(v[1]), key: (v) => T[v[1]] },
  { title: "Imported", cell: (v) => moduleLink(v[2]), key: (v) => T[v[2]] },
  {
    title: "Lanes",
    tight: true,
    cell: (v) => `${laneName(v[3])} → ${laneName(v[4])}`,
    key: (v) => `${laneName(v[3])} ${laneName(v[4])}`,
  },
  { title: "Place", cell: (v) => soft(`${fileOf(v[1])}:${v[5]}`), key: (v) => fileOf(v[1]) },
  { title: "Kind", tight: true, cell: (v) => v[6], key: (v) => v[6] },
  {
    title: "Code",
    tight: true,
    cell: (v) => [code(v[0]), v[8] >= 0 ? ` ${T[v[8]]}` : ""],
    key: (v) => v[0],
  },
  {
    title: "Status",
    tight: true,
    cell: (v) => (v[7] === "new" ? warn("new") : v[7]),
    key: (v) => v[7],
  },
];
const violationText = (v) =>
  `${T[v[1]]} ${T[v[2]]} ${laneName(v[3])} ${laneName(v[4])} ${v[0]} ${v[7]}`;
