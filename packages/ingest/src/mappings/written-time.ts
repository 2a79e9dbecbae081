/** Times as logs write them beyond ISO 8601: Apache's, the C library's, with slashes, with names of months, American with AM and PM. UTC where no zone is said. */
import { dateMs, isClock, MONTHS, offsetMs } from './calendar.ts';

/** Reads such a time; undefined where the text is none. Text is at most 40 characters when this is asked. */
export function readWrittenTime(text: string): number | undefined {
  return readApache(text) ?? readCtime(text) ?? readSlashed(text) ?? readNamedMonth(text) ?? readAmerican(text);
}

/** `17/May/2015:10:05:03 +0000` */
function readApache(text: string): number | undefined {
  const found = /^(\d{1,2})\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?: ([+-]\d{4}))?$/.exec(text);
  if (found === null) return undefined;
  const [, day, month = '', year, hour, minute, second, fraction, zone] = found;
  return compose({ year, month: String(MONTHS.indexOf(month) + 1), day, hour, minute, second, fraction, zone });
}

/** `Mon Dec 26 16:22:08.103786 2016`, `Thu Dec 28 14:39:50 2017 UTC` */
function readCtime(text: string): number | undefined {
  const found = /^\w{3} (\w{3}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(\.\d{1,9})? (\d{4})(?: UTC)?$/.exec(text);
  if (found === null) return undefined;
  const [, month = '', day, hour, minute, second, fraction, year] = found;
  return compose({ year, month: String(MONTHS.indexOf(month) + 1), day, hour, minute, second, fraction });
}

/** `2016/10/25 14:49:34` */
function readSlashed(text: string): number | undefined {
  const found = /^(\d{4})\/(\d\d)\/(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d{1,9})?$/.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction] = found;
  return compose({ year, month, day, hour, minute, second, fraction });
}

/** `Oct 12 2022 14:02:03.123 UTC` (CEF), `12 Oct 2022 14:02:03 +0200` */
function readNamedMonth(text: string): number | undefined {
  const found =
    /^(?<month>\w{3}) {1,2}(?<day>\d{1,2}),? (?<year>\d{4}) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?<fraction>\.\d{1,9})?(?: (?:UTC|GMT|Z|(?<zone>[+-]\d{4})))?$/.exec(
      text,
    ) ??
    /^(?:\w{3}, )?(?<day>\d{1,2}) (?<month>\w{3}) (?<year>\d{4}) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?<fraction>\.\d{1,9})?(?: (?:UTC|GMT|Z|(?<zone>[+-]\d{4})))?$/.exec(
      text,
    );
  const parts = found?.groups;
  return parts === undefined ? undefined : compose({ ...parts, month: String(MONTHS.indexOf(parts['month'] ?? '') + 1) });
}

/** `12/31/2022, 5:00:01.123 PM` (Microsoft's portals) */
function readAmerican(text: string): number | undefined {
  const found = /^(\d{1,2})\/(\d{1,2})\/(\d{4}),? (\d{1,2}):(\d\d):(\d\d)(\.\d{1,9})?(?: ([AP]M))?$/.exec(text);
  if (found === null) return undefined;
  const [, month, day, year, hour = '', minute, second, fraction, half] = found;
  const clock = half === undefined ? Number(hour) : (Number(hour) % 12) + (half === 'PM' ? 12 : 0);
  return compose({ year, month, day, hour: String(clock), minute, second, fraction });
}

type Parts = Readonly<Partial<Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'fraction' | 'zone', string | undefined>>>;

function compose({ year, month, day, hour, minute, second, fraction, zone }: Parts): number | undefined {
  const date = dateMs(Number(year), Number(month), Number(day));
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  const offset = offsetMs(zone ?? '');
  if (date === undefined || offset === undefined || !isClock(h, m, s)) return undefined;
  return date + ((h * 60 + m) * 60 + s) * 1000 + Math.floor(Number(`0${fraction ?? '.0'}`) * 1000) - offset;
}
