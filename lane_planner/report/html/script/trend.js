// How lanes, violations and circular imports changed over the history.

// What a sample holds, in the order in which it stands there.
const SAMPLE = {
  commit: 0,
  seconds: 1,
  own: 2,
  lanes: 3,
  left: 4,
  modules: 5,
  unlaned: 6,
  violations: 7,
  waived: 8,
  cycles: 9,
  eager: 10,
  missing: 11,
};
const of = (name) => (sample) => sample[SAMPLE[name]];
const POINTS = 60; // as many samples have a mark each; of more, the lines alone are drawn
// How the axis writes where a year, a month or a day begins.
const DATES = { year: "{yyyy}", month: "{yyyy}-{MM}", day: "{yyyy}-{MM}-{dd}" };
const LOOKS = ["solid", "dashed", "dotted"];
const MARKS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow"];

const moment = (sample) =>
  new Date(1000 * sample[SAMPLE.seconds]).toISOString().slice(0, 16).replace("T", " ");
const judged = (sample) => (sample[SAMPLE.own] ? "its own" : "today’s");
const count = (n) => (n === null ? "–" : n);

function trendView() {
  const head = h("h1", {}, "Trend");
  if (!D.commit)
    return [head, note("There is no history to show: nothing is committed to git here.")];
  if (!D.trend)
    return [
      head,
      note("This page was made without samples of the history: reading them can take a while."),
      h(
        "p",
        {},
        "For samples of each week: ",
        h("code", {}, "lane-planner report --html FILE --every week"),
        ". All options of ",
        h("code", {}, "lane-planner trend"),
        " that choose commits are taken, such as ",
        h("code", {}, "--since '26 weeks'"),
        ".",
      ),
    ];
  const { lanes, samples, progress } = D.trend;
  const series = lanes.map((name, at) => [name, (sample) => sample[SAMPLE.lanes][at]]);
  if (samples.some(of("unlaned"))) series.push(["(no lane)", of("unlaned")]);
  const left = progress && `left in ${progress.lane}`;
  const figures = [
    ...(progress ? [[left, of("left")]] : []),
    ...series,
    ["all modules", of("modules")],
  ];
  const found = [
    ["violations", of("violations")],
    ["waived", of("waived")],
    ["circular imports", of("cycles")],
    ["of these eager", of("eager")],
    ["missing imports", of("missing")],
  ];
  return [
    head,
    about(samples),
    section(
      progress ? `What is left in ${progress.lane}` : "What is left",
      progress ? emptying(progress) : note("No lane promotes to another: none is to be emptied."),
      progress && samples.some((sample) => of("left")(sample) !== null)
        ? course(`Modules still to be promoted from ${progress.lane}`, samples, [
            [left, of("left")],
          ])
        : null,
    ),
    section(
      "Modules per lane",
      course("Modules of each lane; a gap: there was no such lane", samples, series),
      figuresTable("Modules per lane", samples, figures),
    ),
    section(
      "Violations",
      course("Violations, and imports that waivers cover or that are ignored", samples, [
        [...found[0], "bad"],
        [...found[1], "warn"],
      ]),
    ),
    section(
      "Circular imports",
      course("Circular imports, and those that eager imports alone make", samples, [
        [...found[2], "accent"],
        [...found[3], "bad"],
      ]),
      figuresTable("Violations, circular imports and missing imports", samples, found),
    ),
  ];
}

// What the samples are of, and what about them is not as a reader may expect.
function about(samples) {
  const [first, last] = [samples[0], samples[samples.length - 1]];
  const late = drawnAt(samples).filter((at, i) => at > samples[i][SAMPLE.seconds]).length;
  return [
    note(
      samples.length > 1
        ? `${plural(samples.length, "commit")} from ${moment(first)} to ${moment(last)} UTC. `
        : `One commit alone, of ${moment(first)} UTC, tells of no change: there is no other in that time, or this clone is shallow. `,
      "Violations are all that no waiver covers on the day of the commit, those of the baseline among them.",
      D.commit.endsWith("-dirty") ? " Uncommitted changes are not among the samples." : "",
    ),
    late
      ? note(
          `${plural(late, "commit")} ${late === 1 ? "has" : "have"} an earlier date than a commit before: drawn at the date of that one.`,
        )
      : null,
  ];
}

function emptying(progress) {
  const { rate } = progress;
  const change = rate === null ? "–" : `${rate > 0 ? "+" : rate < 0 ? "−" : ""}${Math.abs(rate)}`;
  const days = plural(Math.round(progress.days), "day");
  const over = `The change is that of the last ${days} (${plural(progress.samples, "sample")}). `;
  const reason = progress.reason[0].toUpperCase() + progress.reason.slice(1);
  return [
    tiles([
      ["modules left to promote", progress.left === null ? "–" : fig(progress.left)],
      ["change a week", change],
      ["empty by", progress.empty || "–"],
    ]),
    h("p", {}, rate === null ? "" : over, `${reason}.`),
  ];
}

