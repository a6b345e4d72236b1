// Pages work without this script. docs/explanation/pages.md lists the data-* attributes that it reads.
"use strict";
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const each = (selector, act, from) => all(selector, from).forEach(act);
const byId = (id) => document.getElementById(id);
const on = (type, selector, act, capture) => document.addEventListener(type, (event) => {
  const at = event.target.closest?.(selector);
  if (at) act(event, at);
}, capture);
const stop = (event) => event.preventDefault();
const values = (form, by) => new URLSearchParams(new FormData(form, by));
const root = document.documentElement;
const focused = () => document.activeElement;
root.classList.add("has-script");
const lang = root.lang.replace(/^en$/, "en-GB"); // day before month, 24 hours
try { document.cookie = `gm_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone};path=/;max-age=31536000;samesite=lax`; } catch { /* UTC */ }

// URLs of the previous interface: #/x becomes /x
if (location.pathname === "/" && location.hash.startsWith("#/")) {
  location.replace(location.hash.slice(1).replace(/^\/(?=\/).*/, "/").replace(/^\/single\/(?=.)/, "/jobs/").replace(/^\/single\/?$/, "/test").replace(/^\/metrics/, "/statistics"));
}

const say = (text) => { $("#live").textContent = text; };
const read = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");

const LIVE = "[data-partial][data-refresh]", due = new WeakMap();

// connection: after 5 s without a response a banner says so, and changes are refused
const SHOW_MS = 5000, TRY_MS = 2000, WAIT_MS = 15000, banner = $("#lost"), isLost = () => "lost" in root.dataset;
let responded = Date.now(), lost = 0;
async function request(url, { part, body, method = body ? "POST" : "GET" } = {}) {
  try {
    const headers = { Accept: "text/html", ...part && { "X-Partial": part } };
    const response = await fetch(url, { method, body, headers, signal: AbortSignal.timeout(body ? 8 * WAIT_MS : WAIT_MS) });
    if ([502, 504].includes(response.status)) throw new Error(response.status); // of a proxy
    responded = Date.now();
    lost = 0;
    markLost();
    return response;
  } catch (error) {
    if (!lost) { lost = Date.now(); setTimeout(markLost, responded + SHOW_MS - lost); setTimeout(again, TRY_MS); }
    throw error;
  }
}
function markLost() {
  if (!banner || isLost() === lost > 0) return;
  banner.hidden = !root.toggleAttribute("data-lost");
  each(".button, form[method=post] button, button[form]", (button) => { button.ariaDisabled = lost ? true : null; });
  if (lost) banner.textContent = banner.dataset.text.replace("{time}", new Date(lost).toLocaleTimeString(lang));
  else { say(banner.dataset.back); each(LIVE, (part) => due.set(part, 0)); }
}
function again() {
  const part = $(LIVE);
  if (lost) request(part?.dataset.from || location.href, part ? { part: part.dataset.partial } : { method: "HEAD" }).catch(() => setTimeout(again, TRY_MS));
}
const refused = (error) => { if (!lost) throw error; say(""); say(banner?.dataset.reason || ""); };
on("submit", "[method=post]", (event) => {
  if (!isLost()) return;
  stop(event);
  event.stopImmediatePropagation();
  refused();
}, true);

