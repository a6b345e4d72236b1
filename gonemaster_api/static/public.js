// The public test page: progress without reloading, recent tests in this browser, copy and print. The page works
// without this script, except for the list of recent tests, which is stored in the browser.
"use strict";

(() => {
  const KEY = "gonemaster.recent";
  const MOST = 20;
  const ID = /^(?:[0-9A-Za-z]{12}|[0-9A-Za-z]{8})$/;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Recent tests: {id, domain, grade, at}, newest first. Do not trust stored values: other scripts may have changed them.

  const isTest = (test) => test && ID.test(test.id) && typeof test.domain === "string";

  function recent() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY) || "[]");
      return Array.isArray(found) ? found.filter(isTest).slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  function keep(tests) {
    try {
      localStorage.setItem(KEY, JSON.stringify(tests.slice(0, MOST)));
    } catch {
      // Storage is full or disabled: show no list.
    }
  }

  function remember(element) {
    const { remember: id, domain, grade = "", at = new Date().toISOString() } = element.dataset;
    const before = recent();
    const known = before.find((test) => test.id === id);
    if (known) Object.assign(known, { domain, grade: grade || known.grade });
    keep(known ? before : [{ id, domain, grade, at }, ...before]);
  }

  function showRecent(panel) {
    const tests = recent();
    panel.hidden = !tests.length;
    const template = one("template", panel);
    const rows = tests.map((test) => {
      const row = template.content.firstElementChild.cloneNode(true);
      const link = one("a", row);
      link.href += test.id;
      link.textContent = test.domain;
      const grade = one(".grade", row);
      if (/^[A-F]\+?$/.test(test.grade || "")) {
        grade.textContent = test.grade;
        grade.className = `grade ${test.grade.toLowerCase().replace("+", "p")}`;
      }
      const at = new Date(test.at);
      if (!Number.isNaN(at.getTime())) {
        const time = one("time", row);
        time.dateTime = at.toISOString();
        time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
      }
      return row;
    });
    one("tbody", panel).replaceChildren(...rows);
  }

  // The form: a name that starts with "www." is a host name.

  function watchName(form) {
    const field = one("input[name=domain]", form);
    const host = one("[data-host]", form);
    if (!host) return;
    const link = one("a", host);
    const base = link.href.split("?")[0];
    field.addEventListener("input", () => {
      const name = field.value.trim().replace(/\.$/, "");
      const parent = /^www\../i.test(name) ? name.slice(4) : "";
      host.hidden = !parent.includes(".");
      if (host.hidden) return;
      one("b", host).textContent = name;
      link.href = `${base}?domain=${encodeURIComponent(parent)}`;
      link.textContent = link.dataset.template.replace("{domain}", () => parent);
    });
  }

  // Progress: server-sent events; if they fail, poll every two seconds while the page is visible.

  function follow(box) {
    const { events, api, every, domain } = box.dataset;
    const bar = one("progress", box);
    const heading = one("[data-state]", box);
    let source = null;
    let lastSaid = 0;
    let ended = false;

    const show = (status, percent) => {
      if (typeof percent === "number") {
        bar.value = percent;
        one("[data-percent]", box).textContent = `${percent} %`;
        document.title = `${percent} % · ${domain}`;
        const quarter = Math.floor(percent / 25) * 25;
        if (quarter > lastSaid) {
          lastSaid = quarter;
          const live = one("#live");
          if (live) live.textContent = `${quarter} %`;
        }
      }
      const text = heading.dataset[status];
      if (text && heading.textContent !== text) heading.textContent = text;
    };

    const finish = () => {
      if (ended) return;
      ended = true;
      if (source) source.close();
      location.reload();
    };

    const ask = async () => {
      if (ended || document.hidden) return;
      try {
        const response = await fetch(api, { headers: { Accept: "application/json" } });
        if (response.status === 404) return finish();
        if (!response.ok) return;
        const job = await response.json();
        if (job.finished_at) return finish();
        show(job.status, job.progress);
      } catch {
        // The network is unavailable: the next poll may succeed.
      }
    };

    let isLive = false;
    if (window.EventSource) {
      source = new EventSource(events);
      source.addEventListener("open", () => { isLive = true; });
      source.addEventListener("error", () => { isLive = false; });
      for (const kind of ["state", "progress"]) {
        source.addEventListener(kind, (event) => {
          const data = JSON.parse(event.data);
          show(kind === "progress" ? "running" : data.status, data.progress);
        });
      }
      source.addEventListener("done", finish);
    }
    let turns = 0;
    setInterval(() => {
      turns += 1;
      if (!isLive || turns % 8 === 0) ask();
    }, Number(every) * 1000);
    document.addEventListener("visibilitychange", ask);
  }

  // Load a slow partial after the page.

  async function load(place) {
    try {
      const response = await fetch(place.dataset.load, { headers: { "X-Partial": place.dataset.part, Accept: "text/html" } });
      if (response.ok) place.innerHTML = await response.text();
    } catch {
      // Keep the current content.
    }
  }

  // Redirect old result URLs, which had the ID after a #.

  function forward() {
    const old = /^#\/?(?:result\/)?([0-9A-Za-z]+)$/.exec(location.hash);
    const panel = one("[data-recent]");
    if (old && panel && ID.test(old[1])) location.replace(panel.dataset.recent + old[1]);
  }

  forward();
  all("[data-remember]").forEach(remember);
  all("[data-recent]").forEach((panel) => {
    showRecent(panel);
    one("[data-recent-clear]", panel).addEventListener("click", () => {
      keep([]);
      showRecent(panel);
    });
  });
  all("form#ask").forEach(watchName);
  document.addEventListener("gm:arrive", ({ detail: part }) => { if (part.id === "ask") watchName(part); });
  all("form[data-gone]").forEach((form) => {
    const known = recent().find((test) => location.pathname.endsWith(`/${test.id}`));
    if (known) one("input[name=domain]", form).value = known.domain;
  });
  all("[data-events]").forEach(follow);
  all("[data-load]").forEach(load);
  all("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });
})();
