// The page's views. Names come from a repository, so they are written as text (`textContent`, text
// nodes, canvas) and never as markup; links to other places are made of https addresses only.
"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const T = D.texts;
  const M = D.modules;
  const COUNT = M.path.length;
  const [PACKAGE, NAMESPACE, NOT_IMPORTABLE, BROKEN] = [1, 2, 4, 8];
  const KINDS = [[1, "eager"], [2, "deferred"], [4, "typing"], [8, "optional"]];
  const PAGE = 50; // rows of a table that are shown at once
  const MOST_ROWS = 120; // of the matrix, within one package
  const root = document.documentElement;
  const main = document.getElementById("main");
  const said = document.getElementById("said");

  // --- words ---

  const number = new Intl.NumberFormat("en");
  const fig = (n) => number.format(n);
  const plural = (n, noun, more) => `${fig(n)} ${n === 1 ? noun : more || `${noun}s`}`;
  const percent = (thousandths) => `${(thousandths / 10).toFixed(1)} %`;
  const isModule = (i) => i >= 0 && i < COUNT;
  const laneName = (i) => (i < 0 ? "(no lane)" : D.lanes[i].name);

  function duration(seconds) {
    if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`;
    const minutes = Math.floor(seconds / 60);
    const rest = Math.floor(seconds % 60);
    if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
    return `${fig(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} min`;
  }

  function pathOf(i) {
    const path = M.path[i];
    if (typeof path === "string") return path;
    const stem = T[i].replaceAll(".", "/");
    return path === 0 ? `${stem}.py` : path === 1 ? `${stem}/__init__.py` : stem;
  }

  const fileOf = (i) => (isModule(i) ? pathOf(i) : T[i]);
  const kindsOf = (mask) => KINDS.filter(([bit]) => mask & bit).map(([, word]) => word).join(", ");

  function segments(i) {
    const name = T[i];
    return M.flags[i] & NOT_IMPORTABLE ? name.split("/") : name.split(".");
  }

  // A name that fits beside a chart: its first and its last parts.
  const short = (name) => {
    if (name.length <= 40) return name;
    const sign = name.includes("/") ? "/" : ".";
    const parts = name.split(sign);
    const end = parts.slice(-2).join(sign);
    return parts.length < 4 || end.length > 30 ? `…${name.slice(-38)}` : `${parts[0]}…${end}`;
  };

  // --- elements ---

  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== ""));
    return element;
  }

  const url = (...parts) => `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
  const link = (where, ...children) => h("a", { href: where }, ...children);
  const moduleUrl = (i) => url("module", T[i]);
  // A long name may go on in the next line, behind a dot or a slash.
  const soft = (name) => name.split(/(?<=[./])/).flatMap((part, at) => (at ? [h("wbr"), part] : [part]));
  const moduleLink = (i) => (isModule(i) ? link(moduleUrl(i), soft(T[i])) : h("span", {}, soft(T[i])));
  const fileLink = (i) => (isModule(i) ? link(moduleUrl(i), soft(pathOf(i))) : h("span", {}, soft(T[i])));
  const code = (word) => h("abbr", { class: "code", title: D.meanings[word] || word }, word);
  const note = (...children) => h("p", { class: "note" }, ...children);
  const warn = (word) => h("strong", { class: "bad" }, word);
  const section = (title, ...children) => h("section", {}, h("h2", {}, title), ...children);

  function chain(indices) {
    return h("ol", { class: "chain" }, indices.map((i) => h("li", {}, moduleLink(i))));
  }

  function tiles(entries) {
    return h("dl", { class: "tiles" }, entries.filter(Boolean).map(([name, value, where, bad]) =>
      h("div", { class: bad ? "tile is-bad" : "tile" },
        h("dt", {}, name), h("dd", {}, where ? link(where, String(value)) : String(value)))));
  }

  function say(text) {
    said.textContent = text;
  }

  // A table that can be sorted and filtered. A column is {title, cell(row) → node or text,
  // key(row) → what it is sorted by, right: whether it holds figures, tight: whether it is short}.
  function table(caption, columns, rows, options = {}) {
    let shown = rows;
    let limit = options.page || PAGE;
    let sorted = null;
    let downward = false;
    const body = h("tbody");
    const more = h("button", { type: "button", class: "more" });
    const heads = columns.map((column, at) => {
      const head = h("th", { scope: "col", class: column.right ? "right" : null });
      if (column.tight) head.classList.add("tight");
      if (!column.key || rows.length < 2) {
        head.append(column.title);
        return head;
      }
      head.append(h("button", { type: "button", class: "sort", onclick: () => sort(at) },
        column.title));
      return head;
    });
    function row(entry) {
      return h("tr", {}, columns.map((column, at) => {
        const value = column.cell(entry);
        const tag = at === 0 ? "th" : "td";
        const look = column.right ? "right" : column.tight ? "tight" : null;
        return h(tag, { scope: at === 0 ? "row" : null, class: look },
          typeof value === "number" ? fig(value) : value);
      }));
    }
    function fill() {
      body.replaceChildren(...shown.slice(0, limit).map(row));
      const left = shown.length - limit;
      more.hidden = left <= 0;
      more.textContent = `Show more (${fig(left)} left)`;
    }
    function sort(at) {
      downward = sorted === at ? !downward : Boolean(columns[at].right);
      sorted = at;
      heads.forEach((head, i) => {
        if (i === at) head.setAttribute("aria-sort", downward ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      arrange();
      say(`Sorted by ${columns[at].title}, ${downward ? "descending" : "ascending"}`);
    }
    function arrange() {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = rows;
      if (words.length && options.text) {
        shown = rows.filter((entry) => {
          const text = options.text(entry).toLowerCase();
          return words.every((word) => text.includes(word));
        });
        say(plural(shown.length, "row"));
      }
      if (sorted !== null) {
        const key = columns[sorted].key;
        const sign = downward ? -1 : 1;
        shown = [...shown].sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          return sign * (x < y ? -1 : x > y ? 1 : 0);
        });
      }
      fill();
    }
    more.addEventListener("click", () => {
      const before = limit;
      limit += 500;
      fill();
      const first = body.rows[before];
      const target = first && first.querySelector("a, button");
      if (target) target.focus();
    });
    const filter = h("input", {
      type: "search", "aria-label": `Filter: ${caption}`, placeholder: "Filter", spellcheck: "false",
      oninput: arrange,
    });
    fill();
    const wrapped = h("div", { class: "scroll" },
      h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body));
    return h("div", { class: "table" },
      options.text && rows.length > 15 ? h("p", { class: "filter" }, filter) : null, wrapped, more);
  }

  // --- charts ---

  let charts = [];
  let waiting = [];
  const printing = window.matchMedia("print");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  function colours() {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      text: of("text"), muted: of("muted"), line: of("line"), back: of("back"),
      accent: of("accent"), bad: of("bad"), warn: of("warn"), good: of("good"), soft: of("soft"),
      pale: of("pale"), palebad: of("palebad"), palewarn: of("palewarn"),
    };
  }

  // A chart is a picture with a name; what it shows stands in a table beside it too. `make` gives
  // ECharts' option for some colours, `click` gets what was clicked on.
  function chart(label, height, make, click) {
    const element = h("div", { class: "chart", role: "img", "aria-label": label });
    element.style.height = `${height}px`;
    waiting.push(() => {
      const made = echarts.init(element, null, {
        renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio || 1),
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
    entry.made.setOption({
      animation: false,
      backgroundColor: "transparent",
      textStyle: { color: c.text, fontFamily: getComputedStyle(document.body).fontFamily },
      ...option,
      tooltip: {
        renderMode: "richText", confine: true, backgroundColor: c.back, borderColor: c.line,
        textStyle: { color: c.text, fontSize: 12 }, ...option.tooltip,
      },
    }, true);
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
    axisLabel: { color: c.muted, ...more }, axisLine: { lineStyle: { color: c.line } },
    splitLine: { lineStyle: { color: c.line, opacity: 0.5 } }, nameTextStyle: { color: c.muted },
  });

  // Bars from the longest down, names at the left.
  function bars(label, entries, unit, colour, go) {
    const most = entries.slice(0, 25);
    return chart(label, 60 + 24 * most.length, (c) => ({
      grid: { left: 8, right: 70, top: 8, bottom: 30, containLabel: true },
      xAxis: { type: "value", minInterval: 1, name: unit, nameLocation: "middle", nameGap: 24,
        ...axisText(c) },
      yAxis: { type: "category", inverse: true, data: most.map((e) => e.name), ...axisText(c, {
        width: 260, overflow: "truncate", interval: 0, formatter: short }) },
      tooltip: { formatter: (p) => `${most[p.dataIndex].name}\n${fig(p.value)} ${unit}` },
      series: [{ type: "bar", data: most.map((e) => e.value), itemStyle: { color: c[colour] },
        barMaxWidth: 16, label: { show: true, position: "right", color: c.text,
          formatter: (p) => fig(p.value) } }],
    }), (p) => go && go(most[p.dataIndex]));
  }

  // --- what follows from the data ---

  function memo(make) {
    let made;
    return () => (made === undefined ? (made = make()) : made);
  }

  function* importsOf(i) {
    const row = D.imports[i];
    for (let at = 0; at < row.length; at += 3) yield [row[at], row[at + 1], row[at + 2]];
  }

  const importers = memo(() => {
    const found = Array.from({ length: COUNT }, () => []);
    for (let i = 0; i < COUNT; i++) {
      for (const [to, line, kinds] of importsOf(i)) found[to].push([i, line, kinds]);
    }
    return found;
  });

  const byName = memo(() => {
    const found = new Map();
    for (let i = 0; i < COUNT; i++) found.set(T[i], i);
    return found;
  });

  const forbidden = memo(() => new Set(D.violations.map((v) => v[1] * T.length + v[2])));
  const isForbidden = (from, to) => forbidden().has(from * T.length + to);

  const cyclesOf = memo(() => {
    const found = new Map();
    D.cycles.forEach((cycle, at) => cycle.modules.forEach((i) => {
      if (!found.has(i)) found.set(i, []);
      found.get(i).push(at);
    }));
    return found;
  });

  function inCycle(from, to, kinds) {
    const here = cyclesOf().get(from);
    const there = here && cyclesOf().get(to);
    return Boolean(there) && here.some((at) => there.includes(at)
      && kinds & (D.cycles[at].code === "LP201" ? 1 : 3));
  }

  const steps = D.plans.map((plan) => memo(() => {
    const found = new Map();
    plan.steps.forEach((step, at) => step[4].forEach((i) => found.set(`${step[1]}:${i}`, at)));
    return found;
  }));

  const blockedIn = D.plans.map((plan) => memo(() => {
    const found = new Map();
    plan.blocked.forEach((entry) => found.set(`${entry[1]}:${entry[0]}`, entry));
    return found;
  }));

  const route = (plan) => [plan.hops[0][0], plan.hops[plan.hops.length - 1][1]];
  const routeWords = (plan) => [plan.hops[0][0], ...plan.hops.map((hop) => hop[1])].join(" → ");
  const batchUrl = (plan, id) => url("batch", ...route(plan), String(id));
  const cycleUrl = (cycle) => url("cycle", cycle.code, T[cycle.modules[0]]);
  const stepPlace = (plan, step) => [`${step[0]}, wave ${step[2]}, `,
    link(batchUrl(plan, step[3]), `batch ${step[3]}`)];

  const violationColumns = [
    { title: "Importer", cell: (v) => moduleLink(v[1]), key: (v) => T[v[1]] },
    { title: "Imported", cell: (v) => moduleLink(v[2]), key: (v) => T[v[2]] },
    { title: "Lanes", tight: true, cell: (v) => `${laneName(v[3])} → ${laneName(v[4])}`,
      key: (v) => `${laneName(v[3])} ${laneName(v[4])}` },
    { title: "Place", cell: (v) => soft(`${fileOf(v[1])}:${v[5]}`), key: (v) => fileOf(v[1]) },
    { title: "Kind", tight: true, cell: (v) => v[6], key: (v) => v[6] },
    { title: "Code", tight: true, cell: (v) => [code(v[0]), v[8] >= 0 ? ` ${T[v[8]]}` : ""], key: (v) => v[0] },
    { title: "Status", tight: true, cell: (v) => (v[7] === "new" ? warn("new") : v[7]), key: (v) => v[7] },
  ];
  const violationText = (v) => `${T[v[1]]} ${T[v[2]]} ${laneName(v[3])} ${laneName(v[4])} ${v[0]} ${v[7]}`;

  // --- overview ---

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
    const sizes = D.lanes.map(() => [0, 0, 0]);
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
        ["modules", fig(files)], ["lanes", fig(D.lanes.length)], ["imports between modules", fig(imports)],
        ["new violations", fig(fresh), url("violations"), fresh > 0],
        D.violations.length > fresh && ["waived or in the baseline", fig(D.violations.length - fresh), url("violations")],
        ["circular imports", fig(D.cycles.length), url("cycles"), D.cycles.length > 0],
        ["files that do not parse", fig(broken), url("faults"), broken > 0],
        ...D.plans.map((plan) => [`can move, ${routeWords(plan)}`,
          plan.summary.candidates ? `${fig(plan.summary.promotable)} of ${fig(plan.summary.candidates)}` : "–", url("plan", ...route(plan))]),
      ]),
      section("Lanes",
        chart("Lanes, sized by modules, and the imports between them; forbidden ones are dashed red",
          440, (c) => laneGraph(c, sizes, unlaned, others),
          (p) => p.dataType === "edge" && p.data.forbidden && go(url("violations"))),
        table("Lanes", [
          { title: "Lane", tight: true, cell: ({ lane }) => lane.name, key: ({ lane }) => lane.name },
          { title: "Directories", cell: ({ lane }) => lane.paths.join(", ") },
          { title: "Modules", cell: ({ at }) => sizes[at][0], key: ({ at }) => sizes[at][0], right: true },
          { title: "Do not parse", cell: ({ at }) => sizes[at][1], key: ({ at }) => sizes[at][1], right: true },
          { title: "May import", cell: ({ lane }) => lane.imports.map(laneName).join(", ") || "itself only" },
          { title: "Promotes to", cell: ({ lane }) => (lane.to === null ? "–" : laneName(lane.to)) },
        ], rows)),
      section("Imports between lanes",
        note("Each row imports from each column. ", h("span", { class: "mark is-bad" }, "✗ n"),
          " are forbidden import statements, those of modules that do not exist among them; a hatched cell may not be used."),
        h("div", { class: "scroll" },
          h("table", { class: "pairs" }, h("caption", {}, "Imports between lanes"),
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Importer"),
              across.map((to) => h("th", { scope: "col", class: "right" }, laneName(to))))),
            h("tbody", {}, across.map((from) => h("tr", {}, h("th", { scope: "row" }, laneName(from)),
              across.map((to) => laneCell(from, to)))))))),
      section("Violations between lanes", bad.length
        ? table("Forbidden imports by lanes", [
          { title: "Importing lane", cell: (p) => laneName(p.from), key: (p) => laneName(p.from) },
          { title: "Imported lane", cell: (p) => laneName(p.to), key: (p) => laneName(p.to) },
          { title: "Import statements", cell: (p) => p.forbidden, key: (p) => p.forbidden, right: true },
          { title: "New", cell: (p) => p.fresh, key: (p) => p.fresh, right: true },
        ], bad) : note("None."),
        bad.length ? h("p", {}, link(url("violations"), "All violations")) : null,
        D.waivers.length ? [h("h3", {}, "Waivers that cover nothing"),
          h("ul", {}, D.waivers.map((waiver) => h("li", {}, waiver)))] : null),
    ];
  }

  function mayImport(from, to) {
    return from < 0 || from === to || D.lanes[from].imports.includes(to);
  }

  function laneCell(from, to) {
    const pair = lanePairs().get(`${from}:${to}`);
    const may = to < 0 ? !(pair && pair.forbidden) : mayImport(from, to);
    return h("td", { class: may ? "right" : "right no" },
      pair && pair.imports ? fig(pair.imports) : may ? "" : h("span", { class: "hidden" }, "may not"),
      pair && pair.forbidden ? h("span", { class: "mark is-bad" }, ` ✗ ${fig(pair.forbidden)}`) : null);
  }

  function laneGraph(c, sizes, unlaned, others) {
    const all = [...D.lanes.map((_, at) => at), ...(others ? [-1] : [])];
    const size = (at) => (at < 0 ? unlaned : sizes[at][0]);
    const most = Math.max(1, ...all.map(size));
    const pairs = [...lanePairs().values()].filter((p) => p.from !== p.to);
    return {
      tooltip: { formatter: (p) => (p.dataType === "node"
        ? `${laneName(p.data.at)}\n${plural(size(p.data.at), "module")}`
        : `${laneName(p.data.from)} → ${laneName(p.data.to)}\n${plural(p.data.imports, "import")}`
          + (p.data.forbidden ? `\n${fig(p.data.forbidden)} forbidden` : "")) },
      series: [{
        type: "graph", layout: "circular", roam: false, top: 60, bottom: 60,
        data: all.map((at) => ({ id: String(at), name: laneName(at), at,
          symbolSize: 14 + 44 * Math.sqrt(size(at) / most),
          itemStyle: { color: at < 0 ? c.muted : c.accent } })),
        label: { show: true, position: "bottom", color: c.text, fontSize: 13, lineHeight: 16,
          formatter: (p) => `${p.name}\n${fig(size(p.data.at))}` },
        edgeSymbol: ["none", "arrow"], edgeSymbolSize: 9,
        edges: pairs.map((p) => ({ source: String(p.from), target: String(p.to), ...p,
          lineStyle: { color: p.forbidden ? c.bad : c.muted, type: p.forbidden ? "dashed" : "solid",
            width: 1 + Math.min(4, Math.log10(1 + p.imports)), curveness: 0.18,
            opacity: p.forbidden ? 0.95 : 0.45 },
          label: { show: Boolean(p.forbidden), formatter: `✗ ${fig(p.forbidden)}`, color: c.bad, fontSize: 13 } })),
      }],
    };
  }

  function violations() {
    return [h("h1", {}, "Violations"),
      D.violations.length ? table("Imports that the lanes forbid", violationColumns, D.violations,
        { text: violationText }) : note("No import breaks a rule.")];
  }

  // --- matrix ---

  const tree = memo(() => {
    const top = { name: "", label: "", children: new Map(), module: -1, size: 0, parent: null };
    for (let i = 0; i < COUNT; i++) {
      let at = top;
      const parts = segments(i);
      const sign = M.flags[i] & NOT_IMPORTABLE ? "/" : ".";
      parts.forEach((part, depth) => {
        let next = at.children.get(part);
        if (!next) {
          next = { name: parts.slice(0, depth + 1).join(sign), label: part, children: new Map(),
            module: -1, size: 0, parent: at };
          at.children.set(part, next);
        }
        at = next;
      });
      at.module = i;
      if (!(M.flags[i] & NAMESPACE)) {
        for (let up = at; up; up = up.parent) up.size += 1;
      }
    }
    return top;
  });

  const nodeNamed = (name) => {
    let at = tree();
    for (const part of name.split(name.includes("/") ? "/" : ".")) {
      at = at && at.children.get(part);
    }
    return at;
  };

  const opened = new Set();

  function visibleRows() {
    const rows = [];
    const place = new Map(); // node → row
    const order = new Map();
    D.lanes.forEach((lane, at) => lane.paths.forEach((path) => order.set(path.split("/")[0], at)));
    const rank = (node) => (order.has(node.label) ? order.get(node.label) : D.lanes.length);
    function add(node, depth) {
      let children = [...node.children.values()].sort((a, b) =>
        (depth === 0 ? rank(a) - rank(b) : 0) || (a.label < b.label ? -1 : 1));
      let rest = [];
      if (children.length > MOST_ROWS) {
        const largest = new Set([...children].sort((a, b) => b.size - a.size).slice(0, MOST_ROWS - 1));
        rest = children.filter((child) => !largest.has(child));
        children = children.filter((child) => largest.has(child));
      }
      if (node.module >= 0 && depth > 0 && !(M.flags[node.module] & NAMESPACE)) {
        place.set(node, rows.length);
        rows.push({ node, label: `${node.label} (itself)`, depth, own: true });
      }
      for (const child of children) {
        if (opened.has(child) && child.children.size) add(child, depth + 1);
        else {
          place.set(child, rows.length);
          rows.push({ node: child, label: child.label, depth });
        }
      }
      if (rest.length) {
        rest.forEach((child) => place.set(child, rows.length));
        rows.push({ node, label: `… ${fig(rest.length)} smaller ones`, depth: depth + 1, rest });
      }
    }
    add(tree(), 0);
    return { rows, place };
  }

  function matrixCells() {
    const { rows, place } = visibleRows();
    const rowOf = new Int32Array(COUNT).fill(-1);
    for (let i = 0; i < COUNT; i++) {
      let node = nodeAt()[i];
      while (node && !place.has(node)) node = node.parent;
      // A package that is open stands in a row of its own only for what is in its own file.
      rowOf[i] = node ? place.get(node) : -1;
    }
    const cells = new Map();
    for (let i = 0; i < COUNT; i++) {
      const from = rowOf[i];
      if (from < 0) continue;
      for (const [to, line, kinds] of importsOf(i)) {
        if (rowOf[to] < 0) continue;
        const key = from * rows.length + rowOf[to];
        let cell = cells.get(key);
        if (!cell) {
          cell = { from, to: rowOf[to], edges: [], forbidden: 0, circular: 0 };
          cells.set(key, cell);
        }
        const bad = isForbidden(i, to);
        const round = inCycle(i, to, kinds);
        cell.edges.push([i, to, line, kinds, bad, round]);
        if (bad) cell.forbidden += 1;
        if (round) cell.circular += 1;
      }
    }
    return { rows, cells };
  }

  const nodeAt = memo(() => {
    const found = new Array(COUNT);
    const walk = [tree()];
    while (walk.length) {
      const node = walk.pop();
      if (node.module >= 0) found[node.module] = node;
      walk.push(...node.children.values());
    }
    return found;
  });

  function matrix(wanted) {
    if (wanted) {
      let node = nodeNamed(wanted);
      if (node && !node.children.size) node = node.parent;
      for (; node && node.parent; node = node.parent) opened.add(node);
    }
    const place = h("div");
    const detail = h("div", { id: "cell" });
    let cursor = [0, 0];
    let current = null;

    function toggle(node, open) {
      if (open) opened.add(node);
      else {
        opened.delete(node);
        const within = (other) => {
          for (let up = other; up; up = up.parent) if (up === node) return true;
          return false;
        };
        [...opened].filter(within).forEach((other) => opened.delete(other));
      }
      cursor = [0, 0];
      say(`${node.name} ${open ? "opened" : "closed"}`);
      clear();
      build();
      settle();
      const focus = [...place.querySelectorAll("button[data-node]")]
        .find((button) => button.dataset.node === node.name);
      if (focus) focus.focus();
    }

    function mark(cell) {
      return cell.forbidden ? `✗${fig(cell.forbidden)}` : cell.circular ? `↻${fig(cell.circular)}`
        : fig(cell.edges.length);
    }

    const depthOf = (cell) => Math.min(3, Math.log10(cell.edges.length) + 0.3);

    function words(cell) {
      const extra = [cell.forbidden && `${fig(cell.forbidden)} forbidden`,
        cell.circular && `${fig(cell.circular)} in circular imports`].filter(Boolean);
      return `${plural(cell.edges.length, "import")}${extra.length ? `, ${extra.join(", ")}` : ""}`;
    }

    const rowName = (row) => (row.rest ? `${row.node.name} ${row.label}` : row.own
      ? `${row.node.name} (itself)` : row.node.name);

    function show(cell) {
      if (!cell) {
        detail.replaceChildren();
        return;
      }
      const { rows } = current;
      detail.replaceChildren(h("h2", {}, `${rowName(rows[cell.from])} → ${rowName(rows[cell.to])}`),
        note(words(cell)),
        table("Imports of this cell", [
          { title: "Importer", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
          { title: "Imported", cell: (e) => moduleLink(e[1]), key: (e) => T[e[1]] },
          { title: "Line", cell: (e) => e[2], key: (e) => e[2], right: true },
          { title: "Kind", tight: true, cell: (e) => kindsOf(e[3]), key: (e) => e[3] },
          { title: "Marks", tight: true, cell: (e) => [e[4] ? warn("✗ forbidden ") : "", e[5] ? "↻ circular" : ""],
            key: (e) => 2 * e[4] + e[5] },
        ], cell.edges, { text: (e) => `${T[e[0]]} ${T[e[1]]}` }));
    }

    function moved(announce) {
      const { rows, cells } = current;
      const cell = cells.get(cursor[0] * rows.length + cursor[1]);
      charts.forEach((entry) => entry.cursor && entry.cursor());
      if (announce) {
        say(`${rowName(rows[cursor[0]])} imports ${rowName(rows[cursor[1]])}: `
          + (cell ? words(cell) : "nothing"));
      }
      return cell;
    }

    function keys(event) {
      const { rows } = current;
      const last = rows.length - 1;
      const steps_ = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const step = steps_[event.key];
      if (step) {
        cursor = [0, 1].map((i) => Math.max(0, Math.min(last, cursor[i] + step[i])));
        moved(true);
      } else if (event.key === "Home") {
        cursor = [cursor[0], 0];
        moved(true);
      } else if (event.key === "End") {
        cursor = [cursor[0], last];
        moved(true);
      } else if (event.key === "Enter") {
        show(moved(true));
      } else if (event.key === "o" || event.key === "+") {
        const { node, own, rest } = rows[cursor[0]];
        if (node.children.size && !own && !rest) toggle(node, true);
      } else return;
      event.preventDefault();
    }

    function build() {
      current = matrixCells();
      const { rows, cells } = current;
      const n = rows.length;
      const all = [...cells.values()];
      const size = n <= 12 ? 44 : n <= 30 ? 28 : n <= 60 ? 19 : 12;
      const label = (row, most) => (rowName(row).length > most ? `…${rowName(row).slice(1 - most)}` : rowName(row));
      const longest = Math.max(...rows.map((row) => rowName(row).length), 4);
      const left = 30 + 7 * Math.min(36, longest);
      const top = 30 + 7 * Math.min(24, longest);
      const kinds = [["accent", "pale", (k) => !k.forbidden && !k.circular],
        ["warn", "palewarn", (k) => !k.forbidden && k.circular], ["bad", "palebad", (k) => k.forbidden]];
      const figure = chart("Dependency structure matrix: each row imports from each column",
        top + n * size + 20, (c) => ({
          grid: { left, top, width: n * size, height: n * size },
          xAxis: { type: "category", position: "top", data: rows.map((_, at) => String(at)),
            splitArea: { show: false }, axisTick: { show: false }, ...axisText(c, { rotate: 90, interval: 0,
              fontSize: size < 15 ? 9 : 11, width: top - 20, overflow: "truncate", formatter: (at) => label(rows[at], 24) }),
            splitLine: { show: n <= 60, lineStyle: { color: c.line } } },
          yAxis: { type: "category", inverse: true, data: rows.map((_, at) => String(at)), triggerEvent: true,
            axisTick: { show: false }, ...axisText(c, { interval: 0, fontSize: size < 15 ? 9 : 12,
              width: left - 20, overflow: "truncate", formatter: (at) => label(rows[at], 36) }),
            splitLine: { show: n <= 60, lineStyle: { color: c.line } } },
          tooltip: { formatter: (p) => (p.data && p.data.cell
            ? `${rowName(rows[p.data.cell.from])}\n→ ${rowName(rows[p.data.cell.to])}\n${words(p.data.cell)}` : "") },
          visualMap: kinds.map(([strong, pale], at) => ({ type: "continuous", show: false, seriesIndex: at,
            dimension: 2, min: 0, max: 3, inRange: { color: [c[pale], c[strong]] } })),
          series: [
            ...kinds.map(([, , fits]) => ({
              type: "heatmap", data: all.filter(fits).map((cell) => ({
                value: [cell.to, cell.from, depthOf(cell)], cell,
                label: { color: depthOf(cell) > 1.3 ? c.back : c.text } })),
              itemStyle: { borderColor: c.back, borderWidth: 1 },
              label: { show: size >= 28, formatter: (p) => mark(p.data.cell), fontSize: size > 30 ? 12 : 9 },
            })),
            { type: "scatter", silent: true, symbol: "rect", z: 5, symbolSize: size, data: [],
              itemStyle: { color: "transparent", borderColor: c.text, borderWidth: 2 } },
            { type: "scatter", silent: true, symbol: "rect", symbolSize: size, z: 0,
              data: rows.map((_, at) => [at, at]), itemStyle: { color: c.soft } },
          ],
        }), (p) => {
          if (p.componentType === "yAxis") {
            const row = rows[Number(p.value)];
            if (row.node.children.size && !row.own && !row.rest) toggle(row.node, true);
          } else if (p.data && p.data.cell) {
            cursor = [p.data.cell.from, p.data.cell.to];
            moved(false);
            show(p.data.cell);
          }
        });
      const box = figure.firstChild;
      box.style.width = `${left + n * size + 30}px`;
      const grid = h("div", { class: "scroll matrix", tabindex: "0", role: "application", id: "matrix",
        "aria-label": "Dependency structure matrix: arrows move, Enter lists a cell's imports, "
          + "o opens the row's package", onkeydown: keys,
        // Not where a mouse brought the focus: to draw between its press and release loses the click.
        onfocus: (event) => event.target.matches(":focus-visible") && moved(true) }, figure);
      waiting.push(() => {
        const entry = charts.find((one) => one.element === box);
        entry.cursor = () => entry.made.setOption({ series: [{}, {}, {},
          { data: [[cursor[1], cursor[0]]] }] });
      });
      const rowsShown = rows.filter((row) => !row.own && !row.rest);
      const around = [...opened].sort((a, b) => (a.name < b.name ? -1 : 1));
      place.replaceChildren(
        around.length ? h("p", { class: "opened" }, "Open: ", around.map((node) =>
          h("button", { type: "button", "data-node": node.name, "aria-label": `Close ${node.name}`,
            onclick: () => toggle(node, false) }, `− ${node.name}`))) : null || "",
        h("p", { class: "opened" }, "Packages: ", rowsShown.filter((row) => row.node.children.size)
          .slice(0, 200).map((row) => h("button", { type: "button", "data-node": row.node.name,
            "aria-label": `Open ${row.node.name}, ${plural(row.node.size, "module")}`,
            onclick: () => toggle(row.node, true) }, `+ ${row.node.name} `,
          h("span", { class: "count" }, fig(row.node.size))))),
        h("p", { class: "legend" },
          h("span", { class: "swatch is-plain" }), "imports (darker: more) ",
          h("span", { class: "swatch is-warn" }), "↻ some in circular imports ",
          h("span", { class: "swatch is-bad" }), "✗ some forbidden ",
          h("span", { class: "swatch is-soft" }), "a package and itself"),
        grid, detail,
        h("details", {}, h("summary", {}, "The matrix as a table"),
          table("Imports between the packages shown", [
            { title: "Importer", cell: (k) => rowName(rows[k.from]), key: (k) => rowName(rows[k.from]) },
            { title: "Imported", cell: (k) => rowName(rows[k.to]), key: (k) => rowName(rows[k.to]) },
            { title: "Imports", cell: (k) => h("button", { type: "button", class: "plain", onclick: () => {
              show(k);
              detail.scrollIntoView();
            } }, fig(k.edges.length)), key: (k) => k.edges.length, right: true },
            { title: "Forbidden", cell: (k) => (k.forbidden ? warn(fig(k.forbidden)) : "0"), key: (k) => k.forbidden, right: true },
            { title: "Circular", cell: (k) => k.circular, key: (k) => k.circular, right: true },
          ], all.sort((a, b) => b.forbidden - a.forbidden || b.circular - a.circular
            || b.edges.length - a.edges.length), { text: (k) => `${rowName(rows[k.from])} ${rowName(rows[k.to])}` })));
      detail.replaceChildren();
    }

    build();
    return [h("h1", {}, "Matrix"),
      note("Each row imports from each column. Open a package by its button or its row's name; click "
        + "a cell, or move there with the arrows and press Enter, for its imports."), place];
  }

  // --- plan ---

  function planTabs(view, plan) {
    if (D.plans.length < 2) return null;
    return h("nav", { class: "tabs", "aria-label": "Plans" }, h("ul", {}, D.plans.map((other) =>
      h("li", {}, h("a", { href: url(view, ...route(other)),
        "aria-current": other === plan ? "page" : null }, routeWords(other))))));
  }

  function planOf(source, target) {
    return D.plans.find((plan) => plan.hops[0][0] === source && route(plan)[1] === target)
      || (source ? null : D.plans.find((plan) => plan.steps.length) || D.plans[0]);
  }

  function withPlan(view, title, source, target, make) {
    const plan = planOf(source, target);
    if (!D.plans.length) return [h("h1", {}, title), note("This page was made without plans.")];
    if (!plan) return missing(`a plan from ${source} to ${target}`);
    return [h("h1", {}, `${title}: ${routeWords(plan)}`), planTabs(view, plan), ...make(plan)];
  }

  function planView(source, target) {
    return withPlan("plan", "Plan", source, target, (plan) => {
      const s = plan.summary;
      const at = D.plans.indexOf(plan);
      const codes = new Map();
      for (const [, , causes] of plan.blocked) {
        for (const word of new Set(causes.filter((cause) => ownCause(plan, cause) || plan.causes[cause[0]][0] === "LP403")
          .map((cause) => plan.causes[cause[0]][0]))) codes.set(word, (codes.get(word) || 0) + 1);
      }
      const kinds = [...codes].sort((a, b) => b[1] - a[1]);
      return [
        plan.assumed.length ? h("p", { class: "note is-bad" }, `Assumed: ${plan.assumed.join(", ")}`) : null,
        tiles([["candidates", fig(s.candidates)], ["can be promoted", fig(s.promotable)],
          ["blocked", fig(s.blocked), null, s.blocked > 0], ["ready in structure", fig(s.structural)],
          ["waves", fig(s.waves)], ["batches", fig(s.batches)], ["steps", fig(s.steps)],
          ["files rewritten", fig(s.rewritten_files)]]),
        plan.batches.length ? section("Waves and batches",
          plan.batches.length <= 400 ? chart("Batches by wave, sized by modules; an arrow leads to the batch that waits",
            batchHeight(plan), (c) => batchGraph(c, plan),
            (p) => p.dataType === "node" && p.data.batch && go(batchUrl(plan, p.data.batch.id)))
            : note("There are too many batches to draw; the table has them all."),
          table("Batches", [
            { title: "Batch", tight: true, cell: (b) => link(batchUrl(plan, b.id), `batch ${b.id}`), key: (b) => b.id },
            plan.hops.length > 1 && { title: "Hop", cell: (b) => plan.hops[b.hop].join(" → "), key: (b) => b.hop },
            { title: "Wave", cell: (b) => b.wave, key: (b) => b.wave, right: true },
            { title: "Steps", cell: (b) => b.steps.length, key: (b) => b.steps.length, right: true },
            { title: "Modules", cell: (b) => b.modules, key: (b) => b.modules, right: true },
            { title: "Files rewritten", cell: (b) => b.rewritten, key: (b) => b.rewritten, right: true },
            { title: "Imports changed", cell: (b) => b.lines, key: (b) => b.lines, right: true },
            { title: "Waits for batches", cell: (b) => afterLinks(plan, b.after) },
            { title: "Gates", cell: (b) => b.gates.join(", ") },
          ].filter(Boolean), plan.batches)) : note("No module can be promoted now."),
        plan.blocked.length ? section("What blocks",
          table("Blocked modules by code", [
            { title: "Code", tight: true, cell: ([word]) => code(word), key: ([word]) => word },
            { title: "Modules", cell: ([, n]) => n, key: ([, n]) => n, right: true },
            { title: "Meaning", cell: ([word]) => D.meanings[word] || "" },
          ], kinds),
          table("Blocked modules", [
            { title: "Module", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
            { title: "Own causes", cell: (e) => ownCodes(plan, e).map((word) => [code(word), " "]),
              key: (e) => ownCodes(plan, e).join() },
            { title: "By way of others", cell: (e) => e[2].filter((cause) => plan.causes[cause[0]][0] === "LP403").length,
              key: (e) => e[2].filter((cause) => plan.causes[cause[0]][0] === "LP403").length, right: true },
          ], plan.blocked, { page: 25, text: (e) => `${T[e[0]]} ${ownCodes(plan, e).join(" ")}` })) : null,
        at >= 0 ? h("p", {}, link(url("unlocks", ...route(plan)), "What to mend first"), " · ",
          link(url("forecast", ...route(plan)), "How long it takes")) : null,
      ];
    });
  }

  const afterLinks = (plan, after) => after.map((id, i) => [i ? ", " : "", link(batchUrl(plan, id), String(id))]);

  function ownCause(plan, cause) {
    const [word, importer, imported] = plan.causes[cause[0]];
    return word !== "LP403" && cause.length <= 3 && (importer === cause[1] || imported === cause[1]);
  }

  const ownCodes = (plan, entry) => [...new Set(entry[2].filter((cause) => ownCause(plan, cause))
    .map((cause) => plan.causes[cause[0]][0]))];

  const columnsOf = (plan) => {
    const found = new Map();
    plan.batches.forEach((b) => {
      const key = `${b.hop}:${b.wave}`;
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(b);
    });
    return [...found.values()];
  };

  const batchHeight = (plan) => Math.max(220, Math.min(2400,
    70 + 30 * Math.max(...columnsOf(plan).map((column) => column.length))));

  // A graph series on axes that are not shown: nodes keep their shape at every width.
  const plane = (columns, rows) => ({
    xAxis: { type: "value", show: false, min: 0, max: columns },
    yAxis: { type: "value", show: false, min: 0, max: rows, inverse: true },
  });

  function batchGraph(c, plan) {
    const columns = columnsOf(plan);
    const tallest = Math.max(...columns.map((column) => column.length));
    const most = Math.max(...plan.batches.map((b) => b.modules), 1);
    const title = (b) => `${plan.hops.length > 1 ? `${plan.hops[b.hop].join(" → ")}, ` : ""}wave ${b.wave}`;
    const nodes = columns.flatMap((column, x) => [
      { id: `wave ${x}`, value: [x, 0], symbolSize: 0.1, label: { show: true, position: "right", distance: -20,
        color: c.muted, fontSize: 13, fontWeight: "bold", formatter: () => title(column[0]) } },
      ...column.map((b, y) => ({ id: String(b.id), batch: b, value: [x, 0.5 + (y + 0.5) * tallest / column.length],
        symbolSize: 8 + 14 * Math.sqrt(b.modules / most), itemStyle: { color: c.accent },
        label: { show: true, position: "right", color: c.text, backgroundColor: c.back, padding: [1, 3],
          formatter: () => `${b.id} · ${plural(b.modules, "module")}` } })),
    ]);
    return {
      grid: { left: 40, right: 10, top: 20, bottom: 10 },
      ...plane(columns.length, tallest + 0.5),
      tooltip: { formatter: (p) => (p.dataType === "node" && p.data.batch
        ? `batch ${p.data.batch.id}, wave ${p.data.batch.wave}\n${plural(p.data.batch.steps.length, "step")}, `
          + `${plural(p.data.batch.modules, "module")}\n${plural(p.data.batch.rewritten, "file")} rewritten` : "") },
      series: [{ type: "graph", coordinateSystem: "cartesian2d", nodes, cursor: "pointer", edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7, emphasis: { focus: "adjacency", lineStyle: { opacity: 1, width: 2 } },
        edges: plan.batches.flatMap((b) => b.after.map((id) => ({ source: String(id), target: String(b.id) }))),
        lineStyle: { color: c.muted, opacity: 0.4, curveness: 0.08 } }],
    };
  }

  function batchView(source, target, id) {
    const plan = planOf(source, target);
    const batch = plan && source && plan.batches.find((b) => String(b.id) === id);
    if (!batch) return missing(`batch ${id} of a plan from ${source} to ${target}`);
    const next = plan.batches.filter((b) => b.after.includes(batch.id)).map((b) => b.id);
    return [
      h("h1", {}, `Batch ${batch.id}`),
      h("p", {}, link(url("plan", ...route(plan)), `Plan ${routeWords(plan)}`), `, wave ${batch.wave}`),
      tiles([["steps", fig(batch.steps.length)], ["modules", fig(batch.modules)], ["files moved", fig(batch.moved)],
        ["files rewritten", fig(batch.rewritten)], ["imports changed", fig(batch.lines)]]),
      h("dl", { class: "facts" },
        h("dt", {}, "Waits for batches"), h("dd", {}, batch.after.length ? afterLinks(plan, batch.after) : "none"),
        h("dt", {}, "Is waited for by"), h("dd", {}, next.length ? afterLinks(plan, next) : "none"),
        h("dt", {}, "Gates"), h("dd", {}, batch.gates.join(", ") || "none")),
      table("Steps, in the order of landing", [
        { title: "Step", tight: true, cell: (s) => plan.steps[s][0], key: (s) => s },
        { title: "Modules", cell: (s) => plan.steps[s][4].map((i) => h("div", {}, moduleLink(i))),
          key: (s) => T[plan.steps[s][4][0]] },
        { title: "Go to", cell: (s) => plan.steps[s][5].map((move) => h("div", {}, move[1])) },
        { title: "Files rewritten", cell: (s) => plan.steps[s][6].length, key: (s) => plan.steps[s][6].length, right: true },
        { title: "After steps", cell: (s) => plan.steps[s][7].slice(0, 12).map((o) => plan.steps[o][0]).join(", ")
          + (plan.steps[s][7].length > 12 ? ` and ${plan.steps[s][7].length - 12} more` : "") },
      ], batch.steps, { text: (s) => plan.steps[s][4].map((i) => T[i]).join(" ") }),
    ];
  }

  // --- module ---

  function moduleView(name) {
    const i = byName().get(name);
    if (i === undefined) return missing(`module ${name}`, name);
    const flags = M.flags[i];
    const imports = [...importsOf(i)];
    const by = importers()[i];
    const bad = D.violations.filter((v) => v[1] === i || v[2] === i);
    const faults = D.diagnostics.filter((d) => d[1] === i);
    const rounds = (cyclesOf().get(i) || []).map((at) => D.cycles[at]);
    const covered = M.covered ? M.covered[i] : -1;
    const what = [flags & NAMESPACE ? "namespace package" : flags & PACKAGE ? "package" : "module",
      flags & NOT_IMPORTABLE && "nobody can import it by name", flags & BROKEN && "does not parse"].filter(Boolean);
    const edgeColumns = [
      { title: "Module", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
      { title: "Lane", tight: true, cell: (e) => laneName(M.lane[e[0]]), key: (e) => laneName(M.lane[e[0]]) },
      { title: "Line", cell: (e) => e[1], key: (e) => e[1], right: true },
      { title: "Kind", tight: true, cell: (e) => kindsOf(e[2]), key: (e) => e[2] },
    ];
    const marks = (from) => ({ title: "Marks", tight: true, key: (e) => (isForbidden(...from(e)) ? 2 : 0) + inCycle(...from(e), e[2]),
      cell: (e) => [isForbidden(...from(e)) ? warn("✗ forbidden ") : "", inCycle(...from(e), e[2]) ? "↻ circular" : ""] });
    return [
      h("h1", { class: "name" }, T[i]),
      h("dl", { class: "facts" },
        h("dt", {}, "File"), h("dd", {}, pathOf(i)),
        h("dt", {}, "Lane"), h("dd", {}, laneName(M.lane[i])),
        h("dt", {}, "What it is"), h("dd", {}, what.join(", ")),
        M.covered ? [h("dt", {}, "Test coverage"), h("dd", {}, covered < 0 ? "no figure" : percent(covered),
          M.minimum !== null ? ` (${percent(M.minimum)} needed)` : "")] : null,
        rounds.length ? [h("dt", {}, "Circular imports"), h("dd", {}, rounds.map((cycle, at) => [at ? ", " : "",
          link(cycleUrl(cycle), `${cycle.code} of ${plural(cycle.modules.length, "module")}`)]))] : null),
      D.plans.map((plan, at) => placeIn(plan, at, i)),
      faults.length ? section("Faults", h("ul", {}, faults.map((d) => h("li", {}, code(d[0]), ` line ${d[2]}: ${T[d[4]]}`,
        d[3] ? " (optional)" : "")))) : null,
      bad.length ? section("Violations", table("Forbidden imports of or by it", violationColumns, bad)) : null,
      imports.length || by.length ? section("Neighbours",
        chart("Importers at the left, imported modules at the right; forbidden imports are dashed red",
          neighbourHeight(imports, by), (c) => neighbours(c, i, imports, by),
          (p) => p.dataType === "node" && p.data.module !== undefined && go(moduleUrl(p.data.module)))) : null,
      section(`Imports (${fig(imports.length)})`, imports.length ? table("What it imports",
        [...edgeColumns, marks((e) => [i, e[0]])], imports, { text: (e) => T[e[0]] }) : note("Nothing of the repository.")),
      section(`Imported by (${fig(by.length)})`, by.length ? table("Who imports it",
        [...edgeColumns, marks((e) => [e[0], i])], by, { text: (e) => T[e[0]] }) : note("Nobody.")),
      h("p", {}, link(url("matrix", T[i]), "Its place in the matrix")),
    ];
  }

  const MOST = 24;
  const neighbourHeight = (imports, by) => 80 + 22 * Math.min(MOST + 1, Math.max(imports.length, by.length, 3));

  function neighbours(c, i, imports, by) {
    const tall = Math.min(MOST + 1, Math.max(imports.length, by.length, 3));
    const column = (entries, x, prefix) => {
      const some = entries.slice(0, MOST);
      const left = entries.length - some.length;
      const position = prefix === "<" ? "left" : "right";
      const nodes = some.map(([other], y) => ({ id: `${prefix}${other}`, module: other,
        value: [x, (y + 0.5) * tall / (some.length + Boolean(left))], symbolSize: 9, itemStyle: { color: c.muted },
        label: { show: true, position, color: c.text, formatter: () => short(T[other]) } }));
      if (left) nodes.push({ id: `${prefix}more`, value: [x, tall - 0.5], symbolSize: 0.1,
        label: { show: true, position, color: c.muted, formatter: () => `and ${fig(left)} more` } });
      return nodes;
    };
    const style = (from, to) => (isForbidden(from, to) ? { color: c.bad, type: "dashed", opacity: 1 } : {});
    return {
      grid: { left: 10, right: 10, top: 20, bottom: 20 },
      ...plane(10, tall),
      tooltip: { formatter: (p) => (p.data.module === undefined ? "" : T[p.data.module]) },
      series: [{ type: "graph", coordinateSystem: "cartesian2d", cursor: "pointer",
        nodes: [{ id: "here", value: [5, tall / 2], symbolSize: 18, itemStyle: { color: c.accent }, label: { show: true,
          position: "bottom", color: c.text, fontWeight: "bold", backgroundColor: c.back, padding: 2, formatter: () => short(T[i]) } },
        ...column(by, 3, "<"), ...column(imports, 7, ">")],
        edges: [...by.slice(0, MOST).map(([o]) => ({ source: `<${o}`, target: "here", lineStyle: style(o, i) })),
          ...imports.slice(0, MOST).map(([o]) => ({ source: "here", target: `>${o}`, lineStyle: style(i, o) }))],
        edgeSymbol: ["none", "arrow"], edgeSymbolSize: 7, lineStyle: { color: c.muted, opacity: 0.5 } }],
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
        const modules = (list) => h("ul", {}, list.slice(0, 50).map((one) => h("li", {}, one[4].slice(0, 3).map(moduleLink)
          .flatMap((node) => [node, " "]), "(", stepPlace(plan, one), ")")),
        list.length > 50 ? h("li", {}, `and ${fig(list.length - 50)} more`) : null);
        return section(title, h("p", { class: "good" }, "It can be promoted: ", stepPlace(plan, step), "."),
          h("dl", { class: "facts" },
            h("dt", {}, "Moves"), h("dd", {}, step[5].map(([from, to]) => h("div", {}, fileOf(from), " → ", to))),
            step[4].length > 1 ? [h("dt", {}, "Together with"),
              h("dd", {}, step[4].filter((o) => o !== i).map((o) => h("div", {}, moduleLink(o))))] : null,
            h("dt", {}, "Gates"), h("dd", {}, plan.gates[step[8]].join(", ") || "none"),
            h("dt", {}, "Waits for"), h("dd", {}, step[7].length ? modules(step[7].map((o) => plan.steps[o])) : "nothing"),
            h("dt", {}, "Is waited for by"), h("dd", {}, next.length ? modules(next) : "nothing"),
            h("dt", {}, "Files rewritten"), h("dd", {}, step[6].length ? h("ul", {}, step[6].slice(0, 50).map((file) =>
              h("li", {}, fileLink(file))), step[6].length > 50 ? h("li", {}, `and ${fig(step[6].length - 50)} more`) : null) : "none")));
      }
      if (!blocked) return null;
      const own = blocked[2].filter((cause) => ownCause(plan, cause));
      const far = blocked[2].filter((cause) => !own.includes(cause) && cause.length > 1);
      const needs = blocked[2].filter((cause) => cause.length === 1);
      return section(title, h("p", {}, warn("It is blocked.")),
        own.length ? [h("h3", {}, "Its own causes"), h("ul", { class: "causes" }, own.map((cause) => causeItem(plan, cause)))] : null,
        needs.length ? [h("h3", {}, `Blocked modules that it needs (${fig(needs.length)})`),
          h("ul", {}, needs.slice(0, 100).map((cause) => h("li", {}, moduleLink(plan.causes[cause[0]][2]))))] : null,
        far.length ? [h("h3", {}, `Chains to root causes (${fig(far.length)})`),
          h("ul", { class: "causes" }, far.slice(0, 100).map((cause) => causeItem(plan, cause)))] : null);
    });
  }

  function causeItem(plan, cause) {
    const [word, importer, imported, line, detail, file] = plan.causes[cause[0]];
    return h("li", {}, h("p", {}, code(word), ` ${D.meanings[word] || ""}`, detail >= 0 ? `: ${T[detail]}` : "", " (",
      fileLink(file), line ? `:${line}` : "", ")"),
    cause.length > 2 ? chain(cause.slice(1)) : imported >= 0 ? chain([importer, imported]) : null);
  }

  // --- unlocks ---

  function unlocksView(source, target) {
    return withPlan("unlocks", "What to mend first", source, target, (plan) => {
      const list = plan.unlocks;
      if (!list.length) return [note("No module is blocked: there is nothing to mend.")];
      const some = list.slice(0, 30);
      return [
        note("Each fix is the one that frees the most modules, given those before it. Bars: modules that it frees alone; "
          + "line: all that can move with it and those before it."),
        chart("Fixes by rank: modules freed alone, and the running total", 380, (c) => ({
          grid: { left: 60, right: 60, top: 40, bottom: 50 }, legend: { textStyle: { color: c.text }, top: 0 },
          tooltip: { trigger: "axis", formatter: ([p]) => `${p.dataIndex + 1}. ${clip(some[p.dataIndex].what, 90)}\n`
            + `frees ${fig(some[p.dataIndex].frees)}, running total ${fig(some[p.dataIndex].total)}` },
          xAxis: { type: "category", data: some.map((_, at) => at + 1), name: "fix", nameLocation: "middle", nameGap: 28, ...axisText(c) },
          yAxis: [{ type: "value", name: "frees alone", minInterval: 1, ...axisText(c) },
            { type: "value", name: "running total", minInterval: 1, ...axisText(c), splitLine: { show: false } }],
          series: [{ type: "bar", name: "frees alone", data: some.map((u) => u.frees), itemStyle: { color: c.accent },
            barMaxWidth: 26 },
          { type: "line", name: "running total", yAxisIndex: 1, data: some.map((u) => u.total), itemStyle: { color: c.warn },
            lineStyle: { width: 2 }, symbolSize: 6 }],
        })),
        table("Fixes", [
          { title: "Rank", cell: (u) => list.indexOf(u) + 1, key: (u) => list.indexOf(u), right: true },
          { title: "Frees alone", cell: (u) => u.frees, key: (u) => u.frees, right: true },
          { title: "Adds here", cell: (u) => u.total - before(list, u), key: (u) => u.total - before(list, u), right: true },
          { title: "Running total", cell: (u) => u.total, key: (u) => u.total, right: true },
          { title: "Code", tight: true, cell: (u) => code(u.code), key: (u) => u.code },
          { title: "What to do", cell: (u) => u.what || u.id, key: (u) => u.what },
          { title: "Where", cell: (u) => [fileLink(u.file), u.lines.length ? `:${u.lines.slice(0, 5).join(", ")}` : ""],
            key: (u) => fileOf(u.file) },
        ], list, { text: (u) => `${u.what} ${u.code} ${fileOf(u.file)}` }),
      ];
    });
  }

  const before = (list, unlock) => (list.indexOf(unlock) ? list[list.indexOf(unlock) - 1].total : 0);
  const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

  // --- cycles ---

  function cyclesView() {
    return [h("h1", {}, "Circular imports"), D.cycles.length ? [
      note("LP201: the imports that run with their modules suffice. LP202: imports inside functions are needed for it."),
      table("Circular imports", [
        { title: "Modules", cell: (y) => link(cycleUrl(y), `${y.code}: ${T[y.modules[0]]} and ${fig(y.modules.length - 1)} more`),
          key: (y) => T[y.modules[0]] },
        { title: "Code", tight: true, cell: (y) => code(y.code), key: (y) => y.code },
        { title: "Size", cell: (y) => y.modules.length, key: (y) => y.modules.length, right: true },
        { title: "Shortest circle", cell: (y) => y.example.length - 1, key: (y) => y.example.length, right: true },
        { title: "Imports to cut", cell: (y) => `${fig(y.breakers.length)}${y.exact ? "" : " or fewer"}`,
          key: (y) => y.breakers.length, right: true },
        { title: "Hardest cut", tight: true, cell: (y) => worst(y), key: (y) => RATINGS.indexOf(worst(y)) },
        { title: "Status", tight: true, cell: (y) => (y.known ? "baseline" : warn("new")), key: (y) => (y.known ? 1 : 0) },
      ], D.cycles, { text: (y) => `${y.code} ${y.modules.map((i) => T[i]).join(" ")}` }),
      h("div", { class: "pictures" }, D.cycles.slice(0, 6).map((cycle) => h("section", {},
        h("h2", {}, link(cycleUrl(cycle), `${cycle.code}: ${T[cycle.modules[0]]}`)), cycleFigure(cycle, 240)))),
      D.cycles.length > 6 ? note(`${fig(D.cycles.length - 6)} more are drawn on pages of their own.`) : null,
    ] : note("There are none.")];
  }

  const RATINGS = ["unused", "typing", "deferrable", "needed"];
  const RATED = { unused: "nothing in the file uses it", typing: "annotations alone use it",
    deferrable: "functions alone use it: it can stand in them", needed: "it is used while the module is imported, or may be" };
  const worst = (cycle) => cycle.breakers.map((b) => b[3]).sort((a, b) => RATINGS.indexOf(b) - RATINGS.indexOf(a))[0] || "–";

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
    const place = (at) => {
      const angle = Math.PI + 2 * Math.PI * at / order.length;
      return [5 + 2.5 * Math.cos(angle), 5 + 4 * Math.sin(angle)];
    };
    const side = (at) => (place(at)[0] < 4.9 ? "left" : place(at)[0] > 5.1 ? "right" : place(at)[1] < 5 ? "top" : "bottom");
    return chart(`${cycle.code}, ${plural(members.size, "module")} in a circle; dashed red: the imports to cut`,
      many ? 640 : height, (c) => ({
        grid: { left: 10, right: 10, top: 20, bottom: 20 },
        ...plane(10, 10),
        tooltip: { formatter: (p) => (p.dataType === "node" ? T[p.data.module]
          : `${T[p.data.ends[0]]}\n→ ${T[p.data.ends[1]]}${p.data.cut ? "\ncut here" : ""}`) },
        series: [{ type: "graph", coordinateSystem: "cartesian2d", cursor: "pointer", edgeSymbol: ["none", "arrow"], edgeSymbolSize: 10,
          nodes: order.map((i, at) => ({ id: String(i), module: i, value: place(at), symbolSize: many ? 6 : 14,
            itemStyle: { color: c.accent }, label: { show: order.length <= 80, position: side(at), color: c.text,
              fontSize: many ? 9 : 12, formatter: () => parting(T[i]) } })),
          edges: edges.map(([a, b]) => {
            const [gone, shown] = [cut.has(`${a}:${b}`), round.has(`${a}:${b}`)];
            return { source: String(a), target: String(b), ends: [a, b], cut: gone, lineStyle: {
              color: gone ? c.bad : shown ? c.text : c.muted, type: gone ? "dashed" : "solid",
              width: gone || shown ? 2 : 1, opacity: gone || shown ? 1 : 0.4, curveness: 0.25 } };
          }) }],
      }), (p) => p.dataType === "node" && go(moduleUrl(p.data.module)));
  }

  // The last two parts of a name, for where there is little room.
  function parting(name) {
    const sign = name.includes("/") ? "/" : ".";
    return clip(name.split(sign).slice(-2).join(sign), 28);
  }

  function cycleView(word, name) {
    const i = byName().get(name);
    const cycle = D.cycles.find((one) => one.code === word && one.modules.includes(i));
    if (!cycle) return missing(`circular import ${word} of ${name}`);
    return [h("h1", {}, `Circular import of ${plural(cycle.modules.length, "module")}`),
      h("p", {}, code(cycle.code), cycle.code === "LP201" ? " by imports that run with their modules, " : " by way of imports inside functions, ", cycle.known ? "in the baseline" : warn("new")),
      cycleFigure(cycle, 460),
      section("Shortest circle", chain(cycle.example)),
      section("Cheapest cut", note(cycle.exact ? "It is proved that no fewer imports do."
        : "None of these can be left out; that no fewer do is not proved."),
      table("Imports to cut", [
        { title: "Importer", cell: (b) => moduleLink(b[0]), key: (b) => T[b[0]] },
        { title: "Imported", cell: (b) => moduleLink(b[1]), key: (b) => T[b[1]] },
        { title: "Place", cell: (b) => `${fileOf(b[0])}:${b[2].join(", ")}` },
        { title: "How hard", cell: (b) => `${b[3]}: ${RATED[b[3]] || ""}`, key: (b) => RATINGS.indexOf(b[3]) },
      ], cycle.breakers)),
      section("Modules", table("Modules in it", [{ title: "Module", cell: moduleLink, key: (m) => T[m] },
        { title: "Lane", tight: true, cell: (m) => laneName(M.lane[m]), key: (m) => laneName(M.lane[m]) }], cycle.modules, { text: (m) => T[m] })),
    ];
  }

  // --- hotspots ---

  function hotspots() {
    const imported = importers().map((list, i) => ({ i, name: T[i], value: list.length })).filter((e) => e.value)
      .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    const columns = (title) => [
      { title: "Module", cell: (e) => moduleLink(e.i), key: (e) => e.name },
      { title: "Lane", tight: true, cell: (e) => (isModule(e.i) ? laneName(M.lane[e.i]) : "–"), key: (e) => (isModule(e.i) ? laneName(M.lane[e.i]) : "") },
      { title, cell: (e) => e.value, key: (e) => e.value, right: true },
    ];
    const open = (e) => isModule(e.i) && go(moduleUrl(e.i));
    return [h("h1", {}, "Hotspots"),
      section("Imported most", imported.length ? [bars("The modules that most others import", imported, "importers", "accent", open),
        table("Modules by importers", columns("Importers"), imported.slice(0, 500), { text: (e) => e.name, page: 25 })] : note("No module imports another.")),
      D.plans.map((plan) => {
        const list = plan.blocking.map(([i, value]) => ({ i, name: T[i], value }));
        if (!list.length) return null;
        return section(`Blocking most: ${routeWords(plan)}`,
          note("How many other modules wait for something to be mended in the module, counting for each the nearest causes."),
          bars(`The modules that most others wait for, ${routeWords(plan)}`, list, "waiting", "warn", open),
          table(`Modules by those that wait, ${routeWords(plan)}`, columns("Waiting"), list, { text: (e) => e.name, page: 25 }));
      })];
  }

  // --- faults ---

  function faults() {
    const broken = D.diagnostics.filter((d) => d[0] === "LP901" || d[0] === "LP902");
    const rest = D.diagnostics.filter((d) => !broken.includes(d));
    const by = new Map();
    for (const d of broken) {
      const directory = fileOf(d[1]).split("/").slice(0, -1).slice(0, 2).join("/") || ".";
      by.set(directory, (by.get(directory) || 0) + 1);
    }
    const counted = [...by].map(([name, value]) => ({ name, value })).sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    const columns = [
      { title: "File", cell: (d) => fileLink(d[1]), key: (d) => fileOf(d[1]) },
      { title: "Line", cell: (d) => d[2], key: (d) => d[2], right: true },
      { title: "Code", tight: true, cell: (d) => code(d[0]), key: (d) => d[0] },
      { title: "What", cell: (d) => [T[d[4]], d[3] ? " (optional)" : ""], key: (d) => T[d[4]] },
    ];
    const text = (d) => `${fileOf(d[1])} ${d[0]} ${T[d[4]]}`;
    return [h("h1", {}, "Faults of files"),
      section(`Files that do not parse (${fig(broken.length)})`, broken.length ? [
        bars("Files that do not parse, by directory", counted, "files", "bad"),
        table("Files that do not parse, by directory", [{ title: "Directory", cell: (e) => e.name, key: (e) => e.name },
          { title: "Files", cell: (e) => e.value, key: (e) => e.value, right: true }], counted, { page: 15 }),
        table("Files that do not parse or cannot be decoded", columns, broken, { text })] : note("All parse.")),
      section(`Other faults (${fig(rest.length)})`, rest.length
        ? table("Imports of what does not exist, and names in vain", columns, rest, { text }) : note("None."))];
  }

  // --- history ---

  function history_() {
    if (!D.runs.length) return [h("h1", {}, "History"), note("No run is recorded: nothing was promoted here with lane_planner yet.")];
    const gates = new Map();
    D.runs.forEach((run) => run.gates.forEach((gate) => {
      if (!gates.has(gate[0])) gates.set(gate[0], []);
      gates.get(gate[0]).push({ run: run.id, seconds: gate[2], passed: gate[3], verdict: gate[4], began: gate[5] });
    }));
    const names = [...gates.keys()].sort();
    const middle = (list) => {
      const sorted = list.map((g) => g.seconds).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)];
    };
    const day = (at) => (at ? at.slice(0, 19).replace("T", " ") : "–");
    return [h("h1", {}, "History"),
      section("Runs",
        chart("Steps of each run: committed and left out", 260, (c) => ({
          grid: { left: 50, right: 20, top: 40, bottom: 40 }, legend: { top: 0, textStyle: { color: c.text } },
          tooltip: { trigger: "axis" },
          xAxis: { type: "category", data: D.runs.map((run) => `run ${run.id}`), ...axisText(c) },
          yAxis: { type: "value", minInterval: 1, ...axisText(c) },
          series: [{ name: "committed", type: "bar", stack: "steps", itemStyle: { color: c.good }, barMaxWidth: 40,
            data: D.runs.map((run) => run.steps.filter((s) => s[1]).length) },
          { name: "left out", type: "bar", stack: "steps", itemStyle: { color: c.bad }, barMaxWidth: 40,
            data: D.runs.map((run) => run.dropped.length) }],
        })),
        table("Runs", [
          { title: "Run", tight: true, cell: (r) => `run ${r.id}`, key: (r) => r.id },
          { title: "What", cell: (r) => r.title || r.mode, key: (r) => r.title },
          { title: "Status", tight: true, cell: (r) => (r.status === "done" ? r.status : warn(r.status)), key: (r) => r.status },
          { title: "Began", tight: true, cell: (r) => day(r.started), key: (r) => r.started },
          { title: "Ended", tight: true, cell: (r) => day(r.ended), key: (r) => r.ended || "" },
          { title: "Steps", cell: (r) => r.steps.length, key: (r) => r.steps.length, right: true },
          { title: "Left out", cell: (r) => (r.dropped.length ? h("details", {}, h("summary", {}, fig(r.dropped.length)),
            h("ul", {}, r.dropped.map(([step, why]) => h("li", {}, `${step}: ${why}`)))) : "0"), key: (r) => r.dropped.length, right: true },
          { title: "Branches", cell: (r) => r.branches.map(([name, commit]) => h("div", {}, `${name} ${commit.slice(0, 10)}`)) },
          { title: "Pull requests", cell: (r) => r.pulls.map(([, n, where]) => h("div", {},
            /^https:\/\//.test(where) ? h("a", { href: where, rel: "noreferrer" }, `#${n}`) : `#${n}`)) },
          { title: "Why it came to nothing", cell: (r) => r.reason || "" },
        ], D.runs)),
      section("Gate times", names.length ? [
        chart("Seconds of each run of each gate, in order; a cross is a failure", 320, (c) => ({
          grid: { left: 60, right: 20, top: 50, bottom: 40 }, legend: { top: 0, type: "scroll", textStyle: { color: c.text } },
          tooltip: { formatter: (p) => `${p.data.gate}: ${p.data.verdict}\n${duration(p.value[1])}, run ${p.data.run}` },
          xAxis: { type: "value", minInterval: 1, name: "run of the gate", nameLocation: "middle", nameGap: 25, ...axisText(c) },
          yAxis: { type: "value", name: "seconds", ...axisText(c) },
          series: names.map((gate) => ({ name: gate, type: "line", lineStyle: { opacity: 0.35 },
            data: gates.get(gate).map((g, at) => ({ value: [at + 1, g.seconds], gate, run: g.run, verdict: g.verdict,
              symbol: g.passed ? "circle" : "path://M0,0L8,8M8,0L0,8", symbolSize: g.passed ? 7 : 11 })) })),
        })),
        table("Gates", [
          { title: "Gate", cell: (g) => g, key: (g) => g },
          { title: "Runs", cell: (g) => gates.get(g).length, key: (g) => gates.get(g).length, right: true },
          { title: "Passed", cell: (g) => gates.get(g).filter((one) => one.passed).length,
            key: (g) => gates.get(g).filter((one) => one.passed).length, right: true },
          { title: "Median", cell: (g) => duration(middle(gates.get(g))), key: (g) => middle(gates.get(g)), right: true },
          { title: "Longest", cell: (g) => duration(Math.max(...gates.get(g).map((one) => one.seconds))),
            key: (g) => Math.max(...gates.get(g).map((one) => one.seconds)), right: true },
        ], names)] : note("No gate has run."))];
  }

  // --- forecast ---

  function forecastView(source, target) {
    return withPlan("forecast", "Forecast", source, target, (plan) => {
      const list = plan.forecasts;
      if (!list.length || !plan.batches.length) return [note("There is nothing to carry out.")];
      const place = h("div");
      const choice = h("select", { id: "workers", onchange: () => {
        clear();
        build();
        settle();
      } }, list.map((f, at) => h("option", { value: at, selected: at === Math.min(2, list.length - 1) }, fig(f.workers))));
      function build() {
        const f = list[Number(choice.value)];
        place.replaceChildren(
          tiles([["elapsed", duration(f.elapsed)], ["work", duration(f.work)], ["pull requests", fig(plan.batches.length)],
            ["gate runs", fig(f.runs)], ["critical path", duration(f.critical_seconds)]]),
          chart(`The schedule on ${plural(f.workers, "worker")}: one bar a batch; darker ones are the critical path`,
            110 + 46 * f.workers, (c) => schedule(c, f),
            (p) => go(batchUrl(plan, f.bars[p.dataIndex][0]))),
          h("details", {}, h("summary", {}, "The schedule as a table"), table("Schedule", [
            { title: "Batch", tight: true, cell: (b) => link(batchUrl(plan, b[0]), `batch ${b[0]}`), key: (b) => b[0] },
            { title: "Worker", cell: (b) => b[1], key: (b) => b[1], right: true },
            { title: "Begins", cell: (b) => duration(b[2]), key: (b) => b[2], right: true },
            { title: "Ends", cell: (b) => duration(b[3]), key: (b) => b[3], right: true },
          ], f.bars)),
          section("Number of workers",
            bars("Elapsed seconds by workers", list.map((one) => ({ name: plural(one.workers, "worker"), value: Math.round(one.elapsed) })), "seconds", "accent"),
            table("Elapsed time by workers", [
              { title: "Workers", cell: (one) => one.workers, key: (one) => one.workers },
              { title: "Elapsed", cell: (one) => duration(one.elapsed), key: (one) => one.elapsed, right: true },
              { title: "No schedule is shorter than", cell: (one) => duration(one.least), key: (one) => one.least, right: true },
            ], list)),
          section("What it rests on", note(`A step takes ${f.step} s beside its gates. Reviews are not counted.`),
            table("Gates", [
              { title: "Gate", cell: (g) => g[0], key: (g) => g[0] },
              { title: "A run takes", cell: (g) => duration(g[1]), key: (g) => g[1], right: true },
              { title: "From", cell: (g) => (g[2] === "journal" ? `the median of ${plural(g[3], "run")}`
                : g[2] === "timeout" ? "its timeout: the most that it can take" : g[2]) },
              { title: "Runs", cell: (g) => g[4], key: (g) => g[4], right: true },
            ], f.gates)));
      }
      build();
      return [h("p", {}, h("label", { for: "workers" }, "Pull requests worked on at once: "), choice), place];
    });
  }

  const PACES = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const pace = (seconds) => PACES.find((one) => seconds / one <= 8) || Math.ceil(seconds / 8 / 86400) * 86400;

  function schedule(c, f) {
    const critical = new Set(f.critical);
    return {
      grid: { left: 90, right: 30, top: 20, bottom: 50 },
      tooltip: { formatter: (p) => `batch ${p.value[3]}\n${duration(p.value[1])} to ${duration(p.value[2])}` },
      xAxis: { type: "value", max: f.elapsed || 1, interval: pace(f.elapsed), ...axisText(c, { formatter: duration, hideOverlap: true }) },
      yAxis: { type: "category", inverse: true, data: Array.from({ length: f.workers }, (_, at) => `worker ${at + 1}`), ...axisText(c) },
      series: [{ type: "custom", encode: { x: [1, 2], y: 0 }, data: f.bars.map(([batch, worker, from, to]) => [worker - 1, from, to, batch]),
        renderItem: (params, api) => {
          const start = api.coord([api.value(1), api.value(0)]);
          const end = api.coord([api.value(2), api.value(0)]);
          const height = api.size([0, 1])[1] * 0.7;
          const width = Math.max(1, end[0] - start[0] - 1);
          const dark = critical.has(api.value(3));
          return { type: "rect", shape: { x: start[0], y: start[1] - height / 2, width, height },
            style: { fill: dark ? c.accent : c.pale, stroke: c.accent },
            textContent: width > 16 ? { style: { text: String(api.value(3)), fill: dark ? c.back : c.text, fontSize: 11 } } : undefined,
            textConfig: { position: "inside" } };
        } }],
    };
  }

  // --- search ---

  const field = document.getElementById("search");
  const results = document.getElementById("results");
  let hits = [];
  let active = -1;

  const haystack = memo(() => {
    const found = [];
    for (let i = 0; i < COUNT; i++) {
      found.push({ kind: laneName(M.lane[i]), words: T[i], low: T[i].toLowerCase(), where: moduleUrl(i) });
    }
    D.plans.forEach((plan) => plan.batches.forEach((b) => {
      const words = `batch ${b.id}, wave ${b.wave}, ${routeWords(plan)}`;
      found.push({ kind: "batch", words, low: words.toLowerCase(), where: batchUrl(plan, b.id) });
    }));
    D.cycles.forEach((cycle) => {
      const words = `cycle ${cycle.code} ${cycle.modules.slice(0, 20).map((i) => T[i]).join(", ")}`;
      found.push({ kind: "cycle", words, low: words.toLowerCase(), where: cycleUrl(cycle) });
    });
    return found;
  });

  function find(text) {
    const words = text.toLowerCase().replace(/\.py$/, "").split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const ranked = [[], [], [], []];
    const last = words[words.length - 1];
    for (const entry of haystack()) {
      const low = entry.low;
      if (!words.every((word) => low.includes(word) || low.includes(word.replaceAll("/", ".")))) continue;
      const end = low.slice(low.lastIndexOf(".") + 1);
      ranked[low === words.join(" ") ? 0 : end === last ? 1 : end.startsWith(last) ? 2 : 3].push(entry);
    }
    return ranked.flatMap((list) => list.sort((a, b) => a.words.length - b.words.length));
  }

  function search() {
    hits = find(field.value);
    active = hits.length ? 0 : -1;
    const shown = hits.slice(0, 50);
    results.replaceChildren(...shown.map((hit, at) => h("li", { role: "option", id: `hit${at}`, "aria-selected": at === 0 ? "true" : "false",
      onmousedown: (event) => {
        event.preventDefault();
        choose(at);
      } }, h("span", { class: "hit" }, hit.words), h("span", { class: "kind" }, hit.kind))));
    if (field.value.trim() && !hits.length) results.append(h("li", { class: "none" }, "nothing found"));
    const open = Boolean(field.value.trim());
    results.hidden = !open;
    field.setAttribute("aria-expanded", String(open));
    activate();
    if (open) say(hits.length > 50 ? `${fig(hits.length)} results, the first 50 are listed` : plural(hits.length, "result"));
  }

  function activate() {
    [...results.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    if (active >= 0) {
      field.setAttribute("aria-activedescendant", `hit${active}`);
      results.children[active].scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }

  function closeSearch() {
    results.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function choose(at) {
    const hit = hits[at];
    if (!hit) return;
    closeSearch();
    field.value = "";
    go(hit.where);
  }

  field.addEventListener("input", search);
  field.addEventListener("focus", () => field.value && search());
  field.addEventListener("blur", closeSearch);
  field.addEventListener("keydown", (event) => {
    const last = Math.min(hits.length, 50) - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (last < 0) return;
      active = event.key === "ArrowDown" ? (active >= last ? 0 : active + 1) : (active <= 0 ? last : active - 1);
      activate();
      event.preventDefault();
    } else if (event.key === "Enter") choose(active);
    else if (event.key === "Escape") {
      field.value = "";
      closeSearch();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });

  // --- colours ---

  const toggle_ = document.getElementById("theme");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function nameTheme() {
    toggle_.textContent = dark() ? "Light" : "Dark";
    toggle_.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`);
  }

  toggle_.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    nameTheme();
    redraw();
  });
  system.addEventListener("change", () => {
    nameTheme();
    redraw();
  });
  printing.addEventListener("change", redraw);

  // --- places ---

  function missing(what, name) {
    const near = name ? find(name.split(/[./]/).pop() || name).slice(0, 10) : [];
    return [h("h1", {}, "Not found"), h("p", {}, `This page knows no ${what}.`),
      near.length ? [h("p", {}, "Was one of these meant?"), h("ul", {}, near.map((hit) => h("li", {}, link(hit.where, hit.words))))] : null];
  }

  const views = {
    overview: ["Overview", overview], violations: ["Violations", violations], matrix: ["Matrix", matrix],
    plan: ["Plan", planView], unlocks: ["Unlocks", unlocksView], cycles: ["Cycles", cyclesView],
    hotspots: ["Hotspots", hotspots], faults: ["Faults", faults], history: ["History", history_],
    forecast: ["Forecast", forecastView],
  };
  const more = { module: moduleView, batch: batchView, cycle: cycleView };
  const under = { batch: "plan", cycle: "cycles" };

  document.getElementById("views").append(...Object.entries(views).map(([id, [title]]) =>
    h("li", {}, h("a", { href: url(id), "data-view": id }, title))));

  function go(where) {
    location.hash = where;
  }

  function decoded(part) {
    try {
      return decodeURIComponent(part);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      return part; // a link that somebody cut short: it names what it says
    }
  }

  function render(first) {
    const [id, ...given] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
    const view = views[id] ? views[id][1] : more[id];
    clear();
    const nodes = view ? view(...given) : id ? missing(`view ${id}`) : overview();
    main.replaceChildren(...[nodes].flat(Infinity).filter(Boolean));
    settle();
    const here = views[id] ? id : under[id] || (id ? "" : "overview");
    document.querySelectorAll("#views a").forEach((item) => {
      if (item.dataset.view === here) item.setAttribute("aria-current", "page");
      else item.removeAttribute("aria-current");
    });
    document.title = `${main.querySelector("h1").textContent} · lane_planner report`;
    if (!first) {
      window.scrollTo(0, 0);
      main.focus({ preventScroll: true });
    }
  }

  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the fragment says which view is shown
    main.focus();
  });
  window.addEventListener("hashchange", () => render(false));

  const commit = D.commit ? `commit ${D.commit.slice(0, 12)}${D.commit.endsWith("-dirty") ? " with uncommitted changes" : ""}` : "no commit";
  document.getElementById("of").textContent = commit;
  document.getElementById("source").textContent = `lane_planner ${D.tool}, ${D.commit || "no commit"}, configuration ${D.config.slice(0, 19)}, `
    + `waivers as of ${D.day}. Charts: Apache ECharts ${echarts.version} (Apache License 2.0).`;
  nameTheme();
  render(true);
  root.dataset.ready = String(Math.round(performance.now()));
})();
