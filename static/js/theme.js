// Runs before the first paint: the chosen theme and a folded navigation never flash.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const apply = () => {
    const wish = stored("theme");
    root.dataset.theme = wish === "light" || wish === "dark" ? wish : "auto";
    root.dataset.bsTheme = root.dataset.theme === "auto" ? (dark.matches ? "dark" : "light") : wish;
  };
  apply();
  dark.addEventListener("change", apply);
  if (stored("nav") === "folded") root.dataset.nav = "folded";
  window.facet = { applyTheme: apply };
})();