// partials: fetch and replace
async function fetchPart(part, url, options) {
  const response = await request(url, { part, ...options });
  if (response.status === 401 || response.status === 404 && $(`[data-partial="${part}"][data-ends]`)) location.reload();
  if (!response.ok && response.status !== 400) throw new Error(response.status);
  return (await read(response)).body.firstElementChild;
}
function isBusy(part) {
  return part.contains(focused()) && focused().matches("input:not([type=checkbox]), textarea, select")
    || $("dialog[open], [draggable][data-drag], [data-dirty]", part);
}
function place(old, fresh) {
  const key = (box) => `${box.name}=${box.value}`, ticked = all("[type=checkbox]:checked", old).map(key);
  const open = all("details[open][id]", old).map((one) => one.id);
  const focus = old.contains(focused()) && position(focused(), old);
  const scrolled = all(".panel, .scroll", old).map((box) => box.scrollLeft);
  const said = $("[data-say]", old)?.textContent;
  const row = $("tr[data-at]", old)?.id;
  old.replaceWith(fresh);
  each("[type=checkbox]", (box) => { box.checked ||= ticked.includes(key(box)); }, fresh);
  each("details[id]", (one) => { one.open ||= open.includes(one.id); }, fresh);
  byId(row)?.setAttribute("data-at", "");
  each(".panel, .scroll", (box, index) => { box.scrollLeft = scrolled[index] || 0; }, fresh);
  if (focus) ($("[autofocus], [aria-invalid=true]", fresh) || same(focus, fresh))?.focus({ preventScroll: true });
  const now = $("[data-say]", fresh)?.textContent;
  if (now && now !== said) say(now);
  if (fresh.dataset.title) document.title = fresh.dataset.title;
  arrive(fresh);
}
// The same control in a new partial: in the same row, or in the row that took its place.
function position(node, part) {
  const row = node.closest("tr[id]"), fixed = node.matches("a, button, [type=checkbox], [type=radio]");
  const marks = (fixed ? ["href", "name", "value"] : ["name"]).filter((name) => node.getAttribute(name));
  if (!marks.length) marks.push("aria-label");
  const alike = (names) => node.tagName.toLowerCase() + names.map((name) => `[${name}=${JSON.stringify(node.getAttribute(name) || "")}]`).join("");
  return { id: node.id, row: row?.id, index: row ? all("tbody tr", part).indexOf(row) : -1, marks: [alike(marks), alike(["data-key"])] };
}
function same({ id, row, index, marks }, part) {
  if (id && byId(id)) return byId(id);
  const at = row ? byId(row) : part;
  if (at) return $(marks[0], at) || row && ($(marks[1], at) || $("a[href], button", at));
  say($("#live").dataset.gone);
  const rest = all("tbody tr", part), next = rest[index] || rest.at(-1);
  if (next) return $(".lead a[href], a[href], button, .pick input", next);
  part.tabIndex = -1;
  return part;
}
async function refresh(part, url = part.dataset.from || location.href) {
  const fresh = await fetchPart(part.dataset.partial, url);
  if (fresh && part.isConnected) place(part, fresh);
  return fresh;
}
// The server ends polling by sending a partial without data-refresh.
setInterval(() => {
  if (document.hidden) return;
  const now = performance.now();
  each(LIVE, (part) => {
    const every = part.dataset.refresh * 1000;
    if (!due.has(part)) due.set(part, now + every);
    if (now < due.get(part) || isBusy(part)) return;
    due.set(part, now + 2 * every);
    refresh(part).catch(() => due.set(part, performance.now() + 3 * every));
  });
}, 250);

// copy a text to the clipboard
on("click", "[data-copy]", async (_, button) => {
  const source = byId(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = button.dataset.done;
  } catch { // not allowed: select the text for the keys of the browser
    source.select ? source.select() : getSelection().selectAllChildren(source);
  }
});

// links and GET forms in a partial update only this partial; the last click wins
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
const bare = (event) => !(event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey);
const plain = (event) => bare(event) && !event.button && !event.shiftKey;
on("click", "a[href]", (event, link) => {
  if (!plain(event) || link.target || link.origin !== location.origin) return;
  if ("dialog" in link.dataset) { stop(event); ask(homeward(link)).catch(refused); return; }
  const part = link.closest("[data-partial]:not([data-from])");
  if (part && link.pathname === location.pathname && !link.hash && !("whole" in link.dataset)) { stop(event); go(part, link.href); }
});
onpopstate = () => {
  if (whole() === shown) return; // a link to an anchor of this page
  shown = whole();
  each("[data-partial]:not([data-from])", (part) => refresh(part, location.href).catch(() => location.reload()));
};

