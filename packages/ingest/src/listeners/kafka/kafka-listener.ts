/** The kind `kafka`: a source that reads topics. What one membership in the group does is `kafka-session.ts`. */
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { startPulling } from '../pull/pull-loop.ts';
import { readClientTls } from '../pull/pull-settings.ts';
import { type KafkaSettings, kafkaSettings } from './kafka-settings.ts';

/** Kafka. */
export const kafkaKind = listenerKind({ kind: 'kafka', settings: kafkaSettings, open: openKafka });

async function openKafka(settings: KafkaSettings, context: ListenerContext): Promise<Listener> {
  const address = `kafka://${settings.brokers.join(',')}/${settings.topics.join(',')}`;
  const tls = settings.useTls ? await readClientTls(settings.tls, { name: context.name, address }) : undefined;
  // Read where there is such a listener only: its library takes over half a second and 50 MB to load.
  const { readKafka } = await import('./kafka-session.ts');
  const pulling = startPulling({ context, address, session: (signal) => readKafka({ settings, context, tls, signal }) });
  return { address, [Symbol.asyncDispose]: () => pulling[Symbol.asyncDispose]() };
}
