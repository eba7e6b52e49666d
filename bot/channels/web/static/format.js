// Money, days and times as a resident in China reads them; the time is the server's.

const ZONE = "Asia/Shanghai";
const clockTime = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayParts = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });

let ahead = 0;

/** The server says what time it is. */
export function setNow(iso) {
  const time = Date.parse(iso);
  if (!Number.isNaN(time)) ahead = time - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

/** `14:05`, or with the day when it is not today: `11月23日 14:05`. */
export function moment(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const text = clockTime.format(date);
  return dayParts.format(date) === dayParts.format(new Date(now())) ? text : `${day(dayParts.format(date))} ${text}`;
}

/** ISO day `2026-11-26` -> `11月26日`, with the year when it is another one. */
export function day(iso) {
  const [year, month, date] = String(iso).split("-").map(Number);
  if (!year || !month || !date) return String(iso);
  const thisYear = Number(dayParts.format(new Date(now())).slice(0, 4));
  return `${year === thisYear ? "" : `${year}年`}${month}月${date}日`;
}

/** `1234.50` -> `1,234.50`. */
export function amount(text) {
  const [yuan, fen = "00"] = String(text).split(".");
  return `${yuan.replace(/\B(?=(\d{3})+$)/g, ",")}.${fen.padEnd(2, "0")}`;
}

/** Seconds left until `iso`, never below 0. */
export function secondsLeft(iso) {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? null : Math.max(0, Math.ceil((time - now()) / 1000));
}

export function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes}分${String(seconds % 60).padStart(2, "0")}秒` : `${seconds}秒`;
}
