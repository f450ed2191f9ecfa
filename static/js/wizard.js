// The wizard: what is typed and marked goes to the server at once; what cannot be sent waits in the browser and is sent
// again, after a lost connection as after an expired sign-in. Closing asks, because the draft can also be discarded.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const AUTOSAVE_AFTER_MS = 400,
    AGAIN_AFTER_MS = 2000;
  const wizard = () => $("#wizard");
  const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

  const send = async (url, data) => {
    const answer = await fetch(url, {
      method: "POST",
      body: data,
      headers: { "HX-Request": "true", "HX-Target": "marked", "HX-Current-URL": location.href, "X-CSRFToken": token() },
    });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere && data.has("autosave"))
      document.dispatchEvent(new CustomEvent("signalbox:unsent", { detail: { path: url, data } }));
    else if (elsewhere) location.assign(elsewhere);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  };
  const say = (name) => document.dispatchEvent(new Event(`signalbox:${name}`));

  // ---- marks ------------------------------------------------------------------------------------------------------

  const key = () => `signalbox-marks-${wizard().dataset.draft}`;
  const waiting = () => JSON.parse(sessionStorage.getItem(key()) || "{}");
  const keep = (marks) =>
    Object.keys(marks).length ? sessionStorage.setItem(key(), JSON.stringify(marks)) : sessionStorage.removeItem(key());
  let sending = false,
    again = 0;

  const note = (pk, marked) => {
    keep({ ...waiting(), [pk]: marked });
    flush();
  };

  const flush = async () => {
    const form = $("#mark-form"),
      sent = form ? waiting() : {};
    if (sending || !Object.keys(sent).length) return;
    sending = true;
    clearTimeout(again);
    const data = new FormData();
    data.set("what", "set");
    for (const [pk, marked] of Object.entries(sent)) data.append(marked ? "mark" : "unmark", pk);
    try {
      const html = await (await send(form.dataset.marks, data)).text();
      if (!wizard()) return;
      keep(Object.fromEntries(Object.entries(waiting()).filter(([pk, marked]) => sent[pk] !== marked)));
      show(html);
      say("reached");
    } catch {
      say("unreached");
      again = setTimeout(flush, AGAIN_AFTER_MS);
      return;
    } finally {
      sending = false;
    }
    flush();
  };

  const show = (html) => {
    const old = $("#marked"),
      held = old.contains(document.activeElement);
    old.replaceWith(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
    const status = $("#marked [role=status]");
    if (held) {
      status.tabIndex = -1;
      status.focus();
    }
    wizard().removeAttribute("data-empty");
  };

  window.addEventListener("online", flush);

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-mark]")) note(event.target.value, event.target.checked);
  });

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-unmark]");
    if (!chip) return;
    event.preventDefault();
    const box = $(`[data-mark][value="${chip.dataset.unmark}"]`);
    if (box) box.checked = false;
    chip.disabled = true;
    note(chip.dataset.unmark, false);
  });

  // Marks that wait are shown in a list that comes anew, and sent before the next step.
  const ready = () => {
    if (!wizard() || !$("#mark-form")) return;
    for (const [pk, marked] of Object.entries(waiting())) {
      const box = $(`[data-mark][value="${pk}"]`);
      if (box) box.checked = marked;
    }
    flush();
  };
  document.addEventListener("htmx:load", ready);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id !== "mark-form" || !Object.keys(waiting()).length) return;
    const { submitter } = event.detail.requestConfig.triggeringEvent ?? {};
    event.preventDefault();
    const settled = setInterval(() => {
      if (!wizard()) clearInterval(settled);
      else if (!Object.keys(waiting()).length) {
        clearInterval(settled);
        $("#mark-form").requestSubmit(submitter?.isConnected ? submitter : undefined);
      }
    }, 100);
    flush();
  });

  // ---- the name, kept while it is typed ---------------------------------------------------------------------------

  let typing = 0;
  const autosave = (form) => {
    clearTimeout(typing);
    typing = 0;
    const data = new FormData(form);
    data.set("autosave", "1");
    return send(form.dataset.autosave, data).then(
      () => say("reached"),
      () => {
        say("unreached");
        typing = setTimeout(() => form.isConnected && autosave(form), AGAIN_AFTER_MS);
      },
    );
  };
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form?.dataset.autosave) return;
    wizard()?.removeAttribute("data-empty");
    clearTimeout(typing);
    typing = setTimeout(() => autosave(form), AUTOSAVE_AFTER_MS);
  });

  // ---- closing ----------------------------------------------------------------------------------------------------

  document.addEventListener("hide.bs.modal", (event) => {
    const question = $("#wizard-question"),
      open = wizard();
    if (!open || !question || "empty" in open.dataset) return;
    event.preventDefault();
    // Later, because the same Esc would close it again.
    if (!question.open) setTimeout(() => question.isConnected && question.showModal());
  });

  document.addEventListener("click", async (event) => {
    const answer = event.target.closest("#wizard-question [data-answer]")?.dataset.answer;
    if (!answer) return;
    $("#wizard-question").close();
    if (answer !== "keep") return;
    const form = $("#name-form");
    if (form && typing) await autosave(form);
    // The overview comes anew, with the draft above its groups.
    location.assign($("#modal").dataset.home || "/");
  });
})();