// chain of trust: highlight the box whose facts are open; the picture does not scroll
const choose = () => each(".chain a", (link) => $(".node", link)?.classList.toggle("on", link.getAttribute("href") === location.hash));
on("click", ".chain a", (event, link) => {
  const top = scrollY;
  if (plain(event)) { stop(event); location.hash = link.getAttribute("href"); scrollTo(0, top); }
});
onhashchange = choose;
choose();

on("submit", "form", (event, form) => {
  const by = event.submitter;
  if (form.closest("[data-from]") && form.elements.next) form.elements.next.value = whole();
  const draws = "rows" in form.dataset && by?.formMethod === "get"; // rows of a form that is sent by POST
  if ((draws || form.method === "get") && form.closest("[data-partial]")) {
    const url = new URL(draws ? by.formAction : form.action), fields = values(form, by);
    if (!draws) for (const [name, value] of [...fields]) if (value === "") fields.delete(name);
    url.search = fields;
    if (draws || url.pathname === location.pathname) { stop(event); go(form.closest("[data-partial]"), url.href); }
  } else if (form.method === "post" && by && "dialog" in by.dataset) {
    stop(event);
    ask(by.hasAttribute("formaction") ? by.formAction : form.action, values(form, by)).catch(refused);
  } else if (form.method === "post" && "quiet" in form.dataset) {
    stop(event);
    send(form.action, values(form, by)).catch(refused);
  } else if (form.method === "post") delete form.dataset.dirty;
});
on("change", "[data-auto]", (_, form) => form.requestSubmit());
on("change", "[data-pick-all]", (_, box) => each(".pick input[name]", (one) => { one.checked = box.checked; }, box.closest("table")));
on("change", ".pick, [data-picked]", count);

// selection: show the action bar when a row is selected
function count() {
  each("[data-picked]", (bar) => {
    const boxes = `.pick input[form="${bar.getAttribute("id")}"]`, some = all(`${boxes}:checked`).length, text = $("[data-count]", bar); // bar.id would be its fields named id
    each(boxes, (box) => { box.closest("tr").ariaSelected = box.checked; });
    text.textContent = text.dataset.count.replace("{n}", some);
    bar.toggleAttribute("data-some", !!(some || $("[name=all]:checked", bar)));
  });
}

// confirmations in a dialog: the form of the confirmation page
const make = (id, className) => document.body.appendChild(Object.assign(document.createElement("dialog"), { id, className }));
async function ask(url, body) {
  const response = await request(url, { body }), inner = await read(response), box = $("main .dialog", inner);
  if (!box) return body && !response.redirected ? show(inner) : location.assign(response.url);
  const dialog = $("#ask-dialog") || make("ask-dialog", "dialog");
  dialog.replaceChildren(box);
  const form = $("form", box);
  if (!form.getAttribute("action")) form.action = url;
  dialog.setAttribute("aria-labelledby", box.getAttribute("aria-labelledby") || "");
  box.role = null;
  if (!dialog.open) dialog.showModal();
  ($("[aria-invalid=true]", box) || $("[autofocus], [data-safe]", box) || form).focus();
  each("[data-safe]", (button) => { button.onclick = (event) => { stop(event); dialog.close(); }; }, box);
  form.onsubmit = (event) => { stop(event); ask(form.action, values(form, event.submitter)).catch(refused); };
}
async function send(url, body) { // a small change: replace the partials and the note
  const response = await request(url, { body }), inner = await read(response);
  if (!response.redirected) return show(inner);
  if (new URL(response.url).pathname !== location.pathname) return location.assign(response.url);
  each("[data-partial]", (part) => {
    const fresh = $(`[data-partial="${part.dataset.partial}"]`, inner);
    if (fresh) place(part, document.adoptNode(fresh));
  });
  const note = $("[data-toast]", inner);
  if (note) toast(document.adoptNode(note));
}
function show(inner) { // the response to a POST, such as an error
  document.title = inner.title;
  $("dialog[open]")?.close();
  $("main").replaceWith($("main", inner));
  $("main").focus();
  arrive(document);
}

