// What to mend first.

function unlocksView(source, target) {
  return withPlan("unlocks", "What to mend first", source, target, (plan) => {
    const list = plan.unlocks;
    if (!list.length) return [note("No module is blocked: there is nothing to mend.")];
    const some = list.slice(0, 30);
    return [
      note(
        "Each fix is the one that frees the most modules, given those before it. Bars: modules that it frees alone; " +
          "line: all that can move with it and those before it.",
      ),
      chart("Fixes by rank: modules freed alone, and the running total", 380, (c) => ({
        grid: { left: 60, right: 60, top: 40, bottom: 50 },
        legend: { textStyle: { color: c.text }, top: 0 },
        tooltip: {
          trigger: "axis",
          formatter: ([p]) =>
            `${p.dataIndex + 1}. ${clip(some[p.dataIndex].what, 90)}\n` +
            `frees ${fig(some[p.dataIndex].frees)}, running total ${fig(some[p.dataIndex].total)}`,
        },
        xAxis: {
          type: "category",
          data: some.map((_, at) => at + 1),
          name: "fix",
          nameLocation: "middle",
          nameGap: 28,
          ...axisText(c),
        },
        yAxis: [
          { type: "value", name: "frees alone", minInterval: 1, ...axisText(c) },
          {
            type: "value",
            name: "running total",
            minInterval: 1,
            ...axisText(c),
            splitLine: { show: false },
          },
        ],
        series: [
          {
            type: "bar",
            name: "frees alone",
            data: some.map((u) => u.frees),
            itemStyle: { color: c.accent },
            barMaxWidth: 26,
          },
          {
            type: "line",
            name: "running total",
            yAxisIndex: 1,
            data: some.map((u) => u.total),
            itemStyle: { color: c.warn },
            lineStyle: { width: 2 },
            symbolSize: 6,
          },
        ],
      })),
      table(
        "Fixes",
        [
          {
            title: "Rank",
            cell: (u) => list.indexOf(u) + 1,
            key: (u) => list.indexOf(u),
            right: true,
          },
          { title: "Frees alone", cell: (u) => u.frees, key: (u) => u.frees, right: true },
          {
            title: "Adds here",
            cell: (u) => u.total - before(list, u),
            key: (u) => u.total - before(list, u),
            right: true,
          },
          { title: "Running total", cell: (u) => u.total, key: (u) => u.total, right: true },
          { title: "Code", tight: true, cell: (u) => code(u.code), key: (u) => u.code },
          { title: "What to do", cell: (u) => u.what || u.id, key: (u) => u.what },
          {
            title: "Where",
            cell: (u) => [
              fileLink(u.file),
              u.lines.length ? `:${u.lines.slice(0, 5).join(", ")}` : "",
            ],
            key: (u) => fileOf(u.file),
          },
        ],
        list,
        { text: (u) => `${u.what} ${u.code} ${fileOf(u.file)}` },
      ),
    ];
  });
}

const before = (list, unlock) => (list.indexOf(unlock) ? list[list.indexOf(unlock) - 1].total : 0);
const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
