// Numbers, ages and times as a person in India reads them. Unknown is a dash, never 0.

export const UNKNOWN = "–";
const MINUS = "−";
const numberFormats = new Map();

export function number(value, decimals = 0, most = decimals) {
  if (value === null || value === undefined) return UNKNOWN;
  const key = decimals * 10 + most;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en-IN", { minimumFractionDigits: decimals, maximumFractionDigits: most });
    numberFormats.set(key, format);
  }
  const text = format.format(value);
  return text.charCodeAt(0) === 45 ? MINUS + text.slice(1) : text;
}

export function signed(value, decimals = 2) {
  const text = number(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

export function byteSize(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value < 999.5) return `${number(value)} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let size = value;
  let unit = -1;
  do {
    size /= 1000;
    unit += 1;
  } while (size >= 999.5 && unit < units.length - 1);
  return `${number(size, size < 100 ? 1 : 0)} ${units[unit]}`;
}

export function byteRate(value) {
  return value === null || value === undefined ? UNKNOWN : `${byteSize(Math.round(value))}/s`;
}

export function ageWords(seconds) {
  if (seconds === null) return UNKNOWN;
  if (seconds < 5) return `${number(seconds, 1)} s`;
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
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 10) return `${number(seconds, seconds < 1 ? 3 : 2)} s`;
  return `${number(seconds, 1)} s`;
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
  if (value === null || value === undefined || Math.abs(value) < 1e5) return number(value);
  const [size, unit] = Math.abs(value) < 99.95e5 ? [value / 1e5, "L"] : [value / 1e7, "Cr"];
  const digits = Math.abs(size) < 9.995 ? 2 : Math.abs(size) < 99.95 ? 1 : 0;
  return `${number(size, digits)} ${unit}`;
}

// The states of orders, in the spelling of the country.
export function statusWords(status) {
  return status === "CANCELED" ? "CANCELLED" : status.replaceAll("_", " ");
}

// What happened on another day says on which.
export function clockTimeOn(moment, now) {
  if (!moment || !now || moment.slice(0, 10) === now.slice(0, 10)) return clockTime(moment);
  return `${dayWords(moment)} ${clockTime(moment)}`;
}

// 2 Mar, with the year where that is not this one's.
export function dayWords(moment) {
  const day = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  const year = day.getUTCFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return day.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year, timeZone: "UTC" });
}
