// Circular imports, each drawn with its cheapest cut.

function cyclesView() {
  return [
    h("h1", {}, "Circular imports"),
    D.cycles.length
      ? [
          note(
            "LP201: the imports that run with their modules suffice. LP202: imports inside functions are needed for it.",
          ),
          table(
            "Circular imports",
            [
              {
                title: "Modules",
                cell: (y) =>
                  link(
                    cycleUrl(y),
                    `${y.code}: ${T[y.modules[0]]} and ${fig(y.modules.length - 1)} more`,
                  ),
                key: (y) => T[y.modules[0]],
              },
              { title: "Code", tight: true, cell: (y) => code(y.code), key: (y) => y.code },
              {
                title: "Size",
                cell: (y) => y.modules.length,
                key: (y) => y.modules.length,
                right: true,
              },
              {
                title: "Shortest circle",
                cell: (y) => y.example.length - 1,
                key: (y) => y.example.length,
                right: true,
              },
              {
                title: "Imports to cut",
                cell: (y) => `${fig(y.breakers.length)}${y.exact ? "" : " or fewer"}`,
                key: (y) => y.breakers.length,
                right: true,
              },
              {
                title: "Hardest cut",
                tight: true,
                cell: (y) => worst(y),
                key: (y) => RATINGS.indexOf(worst(y)),
              },
              {
                title: "Status",
                tight: true,
                cell: (y) => (y.known ? "baseline" : warn("new")),
                key: (y) => (y.known ? 1 : 0),
              },
            ],
            D.cycles,
            { text: (y) => `${y.code} ${y.modules.map((i) => T[i]).join(" ")}` },
          ),
          h(
            "div",
            { class: "pictures" },
            D.cycles
              .slice(0, 6)
              .map((cycle) =>
                h(
                  "section",
                  {},
                  h("h2", {}, link(cycleUrl(cycle), `${cycle.code}: ${T[cycle.modules[0]]}`)),
                  cycleFigure(cycle, 240),
                ),
              ),
          ),
          D.cycles.length > 6
            ? note(`${fig(D.cycles.length - 6)} more are drawn on pages of their own.`)
            : null,
        ]
      : note("There are none."),
  ];
}

const RATINGS = ["unused", "typing", "deferrable", "needed"];
const RATED = {
  unused: "nothing in the file uses it",
  typing: "annotations alone use it",
  deferrable: "functions alone use it: it can stand in them",
  needed: "it is used while the module is imported, or may be",
};
const worst = (cycle) =>
  cycle.breakers.map((b) => b[3]).sort((a, b) => RATINGS.indexOf(b) - RATINGS.indexOf(a))[0] || "–";

