// The address of the current view, so that it can be shared: view, filters, pages and time zone.

/** `{path, query}` of `#/path?query`. */
export function read() {
  const [path, words = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/"), query: Object.fromEntries(new URLSearchParams(words)) };
}

export function write(path, query) {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return `#/${path}${words.size > 0 ? `?${words}` : ""}`;
}

/** Puts changes into the address without opening the view again. */
export function remember(changes) {
  const { path, query } = read();
  const hash = write(path.join("/"), { ...query, ...changes });
  if (hash !== location.hash) history.replaceState(history.state, "", hash);
}
