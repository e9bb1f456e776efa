// Files that do not parse, and other faults.

function faults() {
  const broken = D.diagnostics.filter((d) => d[0] === "LP901" || d[0] === "LP902");
  const rest = D.diagnostics.filter((d) => !broken.includes(d));
  const by = new Map();
  for (const d of broken) {
    const directory = fileOf(d[1]).split("/").slice(0, -1).slice(0, 2).join("/") || ".";
    by.set(directory, (by.get(directory) || 0) + 1);
  }
  const counted = [...by]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  const columns = [
    { title: "File", cell: (d) => fileLink(d[1]), key: (d) => fileOf(d[1]) },
    { title: "Line", cell: (d) => d[2], key: (d) => d[2], right: true },
    { title: "Code", tight: true, cell: (d) => code(d[0]), key: (d) => d[0] },
    { title: "What", cell: (d) => [T[d[4]], d[3] ? " (optional)" : ""], key: (d) => T[d[4]] },
  ];
  const text = (d) => `${fileOf(d[1])} ${d[0]} ${T[d[4]]}`;
  return [
    h("h1", {}, "Faults of files"),
    section(
      `Files that do not parse (${fig(broken.length)})`,
      broken.length
        ? [
            bars("Files that do not parse, by directory", counted, "files", "bad"),
            table(
              "Files that do not parse, by directory",
              [
                { title: "Directory", cell: (e) => e.name, key: (e) => e.name },
                { title: "Files", cell: (e) => e.value, key: (e) => e.value, right: true },
              ],
              counted,
              { page: 15 },
            ),
            table("Files that do not parse or cannot be decoded", columns, broken, { text }),
          ]
        : note("All parse."),
    ),
    section(
      `Other faults (${fig(rest.length)})`,
      rest.length
        ? table("Imports of what does not exist, and names in vain", columns, rest, { text })
        : note("None."),
    ),
  ];
}
