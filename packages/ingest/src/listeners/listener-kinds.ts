/** Every kind of listener. A new one is one row here; settings, reference page and wiring follow from it. */
import { dropKind } from './drop/drop-listener.ts';
import { filesKind } from './files/files-listener.ts';
import { forwardKind } from './forward/forward-listener.ts';
import { kafkaKind } from './kafka/kafka-listener.ts';
import type { ListenerKind } from './listener.ts';
import { mqttKind } from './mqtt/mqtt-listener.ts';
import { otlpGrpc } from './otlp-grpc/otlp-grpc.ts';
import { redisKind } from './redis/redis-listener.ts';
import { syslogKind } from './syslog/syslog-listener.ts';

/** The kinds in the order of the reference page. */
export const listenerKinds: readonly ListenerKind[] = [
  syslogKind,
  forwardKind,
  filesKind,
  dropKind,
  mqttKind,
  otlpGrpc,
  kafkaKind,
  redisKind,
];