// notes as toasts for 6 s
function toast(note) {
  note.className = "toast";
  note.role = null;
  delete note.dataset.toast;
  $(".toast")?.remove();
  ($("main") || document.body).append(note); // inside a landmark, for screen readers
  say(note.textContent.trim());
  note.left = 6;
  const url = new URL(location.href);
  ["note", "n", "of"].forEach((name) => url.searchParams.delete(name));
  history.replaceState(history.state, "", url);
}
setInterval(() => {
  const note = $(".toast:not(:hover, :focus-within)");
  if (note && !document.hidden && !--note.left) note.remove();
  each("[data-countdown]", (left) => { left.textContent = Math.max(0, left.textContent - 1); });
}, 1000);

// initialise a page or partial
function arrive(from) {
  count();
  each("[data-toast]", toast, from);
  each("[data-copy]", (button) => { button.hidden = !navigator.clipboard; }, from);
}

// drag table rows
const MOVED = "[data-move] tbody tr";
let held = null;
function over({ target, clientY }) {
  const row = target.closest(MOVED), box = row?.getBoundingClientRect();
  return held && row && row !== held && row.dataset.group === held.dataset.group && [row, clientY < box.top + box.height / 2 ? "before" : "after"];
}
const clear = () => each("[data-over]", (row) => delete row.dataset.over);
on("dragstart", MOVED, (event, row) => { held = row; row.dataset.drag = ""; event.dataTransfer.effectAllowed = "move"; });
on("dragend", "*", () => { clear(); delete held?.dataset.drag; held = null; });
on("dragover", MOVED, (event) => { const at = over(event); clear(); if (at) { stop(event); at[0].dataset.over = at[1]; } });
on("drop", MOVED, (event, row) => {
  const at = over(event), form = byId(row.closest("[data-move]").dataset.move);
  if (!at) return;
  stop(event);
  const { job, where, pivot } = form.elements;
  [job.value, where.value, pivot.value] = [held.dataset.id, at[1], at[0].dataset.id];
  form.requestSubmit();
});

// typed texts survive a lost session: they are put back after the login
const KEPT = "gm-typed";
on("input", "textarea[name]", (_, { name, value }) => sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, name, value])));
if (!$("[type=password]")) {
  const [path, name, text] = JSON.parse(sessionStorage.getItem(KEPT) || "[]"), area = path === location.pathname && $(`textarea[name="${name}"]`);
  if (area && !area.value) { area.value = text; say($("#live").dataset.restored); }
  if (!area) sessionStorage.removeItem(KEPT);
}

// unsaved changes: ask before leaving the page
on("input", "form[data-unsaved]", (_, form) => { form.dataset.dirty = ""; });
onbeforeunload = (event) => { if ($("form[data-dirty]")) stop(event); };

// check while typing: show the errors of edited controls, or replace the preview
const clocks = new WeakMap();
function told(form, fresh) {
  for (const control of all("[data-touched]", form)) {
    const alike = (where) => all(`[name="${CSS.escape(control.name)}"]`, where), other = alike(fresh)[alike(form).indexOf(control)];
    if (!other) continue;
    const bad = (node) => /\S+-bad/.exec(node.getAttribute("aria-describedby"))?.[0], text = bad(other) && $("#" + CSS.escape(bad(other)), fresh);
    byId(bad(control))?.remove();
    for (const name of ["aria-invalid", "aria-describedby"]) control.toggleAttribute(name, other.hasAttribute(name)) && control.setAttribute(name, other.getAttribute(name));
    const row = control.closest(".rows > div");
    if (text) row ? row.after(text) : control.closest(".field").append(text);
  }
}
async function check(form) {
  const fresh = await fetchPart(form.dataset.partial, form.dataset.check, { body: values(form) });
  if (form.isConnected) told(form, fresh);
}
async function preview(form) { // ignore the response to an earlier request
  const part = form.dataset.preview, body = new FormData(form), turn = form.turn = {};
  body.set("check", "yes");
  const fresh = await (form.method === "get" ? fetchPart(part, `${form.action}?${values(form)}`) : fetchPart(part, form.action, { body }));
  if (fresh && turn === form.turn) $(`[data-partial="${part}"]`, form.closest("dialog, main"))?.replaceWith(fresh);
}
for (const [type, wait] of [["input", 700], ["change", 400], ["focusout", 0]]) {
  on(type, "[data-preview], [data-check]", ({ target }, form) => {
    const { preview: previews, dirty } = form.dataset, act = previews ? type !== "focusout" && preview : type !== "change" && (type === "input" || dirty === "") && check;
    if (!act || !target.form) return;
    target.dataset.touched = "";
    clearTimeout(clocks.get(form));
    clocks.set(form, setTimeout(() => act(form).catch(() => {}), form.method === "get" ? 150 : wait));
  });
}

