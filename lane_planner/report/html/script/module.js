// One module: its place in the plans, its blockers and chains, its neighbours.

function moduleView(name = "") {
  const i = byName().get(name);
  if (i === undefined) return missing(`module ${name}`, name);
  const flags = M.flags[i];
  const imports = [...importsOf(i)];
  const by = importers()[i];
  const bad = D.violations.filter((v) => v[1] === i || v[2] === i);
  const faults = D.diagnostics.filter((d) => d[1] === i);
  const rounds = (cyclesOf().get(i) || []).map((at) => D.cycles[at]);
  const covered = M.covered ? M.covered[i] : -1;
  const what = [
    flags & NAMESPACE ? "namespace package" : flags & PACKAGE ? "package" : "module",
    flags & NOT_IMPORTABLE && "nobody can import it by name",
    flags & BROKEN && "does not parse",
  ].filter(Boolean);
  const edgeColumns = [
    { title: "Module", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
    {
      title: "Lane",
      tight: true,
      cell: (e) => laneName(M.lane[e[0]]),
      key: (e) => laneName(M.lane[e[0]]),
    },
    { title: "Line", cell: (e) => e[1], key: (e) => e[1], right: true },
    { title: "Kind", tight: true, cell: (e) => kindsOf(e[2]), key: (e) => e[2] },
  ];
  const marks = (from) => ({
    title: "Marks",
    tight: true,
    key: (e) => (isForbidden(...from(e)) ? 2 : 0) + inCycle(...from(e), e[2]),
    cell: (e) => [
      isForbidden(...from(e)) ? warn("✗ forbidden ") : "",
      inCycle(...from(e), e[2]) ? "↻ circular" : "",
    ],
  });
  return [
    h("h1", { class: "name" }, T[i]),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "File"),
      h("dd", {}, pathOf(i)),
      h("dt", {}, "Lane"),
      h("dd", {}, laneName(M.lane[i])),
      h("dt", {}, "What it is"),
      h("dd", {}, what.join(", ")),
      M.covered
        ? [
            h("dt", {}, "Test coverage"),
            h(
              "dd",
              {},
              covered < 0 ? "no figure" : percent(covered),
              M.minimum !== null ? ` (${percent(M.minimum)} needed)` : "",
            ),
          ]
        : null,
      rounds.length
        ? [
            h("dt", {}, "Circular imports"),
            h(
              "dd",
              {},
              rounds.map((cycle, at) => [
                at ? ", " : "",
                link(cycleUrl(cycle), `${cycle.code} of ${plural(cycle.modules.length, "module")}`),
              ]),
            ),
          ]
        : null,
    ),
    D.plans.map((plan, at) => placeIn(plan, at, i)),
    faults.length
      ? section(
          "Faults",
          h(
            "ul",
            {},
            faults.map((d) =>
              h("li", {}, code(d[0]), ` line ${d[2]}: ${T[d[4]]}`, d[3] ? " (optional)" : ""),
            ),
          ),
        )
      : null,
    bad.length
      ? section("Violations", table("Forbidden imports of or by it", violationColumns, bad))
      : null,
    imports.length || by.length
      ? section(
          "Neighbours",
          chart(
            "Importers at the left, imported modules at the right; forbidden imports are dashed red",
            neighbourHeight(imports, by),
            (c, width) => neighbours(c, width, i, imports, by),
            (p) =>
              p.dataType === "node" && p.data.module !== undefined && go(moduleUrl(p.data.module)),
          ),
        )
      : null,
    section(
      `Imports (${fig(imports.length)})`,
      imports.length
        ? table("What it imports", [...edgeColumns, marks((e) => [i, e[0]])], imports, {
            text: (e) => T[e[0]],
          })
        : note("Nothing of the repository."),
    ),
    section(
      `Imported by (${fig(by.length)})`,
      by.length
        ? table("Who imports it", [...edgeColumns, marks((e) => [e[0], i])], by, {
            text: (e) => T[e[0]],
          })
        : note("Nobody."),
    ),
    h("p", {}, link(url("matrix", T[i]), "Its place in the matrix")),
  ];
}

const MOST = 24;
const neighbourHeight = (imports, by) =>
  80 + 22 * Math.min(MOST + 1, Math.max(imports.length, by.length, 3));

