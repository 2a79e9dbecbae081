/**
 * Writes folds' alerts to ALERTS so that each change appears once and nobody's act is overwritten: compare-and-set on the
 * alert's subject; on a conflict the newest message is read again and merged. A change whose `foldRevision` is there
 * already is left out, so replaying MATCHES is harmless.
 */
import type { EventBus, Outgoing, ReplayLog, Stored } from '@tocsin/bus';
import { type Alert, isTocsinError, type Position } from '@tocsin/core';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { alertSubject } from '../subjects.ts';

/** What the writer is made of. */
export interface AlertWriterOptions {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'last'>;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
}

interface Known {
  readonly position: Position;
  readonly alert: Alert;
}

/** Alerts per commit, and bytes after which it takes no more. */
const COMMIT_ALERTS = 200;
const COMMIT_BYTES = 8 << 20;
/** Alerts remembered so that an update needs no look-up; the longest unused is forgotten first. */
const KNOWN_ALERTS = 10_000;

/** The writer of one correlate duty. Not for concurrent use. */
export class AlertWriter {
  readonly #options: AlertWriterOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: AlertWriterOptions) {
    this.#options = options;
  }

  /** Resolves when every change is on ALERTS. Aborting leaves a prefix written. */
  async write(alerts: readonly Alert[]): Promise<void> {
    for (let i = 0; i < alerts.length; i += COMMIT_ALERTS) await this.#writeSome(alerts.slice(i, i + COMMIT_ALERTS));
  }

  async #writeSome(alerts: readonly Alert[]): Promise<void> {
    for (;;) {
      const prepared = (await Promise.all(alerts.map((alert) => this.#prepare(alert)))).filter((each) => each !== undefined);
      if (prepared.length === 0) return;
      try {
        const some = withinBytes(prepared);
        await this.#commit(some);
        if (some.length === prepared.length) return;
      } catch (error) {
        if (!isTocsinError(error, 'bus.fenced')) throw error;
        // Somebody acted on one of them, or this is a replay: read them all anew. Ends, as each conflict is another writer's success.
        await Promise.all(alerts.map((alert) => this.#refresh(alert)));
      }
    }
  }

  async #commit(prepared: readonly { readonly merged: Alert; readonly message: Outgoing }[]): Promise<void> {
    const { bus, giveUp, onTrouble } = this.#options;
    const messages = prepared.map((each) => each.message);
    const published = await commitUntilStored(bus, messages, {
      asUnit: false,
      signal: giveUp,
      onRetry: (error) => onTrouble(error, 'writing alerts'),
    });
    prepared.forEach(({ merged, message }, i) => {
      const position = published[i]?.position;
      if (position) this.#remember(message.subject, { position, alert: merged });
    });
  }

  /** The message for a change; undefined where ALERTS has it already. */
  async #prepare(alert: Alert): Promise<{ merged: Alert; message: Outgoing } | undefined> {
    const subject = alertSubject(alert.tenant, alert.id);
    // The first revision is most likely new: it is tried without a look-up.
    const known = this.#known.get(subject) ?? (alert.foldRevision > 1 ? await this.#refresh(alert) : undefined);
    if (known && known.alert.foldRevision >= alert.foldRevision) return undefined;
    // How an alert came about does not change with what counts towards it later.
    const kept = known && { status: known.alert.status, lastAct: known.alert.lastAct, origin: known.alert.origin };
    const merged: Alert = { ...alert, ...kept };
    const expect = known?.position ?? 'none';
    return { merged, message: { subject, id: `${alert.id}.${alert.foldRevision}.${expect}`, body: encodeAlert(merged), expect } };
  }

  async #refresh(alert: Alert): Promise<Known | undefined> {
    const subject = alertSubject(alert.tenant, alert.id);
    const stored = await this.#options.bus.last(subject);
    if (!stored) {
      // Gone by retention: what was remembered of it would be fenced for ever.
      this.#known.delete(subject);
      return undefined;
    }
    const known = { position: stored.position, alert: parseAlert(stored) };
    this.#remember(subject, known);
    return known;
  }

  #remember(subject: string, known: Known): void {
    this.#known.delete(subject);
    this.#known.set(subject, known);
    if (this.#known.size <= KNOWN_ALERTS) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** The first of them, as many as a commit takes; those left are prepared again after it. */
function withinBytes<T extends { readonly message: Outgoing }>(prepared: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = prepared.findIndex(({ message }, i) => (bytes += message.body.byteLength) > COMMIT_BYTES && i > 0);
  return end === -1 ? prepared : prepared.slice(0, end);
}

/** Largest alert written, bytes: what every bus takes as a message, with room for headers. */
const ALERT_BYTES = 1_500_000;
/** What is kept of each text of a rule whose alert would be too large otherwise, characters; and how many of a list. */
const CUT_CHARS = 1024;
const CUT_ITEMS = 20;

/** An alert as a message. One that no bus would take, which only a rule of extreme texts can make, is cut: it must not stop all others. */
function encodeAlert(alert: Alert): Uint8Array {
  const whole = Buffer.from(JSON.stringify(alert));
  if (whole.length <= ALERT_BYTES) return whole;
  const { rule } = alert;
  const cutRule = { ...rule, author: rule.author?.slice(0, CUT_CHARS), references: cutTexts(rule.references), tags: cutTexts(rule.tags) };
  const evidence = alert.evidence.map(({ excerpt: _, ...rest }) => rest);
  return Buffer.from(JSON.stringify({ ...alert, rule: cutRule, evidence, explanation: [], advice: alert.advice.slice(0, CUT_CHARS) }));
}

function cutTexts(texts: readonly string[]): string[] {
  return texts.slice(0, CUT_ITEMS).map((text) => text.slice(0, CUT_CHARS));
}

/** An alert as stored on ALERTS. */
export function parseAlert(stored: Stored): Alert {
  return JSON.parse(Buffer.from(stored.body).toString()) as Alert;
}
