// Validation while typing: `<form data-preview="preview">` is submitted with `check=yes`, and the partial of this name in
// the response replaces the one on the page. Without script, the button `check` does the same with the whole page.
(() => {
  "use strict";
  const AFTER_MS = 400;
  for (const form of document.querySelectorAll("form[data-preview]")) {
    const name = form.dataset.preview;
    let clock, turn = 0;
    const look = async () => {
      const mine = ++turn, body = new FormData(form);
      body.set("check", "yes");
      const headers = { "X-Partial": name, Accept: "text/html" };
      try {
        const response = await fetch(form.action, { method: "POST", body, headers, credentials: "same-origin" });
        if (!response.ok && response.status !== 400) return;
        const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body.firstElementChild;
        const old = form.querySelector(`[data-partial="${name}"]`);
        if (mine === turn && fresh && old) old.replaceWith(fresh); // ignore the response to an earlier request
      } catch { /* the submit button still works and shows the error */ }
    };
    const soon = () => { clearTimeout(clock); clock = setTimeout(look, AFTER_MS); };
    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
  }
})();
