// A list that updates itself. While a person reads, new entries stay behind a button.

import { newest, repeat } from "./api.js";
import { announce, button, renew, trouble } from "./dom.js";

// Fills a place with what `read` returns, or with its error. A call of the result fills it again.
export function filled(place, signal, read) {
  const next = newest(signal);
  const load = () => next(async (own) => {
    const content = await read(own).catch((error) => trouble(error, load));
    if (!own.aborted) renew(place, content);
  });
  return load;
}

/** Whether a person is reading or using the list, or is filling in a form, such as its filters. */
const isRead = (place) => scrollY > 0 || place.contains(document.activeElement)
  || document.querySelector("dialog[open]") !== null || Boolean(document.activeElement?.closest("form"));

/** `look` asks, and returns a text such as "3 new" or an empty one. `bring` shows the new entries. */
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
  const step = async (own) => {
    const news = await look(own);
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
