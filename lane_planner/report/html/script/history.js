// Runs and how long gates took.

function history_() {
  if (!D.runs.length)
    return [
      h("h1", {}, "History"),
      note("No run is recorded: nothing was promoted here with lane_planner yet."),
    ];
  const gates = new Map();
  D.runs.forEach((run) =>
    run.gates.forEach((gate) => {
      if (!gates.has(gate[0])) gates.set(gate[0], []);
      gates.get(gate[0]).push({ run: run.id, seconds: gate[1], passed: gate[2], verdict: gate[3] });
    }),
  );
  const names = [...gates.keys()].sort();
  const middle = (list) => {
    const sorted = list.map((g) => g.seconds).sort((a, b) => a - b);
    const half = sorted.length / 2;
    return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
  };
  const took = (r) =>
    r.ended ? duration(Math.max(0, Date.parse(r.ended) - Date.parse(r.started)) / 1000) : "–";
  const day = (at) => (at ? at.slice(0, 19).replace("T", " ") : "–");
  return [
    h("h1", {}, "History"),
    section(
      "Runs",
      chart("Steps of each run: committed and left out", 260, (c) => ({
        grid: { left: 50, right: 20, top: 40, bottom: 40 },
        legend: { top: 0, textStyle: { color: c.text } },
        tooltip: { trigger: "axis" },
        xAxis: { type: "category", data: D.runs.map((run) => `run ${run.id}`), ...axisText(c) },
        yAxis: { type: "value", minInterval: 1, ...axisText(c) },
        series: [
          {
            name: "committed",
            type: "bar",
            stack: "steps",
            itemStyle: { color: c.good },
            barMaxWidth: 40,
            data: D.runs.map((run) => run.steps.filter((s) => s[1]).length),
          },
          {
            name: "left out",
            type: "bar",
            stack: "steps",
            itemStyle: { color: c.bad },
            barMaxWidth: 40,
            data: D.runs.map((run) => run.dropped.length),
          },
        ],
      })),
      table(
        "Runs",
        [
          { title: "Run", tight: true, cell: (r) => `run ${r.id}`, key: (r) => r.id },
          { title: "What", cell: (r) => r.title || r.mode, key: (r) => r.title },
          {
            title: "Status",
            tight: true,
            cell: (r) => (r.status === "done" ? r.status : warn(r.status)),
            key: (r) => r.status,
          },
          { title: "Began", tight: true, cell: (r) => day(r.started), key: (r) => r.started },
          {
            title: "Took",
            tight: true,
            cell: (r) => took(r),
            key: (r) => (r.ended ? Date.parse(r.ended) - Date.parse(r.started) : 0),
          },
          { title: "Steps", cell: (r) => r.steps.length, key: (r) => r.steps.length, right: true },
          {
            title: "Left out",
            cell: (r) =>
              r.dropped.length
                ? h(
                    "details",
                    {},
                    h("summary", {}, fig(r.dropped.length)),
                    h(
                      "ul",
                      {},
                      r.dropped.map(([step, why]) => h("li", {}, `${step}: ${why}`)),
                    ),
                  )
                : "0",
            key: (r) => r.dropped.length,
            right: true,
          },
          {
            title: "Branches",
            cell: (r) =>
              r.branches.map(([name, commit]) => h("div", {}, `${name} ${commit.slice(0, 10)}`)),
          },
          D.runs.some((r) => r.pulls.length) && {
            title: "Pull requests",
            cell: (r) =>
              r.pulls.map(([, n, where]) =>
                h(
                  "div",
                  {},
                  /^https:\/\//.test(where)
                    ? h("a", { href: where, rel: "noreferrer" }, `#${n}`)
                    : `#${n}`,
                ),
              ),
          },
          D.runs.some((r) => r.reason) && {
            title: "Why it came to nothing",
            cell: (r) => r.reason || "",
          },
        ].filter(Boolean),
        D.runs,
      ),
    ),
    section(
      "Gate times",
      names.length
        ? [
            chart(
              "Seconds of each run of each gate, in order; a red triangle is a failure",
              320,
              (c) => ({
                grid: { left: 60, right: 20, top: 50, bottom: 40 },
                legend: { top: 0, type: "scroll", textStyle: { color: c.text } },
                tooltip: {
                  formatter: (p) =>
                    `${p.data.gate}: ${p.data.verdict}\n${duration(p.value[1])}, run ${p.data.run}`,
                },
                xAxis: {
                  type: "value",
                  min: 1,
                  minInterval: 1,
                  name: "run of the gate",
                  nameLocation: "middle",
                  nameGap: 25,
                  ...axisText(c),
                },
                yAxis: { type: "value", name: "seconds", ...axisText(c) },
                series: names.map((gate) => ({
                  name: gate,
                  type: "line",
                  lineStyle: { opacity: 0.35 },
                  data: gates.get(gate).map((g, at) => ({
                    value: [at + 1, g.seconds],
                    gate,
                    run: g.run,
                    verdict: g.verdict,
                    symbol: g.passed ? "circle" : "triangle",
                    symbolSize: g.passed ? 7 : 14,
                    itemStyle: g.passed ? {} : { color: c.bad },
                  })),
                })),
              }),
            ),
            table(
              "Gates",
              [
                { title: "Gate", cell: (g) => g, key: (g) => g },
                {
                  title: "Runs",
                  cell: (g) => gates.get(g).length,
                  key: (g) => gates.get(g).length,
                  right: true,
                },
                {
                  title: "Passed",
                  cell: (g) => gates.get(g).filter((one) => one.passed).length,
                  key: (g) => gates.get(g).filter((one) => one.passed).length,
                  right: true,
                },
                {
                  title: "Median",
                  cell: (g) => duration(middle(gates.get(g))),
                  key: (g) => middle(gates.get(g)),
                  right: true,
                },
                {
                  title: "Longest",
                  cell: (g) => duration(Math.max(...gates.get(g).map((one) => one.seconds))),
                  key: (g) => Math.max(...gates.get(g).map((one) => one.seconds)),
                  right: true,
                },
              ],
              names,
            ),
          ]
        : note("No gate has run."),
    ),
  ];
}
