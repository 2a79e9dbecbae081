/** A listener of kind `mqtt` for tests: on loopback, small limits. */
import { readSettings } from '@tocsin/core/setting';
import { CONTRACT_RECORD_BYTES } from '../src/listeners/contract/listener-driver.ts';
import type { Listener, ListenerContext } from '../src/listeners/listener.ts';
import { mqttKind } from '../src/listeners/mqtt/mqtt-listener.ts';
import { mqttSettings } from '../src/listeners/mqtt/mqtt-settings.ts';

/** Opens one; `more` settings as a user writes them. */
export async function openMqttForTest(context: ListenerContext, more: object = {}): Promise<{ listener: Listener; port: number }> {
  const limits = { maxPacketBytes: CONTRACT_RECORD_BYTES, maxInFlightBytes: 1 << 20, maxInFlightBytesPerConnection: 1 << 20 };
  const listener = await mqttKind.open(
    readSettings(mqttSettings, { port: 0, keepSessions: false, ...limits, ...more }, { file: 'test' }),
    context,
  );
  return { listener, port: Number(new URL(listener.address).port) };
}
