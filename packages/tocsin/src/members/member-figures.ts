/** What a process says of itself when others ask: figures that its record, written every second, is too small for. */
import type { DutyStatus, ListenerStatus } from '../api/installation-status.ts';
import type { RunningListener } from '../duties/start-listeners.ts';
import type { Threads } from '../duties/start-threads.ts';

/** One process at this moment. Plain JSON: it crosses the bus. */
export interface MemberFigures {
  /** Memory it occupies, all threads together, bytes. */
  readonly memoryBytes: number;
  /** Its threads, as they are. */
  readonly duties: readonly DutyStatus[];
  readonly listeners: readonly ListenerStatus[];
}

/** Figures of this process. */
export function ownFigures(threads: Pick<Threads, 'detect' | 'store'>, listeners: readonly RunningListener[]): MemberFigures {
  return {
    memoryBytes: process.memoryUsage.rss(),
    duties: [threads.detect, threads.store].flatMap((thread) => thread?.status() ?? []),
    listeners: listeners.map(describeListener),
  };
}

/** Figures as they came from another process; undefined where they are none: of another version. */
export function parseFigures(value: unknown): MemberFigures | undefined {
  const { memoryBytes, duties, listeners } = (value ?? {}) as Partial<MemberFigures>;
  if (typeof memoryBytes !== 'number' || !Array.isArray(duties) || !Array.isArray(listeners)) return undefined;
  return { memoryBytes, duties: duties as MemberFigures['duties'], listeners: listeners as MemberFigures['listeners'] };
}

/** A listener with what it has counted. */
export function describeListener({ kind, name, address, counts }: RunningListener): ListenerStatus {
  const { connections, bytes, records, stored, duplicate, dropped, quarantined, rejected, refused, waiting, held } = counts;
  const tables = { rejected: Object.fromEntries(rejected), refused: Object.fromEntries(refused) };
  return {
    member: null,
    kind,
    name,
    address,
    connections,
    bytes,
    records,
    stored,
    duplicate,
    dropped,
    quarantined,
    ...tables,
    waiting: waiting ?? null,
    held,
  };
}
