// The words of a page in its language, and numbers as people write them.
const { words: source } = document.querySelector("script[data-words]").dataset;
const { default: words } = await import(source);
const language = document.documentElement.lang;
const place = navigator.languages.find((each) => each.split("-")[0] === language) ?? language; // days and commas as there

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

export function _(text, values = {}) {
  const known = words[text];
  return filled((Array.isArray(known) ? known[0] : known) || text, values);
}

export function ngettext(one, many, count, values = {}) {
  const isOne = language === "fr" ? count < 2 : count === 1;
  const known = words[one];
  const text = (Array.isArray(known) && known[isOne ? 0 : 1]) || (isOne ? one : many);
  return filled(text, { count: number(count), ...values });
}

const plain = new Intl.NumberFormat(place);
const tenths = new Intl.NumberFormat(place, { maximumFractionDigits: 1 });
const parts = new Intl.NumberFormat(place, { style: "percent", maximumFractionDigits: 1 });
const moments = new Intl.DateTimeFormat(place, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => plain.format(value);
const shareOf = (share) => (language === "en" ? `${tenths.format(100 * share)}\u00a0%` : parts.format(share)); // as the report writes it
export const moment = (text) => moments.format(new Date(text));

// A share short of everything or nothing is never rounded to it.
export function percent(share) {
  const exact = Math.round(1e9 * share) / 1e9;
  const rounded = Math.round(1000 * exact);
  if (rounded === 1000 && exact < 1) return _("over {share}", { share: shareOf(0.999) });
  if (rounded === 0 && exact > 0) return _("under {share}", { share: shareOf(0.001) });
  return shareOf(exact);
}

// A bound: without digits after the comma, unless it would be everything or nothing.
export function boundary(share) {
  const whole = Math.round(100 * share) / 100;
  const isExact = Math.abs(share - whole) < 1e-9 || (whole > 0 && whole < 1);
  return shareOf(isExact ? whole : Math.min(0.999, Math.max(0.001, share)));
}

const MOST_SHOWN = 40;

// Return a name for a sentence: it keeps its own direction of writing, and so does what stands around it.
export const named = (name) => `\u2068${name}\u2069`;

// Return names for a sentence, long ones cut.
export const listed = (names) => names.map((name) => named([...name].length > MOST_SHOWN ? `${[...name].slice(0, MOST_SHOWN - 1).join("")}…` : name)).join(", ");

export function size(bytes) {
  const units = ["kilobyte", "megabyte", "gigabyte"];
  let step = 0;
  let value = bytes / 1000;
  for (; value >= 1000 && step < 2; step += 1) value /= 1000;
  const digits = step && value < 100 ? 1 : 0;
  return new Intl.NumberFormat(place, { style: "unit", unit: units[step], maximumFractionDigits: digits }).format(value);
}

export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const told = (value, unit) => new Intl.NumberFormat(place, { style: "unit", unit, unitDisplay: "long" }).format(value);
  if (whole < 60) return told(whole, "second");
  if (whole < 3600) return told(Math.round(whole / 60), "minute");
  const minutes = Math.round(whole / 60);
  const rest = minutes % 60 ? ` ${told(minutes % 60, "minute")}` : "";
  return told(Math.floor(minutes / 60), "hour") + rest;
}
