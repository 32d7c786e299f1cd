// Ctrl/⌘ K: one field that finds accounts, pages and actions. Results come from the server as links.
(() => {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const input = palette.querySelector("input[type=search]");
  const results = () => [...palette.querySelectorAll(".palette-list a, .palette-list button")];

  const open = () => { palette.showModal(); input.select(); };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); if (!palette.open) open(); }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-palette-open]");
    if (opener && !(event.metaKey || event.ctrlKey)) { event.preventDefault(); open(); }
  });

  const mark = (links, index) => {
    links.forEach((link, at) => { link.toggleAttribute("data-active", at === index); link.setAttribute("aria-selected", String(at === index)); });
    const active = links[index];
    active?.scrollIntoView({ block: "nearest" });
    if (active?.id) input.setAttribute("aria-activedescendant", active.id); else input.removeAttribute("aria-activedescendant");
  };
  palette.addEventListener("keydown", (event) => {
    const links = results();
    const now = links.findIndex((link) => link.hasAttribute("data-active"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (links.length) mark(links, (now + step + links.length) % links.length);
    } else if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      (links[now] || links[0])?.click();
    }
  });
  document.addEventListener("htmx:after:swap", () => { if (palette.open) mark(results(), 0); });
})();
