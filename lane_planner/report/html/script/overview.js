// Lanes, what may import what, and what does in spite of it.

const lanePairs = memo(() => {
  const found = new Map();
  const at = (from, to) => {
    const key = `${from}:${to}`;
    if (!found.has(key)) found.set(key, { from, to, imports: 0, forbidden: 0, fresh: 0 });
    return found.get(key);
  };
  for (let i = 0; i < COUNT; i++) {
    for (const [to] of importsOf(i)) at(M.lane[i], M.lane[to]).imports += 1;
  }
  for (const v of D.violations) {
    const pair = at(v[3], v[4]);
    pair.forbidden += 1;
    if (v[7] === "new") pair.fresh += 1;
  }
  return found;
});

function overview() {
  const fresh = D.violations.filter((v) => v[7] === "new").length;
  const broken = D.diagnostics.filter((d) => d[0] === "LP901" || d[0] === "LP902").length;
  const imports = D.imports.reduce((sum, row) => sum + row.length / 3, 0);
  const files = M.flags.filter((flags) => !(flags & NAMESPACE)).length;
  const pairs = [...lanePairs().values()];
  const bad = pairs.filter((pair) => pair.forbidden).sort((a, b) => b.forbidden - a.forbidden);
  const sizes = D.lanes.map(() => [0, 0]); // modules, and those that do not parse
  M.lane.forEach((lane, i) => {
    if (lane < 0 || M.flags[i] & NAMESPACE) return;
    sizes[lane][0] += 1;
    if (M.flags[i] & BROKEN) sizes[lane][1] += 1;
  });
  const unlaned = M.lane.filter((lane, i) => lane < 0 && !(M.flags[i] & NAMESPACE)).length;
  const others = pairs.some((p) => p.from < 0 || p.to < 0);
  const rows = D.lanes.map((lane, at) => ({ lane, at }));
  const across = [...D.lanes.map((_, at) => at), ...(others ? [-1] : [])];
  return [
    h("h1", {}, "Overview"),
    tiles([
      ["modules", fig(files)],
      ["lanes", fig(D.lanes.length)],
      ["imports between modules", fig(imports)],
      ["new violations", fig(fresh), url("violations"), fresh > 0],
      D.violations.length > fresh && [
        "waived or in the baseline",
        fig(D.violations.length - fresh),
        url("violations"),
      ],
      ["circular imports", fig(D.cycles.length), url("cycles"), D.cycles.length > 0],
      ["files that do not parse", fig(broken), url("faults"), broken > 0],
      ...D.plans.map((plan) => [
        `can move, ${routeWords(plan)}`,
        plan.summary.candidates
          ? `${fig(plan.summary.promotable)} of ${fig(plan.summary.candidates)}`
          : "–",
        url("plan", ...route(plan)),
      ]),
    ]),
    section(
      "Lanes",
      chart(
        "Lanes, sized by modules, and the imports between them; forbidden ones are dashed red",
        440,
        (c) => laneGraph(c, sizes, unlaned, others),
        (p) => p.dataType === "edge" && p.data.forbidden && go(url("violations")),
      ),
      table(
        "Lanes",
        [
          {
            title: "Lane",
            tight: true,
            cell: ({ lane }) => lane.name,
            key: ({ lane }) => lane.name,
          },
          { title: "Directories", cell: ({ lane }) => lane.paths.join(", ") },
          {
            title: "Modules",
            cell: ({ at }) => sizes[at][0],
            key: ({ at }) => sizes[at][0],
            right: true,
          },
          {
            title: "Do not parse",
            cell: ({ at }) => sizes[at][1],
            key: ({ at }) => sizes[at][1],
            right: true,
          },
          {
            title: "May import",
            cell: ({ lane }) => lane.imports.map(laneName).join(", ") || "itself only",
          },
          {
            title: "Promotes to",
            cell: ({ lane }) => (lane.to === null ? "–" : laneName(lane.to)),
          },
        ],
        rows,
      ),
    ),
    section(
      "Imports between lanes",
      note(
        "Each row imports from each column. ",
        h("span", { class: "mark is-bad" }, "✗ n"),
        " are forbidden import statements, those of modules that do not exist among them; a hatched cell may not be used.",
      ),
      h(
        "div",
        // Nothing in it takes the focus, and keys are to scroll it, too.
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Imports between lanes" },
        h(
          "table",
          { class: "pairs" },
          h("caption", {}, "Imports between lanes"),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, "Importer"),
              across.map((to) => h("th", { scope: "col", class: "right" }, laneName(to))),
            ),
          ),
          h(
            "tbody",
            {},
            across.map((from) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, laneName(from)),
                across.map((to) => laneCell(from, to)),
              ),
            ),
          ),
        ),
      ),
    ),
    section(
      "Violations between lanes",
      bad.length
        ? table(
            "Forbidden imports by lanes",
            [
              {
                title: "Importing lane",
                cell: (p) => laneName(p.from),
                key: (p) => laneName(p.from),
              },
              { title: "Imported lane", cell: (p) => laneName(p.to), key: (p) => laneName(p.to) },
              {
                title: "Import statements",
                cell: (p) => p.forbidden,
                key: (p) => p.forbidden,
                right: true,
              },
              { title: "New", cell: (p) => p.fresh, key: (p) => p.fresh, right: true },
            ],
            bad,
          )
        : note("None."),
      bad.length ? h("p", {}, link(url("violations"), "All violations")) : null,
      D.waivers.length
        ? [
            h("h3", {}, "Waivers that cover nothing"),
            h(
              "ul",
              {},
              D.waivers.map((waiver) => h("li", {}, waiver)),
            ),
          ]
        : null,
    ),
  ];
}

