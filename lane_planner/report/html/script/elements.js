// Elements, links and tables. Names come from a repository: they are written as text, never as markup.

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
const soft = (name) =>
  name.split(/(?<=[./])/).flatMap((part, at) => (at ? [h("wbr"), part] : [part]));
const moduleLink = (i) =>
  isModule(i) ? link(moduleUrl(i), soft(T[i])) : h("span", {}, soft(T[i]));
const fileLink = (i) =>
  isModule(i) ? link(moduleUrl(i), soft(pathOf(i))) : h("span", {}, soft(T[i]));
const code = (word) => h("abbr", { class: "code", title: D.meanings[word] || word }, word);
const note = (...children) => h("p", { class: "note" }, ...children);
const warn = (word) => h("strong", { class: "bad" }, word);
const section = (title, ...children) => h("section", {}, h("h2", {}, title), ...children);

function chain(indices) {
  return h(
    "ol",
    { class: "chain" },
    indices.map((i) => h("li", {}, moduleLink(i))),
  );
}

// List items for the first entries of a list, and one that tells how many more there are.
const listed = (list, most, item) => [
  list.slice(0, most).map((entry) => h("li", {}, item(entry))),
  list.length > most ? h("li", {}, `and ${fig(list.length - most)} more`) : null,
];

function tiles(entries) {
  return h(
    "dl",
    { class: "tiles" },
    entries
      .filter(Boolean)
      .map(([name, value, where, bad]) =>
        h(
          "div",
          { class: bad ? "tile is-bad" : "tile" },
          h("dt", {}, name),
          h("dd", {}, where ? link(where, String(value)) : String(value)),
        ),
      ),
  );
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
    head.append(
      h("button", { type: "button", class: "sort", onclick: () => sort(at) }, column.title),
    );
    return head;
  });
  function row(entry) {
    return h(
      "tr",
      {},
      columns.map((column, at) => {
        const value = column.cell(entry);
        const tag = at === 0 ? "th" : "td";
        const look = column.right ? "right" : column.tight ? "tight" : null;
        return h(
          tag,
          { scope: at === 0 ? "row" : null, class: look },
          typeof value === "number" ? fig(value) : value,
        );
      }),
    );
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
    type: "search",
    "aria-label": `Filter: ${caption}`,
    placeholder: "Filter",
    spellcheck: "false",
    oninput: arrange,
  });
  fill();
  const wrapped = h(
    "div",
    { class: "scroll" },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), body),
  );
  return h(
    "div",
    { class: "table" },
    options.text && rows.length > 15 ? h("p", { class: "filter" }, filter) : null,
    wrapped,
    more,
  );
}
