/** Every kind of listener. A new one is one row here; settings, reference page and wiring follow from it. */
import { forwardKind } from './forward/forward-listener.ts';
import type { ListenerKind } from './listener.ts';
import { mqttKind } from './mqtt/mqtt-listener.ts';
import { syslogKind } from './syslog/syslog-listener.ts';

/** The kinds in the order of the reference page. */
export const listenerKinds: readonly ListenerKind[] = [syslogKind, forwardKind, mqttKind];