// Clocks differ: what comes later in history is not put before, as where a rate is told.
function drawnAt(samples) {
  let latest = -Infinity;
  return samples.map((sample) => (latest = Math.max(latest, sample[SAMPLE.seconds])));
}

// Lines over time. An entry is [name, figure(sample) → number or null, colour]; null is a gap.
function course(label, samples, entries) {
  const times = drawnAt(samples).map((seconds) => 1000 * seconds);
  const day = 86400000;
  const still = times[0] === times[times.length - 1];
  return chart(label, 340, (c, width) => {
    const palette = ["accent", "warn", "good", "bad", "muted", "text"];
    const named = (name) => short(name, lettersIn(width - 120));
    const rows = legendRows(
      entries.map(([name]) => named(name)),
      width,
    );
    return {
      useUTC: true,
      grid: { left: 60, right: 30, top: 28 + 22 * Math.min(rows, MOST_ROWS_NAMED), bottom: 40 },
      legend: {
        top: 0,
        type: rows > MOST_ROWS_NAMED ? "scroll" : "plain",
        textStyle: { color: c.text },
        pageTextStyle: { color: c.text },
        pageIconColor: c.accent,
        pageIconInactiveColor: c.line,
        formatter: named,
      },
      tooltip: {
        trigger: "axis",
        formatter: (points) =>
          [...new Set(points.map((point) => point.dataIndex))]
            .slice(0, 3)
            .map((at) => told(samples[at], entries))
            .join("\n\n"),
      },
      xAxis: {
        type: "time",
        min: still ? times[0] - day : undefined,
        max: still ? times[0] + day : undefined,
        ...axisText(c, { hideOverlap: true, formatter: DATES }),
      },
      yAxis: { type: "value", minInterval: 1, ...axisText(c, { formatter: fig }) },
      series: entries.map(([name, figure, colour], at) => ({
        name,
        type: "line",
        color: c[colour || palette[at % palette.length]],
        lineStyle: { width: 2, type: LOOKS[(colour ? at : Math.floor(at / palette.length)) % 3] },
        symbol: MARKS[at % MARKS.length],
        symbolSize: 6,
        data: samples.map((sample, i) => {
          const there = (near) => samples[near] && figure(samples[near]) !== null;
          const marked = samples.length <= POINTS || !(there(i - 1) || there(i + 1));
          return { value: [times[i], figure(sample)], ...(marked ? {} : { symbol: "none" }) };
        }),
      })),
    };
  });
}

const MOST_ROWS_NAMED = 4; // of a legend; of more, one at a time is shown

// How many rows a legend takes: nothing on paper can be scrolled.
function legendRows(names, width) {
  let [rows, used] = [1, 0];
  for (const name of names) {
    const wide = 45 + 7.5 * name.length;
    if (used && used + wide > width - 10) [rows, used] = [rows + 1, 0];
    used += wide;
  }
  return rows;
}

const MOST_TOLD = 12; // lines of a figure each, when a point is looked at

function told(sample, entries) {
  const lines = entries.slice(0, MOST_TOLD).map(([name, figure]) => {
    const value = figure(sample);
    return `${short(name)}: ${value === null ? "not there" : fig(value)}`;
  });
  const more = entries.length - MOST_TOLD;
  return [
    `${moment(sample)} UTC`,
    `commit ${sample[SAMPLE.commit].slice(0, 12)}, by ${judged(sample)} configuration`,
    ...lines,
    ...(more > 0 ? [`and ${fig(more)} more`] : []),
  ].join("\n");
}

// The figures in words, newest first.
function figuresTable(caption, samples, entries) {
  const columns = [
    { title: "Date (UTC)", tight: true, cell: moment, key: of("seconds") },
    {
      title: "Commit",
      tight: true,
      cell: (sample) => {
        const id = of("commit")(sample);
        return h("abbr", { class: "code", title: id }, id.slice(0, 12));
      },
    },
    { title: "Configuration", cell: judged, key: of("own") },
    ...entries.map(([title, figure]) => ({
      title,
      right: true,
      cell: (sample) => count(figure(sample)),
      key: (sample) => figure(sample) ?? -1,
    })),
  ];
  const made = table(caption, columns, [...samples].reverse(), {
    text: (sample) => `${moment(sample)} ${of("commit")(sample)}`,
  });
  made.classList.add("figures");
  return made;
}
