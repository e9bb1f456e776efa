// What carrying a plan out takes.

function forecastView(source, target) {
  return withPlan("forecast", "Forecast", source, target, (plan) => {
    const list = plan.forecasts;
    if (!list.length || !plan.batches.length) return [note("There is nothing to carry out.")];
    const place = h("div");
    const choice = h(
      "select",
      {
        id: "workers",
        onchange: () => {
          clear();
          build();
          settle();
        },
      },
      list.map((f, at) =>
        h("option", { value: at, selected: at === Math.min(2, list.length - 1) }, fig(f.workers)),
      ),
    );
    function build() {
      const f = list[Number(choice.value)];
      place.replaceChildren(
        tiles([
          ["elapsed", duration(f.elapsed)],
          ["work", duration(f.work)],
          ["pull requests", fig(plan.batches.length)],
          ["gate runs", fig(f.runs)],
          ["critical path", duration(f.critical_seconds)],
        ]),
        chart(
          `The schedule on ${plural(f.workers, "worker")}: one bar a batch; strong ones are the critical path`,
          110 + 46 * f.workers,
          (c) => schedule(c, f),
          (p) => go(batchUrl(plan, f.bars[p.dataIndex][0])),
        ),
        h(
          "details",
          {},
          h("summary", {}, "The schedule as a table"),
          table(
            "Schedule",
            [
              {
                title: "Batch",
                tight: true,
                cell: (b) => link(batchUrl(plan, b[0]), `batch ${b[0]}`),
                key: (b) => b[0],
              },
              { title: "Worker", cell: (b) => b[1], key: (b) => b[1], right: true },
              { title: "Begins", cell: (b) => duration(b[2]), key: (b) => b[2], right: true },
              { title: "Ends", cell: (b) => duration(b[3]), key: (b) => b[3], right: true },
            ],
            f.bars,
          ),
        ),
        section(
          "Number of workers",
          bars(
            "Elapsed time by workers",
            list.map((one) => ({
              name: plural(one.workers, "worker"),
              value: one.elapsed,
            })),
            "elapsed",
            "accent",
            { words: duration, interval: pace(Math.max(...list.map((one) => one.elapsed))) },
          ),
          table(
            "Elapsed time by workers",
            [
              { title: "Workers", cell: (one) => one.workers, key: (one) => one.workers },
              {
                title: "Elapsed",
                cell: (one) => duration(one.elapsed),
                key: (one) => one.elapsed,
                right: true,
              },
              {
                title: "No schedule is shorter than",
                cell: (one) => duration(one.least),
                key: (one) => one.least,
                right: true,
              },
            ],
            list,
          ),
        ),
        section(
          "What it rests on",
          note(`A step takes ${f.step} s beside its gates. Reviews are not counted.`),
          table(
            "Gates",
            [
              { title: "Gate", cell: (g) => g[0], key: (g) => g[0] },
              { title: "A run takes", cell: (g) => duration(g[1]), key: (g) => g[1], right: true },
              {
                title: "From",
                cell: (g) =>
                  g[2] === "journal"
                    ? `the median of ${plural(g[3], "run")}`
                    : g[2] === "timeout"
                      ? "its timeout: the most that it can take"
                      : g[2],
              },
              { title: "Runs", cell: (g) => g[4], key: (g) => g[4], right: true },
            ],
            f.gates,
          ),
        ),
      );
    }
    build();
    return [
      h("p", {}, h("label", { for: "workers" }, "Pull requests worked on at once: "), choice),
      place,
    ];
  });
}

const PACES = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const pace = (seconds) =>
  PACES.find((one) => seconds / one <= 8) || Math.ceil(seconds / 8 / 86400) * 86400;

function schedule(c, f) {
  const critical = new Set(f.critical);
  return {
    grid: { left: 90, right: 30, top: 20, bottom: 50 },
    tooltip: {
      formatter: (p) => `batch ${p.value[3]}\n${duration(p.value[1])} to ${duration(p.value[2])}`,
    },
    xAxis: {
      type: "value",
      max: f.elapsed || 1,
      interval: pace(f.elapsed),
      ...axisText(c, { formatter: duration, hideOverlap: true }),
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: Array.from({ length: f.workers }, (_, at) => `worker ${at + 1}`),
      ...axisText(c),
    },
    series: [
      {
        type: "custom",
        encode: { x: [1, 2], y: 0 },
        data: f.bars.map(([batch, worker, from, to]) => [worker - 1, from, to, batch]),
        renderItem: (params, api) => {
          const start = api.coord([api.value(1), api.value(0)]);
          const end = api.coord([api.value(2), api.value(0)]);
          const height = api.size([0, 1])[1] * 0.7;
          const width = Math.max(1, end[0] - start[0] - 1);
          const dark = critical.has(api.value(3));
          return {
            type: "rect",
            shape: { x: start[0], y: start[1] - height / 2, width, height },
            style: { fill: dark ? c.accent : c.pale, stroke: c.accent },
            textContent:
              width > 8 + 7 * String(api.value(3)).length
                ? {
                    style: {
                      text: String(api.value(3)),
                      fill: dark ? c.back : c.text,
                      fontSize: 11,
                    },
                  }
                : undefined,
            textConfig: { position: "inside" },
          };
        },
      },
    ],
  };
}
