/**
 * Registered sources as ingest uses them: made once per state of the registry, and looked at again for every batch, so that a connection
 * which stays open neither outlives its credential nor goes on under settings of before. Who may change them is in the routes.
 */
import { type Clock, type Secret, TocsinError } from '@tocsin/core';
import { compilePrivacy, policyConceals, type Source } from '@tocsin/ingest';
import type { Registered, Registry, SourceRecord } from './registry.ts';

/** What a book is made of. */
export interface SourceBookOptions {
  readonly registry: Pick<Registry, 'get' | 'credentialByHash'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Key of hashed and tokenised fields, where there is one. */
  readonly privacyKey?: Secret | undefined;
}

/** All sources, as they stand now. */
export class SourceBook {
  readonly #options: SourceBookOptions;
  readonly #made = new WeakMap<Registered<SourceRecord>, Source>();

  constructor(options: SourceBookOptions) {
    this.#options = options;
  }

  /** Makes a source of a record that is to be registered: whether it can be. @throws privacy.* */
  check(tenant: string, value: SourceRecord): void {
    this.#make({ tenant, value });
  }

  /** A source that may send; undefined where there is none of that name. @throws auth.refused where it was revoked */
  find(tenant: string, name: string): Source | undefined {
    const entry = this.#options.registry.get(tenant, 'source', name);
    if (entry === undefined) return undefined;
    if (entry.value.revokedMs !== undefined) throw new TocsinError('auth.refused', { reason: 'its source was revoked' });
    const known = this.#made.get(entry);
    if (known !== undefined) return known;
    const made = this.#make(entry);
    this.#made.set(entry, made);
    return made;
  }

  /** Whether a source conceals anything, also where it was revoked or its key is missing. */
  conceals(tenant: string, name: string): boolean {
    const policy = this.#options.registry.get(tenant, 'source', name)?.value.privacy;
    return policy !== undefined && policyConceals(policy);
  }

  /** The source as it stands now, of a connection that came in as `held`. @throws auth.refused where it, or its credential, was revoked or has expired */
  standing(held: Source): Source {
    const now = this.find(held.tenant, held.name);
    if (now === undefined) throw new TocsinError('auth.refused', { reason: 'its source is not known' });
    if (held.credential === undefined) return now;
    const credential = this.#options.registry.credentialByHash(held.credential)?.value;
    if (credential === undefined || credential.revokedMs !== undefined) throw new TocsinError('auth.refused', { reason: 'it was revoked' });
    if (credential.expiresMs !== undefined && credential.expiresMs <= this.#options.clock.nowMs())
      throw new TocsinError('auth.refused', { reason: 'it has expired' });
    return { ...now, credential: held.credential };
  }

  #make({ tenant, value }: Pick<Registered<SourceRecord>, 'tenant' | 'value'>): Source {
    const { name, format, lane, logSource, schemas = 'off', privacy: policy } = value;
    // Where its key is missing nothing is taken: what should be concealed must not be stored as it is.
    const privacy = policy && compilePrivacy(policy, { tenant, source: name, key: this.#options.privacyKey });
    return {
      tenant,
      name,
      format,
      lane,
      shard: '',
      ...(logSource === undefined ? {} : { logSource }),
      ...(privacy === undefined ? {} : { privacy }),
      ...(schemas === 'off' ? {} : { schemas }),
    };
  }
}