function cycleFigure(cycle, height) {
  const members = new Set(cycle.modules.length > 200 ? cycle.example : cycle.modules);
  const cut = new Set(cycle.breakers.map(([a, b]) => `${a}:${b}`));
  const round = new Set(cycle.example.slice(1).map((b, at) => `${cycle.example[at]}:${b}`));
  const edges = [];
  for (const i of members) {
    for (const [to, , kinds] of importsOf(i)) {
      if (members.has(to) && kinds & (cycle.code === "LP201" ? 1 : 3)) edges.push([i, to]);
    }
  }
  // The shortest circle first, so that it lies on one arc.
  const order = [...new Set([...cycle.example, ...cycle.modules])].filter((i) => members.has(i));
  const many = order.length > 40;
  const place = (at) => around(at, order.length, 2.5);
  const side = (at) =>
    place(at)[0] < 4.9
      ? "left"
      : place(at)[0] > 5.1
        ? "right"
        : place(at)[1] < 5
          ? "top"
          : "bottom";
  // The room for a node's label, up to the edge of the chart.
  const beside = (at, width) => {
    const free = { left: place(at)[0] / 10, right: 1 - place(at)[0] / 10 }[side(at)] || 1;
    return free * (width - 20) - 10;
  };
  return chart(
    `${cycle.code}, ${plural(members.size, "module")} in a circle; dashed red: the imports to cut`,
    many ? 640 : height,
    (c, width) => ({
      grid: { left: 10, right: 10, top: 20, bottom: 20 },
      ...plane(10, 10),
      tooltip: {
        formatter: (p) =>
          p.dataType === "node"
            ? T[p.data.module]
            : `${T[p.data.ends[0]]}\n→ ${T[p.data.ends[1]]}${p.data.cut ? "\ncut here" : ""}`,
      },
      series: [
        {
          type: "graph",
          coordinateSystem: "cartesian2d",
          cursor: "pointer",
          edgeSymbol: ["none", "arrow"],
          edgeSymbolSize: 10,
          nodes: order.map((i, at) => ({
            id: String(i),
            module: i,
            value: place(at),
            symbolSize: many ? 6 : 14,
            itemStyle: { color: c.accent },
            label: {
              show: order.length <= 80,
              position: side(at),
              color: c.text,
              fontSize: many ? 9 : 12,
              formatter: () => tail(parting(T[i]), lettersIn(beside(at, width))),
            },
          })),
          edges: edges.map(([a, b]) => {
            const [gone, shown] = [cut.has(`${a}:${b}`), round.has(`${a}:${b}`)];
            return {
              source: String(a),
              target: String(b),
              ends: [a, b],
              cut: gone,
              lineStyle: {
                color: gone ? c.bad : shown ? c.text : c.muted,
                type: gone ? "dashed" : "solid",
                width: gone || shown ? 2 : 1,
                opacity: gone || shown ? 1 : 0.4,
                curveness: 0.25,
              },
            };
          }),
        },
      ],
    }),
    (p) => p.dataType === "node" && go(moduleUrl(p.data.module)),
  );
}

// The last two parts of a name, for where there is little room.
function parting(name) {
  const sign = name.includes("/") ? "/" : ".";
  return tail(name.split(sign).slice(-2).join(sign), 28);
}

function cycleView(word = "", name = "") {
  const i = byName().get(name);
  const cycle = D.cycles.find((one) => one.code === word && one.modules.includes(i));
  if (!cycle) return missing(`circular import ${word} of ${name}`);
  return [
    h("h1", {}, `Circular import of ${plural(cycle.modules.length, "module")}`),
    h(
      "p",
      {},
      code(cycle.code),
      cycle.code === "LP201"
        ? " by imports that run with their modules, "
        : " by way of imports inside functions, ",
      cycle.known ? "in the baseline" : warn("new"),
    ),
    cycleFigure(cycle, 460),
    section("Shortest circle", chain(cycle.example)),
    section(
      "Cheapest cut",
      note(
        cycle.exact
          ? "It is proved that no fewer imports do."
          : "None of these can be left out; that no fewer do is not proved.",
      ),
      table(
        "Imports to cut",
        [
          { title: "Importer", cell: (b) => moduleLink(b[0]), key: (b) => T[b[0]] },
          { title: "Imported", cell: (b) => moduleLink(b[1]), key: (b) => T[b[1]] },
          { title: "Place", cell: (b) => `${fileOf(b[0])}:${b[2].join(", ")}` },
          {
            title: "How hard",
            cell: (b) => `${b[3]}: ${RATED[b[3]] || ""}`,
            key: (b) => RATINGS.indexOf(b[3]),
          },
        ],
        cycle.breakers,
      ),
    ),
    section(
      "Modules",
      table(
        "Modules in it",
        [
          { title: "Module", cell: moduleLink, key: (m) => T[m] },
          {
            title: "Lane",
            tight: true,
            cell: (m) => laneName(M.lane[m]),
            key: (m) => laneName(M.lane[m]),
          },
        ],
        cycle.modules,
        { text: (m) => T[m] },
      ),
    ),
  ];
}
