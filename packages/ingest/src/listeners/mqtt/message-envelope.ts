/** What travels beside a message: its topic, and attributes of a CloudEvent in user properties (CloudEvents MQTT binding, binary mode). */
import type { UserProperties } from 'mqtt-packet';
import type { Envelope } from '../../source.ts';

/** Facts about a message. Its topic is the subject unless it is a CloudEvent with one of its own. */
export function envelopeOf(topic: string, properties: UserProperties | undefined): Envelope {
  const text = (name: string): string | undefined => {
    const value = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const traceparent = text('traceparent');
  if (text('specversion') !== '1.0') return { subject: topic, traceparent };
  const timeMs = Date.parse(text('time') ?? '');
  return {
    id: text('id'),
    type: text('type'),
    timeMs: Number.isNaN(timeMs) ? undefined : timeMs,
    subject: text('subject') ?? topic,
    traceparent,
  };
}
