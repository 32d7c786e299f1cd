// a[data-drawer]: the link's page is shown beside this one. Without scripts, or with a modifier key, it is a plain link.
(() => {
  const drawer = document.getElementById("drawer");
  const body = document.getElementById("drawer-content");
  if (!drawer || !window.htmx) return;
  let origin = null;

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    origin = drawer.contains(link) ? origin : link;
    body.replaceChildren(document.getElementById("drawer-loading").content.cloneNode(true));
    if (!drawer.open) drawer.showModal();
    htmx.ajax("GET", link.href, { target: "#drawer-content", swap: "innerHTML" });
  });

  drawer.addEventListener("close", () => { body.replaceChildren(); origin?.focus(); });
})();
