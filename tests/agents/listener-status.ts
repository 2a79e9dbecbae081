/** What the tests of listeners share: the one listener of a program, waiting for what it has stored, and the snippets of a page. */

import type { Program } from '../e2e/program.ts';
import { waitFor } from '../faults/wait-for.ts';

/** A listener as status shows it. */
export interface ListenerRow {
  readonly name: string;
  readonly address: string;
  readonly connections: number;
  readonly records: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly waiting: number | null;
  readonly held: readonly { readonly source: string; readonly records: number; readonly code: string }[];
  readonly refused: Record<string, number>;
}

interface Status {
  readonly listeners: readonly ListenerRow[];
  readonly events: { readonly stored: number; readonly duplicates: number } | null;
}

/** The first listener, and how many events are stored by their ids: what was stored again after a crash is known by its id. */
export async function statusOf(program: Program): Promise<{ listener: ListenerRow; stored: number }> {
  const { body, text } = await program.call<Status>('GET', '/status');
  const [listener] = body.listeners;
  if (listener === undefined) throw new Error(`no listener: ${text}`);
  return { listener, stored: body.events === null ? 0 : body.events.stored - body.events.duplicates };
}

/** Resolves when that many events are stored, or more. */
export async function untilStored(program: Program, count: number): Promise<void> {
  await waitFor(async () => ((await statusOf(program)).stored >= count ? true : undefined), {
    what: () => `${count} events; it said ${program.stderr.slice(-1500)}`,
    withinMs: 60_000,
  });
}

/** The fenced blocks of a language on a page, in order. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language).map(([, , body = '']) => body);
}
