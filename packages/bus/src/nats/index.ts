export type { NatsBusOptions } from './nats-bus.ts';
export { openNatsBus } from './nats-bus.ts';
export type { BusCredential } from './server/credentials-file.ts';
export { ADMIN_DUTY, type DutyPermissions, SUPERVISOR_DUTY } from './server/duty-permissions.ts';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './server/nats-server.ts';
export { type BinarySearch, findServerBinary, OLDEST_SERVER, type ServerBinary } from './server/server-binary.ts';
export type { LogLevel, ServerLog } from './server/server-log.ts';
