// The habits of every page: keyboard, copying, modals, focus after a part was swapped.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);

  // "/" focuses Magic Search wherever nothing is being typed.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const box = $(".modal.show [data-search]") || $("[data-search]");
      if (box) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    }
  });

  // Copy buttons: data-copy names the field to copy, or data-copy-text is the text.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const field = button.dataset.copy && $(button.dataset.copy);
    const text = field ? field.value : button.dataset.copyText;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (field) field.select();
      document.execCommand("copy");
    }
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

  // A link with data-modal loads its page into the modal; without JavaScript it is just a link.
  const modalOf = () => window.bootstrap.Modal.getOrCreateInstance($("#modal"));
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "modal-dialog" && event.detail.target.innerHTML.trim()) modalOf().show();
    const heading = $("[data-focus]", event.detail.elt) || (event.detail.elt.matches?.("[data-focus]") && event.detail.elt);
    if (heading) heading.focus();
  });
  document.body.addEventListener("closeModal", () => modalOf().hide());
  document.addEventListener("hidden.bs.modal", (event) => {
    if (event.target.id === "modal") $("#modal-dialog").replaceChildren();
  });

  // A page that refreshes itself must not take the focus away from what is being used.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (part.hasAttribute?.("data-keep-focus") && (document.hidden || part.contains(document.activeElement))) event.preventDefault();
  });

  // Help sheets and other open details close with Esc.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("details.help[open]")) {
      open.open = false;
      $("summary", open).focus();
    }
  });

  // "+" adds an address field without asking the server; without JavaScript it is a submit that does the same.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-field]");
    if (!button) return;
    event.preventDefault();
    const fields = $(button.dataset.addField);
    const field = fields.lastElementChild.cloneNode();
    field.value = "";
    field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+/, fields.children.length + 1));
    fields.append(field);
    field.focus();
  });

  // A chip's X also clears the row's box in the list.
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-unmark]");
    const box = chip && $(`input[name="charge_point"][value="${chip.dataset.unmark}"]`);
    if (box) box.checked = false;
  });

  // On a phone the filters start closed.
  if (window.matchMedia("(max-width: 991px)").matches) {
    for (const filters of document.querySelectorAll("details.filters")) filters.open = false;
  }
})();
