// Plans as waves and batches, and one batch.

function planTabs(view, plan) {
  if (D.plans.length < 2) return null;
  return h(
    "nav",
    { class: "tabs", "aria-label": "Plans" },
    h(
      "ul",
      {},
      D.plans.map((other) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: url(view, ...route(other)), "aria-current": other === plan ? "page" : null },
            routeWords(other),
          ),
        ),
      ),
    ),
  );
}

// The plan from one lane to another; of nothing given, the first in which something can move.
function planOf(source, target) {
  if (source === undefined) return D.plans.find((plan) => plan.steps.length) || D.plans[0];
  return D.plans.find(
    (plan) => route(plan)[0] === source && (target === undefined || route(plan)[1] === target),
  );
}

function withPlan(view, title, source, target, make) {
  const plan = planOf(source, target);
  if (!D.plans.length) return [h("h1", {}, title), note("This page was made without plans.")];
  if (!plan) return missing(`plan from ${source} to ${target}`);
  return [h("h1", {}, `${title}: ${routeWords(plan)}`), planTabs(view, plan), ...make(plan)];
}

function planView(source, target) {
  return withPlan("plan", "Plan", source, target, (plan) => {
    const s = plan.summary;
    const codes = new Map();
    for (const [, , causes] of plan.blocked) {
      for (const word of new Set(
        causes
          .filter((cause) => ownCause(plan, cause) || plan.causes[cause[0]][0] === "LP403")
          .map((cause) => plan.causes[cause[0]][0]),
      ))
        codes.set(word, (codes.get(word) || 0) + 1);
    }
    const kinds = [...codes].sort((a, b) => b[1] - a[1]);
    return [
      plan.assumed.length
        ? h("p", { class: "note is-bad" }, `Assumed: ${plan.assumed.join(", ")}`)
        : null,
      tiles([
        ["candidates", fig(s.candidates)],
        ["can be promoted", fig(s.promotable)],
        ["blocked", fig(s.blocked), null, s.blocked > 0],
        ["ready in structure", fig(s.structural)],
        ["waves", fig(s.waves)],
        ["batches", fig(s.batches)],
        ["steps", fig(s.steps)],
        ["files rewritten", fig(s.rewritten_files)],
      ]),
      plan.batches.length
        ? section(
            "Waves and batches",
            plan.batches.length <= 400
              ? chart(
                  "Batches by wave, sized by modules; an arrow leads to the batch that waits",
                  batchHeight(plan),
                  (c) => batchGraph(c, plan),
                  (p) =>
                    p.dataType === "node" && p.data.batch && go(batchUrl(plan, p.data.batch.id)),
                )
              : note("There are too many batches to draw; the table has them all."),
            table(
              "Batches",
              [
                {
                  title: "Batch",
                  tight: true,
                  cell: (b) => link(batchUrl(plan, b.id), `batch ${b.id}`),
                  key: (b) => b.id,
                },
                plan.hops.length > 1 && {
                  title: "Hop",
                  cell: (b) => plan.hops[b.hop].join(" → "),
                  key: (b) => b.hop,
                },
                { title: "Wave", cell: (b) => b.wave, key: (b) => b.wave, right: true },
                {
                  title: "Steps",
                  cell: (b) => b.steps.length,
                  key: (b) => b.steps.length,
                  right: true,
                },
                { title: "Modules", cell: (b) => b.modules, key: (b) => b.modules, right: true },
                {
                  title: "Files rewritten",
                  cell: (b) => b.rewritten,
                  key: (b) => b.rewritten,
                  right: true,
                },
                {
                  title: "Imports changed",
                  cell: (b) => b.lines,
                  key: (b) => b.lines,
                  right: true,
                },
                { title: "Waits for batches", cell: (b) => afterLinks(plan, b.after) },
                { title: "Gates", cell: (b) => b.gates.join(", ") },
              ].filter(Boolean),
              plan.batches,
            ),
          )
        : note("No module can be promoted now."),
      plan.blocked.length
        ? section(
            "What blocks",
            table(
              "Blocked modules by code",
              [
                { title: "Code", tight: true, cell: ([word]) => code(word), key: ([word]) => word },
                { title: "Modules", cell: ([, n]) => n, key: ([, n]) => n, right: true },
                { title: "Meaning", cell: ([word]) => D.meanings[word] || "" },
              ],
              kinds,
            ),
            table(
              "Blocked modules",
              [
                { title: "Module", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
                {
                  title: "Own causes",
                  cell: (e) => ownCodes(plan, e).map((word) => [code(word), " "]),
                  key: (e) => ownCodes(plan, e).join(),
                },
                {
                  title: "By way of others",
                  cell: (e) => e[2].filter((cause) => plan.causes[cause[0]][0] === "LP403").length,
                  key: (e) => e[2].filter((cause) => plan.causes[cause[0]][0] === "LP403").length,
                  right: true,
                },
              ],
              plan.blocked,
              { page: 25, text: (e) => `${T[e[0]]} ${ownCodes(plan, e).join(" ")}` },
            ),
          )
        : null,
      h(
        "p",
        {},
        link(url("unlocks", ...route(plan)), "What to mend first"),
        " · ",
        link(url("forecast", ...route(plan)), "How long it takes"),
      ),
    ];
  });
}

const afterLinks = (plan, after) =>
  after.map((id, i) => [i ? ", " : "", link(batchUrl(plan, id), String(id))]);

function ownCause(plan, cause) {
  const [word, importer, imported] = plan.causes[cause[0]];
  return word !== "LP403" && cause.length <= 3 && (importer === cause[1] || imported === cause[1]);
}

const ownCodes = (plan, entry) => [
  ...new Set(
    entry[2].filter((cause) => ownCause(plan, cause)).map((cause) => plan.causes[cause[0]][0]),
  ),
];

// A place on an ellipse in a plane of 10 by 10, from the left on.
const around = (at, count, wide) => {
  const angle = Math.PI + (2 * Math.PI * at) / count;
  return [5 + wide * Math.cos(angle), 5 + 4 * Math.sin(angle)];
};

const columnsOf = (plan) => {
  const found = new Map();
  plan.batches.forEach((b) => {
    const key = `${b.hop}:${b.wave}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(b);
  });
  return [...found.values()];
};

const batchHeight = (plan) =>
  Math.max(
    220,
    Math.min(2400, 70 + 30 * Math.max(...columnsOf(plan).map((column) => column.length))),
  );

// A graph series on axes that are not shown: nodes keep their shape at every width.
const plane = (columns, rows) => ({
  xAxis: { type: "value", show: false, min: 0, max: columns },
  yAxis: { type: "value", show: false, min: 0, max: rows, inverse: true },
});

function batchGraph(c, plan) {
  const columns = columnsOf(plan);
  const tallest = Math.max(...columns.map((column) => column.length));
  const most = Math.max(...plan.batches.map((b) => b.modules), 1);
  const title = (b) =>
    `${plan.hops.length > 1 ? `${plan.hops[b.hop].join(" → ")}, ` : ""}wave ${b.wave}`;
  const waits = plan.batches.flatMap((b) =>
    b.after.map((id) => ({ source: String(id), target: String(b.id) })),
  );
  const nodes = columns.flatMap((column, x) => [
    {
      id: `wave ${x}`,
      value: [x, 0],
      symbolSize: 0.1,
      label: {
        show: true,
        position: "right",
        distance: -20,
        color: c.muted,
        fontSize: 13,
        fontWeight: "bold",
        formatter: () => title(column[0]),
      },
    },
    ...column.map((b, y) => ({
      id: String(b.id),
      batch: b,
      value: [x, 0.5 + ((y + 0.5) * tallest) / column.length],
      symbolSize: 8 + 14 * Math.sqrt(b.modules / most),
      itemStyle: { color: c.accent },
      label: {
        show: true,
        position: "right",
        color: c.text,
        backgroundColor: c.back,
        padding: [1, 3],
        formatter: () => `${b.id} · ${plural(b.modules, "module")}`,
      },
    })),
  ]);
  return {
    grid: { left: 40, right: 10, top: 20, bottom: 10 },
    ...plane(columns.length, tallest + 0.5),
    tooltip: {
      formatter: (p) =>
        p.dataType === "node" && p.data.batch
          ? `batch ${p.data.batch.id}, wave ${p.data.batch.wave}\n${plural(p.data.batch.steps.length, "step")}, ` +
            `${plural(p.data.batch.modules, "module")}\n${plural(p.data.batch.rewritten, "file")} rewritten`
          : "",
    },
    series: [
      {
        type: "graph",
        coordinateSystem: "cartesian2d",
        nodes,
        cursor: "pointer",
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        emphasis: { focus: "adjacency", lineStyle: { opacity: 1, width: 2 } },
        edges: waits,
        lineStyle: { color: c.muted, opacity: waits.length > 150 ? 0.15 : 0.4, curveness: 0.08 },
      },
    ],
  };
}

function batchView(source = "", target = "", id = "") {
  const plan = planOf(source, target);
  const batch = plan && plan.batches.find((b) => String(b.id) === id);
  if (!batch) return missing(`batch ${id} of a plan from ${source} to ${target}`);
  const next = plan.batches.filter((b) => b.after.includes(batch.id)).map((b) => b.id);
  return [
    h("h1", {}, `Batch ${batch.id}`),
    h(
      "p",
      {},
      link(url("plan", ...route(plan)), `Plan ${routeWords(plan)}`),
      `, wave ${batch.wave}`,
    ),
    tiles([
      ["steps", fig(batch.steps.length)],
      ["modules", fig(batch.modules)],
      ["files moved", fig(batch.moved)],
      ["files rewritten", fig(batch.rewritten)],
      ["imports changed", fig(batch.lines)],
    ]),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Waits for batches"),
      h("dd", {}, batch.after.length ? afterLinks(plan, batch.after) : "none"),
      h("dt", {}, "Is waited for by"),
      h("dd", {}, next.length ? afterLinks(plan, next) : "none"),
      h("dt", {}, "Gates"),
      h("dd", {}, batch.gates.join(", ") || "none"),
    ),
    table(
      "Steps, in the order of landing",
      [
        { title: "Step", tight: true, cell: (s) => plan.steps[s][0], key: (s) => s },
        {
          title: "Modules",
          cell: (s) => plan.steps[s][4].map((i) => h("div", {}, moduleLink(i))),
          key: (s) => T[plan.steps[s][4][0]],
        },
        { title: "Go to", cell: (s) => plan.steps[s][5].map((move) => h("div", {}, move[1])) },
        {
          title: "Files rewritten",
          cell: (s) => plan.steps[s][6].length,
          key: (s) => plan.steps[s][6].length,
          right: true,
        },
        {
          title: "After steps",
          cell: (s) =>
            plan.steps[s][7]
              .slice(0, 12)
              .map((o) => plan.steps[o][0])
              .join(", ") +
            (plan.steps[s][7].length > 12 ? ` and ${plan.steps[s][7].length - 12} more` : ""),
        },
      ],
      batch.steps,
      { text: (s) => plan.steps[s][4].map((i) => T[i]).join(" ") },
    ),
  ];
}
