export { type Alarms, createManualClock, createSystemAlarms, type ManualClock } from './alarms.ts';
export { createMemoryBus, type MemoryBusOptions } from './memory-bus.ts';
export { MemoryServer, type MemoryServerOptions } from './memory-server.ts';
