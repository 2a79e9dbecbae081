/** Every kind of listener. A new one is one row here; settings, reference page and wiring follow from it. */
import { filesKind } from './files/files-listener.ts';
import { forwardKind } from './forward/forward-listener.ts';
import { kafkaKind } from './kafka/kafka-listener.ts';
import type { ListenerKind } from './listener.ts';
export const listenerKinds: readonly ListenerKind[] = [syslogKind, forwardKind, filesKind, mqttKind, otlpGrpc, kafkaKind, redisKind];
