// button[data-fill="#id"][data-value]: a tap in place of typing; shown only where scripts run.
(() => {
  for (const row of document.querySelectorAll("[data-fill-row]")) row.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    const field = button && document.querySelector(button.dataset.fill);
    if (!field) return;
    field.value = button.dataset.value;
    for (const other of document.querySelectorAll(`[data-fill="${button.dataset.fill}"]`)) other.setAttribute("aria-pressed", String(other === button));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