function mayImport(from, to) {
  if (from < 0 || from === to) return true;
  return to < 0 ? D.unlaned === "allow" : D.lanes[from].imports.includes(to);
}

function laneCell(from, to) {
  const pair = lanePairs().get(`${from}:${to}`);
  const may = mayImport(from, to);
  return h(
    "td",
    { class: may ? "right" : "right no" },
    pair && pair.imports ? fig(pair.imports) : may ? "" : h("span", { class: "hidden" }, "may not"),
    pair && pair.forbidden
      ? h("span", { class: "mark is-bad" }, ` ✗ ${fig(pair.forbidden)}`)
      : null,
  );
}

function laneGraph(c, sizes, unlaned, others) {
  const all = [...D.lanes.map((_, at) => at), ...(others ? [-1] : [])];
  const size = (at) => (at < 0 ? unlaned : sizes[at][0]);
  const most = Math.max(1, ...all.map(size));
  const pairs = [...lanePairs().values()].filter((p) => p.from !== p.to);
  return {
    tooltip: {
      formatter: (p) =>
        p.dataType === "node"
          ? `${laneName(p.data.at)}\n${plural(size(p.data.at), "module")}`
          : `${laneName(p.data.from)} → ${laneName(p.data.to)}\n${plural(p.data.imports, "import")}` +
            (p.data.forbidden ? `\n${fig(p.data.forbidden)} forbidden` : ""),
    },
    grid: { left: 10, right: 10, top: 20, bottom: 40 },
    ...plane(10, 10),
    series: [
      {
        type: "graph",
        coordinateSystem: "cartesian2d",
        data: all.map((at, i) => ({
          id: String(at),
          name: laneName(at),
          at,
          value: around(i, all.length, 3.2),
          symbolSize: 14 + 44 * Math.sqrt(size(at) / most),
          itemStyle: { color: at < 0 ? c.muted : c.accent },
        })),
        label: {
          show: true,
          position: "bottom",
          color: c.text,
          fontSize: 13,
          lineHeight: 16,
          backgroundColor: c.back,
          padding: [0, 3],
          formatter: (p) => `${p.name}\n${fig(size(p.data.at))}`,
        },
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 9,
        edges: pairs.map((p) => ({
          source: String(p.from),
          target: String(p.to),
          ...p,
          lineStyle: {
            color: p.forbidden ? c.bad : c.muted,
            type: p.forbidden ? "dashed" : "solid",
            width: 1 + Math.min(4, Math.log10(1 + p.imports)),
            curveness: 0.15,
            opacity: p.forbidden ? 0.95 : 0.45,
          },
          label: {
            show: Boolean(p.forbidden),
            formatter: `✗ ${fig(p.forbidden)}`,
            color: c.bad,
            fontSize: 13,
          },
        })),
      },
    ],
  };
}

function violations() {
  return [
    h("h1", {}, "Violations"),
    D.violations.length
      ? table("Imports that the lanes forbid", violationColumns, D.violations, {
          text: violationText,
        })
      : note("No import breaks a rule."),
  ];
}