function neighbours(c, width, i, imports, by) {
  const tall = Math.min(MOST + 1, Math.max(imports.length, by.length, 3));
  const room = lettersIn(0.3 * (width - 20) - 10);
  const column = (entries, x, prefix) => {
    const some = entries.slice(0, MOST);
    const left = entries.length - some.length;
    const position = prefix === "<" ? "left" : "right";
    const nodes = some.map(([other], y) => ({
      id: `${prefix}${other}`,
      module: other,
      value: [x, ((y + 0.5) * tall) / (some.length + Boolean(left))],
      symbolSize: 9,
      itemStyle: { color: c.muted },
      label: { show: true, position, color: c.text, formatter: () => short(T[other], room) },
    }));
    if (left)
      nodes.push({
        id: `${prefix}more`,
        value: [x, tall - 0.5],
        symbolSize: 0.1,
        label: { show: true, position, color: c.muted, formatter: () => `and ${fig(left)} more` },
      });
    return nodes;
  };
  const style = (from, to) =>
    isForbidden(from, to) ? { color: c.bad, type: "dashed", opacity: 1 } : {};
  return {
    grid: { left: 10, right: 10, top: 20, bottom: 20 },
    ...plane(10, tall),
    tooltip: { formatter: (p) => (p.data.module === undefined ? "" : T[p.data.module]) },
    series: [
      {
        type: "graph",
        coordinateSystem: "cartesian2d",
        cursor: "pointer",
        nodes: [
          {
            id: "here",
            value: [5, tall / 2],
            symbolSize: 18,
            itemStyle: { color: c.accent },
            label: {
              show: true,
              position: "bottom",
              color: c.text,
              fontWeight: "bold",
              backgroundColor: c.back,
              padding: 2,
              formatter: () => short(T[i], lettersIn(0.4 * (width - 20) - 20)),
            },
          },
          ...column(by, 3, "<"),
          ...column(imports, 7, ">"),
        ],
        edges: [
          ...by
            .slice(0, MOST)
            .map(([o]) => ({ source: `<${o}`, target: "here", lineStyle: style(o, i) })),
          ...imports
            .slice(0, MOST)
            .map(([o]) => ({ source: "here", target: `>${o}`, lineStyle: style(i, o) })),
        ],
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        lineStyle: { color: c.muted, opacity: 0.5 },
      },
    ],
  };
}

function placeIn(plan, at, i) {
  return plan.hops.map(([source, target], hop) => {
    const where = steps[at]().get(`${hop}:${i}`);
    const blocked = blockedIn[at]().get(`${hop}:${i}`);
    const title = `Promotion ${source} → ${target}`;
    if (where !== undefined) {
      const step = plan.steps[where];
      const next = plan.steps.filter((other) => other[7].includes(where));
      const modules = (list) =>
        h(
          "ul",
          {},
          listed(list, 50, (one) => [
            one[4]
              .slice(0, 3)
              .map(moduleLink)
              .flatMap((node) => [node, " "]),
            "(",
            stepPlace(plan, one),
            ")",
          ]),
        );
      return section(
        title,
        h("p", { class: "good" }, "It can be promoted: ", stepPlace(plan, step), "."),
        h(
          "dl",
          { class: "facts" },
          h("dt", {}, "Moves"),
          h(
            "dd",
            {},
            step[5].map(([from, to]) => h("div", {}, fileOf(from), " → ", to)),
          ),
          step[4].length > 1
            ? [
                h("dt", {}, "Together with"),
                h(
                  "dd",
                  {},
                  step[4].filter((o) => o !== i).map((o) => h("div", {}, moduleLink(o))),
                ),
              ]
            : null,
          h("dt", {}, "Gates"),
          h("dd", {}, plan.gates[step[8]].join(", ") || "none"),
          h("dt", {}, "Waits for"),
          h("dd", {}, step[7].length ? modules(step[7].map((o) => plan.steps[o])) : "nothing"),
          h("dt", {}, "Is waited for by"),
          h("dd", {}, next.length ? modules(next) : "nothing"),
          h("dt", {}, "Files rewritten"),
          h("dd", {}, step[6].length ? h("ul", {}, listed(step[6], 50, fileLink)) : "none"),
        ),
      );
    }
    if (!blocked) return null;
    const own = blocked[2].filter((cause) => ownCause(plan, cause));
    const far = blocked[2].filter((cause) => !own.includes(cause) && cause.length > 1);
    const needs = blocked[2].filter((cause) => cause.length === 1);
    return section(
      title,
      h("p", {}, warn("It is blocked.")),
      own.length
        ? [
            h("h3", {}, "Its own causes"),
            h(
              "ul",
              { class: "causes" },
              listed(own, 100, (cause) => causeWords(plan, cause)),
            ),
          ]
        : null,
      needs.length
        ? [
            h("h3", {}, `Blocked modules that it needs (${fig(needs.length)})`),
            h(
              "ul",
              {},
              listed(needs, 100, (cause) => moduleLink(plan.causes[cause[0]][2])),
            ),
          ]
        : null,
      far.length
        ? [
            h("h3", {}, `Chains to root causes (${fig(far.length)})`),
            h(
              "ul",
              { class: "causes" },
              listed(far, 100, (cause) => causeWords(plan, cause)),
            ),
          ]
        : null,
    );
  });
}

function causeWords(plan, cause) {
  const [word, importer, imported, line, detail, file] = plan.causes[cause[0]];
  return [
    h(
      "p",
      {},
      code(word),
      ` ${D.meanings[word] || ""}`,
      detail >= 0 ? `: ${T[detail]}` : "",
      " (",
      fileLink(file),
      line ? `:${line}` : "",
      ")",
    ),
    cause.length > 2 ? chain(cause.slice(1)) : imported >= 0 ? chain([importer, imported]) : null,
  ];
}
