// The frame: theme choice, folding navigation, menus that close, dialogs, toasts, forms that send themselves.
(() => {
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } };
  const root = document.documentElement;

  // A dialog that most visits never open waits in <template id="NAME-template">.
  const openable = (id) => {
    const waiting = document.getElementById(`${id}-template`);
    if (waiting && !document.getElementById(id)) waiting.after(waiting.content.cloneNode(true));
    return document.getElementById(id);
  };
  window.facet.openDialog = (id) => openable(id)?.showModal();

  const markTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-set]"))
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === root.dataset.theme));
  };

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-set]");
    if (theme) { remember("theme", theme.dataset.themeSet); window.facet.applyTheme(); markTheme(); }

    if (event.target.closest("[data-nav-fold]")) {
      const folded = root.dataset.nav !== "folded";
      if (folded) root.dataset.nav = "folded"; else delete root.dataset.nav;
      remember("nav", folded ? "folded" : "open");
      dispatchEvent(new Event("resize"));
    }

    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;

    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = openable(opener.dataset.dialogOpen);
      if (dialog) { event.preventDefault(); dialog.showModal(); }
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) { event.preventDefault(); closer.closest("dialog").close(); }
    if (event.target.matches("dialog[data-light-dismiss]")) event.target.close();
    if (event.target.closest("[data-toast-close]")) event.target.closest(".toast-note").remove();
    if (event.target.closest("[data-print]")) print();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // data-autosubmit: a select or a checkbox sends its form; the form's button stays for pages without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form && !event.target.matches("[data-no-autosubmit]")) form.requestSubmit();
  });

  // data-copy="text": copies and says so.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try { await navigator.clipboard.writeText(button.dataset.copy); toast(button.dataset.copied || "✓"); } catch { /* no permission */ }
  });

  const toast = (text, kind = "info") => {
    const box = document.getElementById("toasts");
    if (!box || !text) return;
    const note = document.createElement("div");
    note.className = `toast-note toast-${kind}`;
    note.setAttribute("role", "status");
    note.textContent = text;
    box.append(note);
    setTimeout(() => note.remove(), 6000);
  };
  window.facet.toast = toast;

  // The server says a word with HX-Trigger: {"toast": {"text": "…", "kind": "good"}}.
  document.addEventListener("toast", (event) => toast(event.detail.text || event.detail.value, event.detail.kind));
  document.addEventListener("htmx:error", () => toast(document.body.dataset.offline, "bad"));

  // Tabs that do not fit a phone scroll sideways: the open one is brought into view.
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 24;

  markTheme();
})();
