/** The format `vpc-flow`: AWS VPC flow logs, version 2, in the order that AWS gives where none is chosen (VPC guide, "Flow log records"). */
import type { LineFormat } from './line-format.ts';

/** Flow log records without a head line; with one they are read by it (`space-rows.ts`). */
export const vpcFlowFormat: LineFormat = {
  name: 'vpc-flow',
  wants: 'a VPC flow log record of version 2 (14 fields)',
  looks: (line) => /^2 (?:\d{12}|unknown) (?:eni-[0-9a-f]{1,32}|-) /.test(line),
  read: (line) => {
    const cells = line.split(' ', VPC_FLOW_FIELDS.length + 1);
    if (!vpcFlowFormat.looks(line) || cells.length !== VPC_FLOW_FIELDS.length) return undefined;
    return Object.fromEntries(VPC_FLOW_FIELDS.flatMap((name, i) => (cells[i] === '-' ? [] : [[name, cells[i]]])));
  },
};

/** Names of the fields of version 2, in order. */
const VPC_FLOW_FIELDS: readonly string[] = [
  'version',
  'account-id',
  'interface-id',
  'srcaddr',
  'dstaddr',
  'srcport',
  'dstport',
  'protocol',
  'packets',
  'bytes',
  'start',
  'end',
  'action',
  'log-status',
];
