// A form with data-passkey ("create" or "get") asks the browser for a passkey before it is sent.
// data-options: what the server offers, bytes as base64url; the answer goes into the field "credential".
(function () {
  "use strict";

  function toBytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
  }

  function toText(buffer) {
    const plain = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(offered) {
    const key = offered.publicKey;
    key.challenge = toBytes(key.challenge);
    if (key.user) key.user.id = toBytes(key.user.id);
    for (const known of key.excludeCredentials || []) known.id = toBytes(known.id);
    for (const known of key.allowCredentials || []) known.id = toBytes(known.id);
    return offered;
  }

  function answerOf(made) {
    const told = made.response;
    const response = { clientDataJSON: toText(told.clientDataJSON) };
    if (told.attestationObject) {
      response.attestationObject = toText(told.attestationObject);
      response.transports = told.getTransports ? told.getTransports() : [];
    } else {
      response.authenticatorData = toText(told.authenticatorData);
      response.signature = toText(told.signature);
      if (told.userHandle) response.userHandle = toText(told.userHandle);
    }
    return {
      id: made.id, rawId: toText(made.rawId), type: made.type, response,
      clientExtensionResults: made.getClientExtensionResults(),
    };
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-passkey-error]");
    const say = (text) => { said.textContent = text; said.hidden = false; };
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      if (!window.PublicKeyCredential || !navigator.credentials) { say(form.dataset.missing); return; }
      try {
        const offered = withBytes(JSON.parse(form.dataset.options));
        const made = await navigator.credentials[form.dataset.passkey](offered);
        form.elements.credential.value = JSON.stringify(answerOf(made));
        form.requestSubmit();
      } catch {
        say(form.dataset.failed);
      }
    });
  }
})();
