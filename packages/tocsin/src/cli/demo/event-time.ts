/** When the records of a recording happened, as far as pacing them needs to know. */

type TimeReader = (line: string) => number | undefined;

/** Names of the time fields of the recordings, the surest first. */
const TIME_FIELDS = ['@timestamp', 'eventTime', 'TimeCreated', 'EventTime', 'UtcTime'];

/** Reads milliseconds since 1970 out of a line; undefined where it gives none. `year` is for formats that leave it out. */
export function createTimeReader(format: string, year = 1970): TimeReader {
  return format === 'linux-auth' ? (line) => syslogTime(line, year) : jsonTime;
}

/** RFC 3164 section 4.1.2: `Mmm dd hh:mm:ss`, taken as UTC. */
function syslogTime(line: string, year: number): number | undefined {
  const [, month, day, time] = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) /.exec(line) ?? [];
  return month === undefined ? undefined : known(Date.parse(`${month} ${day} ${year} ${time} UTC`));
}

function jsonTime(line: string): number | undefined {
  const record = JSON.parse(line) as Record<string, unknown>;
  const text = TIME_FIELDS.map((name) => (Object.hasOwn(record, name) ? record[name] : undefined)).find(
    (value) => typeof value === 'string',
  );
  if (typeof text !== 'string') return undefined;
  const iso = text.replace(/^(\S+) (\S+)$/, '$1T$2');
  return known(Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`));
}

function known(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : ms;
}
