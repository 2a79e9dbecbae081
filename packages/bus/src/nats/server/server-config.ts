/** The configuration file of the nats-server child: loopback only, every write synced, one user per duty. Generated, never edited. */
import type { NatsPermissions } from './duty-permissions.ts';

/** What the file is made of. */
export interface ServerConfig {
  readonly site: string;
  /** Client port on loopback; -1 lets the system choose. */
  readonly port: number;
  readonly runDirectory: string;
  readonly storeDirectory: string;
  /** Most bytes of all streams together. */
  readonly maxStoreBytes: number;
  /** Users of the account that owns the streams. */
  readonly users: readonly ConfigUser[];
  /** Public key of the system account's user. */
  readonly supervisor: string;
}

/** One user, by public key. */
export interface ConfigUser {
  readonly nkey: string;
  readonly permissions: NatsPermissions;
}

/** Largest message, headers included. */
export const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_MEMORY_STORE_BYTES = 64 * 1024 * 1024;

/** Text of the file. Values are JSON, which the format takes, so that no name can leave its quotes. */
export function serverConfigText(config: ServerConfig): string {
  return [
    `listen: ${JSON.stringify(`127.0.0.1:${config.port}`)}`,
    'http: "127.0.0.1:-1"',
    `ports_file_dir: ${JSON.stringify(config.runDirectory)}`,
    `pid_file: ${JSON.stringify(`${config.runDirectory}/pid`)}`,
    `server_name: ${JSON.stringify(config.site)}`,
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    `max_pending: ${MAX_PENDING_BYTES}`,
    `jetstream: { store_dir: ${JSON.stringify(config.storeDirectory)}, domain: ${JSON.stringify(config.site)}, max_mem: ${MAX_MEMORY_STORE_BYTES}, max_file: ${config.maxStoreBytes}, sync_interval: always }`,
    'accounts: {',
    `  PLATFORM: { jetstream: enabled, users: [`,
    ...config.users.map((user) => `    ${userText(user)}`),
    '  ] }',
    `  SYS: { users: [ { nkey: ${JSON.stringify(config.supervisor)} } ] }`,
    '}',
    'system_account: SYS',
    '',
  ].join('\n');
}

function userText({ nkey, permissions }: ConfigUser): string {
  const allow = (subjects: readonly string[]): string => `{ allow: ${JSON.stringify(subjects)} }`;
  return `{ nkey: ${JSON.stringify(nkey)}, permissions: { publish: ${allow(permissions.publish)}, subscribe: ${allow(permissions.subscribe)} } }`;
}
