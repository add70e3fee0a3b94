// Bar charts in SVG. Each bar is a link with a label. The view shows the same numbers as a table.

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, GAP] = [20, 100, 3];

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A chart of `{label, value, text, href}`, oldest first. A value of 0 has no bar and no link. */
export function bars(title, tone, items) {
  const highest = Math.max(...items.map(({ value }) => value), 0);
  const bar = ({ label, value, text, href }, place) => {
    const tall = Math.max((value / highest) * HIGH, 2);
    const at = { x: place * WIDE + GAP / 2, width: WIDE - GAP };
    const words = `${title}, ${label}: ${text}`;
    return svg("a", { href, "aria-label": words, tabindex: -1 }, svg("title", {}, words),
      svg("rect", { class: "hit", x: place * WIDE, width: WIDE, y: 0, height: HIGH }),
      svg("rect", { class: "bar", ...at, y: HIGH - tall, height: tall }));
  };
  const drawn = items.map((item, place) => (item.value > 0 ? bar(item, place) : null)).filter(Boolean);
  const chart = svg("svg", { class: `bars ${tone}`, viewBox: `0 0 ${items.length * WIDE} ${HIGH}`,
    preserveAspectRatio: "none", role: "group", "aria-label": title }, ...drawn);
  // The Tab key stops once per chart. The arrow keys move from bar to bar.
  drawn.at(-1)?.setAttribute("tabindex", "0");
  chart.addEventListener("keydown", (event) => {
    const at = drawn.indexOf(event.target);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: drawn.length - 1 }[event.key];
    if (at < 0 || !drawn[next]) return;
    event.preventDefault();
    drawn[at].setAttribute("tabindex", "-1");
    drawn[next].setAttribute("tabindex", "0");
    drawn[next].focus();
  });
  const top = items.find(({ value }) => value === highest && value > 0);
  return h("figure", { class: "chart card" },
    h("figcaption", {}, h("strong", {}, title), h("span", { class: "faint" }, top ? ` at most ${top.text}` : " none")),
    chart, h("p", { class: "axis faint" }, h("span", {}, items[0]?.label ?? ""),
      h("span", {}, items.at(-1)?.label ?? "")));
}
