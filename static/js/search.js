// Magic Search: suggestions while typing, as the combobox of the WAI-ARIA practices, by keyboard alone; the list follows.
"use strict";
(() => {
  const SUGGEST_AFTER_MS = 120,
    SEARCH_AFTER_MS = 300;
  const known = new WeakMap();

  class Combobox {
    constructor(input) {
      this.input = input;
      this.list = document.getElementById(input.id.replace(/-q$/, "-options"));
      this.said = input.parentElement.querySelector("[data-suggestions-said]");
      this.clear = input.parentElement.querySelector("[data-clear-search]");
      this.active = -1;
      this.asked = 0;
      for (const [name, value] of Object.entries({
        role: "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-haspopup": "listbox",
        "aria-controls": this.list.id,
      }))
        input.setAttribute(name, value);
      input.addEventListener("input", () => this.typed());
      input.addEventListener("keydown", (event) => this.pressed(event));
      input.addEventListener("blur", () => this.close());
      input.form?.addEventListener("submit", () => this.settle());
      this.list.addEventListener("pointerdown", (event) => {
        const option = event.target.closest("[role=option]");
        event.preventDefault();
        if (option) this.choose(option);
      });
      this.clear?.addEventListener("click", () => {
        input.value = "";
        input.focus();
        this.typed();
        this.search();
      });
    }

    get options() {
      return [...this.list.querySelectorAll("[role=option]")];
    }
    get isOpen() {
      return !this.list.hidden;
    }

    typed() {
      if (this.clear) this.clear.hidden = !this.input.value;
      clearTimeout(this.suggesting);
      clearTimeout(this.searching);
      this.suggesting = setTimeout(() => this.suggest(), SUGGEST_AFTER_MS);
      this.searching = setTimeout(() => this.search(), SEARCH_AFTER_MS);
    }

    settle() {
      clearTimeout(this.searching);
      this.close();
    }

    search() {
      clearTimeout(this.searching);
      this.input.dispatchEvent(new CustomEvent("search-typed", { bubbles: true }));
    }

    async suggest({ first = false } = {}) {
      const asked = ++this.asked;
      const params = new URLSearchParams({
        as: "suggestions",
        text: this.input.value,
        caret: this.input.selectionStart ?? this.input.value.length,
      });
      let html = "";
      try {
        const answer = await fetch(`${this.input.dataset.search}?${params}`, { headers: { "HX-Request": "true" } });
        html = answer.ok ? await answer.text() : "";
      } catch {
        html = ""; // without a connection there are no suggestions, and the page says so elsewhere
      }
      if (asked !== this.asked || document.activeElement !== this.input) return;
      this.list.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
      this.open(first);
    }

    open(first) {
      this.active = -1;
      this.input.removeAttribute("aria-activedescendant");
      const any = this.options.length > 0;
      this.list.hidden = !any;
      this.input.setAttribute("aria-expanded", String(any));
      if (this.said) this.said.textContent = any ? (this.list.querySelector("[data-said]")?.innerHTML ?? "") : "";
      if (any && first) this.mark(0);
    }

    close() {
      clearTimeout(this.suggesting);
      this.asked++;
      this.list.hidden = true;
      this.active = -1;
      this.input.setAttribute("aria-expanded", "false");
      this.input.removeAttribute("aria-activedescendant");
    }

    mark(place) {
      const options = this.options;
      options[this.active]?.setAttribute("aria-selected", "false");
      this.active = (place + options.length) % options.length;
      const option = options[this.active];
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", option.id);
    }

    choose(option) {
      this.input.value = option.dataset.text;
      this.input.setSelectionRange(Number(option.dataset.caret), Number(option.dataset.caret));
      if (this.clear) this.clear.hidden = false;
      clearTimeout(this.searching);
      if ("goesOn" in option.dataset) {
        this.suggest();
      } else {
        this.close();
        this.search();
      }
    }

    pressed(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        if (!this.isOpen) this.suggest({ first: step === 1 });
        else this.mark(this.active < 0 && step < 0 ? -1 : this.active + step);
      } else if (event.key === "Enter" && this.isOpen && this.active >= 0) {
        event.preventDefault();
        this.choose(this.options[this.active]);
      } else if (event.key === "Escape" && this.isOpen) {
        event.preventDefault();
        event.stopPropagation();
        this.close();
      }
    }
  }

  document.addEventListener("focusin", (event) => {
    const input = event.target;
    if (input.matches?.("[data-search]") && !known.has(input)) known.set(input, new Combobox(input));
  });

  // Whether the box holds what cannot be read is known when the list comes.
  document.addEventListener("htmx:afterSwap", () => {
    for (const input of document.querySelectorAll("[data-search]")) {
      const error = document.getElementById(input.id.replace(/-q$/, "-error"));
      if (error) {
        input.setAttribute("aria-invalid", "true");
        input.setAttribute("aria-describedby", error.id);
      } else {
        input.removeAttribute("aria-invalid");
        input.removeAttribute("aria-describedby");
      }
    }
  });

  // What is searched while typing says so, so that half a term is no error yet and leaves the list as it is.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.triggeringEvent?.type === "search-typed") event.detail.headers["X-Typing"] = "1";
  });
})();
