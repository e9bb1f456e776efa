// Search over modules, batches and cycles.

const field = document.getElementById("search");
const results = document.getElementById("results");
let hits = [];
let active = -1;

const haystack = memo(() => {
  const found = [];
  for (let i = 0; i < COUNT; i++) {
    found.push({
      kind: laneName(M.lane[i]),
      words: T[i],
      low: T[i].toLowerCase(),
      path: pathOf(i).toLowerCase(),
      where: moduleUrl(i),
    });
  }
  D.plans.forEach((plan) =>
    plan.batches.forEach((b) => {
      const words = `batch ${b.id}, wave ${b.wave}, ${routeWords(plan)}`;
      const low = words.toLowerCase();
      found.push({ kind: "batch", words, low, path: "", where: batchUrl(plan, b.id) });
    }),
  );
  D.cycles.forEach((cycle) => {
    const words = `cycle ${cycle.code} ${cycle.modules
      .slice(0, 20)
      .map((i) => T[i])
      .join(", ")}`;
    const low = words.toLowerCase();
    found.push({ kind: "cycle", words, low, path: "", where: cycleUrl(cycle) });
  });
  return found;
});

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const ranked = [[], [], [], []];
  const last = words[words.length - 1];
  const whole = words.join(" ");
  for (const entry of haystack()) {
    const { low, path } = entry;
    if (!words.every((word) => low.includes(word) || path.includes(word))) continue;
    const end = low.slice(low.lastIndexOf(".") + 1);
    const exact = low === whole || path === whole;
    ranked[exact ? 0 : end === last ? 1 : end.startsWith(last) ? 2 : 3].push(entry);
  }
  return ranked.flatMap((list) => list.sort((a, b) => a.words.length - b.words.length));
}

function search() {
  hits = find(field.value);
  active = hits.length ? 0 : -1;
  const shown = hits.slice(0, 50);
  results.replaceChildren(
    ...shown.map((hit, at) =>
      h(
        "li",
        {
          role: "option",
          id: `hit${at}`,
          "aria-selected": at === 0 ? "true" : "false",
          onmousedown: (event) => {
            event.preventDefault();
            choose(at);
          },
        },
        h("span", { class: "hit" }, hit.words),
        h("span", { class: "kind" }, hit.kind),
      ),
    ),
  );
  if (field.value.trim() && !hits.length)
    results.append(h("li", { role: "option", "aria-disabled": "true" }, "nothing found"));
  const open = Boolean(field.value.trim());
  results.hidden = !open;
  field.setAttribute("aria-expanded", String(open));
  activate();
  if (open)
    say(
      hits.length > 50
        ? `${fig(hits.length)} results, the first 50 are listed`
        : plural(hits.length, "result"),
    );
}

function activate() {
  [...results.children].forEach((item, at) =>
    item.setAttribute("aria-selected", String(at === active)),
  );
  if (active >= 0) {
    field.setAttribute("aria-activedescendant", `hit${active}`);
    results.children[active].scrollIntoView({ block: "nearest" });
  } else field.removeAttribute("aria-activedescendant");
}

function closeSearch() {
  hits = [];
  active = -1;
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
    active =
      event.key === "ArrowDown"
        ? active >= last
          ? 0
          : active + 1
        : active <= 0
          ? last
          : active - 1;
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
