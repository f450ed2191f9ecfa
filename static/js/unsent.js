// What was sent without being signed in is taken to the sign-in, and back into its form (console/unsent.py).
"use strict";
(() => {
  const takeAlong = (path, data) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: document.body.dataset.signIn, hidden: true });
    const fields = {
      csrfmiddlewaretoken: JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"],
      unsent_to: path,
      unsent_fields: new URLSearchParams([...data].filter(([, value]) => typeof value === "string")).toString(),
    };
    for (const [name, value] of Object.entries(fields)) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  };
  document.addEventListener("signalbox:unsent", (event) => takeAlong(event.detail.path, event.detail.data));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status !== 401 || requestConfig.verb === "get") return;
    event.preventDefault();
    takeAlong(requestConfig.path, requestConfig.formData);
  });

  const here = (url) => new URL(url || location.pathname + location.search, location.href).href;
  const isTicked = (field) => ["checkbox", "radio"].includes(field.type);

  const put = (form, name, given) => {
    const places = [...form.elements].filter(
      (field) => field.name === name && !["submit", "file"].includes(field.type),
    );
    if (!places.length || isTicked(places[0])) return;
    if (places[0].multiple) {
      for (const option of places[0].options) option.selected = given.includes(option.value);
      return;
    }
    given.forEach((value, n) => {
      if (!places[n]) {
        places[n] = places[n - 1].cloneNode();
        places[n - 1].after(places[n]);
      }
      places[n].value = value;
    });
  };

  const restore = ({ path, fields }) => {
    const addresses = (form) => [
      form.getAttribute("action") ?? "",
      ...[form, ...form.elements].flatMap((part) => [part.getAttribute("hx-post"), part.getAttribute("formaction")]),
    ];
    const goesThere = (form) => addresses(form).some((address) => address !== null && here(address) === here(path));
    const form = [...document.forms].find((one) => one.method === "post" && goesThere(one));
    if (!form) return;
    const given = (name) => fields.filter(([field]) => field === name).map(([, value]) => value);
    for (const box of [...form.elements].filter(isTicked)) box.checked = given(box.name).includes(box.value);
    for (const name of new Set(fields.map(([field]) => field))) put(form, name, given(name));
    for (let part = form; part; part = part.parentElement) if (part.matches("details")) part.open = true;
    form.elements.row?.[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const kept = document.getElementById("unsent");
  if (!kept) return;
  restore(JSON.parse(kept.textContent));
  kept.closest("[data-unsent]").focus();
})();
