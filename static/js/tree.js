// A table as a tree: arrow keys walk, left folds or goes up, right unfolds or goes down. Without this file all rows are open.
(() => {
  for (const tree of document.querySelectorAll("[data-tree]")) {
    const rows = [...tree.querySelectorAll("tbody > tr")];
    const level = (row) => Number(row.getAttribute("aria-level"));
    const shown = () => rows.filter((row) => !row.hidden);
    const parentOf = (row) => rows.slice(0, rows.indexOf(row)).reverse().find((one) => level(one) < level(row));

    const draw = () => {
      let folded = Infinity;
      for (const row of rows) {
        row.hidden = level(row) > folded;
        if (!row.hidden) folded = row.getAttribute("aria-expanded") === "false" ? level(row) : Infinity;
      }
    };
    const fold = (row, open) => { row.setAttribute("aria-expanded", String(open)); draw(); };
    const go = (row) => {
      if (!row) return;
      for (const one of rows) one.tabIndex = -1;
      row.tabIndex = 0;
      row.focus();
      row.scrollIntoView({ block: "nearest" });
    };

    rows.forEach((row, at) => { row.tabIndex = at ? -1 : 0; });
    for (const button of tree.querySelectorAll("[data-fold]")) {
      button.hidden = false;
      button.addEventListener("click", () => { const row = button.closest("tr"); fold(row, row.getAttribute("aria-expanded") === "false"); });
    }
    tree.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLTableRowElement)) return;
      const row = event.target, all = shown(), now = all.indexOf(row), open = row.getAttribute("aria-expanded");
      const step = { ArrowDown: () => go(all[now + 1]), ArrowUp: () => go(all[now - 1]), Home: () => go(all[0]), End: () => go(all.at(-1)),
        ArrowRight: () => { if (open === "false") fold(row, true); else if (open === "true") go(all[now + 1]); },
        ArrowLeft: () => { if (open === "true") fold(row, false); else go(parentOf(row)); },
        Enter: () => row.querySelector("a[href]")?.click() }[event.key];
      if (step) { event.preventDefault(); step(); }
    });
  }
})();
