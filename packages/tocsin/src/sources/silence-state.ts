/**
 * Who is silent, decided: from when each source was heard last, what holds for it, and when nobody was there to hear. Pure; reading,
 * writing and alerting are in `silence-watch.ts`.
 */
import { TocsinError } from '@tocsin/core';
import type { SourceSilence } from '../registry/registry.ts';

/** How far a silence has gone: told first, told again with more weight. */
export type SilenceLevel = 1 | 2;

/** A silence that an alert was raised for. */
export interface OpenSilence {
  readonly tenant: string;
  readonly source: string;
  /** When the source was heard last before it; milliseconds since 1970. With tenant and source, the alert's identity. */
  readonly sinceMs: number;
  /** 0 while its alert is being written. */
  readonly level: 0 | SilenceLevel;
}

/** A silence whose alert is to be written. */
export type TellableSilence = OpenSilence & { readonly level: SilenceLevel };

/** A source as far as silence is concerned. */
export interface WatchedSource {
  readonly tenant: string;
  readonly source: string;
  /** When something of it was taken last, milliseconds since 1970; 0: never, and then it cannot fall silent. */
  readonly lastTakenMs: number;
  /** After how long silence is told, milliseconds; undefined where it is not. */
  readonly after: { readonly firstMs: number; readonly secondMs: number } | undefined;
}

/** A time in which nobody listened: it counts for no silence. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is to be done about one source. */
export type SilenceStep =
  | { readonly kind: 'tell'; readonly silence: TellableSilence }
  | { readonly kind: 'over'; readonly silence: OpenSilence; readonly heardMs: number };

/** When silence of a source is told, by what was set for it and what holds for all. */
export function silenceAfter(
  { lane, silence }: { readonly lane: 'live' | 'bulk'; readonly silence?: SourceSilence | undefined },
  all: { readonly alerts: boolean; readonly first: number; readonly second: number },
): WatchedSource['after'] {
  if (silence === 'off') return undefined;
  // History ends when it has been read.
  if (silence === undefined && (!all.alerts || lane === 'bulk')) return undefined;
  const firstMs = silence?.firstMs ?? all.first;
  return { firstMs, secondMs: Math.max(firstMs, silence?.secondMs ?? all.second) };
}

/** @throws api.bad_request where the second time that is set for a source is not later than the first */
export function requireSilenceTimes(silence: SourceSilence | undefined): void {
  if (silence === undefined || silence === 'off') return;
  const { firstMs, secondMs } = silence;
  if (firstMs !== undefined && secondMs !== undefined && secondMs <= firstMs)
    throw new TocsinError('api.bad_request', { reason: `silence.secondMs (${secondMs}) is not more than silence.firstMs (${firstMs})` });
}

/** What is to be done now about a source, given the silence that was told of it; undefined: nothing. */
export function nextStep(
  watched: WatchedSource,
  open: OpenSilence | undefined,
  { nowMs, outages }: { readonly nowMs: number; readonly outages: readonly Outage[] },
): SilenceStep | undefined {
  const { tenant, source, lastTakenMs, after } = watched;
  if (open !== undefined && (after === undefined || lastTakenMs > open.sinceMs))
    return { kind: 'over', silence: open, heardMs: lastTakenMs };
  if (after === undefined || lastTakenMs === 0) return undefined;
  const silentMs = heardTime({ fromMs: lastTakenMs, toMs: nowMs }, outages);
  const level = silentMs >= after.secondMs ? 2 : 1;
  if (silentMs < after.firstMs || (open !== undefined && open.level >= level)) return undefined;
  // Of a silence that was told the beginning stays, whatever was lost of what is known: its alert is found by it.
  return { kind: 'tell', silence: { tenant, source, sinceMs: open?.sinceMs ?? lastTakenMs, level } };
}

/** Length of a time without the outages in it, milliseconds. Outages do not overlap. */
function heardTime({ fromMs, toMs }: Outage, outages: readonly Outage[]): number {
  let lengthMs = Math.max(0, toMs - fromMs);
  for (const outage of outages) lengthMs -= Math.max(0, Math.min(toMs, outage.toMs) - Math.max(fromMs, outage.fromMs));
  return lengthMs;
}
