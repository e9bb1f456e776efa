// Charts: ECharts in our colours, drawn when they are in the page, and again when colours change.

let charts = [];
let waiting = [];
const printing = window.matchMedia("print");
const system = window.matchMedia("(prefers-color-scheme: dark)");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

function colours() {
  const style = getComputedStyle(root);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"),
    muted: of("muted"),
    line: of("line"),
    back: of("back"),
    accent: of("accent"),
    bad: of("bad"),
    warn: of("warn"),
    good: of("good"),
    soft: of("soft"),
    pale: of("pale"),
    palebad: of("palebad"),
    palewarn: of("palewarn"),
  };
}

// A chart is a picture with a name; what it shows stands in a table beside it too. `make` gives
// ECharts' option for some colours, `click` gets what was clicked on.
function chart(label, height, make, click) {
  const element = h("div", { class: "chart", role: "img", "aria-label": label });
  element.style.height = `${height}px`;
  waiting.push(() => {
    const made = echarts.init(element, null, {
      renderer: "canvas",
      devicePixelRatio: Math.max(2, window.devicePixelRatio || 1),
    });
    const entry = { made, make, element, observer: new ResizeObserver(() => made.resize()) };
    entry.observer.observe(element);
    charts.push(entry);
    draw(entry);
    if (click) made.on("click", click);
  });
  return h("figure", {}, element, h("figcaption", {}, label));
}

function draw(entry) {
  const c = colours();
  const option = entry.make(c);
  entry.made.setOption(
    {
      animation: false,
      backgroundColor: "transparent",
      textStyle: { color: c.text, fontFamily: getComputedStyle(document.body).fontFamily },
      ...option,
      tooltip: {
        renderMode: "richText",
        confine: true,
        backgroundColor: c.back,
        borderColor: c.line,
        textStyle: { color: c.text, fontSize: 12 },
        ...option.tooltip,
      },
    },
    true,
  );
}

function redraw() {
  charts.forEach(draw);
}

function settle() {
  const due = waiting;
  waiting = [];
  due.forEach((start) => start());
}

function clear() {
  charts.forEach(({ made, observer }) => {
    observer.disconnect();
    made.dispose();
  });
  charts = [];
  waiting = [];
}

const axisText = (c, more) => ({
  axisLabel: { color: c.muted, ...more },
  axisLine: { lineStyle: { color: c.line } },
  splitLine: { lineStyle: { color: c.line, opacity: 0.5 } },
  nameTextStyle: { color: c.muted },
});

// Bars from the longest down, names at the left.
function bars(label, entries, unit, colour, go) {
  const most = entries.slice(0, 25);
  const longest = 20 + 7.5 * Math.max(...most.map((entry) => short(entry.name).length));
  const left = Math.min(longest, 0.45 * main.clientWidth);
  return chart(
    label,
    75 + 24 * most.length,
    (c) => ({
      grid: { left, right: 70, top: 8, bottom: 45 },
      xAxis: {
        type: "value",
        minInterval: 1,
        name: unit,
        nameLocation: "middle",
        nameGap: 24,
        ...axisText(c),
      },
      yAxis: {
        type: "category",
        inverse: true,
        data: most.map((e) => e.name),
        ...axisText(c, {
          width: left - 12,
          overflow: "truncate",
          interval: 0,
          formatter: short,
        }),
      },
      tooltip: { formatter: (p) => `${most[p.dataIndex].name}\n${fig(p.value)} ${unit}` },
      series: [
        {
          type: "bar",
          data: most.map((e) => e.value),
          itemStyle: { color: c[colour] },
          barMaxWidth: 16,
          label: { show: true, position: "right", color: c.text, formatter: (p) => fig(p.value) },
        },
      ],
    }),
    (p) => go && go(most[p.dataIndex]),
  );
}
