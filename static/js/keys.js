// Keyboard: / filter, j k rows, o open, ? help. Never while typing.
(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-rows] > [data-row]")];

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, now + step))];
    next.querySelector("a[href]")?.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      const field = document.querySelector("[data-filter-focus]");
      if (field) { event.preventDefault(); field.closest("details")?.setAttribute("open", ""); field.focus(); field.select?.(); }
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "o") document.activeElement?.closest("[data-row]")?.querySelector("a[href]")?.click();
    else if (event.key === "?") window.facet.openDialog("keys");
  });
})();
