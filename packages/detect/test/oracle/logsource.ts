// Which log sources an event belongs to, written down plainly for the checks: the product has its own routing table.

import type { Json, OracleEvent } from './fields.ts';

export type LogSource = { readonly product?: string; readonly category?: string; readonly service?: string };

const SYSMON: Record<number, readonly string[]> = {
  1: ['process_creation'],
  2: ['file_change'],
  3: ['network_connection'],
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
  17: ['pipe_created'],
  18: ['pipe_created'],
  19: ['wmi_event'],
  20: ['wmi_event'],
  21: ['wmi_event'],
  22: ['dns_query'],
  23: ['file_delete'],
  25: ['process_tampering'],
};

const CHANNELS: Record<string, string> = {
  security: 'security',
  system: 'system',
  application: 'application',
  'microsoft-windows-sysmon/operational': 'sysmon',
  'microsoft-windows-powershell/operational': 'powershell',
  'windows powershell': 'powershell-classic',
  'microsoft-windows-taskscheduler/operational': 'taskscheduler',
  'microsoft-windows-wmi-activity/operational': 'wmi',
};

/** True when a rule with this log source looks at the event. */
export function belongs(event: OracleEvent, source: LogSource): boolean {
  const { product, services, categories } = sourcesOf(event);
  return (
    (source.product === undefined || source.product === product) &&
    (source.service === undefined || services.includes(source.service)) &&
    (source.category === undefined || categories.includes(source.category))
  );
}

/** 4688 reads as process creation under Sysmon's names; everything else is left as it is. */
export function withAliases(event: OracleEvent): OracleEvent {
  if (event['EventID'] !== 4688) return event;
  return { ...event, Image: event['NewProcessName'] as Json, ParentImage: event['ParentProcessName'] as Json };
}

function sourcesOf(event: OracleEvent): { product: string; services: string[]; categories: readonly string[] } {
  if (typeof event['Channel'] === 'string') {
    const service = CHANNELS[event['Channel'].toLowerCase()] ?? 'other';
    return { product: 'windows', services: [service], categories: windowsCategories(service, Number(event['EventID'])) };
  }
  if (event['eventSource'] !== undefined && event['eventName'] !== undefined)
    return { product: 'aws', services: ['cloudtrail'], categories: [] };
  if (event['event_type'] === 'heartbeat') return { product: 'generic', services: [], categories: ['heartbeat'] };
  if (typeof event['program'] === 'string') {
    const program = event['program'].toLowerCase();
    const extra = ['sshd', 'sudo', 'cron'].includes(program) ? [program] : [];
    return { product: 'linux', services: ['auth', ...extra], categories: [] };
  }
  return { product: 'other', services: [], categories: [] };
}

function windowsCategories(service: string, id: number): readonly string[] {
  if (service === 'sysmon') return SYSMON[id] ?? [];
  if (service === 'security' && id === 4688) return ['process_creation'];
  if (service === 'powershell' && id === 4104) return ['ps_script'];
  if (service === 'powershell' && id === 4103) return ['ps_module'];
  return [];
}
