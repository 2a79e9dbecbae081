/** Where tests look for nats-server: first what set-up has found, then PATH. */
import { delimiter, dirname } from 'node:path';

const found = process.env['TOCSIN_NATS_SERVER'];

/** Text of a PATH. */
export const serverSearchPath = [...(found === undefined ? [] : [dirname(found)]), process.env['PATH'] ?? ''].join(delimiter);
