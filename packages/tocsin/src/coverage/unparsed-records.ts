/**
 * Records that could not be read and so were never stored: counted by source, reason and minute, because no rule can have seen them. They
 * leave no trace in the log, so the count is of this process since it started.
 */
import type { Clock } from '@tocsin/core';
import type { Intake } from '@tocsin/ingest';

/** Records of one source that were refused for one reason. */
export interface Unparsed {
  readonly source: string;
  /** Row of the error table. */
  readonly code: string;
  readonly records: number;
  /** First and last minute, milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which ones. */
export interface UnparsedQuery {
  readonly source?: string | undefined;
  /** Receive time, milliseconds since 1970. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

const MINUTE_MS = 60_000;
/** Counts kept: a minute, a source and a reason each. The oldest go. */
const MAX_COUNTS = 50_000;

interface Count {
  readonly tenant: string;
  readonly source: string;
  readonly code: string;
  readonly minuteMs: number;
  records: number;
}

/** The counts. */
export class UnparsedRecords {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The intake, its rejects counted. */
  watch(intake: Intake): Intake {
    return {
      remember: (owner, events) => intake.remember(owner, events),
      emit: async (source, records, options) => {
        const results = await intake.emit(source, records, options);
        for (const result of results) if (result.status === 'rejected') this.#add(source.tenant, source.name, result.code);
        return results;
      },
    };
  }

  /** One line per source and reason. */
  of(tenant: string, { source, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: UnparsedQuery = {}): Unparsed[] {
    const lines = new Map<string, { -readonly [K in keyof Unparsed]: Unparsed[K] }>();
    for (const one of this.#counts.values()) {
      if (one.tenant !== tenant || (source !== undefined && one.source !== source)) continue;
      if (one.minuteMs + MINUTE_MS <= fromMs || one.minuteMs >= toMs) continue;
      const key = JSON.stringify([one.source, one.code]);
      const line = lines.get(key) ?? { source: one.source, code: one.code, records: 0, fromMs: one.minuteMs, toMs: one.minuteMs };
      lines.set(key, line);
      line.records += one.records;
      line.toMs = one.minuteMs + MINUTE_MS;
    }
    return [...lines.values()];
  }

  #add(tenant: string, source: string, code: string): void {
    const minuteMs = Math.floor(this.#clock.nowMs() / MINUTE_MS) * MINUTE_MS;
    const key = JSON.stringify([tenant, source, code, minuteMs]);
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.records += 1;
      return;
    }
    this.#counts.set(key, { tenant, source, code, minuteMs, records: 1 });
    if (this.#counts.size <= MAX_COUNTS) return;
    const [oldest] = this.#counts.keys();
    if (oldest !== undefined) this.#counts.delete(oldest);
  }
}
