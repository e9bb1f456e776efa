// What is imported most, and what blocks most.

function hotspots() {
  const imported = importers()
    .map((list, i) => ({ i, name: T[i], value: list.length }))
    .filter((e) => e.value)
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  const columns = (title) => [
    { title: "Module", cell: (e) => moduleLink(e.i), key: (e) => e.name },
    {
      title: "Lane",
      tight: true,
      cell: (e) => (isModule(e.i) ? laneName(M.lane[e.i]) : "–"),
      key: (e) => (isModule(e.i) ? laneName(M.lane[e.i]) : ""),
    },
    { title, cell: (e) => e.value, key: (e) => e.value, right: true },
  ];
  const open = (e) => isModule(e.i) && go(moduleUrl(e.i));
  return [
    h("h1", {}, "Hotspots"),
    section(
      "Imported most",
      imported.length
        ? [
            bars("The modules that most others import", imported, "importers", "accent", { open }),
            table("Modules by importers", columns("Importers"), imported.slice(0, 500), {
              text: (e) => e.name,
              page: 25,
            }),
          ]
        : note("No module imports another."),
    ),
    D.plans.map((plan) => {
      const list = plan.blocking.map(([i, value]) => ({ i, name: T[i], value }));
      if (!list.length) return null;
      return section(
        `Blocking most: ${routeWords(plan)}`,
        note(
          "How many other modules wait for something to be mended in the module, counting for each the nearest causes.",
        ),
        bars(
          `The modules that most others wait for, ${routeWords(plan)}`,
          list,
          "waiting",
          "warn",
          { open },
        ),
        table(`Modules by those that wait, ${routeWords(plan)}`, columns("Waiting"), list, {
          text: (e) => e.name,
          page: 25,
        }),
      );
    }),
  ];
}
