// Which view a fragment means, and the start.

function missing(what, name) {
  const near = name ? find(name.split(/[./]/).pop() || name).slice(0, 10) : [];
  return [
    h("h1", {}, "Not found"),
    h("p", {}, `This page knows no ${what}.`),
    near.length
      ? [
          h("p", {}, "Was one of these meant?"),
          h(
            "ul",
            {},
            near.map((hit) => h("li", {}, link(hit.where, hit.words))),
          ),
        ]
      : null,
  ];
}

const views = {
  overview: ["Overview", overview],
  violations: ["Violations", violations],
  matrix: ["Matrix", matrix],
  plan: ["Plan", planView],
  unlocks: ["Unlocks", unlocksView],
  cycles: ["Cycles", cyclesView],
  hotspots: ["Hotspots", hotspots],
  faults: ["Faults", faults],
  trend: ["Trend", trendView],
  history: ["History", history_],
  forecast: ["Forecast", forecastView],
};
const more = { module: moduleView, batch: batchView, cycle: cycleView };
const under = { batch: "plan", cycle: "cycles" };

document
  .getElementById("views")
  .append(
    ...Object.entries(views).map(([id, [title]]) =>
      h("li", {}, h("a", { href: url(id), "data-view": id }, title)),
    ),
  );

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

const commit = D.commit
  ? `commit ${D.commit.slice(0, 12)}${D.commit.endsWith("-dirty") ? " with uncommitted changes" : ""}`
  : "no commit";
document.getElementById("of").textContent = commit;
document.getElementById("source").textContent =
  `lane_planner ${D.tool}, ${D.commit || "no commit"}, configuration ${D.config.slice(0, 19)}, ` +
  `waivers as of ${D.day}. Charts: Apache ECharts ${echarts.version} (Apache License 2.0).`;
nameTheme();
render(true);
root.dataset.ready = String(Math.round(performance.now()));
