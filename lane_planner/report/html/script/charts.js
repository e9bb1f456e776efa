// Charts: ECharts in our colours, drawn when they are in the page, and again when colours change.

let charts = [];
let waiting = [];
const printing = window.matchMedia("print");
const system = window.matchMedia("(prefers-color-scheme: dark)");

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
// ECharts' option for some colours and a width, `click` gets what was clicked on.
function chart(label, height, make, click) {
  const element = h("div", { class: "chart", role: "img", "aria-label": label });
  element.style.height = `${height}px`;
  waiting.push(() => {
    const made = echarts.init(element, null, {
      renderer: "canvas",
      devicePixelRatio: Math.max(2, window.devicePixelRatio || 1),
    });
    const entry = { made, make, element, width: element.clientWidth };
    entry.observer = new ResizeObserver(() => {
      if (element.clientWidth === entry.width) return;
      entry.width = element.clientWidth;
      made.resize();
      draw(entry);
    });
    entry.observer.observe(element);
    charts.push(entry);
    draw(entry);
    if (click) made.on("click", click);
  });
  return h("figure", {}, element, h("figcaption", {}, label));
}

function draw(entry) {
  const c = colours();
  const option = entry.make(c, entry.width);
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

// Bars, names at the left. `words` puts a value in words, `interval` is that of the axis, `open`
// gets the entry of a bar that was clicked on.
function bars(label, entries, unit, colour, { words = fig, interval, open } = {}) {
  const most = entries.slice(0, 25);
  const longest = 20 + 7.5 * Math.max(...most.map((entry) => short(entry.name).length));
  return chart(
    label,
    75 + 24 * most.length,
    (c, width) => {
      const left = Math.min(longest, 0.45 * width);
      const name = (text) => short(text, lettersIn(left - 12));
      return {
        grid: { left, right: 80, top: 8, bottom: 45 },
        xAxis: {
          type: "value",
          minInterval: 1,
          interval,
          name: unit,
          nameLocation: "middle",
          nameGap: 24,
          ...axisText(c, { formatter: words, hideOverlap: true }),
        },
        yAxis: {
          type: "category",
          inverse: true,
          data: most.map((e) => e.name),
          ...axisText(c, { interval: 0, formatter: name }),
        },
        tooltip: { formatter: (p) => `${most[p.dataIndex].name}\n${words(p.value)} ${unit}` },
        series: [
          {
            type: "bar",
            data: most.map((e) => e.value),
            itemStyle: { color: c[colour] },
            barMaxWidth: 16,
            label: {
              show: true,
              position: "right",
              color: c.text,
              formatter: (p) => words(p.value),
            },
          },
        ],
      };
    },
    (p) => open && open(most[p.dataIndex]),
  );
}
