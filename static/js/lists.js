// Selecting rows of a list: one, the page, or all that match; the bulk actions show when there is a selection.
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
})();
