// Shows the page anew every second, part by part. A part in which someone
// types, or has opened something to read or to confirm, stays as it is.
"use strict";

const every = 1000;

const busy = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select") ||
  [...part.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue) ||
  part.querySelector("details[open]:not([id])") !== null;

// replace puts a part's new content into it: what is open, and where it is
// scrolled to, stays.
const replace = (part, fresh) => {
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((d) => d.id));
  for (const d of fresh.querySelectorAll("details[id]")) d.open = open.has(d.id);
  const inner = (element) => element.querySelector(".events")?.scrollTop ?? 0;
  const [outerTop, innerTop] = [part.scrollTop, inner(part)];
  part.replaceChildren(...fresh.childNodes);
  part.scrollTop = outerTop;
  const list = part.querySelector(".events");
  if (list) list.scrollTop = innerTop;
};

const refresh = async () => {
  try {
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok) throw new Error(answer.statusText);
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll(".live")) {
      const fresh = next.getElementById(part.id);
      if (fresh && !busy(part) && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
    }
    document.body.classList.remove("gone");
  } catch {
    document.body.classList.add("gone");
  }
  setTimeout(refresh, every);
};

setTimeout(refresh, every);

// Escape closes what the widget has opened, as a click beside it does.
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const opened of document.querySelectorAll("#widget details[open]")) opened.open = false;
});
