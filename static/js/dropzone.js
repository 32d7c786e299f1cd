// form[data-dropzone]: a file dropped on it or chosen is sent at once, with a bar; without scripts the form sends itself.
(() => {
  const form = document.querySelector("form[data-dropzone]");
  if (!form) return;

  const over = (on) => form.classList.toggle("is-over", on);
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => { event.preventDefault(); over(true); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const current = document.querySelector("form[data-dropzone]");
    const field = current?.querySelector("input[type=file]");
    if (!field || !event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    send(current);
  });
  document.addEventListener("change", (event) => {
    const current = event.target.closest("form[data-dropzone]");
    if (current && event.target.type === "file" && event.target.files.length) send(current);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-dropzone]") || !event.target.querySelector("input[type=file]").files.length) return;
    event.preventDefault();
    send(event.target);
  });

  const send = (current) => {
    if (current.dataset.busy) return;
    current.dataset.busy = "1";
    const box = current.querySelector("[data-upload-progress]");
    const bar = box.querySelector("progress");
    const text = box.querySelector("[data-upload-text]");
    const button = current.querySelector("button");
    button.disabled = true;
    box.hidden = false;
    text.textContent = current.dataset.sending;
    const request = new XMLHttpRequest();
    request.open("POST", current.action);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total; });
    request.upload.addEventListener("load", () => { bar.removeAttribute("value"); text.textContent = current.dataset.looking; });
    request.addEventListener("load", () => {
      // 201 names the next step; a refusal is the same form with its message.
      const next = request.getResponseHeader("Location");
      if (request.status === 201 && next) { location.assign(next); return; }
      const fresh = new DOMParser().parseFromString(request.responseText, "text/html").getElementById(current.id);
      if (fresh) current.replaceWith(fresh);
      else location.reload();
    });
    request.addEventListener("error", () => {
      delete current.dataset.busy;
      button.disabled = false;
      box.hidden = true;
      window.facet?.toast?.(document.body.dataset.offline, "bad");
    });
    request.send(new FormData(current));
  };
})();
