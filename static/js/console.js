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

  // What htmx loads into #modal-dialog opens as a modal; without JavaScript its link is just a link.
  const modalOf = () => window.bootstrap.Modal.getOrCreateInstance($("#modal"), { keyboard: true });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const opens = event.detail.target?.id === "modal-dialog" && !$("#modal").classList.contains("show");
    if (opens) $("#modal").dataset.home = location.href;
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "modal-dialog" && event.detail.target.innerHTML.trim()) modalOf().show();
    const swapped = event.detail.elt;
    // What refreshes itself takes no focus: it would then stop refreshing, so as not to take the focus away.
    if (event.detail.requestConfig?.elt.hasAttribute("data-keep-focus")) return;
    // Whoever was in a part that is gone goes on at its heading, or at the number of results.
    if (document.activeElement !== document.body && !document.activeElement.matches(".modal")) return;
    const next =
      $("[data-focus]", swapped) || (swapped.matches?.("[data-focus]") && swapped) || $("[data-after-swap]", swapped);
    next?.focus();
  });
  document.addEventListener("shown.bs.modal", (event) => $("[autofocus], [data-focus]", event.target)?.focus());
  document.addEventListener("hidden.bs.modal", (event) => {
    if (event.target.id !== "modal") return;
    $("#modal-dialog").replaceChildren();
    if (event.target.dataset.home) history.replaceState({ htmx: true }, "", event.target.dataset.home);
  });

  const etags = new Map();
  // What a page asks by itself, by no click and no key, must not keep its session open.
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers, path } = event.detail;
    if (!elt.getAttribute("hx-trigger")?.startsWith("every ")) return;
    headers["X-By-Itself"] = "1";
    if (etags.has(path)) headers["If-None-Match"] = etags.get(path);
  });
  document.body.addEventListener("htmx:afterOnLoad", (event) => {
    const { requestConfig, xhr } = event.detail;
    const etag = requestConfig.headers["X-By-Itself"] && xhr.getResponseHeader("ETag");
    if (etag) etags.set(requestConfig.path, etag);
  });

  // What the server could not be asked is said, and gone when it answers again. Lists ask again; what was to be done is
  // done by who sends it again alone.
  const AGAIN_AFTER_MS = 3000;
  const offline = $("#offline");
  let unsent = false,
    list = null;
  const say = (...states) => {
    if (!offline) return;
    offline.hidden = !states.length;
    for (const part of offline.querySelectorAll("[data-while]")) part.hidden = !states.includes(part.dataset.while);
  };
  const lost = () => say("lost", ...($("#wizard") ? ["marking"] : []), ...(unsent ? ["unsent"] : []));
  const reached = () => (unsent ? say("back") : say());
  const again = () => {
    if (list?.isConnected) list.matches("form") ? list.requestSubmit() : list.click();
    list = null;
  };
  const failed = (event) => {
    const { elt, requestConfig } = event.detail;
    if (requestConfig.verb !== "get") unsent = true;
    else if (event.detail.target?.closest(".listing") && !requestConfig.headers["X-By-Itself"]) {
      list = elt;
      setTimeout(again, AGAIN_AFTER_MS);
    }
    lost();
  };
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, failed);
  document.addEventListener("signalbox:unreached", lost);
  document.addEventListener("signalbox:reached", reached);
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.requestConfig.verb !== "get") unsent = false;
    reached();
  });
  window.addEventListener("offline", lost);
  window.addEventListener("online", () => {
    again();
    reached();
  });
  // A form that cannot be sent stays as it is; the browser would show a page of its own in its place.
  document.addEventListener(
    "submit",
    (event) => {
      if (navigator.onLine || event.target.matches("[hx-get], [hx-post]")) return;
      event.preventDefault();
      unsent = event.target.method === "post";
      lost();
      offline?.scrollIntoView({ block: "nearest" });
    },
    true,
  );

  // A page that refreshes itself must not take the focus away from what is being used.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (part.hasAttribute?.("data-keep-focus") && (document.hidden || part.contains(document.activeElement)))
      event.preventDefault();
  });

  // Help sheets and menus close with Esc, and when something else is clicked or focused.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      for (const open of document.querySelectorAll("details[data-popup][open]")) {
        open.open = false;
        $("summary", open).focus();
        event.stopPropagation();
      }
    },
    true,
  );
  for (const name of ["pointerdown", "focusin"]) {
    document.addEventListener(name, (event) => {
      for (const open of document.querySelectorAll("details[data-popup][open]")) {
        if (event.target instanceof Node && !open.contains(event.target)) open.open = false;
      }
    });
  }

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

  // On a phone the filters start closed, elsewhere as they were left; in what htmx brings too.
  const narrow = window.matchMedia("(max-width: 991px)");
  const closed = () => narrow.matches || localStorage.getItem("signalbox-filters") === "closed";
  const fold = (root) => {
    if (closed()) for (const filters of root.querySelectorAll("details.filters")) filters.open = false;
  };
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches("details.filters") && !narrow.matches)
        localStorage.setItem("signalbox-filters", event.target.open ? "open" : "closed");
    },
    true,
  );
  fold(document);
  document.addEventListener("htmx:load", (event) => fold(event.detail.elt));
})();
