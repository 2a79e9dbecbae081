/** One rule, the same thing happening, in every shape that its records come in: each must be mapped, routed and matched. */
import type { Fields } from '@tocsin/core';
import { compileRules, parseRules } from '@tocsin/detect';
import { decoders, defaultDecodeLimits, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';

const mappings = loadMappings(readShippedMappings());

/** Ids of the rules that hold for a record as a source of format `auto` would take it. */
function matched(rules: readonly string[], record: Fields): string[] {
  const files = rules.map((text, index) => ({ path: `${index}.yml`, text }));
  const parsed = parseRules(files);
  expect(parsed.refused).toEqual([]);
  const [decoded] = decoders.auto.decode(Buffer.from(JSON.stringify(record)), defaultDecodeLimits);
  if (decoded === undefined || !('fields' in decoded)) throw new Error('the record cannot be decoded');
  const { mapping } = mappings.map(decoded.format, decoded.fields, 0);
  const route = compileRules(parsed.rules, mappings.logSources()).route(mapping);
  route?.view.show(decoded.fields);
  return (route?.detections ?? []).filter(({ test }) => test()).map(({ rule }) => rule.meta.id);
}

const rule = (id: string, logsource: object, selection: object): string =>
  JSON.stringify({ title: id, id, logsource, detection: { selection, condition: 'selection' } });

const windows = { product: 'windows' };
const image = 'C:\\Windows\\System32\\whoami.exe';
const parent = 'C:\\Windows\\explorer.exe';
const sysmon = 'Microsoft-Windows-Sysmon/Operational';

describe('a process is started on Windows', () => {
  const rules = [
    rule(
      'start',
      { ...windows, category: 'process_creation' },
      { 'Image|endswith': '\\whoami.exe', 'CommandLine|contains': '/all', 'ParentImage|endswith': '\\explorer.exe' },
    ),
  ];
  const data = { Image: image, CommandLine: 'whoami /all', ParentImage: parent };
  const audited = { NewProcessName: image, CommandLine: 'whoami /all', ParentProcessName: parent };
  const ecs = { process: { executable: image, command_line: 'whoami /all', parent: { executable: parent } } };

  it.each<[string, Fields]>([
    ['Sysmon, flat (NXLog)', { Channel: sysmon, EventID: 1, Hostname: 'W', EventType: 'INFO', ...data }],
    ['Sysmon, EVTX turned to JSON', { Event: { System: { Channel: sysmon, EventID: 1, Computer: 'W' }, EventData: data } }],
    ['Sysmon, EVTX with attributes', { Event: { System: { Channel: sysmon, EventID: { '#text': 1 } }, EventData: data } }],
    ['Sysmon, Winlogbeat 6', { '@timestamp': '2024-01-01T00:00:00Z', log_name: sysmon, event_id: 1, event_data: data }],
    ['Sysmon, Winlogbeat 7', { '@timestamp': '2024-01-01T00:00:00Z', winlog: { channel: sysmon, event_id: 1, event_data: data } }],
    [
      'Sysmon, Winlogbeat in ECS',
      { '@timestamp': '2024-01-01T00:00:00Z', winlog: { channel: sysmon, event_id: '1', event_data: {} }, ...ecs },
    ],
    ['Security 4688, flat', { Channel: 'Security', EventID: 4688, Hostname: 'W', ...audited }],
    ['Security 4688, EVTX turned to JSON', { Event: { System: { Channel: 'Security', EventID: 4688 }, EventData: audited } }],
    ['Security 4688, Winlogbeat 7', { winlog: { channel: 'Security', event_id: 4688, event_data: audited } }],
    ['Security 4688, Winlogbeat in ECS', { winlog: { channel: 'Security', event_id: '4688', event_data: {} }, ...ecs }],
    [
      'OCSF 1007',
      {
        class_uid: 1007,
        activity_id: 1,
        metadata: { version: '1.3.0' },
        device: { os: { type_id: 100 } },
        process: { file: { path: image }, cmd_line: 'whoami /all', parent_process: { file: { path: parent } } },
      },
    ],
    [
      'OCSF 1007, the launching process as actor',
      {
        class_uid: 1007,
        activity_id: 1,
        metadata: { version: '1.1.0' },
        device: { os: { type: 'Windows' } },
        process: { file: { path: image }, cmd_line: 'whoami /all' },
        actor: { process: { file: { path: parent } } },
      },
    ],
  ])('%s', (_, record) => {
    expect(matched(rules, record)).toEqual(['start']);
  });
});

describe('categories that Sysmon and the Security channel both feed', () => {
  const by = (id: string, category: string, selection: object): string => rule(id, { ...windows, category }, selection);
  const rules = [
    by('ended', 'process_termination', { 'Image|endswith': '\\whoami.exe' }),
    by('connected', 'network_connection', { 'Image|endswith': '\\whoami.exe', DestinationIp: '10.0.0.9', DestinationPort: 445 }),
    by('registry', 'registry_event', { 'TargetObject|contains': '\\Run', Details: 'evil' }),
    by('set', 'registry_set', { 'TargetObject|endswith': '\\Run' }),
    by('other', 'file_event', { Image: '*' }),
  ];

  it.each<[string, Fields, string[]]>([
    ['Sysmon 5', { Channel: sysmon, EventID: 5, Image: image }, ['ended']],
    ['Security 4689', { Channel: 'Security', EventID: 4689, ProcessName: image }, ['ended']],
    ['Sysmon 3', { Channel: sysmon, EventID: 3, Image: image, DestinationIp: '10.0.0.9', DestinationPort: '445' }, ['connected']],
    ['Security 5156', { Channel: 'Security', EventID: 5156, Application: image, DestAddress: '10.0.0.9', DestPort: '445' }, ['connected']],
    ['Sysmon 13', { Channel: sysmon, EventID: 13, TargetObject: 'HKLM\\Run', Details: 'evil' }, ['registry', 'set']],
    [
      'Security 4657',
      { Channel: 'Security', EventID: 4657, ObjectName: '\\REGISTRY\\MACHINE\\Run', NewValue: 'evil' },
      ['registry', 'set'],
    ],
  ])('%s', (_, record, wanted) => {
    expect(matched(rules, record)).toEqual(wanted);
  });
});

describe('the provider of a Windows event', () => {
  it.each<[string, Fields]>([
    ['under its own name', { Provider_Name: 'Microsoft-Windows-Eventlog' }],
    ['as NXLog calls it', { SourceName: 'Microsoft-Windows-Eventlog' }],
    ['as Winlogbeat 7 calls it', { winlog: { provider_name: 'Microsoft-Windows-Eventlog' } }],
  ])('%s', (_, provider) => {
    const rules = [rule('cleared', { ...windows, service: 'security' }, { EventID: 1102, Provider_Name: 'Microsoft-Windows-Eventlog' })];
    expect(matched(rules, { Channel: 'Security', EventID: 1102, ...provider })).toEqual(['cleared']);
  });
});

describe('other products', () => {
  const zeek = rule('zeek', { product: 'zeek', service: 'conn' }, { 'id.orig_h|cidr': '10.0.0.0/8', 'id.resp_p': 445 });
  const trail = rule('trail', { product: 'aws', service: 'cloudtrail' }, { eventName: 'StopLogging', 'userIdentity.type': 'Root' });
  const audit = rule('audit', { product: 'linux', service: 'auditd' }, { type: 'EXECVE', 'a1|contains': 'shadow' });
  const started = rule('started', { product: 'linux', category: 'process_creation' }, { 'Image|endswith': '/whoami' });

  it.each<[string, Fields, string]>([
    ['Zeek, names with dots', { _path: 'conn', ts: 1, 'id.orig_h': '10.0.0.1', 'id.resp_p': 445 }, 'zeek'],
    ['Zeek, nested', { _path: 'conn', ts: 1, id: { orig_h: '10.0.0.1', resp_p: 445 } }, 'zeek'],
    ['Zeek, underscored', { _path: 'conn', ts: 1, id_orig_h: '10.0.0.1', id_resp_p: 445 }, 'zeek'],
    [
      'CloudTrail',
      {
        eventVersion: '1.08',
        eventTime: '2024-01-01T00:00:00Z',
        eventSource: 'cloudtrail.amazonaws.com',
        eventName: 'StopLogging',
        userIdentity: { type: 'Root' },
      },
      'trail',
    ],
    ['auditd, flat', { type: 'EXECVE', msg: 'audit(1.0:1)', a0: 'cat', a1: '/etc/shadow' }, 'audit'],
    ['auditd, Auditbeat', { auditd: { message_type: 'execve', data: { a0: 'cat', a1: '/etc/shadow' } } }, 'audit'],
    ['Linux, Sysmon', { Channel: 'Linux-Sysmon/Operational', EventID: 1, Image: '/usr/bin/whoami' }, 'started'],
    [
      'Linux, OCSF',
      {
        class_uid: 1007,
        activity_id: 1,
        metadata: { version: '1.3.0' },
        device: { os: { type_id: 200 } },
        process: { file: { path: '/usr/bin/whoami' } },
      },
      'started',
    ],
  ])('%s', (_, record, wanted) => {
    expect(matched([zeek, trail, audit, started], record)).toEqual([wanted]);
  });
});
