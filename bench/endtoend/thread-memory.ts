/**
 * What each thread of the product holds, told by the thread itself while a run goes on: preloaded, it appends a line every four seconds to
 * `<TOCSIN_BENCH_MEMORY>/<thread>.ndjson`. How it is used stands in docs/performance.md, section Memory.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, threadId } from 'node:worker_threads';

const EVERY_MS = 4000;
const folder = process.env['TOCSIN_BENCH_MEMORY'];
/** Memories of WebAssembly, which no statistics of V8 tell apart. */
const memories: WeakRef<Memory>[] = [];

type Memory = { readonly buffer: ArrayBuffer };
type MemoryHolder = { Memory: new (limits: object) => Memory };

if (folder !== undefined) {
  watchMemories();
  const path = join(folder, `${isMainThread ? 'main' : `thread-${threadId}`}.ndjson`);
  setInterval(
    () => appendFileSync(path, `${JSON.stringify({ ...threadMemory(), ...(isMainThread ? processMemory() : {}) })}\n`),
    EVERY_MS,
  ).unref();
}

function watchMemories(): void {
  const api = (globalThis as unknown as { readonly WebAssembly: MemoryHolder }).WebAssembly;
  api.Memory = class extends api.Memory {
    constructor(limits: object) {
      super(limits);
      memories.push(new WeakRef<Memory>(this));
    }
  };
}

function threadMemory(): object {
  const heap = getHeapStatistics();
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  const wasm = memories.reduce((sum, one) => sum + (one.deref()?.buffer.byteLength ?? 0), 0);
  return {
    atS: Math.round(process.uptime()),
    heapUsedMiB: mib(heap.used_heap_size),
    heapMiB: mib(heap.total_physical_size),
    youngMiB: mib(young?.physical_space_size ?? 0),
    buffersMiB: mib(process.memoryUsage().arrayBuffers),
    wasmMiB: mib(wasm),
  };
}

function processMemory(): object {
  const status = readFileSync('/proc/self/status', 'latin1');
  const field = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024);
  return { rssMiB: field('VmRSS'), anonMiB: field('RssAnon'), fileMiB: field('RssFile') };
}

function mib(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}
