// The time zone of all times: the browser's own, or the one that was chosen or is in the address.

const KEEP = "console.zone";
export const OWN = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

export const chosenZone = () => sessionStorage.getItem(KEEP) ?? undefined;
export const zone = () => chosenZone() ?? OWN;

/** Sets the zone. An unknown name changes nothing. */
export function chooseZone(name) {
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name });
  } catch {
    return;
  }
  sessionStorage.setItem(KEEP, name);
}

export const inZone = (at, options) => new Intl.DateTimeFormat(undefined, { timeZone: zone(), ...options }).format(at);

/** The short name of the zone at that time: `UTC`, `CET`. */
export const zoneName = (at) => new Intl.DateTimeFormat(undefined, { timeZone: zone(), timeZoneName: "short" })
  .formatToParts(at).find(({ type }) => type === "timeZoneName").value;

/** The offset of the zone from UTC at that time, in milliseconds. */
function ahead(at) {
  const parts = new Intl.DateTimeFormat(undefined,
    { timeZone: zone(), calendar: "gregory", numberingSystem: "latn", hourCycle: "h23", year: "numeric",
      month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" }).formatToParts(at);
  const [year, month, day, hour, minute] = ["year", "month", "day", "hour", "minute"]
    .map((name) => Number(parts.find(({ type }) => type === name).value));
  return Date.UTC(year, month - 1, day, hour, minute) - Math.floor(at / 60000) * 60000;
}

// A time in the format of a form, `2026-11-28T12:00` in the zone. `fromField` converts it back to
// milliseconds.
export const toField = (at) => new Date(at + ahead(at)).toISOString().slice(0, 16);

export function fromField(text) {
  // A mistyped year may have five digits.
  const wall = Date.parse(`${text.replace(/^\d{5,}/, (year) => `+${year.padStart(6, "0")}`)}Z`);
  return wall - ahead(wall - ahead(wall));
}
