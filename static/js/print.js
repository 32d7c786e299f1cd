// Paper is white: a page in the dark theme is printed in the light one, charts included.
(() => {
  const root = document.documentElement;
  addEventListener("beforeprint", () => { root.dataset.bsTheme = "light"; });
  addEventListener("afterprint", () => window.facet.applyTheme());
})();
