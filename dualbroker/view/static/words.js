// Numbers, ages and times as a person in India reads them. Unknown is a dash, never 0.
//
// Python writes by the same rules (dualbroker/figures.py); tests/figures.json has the cases that both must pass.

export const UNKNOWN = "–";
const MINUS = "−";
const numberFormats = new Map();

export function number(value, decimals = 0, most = decimals) {
  if (!Number.isFinite(value)) return UNKNOWN;
  const key = decimals * 10 + most;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en-IN", { minimumFractionDigits: decimals, maximumFractionDigits: most });
    numberFormats.set(key, format);
  }
  const text = format.format(value);
  if (text.charCodeAt(0) !== 45) return text;
  // What was rounded to 0 has no sign.
  return /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
}

export function signed(value, decimals = 2) {
  const text = number(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

// A share.
export function percent(value) {
  const text = number(value, 1);
  return text === UNKNOWN ? text : `${text} %`;
}

// Of a ping's way there and back.
export function milliseconds(value) {
  const text = number(value, 1);
  return text === UNKNOWN ? text : `${text} ms`;
}

export function byteSize(value) {
  if (!Number.isFinite(value)) return UNKNOWN;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let place = 0;
  while (size >= 999.5 && place < units.length - 1) {
    size /= 1000;
    place += 1;
  }
  return `${number(size, place && size < 9.95 ? 1 : 0)} ${units[place]}`;
}

export function byteRate(value) {
  const size = byteSize(value);
  return size === UNKNOWN ? size : `${size}/s`;
}

export function ageWords(seconds) {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 5) return `${number(Math.floor(seconds * 10) / 10, 1)} s`;
  if (seconds < 120) return `${number(Math.floor(seconds))} s`;
  if (seconds < 7200) return `${number(Math.floor(seconds / 60))} min`;
  return `${number(Math.floor(seconds / 3600))} h`;
}

// An age that is known to the second only.
export function wholeAge(seconds) {
  return seconds === null || seconds >= 5 ? ageWords(seconds) : `${number(Math.floor(seconds))} s`;
}

// Seconds from a moment (ISO 8601) to now (epoch ms); null where one of them is unknown.
export function secondsSince(moment, now) {
  return moment === null || moment === undefined || now === null ? null : Math.max(0, (now - Date.parse(moment)) / 1000);
}

// Why no broker carries quotes (rows of broker_name and why), as lines.
export function noSourceLines(why) {
  return why.length ? ["No broker carries quotes.", ...why.map((row) => `${row.broker_name}: ${row.why}`)] : [];
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  return `${number(seconds, seconds < 1 ? 3 : seconds < 10 ? 2 : 1)} s`;
}

// Of an order, in the decimals of its instrument; where nobody knows them, as many as it has, two to four.
export function orderPrice(value, decimals) {
  return number(value, decimals ?? 2, decimals ?? 4);
}

// Moments come in Indian time, so their digits are the clock to show.
export function clockTime(moment) {
  return moment ? moment.slice(11, 19) : UNKNOWN;
}

// The market and the time by it, with the date where that is not today's, as in a replay.
export function timeWords({ market, time }) {
  const today = new Date().toLocaleDateString("en-CA", { timeZone: "Asia/Kolkata" });
  return `${market.words} · ${clockTimeOn(time, `${today}T`)} IST`;
}

// Quantities as they are said: lakh and crore, to three figures; what is below a lakh is whole.
export function compact(value) {
  if (!Number.isFinite(value) || Math.abs(value) < 1e5) return number(value);
  const [size, unit] = Math.abs(value) < 99.95e5 ? [value / 1e5, "L"] : [value / 1e7, "Cr"];
  const digits = Math.abs(size) < 9.995 ? 2 : Math.abs(size) < 99.95 ? 1 : 0;
  return `${number(size, digits)} ${unit}`;
}

// A value of a table's column, as its head says (dualbroker/tables/, Writing).
export function written(writing, value, decimals = 2) {
  if (writing === "price") return number(value, decimals);
  if (writing === "change") return signed(value);
  if (writing === "quantity") return compact(value);
  if (writing === "difference") return signed(value, 0);
  if (writing === "duration") return duration(value);
  if (writing === "plain") return number(value, 0, 2);
  return number(value, writing === "ratio" ? 2 : writing === "fine" ? 4 : 0);
}

// The states of orders, in the spelling of the country.
export function statusWords(status) {
  return status === "CANCELED" ? "CANCELLED" : status.replaceAll("_", " ");
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// What happened on another day says on which, and of another year in which.
export function clockTimeOn(moment, now) {
  if (!moment || !now || moment.slice(0, 10) === now.slice(0, 10)) return clockTime(moment);
  const year = moment.slice(0, 4) === now.slice(0, 4) ? "" : ` ${moment.slice(0, 4)}`;
  return `${Number(moment.slice(8, 10))} ${MONTHS[Number(moment.slice(5, 7)) - 1]}${year} ${clockTime(moment)}`;
}
