// [data-bulk]: the bar of bulk actions shows once a row is ticked and says how many; shift ticks a range.
(() => {
  const boxes = () => [...document.querySelectorAll('input[type=checkbox][form="bulk"]')];
  let last = null;

  const update = () => {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const count = boxes().filter((box) => box.checked).length;
    bar.classList.toggle("is-active", count > 0);
    bar.querySelector("[data-bulk-count]").textContent = `${count} ${bar.querySelector("[data-bulk-words]").content.textContent}`;
  };

  document.addEventListener("click", (event) => {
    const box = event.target.closest('input[type=checkbox][form="bulk"]');
    if (!box) return;
    if (event.shiftKey && last && last !== box) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box;
    update();
  });
  document.addEventListener("htmx:after:swap", () => { document.documentElement.classList.add("has-selection"); update(); });
  document.documentElement.classList.add("has-selection");
  update();
})();
