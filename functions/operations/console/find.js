// The search box of the frame.

import { h } from "./dom.js";

/** The search box. The key `/` moves the focus to it, except in a field or dialog. */
export function box(place, go) {
  const input = h("input", { type: "search", name: "q", id: "find-q", maxlength: 256, autocomplete: "off",
    spellcheck: "false", placeholder: "Number, id, reference", "aria-keyshortcuts": "/" });
  const submit = (event) => {
    event.preventDefault();
    const q = input.value.trim();
    if (!q) return;
    input.value = "";
    go("search", { q });
  };
  place.replaceChildren(h("form", { role: "search", "aria-label": "Everywhere", on: { submit } },
    h("label", { class: "unseen", for: "find-q" }, "Search"), input));
}

addEventListener("keydown", (event) => {
  const input = document.getElementById("find-q");
  const writes = event.target.closest?.("input, textarea, select, dialog");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writes || !input?.checkVisibility())
    return;
  event.preventDefault();
  input.focus();
  input.select();
});
