/**
 * The format `windows-json`: Windows events as JSON, in the shapes that agents write. Fields stay where they are; where
 * each shape keeps them is said once, in `mappings/shapes/windows.yml`:
 * flat (NXLog, Logstash, Azure `SecurityEvent`), `event_data` (Winlogbeat 6), `winlog.event_data` (Winlogbeat 7 and later).
 */
import type { Fields } from '@tocsin/core';
import { decodeObject } from './json.ts';
import { isObject } from './json-record.ts';
import type { RecordDecoder } from './record-decoder.ts';

/** Decoder of one Windows event per record. */
export const windowsJsonDecoder: RecordDecoder = {
  decode: (bytes, limits) => [decodeObject(bytes, 'windows-json', limits)],
  byMembers: { members: [], read: (record, fields) => ({ record, format: 'windows-json', fields }) },
  jsonObjects: { unless: [] },
};

/** Members that `looksLikeWindows` looks at. */
export const WINDOWS_MEMBERS = ['EventID', 'Channel', 'EventLog', 'ProviderGuid', 'event_id', 'log_name', 'winlog'] as const;

/** Whether an object looks like a Windows event: it names a channel and an event id in one of the shapes. */
export function looksLikeWindows(fields: Fields): boolean {
  if (fields['EventID'] !== undefined)
    return fields['Channel'] !== undefined || fields['EventLog'] !== undefined || fields['ProviderGuid'] !== undefined;
  if (fields['event_id'] !== undefined) return fields['log_name'] !== undefined;
  const winlog = fields['winlog'];
  return isObject(winlog) && winlog['event_id'] !== undefined;
}
