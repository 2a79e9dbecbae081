/** The configuration file of the nats-server child: loopback only, every write synced, one user per duty. Generated, never edited. */
import { chmodSync, writeFileSync } from 'node:fs';
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
  /** What foreign producers may write, all together; undefined where there is no door for them. */
  readonly doorSubjects?: string | undefined;
  /** Foreign producers: users of an account of their own. */
  readonly producers?: readonly ConfigUser[] | undefined;
}

/** One user, by public key. */
export interface ConfigUser {
  readonly nkey: string;
  readonly permissions: NatsPermissions;
}

/** Largest message, headers included. */
export const MAX_PAYLOAD_BYTES = 2 * 1024 * 1024;
/** How long after a question its answer is let through: longer than anybody may wait. */
const ANSWER_WITHIN = '150s';
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_MEMORY_STORE_BYTES = 64 * 1024 * 1024;

/** Writes the file, which only its owner may read. */
export function writeServerConfig(path: string, config: ServerConfig): void {
  writeFileSync(path, serverConfigText(config), { mode: 0o600 });
  chmodSync(path, 0o600);
}

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
    `  ]${config.doorSubjects === undefined ? '' : `, exports: [ { service: ${JSON.stringify(config.doorSubjects)} } ]`} }`,
    ...doorAccount(config),
    `  SYS: { users: [ { nkey: ${JSON.stringify(config.supervisor)} } ] }`,
    '}',
    'system_account: SYS',
    '',
  ].join('\n');
}

/**
 * The account of foreign producers. It owns nothing, neither streams nor the JetStream API: its one import hands messages to PLATFORM, whose
 * stream answers through it. So an answer can only go back into this account, whatever subject a producer asks to be answered on: inside
 * PLATFORM it could be sent to a stream that the producer may not write. Import and account are always there, as nats-server 2.15 does not
 * route an import that a reload adds.
 */
function doorAccount({ doorSubjects, producers = [] }: ServerConfig): string[] {
  if (doorSubjects === undefined) return [];
  return [
    '  DOOR: { users: [',
    ...producers.map((user) => `    ${userText(user)}`),
    `  ], imports: [ { service: { account: PLATFORM, subject: ${JSON.stringify(doorSubjects)} } } ] }`,
  ];
}

function userText({ nkey, permissions }: ConfigUser): string {
  const allow = (subjects: readonly string[]): string => `{ allow: ${JSON.stringify(subjects)} }`;
  const responds = permissions.responds === true ? `, allow_responses: { max: 1, expires: ${JSON.stringify(ANSWER_WITHIN)} }` : '';
  return `{ nkey: ${JSON.stringify(nkey)}, permissions: { publish: ${allow(permissions.publish)}, subscribe: ${allow(permissions.subscribe)}${responds} } }`;
}
