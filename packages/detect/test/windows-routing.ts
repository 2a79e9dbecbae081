/** Log sources of Windows events in tests: by channel and event id, as the recordings' expected matches were counted. */
import type { Fields, LogSource } from '@tocsin/core';

const sysmon: Readonly<Record<number, readonly string[]>> = {
  1: ['process_creation'],
  2: ['file_change'],
  3: ['network_connection'],
  4: ['sysmon_status'],
  5: ['process_termination'],
  6: ['driver_load'],
  7: ['image_load'],
  8: ['create_remote_thread'],
  9: ['raw_access_thread'],
  10: ['process_access'],
  11: ['file_event'],
  12: ['registry_event', 'registry_add', 'registry_delete'],
  13: ['registry_event', 'registry_set'],
  14: ['registry_event', 'registry_rename'],
  15: ['create_stream_hash'],
  16: ['sysmon_status'],
  17: ['pipe_created'],
  18: ['pipe_created'],
  19: ['wmi_event'],
  20: ['wmi_event'],
  21: ['wmi_event'],
  22: ['dns_query'],
  23: ['file_delete'],
  24: ['clipboard_capture'],
  25: ['process_tampering'],
  26: ['file_delete'],
  255: ['sysmon_error'],
};

const channels: Readonly<Record<string, string>> = {
  security: 'security',
  system: 'system',
  application: 'application',
  'microsoft-windows-sysmon/operational': 'sysmon',
  'microsoft-windows-powershell/operational': 'powershell',
  'windows powershell': 'powershell-classic',
  'microsoft-windows-taskscheduler/operational': 'taskscheduler',
  'microsoft-windows-wmi-activity/operational': 'wmi',
  'microsoft-windows-windows firewall with advanced security/firewall': 'firewall-as',
  'microsoft-windows-bits-client/operational': 'bits-client',
  'microsoft-windows-windows defender/operational': 'windefend',
  'microsoft-windows-ntlm/operational': 'ntlm',
  'openssh/operational': 'openssh',
  'dns server': 'dns-server',
  'microsoft-windows-capi2/operational': 'capi2',
};

/** Log source of an event with this channel and id. */
function windowsSource(channel: string, eventId: number, parts: Partial<LogSource> = {}): LogSource {
  const service = channels[channel.toLowerCase()] ?? 'other';
  return {
    mapping: `${channel} ${eventId} ${parts.prefixes?.[0] ?? ''}`,
    product: 'windows',
    services: [service],
    categories: categoriesOf(service, eventId),
    aliases: {},
    prefixes: [],
    entity: [],
    ...parts,
  };
}

/** Fields of an event as the XML reads in JSON, under the names that rules use. */
const nested: Partial<LogSource> = {
  prefixes: ['Event.EventData.', 'Event.System.', 'Event.UserData.'],
  aliases: {
    Provider_Name: ['Event.System.Provider.#attributes.Name'],
    EventID: ['Event.System.EventID.#text', 'Event.System.EventID'],
    NewValue: ['Event.EventData.NewValue', 'Event.EventData.New Value'],
    Data: ['Event.EventData.Data.#text', 'Event.EventData.Data'],
    Operation: ['Event.EventData.Operation', 'Event.UserData.Operation_ClientFailure.Operation'],
  },
};
const flat: Partial<LogSource> = { aliases: { Provider_Name: ['Provider_Name', 'SourceName'], Computer: ['Computer', 'Hostname'] } };

/** Winlogbeat 6: EventData under `event_data`, the rest under names of its own. */
const beat: Partial<LogSource> = {
  prefixes: ['event_data.'],
  aliases: { EventID: ['event_id'], Channel: ['log_name'], Computer: ['computer_name'], Provider_Name: ['source_name'] },
};

/** Log source of a recorded event: Windows in one of its shapes, CloudTrail, or Zeek. */
export function sourceOfEvent(event: Fields): LogSource {
  if (typeof event['eventSource'] === 'string') return otherSource('cloudtrail', { product: 'aws', services: ['cloudtrail'] });
  if (typeof event['_path'] === 'string') return otherSource(`zeek ${event['_path']}`, { product: 'zeek', services: [event['_path']] });
  if (event['log_name'] !== undefined) return windowsSource(String(event['log_name']), Number(event['event_id']), beat);
  const system = ((event['Event'] as Fields | undefined)?.['System'] ?? undefined) as Fields | undefined;
  if (system === undefined) return windowsSource(String(event['Channel']), Number(event['EventID']), flat);
  const id = system['EventID'];
  return windowsSource(String(system['Channel']), Number(typeof id === 'object' && id !== null ? (id as Fields)['#text'] : id), nested);
}

function otherSource(mapping: string, parts: Partial<LogSource>): LogSource {
  return { mapping, product: '', services: [], categories: [], aliases: {}, prefixes: [], entity: [], ...parts };
}

function categoriesOf(service: string, eventId: number): readonly string[] {
  if (service === 'sysmon') return sysmon[eventId] ?? [];
  if (service === 'powershell' && eventId === 4104) return ['ps_script'];
  if (service === 'powershell' && eventId === 4103) return ['ps_module'];
  if (service === 'powershell-classic')
    return eventId === 400
      ? ['ps_classic_start']
      : eventId === 600
        ? ['ps_classic_provider_start']
        : eventId === 800
          ? ['ps_classic_script']
          : [];
  return [];
}
