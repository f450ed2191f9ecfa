// Rows of a list: selecting one, a range, the page or all that match; going from row to row by keys; a row as a link.
"use strict";
(() => {
  const rowsOf = (form) => [...form.elements].filter((field) => field.name === "row");
  const pageBox = (form) => document.querySelector(`[data-select-page="${form.id}"]`);

  const show = (form) => {
    const rows = rowsOf(form),
      marked = rows.filter((row) => row.checked).length;
    const all = form.querySelector("[data-select-all]"),
      page = pageBox(form);
    form.classList.toggle("has-selection", marked > 0);
    const text = form.querySelector("[data-selected-text]").innerHTML;
    form.querySelector("[data-selected]").textContent = marked && !all?.checked ? text.replace("{n}", marked) : "";
    if (page) {
      page.checked = marked > 0 && marked === rows.length;
      page.indeterminate = marked > 0 && marked < rows.length;
    }
  };

  document.addEventListener("change", (event) => {
    const field = event.target;
    const form = field.matches("[data-select-page]") ? document.getElementById(field.dataset.selectPage) : field.form;
    if (!form?.matches("[data-bulk]")) return;
    const all = form.querySelector("[data-select-all]");
    if (field === all || field.matches("[data-select-page]")) {
      for (const row of rowsOf(form)) row.checked = field.checked;
      if (all && field !== all) all.checked = false;
    } else if (field.name === "row" && !field.checked && all) {
      all.checked = false;
    }
    show(form);
  });

  // The address of a list remembers the row that was left by a link, so that Back, and the way back over the
  // heading of the next page, lead to it.
  document.addEventListener("click", (event) => {
    const row = event.target.closest("a[href]") && event.target.closest(".list-table tbody tr[id]");
    if (!row) return;
    history.replaceState(history.state, "", `#${row.id}`);
    sessionStorage.setItem("signalbox-left", location.href);
  });
  const left = sessionStorage.getItem("signalbox-left");
  for (const crumb of document.querySelectorAll(".crumbs a[href]"))
    if (left && new URL(left).pathname === crumb.pathname) crumb.href = left;
  window.addEventListener("pageshow", () => {
    const row = location.hash.includes("-row-") && document.getElementById(location.hash.slice(1));
    if (row) row.querySelector("a[href]")?.focus();
  });

  // New counts beside the filters close and open nothing.
  let unfolded = [];
  const facets = (panel) => [...panel.querySelectorAll("details.facet")];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const panel = event.detail.target;
    if (panel.matches(".filter-panel")) unfolded = facets(panel).map((one) => one.open);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const panel = event.detail.elt;
    if (panel.matches(".filter-panel")) facets(panel).forEach((one, n) => (one.open = unfolded[n] ?? one.open));
  });

  // A page that the browser brings back keeps its boxes.
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-bulk]").forEach(show));

  // ---- rows -------------------------------------------------------------------------------------------------------

  const ACTIVE = "a, button, input, label, select, textarea, summary, details, [contenteditable]";
  const boxOf = (row) => row.querySelector("input[type=checkbox]:is([name=row], [data-mark])");
  const linkOf = (row) => row.querySelector("td:not(.select-cell) a[href]");
  const rows = () => [...(document.querySelector(".modal.show") ?? document).querySelectorAll(".list-table tbody tr")];
  let last = null;

  // Shift and a click on a box do with all between it and the one before what is done with it.
  const range = (box) => {
    const boxes = rows().map(boxOf).filter(Boolean);
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (from < 0) return;
    for (const one of boxes.slice(from, to + 1)) {
      if (one === box || one.checked === box.checked) continue;
      one.checked = box.checked;
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };

  document.addEventListener("click", (event) => {
    const row = event.target.closest(".list-table tbody tr");
    if (!row || event.defaultPrevented) return;
    const box = boxOf(row);
    if (event.target === box) {
      if (event.shiftKey) range(box);
      last = box;
    } else if (!event.target.closest(ACTIVE) && !String(getSelection())) {
      if (event.target.closest(".select-cell") || box?.matches("[data-mark]")) box?.click();
      else if (event.ctrlKey || event.metaKey) window.open(linkOf(row)?.href);
      else linkOf(row)?.click();
    }
  });

  // ---- keys -------------------------------------------------------------------------------------------------------

  const help = () => document.getElementById("keys");
  const here = () => document.activeElement.closest?.(".list-table tbody tr");
  const go = (step) => {
    const all = rows(),
      now = all.indexOf(here());
    const row = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + step, 0), all.length - 1)];
    (row && (linkOf(row) ?? boxOf(row)))?.focus();
    row?.scrollIntoView({ block: "nearest" });
  };
  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    x: () => here() && boxOf(here())?.click(),
    a: () => document.querySelector("[data-select-page]")?.click(),
    "?": () => help()?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    if (localStorage.getItem("signalbox-keys") === "off" && event.key !== "?") return;
    event.preventDefault();
    KEYS[event.key]();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys]"))
      localStorage.setItem("signalbox-keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("click", (event) => event.target.closest("[data-show-keys]") && help()?.showModal());
  const box = help()?.querySelector("[data-keys]");
  if (box) box.checked = localStorage.getItem("signalbox-keys") !== "off";
})();
