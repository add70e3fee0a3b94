// A list that follows by itself. While somebody reads, what is new waits behind a mark, so that nothing jumps.

import { repeat } from "./api.js";
import { announce, button } from "./dom.js";

/** Whether something would move under somebody's eyes or fingers. */
const isRead = (place) => scrollY > 0 || place.contains(document.activeElement) || document.querySelector("dialog[open]") !== null;

/** `look` says what is new, such as "3 new", or nothing; `bring` shows it. */
export function follow(place, { look, bring, signal }) {
  const press = async () => {
    await show();
    (place.querySelector("a") ?? document.getElementById("main")).focus();
  };
  const mark = button("", press, { class: "new", hidden: true });
  place.before(mark);
  const show = async () => {
    mark.hidden = true;
    await bring();
  };
  const step = async () => {
    const news = await look();
    const isKnown = news === mark.textContent && !mark.hidden;
    if (!news) mark.hidden = true;
    else if (!isRead(place)) await show();
    else if (!isKnown) {
      mark.textContent = news;
      mark.hidden = false;
      announce(news);
    }
    return news && !isKnown ? "changed" : "same";
  };
  return repeat(step, { first: 4000, signal });
}
