/** Memory set aside for request bodies: bytes of all requests in flight and of each source; bulk gets half at most. Refuses instead of waiting. */
import type { Lane } from '@tocsin/core';

/** Bounds in bytes. */
export interface ByteBudgetLimits {
  readonly maxBytes: number;
  readonly maxBytesPerSource: number;
}

/** What one request holds of the budget. */
export interface BudgetShare {
  /** Takes more: undefined where granted, else which bound is reached; then nothing was taken. */
  take(bytes: number): 'all' | 'source' | undefined;
  /** Gives everything back. Calling it again does nothing. */
  release(): void;
}

/** Bytes in flight. */
export interface ByteBudget {
  readonly used: number;
  share(sourceKey: string, lane: Lane): BudgetShare;
}

/** An unused budget. */
export function createByteBudget(limits: ByteBudgetLimits): ByteBudget {
  const bySource = new Map<string, number>();
  let used = 0;
  let usedByBulk = 0;
  const maxBulkBytes = limits.maxBytes / 2;
  const give = (sourceKey: string, lane: Lane, bytes: number): void => {
    used -= bytes;
    if (lane === 'bulk') usedByBulk -= bytes;
    const left = (bySource.get(sourceKey) ?? 0) - bytes;
    if (left > 0) bySource.set(sourceKey, left);
    else bySource.delete(sourceKey);
  };
  return {
    get used() {
      return used;
    },
    share(sourceKey, lane) {
      let held = 0;
      return {
        take(bytes) {
          const ofSource = bySource.get(sourceKey) ?? 0;
          if (ofSource + bytes > limits.maxBytesPerSource) return 'source';
          // Live finds room whatever bulk does; a body that is alone may have all it needs.
          if (lane === 'bulk' && usedByBulk > 0 && usedByBulk + bytes > maxBulkBytes) return 'all';
          if (used + bytes > limits.maxBytes) return 'all';
          used += bytes;
          if (lane === 'bulk') usedByBulk += bytes;
          held += bytes;
          bySource.set(sourceKey, ofSource + bytes);
          return undefined;
        },
        release() {
          if (held > 0) give(sourceKey, lane, held);
          held = 0;
        },
      };
    },
  };
}
