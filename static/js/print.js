// Paper is white: a page in the dark theme is printed in the light one, charts included. Where a table stands for a chart on
// paper, it is opened for the printer.
(() => {
  const root = document.documentElement;
  const opened = [];
  addEventListener("beforeprint", () => {
    root.dataset.bsTheme = "light";
    for (const table of document.querySelectorAll(".plot-as-table details:not([open])")) { table.open = true; opened.push(table); }
  });
  addEventListener("afterprint", () => {
    window.facet.applyTheme();
    for (const table of opened.splice(0)) table.open = false;
  });
})();
