// What changes by itself: the list that one reads, and the bell. The page asks whether something changed, which costs
// little and is answered by 304; nothing moves under the reader's eyes.
"use strict";
(() => {
  const EVERY_MS = 10_000;
  const $ = (selector, root = document) => root.querySelector(selector);
  const ask = (url, headers) => fetch(url, { headers: { "X-By-Itself": "1", ...headers } });

  // ---- the list ---------------------------------------------------------------------------------------------------

  let fresh = null; // the list as it is now, where it is not shown yet

  const reading = (section) =>
    scrollY > 120 || section.contains(document.activeElement) || $("[data-bulk].has-selection", section) !== null;

  const put = (section, next) => {
    fresh = null;
    section.replaceWith(next);
    window.htmx.process(next);
  };

  // A row that is shown already changes where it stands; its box and what has the focus stay.
  const putRow = (row, next) => {
    const cells = [...row.cells];
    if (cells.length !== next.cells.length) return;
    cells.forEach((cell, n) => {
      const isUsed = cell.matches(".select-cell") || cell.contains(document.activeElement);
      if (!isUsed && cell.innerHTML !== next.cells[n].innerHTML) {
        cell.replaceChildren(...next.cells[n].cloneNode(true).childNodes);
        window.htmx.process(cell);
      }
    });
  };

  const follow = async (section) => {
    const url = new URL(location.href);
    url.searchParams.set("as", "changes");
    const answer = await ask(url, { "If-None-Match": section.dataset.live });
    if (answer.status !== 204 || !section.isConnected) return;
    const html = await (await ask(location.href, { "HX-Request": "true", "HX-Target": section.id })).text();
    const next = new DOMParser().parseFromString(html, "text/html").getElementById(section.id);
    if (!next || !section.isConnected) return;
    section.dataset.live = next.dataset.live;
    const rows = (root) => [...root.querySelectorAll("tbody tr")].map((row) => row.id).join();
    const isSame = rows(section) === rows(next);
    if (!isSame && !reading(section)) return put(section, next);
    for (const row of section.querySelectorAll("tbody tr")) {
      const now = next.querySelector(`#${CSS.escape(row.id)}`);
      if (now) putRow(row, now);
    }
    fresh = isSame ? null : next;
    $("[data-news]", section).hidden = isSame;
  };

  document.addEventListener("click", (event) => {
    const section = event.target.closest("[data-news]")?.closest("[data-live]");
    if (section && fresh) put(section, fresh);
  });

  // ---- the bell ---------------------------------------------------------------------------------------------------

  const bell = $("#bell"),
    title = document.title.trim();
  const kept = (name) => JSON.parse(localStorage.getItem(`signalbox-${name}`) || "{}");
  const keep = (name, values) => localStorage.setItem(`signalbox-${name}`, JSON.stringify(values));
  let etag = "",
    shown = [];

  const beep = () => {
    const audio = new AudioContext(),
      tone = audio.createOscillator();
    tone.connect(audio.destination);
    tone.frequency.value = 880;
    tone.start();
    tone.stop(audio.currentTime + 0.15);
  };

  // Once for all tabs: who is first to know says so to the others.
  const ring = (one) => {
    const known = kept("rung"),
      [newest] = one.newest;
    if (!newest || newest.id <= (known[one.key] ?? 0)) return;
    keep("rung", { ...known, [one.key]: newest.id });
    if (!(one.key in known)) return;
    const wanted = kept("ring");
    if (wanted.sound) beep();
    if (wanted.notification && Notification.permission === "granted") {
      const said = new Notification(newest.text, { body: one.label, tag: one.key });
      said.addEventListener("click", () => location.assign(newest.url));
    }
  };

  const unread = () => {
    const seen = kept("seen");
    return shown.flatMap((one) => one.newest.filter(({ id }) => id > (seen[one.key] ?? 0))).length;
  };

  const link = (url, text) => Object.assign(document.createElement("a"), { href: url, textContent: text });
  const draw = () => {
    const count = shown.reduce((sum, one) => sum + one.count, 0),
      badge = $("[data-unread]", bell);
    document.title = count ? `(${count}) ${title}` : title;
    badge.textContent = unread();
    badge.hidden = !unread();
    $("[data-no-news]", bell).hidden = count > 0;
    $("[data-news-of]", bell).replaceChildren(
      ...shown
        .filter((one) => one.count)
        .flatMap((one) => {
          const head = document.createElement("p"),
            list = document.createElement("ul");
          head.append(link(one.url, `${one.label}: ${one.count}`));
          list.className = "menu-list";
          for (const { url, text } of one.newest.slice(0, 5)) {
            const item = document.createElement("li");
            item.append(link(url, text));
            list.append(item);
          }
          return [head, list];
        }),
    );
  };

  const listen = async () => {
    const answer = await ask(bell.dataset.bell, etag ? { "If-None-Match": etag } : {});
    if (answer.status !== 200) return;
    etag = answer.headers.get("ETag");
    shown = (await answer.json()).bells;
    shown.forEach(ring);
    draw();
  };

  if (bell) {
    const boxes = [...bell.querySelectorAll("[data-ring]")];
    for (const box of boxes) box.checked = !!kept("ring")[box.dataset.ring];
    bell.addEventListener("toggle", () => {
      keep("seen", Object.fromEntries(shown.map((one) => [one.key, one.newest[0]?.id ?? 0])));
      draw();
    });
    bell.addEventListener("change", async (event) => {
      const box = event.target;
      if (box.dataset.ring === "notification" && box.checked)
        box.checked = (await Notification.requestPermission()) === "granted";
      keep("ring", Object.fromEntries(boxes.map((one) => [one.dataset.ring, one.checked])));
      if (box.dataset.ring === "sound" && box.checked) beep();
    });
  }

  // ---- by the clock, while the page is looked at; the bell also rings behind another tab -----------------------------

  const look = async () => {
    const section = $("[data-live]"),
      hears = Object.values(kept("ring")).some(Boolean);
    try {
      if (section && !document.hidden) await follow(section);
      if (bell && (!document.hidden || hears)) await listen();
    } catch {
      // Without a connection nothing is new; what is asked by hand says so.
    }
    setTimeout(look, Number(document.body.dataset.everyMs) || EVERY_MS);
  };
  if (bell) setTimeout(look, 500);
})();
