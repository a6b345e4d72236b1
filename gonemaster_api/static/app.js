// Pages work without this script. It refreshes the partials of a page, opens confirmations in a dialog and adds
// keyboard shortcuts. It reads data-* attributes, which docs/explanation/pages.md lists.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const root = document.documentElement;
  root.classList.add("has-script");
  try { document.cookie = `gm_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone};path=/;max-age=31536000;samesite=lax`; } catch { /* the pages stay in UTC */ }

  // --- URLs of the previous interface: #/domains/x becomes /domains/x
  if (location.pathname === "/" && location.hash.startsWith("#/")) {
    const path = location.hash.slice(1).replace(/^\/single\/(.+)/, "/jobs/$1").replace(/^\/single\/?$/, "/test")
      .replace(/^\/metrics/, "/statistics");
    location.replace(path.startsWith("//") ? "/" : path);
    return;
  }

  const say = (text) => { $("#live").textContent = text; };
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  // --- connection: after 5 s without a response a banner says so, and changes are refused until the server responds
  const SHOW_MS = 5000, TRY_MS = 2000, WAIT_MS = 15000;
  let responded = Date.now(), lost = 0;
  async function request(url, options = {}) {
    try {
      const response = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(options.body ? 8 * WAIT_MS : WAIT_MS), ...options });
      if ([502, 504].includes(response.status)) throw new Error(String(response.status)); // of a proxy
      responded = Date.now();
      if (lost) regained();
      return response;
    } catch (error) {
      if (!lost) { lost = Date.now(); setTimeout(lose, Math.max(0, responded + SHOW_MS - lost)); setTimeout(again, TRY_MS); }
      throw error;
    }
  }
  function lose() {
    const banner = $("#lost");
    if (!lost || !banner || root.dataset.lost !== undefined) return;
    root.dataset.lost = "";
    banner.textContent = banner.dataset.text.replace("{time}", new Date(lost).toLocaleTimeString(root.lang));
    banner.hidden = false;
    for (const button of all("form[method=post] button, button[form]")) button.setAttribute("aria-disabled", "true");
  }
  function regained() {
    lost = 0;
    if (root.dataset.lost === undefined) return;
    delete root.dataset.lost;
    $("#lost").hidden = true;
    for (const button of all("button[aria-disabled]")) button.removeAttribute("aria-disabled");
    say($("#lost").dataset.back);
    for (const part of all("[data-partial][data-refresh]")) if (!isBusy(part)) refresh(part).catch(() => {});
  }
  function again() {
    if (!lost) return;
    const part = $("[data-partial][data-refresh]");
    (part ? fetchPart(part.dataset.partial, part.dataset.from || location.href) : request(location.href, { method: "HEAD" }))
      .catch(() => {}).finally(() => { if (lost) setTimeout(again, TRY_MS); });
  }
  const refused = (error) => { if (!lost) throw error; say(""); say($("#lost")?.dataset.reason || ""); };
  document.addEventListener("submit", (event) => {
    if (root.dataset.lost === undefined || event.target.method !== "post") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    refused();
  }, true);

  // --- partials: fetch and replace
  async function fetchPart(name, url) {
    const response = await request(url, { headers: { "X-Partial": name, Accept: "text/html" } });
    if (response.status === 401) location.reload();
    if (!response.ok && response.status !== 400) throw new Error(String(response.status));
    return parse(await response.text()).body.firstElementChild;
  }
  function isBusy(part) {
    const at = document.activeElement;
    return part.contains(at) && at.matches("input:not([type=checkbox]), textarea, select") || $("dialog[open]", part)
      || $("[draggable][data-drag]", part) || $("[data-dirty]", part);
  }
  function place(old, fresh) {
    const ticked = new Set(all("input[type=checkbox]:checked", old).map((box) => box.name + "=" + box.value));
    const open = new Set(all("details[open][id]", old).map((one) => one.id));
    const focus = old.contains(document.activeElement) ? position(document.activeElement, old) : null;
    const scrolled = all(".panel, .scroll", old).map((box) => box.scrollLeft);
    const said = $("[data-say]", old)?.textContent;
    const row = $("tr[data-at]", old)?.id;
    old.replaceWith(fresh);
    for (const box of all("input[type=checkbox]", fresh)) if (ticked.has(box.name + "=" + box.value)) box.checked = true;
    for (const one of all("details[id]", fresh)) if (open.has(one.id)) one.open = true;
    if (row && document.getElementById(row)) document.getElementById(row).dataset.at = "";
    all(".panel, .scroll", fresh).forEach((box, index) => { box.scrollLeft = scrolled[index] || 0; });
    if (focus) ($("[autofocus], [aria-invalid=true]", fresh) || same(focus, fresh))?.focus({ preventScroll: true });
    const now = $("[data-say]", fresh)?.textContent;
    if (now !== undefined && now !== said) say(now);
    arrive(fresh);
  }
  // The same control in a new partial: the same attributes in the same row, or the same key in this row. If the row has
  // gone, the row that took its place.
  function position(node, part) {
    const row = node.closest("tr[id]"), fixed = node.matches("a, button, [type=checkbox], [type=radio]");
    const marks = (fixed ? ["href", "name", "value"] : ["name"]).filter((name) => node.getAttribute(name));
    if (!marks.length) marks.push("aria-label");
    const alike = (names) => node.tagName.toLowerCase() + names.map((name) => `[${name}=${JSON.stringify(node.getAttribute(name) || "")}]`).join("");
    return { id: node.id, row: row?.id, index: row ? all("tbody tr", part).indexOf(row) : -1, marks: [alike(marks), alike(["data-key"])] };
  }
  function same({ id, row, index, marks }, part) {
    if (id && document.getElementById(id)) return document.getElementById(id);
    const at = row ? document.getElementById(row) : part;
    if (at) return $(marks[0], at) || row && ($(marks[1], at) || $("a[href], button", at));
    say($("#live").dataset.gone);
    const rest = all("tbody tr", part), next = rest[Math.min(index, rest.length - 1)];
    if (next) return $(".lead a[href], a[href], button, .pick input", next);
    part.tabIndex = -1;
    return part;
  }
  async function refresh(part, url = part.dataset.from || location.href) {
    const fresh = await fetchPart(part.dataset.partial, url);
    if (fresh && part.isConnected) place(part, fresh);
    return fresh;
  }
  // Each partial has its own timer. The server ends polling by sending a partial without data-refresh.
  const due = new WeakMap();
  setInterval(() => {
    if (document.hidden) return;
    const now = performance.now();
    for (const part of all("[data-partial][data-refresh]")) {
      const every = Number(part.dataset.refresh) * 1000;
      if (!due.has(part)) due.set(part, now + every);
      if (now < due.get(part) || isBusy(part)) continue;
      due.set(part, now + 2 * every);
      refresh(part).catch(() => due.set(part, performance.now() + 3 * every));
    }
  }, 250);

  // --- copy a text to the clipboard
  function offerCopies(from = document) {
    if (navigator.clipboard) for (const button of all("[data-copy]", from)) button.hidden = false;
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = button.dataset.done;
    } catch { // not allowed: select the text, so that the keys of the browser copy it
      source.select ? source.select() : getSelection().selectAllChildren(source);
    }
  });
  offerCopies();
  document.addEventListener("gm:arrive", ({ detail: part }) => offerCopies(part));

  // --- links and GET forms in a partial update only this partial; the last click wins
  const whole = () => location.pathname + location.search;
  let shown = whole(), clicks = 0;
  async function go(part, url) {
    const click = ++clicks;
    try {
      const fresh = await fetchPart(part.dataset.partial, url);
      if (click !== clicks) return;
      if (!fresh || !part.isConnected) throw new Error("no place");
      history.pushState(null, "", url);
      shown = whole();
      place(part, fresh);
    } catch { if (click === clicks) location.assign(url); }
  }
  function homeward(link) { // links in a partial that has its own URL return to this page
    const url = new URL(link.href);
    if (link.closest("[data-from]")) url.searchParams.set("next", whole());
    return url.href;
  }
  const plain = (event) => !(event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !plain(event) || link.target || link.origin !== location.origin) return;
    if ("dialog" in link.dataset) { event.preventDefault(); ask(homeward(link)).catch(refused); return; }
    const part = link.closest("[data-partial]:not([data-from])");
    if (part && link.pathname === location.pathname && !link.hash && !("whole" in link.dataset)) { event.preventDefault(); go(part, link.href); }
  });
  addEventListener("popstate", () => {
    if (whole() === shown) return; // a link to an anchor of this page
    shown = whole();
    for (const part of all("[data-partial]:not([data-from])")) refresh(part, location.href).catch(() => location.reload());
  });

  // --- chain of trust: highlight the box whose facts are open
  const choose = () => all(".chain a").forEach((link) => $(".node", link)?.classList.toggle("on", link.getAttribute("href") === location.hash));
  document.addEventListener("click", (event) => { // facts open below the picture, which stays where it is
    const link = event.target.closest(".chain a"), top = scrollY;
    if (link && plain(event)) { event.preventDefault(); location.hash = link.hash; scrollTo(0, top); }
  });
  addEventListener("hashchange", choose);
  choose();

  document.addEventListener("submit", async (event) => {
    const form = event.target, by = event.submitter;
    if (form.closest("[data-from]") && form.elements.next) form.elements.next.value = whole();
    const draws = "rows" in form.dataset && by?.formMethod === "get"; // a button that adds, removes or fetches rows of a form that is sent by POST
    if ((draws || form.method === "get") && form.closest("[data-partial]")) {
      const url = new URL(draws ? by.formAction : form.action), fields = new URLSearchParams(new FormData(form, by));
      if (!draws) for (const [name, value] of [...fields]) if (value === "") fields.delete(name);
      url.search = fields;
      if (draws || url.pathname === location.pathname) { event.preventDefault(); go(form.closest("[data-partial]"), url.href); }
    } else if (form.method === "post" && by && "dialog" in by.dataset) {
      event.preventDefault();
      ask(by.hasAttribute("formaction") ? by.formAction : form.action, new URLSearchParams(new FormData(form, by))).catch(refused);
    } else if (form.method === "post" && "quiet" in form.dataset) {
      event.preventDefault();
      send(form.action, new URLSearchParams(new FormData(form, by))).catch(refused);
    } else if (form.method === "post") delete form.dataset.dirty;
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && "auto" in form.dataset) form.requestSubmit();
    if (event.target.matches("[data-pick-all]")) for (const box of all(".pick input[name]", event.target.closest("table"))) box.checked = event.target.checked;
    if (event.target.closest(".pick") || form?.matches("[data-picked]")) count();
  });

  // --- selection: show the action bar when a row is selected
  function count() {
    for (const bar of all("[data-picked]")) {
      const boxes = all(`.pick input[form="${bar.getAttribute("id")}"]`), // bar.id would be its fields named id
        some = boxes.filter((box) => box.checked);
      for (const box of boxes) box.closest("tr").setAttribute("aria-selected", String(box.checked));
      const text = $("[data-count]", bar);
      text.textContent = text.dataset.count.replace("{n}", some.length);
      bar.toggleAttribute("data-some", some.length > 0 || Boolean($("[name=all]:checked", bar)));
    }
  }

  // --- confirmations in a dialog: the form of the confirmation page
  async function ask(url, body) {
    const response = await request(url, { method: body ? "POST" : "GET", body, headers: { Accept: "text/html" } });
    const inner = parse(await response.text()), box = $("main .dialog", inner);
    if (!box) { if (body && !response.redirected) { show(inner); return; } location.assign(response.url); return; }
    const dialog = $("#ask-dialog") || document.body.appendChild(Object.assign(document.createElement("dialog"), { className: "dialog", id: "ask-dialog" }));
    dialog.replaceChildren(box);
    const form = $("form", box);
    if (!form.getAttribute("action")) form.action = url;
    dialog.setAttribute("aria-labelledby", box.getAttribute("aria-labelledby") || "");
    box.removeAttribute("role");
    if (!dialog.open) dialog.showModal();
    ($("[aria-invalid=true]", box) || $("[autofocus]", box) || $("[data-safe]", box) || form).focus();
    $("[data-safe]", box)?.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form.action, new URLSearchParams(new FormData(form, event.submitter))).catch(refused);
    });
  }
  async function send(url, body) { // a small change: keep the page and replace its partials and the note
    const response = await request(url, { method: "POST", body, headers: { Accept: "text/html" } });
    const inner = parse(await response.text());
    if (!response.redirected) { show(inner); return; }
    if (new URL(response.url).pathname !== location.pathname) { location.assign(response.url); return; }
    for (const part of all("[data-partial]")) {
      const fresh = $(`[data-partial="${part.dataset.partial}"]`, inner);
      if (fresh) place(part, document.adoptNode(fresh));
    }
    const note = $("[data-toast]", inner);
    if (note) toast(document.adoptNode(note));
  }
  function show(inner) { // a POST answered with a whole page, such as an error: show it without a second request
    document.title = inner.title;
    $("dialog[open]")?.close();
    $("main").replaceWith($("main", inner));
    $("main").focus();
    arrive(document);
  }

  // --- notes as toasts: 6 s, longer while focused or hovered
  function toast(note) {
    const text = note.textContent.trim();
    note.className = "toast";
    note.removeAttribute("role");
    note.removeAttribute("data-toast");
    $(".toast")?.remove();
    ($("main") || document.body).append(note); // inside a landmark, for screen readers
    say(text);
    let left = 6;
    const clock = setInterval(() => {
      if (document.hidden || note.matches(":hover, :focus-within")) return;
      if (--left <= 0) { note.remove(); clearInterval(clock); }
    }, 1000);
    const url = new URL(location.href);
    for (const name of ["note", "n", "of"]) url.searchParams.delete(name);
    history.replaceState(history.state, "", url);
  }

  // --- initialise a page or partial after it is loaded
  function arrive(from) {
    count();
    for (const note of all("[data-toast]", from)) toast(note);
    for (const left of all("[data-countdown]", from)) {
      const clock = setInterval(() => {
        const next = Math.max(0, Number(left.textContent) - 1);
        left.textContent = String(next);
        if (!next || !left.isConnected) clearInterval(clock);
      }, 1000);
    }
    drag(from);
    document.dispatchEvent(new CustomEvent("gm:arrive", { detail: from }));
  }

  // --- drag table rows: `data-move` names the form to submit, with the IDs of the row and its neighbour
  function drag(from) {
    for (const body of all("[data-move] tbody", from)) {
      let held = null;
      const over = (event) => {
        const row = event.target.closest("tr");
        if (!held || !row || row === held || row.dataset.group !== held.dataset.group) return null;
        const box = row.getBoundingClientRect();
        return [row, event.clientY < box.top + box.height / 2 ? "before" : "after"];
      };
      const clear = () => { for (const row of all("[data-over]", body)) delete row.dataset.over; };
      body.addEventListener("dragstart", (event) => { held = event.target.closest("tr"); held.dataset.drag = ""; event.dataTransfer.effectAllowed = "move"; });
      body.addEventListener("dragend", () => { clear(); if (held) delete held.dataset.drag; held = null; });
      body.addEventListener("dragover", (event) => { const at = over(event); clear(); if (at) { event.preventDefault(); at[0].dataset.over = at[1]; } });
      body.addEventListener("drop", (event) => {
        const at = over(event);
        if (!at) return;
        event.preventDefault();
        const form = document.getElementById(body.closest("[data-move]").dataset.move);
        form.elements.job.value = held.dataset.id;
        form.elements.where.value = at[1];
        form.elements.pivot.value = at[0].dataset.id;
        form.requestSubmit();
      });
    }
  }

  // --- typed texts survive a lost session: kept in this tab until the form is sent, and put back after the login
  const KEPT = "gm-typed";
  document.addEventListener("input", ({ target }) => {
    if (target.matches("textarea[name]")) sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, target.name, target.value]));
  });
  if (!$("[type=password]")) {
    const [path, name, text] = JSON.parse(sessionStorage.getItem(KEPT) || "[]"), area = path === location.pathname && $(`textarea[name="${name}"]`);
    if (area && !area.value) { area.value = text; say($("#live").dataset.restored); }
    if (!area) sessionStorage.removeItem(KEPT);
  }

  // --- unsaved changes: ask before leaving the page
  document.addEventListener("input", (event) => { const form = event.target.closest("form[data-unsaved]"); if (form) form.dataset.dirty = ""; });
  addEventListener("beforeunload", (event) => { if ($("form[data-dirty]")) event.preventDefault(); });

  // --- validate options while typing: submit the form to `data-check` and show the errors of edited controls
  const clocks = new WeakMap();
  const twin = (control, from, to) => {
    const same = (root) => all(`[name="${CSS.escape(control.name)}"]`, root);
    return same(to)[same(from).indexOf(control)];
  };
  function told(form, fresh) {
    for (const control of all("[data-touched]", form)) {
      const other = twin(control, form, fresh);
      if (!other) continue;
      const bad = /\S+-bad/, was = control.getAttribute("aria-describedby")?.match(bad)?.[0], now = other.getAttribute("aria-describedby")?.match(bad)?.[0];
      if (was) document.getElementById(was)?.remove();
      for (const name of ["aria-invalid", "aria-describedby"]) {
        if (other.hasAttribute(name)) control.setAttribute(name, other.getAttribute(name)); else control.removeAttribute(name);
      }
      const text = now && fresh.querySelector("#" + CSS.escape(now));
      if (text) { const row = control.closest(".rows > div"); if (row) row.after(text); else control.closest(".field").append(text); }
    }
  }
  async function check(form) {
    const response = await request(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Partial": form.dataset.partial, Accept: "text/html" } });
    if (response.ok && form.isConnected) told(form, parse(await response.text()).body);
  }
  for (const [type, wait] of [["input", 700], ["focusout", 0]]) {
    document.addEventListener(type, (event) => {
      const form = event.target.form;
      if (!form || !("check" in form.dataset) || (type === "focusout" && !("dirty" in form.dataset))) return;
      event.target.dataset.touched = "";
      clearTimeout(clocks.get(form));
      clocks.set(form, setTimeout(() => check(form).catch(() => {}), wait));
    });
  }

  // --- command palette: the search page in a dialog; the arrows move between its results
  async function palette() {
    const from = $("[data-palette]"), box = parse(await (await request(from.href)).text()), dialog = document.createElement("dialog");
    dialog.className = "dialog palette";
    dialog.setAttribute("aria-label", from.dataset.palette);
    dialog.append($("form[role=search]", box), $("[data-partial=found]", box));
    document.body.append(dialog);
    const field = $("input", dialog), links = () => all("a", dialog);
    let clock = 0;
    field.addEventListener("input", () => {
      clearTimeout(clock);
      clock = setTimeout(async () => {
        const asked = field.value, fresh = await fetchPart("found", `${from.href}?q=${encodeURIComponent(asked)}`).catch(() => null);
        if (fresh && asked === field.value) $("[data-partial]", dialog).replaceWith(fresh);
      }, 150);
    });
    $("form", dialog).addEventListener("submit", (event) => { event.preventDefault(); links()[0]?.click(); });
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key], at = links().indexOf(document.activeElement) + by;
      if (by) { event.preventDefault(); (links()[at] || field).focus(); }
    });
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
    field.focus();
  }
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k" && $("[data-palette]") && !$("dialog[open]")) { event.preventDefault(); palette().catch(refused); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]") && plain(event)) { event.preventDefault(); palette().catch(refused); }
  });

  // --- keyboard shortcuts
  let after = "";
  const rows = () => all("main table tbody tr").filter((row) => $("a[href], .pick input", row));
  function step(by) {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((row) => "at" in row.dataset), next = list[Math.min(list.length - 1, Math.max(0, at + by))];
    if (at >= 0) delete list[at].dataset.at;
    next.dataset.at = "";
    next.scrollIntoView({ block: "nearest" });
    ($(".lead a[href], a[href]", next) || $(".pick input", next)).focus({ preventScroll: true });
  }
  document.addEventListener("keydown", (event) => {
    if (root.dataset.keys === "off" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
    if (event.key === "Escape") { if (typing) event.target.blur(); return; }
    if (typing || $("dialog[open]")) return;
    const key = event.key, was = after;
    after = "";
    if (was === "g") { const link = $(`[data-go="${CSS.escape(key)}"]`); if (link) { event.preventDefault(); link.click(); } return; }
    const row = $("tr[data-at]");
    const does = {
      g: () => { after = "g"; setTimeout(() => { after = ""; }, 1500); },
      "?": help,
      "/": () => { const field = $("[data-search]"); if (field) { field.focus(); field.select(); } else if ($("[data-search-page]")) $("[data-search-page]").click(); },
      n: () => $("[data-new]")?.click(),
      j: () => step(1), k: () => step(-1), ArrowDown: row && (() => step(1)), ArrowUp: row && (() => step(-1)),
      x: row && (() => $(".pick input", row)?.click()),
    }[key] || (row && $(`[data-key="${CSS.escape(key)}"]`, row) && (() => $(`[data-key="${CSS.escape(key)}"]`, row).click()));
    if (does) { event.preventDefault(); does(); }
  });
  function help() {
    const list = $("[data-key-list]"), then = list.dataset.then;
    list.replaceChildren(...all("[data-go]").map((link) => {
      const line = document.createElement("div"), name = document.createElement("dt"), text = document.createElement("dd");
      for (const [index, key] of ["g", link.dataset.go].entries()) {
        if (index) name.append(` ${then} `);
        name.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      }
      text.textContent = link.textContent.trim();
      line.append(name, text);
      return line;
    }));
    $("#keys").showModal();
  }

  $(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  ($("main [aria-invalid=true]") || { focus() {} }).focus();
  arrive(document);
})();
