/**
 * Foreign producers: who may write which one subject under a key of his own. The list is kept beside the keys of the duties, so that after a
 * start they can come in before anybody has told the server anew who they are; it holds public keys only.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { checkSubject } from '../../subject-filter.ts';
import { readIfThere } from './process-identity.ts';
import type { ConfigUser } from './server-config.ts';

/** A program of others that writes one subject. */
export interface Producer {
  /** Its public key (`U…`). */
  readonly key: string;
  /** The only subject it may publish to. */
  readonly subject: string;
}

/** Public key of a NATS user: base32. */
const KEY = /^U[A-Z2-7]{55}$/;

/** Inbox on which a producer is answered: its own, so that no producer sees another's answers. */
export function producerInbox(key: string): string {
  return `_INBOX_${key.slice(0, 16)}`;
}

/** A producer as a user of the server: it may publish its subject and hear its answers, and nothing else. @throws server.bad_setting, bus.bad_subject */
export function producerUser({ key, subject }: Producer): ConfigUser {
  if (!KEY.test(key))
    throw new TocsinError('server.bad_setting', { what: `Key ${JSON.stringify(key)}`, reason: 'it is no public key of a NATS user' });
  return { nkey: key, permissions: { publish: [checkSubject(subject)], subscribe: [`${producerInbox(key)}.>`] } };
}

/** The list of the last run; empty where there is none that can be read, as it is told anew soon. */
export function readProducers(directory: string): readonly Producer[] {
  try {
    const list = JSON.parse(readIfThere(pathIn(directory)) ?? '[]') as readonly Producer[];
    return list.filter((producer) => producerUser(producer));
  } catch {
    return []; // damaged: whoever starts the server tells it anew who may come in
  }
}

/** Keeps the list. */
export function writeProducers(directory: string, producers: readonly Producer[]): void {
  const path = pathIn(directory);
  writeFileSync(`${path}.new`, JSON.stringify(producers), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function pathIn(directory: string): string {
  return join(directory, 'producers.json');
}
