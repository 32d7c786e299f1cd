// [data-sortable]: rows are dragged, or moved by the buttons [data-move].
(() => {
  const ready = (root) => {
    for (const list of root.querySelectorAll("[data-sortable]:not([data-ready])")) {
      list.dataset.ready = "";
      if (window.Sortable) Sortable.create(list, { handle: ".grip", animation: 100 });
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    const row = button?.closest("li");
    if (!row) return;
    if (button.dataset.move === "-1") row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    button.focus();
  });
  document.addEventListener("htmx:after:swap", () => ready(document));
  ready(document);
})();
