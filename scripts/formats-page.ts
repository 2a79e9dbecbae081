/** The reference page of formats and mappings, made from the table of decoders and the mapping files. */
import { decoders, type FormatName, loadMappings, readShippedMappings } from '@tocsin/ingest';

/** What a format is, for people: one line each, and what is kept of a record. */
const ABOUT: Readonly<Record<FormatName, readonly [what: string, kept: string]>> = {
  'access-log': ['Access logs of web servers (common, combined, virtual hosts, Traefik) and error logs of nginx and Apache', 'the line'],
  auditd: ['Linux audit log; lines of one event (same node, time, serial) are one record', 'the lines, joined'],
  auto: ['Told by looks, record by record; files also by how they begin', 'as the format found'],
  cef: ['ArcSight Common Event Format, alone or behind a syslog header', 'the line'],
  cloudtrail: ['AWS CloudTrail records, and files of them (`{"Records": […]}`)', 'the record'],
  container: ['Logs of containers: Docker json-file, containerd (CRI)', 'the line'],
  csv: ['CSV with a head row; commas, semicolons or tabs', 'each row as a JSON object'],
  evtx: ['Windows event log files', 'each event as a JSON object'],
  json: ['JSON objects, one per line, in a list, or over several lines', 'the object'],
  'key-value': ['`key=value` pairs and logfmt: firewalls, Go programs', 'the line'],
  leef: ['QRadar Log Event Extended Format 1.0 and 2.0', 'the line'],
  'linux-auth': [
    'Lines of syslog (RFC 3164, RFC 5424, ISO times) with what sshd, sudo, su, PAM, cron and account programs say; journald as JSON',
    'the line',
  ],
  pfsense: ['Packet filter log of pfSense and OPNsense (`filterlog`)', 'the line'],
  syslog: [
    'Whatever a syslog sender sends: RFC 5424, RFC 3164, Cisco, bare lines; messages in CEF, LEEF and the like as their own format',
    'the message',
  ],
  'vpc-flow': ['AWS VPC flow logs of version 2 without a head line', 'the line'],
  w3c: ['W3C extended logs (IIS, CloudFront), VPC flow logs with a head line', 'each row as a JSON object'],
  'windows-json': ['Windows events as JSON in the shapes of NXLog, Winlogbeat, Azure, evtx_dump', 'the object'],
  'windows-xml': ['Windows events as XML', 'the event as a JSON object'],
  zeek: ["Zeek's own text logs with `#fields` heads", 'each row as a JSON object'],
};

/** Formats whose records are carried inside others. */
const CARRIERS = `Every format of lines is also read where its lines are carried: as \`message\`, \`log\` or \`MESSAGE\` of a JSON object, behind a containerd prefix
(\`TIME stdout F …\`), and behind a syslog header. What the carrier says is kept beside the line's own fields.`;

/** The page in Markdown. */
export function formatsPage(note: string): string {
  const formats = Object.keys(decoders).map((name) => {
    const [what, kept] = ABOUT[name as FormatName];
    return `| \`${name}\` | ${what} | ${kept} |`;
  });
  const { specs } = loadMappings(readShippedMappings());
  const mappings = specs.map(({ id, formats: read, product, services, categories, classUid }) => {
    const source = [product ?? '', services.join(' '), categories.join(' ')].map((part) => (part === '' ? '·' : part));
    return `| \`${id}\` | ${read.join(', ')} | ${source.join(' / ')} | ${classUid} |`;
  });
  return `${note}

# Formats and mappings

A *format* says how bytes are read; a *mapping* says what a record means. \`tocsin sources guess FILE\` names both for a file, \`tocsin parse FILE\` shows the events.

## Formats

| format | reads | what is kept as the record |
|---|---|---|
${formats.join('\n')}

${CARRIERS}

Envelopes are taken apart: \`{"Records": […]}\` (CloudTrail, Firehose), \`{"records": […]}\` (Azure), \`{"kind": "EventList", "items": […]}\` (Kubernetes), \`{"value": […]}\` beside
\`@odata.context\` (Microsoft Graph).

Limits of one record: 1 MiB, 64 levels, 10,000 members; of an envelope 16 MiB and 20,000 records. What is refused comes back with its reason and its bytes.

## What is hidden

Strangers hide text from rules: percent signs, HTML entities, \`\\x41\` and \`\\u0041\`, base64 (also UTF-16 of PowerShell), letters that look like others. Up to five layers and
65,536 characters of a field are undone. In lines of web servers, CEF, LEEF, auditd and pairs a field that hides something has a second one for rules, such as
\`decoded.cs-uri-query\`. In the OCSF object (of any format) fields that a mapping lists under \`decoded\` have what they hide among \`enrichments\`. Rules over JSON records
read the record as it came: Sigma's own modifiers (\`base64offset\`, \`utf16\`, \`wide\`) are for that.

## Mappings

${specs.length} mappings. *Log source* is product / services / categories, as rules name them; *class* is OCSF's.

| mapping | formats | log source | class |
|---|---|---|---|
${mappings.join('\n')}
`;
}
