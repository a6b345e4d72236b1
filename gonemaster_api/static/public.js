// The public pages. It uses the helpers of app.js.
"use strict";
const KEY = "gonemaster.recent", MOST = 20, ID = /^(?:[0-9A-Za-z]{12}|[0-9A-Za-z]{8})$/;

// recent tests: {id, domain, grade, at}, newest first. Do not trust stored values: other scripts may have changed them.
function recent() {
  try {
    return JSON.parse(localStorage.getItem(KEY)).filter((test) => test && ID.test(test.id) && typeof test.domain === "string").slice(0, MOST);
  } catch { return []; }
}
function keep(tests) {
  try { localStorage.setItem(KEY, JSON.stringify(tests.slice(0, MOST))); } catch { /* full or disabled: no list */ }
}
for (const { dataset } of all("[data-remember]")) {
  const { remember: id, domain, grade = "" } = dataset, tests = recent(), known = tests.find((test) => test.id === id);
  if (known) Object.assign(known, { domain, grade: grade || known.grade });
  else tests.unshift({ id, domain, grade, at: dataset.at || new Date().toISOString() });
  keep(tests);
}
function list(panel) {
  const tests = recent();
  panel.hidden = !tests.length;
  $("tbody", panel).replaceChildren(...tests.map((test) => {
    const row = $("template", panel).content.firstElementChild.cloneNode(true), link = $("a", row), grade = $(".grade", row), at = new Date(test.at);
    link.href += test.id;
    link.textContent = test.domain;
    if (/^[A-F]\+?$/.test(test.grade)) {
      grade.textContent = test.grade;
      grade.className = `grade ${test.grade.toLowerCase().replace("+", "p")}`;
    }
    if (at.getTime()) {
      $("time", row).textContent = at.toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
      $("time", row).dateTime = at.toISOString();
    }
    return row;
  }));
}
for (const panel of all("[data-recent]")) {
  const [, old] = /^#\/?(?:result\/)?([0-9A-Za-z]+)$/.exec(location.hash) || [];
  if (ID.test(old)) location.replace(panel.dataset.recent + old); // the URL of a result was once #/result/<id>
  list(panel);
  $("[data-recent-clear]", panel).onclick = () => { keep([]); list(panel); };
}
each("form[data-gone] [name=domain]", (field) => { field.value ||= recent().find((test) => location.pathname.endsWith(`/${test.id}`))?.domain || ""; });

// a name that starts with "www." is a host name: offer its parent
on("input", "#ask [name=domain]", ({ target }) => {
  const host = $("#ask [data-host]");
  if (!host) return;
  const name = target.value.trim().replace(/\.$/, ""), parent = /^www\../i.test(name) ? name.slice(4) : "", link = $("a", host);
  host.hidden = !parent.includes(".");
  $("b", host).textContent = name;
  link.search = `?domain=${encodeURIComponent(parent)}`;
  link.textContent = link.dataset.template.replace("{domain}", () => parent);
});

each("[data-print]", (button) => { button.hidden = false; });
on("click", "[data-print]", () => print());
