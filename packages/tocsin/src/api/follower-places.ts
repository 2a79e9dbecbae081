/** Places for those who follow the log: each holds a connection and a reader on the bus, so a tenant has a bounded number. */
import { TocsinError } from '@tocsin/core';

/** Who may follow. */
export interface FollowerPlaces {
  /** Takes a place; the answer gives it back, once however often it is called. @throws api.too_many_followers */
  take(tenant: string): () => void;
}

/** Places, `perTenant` for each. */
export function createFollowerPlaces(perTenant: number): FollowerPlaces {
  const taken = new Map<string, number>();
  return {
    take(tenant) {
      const before = taken.get(tenant) ?? 0;
      if (before >= perTenant) throw new TocsinError('api.too_many_followers', { max: perTenant });
      taken.set(tenant, before + 1);
      let isHeld = true;
      return () => {
        const now = taken.get(tenant) ?? 0;
        if (!isHeld) return;
        isHeld = false;
        if (now > 1) taken.set(tenant, now - 1);
        else taken.delete(tenant);
      };
    },
  };
}
