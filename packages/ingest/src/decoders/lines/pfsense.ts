/** The format `pfsense`: packet filter lines of pfSense and OPNsense (Netgate documentation, "Raw Filter Log Format"). */
import type { Fields } from '@tocsin/core';
import type { LineFormat } from './line-format.ts';

/** `filterlog` lines. */
export const pfsenseFormat: LineFormat = {
  name: 'pfsense',
  wants: 'a line of filterlog (rule,sub rule,anchor,tracker,interface,reason,action,direction,version,…)',
  looks: (line) =>
    /^\d{0,9},\d{0,9},[^,]{0,64},[^,]{0,64},[^,]{1,32},[\w-]{1,20},(?:pass|block|match|reject|nat|rdr|binat|unkn\(\d+\)),/.test(line),
  read: (line) => {
    if (!pfsenseFormat.looks(line)) return undefined;
    const cells = line.split(',', 64);
    const [rule, subRule, anchor, tracker, iface, reason, action, direction, version] = cells;
    const head = { rule, sub_rule: subRule, anchor, tracker, interface: iface, reason, action, direction, ip_version: version };
    const named = name(cells, 9, version === '6' ? VERSION_6 : version === '4' ? VERSION_4 : []);
    const at = version === '6' ? 17 : 20;
    return withoutEmpty({ ...head, ...named, ...readPorts(named['protocol'], cells, at) });
  },
};

const VERSION_4 = ['tos', 'ecn', 'ttl', 'id', 'offset', 'flags', 'protocol_id', 'protocol', 'length', 'src_ip', 'dst_ip'];
const VERSION_6 = ['class', 'flow_label', 'hop_limit', 'protocol', 'protocol_id', 'length', 'src_ip', 'dst_ip'];
const TCP = ['src_port', 'dst_port', 'data_length', 'tcp_flags', 'sequence', 'ack', 'window', 'urg', 'options'];
const UDP = ['src_port', 'dst_port', 'data_length'];
const ICMP = ['icmp_type', 'icmp_data1', 'icmp_data2'];

function readPorts(protocol: string | undefined, cells: readonly string[], at: number): Record<string, string> {
  switch (protocol?.toLowerCase()) {
    case 'tcp':
      return name(cells, at, TCP);
    case 'udp':
      return name(cells, at, UDP);
    case 'icmp':
    case 'icmpv6':
    case 'ipv6-icmp':
      return name(cells, at, ICMP);
    default:
      return {};
  }
}

function name(cells: readonly string[], from: number, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((each, i) => [each, cells[from + i] ?? '']));
}

function withoutEmpty(fields: Readonly<Record<string, string | undefined>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
}