// command palette: the search page in a dialog
async function palette() {
  const from = $("[data-palette]"), box = await read(await request(from.href)), dialog = make("", "dialog palette"), links = () => all("a", dialog);
  dialog.ariaLabel = from.dataset.palette;
  dialog.append($("form[role=search]", box), $("[data-partial=found]", box));
  const form = $("form", dialog);
  form.action = from.href;
  form.onsubmit = (event) => { // results of an earlier text may still be shown
    stop(event);
    clearTimeout(clocks.get(form));
    preview(form).then(() => { if (dialog.open) links()[0]?.click(); }).catch(refused);
  };
  dialog.onkeydown = (event) => {
    if (event.key === "Escape") { stop(event); dialog.close(); } // in a search field the browser would only clear the text
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) { stop(event); (links()[links().indexOf(focused()) + by] || $("input", dialog)).focus(); }
  };
  dialog.onclose = () => dialog.remove();
  dialog.showModal();
}
on("keydown", "*", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "k" && !$("dialog[open]") && $("[data-palette]")) { stop(event); $("[data-palette]").click(); }
});
on("click", "[data-palette]", (event) => { if (plain(event)) { stop(event); palette().catch(refused); } });

// keyboard shortcuts
let after = "";
function step(by) {
  const list = all("main table tbody tr").filter((row) => $("a[href], .pick input", row));
  const at = list.findIndex((row) => "at" in row.dataset), next = list[Math.max(0, at + by)] || list.at(-1);
  if (!next) return;
  delete list[at]?.dataset.at;
  next.dataset.at = "";
  next.scrollIntoView({ block: "nearest" });
  ($(".lead a[href], a[href]", next) || $(".pick input", next)).focus({ preventScroll: true });
}
on("keydown", "*", (event) => {
  if (root.dataset.keys === "off" || !bare(event)) return;
  const typing = event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.key === "Escape") { if (typing && !event.target.closest("dialog")) event.target.blur(); return; }
  if (typing || $("dialog[open]")) return;
  const key = CSS.escape(event.key), row = $("tr[data-at]"), act = row && $(`[data-key="${key}"]`, row), link = after && $(`[data-go="${key}"]`), was = after;
  after = "";
  const does = was ? link && (() => link.click()) : {
    g: () => { after = "g"; setTimeout(() => { after = ""; }, 1500); },
    "?": help,
    "/": () => { const field = $("[data-search]"); if (field) { field.focus(); field.select(); } else $("[data-search-page]")?.click(); },
    n: () => $("[data-new]")?.click(),
    j: () => step(1), k: () => step(-1), ArrowDown: row && (() => step(1)), ArrowUp: row && (() => step(-1)),
    x: row && (() => $(".pick input", row)?.click()),
  }[event.key] || act && (() => act.click());
  if (does) { stop(event); does(); }
});
function help() {
  $("[data-key-list]").replaceChildren(...all("[data-go]").map((link) => {
    const line = $("#keys template").content.firstElementChild.cloneNode(true);
    $("kbd + kbd", line).textContent = link.dataset.go;
    $("dd", line).textContent = link.textContent.trim();
    return line;
  }));
  $("#keys").showModal();
}

$(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
all("nav.tabs [aria-current]").forEach((tab) => {  // sideways only: tabs can be below the window
  tab.parentElement.scrollLeft += tab.getBoundingClientRect().left - tab.parentElement.getBoundingClientRect().left;
});
$("main [aria-invalid=true]")?.focus();
arrive(document);
