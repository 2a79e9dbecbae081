/**
 * Who a device is: by its password, which is its source's token, or else by what the settings bind its address or certificate to. Its
 * client identifier, user name and topics say nothing about it.
 */
import { isTocsinError, TocsinError, tenantKey } from '@tocsin/core';
import type { Source } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';
import type { Peer, PeerBindings } from '../peer-bindings.ts';
import { reasonCode } from './reason-code.data.ts';
import { isTopicName } from './topic-filter.ts';

/** A device that was let in. */
export interface Device {
  readonly source: Source;
  /** No two sources share one. */
  readonly key: string;
  /** Its topics and filters begin with this and a slash. */
  readonly prefix: string;
}

/** What identification needs. */
export interface DeviceIdentityOptions {
  readonly context: Pick<ListenerContext, 'name' | 'authenticate' | 'boundSource'>;
  readonly bindings: PeerBindings | undefined;
  readonly topicPrefix: string;
}

/** Says who a device is; called again from time to time, since a source may be revoked. @throws auth.*, listener.peer_unbound, listener.source_unknown */
export type Identify = () => Promise<Device>;

/** How a device with this password, at this address, is identified. */
export function createIdentify(options: DeviceIdentityOptions, password: string | undefined, peer: Peer): Identify {
  const { context, bindings, topicPrefix } = options;
  return async () => {
    const source =
      password === undefined && bindings !== undefined
        ? context.boundSource(bindings.sourceOf(peer))
        : await context.authenticate(password);
    const prefix = topicPrefix.replaceAll('{source}', () => source.name).replaceAll('{tenant}', () => source.tenant);
    if (!isTopicName(prefix)) throw new TocsinError('listener.topic_forbidden', { listener: context.name, source: source.name, prefix });
    return { source, prefix, key: tenantKey(source.tenant, `/${source.name}`) };
  };
}

/** What a device is told whose identification failed. */
export function reasonOfRefusal(error: unknown): number {
  if (isTocsinError(error, 'auth.refused')) return reasonCode.badCredential;
  const isForbidden = [
    'auth.missing',
    'auth.forbidden',
    'listener.peer_unbound',
    'listener.source_unknown',
    'listener.topic_forbidden',
  ] as const;
  return isForbidden.some((code) => isTocsinError(error, code)) ? reasonCode.notAuthorized : reasonCode.unavailable;
}
