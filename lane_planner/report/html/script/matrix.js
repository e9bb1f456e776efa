// The dependency structure matrix, which opens level by level.

const tree = memo(() => {
  const top = { name: "", label: "", children: new Map(), module: -1, size: 0, parent: null };
  for (let i = 0; i < COUNT; i++) {
    let at = top;
    const parts = segments(i);
    const sign = M.flags[i] & NOT_IMPORTABLE ? "/" : ".";
    parts.forEach((part, depth) => {
      let next = at.children.get(part);
      if (!next) {
        next = {
          name: parts.slice(0, depth + 1).join(sign),
          label: part,
          children: new Map(),
          module: -1,
          size: 0,
          parent: at,
        };
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
    let children = [...node.children.values()].sort(
      (a, b) => (depth === 0 ? rank(a) - rank(b) : 0) || (a.label < b.label ? -1 : 1),
    );
    let rest = [];
    if (children.length > MOST_ROWS) {
      const largest = new Set(
        [...children].sort((a, b) => b.size - a.size).slice(0, MOST_ROWS - 1),
      );
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
    const focus = [...place.querySelectorAll("button[data-node]")].find(
      (button) => button.dataset.node === node.name,
    );
    if (focus) focus.focus();
  }

  function mark(cell) {
    return cell.forbidden
      ? `✗${fig(cell.forbidden)}`
      : cell.circular
        ? `↻${fig(cell.circular)}`
        : fig(cell.edges.length);
  }

  const depthOf = (cell) => Math.min(3, Math.log10(cell.edges.length) + 0.3);

  function words(cell) {
    const extra = [
      cell.forbidden && `${fig(cell.forbidden)} forbidden`,
      cell.circular && `${fig(cell.circular)} in circular imports`,
    ].filter(Boolean);
    return `${plural(cell.edges.length, "import")}${extra.length ? `, ${extra.join(", ")}` : ""}`;
  }

  const rowName = (row) =>
    row.rest
      ? `${row.node.name} ${row.label}`
      : row.own
        ? `${row.node.name} (itself)`
        : row.node.name;

  function show(cell) {
    if (!cell) {
      detail.replaceChildren();
      return;
    }
    const { rows } = current;
    detail.replaceChildren(
      h("h2", {}, `${rowName(rows[cell.from])} → ${rowName(rows[cell.to])}`),
      note(words(cell)),
      table(
        "Imports of this cell",
        [
          { title: "Importer", cell: (e) => moduleLink(e[0]), key: (e) => T[e[0]] },
          { title: "Imported", cell: (e) => moduleLink(e[1]), key: (e) => T[e[1]] },
          { title: "Line", cell: (e) => e[2], key: (e) => e[2], right: true },
          { title: "Kind", tight: true, cell: (e) => kindsOf(e[3]), key: (e) => e[3] },
          {
            title: "Marks",
            tight: true,
            cell: (e) => [e[4] ? warn("✗ forbidden ") : "", e[5] ? "↻ circular" : ""],
            key: (e) => 2 * e[4] + e[5],
          },
        ],
        cell.edges,
        { text: (e) => `${T[e[0]]} ${T[e[1]]}` },
      ),
    );
  }

  function moved(announce) {
    const { rows, cells } = current;
    const cell = cells.get(cursor[0] * rows.length + cursor[1]);
    charts.forEach((entry) => entry.cursor && entry.cursor());
    if (announce) {
      say(
        `${rowName(rows[cursor[0]])} imports ${rowName(rows[cursor[1]])}: ` +
          (cell ? words(cell) : "nothing"),
      );
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
    const longest = Math.max(...rows.map((row) => rowName(row).length), 4);
    const left = 30 + 7 * Math.min(36, longest);
    const top = 30 + 7 * Math.min(24, longest);
    const kinds = [
      ["accent", "pale", (k) => !k.forbidden && !k.circular],
      ["warn", "palewarn", (k) => !k.forbidden && k.circular],
      ["bad", "palebad", (k) => k.forbidden],
    ];
    const figure = chart(
      "Dependency structure matrix: each row imports from each column",
      top + n * size + 20,
      (c) => ({
        grid: { left, top, width: n * size, height: n * size },
        xAxis: {
          type: "category",
          position: "top",
          data: rows.map((_, at) => String(at)),
          splitArea: { show: false },
          axisTick: { show: false },
          ...axisText(c, {
            rotate: 90,
            interval: 0,
            fontSize: size < 15 ? 9 : 11,
            width: top - 20,
            overflow: "truncate",
            formatter: (at) => tail(rowName(rows[at]), 24),
          }),
          splitLine: { show: n <= 60, lineStyle: { color: c.line } },
        },
        yAxis: {
          type: "category",
          inverse: true,
          data: rows.map((_, at) => String(at)),
          triggerEvent: true,
          axisTick: { show: false },
          ...axisText(c, {
            interval: 0,
            fontSize: size < 15 ? 9 : 12,
            width: left - 20,
            overflow: "truncate",
            formatter: (at) => tail(rowName(rows[at]), 36),
          }),
          splitLine: { show: n <= 60, lineStyle: { color: c.line } },
        },
        tooltip: {
          formatter: (p) =>
            p.data && p.data.cell
              ? `${rowName(rows[p.data.cell.from])}\n→ ${rowName(rows[p.data.cell.to])}\n${words(p.data.cell)}`
              : "",
        },
        visualMap: kinds.map(([strong, pale], at) => ({
          type: "continuous",
          show: false,
          seriesIndex: at,
          dimension: 2,
          min: 0,
          max: 3,
          inRange: { color: [c[pale], c[strong]] },
        })),
        series: [
          ...kinds.map(([, , fits]) => ({
            type: "heatmap",
            data: all.filter(fits).map((cell) => ({
              value: [cell.to, cell.from, depthOf(cell)],
              cell,
              label: { color: depthOf(cell) > 1.3 ? c.back : c.text },
            })),
            itemStyle: { borderColor: c.back, borderWidth: 1 },
            label: {
              show: size >= 28,
              formatter: (p) => mark(p.data.cell),
              fontSize: size > 30 ? 12 : 9,
            },
          })),
          {
            type: "scatter",
            silent: true,
            symbol: "rect",
            z: 5,
            symbolSize: size,
            data: [],
            itemStyle: { color: "transparent", borderColor: c.text, borderWidth: 2 },
          },
          {
            type: "scatter",
            silent: true,
            symbol: "rect",
            symbolSize: size,
            z: 0,
            data: rows.map((_, at) => [at, at]),
            itemStyle: { color: c.soft },
          },
        ],
      }),
      (p) => {
        if (p.componentType === "yAxis") {
          const row = rows[Number(p.value)];
          if (row.node.children.size && !row.own && !row.rest) toggle(row.node, true);
        } else if (p.data && p.data.cell) {
          cursor = [p.data.cell.from, p.data.cell.to];
          moved(false);
          show(p.data.cell);
        }
      },
    );
    const box = figure.firstChild;
    const wide = left + n * size + 30;
    box.style.width = `${wide}px`;
    box.style.setProperty("--wide", wide); // for print, which knows no other way to fit it
    const grid = h(
      "div",
      {
        class: "scroll matrix",
        tabindex: "0",
        role: "application",
        id: "matrix",
        "aria-label":
          "Dependency structure matrix: arrows move, Enter lists a cell's imports, " +
          "o opens the row's package",
        onkeydown: keys,
        // Not where a mouse brought the focus: to draw between its press and release loses the click.
        onfocus: (event) => event.target.matches(":focus-visible") && moved(true),
      },
      figure,
    );
    waiting.push(() => {
      const entry = charts.find((one) => one.element === box);
      entry.cursor = () =>
        entry.made.setOption({ series: [{}, {}, {}, { data: [[cursor[1], cursor[0]]] }] });
    });
    const rowsShown = rows.filter((row) => !row.own && !row.rest);
    const around = [...opened].sort((a, b) => (a.name < b.name ? -1 : 1));
    place.replaceChildren(
      around.length
        ? h(
            "p",
            { class: "opened" },
            "Open: ",
            around.map((node) =>
              h(
                "button",
                {
                  type: "button",
                  "data-node": node.name,
                  "aria-label": `Close ${node.name}`,
                  onclick: () => toggle(node, false),
                },
                `− ${node.name}`,
              ),
            ),
          )
        : "",
      h(
        "p",
        { class: "opened" },
        "Packages: ",
        rowsShown
          .filter((row) => row.node.children.size)
          .slice(0, 200)
          .map((row) =>
            h(
              "button",
              {
                type: "button",
                "data-node": row.node.name,
                "aria-label": `Open ${row.node.name}, ${plural(row.node.size, "module")}`,
                onclick: () => toggle(row.node, true),
              },
              `+ ${row.node.name} `,
              h("span", { class: "count" }, fig(row.node.size)),
            ),
          ),
      ),
      h(
        "p",
        { class: "legend" },
        [
          ["is-plain", "n: so many imports (stronger: more)"],
          ["is-warn", "↻n: so many of them in circular imports"],
          ["is-bad", "✗n: so many of them forbidden"],
          ["is-soft", "the diagonal: a package and itself"],
        ].map(([look, words]) => h("span", {}, h("span", { class: `swatch ${look}` }), words)),
      ),
      grid,
      detail,
      h(
        "details",
        {},
        h("summary", {}, "The matrix as a table"),
        table(
          "Imports between the packages shown",
          [
            {
              title: "Importer",
              cell: (k) => rowName(rows[k.from]),
              key: (k) => rowName(rows[k.from]),
            },
            {
              title: "Imported",
              cell: (k) => rowName(rows[k.to]),
              key: (k) => rowName(rows[k.to]),
            },
            {
              title: "Imports",
              cell: (k) =>
                h(
                  "button",
                  {
                    type: "button",
                    class: "plain",
                    onclick: () => {
                      show(k);
                      detail.scrollIntoView();
                    },
                  },
                  fig(k.edges.length),
                ),
              key: (k) => k.edges.length,
              right: true,
            },
            {
              title: "Forbidden",
              cell: (k) => (k.forbidden ? warn(fig(k.forbidden)) : "0"),
              key: (k) => k.forbidden,
              right: true,
            },
            { title: "Circular", cell: (k) => k.circular, key: (k) => k.circular, right: true },
          ],
          all.sort(
            (a, b) =>
              b.forbidden - a.forbidden ||
              b.circular - a.circular ||
              b.edges.length - a.edges.length,
          ),
          { text: (k) => `${rowName(rows[k.from])} ${rowName(rows[k.to])}` },
        ),
      ),
    );
    detail.replaceChildren();
  }

  build();
  return [
    h("h1", {}, "Matrix"),
    note(
      "Each row imports from each column. Open a package by its button or its row's name; click " +
        "a cell, or move there with the arrows and press Enter, for its imports.",
    ),
    place,
  ];
}
